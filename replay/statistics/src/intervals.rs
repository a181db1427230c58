//! The 95 % interval beside a ratio: how it could have come out had the same days, or trades, come in other blocks.

use super::series::{DAYS_PER_YEAR, RETURNS_MIN, sortino_per_period};
use super::significance::bootstrap::{Interval, Plan, Resampler};
use super::significance::path::PathFigures;

/// The share of resampled ratios inside.
const LEVEL: f64 = 0.95;
/// Equal runs have equal intervals.
const SEED: u64 = 1;
const DRAWS_MAX: usize = 1_000;
const DRAWS_MIN: usize = 200;
/// Values drawn for one interval, so that a run of very many trades does not wait for it.
const VALUES_MAX: usize = 2_000_000;

/// The ends of an interval; `None` where it has no end, as that of a profit factor when paths without a loss are not rare.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
}

impl Bounds {
    /// The same for a ratio that is not defined: none.
    pub(crate) fn beside(self, ratio: Option<f64>) -> Self {
        if ratio.is_some() { self } else { Self::default() }
    }
}

/// Intervals of the Sortino and the Calmar ratio of daily `returns`; none below 20 of them. The falls are those of daily closes.
pub(crate) fn of_returns(returns: &[f64]) -> [Bounds; 2] {
    let mut path = Vec::with_capacity(returns.len());
    bounds(returns, |resampler| {
        path.clear();
        resampler.blocks(|block| path.extend_from_slice(returns.get(block).unwrap_or_default()));
        let calmar = PathFigures::of(path.iter().copied()).and_then(|figures| figures.calmar());
        [sortino_per_period(&path).map(|ratio| ratio * DAYS_PER_YEAR.sqrt()), calmar]
    })
}

/// Intervals of the profit factor and of the share that won, of trades by their `profits` in the order of closing; none
/// below 20 of them.
pub(crate) fn of_profits(profits: &[f64]) -> [Bounds; 2] {
    // What came up to each trade: a block's share is a difference, however long the block is.
    let sums: Vec<Tally> = std::iter::once(Tally::default())
        .chain(profits.iter().scan(Tally::default(), |sum, profit| {
            *sum = sum.with(*profit);
            Some(*sum)
        }))
        .collect();
    bounds(profits, |resampler| {
        let mut path = Tally::default();
        resampler.blocks(|block| {
            if let (Some(before), Some(after)) = (sums.get(block.start), sums.get(block.end)) {
                path = path.between(before, after);
            }
        });
        // Sums that cancel leave dust: whether anything was lost is counted.
        let factor = (path.losses > 0).then(|| path.won / path.lost);
        [factor, Some(path.wins as f64 / profits.len() as f64)]
    })
}

/// What trades won and lost, and how many of them did.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    won: f64,
    lost: f64,
    wins: usize,
    losses: usize,
}

impl Tally {
    fn with(self, profit: f64) -> Self {
        Self {
            won: self.won + profit.max(0.0),
            lost: self.lost + (-profit).max(0.0),
            wins: self.wins + usize::from(profit > 0.0),
            losses: self.losses + usize::from(profit < 0.0),
        }
    }

    /// This and what came from `before` to `after`.
    fn between(self, before: &Self, after: &Self) -> Self {
        Self {
            won: self.won + (after.won - before.won),
            lost: self.lost + (after.lost - before.lost),
            wins: self.wins + (after.wins - before.wins),
            losses: self.losses + (after.losses - before.losses),
        }
    }
}

