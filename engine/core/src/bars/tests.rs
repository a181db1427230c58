//! Trades become bars, whatever the clock and the feed do.

use proptest::prelude::*;

use super::*;
use crate::instrument::InstrumentId;
use crate::market::Aggressor;
use crate::num::Price;

fn trade(nanos: i64, price: i64, qty: i128) -> (Timestamp, Trade) {
    let at = Timestamp::from_nanos(nanos);
    let trade = Trade {
        instrument: InstrumentId::new(0),
        venue_at: at,
        price: Price::from_units(price),
        qty: Qty::from_units(qty),
        aggressor: Aggressor::Unknown,
    };
    (at, trade)
}

/// Shows trades and, with no trade, deadlines; answers every bar announced.
fn play(builder: &mut BarBuilder, steps: &[(i64, Option<(i64, i128)>)]) -> Vec<Bar> {
    let mut closed = Vec::new();
    for (nanos, traded) in steps {
        match traded {
            Some((price, qty)) => {
                let (at, trade) = trade(*nanos, *price, *qty);
                builder.take(at, &trade).unwrap();
            }
            None => builder.pass(Timestamp::from_nanos(*nanos)),
        }
        while let Some(bar) = builder.completed() {
            closed.push(bar);
            builder.announce();
        }
    }
    closed
}

fn bars(rule: BarRule, trades: &[(i64, i64, i128)]) -> Vec<(i64, i64, i64, u32)> {
    let steps: Vec<_> = trades.iter().map(|(nanos, price, qty)| (*nanos, Some((*price, *qty)))).collect();
    let closed = play(&mut BarBuilder::new(rule), &steps);
    closed.iter().map(|bar| (bar.open_at.nanos(), bar.close.units(), bar.high.units(), bar.trades)).collect()
}

#[test]
fn a_trade_on_the_boundary_belongs_to_the_next_time_bar() {
    let rule = BarRule::Time(Span::from_nanos(10));
    let made = bars(rule, &[(0, 100, 1), (9, 90, 1), (10, 120, 1), (25, 80, 1)]);
    assert_eq!(made, [(0, 90, 100, 2), (10, 120, 120, 1)]);
}

#[test]
fn a_time_bar_that_began_before_the_data_is_not_announced_but_quiet_ones_behind_it_are() {
    let rule = BarRule::Time(Span::from_nanos(10));
    let late = [(3, 100, 1), (9, 90, 1), (10, 120, 1), (25, 80, 1), (41, 70, 1)];
    assert_eq!(bars(rule, &late), [(10, 120, 120, 1), (20, 80, 80, 1), (30, 80, 80, 0)]);
    let mut builder = BarBuilder::new(rule);
    assert_eq!(play(&mut builder, &[(3, Some((100, 1))), (10, None)]), []);
    assert_eq!(builder.deadline(), Some(Timestamp::from_nanos(20)), "the first whole bar may be quiet");
    assert_eq!(bars(rule, &[(3, 100, 1), (25, 90, 1), (30, 90, 1)]), [(10, 100, 100, 0), (20, 90, 90, 1)]);
}

#[test]
fn a_volume_grows_past_64_bits_and_refuses_what_does_not_fit() {
    let mut builder = BarBuilder::new(BarRule::Time(Span::from_nanos(10)));
    let mut take = |nanos, price, qty| {
        let (at, trade) = trade(nanos, price, qty);
        builder.take(at, &trade)
    };
    assert_eq!(take(0, 100, i128::from(i64::MAX)), Ok(()));
    assert_eq!(take(2, 120, i128::from(i64::MAX)), Ok(()));
    assert_eq!(take(3, 150, i128::MAX - 1), Err(VolumeOverflow));
    builder.pass(Timestamp::from_nanos(10));
    let bar = builder.completed().unwrap();
    assert_eq!((bar.volume.units(), bar.high.units(), bar.trades), (2 * i128::from(i64::MAX), 120, 2));
}

#[test]
fn tick_and_volume_bars_close_with_the_trade_that_fills_them_and_begin_where_the_last_one_ended() {
    let trades = [(1, 100, 5), (2, 110, 5), (3, 90, 20), (4, 95, 1)];
    assert_eq!(bars(BarRule::Ticks(2), &trades), [(1, 110, 110, 2), (2, 95, 95, 2)]);
    assert_eq!(bars(BarRule::Volume(Qty::from_units(10)), &trades), [(1, 110, 110, 2), (2, 90, 90, 1)]);
}

