//! The detector on every bar, and the labels the specialists were trained on.

use engine_core::regime::RegimeDetector as _;
use strategies_legacy::detector::{LegacyDetector, WINDOW_BARS};
use strategies_legacy::training::labels;

use super::{bitcoin, near, number, regime, table};

#[test]
fn every_row_of_the_golden_detector_is_reproduced() {
    let (Some((times, history)), Some(golden)) = (bitcoin(), table("golden_regime.csv")) else { return };
    assert_eq!(golden.len(), 4056);
    let mut detector = LegacyDetector::default();
    for ((time, bar), row) in times.iter().zip(&history).zip(&golden) {
        assert_eq!(*time, row["time"]);
        let judged = detector.judge(bar);
        let read = judged.indicators;
        for (name, ours) in [("vix", read.volatility), ("adx", read.adx)] {
            let expected = number(&row[name]);
            assert_eq!(ours.is_some(), expected.is_some(), "{time} {name}: {ours:?} is not {expected:?}");
            near(ours.unwrap_or(0.0), expected.unwrap_or(0.0), 1e-9, name);
        }
        let plain = [
            ("atr_ratio", read.atr_ratio),
            ("volume_spike", read.volume_spike),
            ("price_range", read.price_range),
        ];
        for (name, ours) in plain {
            near(ours, number(&row[name]).unwrap(), 1e-9, name);
        }
        let scores = judged.scores;
        let ours = [scores.crisis, scores.volatile, scores.trending, scores.ranging];
        let names = ["score_crisis", "score_volatile", "score_trending", "score_ranging"];
        assert_eq!(ours, names.map(|name| row[name].parse::<u32>().unwrap()), "{time}");
        assert_eq!(Some(judged.regime), regime(&row["regime"]), "{time}");
    }
}

#[test]
fn the_detector_trait_gives_the_golden_label_from_the_first_full_window_on() {
    let (Some((_, history)), Some(golden)) = (bitcoin(), table("golden_regime.csv")) else { return };
    let mut detector = LegacyDetector::default();
    for (at, (bar, row)) in history.iter().zip(&golden).enumerate() {
        let reading = detector.learn(bar);
        assert_eq!(reading.is_some(), at + 1 >= WINDOW_BARS);
        if let Some(reading) = reading {
            assert_eq!(Some(reading.regime), regime(&row["regime"]));
            assert_eq!(reading.raw, reading.regime);
        }
    }
}

#[test]
fn every_label_of_the_window_of_101_bars_is_reproduced() {
    let (Some((_, history)), Some(golden)) = (bitcoin(), table("btc_1d_labels.csv")) else { return };
    let ours = labels(&history);
    assert_eq!(ours.len(), golden.len());
    for (ours, row) in ours.iter().zip(&golden) {
        assert_eq!(ours.map_or("unknown", |regime| regime.name()), row["regime"], "{}", row["time"]);
    }
    let count = |name: &str| golden.iter().filter(|row| row["regime"] == name).count();
    assert_eq!(["ranging", "trending", "volatile", "crisis"].map(count), [2078, 1121, 643, 114]);
}
