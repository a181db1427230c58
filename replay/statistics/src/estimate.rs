//! Estimates from what was observed of real trading, each with its 95 % interval: a middle, a share of money, a share of cases.
//!
//! None of them assumes a distribution: the middle has the interval of order statistics, a share of money that of a seeded
//! bootstrap, a share of cases that of Wilson. What is measured is written in steps (milliseconds, ticks, the last place of
//! a fee), and no number of observations sees finer than those: [`Estimate::widened`] adds what a step can hide.

use crate::quantile;
use crate::significance::bootstrap::{Interval, Plan, Resampler, Scheme};

/// Fewer observations than this give no estimate: below it the ends of an interval are single observations at the edge.
pub const OBSERVATIONS_MIN: usize = 20;

/// The share of intervals that hold what they are of.
pub const LEVEL: f64 = 0.95;
/// The quantile of the normal distribution that belongs to it.
const NORMAL: f64 = 1.959_963_984_540_054;
/// Equal observations have equal intervals.
const SEED: u64 = 1;
const DRAWS_MAX: usize = 2_000;
const DRAWS_MIN: usize = 400;
/// Values drawn for one interval, so that very many trades do not wait for it.
const VALUES_MAX: usize = 10_000_000;

/// A number and the interval it is known to lie in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// From how many observations.
    pub count: usize,
    /// The number.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Estimate {
    /// With an interval that reaches so much farther down and up.
    #[must_use]
    pub const fn widened(self, down: f64, up: f64) -> Self {
        Self { low: self.low - down, high: self.high + up, ..self }
    }

    /// Whether `truth` lies in the interval.
    #[must_use]
    pub fn holds(&self, truth: f64) -> bool {
        (self.low..=self.high).contains(&truth)
    }
}

