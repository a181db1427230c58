//! Bars built from trades: by time, by number of trades or by volume.

use crate::feed::FeedCondition;
use crate::market::{Bar, Trade};
use crate::num::Qty;
use crate::time::{Span, Timestamp};

/// When a bar is full.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum BarRule {
    /// At every multiple of this span since the epoch.
    Time(Span),
    /// After this many trades.
    Ticks(u32),
    /// Once this quantity has traded; the trade that crosses the line belongs to the bar it fills.
    Volume(Qty),
}

/// Why a trade is not in its bar: the volume would leave the range of quantities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("add a trade to its bar: the volume does not fit in 128 bits")]
pub struct VolumeOverflow;

/// The longest silence that is a quiet market; a longer one is a gap. Measured on a sparse market (Bitfinex, minutes
/// of 2016): of 63 912 pauses the longest quiet one lasted 4.6 hours, the two outages 8 and 61 days.
pub const QUIET_MAX: Span = Span::DAY;

/// Gathers trades of one instrument into bars.
///
/// A time bar holds the trades with `open ≤ arrival < close`. It is completed by the engine's clock, through a
/// deadline or by the first later trade, whichever comes first. A span without trades is a bar without volume at the
/// last price ([`Bar::is_quiet`]), as long as the feed was connected and the last trade is no more than
/// [`QUIET_MAX`] old when the span ends; after that there are no bars until the next trade. Other bars begin where the
/// one before ended. A time bar that began before the first trade of all is partial, for nobody knows what it missed,
/// and is never announced.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct BarBuilder {
    rule: BarRule,
    forming: Option<Bar>,
    completed: Option<Bar>,
    /// Whether a trade was taken in before.
    begun: bool,
    /// Whether the forming bar began before the first trade.
    partial: bool,
    traded_at: Timestamp,
    /// What followed the last bar of trades; nothing where the feed broke.
    silence: Option<Silence>,
    is_connected: bool,
}

/// The time since a bar in which nothing traded.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Silence {
    /// When the last trade came.
    since: Timestamp,
    /// The last bar, quiet ones included.
    last: Bar,
}

impl Silence {
    /// The next bar of `span`, if the market is only quiet until it ends.
    fn quiet_bar(&self, span: Span) -> Option<Bar> {
        let (open_at, price) = (self.last.close_at, self.last.close);
        let close_at = open_at.plus(span);
        let quiet = Bar {
            open_at,
            close_at,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Qty::ZERO,
            trades: 0,
            ..self.last
        };
        (close_at > open_at && close_at.since(self.since) <= QUIET_MAX).then_some(quiet)
    }
}

impl BarBuilder {
    /// A builder with nothing in it.
    #[must_use]
    pub const fn new(rule: BarRule) -> Self {
        Self {
            rule,
            forming: None,
            completed: None,
            traded_at: Timestamp::MIN,
            silence: None,
            is_connected: true,
            begun: false,
            partial: false,
        }
    }

    /// How trades become bars.
    #[must_use]
    pub(crate) const fn rule(&self) -> BarRule {
        self.rule
    }

