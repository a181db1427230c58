//! Whether it mattered *when* positions were held: exposures against the same exposures at other times.
//!
//! Both nulls keep the market as it was and every exposure as large, as long and as often as it was; only the
//! meeting of the two is left to chance. They say nothing about costs, which the exposures at other times would
//! have paid just the same.

use super::exposure::Exposures;
use super::random::Random;

/// Multiply-adds a null may take before it makes fewer draws than asked for.
const WORK_MAX: usize = 4_000_000_000;

/// An observed statistic among those that chance makes.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct TimingNull {
    /// The statistic of the run.
    pub observed: f64,
    /// Mean of the statistic under chance.
    pub null_mean: f64,
    /// Its standard deviation under chance.
    pub null_sd: f64,
    /// Share of chance's statistics at least as large as the observed, which is counted with them: at least
    /// `1 / (draws + 1)`.
    pub p_value: f64,
    /// Statistics made by chance.
    pub draws: usize,
}

impl TimingNull {
    /// Places `observed` among `chance`; equal up to rounding counts as equal. `None` without draws.
    fn of(observed: f64, chance: &[f64]) -> Option<Self> {
        let count = chance.len() as f64;
        let mean = crate::mean(chance)?;
        let variance = chance.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / count;
        let slack = 1e-12 * observed.abs();
        let reached = chance.iter().filter(|value| **value >= observed - slack).count() as f64;
        Some(Self {
            observed,
            null_mean: mean,
            null_sd: variance.sqrt(),
            p_value: (1.0 + reached) / (1.0 + count),
            draws: chance.len(),
        })
    }
}

/// The circular-shift null: the exposures of all instruments moved together by the same number of intervals, the
/// end joined to the beginning. The statistic is the Sharpe ratio per interval before costs.
///
/// Keeps how exposures follow each other and how returns do; breaks only which met which. Every shift is made
/// when `draws` allows, else a seeded sample of them. Short shifts of slow exposures resemble the run itself,
/// which makes the p-value larger, never smaller.
///
/// `None` below ten intervals, or when what was earned never varied.
#[must_use]
pub fn circular_shift(exposures: &Exposures, draws: usize, seed: u64) -> Option<TimingNull> {
    let rows = exposures.len();
    if rows < 10 {
        return None;
    }
    let observed = ratio(exposures.earned(0))?;
    let draws = affordable(draws, exposures);
    let mut chance = Random::new(seed);
    let shifts: Vec<usize> = match draws >= rows - 1 {
        true => (1..rows).collect(),
        false => (0..draws).map(|_| 1 + chance.below(rows - 1)).collect(),
    };
    // A shift under which nothing was earned is as good as earning nothing.
    let ratios: Vec<f64> =
        shifts.iter().map(|shift| ratio(exposures.earned(*shift)).unwrap_or(0.0)).collect();
    TimingNull::of(observed, &ratios)
}

/// The random-sign null: whether prices rose or fell beside their mean is tossed anew for every interval, the
/// same for all instruments, while sizes of moves and exposures stay. The statistic is the mean of exposure
/// beside its mean times return beside its mean, per interval: the covariance that timing lives on.
///
/// Keeps the clustering of volatility and how instruments move together. A constant exposure has nothing to
/// time and gets the p-value 1. Exposures are held fixed, although a strategy would have answered other signs
/// with other exposures; under the null that makes no difference to the spread in large samples (the sum is a
/// martingale with the same conditional variance).
///
/// `None` below ten intervals.
#[must_use]
pub fn random_sign(exposures: &Exposures, draws: usize, seed: u64) -> Option<TimingNull> {
    let timed = exposures.timed();
    if timed.len() < 10 {
        return None;
    }
    let count = timed.len() as f64;
    let observed = timed.iter().sum::<f64>() / count;
    let mut chance = Random::new(seed);
    let toss = |_| {
        let tossed = timed.chunks(64).map(|chunk| {
            let coins = chance.coins();
            let signed = chunk.iter().enumerate();
            signed.map(|(index, value)| if coins >> index & 1 == 1 { *value } else { -value }).sum::<f64>()
        });
        tossed.sum::<f64>() / count
    };
    let sums: Vec<f64> = (0..affordable(draws, exposures)).map(toss).collect();
    TimingNull::of(observed, &sums)
}