#[test]
fn a_span_without_trades_is_a_quiet_bar_at_the_last_price() {
    let mut builder = BarBuilder::new(BarRule::Time(Span::from_nanos(10)));
    let made = play(&mut builder, &[(0, Some((100, 1))), (9, Some((90, 1))), (35, Some((80, 1)))]);
    let told: Vec<_> =
        made.iter().map(|bar| (bar.open_at.nanos(), bar.close.units(), bar.is_quiet())).collect();
    assert_eq!(told, [(0, 90, false), (10, 90, true), (20, 90, true)]);
    assert_eq!(builder.deadline(), Some(Timestamp::from_nanos(40)));
    // The clock tells of a quiet span before the next trade does.
    let made = play(&mut builder, &[(40, None), (50, None)]);
    assert_eq!(made.iter().map(Bar::is_quiet).collect::<Vec<_>>(), [false, true]);
    assert_eq!(builder.deadline(), Some(Timestamp::from_nanos(60)));
}

#[test]
fn a_silence_of_more_than_a_day_is_a_gap_and_so_is_one_in_a_broken_feed() {
    let hour = Span::HOUR.nanos();
    let mut builder = BarBuilder::new(BarRule::Time(Span::HOUR));
    let steps = [(0, Some((100, 1))), (hour * 60, Some((90, 1)))];
    let made = play(&mut builder, &steps);
    assert_eq!(
        made.len(),
        1 + 23,
        "the quiet bar that ends an hour later would end more than a day after the trade"
    );
    assert_eq!(made[23].close_at.nanos(), hour * 24);
    let at = |hours: i64| Timestamp::from_nanos(hour * hours);
    builder.connect(at(60), FeedCondition::Gap);
    builder.connect(at(60), FeedCondition::Connected);
    assert_eq!(play(&mut builder, &[(hour * 61, None)]), [], "nobody knows what the bar of the gap misses");
    builder.connect(at(61), FeedCondition::Lost);
    assert_eq!(builder.deadline(), None);
    builder.connect(at(64), FeedCondition::Connected);
    let made = play(&mut builder, &[(hour * 64, Some((80, 1))), (hour * 65, None)]);
    let told: Vec<_> = made.iter().map(|bar| (bar.open_at.nanos() / hour, bar.is_quiet())).collect();
    assert_eq!(told, [(64, false)]);
}

#[test]
fn a_feed_that_is_restored_within_a_bar_has_missed_nothing() {
    let at = Timestamp::from_nanos;
    let broken = |back_at: i64, condition: FeedCondition| {
        let mut builder = BarBuilder::new(BarRule::Time(Span::from_nanos(10)));
        let mut made = play(&mut builder, &[(0, Some((100, 1))), (12, Some((90, 1)))]);
        builder.connect(at(14), FeedCondition::Lost);
        builder.connect(at(15), FeedCondition::Lost);
        made.extend(play(&mut builder, &[(back_at, Some((80, 1)))]));
        builder.connect(at(back_at), condition);
        made.extend(play(&mut builder, &[(31, Some((70, 1))), (45, Some((60, 1)))]));
        made.iter().map(|bar| (bar.open_at.nanos(), bar.trades)).collect::<Vec<_>>()
    };
    assert_eq!(broken(18, FeedCondition::Restored), [(0, 1), (10, 2), (20, 0), (30, 1)]);
    assert_eq!(broken(18, FeedCondition::Connected), [(0, 1), (20, 0), (30, 1)], "one bar is not known");
    // Behind the end of the bar the missing trades came too late for it.
    assert_eq!(broken(22, FeedCondition::Restored), [(0, 1), (30, 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn bars_lie_end_to_end_and_hold_every_trade_once_however_the_clock_is_told(
        pauses in prop::collection::vec((0_i64..60, 1_i64..200, prop::bool::ANY), 1..60),
    ) {
        let rule = BarRule::Time(Span::from_nanos(10));
        let (mut woken, mut unwoken) = (BarBuilder::new(rule), BarBuilder::new(rule));
        let (mut at, mut by_clock, mut by_trades) = (0, Vec::new(), Vec::new());
        for (index, (pause, price, is_woken)) in pauses.iter().enumerate() {
            // A first bar that begins before the first trade would be partial.
            at += if index == 0 { 0 } else { *pause };
            while let Some(deadline) = woken.deadline().filter(|deadline| *is_woken && deadline.nanos() <= at) {
                by_clock.extend(play(&mut woken, &[(deadline.nanos(), None)]));
            }
            by_clock.extend(play(&mut woken, &[(at, Some((*price, 1)))]));
            by_trades.extend(play(&mut unwoken, &[(at, Some((*price, 1)))]));
        }
        prop_assert_eq!(&by_clock, &by_trades);
        prop_assert!(by_clock.windows(2).all(|pair| pair[0].close_at == pair[1].open_at));
        let counted: u32 = by_clock.iter().map(|bar| bar.trades).sum();
        let forming = woken.forming.map_or(0, |bar| bar.trades);
        prop_assert_eq!(counted + forming, pauses.len() as u32);
        for pair in by_clock.windows(2).filter(|pair| pair[1].is_quiet()) {
            prop_assert_eq!(pair[0].close, pair[1].close);
        }
    }
}