    /// When the next time bar must be completed: the forming one, or a quiet one.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match (self.rule, &self.forming) {
            (BarRule::Time(_), Some(forming)) => Some(forming.close_at),
            (BarRule::Time(span), None) => Some(self.silence?.quiet_bar(span)?.close_at),
            (BarRule::Ticks(_) | BarRule::Volume(_), _) => None,
        }
    }

    /// The bar that is complete and not yet announced.
    #[must_use]
    pub const fn completed(&self) -> Option<Bar> {
        self.completed
    }

    /// Forgets the completed bar, because it was announced. The quiet bars between it and the forming one follow.
    pub fn announce(&mut self) {
        self.completed = None;
        if let Some(forming) = &self.forming {
            self.keep_quiet(forming.open_at);
        }
    }

    /// Completes the forming time bar, or the next quiet one, if it is over at `at`.
    pub fn pass(&mut self, at: Timestamp) {
        match &self.forming {
            Some(_) if self.deadline().is_some_and(|deadline| at >= deadline) => {
                self.complete();
                // A partial bar is not announced, so nothing else would begin the quiet ones behind it.
                self.keep_quiet(at);
            }
            Some(_) => {}
            None => self.keep_quiet(at),
        }
    }

    /// The feed is whole again, or broke: nothing is known of the time until the next trade.
    pub fn connect(&mut self, condition: FeedCondition) {
        match condition {
            FeedCondition::Connected => self.is_connected = true,
            FeedCondition::Gap | FeedCondition::Lost => {
                self.is_connected = false;
                self.silence = None;
            }
        }
    }

    /// Takes one trade in, completing the bar it ends or fills.
    ///
    /// # Errors
    /// [`VolumeOverflow`]; the forming bar stays as it was then.
    ///
    /// # Panics
    /// When a completed bar was not announced before the next one completes.
    pub fn take(&mut self, at: Timestamp, trade: &Trade) -> Result<(), VolumeOverflow> {
        self.pass(at);
        self.traded_at = at;
        match &mut self.forming {
            Some(bar) => extend(bar, trade)?,
            None => {
                let bar = self.opened(at, trade);
                self.partial = !self.begun && bar.open_at < at;
                self.forming = Some(bar);
            }
        }
        self.begun = true;
        let full = self.forming.as_ref().is_some_and(|bar| match self.rule {
            BarRule::Time(_) => false,
            BarRule::Ticks(count) => bar.trades >= count,
            BarRule::Volume(volume) => bar.volume >= volume,
        });
        if full {
            self.forming = self.forming.map(|bar| Bar { close_at: at, ..bar });
            self.complete();
        }
        Ok(())
    }

    fn complete(&mut self) {
        assert!(self.completed.is_none(), "a completed bar is announced in the step that completes it");
        let over = self.forming.take();
        let silence = |last| Silence { since: self.traded_at, last };
        self.silence = over.filter(|_| self.is_connected).map(silence);
        self.completed = over.filter(|_| !self.partial);
        self.partial = false;
    }

    /// Completes the next quiet bar if it ends at or before `until`.
    fn keep_quiet(&mut self, until: Timestamp) {
        let (BarRule::Time(span), Some(silence), None) = (self.rule, &mut self.silence, self.completed)
        else {
            return;
        };
        if let Some(bar) = silence.quiet_bar(span).filter(|bar| bar.close_at <= until) {
            silence.last = bar;
            self.completed = Some(bar);
        }
    }

    fn opened(&self, at: Timestamp, trade: &Trade) -> Bar {
        let (open_at, close_at) = match self.rule {
            BarRule::Time(span) => (at.floor(span), at.floor(span).plus(span)),
            BarRule::Ticks(_) | BarRule::Volume(_) => {
                (self.silence.map_or(at, |silence| silence.last.close_at), at)
            }
        };
        Bar {
            instrument: trade.instrument,
            open_at,
            close_at,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.qty,
            trades: 1,
        }
    }
}

fn extend(bar: &mut Bar, trade: &Trade) -> Result<(), VolumeOverflow> {
    bar.volume = bar.volume.plus(trade.qty).ok_or(VolumeOverflow)?;
    bar.high = bar.high.max(trade.price);
    bar.low = bar.low.min(trade.price);
    bar.close = trade.price;
    // A count, and no amount: nothing is computed from it, and a bar of so many ticks is full before.
    bar.trades = bar.trades.saturating_add(1);
    Ok(())
}

#[cfg(test)]
mod tests {
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
        closed
            .iter()
            .map(|bar| (bar.open_at.nanos(), bar.close.units(), bar.high.units(), bar.trades))
            .collect()
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
        assert_eq!(
            bars(rule, &[(3, 100, 1), (25, 90, 1), (30, 90, 1)]),
            [(10, 100, 100, 0), (20, 90, 90, 1)]
        );
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
        builder.connect(FeedCondition::Gap);
        builder.connect(FeedCondition::Connected);
        assert_eq!(play(&mut builder, &[(hour * 61, None)]).len(), 1);
        builder.connect(FeedCondition::Lost);
        assert_eq!(builder.deadline(), None);
        builder.connect(FeedCondition::Connected);
        let made = play(&mut builder, &[(hour * 64, Some((80, 1))), (hour * 65, None)]);
        let told: Vec<_> = made.iter().map(|bar| (bar.open_at.nanos() / hour, bar.is_quiet())).collect();
        assert_eq!(told, [(64, false)]);
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
}
