//! Unit tests of `two_axis`.

use proptest::prelude::*;

use super::*;

fn learn_all(detector: &mut TwoAxisDetector, closes: &[f64]) -> Vec<Option<RegimeReading>> {
    closes.iter().map(|close| detector.learn(&Candle::at(*close))).collect()
}

fn walk(steps: &[f64]) -> Vec<f64> {
    let mut log = 5.0;
    let prices = steps.iter().map(|step| {
        log += step;
        libm::exp(log)
    });
    prices.collect()
}

#[test]
fn constant_prices_are_ranging_at_usual_volatility() {
    let readings = learn_all(&mut TwoAxisDetector::default(), &[123.45; 300]);
    assert!(readings[..199].iter().all(Option::is_none));
    let last = readings[299].unwrap();
    assert_eq!((last.regime, last.raw), (Regime::Ranging, Regime::Ranging));
    assert_eq!(last.volatility_ratio, Real::ONE);
    assert_eq!((last.efficiency, last.drift), (Real::ZERO, Real::ZERO));
    assert_eq!(last.run_length_bars, 101);
}

#[test]
fn a_fall_out_of_stillness_is_a_crisis_and_finite() {
    let mut detector = TwoAxisDetector::default();
    learn_all(&mut detector, &[100.0; 250]);
    let reading = detector.learn(&Candle::at(50.0)).unwrap();
    assert_eq!(reading.raw, Regime::Crisis);
    assert!((reading.volatility_ratio.get() - RATIO_MAX).abs() < 1e-9);
    assert!((reading.drift.get() + RATIO_MAX).abs() < 1e-9);
    assert_eq!(reading.run_length_bars, 1);
}

#[test]
fn steady_growth_is_a_trend() {
    let closes = walk(&[0.001; 300]);
    let reading = learn_all(&mut TwoAxisDetector::default(), &closes)[299].unwrap();
    assert_eq!((reading.raw, reading.regime), (Regime::Trending, Regime::Trending));
}

#[test]
fn a_latch_holds_between_its_thresholds() {
    let parameters = TwoAxisParameters::default();
    let at = |volatility_ratio: f64, efficiency: f64, drift: f64| TwoAxisMeasures {
        volatility_ratio,
        efficiency,
        drift,
        volatility_ratio_6: 1.0,
        exponential_ratio_10: 1.0,
        base: 0.01,
        raw: Regime::Ranging,
    };
    let mut conditions = Conditions::default();
    let mut seen = Vec::new();
    for measures in [
        at(1.3, 0.45, 0.0),
        at(1.4, 0.5, -1.1),
        at(1.3, 0.45, -0.8),
        at(1.3, 0.45, -0.6),
        at(1.2, 0.45, 0.0),
        at(1.2, 0.41, 0.0),
    ] {
        conditions = conditions.after(&measures, &parameters);
        seen.push(label(conditions.volatile, conditions.falling, conditions.directed));
    }
    use Regime::{Crisis, Ranging, Trending, Volatile};
    assert_eq!(seen, [Ranging, Crisis, Crisis, Volatile, Trending, Ranging]);
}

#[test]
fn parameters_without_sense_are_refused() {
    let make = |change: fn(&mut TwoAxisParameters)| {
        let mut parameters = TwoAxisParameters::default();
        change(&mut parameters);
        TwoAxisDetector::new(parameters, PosteriorModel::DEFAULT).map(|_| ())
    };
    assert_eq!(make(|_| ()), Ok(()));
    assert_eq!(make(|it| it.window_bars = 2), Err(ParameterError::ShortWindow));
    assert_eq!(make(|it| it.base_bars = 100), Err(ParameterError::ShortWindow));
    assert_eq!(make(|it| it.efficiency = 0.0), Err(ParameterError::Threshold));
    assert_eq!(make(|it| it.drift_latch.on = f64::NAN), Err(ParameterError::Threshold));
    assert_eq!(make(|it| it.drift_latch.off = -2.0), Err(ParameterError::Latch));
}

#[test]
fn exponential_deviation_of_equal_returns_is_their_size() {
    assert!((exponential_deviation(&[0.02; 60]) - 0.02).abs() < 1e-15);
    // Two returns: weights 9/11 and 1.
    let expected = ((9.0 / 11.0 * 0.01_f64 * 0.01 + 0.03 * 0.03) / (20.0 / 11.0)).sqrt();
    assert!((exponential_deviation(&[0.01, 0.03]) - expected).abs() < 1e-15);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_number_is_finite_whatever_the_prices(
        closes in prop::collection::vec(prop_oneof![
            8 => 0.5_f64..2.0, 1 => Just(1.0), 1 => 1e-50_f64..1e-40, 1 => 1e40_f64..1e50, 1 => Just(1e-300), 1 => Just(1e300),
            1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(0.0), 1 => Just(-1.0),
        ], 300..400),
    ) {
        let mut detector = TwoAxisDetector::default();
        for close in closes {
            let reading = detector.learn(&Candle::at(close));
            let Some(measures) = detector.measures() else { continue };
            let numbers = measures.posterior_features(detector.parameters());
            prop_assert!(numbers.iter().all(|number| number.is_finite()));
            prop_assert!(measures.base.is_finite());
            let Some(reading) = reading else { continue };
            prop_assert!((0.0..=1.0).contains(&reading.efficiency.get()));
            let total: f64 = reading.posterior.iter().map(|probability| probability.get()).sum();
            prop_assert!((total - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_warm_start_measures_the_same_bits_and_forgetting_is_starting_anew(
        steps in prop::collection::vec(-0.05_f64..0.05, 900..1_000),
    ) {
        let closes = walk(&steps);
        let (mut whole, mut warm) = (TwoAxisDetector::default(), TwoAxisDetector::default());
        learn_all(&mut whole, &closes);
        // One bar more than the windows, for the first return of a warm start is a zero.
        learn_all(&mut warm, &closes[closes.len() - 751..]);
        prop_assert_eq!(whole.measures(), warm.measures());
        whole.forget();
        prop_assert_eq!(&whole, &TwoAxisDetector::default());
    }
}
