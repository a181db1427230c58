//! How long one bar of the ensemble takes: detector, twelve signals, book, and with all eight sleeves.
//!
//! `cargo test -p strategies --release -- --ignored --nocapture speed`

use std::time::Instant;

use engine_core::event::{Event, Input};
use engine_core::feature::market::MarketFeatures;
use engine_core::indicator::Candle;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Bar, MarketUpdate};
use engine_core::regime::{DetectorKind, Regime};
use engine_core::strategy::Strategy;
use serde_json::json;
use strategies::ensemble::params::RgEns12Params;
use strategies::ensemble::sleeves::{Followed, SleeveSet};
use strategies::sample::Source;
use strategies::settings::Settings;
use strategies::trading::RunFacts;

use crate::benchmark_workloads::{bars, instrument};

const MINUTES: &str = "bars/binance_spot_BTCUSDT_1m_2023-03_05.csv.zst";

fn nanos_per(begun: Instant, count: usize) -> f64 {
    begun.elapsed().as_nanos() as f64 / count as f64
}

#[test]
#[ignore = "a measurement, for a release build"]
fn nanoseconds_a_bar() {
    let Some(bars) = bars(MINUTES, true) else { return };
    let candles: Vec<Candle> = bars.iter().map(|bar| Candle::of(bar, &instrument())).collect();
    for followed in [Followed::Families, Followed::All] {
        let mut sleeves = SleeveSet::new(followed);
        let begun = Instant::now();
        let mut sum = 0.0;
        for (bar, candle) in bars.iter().zip(&candles) {
            sum += sleeves.learn(bar.close_at, candle, Some(Regime::Trending)).iter().sum::<f64>();
        }
        println!("sleeves, {followed:?}: {:.0} ns a bar ({sum:.1})", nanos_per(begun, bars.len()));
    }
    let mut detector = DetectorKind::default().build();
    let begun = Instant::now();
    let read = candles.iter().filter_map(|candle| detector.learn(candle)).count();
    println!("detector: {:.0} ns a bar ({read})", nanos_per(begun, bars.len()));
    let mut detector = DetectorKind::default().build();
    let mut features = MarketFeatures::default();
    let begun = Instant::now();
    let mut vectors = 0;
    for candle in &candles {
        let reading = detector.learn(candle);
        vectors += usize::from(features.learn(candle, reading.as_ref()).is_some());
    }
    println!("detector and features: {:.0} ns a bar ({vectors})", nanos_per(begun, bars.len()));
    for count in [1_u16, 3] {
        println!("ensemble over {count}: {:.0} ns a bar a symbol", ensemble(&bars, count));
    }
}

/// Nanoseconds per bar and symbol of the whole ensemble: learning, regime, signals and the book.
fn ensemble(bars: &[Bar], count: u16) -> f64 {
    let settings = json!({});
    let mut settings = Settings::new("strategy", settings.as_object().unwrap());
    let params = RgEns12Params::read(&mut settings).unwrap();
    let named = |number: u16| Instrument { symbol: format!("X{number}"), ..instrument() };
    let instruments: Vec<Instrument> = (0..count).map(named).collect();
    let facts = RunFacts {
        instruments: &instruments,
        source: Source::Bars,
        seed: 1,
        detector: DetectorKind::default(),
    };
    let mut ensemble = params.ensemble(&facts).unwrap();
    let begun = Instant::now();
    for bar in bars {
        for id in (0..count).map(InstrumentId::new) {
            let shown = Bar { instrument: id, ..*bar };
            ensemble.observe(bar.close_at, &Event::Input(Input::Market(MarketUpdate::Bar(shown))));
        }
    }
    assert!(ensemble.book().equity() > 0.0);
    nanos_per(begun, bars.len() * usize::from(count))
}
