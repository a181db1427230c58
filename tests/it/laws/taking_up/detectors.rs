//! Every detector and the feature extractor, taken up after any bar and fed with forged knowledge.

use engine_core::feature::market::MarketFeatures;
use engine_core::indicator::Candle;
use engine_core::knowledge::{Knowledge, Learned};
use engine_core::regime::change_point::{ChangePointDetector, ChangePointParameters};
use engine_core::regime::hmm::{HiddenState, HmmDetector, HmmModel};
use engine_core::regime::jump::{JumpDetector, JumpModel, JumpState};
use engine_core::regime::posterior::PosteriorModel;
use engine_core::regime::two_axis::{TwoAxisDetector, TwoAxisParameters};
use engine_core::regime::{DetectorKind, RegimeDetector, RegimeReading};
use proptest::prelude::*;
use strategies_legacy::detector::LegacyDetector;

use super::super::law;

/// What a bar is worth to those who watch: the detector's reading, and the features of it.
struct Watcher {
    detector: Box<dyn RegimeDetector>,
    features: MarketFeatures,
}

engine_core::learned!(Watcher { parts: [detector, features] });

impl Watcher {
    fn learn(&mut self, bar: &Bar) -> (Option<RegimeReading>, Option<Vec<u64>>) {
        if bar.missing > 0 {
            self.detector.bridge(bar.missing, bar.candle.open);
            self.features.bridge(bar.missing, bar.candle.open);
        }
        let reading = self.detector.learn(&bar.candle);
        let vector = self.features.learn(&bar.candle, reading.as_ref());
        (reading, vector.map(|vector| vector.values.iter().map(|value| value.get().to_bits()).collect()))
    }
}

#[derive(Debug, Clone, Copy)]
struct Bar {
    missing: u32,
    candle: Candle,
}

fn hmm() -> HmmModel {
    let state = |mean: f64, deviation: f64, next: [f64; 2], regimes: [f64; 4]| HiddenState {
        mean,
        deviation,
        first: 0.5,
        next: next.to_vec(),
        regimes,
    };
    let calm = state(0.05, 0.8, [0.97, 0.03], [0.6, 0.4, 0.0, 0.0]);
    HmmModel { states: vec![calm, state(-0.1, 2.0, [0.1, 0.9], [0.0, 0.0, 0.6, 0.4])] }
}

fn jump() -> JumpModel {
    let state = |centre: [f64; 3], regimes: [f64; 4]| JumpState { centre, regimes };
    JumpModel {
        means: [0.0; 3],
        deviations: [0.5; 3],
        penalty: 2.0,
        states: vec![
            state([-0.5, -0.5, 0.5], [0.5, 0.5, 0.0, 0.0]),
            state([1.0, 1.0, -0.5], [0.0, 0.0, 0.5, 0.5]),
        ],
    }
}

/// A new detector of every kind; short bases, so that a law need not go through years.
fn detectors() -> Vec<(&'static str, Watcher)> {
    let short = TwoAxisParameters { base_bars: 60, base_bars_min: 20, ..TwoAxisParameters::default() };
    let runs = ChangePointParameters { run_max: 40, ..ChangePointParameters::default() };
    let all: Vec<(&'static str, Box<dyn RegimeDetector>)> = vec![
        ("two-axis", DetectorKind::TwoAxis.build()),
        ("two-axis of 60", Box::new(TwoAxisDetector::new(short, PosteriorModel::DEFAULT).unwrap())),
        ("two-axis-hourly", DetectorKind::TwoAxisHourly.build()),
        ("change-point", DetectorKind::ChangePoint.build()),
        ("change-point of 40", Box::new(ChangePointDetector::new(runs).unwrap())),
        ("hmm", Box::new(HmmDetector::new(hmm()).unwrap())),
        ("jump", Box::new(JumpDetector::new(jump()).unwrap())),
        ("legacy", Box::new(LegacyDetector::default())),
    ];
    let watcher = |(name, detector)| (name, Watcher { detector, features: MarketFeatures::default() });
    all.into_iter().map(watcher).collect()
}

fn bars(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Bar>> {
    let missing = prop_oneof![60 => Just(0_u32), 3 => 1_u32..4, 2 => 4_u32..40, 1 => 40_u32..800];
    let bar = (missing, -0.05_f64..0.05, 0.0_f64..0.02, 0.0_f64..1e6);
    prop::collection::vec(bar, count).prop_map(|moves| {
        let mut close = 100.0_f64;
        let mut bars = Vec::new();
        for (missing, moved, reach, volume) in moves {
            let open = close;
            close = (close * (1.0 + moved)).max(0.01);
            let (high, low) = (open.max(close) * (1.0 + reach), open.min(close) * (1.0 - reach));
            bars.push(Bar { missing, candle: Candle { open, high, low, close, volume } });
        }
        bars
    })
}

fn told(watcher: &Watcher) -> Knowledge {
    Knowledge::of(watcher).unwrap()
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn a_detector_taken_up_after_any_bar_names_what_it_would_have_named(
        bars in bars(300..420), at in any::<prop::sample::Index>(),
    ) {
        let at = at.index(bars.len());
        for ((name, mut whole), (_, mut fresh)) in detectors().into_iter().zip(detectors()) {
            let (past, rest) = bars.split_at(at);
            past.iter().for_each(|bar| drop(whole.learn(bar)));
            let knowledge = told(&whole);
            knowledge.recall(&mut fresh).unwrap();
            prop_assert_eq!(told(&fresh), knowledge);
            for bar in rest {
                prop_assert_eq!(fresh.learn(bar), whole.learn(bar), "{} taken up after {} bars", name, at);
            }
            prop_assert_eq!(told(&fresh), told(&whole));
        }
    }

    #[test]
    fn forged_knowledge_is_refused_or_learned_on_from_without_a_panic(
        bars in bars(220..260),
        forged in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..8),
    ) {
        for ((name, mut whole), (_, mut fresh)) in detectors().into_iter().zip(detectors()) {
            bars.iter().for_each(|bar| drop(whole.learn(bar)));
            let before = told(&fresh);
            if super::forged(&told(&whole), &forged).recall(&mut fresh).is_err() {
                prop_assert_eq!(told(&fresh), before, "{}", name);
            }
            bars.iter().for_each(|bar| drop(fresh.learn(bar)));
        }
    }
}

#[test]
fn what_one_detector_has_learned_is_refused_by_every_other() {
    let mut all = detectors();
    let known: Vec<Knowledge> = all.iter().map(|(_, watcher)| told(watcher)).collect();
    for (own, (name, watcher)) in all.iter_mut().enumerate() {
        for (other, knowledge) in known.iter().enumerate() {
            let recalled = knowledge.recall(watcher as &mut dyn Learned);
            assert_eq!(recalled.is_ok(), own == other, "{name} recalls detector {other}");
        }
    }
}
