//! Bars of one moment that come one after the other, with ticks between them, are one decision of the default ensemble.

use engine_core::event::{Event, Input};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Aggressor, Bar, MarketUpdate, Trade};
use engine_core::num::{Money, Price, Qty};
use engine_core::regime::DetectorKind;
use engine_core::strategy::Strategy;
use engine_core::time::{Span, Timestamp};
use strategies::ensemble::asset::EnsembleAsset;
use strategies::ensemble::book::BookRules;
use strategies::ensemble::policy::RgEns12;

const DAYS: i64 = 200;
const SECOND: Span = Span::SECOND;

fn ensemble() -> RgEns12 {
    let rules = |symbol: &str| Instrument {
        venue: "test".into(),
        symbol: symbol.into(),
        price_decimals: 2,
        qty_decimals: 3,
        tick: Price::from_units(1),
        lot: Qty::from(1),
        notional_min: Money::ZERO,
    };
    let asset = |symbol| Some(EnsembleAsset::new(rules(symbol), DetectorKind::TwoAxis.build()));
    RgEns12::new(BookRules::default(), 0.005, vec![asset("A"), asset("B")])
}

/// The bar of a market on a day: a wave on a rise, another one for each market.
fn bar(market: u16, day: i64) -> Bar {
    let at = |day: i64| Timestamp::from_nanos(day * Span::DAY.nanos());
    let price = |day: i64| {
        let wave = ((day * (3 + i64::from(market))) % 17 - 8) * 40;
        Price::from_units(20_000 + 60 * day + wave)
    };
    let (open, close) = (price(day - 1), price(day));
    Bar {
        instrument: InstrumentId::new(market),
        open_at: at(day),
        close_at: at(day + 1),
        open,
        high: open.max(close),
        low: open.min(close),
        close,
        volume: Qty::from(1_000),
        trades: 9,
    }
}

fn told(ensemble: &mut RgEns12, at: Timestamp, update: MarketUpdate) {
    ensemble.observe(at, &Event::Input(Input::Market(update)));
}

fn trade(ensemble: &mut RgEns12, at: Timestamp) {
    let (price, qty, aggressor) = (Price::from_units(20_000), Qty::from(1), Aggressor::Unknown);
    let trade = Trade { instrument: InstrumentId::new(0), venue_at: at, price, qty, aggressor };
    told(ensemble, at, MarketUpdate::Trade(trade));
}

fn weights(ensemble: &RgEns12) -> [f64; 2] {
    [0, 1].map(|asset| ensemble.book().weight(asset))
}

#[test]
fn bars_that_come_a_moment_apart_are_one_decision() {
    let (mut together, mut apart) = (ensemble(), ensemble());
    for day in 1..DAYS {
        let closed = bar(0, day).close_at;
        for market in [0, 1] {
            told(&mut together, closed, MarketUpdate::Bar(bar(market, day)));
        }
        told(&mut apart, closed.plus(SECOND), MarketUpdate::SignalBar(bar(0, day)));
        trade(&mut apart, closed.plus(Span::from_nanos(2 * SECOND.nanos())));
        told(
            &mut apart,
            closed.plus(Span::from_nanos(3 * SECOND.nanos())),
            MarketUpdate::SignalBar(bar(1, day)),
        );
        assert_eq!((weights(&apart), apart.decided_at()), (weights(&together), Some(closed)), "day {day}");
    }
    assert!(weights(&together).iter().all(|weight| *weight > 0.0), "{:?}", weights(&together));
}

#[test]
fn a_bar_that_does_not_come_is_waited_for_until_a_tick_says_that_it_will_not() {
    let mut ensemble = ensemble();
    for day in 1..DAYS {
        for market in [0, 1] {
            told(&mut ensemble, bar(0, day).close_at, MarketUpdate::SignalBar(bar(market, day)));
        }
    }
    let closed = bar(0, DAYS).close_at;
    told(&mut ensemble, closed, MarketUpdate::SignalBar(bar(0, DAYS)));
    trade(&mut ensemble, closed.plus(Span::from_nanos(Span::DAY.nanos() / 100)));
    assert_eq!(ensemble.decided_at(), None);
    trade(&mut ensemble, closed.plus(Span::from_nanos(Span::DAY.nanos() / 100 + 1)));
    assert_eq!(ensemble.decided_at(), Some(closed));
}