/// As many draws as asked for, or as many as end in reasonable time.
fn affordable(draws: usize, exposures: &Exposures) -> usize {
    draws.min((WORK_MAX / exposures.len().max(1)).max(100))
}

/// Mean over standard deviation, in two passes; `None` where it never varies.
fn ratio(earned: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in earned {
        count += 1.0;
        let beside: f64 = value - mean;
        mean += beside / count;
        squares += beside * (value - mean);
    }
    let deviation = (squares / (count - 1.0)).sqrt();
    (deviation > 1e-12 * mean.abs() && deviation > 0.0).then(|| mean / deviation)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A market of noise, and exposures made by `hold` from the move to come.
    fn world(rows: usize, seed: u64, mut hold: impl FnMut(&mut Random, usize, f64) -> f64) -> Exposures {
        let mut chance = Random::new(seed);
        let mut exposures = Exposures::new(1);
        for row in 0..rows {
            let moved = 0.001 + 0.02 * chance.normal();
            let held = hold(&mut chance, row, moved);
            exposures.push(&[held], &[moved]);
        }
        exposures
    }

    #[test]
    fn exposure_that_never_changes_has_no_timing() {
        let exposures = world(500, 1, |_, _, _| 0.6);
        let (shift, sign) = (circular_shift(&exposures, 1_000, 2), random_sign(&exposures, 1_000, 2));
        assert_eq!(shift.unwrap().p_value.to_bits(), 1.0_f64.to_bits());
        assert_eq!(sign.unwrap().p_value.to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn foresight_is_found_by_both() {
        // In the market on six of ten rising and four of ten falling days.
        let exposures = world(1_000, 3, |chance, _, moved| {
            f64::from(chance.uniform() < if moved > 0.0 { 0.6 } else { 0.4 })
        });
        let (shift, sign) = (circular_shift(&exposures, 2_000, 2), random_sign(&exposures, 2_000, 2));
        assert!(shift.unwrap().p_value < 0.01, "{shift:?}");
        assert!(sign.unwrap().p_value < 0.01, "{sign:?}");
        assert_eq!(shift.unwrap().draws, 999, "every shift once");
    }

    #[test]
    fn luck_is_found_as_often_as_it_may() {
        // Slow exposures without foresight: p-values below a tenth in about a tenth of 200 markets.
        let (mut shifts, mut signs) = (0, 0);
        for seed in 0..200 {
            let mut held = 0.0;
            let exposures = world(300, 100 + seed, |chance, row, _| {
                if row % 20 == 0 {
                    held = f64::from(chance.uniform() < 0.5);
                }
                held
            });
            shifts += i32::from(circular_shift(&exposures, 299, 1).unwrap().p_value < 0.1);
            signs += i32::from(random_sign(&exposures, 299, 1).unwrap().p_value < 0.1);
        }
        assert!((8..=34).contains(&shifts) && (8..=34).contains(&signs), "{shifts} and {signs} of 200");
    }

    #[test]
    fn nothing_held_or_too_little_seen_gives_nothing() {
        assert_eq!(circular_shift(&world(500, 1, |_, _, _| 0.0), 10, 1), None);
        assert_eq!(circular_shift(&world(9, 1, |_, _, _| 1.0), 10, 1), None);
        assert_eq!(random_sign(&world(9, 1, |_, _, _| 1.0), 10, 1), None);
        assert_eq!(random_sign(&world(50, 1, |_, _, _| 1.0), 0, 1), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn p_values_are_shares_and_the_seed_decides(seed in any::<u64>(), rows in 10_usize..80, draws in 1_usize..60) {
            let exposures = world(rows, seed, |chance, _, _| chance.uniform());
            for null in [circular_shift, random_sign] {
                let first = null(&exposures, draws, seed).unwrap();
                prop_assert!(first.p_value > 0.0 && first.p_value <= 1.0);
                prop_assert_eq!(null(&exposures, draws, seed), Some(first));
            }
        }
    }
}