/// The percentile intervals of what `ratios` says of resampled `values`. A ratio that divides by nothing is above all others.
fn bounds<const N: usize>(
    values: &[f64],
    mut ratios: impl FnMut(&mut Resampler) -> [Option<f64>; N],
) -> [Bounds; N] {
    if values.len() < RETURNS_MIN {
        return [Bounds::default(); N];
    }
    let draws = (VALUES_MAX / values.len()).clamp(DRAWS_MIN, DRAWS_MAX);
    let plan = Plan::of(values, draws, SEED);
    let mut resampler = Resampler::new(values.len(), &plan);
    let mut drawn: [Vec<f64>; N] = core::array::from_fn(|_| Vec::with_capacity(draws));
    for _ in 0..draws {
        for (drawn, ratio) in drawn.iter_mut().zip(ratios(&mut resampler)) {
            drawn.push(ratio.unwrap_or(f64::INFINITY));
        }
    }
    drawn.map(|drawn| {
        let interval = Interval::of(0.0, drawn, LEVEL);
        let end = |value: f64| Some(value).filter(|value| value.is_finite());
        Bounds {
            low: interval.and_then(|interval| end(interval.low)),
            high: interval.and_then(|interval| end(interval.high)),
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_values_and_rare_losses_have_no_bound() {
        assert_eq!(of_returns(&[0.01; 19]), [Bounds::default(); 2]);
        let rare: Vec<f64> = std::iter::once(-1.0).chain(std::iter::repeat_n(1.0, 99)).collect();
        let [factor, rate] = of_profits(&rare);
        assert!(factor.low.is_some() && factor.high.is_none(), "{factor:?}");
        assert!(rate.low.unwrap() < 0.99 && rate.high == Some(1.0), "{rate:?}");
    }

    #[test]
    fn the_share_that_won_has_nearly_the_interval_of_a_coin() {
        // Independent tosses: 0.5 ∓ 1.96 × √(0.25 ÷ 400) = 0.451 and 0.549.
        let mut chance = crate::significance::random::Random::new(3);
        let tosses: Vec<f64> = (0..400).map(|_| if chance.uniform() < 0.5 { 1.0 } else { -1.0 }).collect();
        let won = tosses.iter().filter(|toss| **toss > 0.0).count() as f64 / 400.0;
        let [_, rate] = of_profits(&tosses);
        assert!((rate.low.unwrap() - (won - 0.049)).abs() < 0.02, "{rate:?} around {won}");
        assert!((rate.high.unwrap() - (won + 0.049)).abs() < 0.02, "{rate:?} around {won}");
    }

    /// Profit factor and share that won of each resampled path, value by value.
    fn value_by_value(profits: &[f64]) -> [Bounds; 2] {
        let (mut places, mut path) = (Vec::new(), Vec::new());
        bounds(profits, |resampler| {
            resampler.draw(&mut places);
            path.clear();
            path.extend(places.iter().map(|place| profits[*place]));
            let lost: f64 = path.iter().map(|profit: &f64| (-profit).max(0.0)).sum();
            let won: f64 = path.iter().map(|profit| profit.max(0.0)).sum();
            let wins = path.iter().filter(|profit| **profit > 0.0).count();
            [(lost > 0.0).then(|| won / lost), Some(wins as f64 / path.len() as f64)]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn sums_of_blocks_are_sums_of_their_values(
            values in prop::collection::vec(prop_oneof![4 => -100.0_f64..100.0, 1 => Just(0.0)], 20..80),
        ) {
            let pairs = of_profits(&values).into_iter().zip(value_by_value(&values));
            for (blocks, single) in pairs {
                for (blocks, single) in [(blocks.low, single.low), (blocks.high, single.high)] {
                    prop_assert_eq!(blocks.is_some(), single.is_some());
                    let (blocks, single) = (blocks.unwrap_or_default(), single.unwrap_or_default());
                    prop_assert!((blocks - single).abs() <= 1e-9 * single.abs().max(1.0), "{} {}", blocks, single);
                }
            }
        }

        #[test]
        fn a_low_end_is_below_a_high_one_and_equal_values_give_equal_ends(
            values in prop::collection::vec(-0.1_f64..0.1, 20..60),
        ) {
            for pair in [of_returns(&values), of_profits(&values)] {
                for bounds in pair {
                    prop_assert!(bounds.low.zip(bounds.high).is_none_or(|(low, high)| low <= high), "{:?}", bounds);
                }
            }
            prop_assert_eq!(of_returns(&values), of_returns(&values));
            let [_, rate] = of_profits(&values);
            let won = values.iter().filter(|value| **value > 0.0).count() as f64 / values.len() as f64;
            prop_assert!(rate.low.unwrap() <= won && won <= rate.high.unwrap(), "{:?} around {}", rate, won);
        }
    }
}
