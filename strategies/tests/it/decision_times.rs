//! When the ensemble decides: with late, missing and returning instruments.

use engine_core::event::{Event, Input};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Bar, MarketUpdate};
use engine_core::num::{Price, Qty};
use engine_core::regime::DetectorKind;
use engine_core::strategy::Strategy;
use engine_core::time::{Span, Timestamp};
use serde_json::json;
use strategies::ensemble::params::RgEns12Params;
use strategies::ensemble::policy::RgEns12;
use strategies::sample::Source;
use strategies::settings::Settings;
use strategies::trading::RunFacts;

use crate::benchmark_workloads::instrument;

fn ensemble(settings: &serde_json::Value, count: usize) -> RgEns12 {
    let mut settings = Settings::new("strategy", settings.as_object().unwrap());
    let params = RgEns12Params::read(&mut settings).unwrap();
    let named = |number: usize| Instrument { symbol: format!("X{number}"), ..instrument() };
    let instruments: Vec<Instrument> = (0..count).map(named).collect();
    let facts = RunFacts {
        instruments: &instruments,
        source: Source::Bars,
        seed: 1,
        detector: DetectorKind::default(),
    };
    params.ensemble(&facts).unwrap()
}

fn end_of(day: usize) -> Timestamp {
    Timestamp::from_nanos((day as i64 + 1) * Span::DAY.nanos())
}

/// A market that rises with some noise, one daily bar.
fn show(ensemble: &mut RgEns12, asset: u16, day: usize) {
    let wave = [0, 7, 3, 11, 5, 14, 2][day % 7] * 200_000_000;
    let price = Price::from_units(10_000_000_000 + day as i64 * 40_000_000 + wave);
    let bar = Bar {
        instrument: InstrumentId::new(asset),
        open_at: end_of(day - 1),
        close_at: end_of(day),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Qty::ZERO,
        trades: 0,
    };
    ensemble.observe(end_of(day), &Event::Input(Input::Market(MarketUpdate::Bar(bar))));
}

#[test]
fn a_decision_waits_for_every_live_instrument_and_not_for_one_that_has_not_begun() {
    let mut ensemble = ensemble(&json!({}), 3);
    for day in 1..80 {
        show(&mut ensemble, 0, day);
        // On the first day nobody is known to follow; later the first bar alone decides nothing.
        assert_eq!(ensemble.decided_at().is_some(), day == 1);
        show(&mut ensemble, 1, day);
        assert_eq!(ensemble.decided_at(), Some(end_of(day)));
    }
    assert!(ensemble.book().weight(0) > 0.0 && ensemble.book().weight(1) > 0.0);
    // The third begins: late on its first day, awaited from the second on.
    show(&mut ensemble, 2, 79);
    assert_eq!(ensemble.decided_at(), Some(end_of(79)));
    for asset in [0, 1] {
        show(&mut ensemble, asset, 80);
    }
    assert_eq!(ensemble.decided_at(), None);
    show(&mut ensemble, 2, 80);
    assert_eq!(ensemble.decided_at(), Some(end_of(80)));
}

#[test]
fn a_missing_bar_blocks_nobody_is_held_and_goes_on_when_it_is_back() {
    let mut ensemble = ensemble(&json!({}), 2);
    for day in 1..=100 {
        show(&mut ensemble, 0, day);
        show(&mut ensemble, 1, day);
    }
    let held = ensemble.book().weight(1);
    assert!(held > 0.0);
    show(&mut ensemble, 0, 101);
    assert_eq!(ensemble.decided_at(), None, "the second could still come");
    show(&mut ensemble, 0, 102);
    assert_eq!(ensemble.decided_at(), Some(end_of(102)), "it did not, and is no longer awaited");
    // Its own price is unknown; its share drifts only with the equity of the rest.
    assert!((ensemble.book().weight(1) / held - 1.0).abs() < 0.02);
    show(&mut ensemble, 1, 103);
    show(&mut ensemble, 0, 103);
    assert_eq!(ensemble.decided_at(), Some(end_of(103)));
    // The volatility was learned from steps of one size; the gap is one more of them.
    let back = ensemble.book().weight(1);
    assert!(back > 0.0 && ensemble.book().weight(0) > 0.0, "{held} before, {back} after");
}

#[test]
fn only_a_gap_as_long_as_the_history_a_weight_needs_costs_the_weight() {
    let weight_behind = |missing: usize| {
        let mut ensemble = ensemble(&json!({}), 1);
        for day in 1..=400 {
            show(&mut ensemble, 0, day);
        }
        show(&mut ensemble, 0, 401 + missing);
        ensemble.book().weight(0)
    };
    let whole = weight_behind(0);
    assert!(whole > 0.0);
    for missing in [1, 3, 10, 30] {
        let holed = weight_behind(missing);
        assert!(holed > 0.0, "{missing} missing: {holed} of {whole}");
    }
    assert!(weight_behind(150).abs() < 1e-12);
}

#[test]
fn a_bar_seen_twice_or_from_the_past_changes_nothing() {
    let mut ensemble = ensemble(&json!({}), 1);
    for day in 1..=90 {
        show(&mut ensemble, 0, day);
    }
    let (before, at) = (*ensemble.last_step(), ensemble.decided_at());
    show(&mut ensemble, 0, 90);
    show(&mut ensemble, 0, 50);
    assert_eq!((*ensemble.last_step(), ensemble.decided_at()), (before, at));
}