/// The median of `values` between two of them; `None` below [`OBSERVATIONS_MIN`].
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<Estimate> {
    if values.len() < OBSERVATIONS_MIN {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let from_either_end = rank(values.len());
    let low = *values.get(from_either_end - 1)?;
    let high = *values.get(values.len() - from_either_end)?;
    Some(Estimate { count: values.len(), value: quantile(&values, 0.5)?, low, high })
}

/// The largest k for which fewer than k of `count` values lie below the median in no more than 2.5 % of samples; at least 1.
fn rank(count: usize) -> usize {
    let tail = (1.0 - LEVEL) / 2.0;
    // In logarithms: a half to the power of some thousands is no number any more.
    let mut chance = count as f64 * -core::f64::consts::LN_2;
    let mut below = 0.0;
    for taken in 0..count / 2 {
        below += libm::exp(chance);
        if below > tail {
            return taken.max(1);
        }
        chance += libm::log((count - taken) as f64 / (taken + 1) as f64);
    }
    (count / 2).max(1)
}

/// What part of the sum of `whole` the sum of `part` is, over pairs `(part, whole)`; `None` below [`OBSERVATIONS_MIN`] and
/// where the whole is nothing.
#[must_use]
pub fn share_of_sums(pairs: &[(f64, f64)]) -> Option<Estimate> {
    if pairs.len() < OBSERVATIONS_MIN {
        return None;
    }
    let share = |(part, whole): (f64, f64)| (whole > 0.0).then(|| part / whole);
    let add = |sum: (f64, f64), pair: &(f64, f64)| (sum.0 + pair.0, sum.1 + pair.1);
    let value = share(pairs.iter().fold((0.0, 0.0), add))?;
    let draws = (VALUES_MAX / pairs.len()).clamp(DRAWS_MIN, DRAWS_MAX);
    // Blocks of one: an order's costs say nothing of the next one's.
    let plan = Plan { scheme: Scheme::Circular, block: 1.0, draws, seed: SEED };
    let mut resampler = Resampler::new(pairs.len(), &plan);
    let mut drawn = Vec::with_capacity(draws);
    for _ in 0..draws {
        let mut sum = (0.0, 0.0);
        resampler.blocks(|block| sum = pairs.get(block).unwrap_or_default().iter().fold(sum, add));
        drawn.extend(share(sum));
    }
    let interval = Interval::of(value, drawn, LEVEL)?;
    Some(Estimate { count: pairs.len(), value, low: interval.low, high: interval.high })
}

/// The share of `count` cases of which `hits` were so; `None` below [`OBSERVATIONS_MIN`].
#[must_use]
pub fn share_of_cases(hits: usize, count: usize) -> Option<Estimate> {
    if count < OBSERVATIONS_MIN || hits > count {
        return None;
    }
    let (cases, share) = (count as f64, hits as f64 / count as f64);
    let square = NORMAL * NORMAL;
    let middle = (share + square / (2.0 * cases)) / (1.0 + square / cases);
    let spread = (share * (1.0 - share) / cases + square / (4.0 * cases * cases)).sqrt();
    let beside = NORMAL * spread / (1.0 + square / cases);
    Some(Estimate { count, value: share, low: (middle - beside).max(0.0), high: (middle + beside).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::significance::random::Random;

    #[test]
    fn the_ranks_are_those_of_the_tables() {
        // Conover, Practical Nonparametric Statistics: of 20 values the 6th and 15th, of 100 the 40th and 61st.
        let cases = [(6, 1), (8, 1), (9, 2), (20, 6), (30, 10), (50, 18), (100, 40)];
        for (count, expected) in cases {
            assert_eq!(rank(count), expected, "{count}");
        }
        // Where a half to this power is nothing, the normal distribution says nearly the same.
        let normal = 10_000.0 / 2.0 - NORMAL * (10_000.0_f64).sqrt() / 2.0;
        assert!((rank(10_000) as f64 - normal).abs() < 2.0);
    }

    #[test]
    fn too_few_give_none() {
        assert_eq!(median(vec![1.0; 19]), None);
        assert_eq!(share_of_sums(&[(1.0, 2.0); 19]), None);
        assert_eq!(share_of_sums(&[(1.0, 0.0); 40]), None);
        assert_eq!(share_of_cases(19, 19), None);
        let same = share_of_sums(&[(1.0, 2.0); 20]).unwrap();
        assert_eq!((same.value, same.low, same.high), (0.5, 0.5, 0.5));
        assert!(same.widened(0.1, 0.2).holds(0.65));
    }

    #[test]
    fn wilson_gives_the_published_example() {
        // Newcombe 1998, table I: 81 of 263, 0.2553 to 0.3662.
        let known = share_of_cases(81, 263).unwrap();
        assert!((known.low - 0.2553).abs() < 5e-5 && (known.high - 0.3662).abs() < 5e-5, "{known:?}");
        let none = share_of_cases(0, 20).unwrap();
        assert!(none.low.abs() < 1e-12 && (none.high - 0.1611).abs() < 5e-5, "{none:?}");
    }

    /// Of 1 000 samples of 40 skewed values, how many intervals hold the truth.
    #[test]
    fn nineteen_of_twenty_intervals_hold_the_truth() {
        let (mut medians, mut shares, mut cases) = (0, 0, 0);
        for seed in 0..1_000 {
            let mut chance = Random::new(seed);
            let waits: Vec<f64> = (0..40).map(|_| libm::exp(0.4 * chance.normal())).collect();
            medians += usize::from(median(waits).unwrap().holds(1.0));
            let paid = |chance: &mut Random| {
                let whole = 100.0 + 900.0 * chance.uniform();
                (whole * 5e-4 * -libm::log(1.0 - chance.uniform()), whole)
            };
            let pairs: Vec<(f64, f64)> = (0..40).map(|_| paid(&mut chance)).collect();
            shares += usize::from(share_of_sums(&pairs).unwrap().holds(5e-4));
            let hits = (0..40).filter(|_| chance.uniform() < 0.3).count();
            cases += usize::from(share_of_cases(hits, 40).unwrap().holds(0.3));
        }
        assert!((950..=985).contains(&medians), "{medians}");
        assert!(
            (900..=960).contains(&shares),
            "a percentile of 40 skewed values is a little narrow: {shares}"
        );
        assert!((930..=980).contains(&cases), "{cases}");
    }
}
