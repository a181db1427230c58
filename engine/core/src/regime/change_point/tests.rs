//! Unit tests of `change_point`.

use proptest::prelude::*;

use super::*;

/// Density of the returns of a run as one product, with the constant of every density: the marginal likelihood
/// of the normal-inverse-gamma model (Murphy 2007, equation 203).
fn log_evidence(moves: &[f64], suppose: &ChangePointParameters) -> f64 {
    let (count, sum) = (moves.len() as f64, moves.iter().sum::<f64>());
    let squares: f64 = moves.iter().map(|moved| moved * moved).sum();
    let (k0, a0) = (suppose.mean_weight, suppose.variance_weight);
    let b0 = suppose.variance * (a0 - 1.0);
    let (kn, an) = (k0 + count, a0 + count / 2.0);
    let bn = b0 + (squares - sum * sum / kn) / 2.0;
    let gammas = libm::lgamma(an) - libm::lgamma(a0) + a0 * libm::log(b0) - an * libm::log(bn);
    gammas + 0.5 * libm::log(k0 / kn) - count / 2.0 * libm::log(2.0 * std::f64::consts::PI)
}

/// Chances of the run after the last of `moves` by summing over every way to place changes between returns.
fn by_enumeration(moves: &[f64], suppose: &ChangePointParameters) -> Vec<f64> {
    let count = moves.len();
    let mut chances = vec![0.0; count + 1];
    for placed in 0..1_u32 << count {
        // Bit i: a change right after return i.
        let changes: Vec<usize> = (0..count).filter(|at| placed >> at & 1 == 1).collect();
        let (mut joint, mut begin) = (0.0, 0);
        for end in changes.iter().map(|at| at + 1).chain([count]) {
            joint += log_evidence(&moves[begin..end], suppose);
            begin = end;
        }
        let kept = (count - changes.len()) as f64;
        let prior = changes.len() as f64 * libm::log(suppose.hazard);
        let prior = prior + kept * libm::log(1.0 - suppose.hazard);
        let since = changes.last().map_or(count, |at| count - at - 1);
        chances[since] += libm::exp(joint + prior);
    }
    let total: f64 = chances.iter().sum();
    chances.iter().map(|chance| chance / total).collect()
}

/// Moves that alternate in sign and vary in size, without randomness.
fn moves(count: usize, size: f64) -> impl Iterator<Item = f64> {
    (0..count).map(move |at| {
        let sign = if at % 2 == 0 { 1.0 } else { -1.0 };
        sign * size * (0.4 + 0.3 * (at % 5) as f64)
    })
}

#[test]
fn parameters_that_make_no_detector_are_refused() {
    let good = ChangePointParameters::default();
    let broken = [
        (ChangePointParameters { hazard: 1.0, ..good }, ChangePointError::Runs),
        (ChangePointParameters { run_max: 1, ..good }, ChangePointError::Runs),
        (ChangePointParameters { variance_weight: 1.0, ..good }, ChangePointError::Prior),
        (ChangePointParameters { variance: f64::NAN, ..good }, ChangePointError::Prior),
        (ChangePointParameters { efficiency: f64::INFINITY, ..good }, ChangePointError::Threshold),
    ];
    for (parameters, error) in broken {
        assert_eq!(parameters.validated(), Err(error));
    }
}

#[test]
fn a_change_of_variance_is_found_within_ten_returns() {
    let mut detector = ChangePointDetector::default();
    for moved in moves(200, 0.8) {
        detector.step(moved);
    }
    assert!(detector.change_within(20) < 0.6, "no change: {}", detector.change_within(20));
    assert_eq!(detector.suppose.name(detector.speak().0), Regime::Ranging);
    for moved in moves(10, 4.0) {
        detector.step(moved);
    }
    assert!(detector.change_within(15) > 0.95, "{}", detector.change_within(15));
    let (level, chances) = detector.speak();
    assert_eq!(detector.suppose.name(level), Regime::Volatile);
    assert!(chances[Regime::Volatile.index()] > 0.9, "{chances:?}");
}

#[test]
fn a_rise_is_a_trend_and_a_wild_fall_a_crisis() {
    let named = |returns: &[f64]| {
        let mut detector = ChangePointDetector::default();
        for moved in returns {
            detector.step(*moved);
        }
        detector.suppose.name(detector.speak().0)
    };
    let rise: Vec<f64> = moves(60, 0.6).map(|moved| moved + 0.4).collect();
    let fall: Vec<f64> = moves(60, 2.5).map(|moved| moved - 1.0).collect();
    assert_eq!((named(&rise), named(&fall)), (Regime::Trending, Regime::Crisis));
}

#[test]
fn missing_bars_make_a_change_likelier_and_keep_what_is_usual() {
    let mut detector = ChangePointDetector::default();
    let bars: Vec<Candle> = (0..300).map(|bar| Candle::at(100.0 + f64::from(bar * 7919 % 7))).collect();
    for bar in &bars {
        detector.learn(bar);
    }
    let settled = detector.change_within(0);
    detector.bridge(30, 100.0);
    assert!(detector.change_within(0) > settled + 0.4, "{}", detector.change_within(0));
    let total: f64 = detector.runs.iter().map(|run| run.chance).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    // A gap longer than half of the returns in a deviation: twenty-one are needed anew.
    let silent = bars.iter().position(|bar| detector.learn(bar).is_some());
    assert_eq!(silent, Some(21));
    detector.bridge(2, 103.0);
    assert!(detector.learn(&Candle::at(102.0)).is_some());
}

#[test]
fn it_forgets_everything() {
    let mut detector = ChangePointDetector::default();
    for bar in 0..300 {
        detector.learn(&Candle::at(100.0 + f64::from(bar % 7)));
    }
    assert_ne!(detector, ChangePointDetector::default());
    detector.forget();
    assert_eq!(detector, ChangePointDetector::default());
}

proptest! {
    #[test]
    fn chances_are_the_sum_over_all_ways_to_change(returns in prop::collection::vec(-4.0_f64..4.0, 1..9)) {
        let mut detector = ChangePointDetector::default();
        for moved in &returns {
            detector.step(*moved);
        }
        let expected = by_enumeration(&returns, &detector.suppose);
        prop_assert_eq!(detector.runs.len(), expected.len());
        for (run, expected) in detector.runs.iter().zip(expected) {
            prop_assert!((run.chance - expected).abs() < 1e-9, "{} {expected}", run.chance);
        }
    }

    #[test]
    fn no_return_makes_it_lose_its_finite_state(
        returns in prop::collection::vec(prop_oneof![Just(0.0), -50.0_f64..=50.0], 1..80),
    ) {
        let parameters = ChangePointParameters { run_max: 20, ..ChangePointParameters::default() };
        let mut detector = ChangePointDetector::new(parameters).unwrap();
        for moved in &returns {
            detector.step(*moved);
            prop_assert!(detector.runs.len() <= 21);
            prop_assert!((detector.change_within(21) - 1.0).abs() < 1e-9);
            let (level, chances) = detector.speak();
            prop_assert!(level.mean.is_finite() && level.deviation > 0.0);
            prop_assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}
