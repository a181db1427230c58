//! Block bootstrap: how a figure of daily returns could have come out had the same days come in other blocks.

use core::ops::Range;

use super::block_length::block_length;
use super::path::PathFigures;
use super::random::Random;
use crate::quantile;

/// How blocks are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Random lengths with a geometric distribution: Politis and Romano, *The Stationary Bootstrap*, JASA 89
    /// (1994).
    #[default]
    Stationary,
    /// Equal lengths on a circle: Politis and Romano, *A Circular Block-Resampling Procedure* (1992).
    Circular,
}

/// How to resample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// How blocks are cut.
    pub scheme: Scheme,
    /// Mean length of a block in returns, at least 1; equal blocks are rounded to whole returns.
    pub block: f64,
    /// Number of resampled paths.
    pub draws: usize,
    /// Everything random comes from here.
    pub seed: u64,
}

impl Plan {
    /// The plan for `returns`: stationary blocks as long as the returns or their sizes ask for, whichever is
    /// longer.
    ///
    /// Returns of markets hardly depend on each other, but their sizes do, and drawdowns come from days of
    /// equal size in a row. A series too short or too still to say gets blocks of 1.
    #[must_use]
    pub fn of(returns: &[f64], draws: usize, seed: u64) -> Self {
        let sizes: Vec<f64> = returns.iter().map(|value| value.abs()).collect();
        let block = [block_length(returns), block_length(&sizes)].into_iter().flatten().fold(1.0, f64::max);
        Self { scheme: Scheme::Stationary, block, draws, seed }
    }
}

/// Draws index paths: whole series of the same length, made of blocks of the original.
#[derive(Debug, Clone)]
pub struct Resampler {
    chance: Random,
    scheme: Scheme,
    block: f64,
    /// The logarithm of the chance that a block goes on.
    goes_on: f64,
    count: usize,
}

impl Resampler {
    /// A resampler of a series of `count` values.
    #[must_use]
    pub fn new(count: usize, plan: &Plan) -> Self {
        let block = plan.block.max(1.0);
        let goes_on = libm::log1p(-1.0 / block);
        Self { chance: Random::new(plan.seed), scheme: plan.scheme, block, goes_on, count }
    }

    /// Writes the next path into `path`: for each place the index of the value that stands there now.
    pub fn draw(&mut self, path: &mut Vec<usize>) {
        path.clear();
        self.blocks(|block| path.extend(block));
    }

    /// Hands the blocks of the next path to `take`, one after the other, each as the places of its values in the series;
    /// a block that goes on behind the end of the series comes as two.
    pub fn blocks(&mut self, mut take: impl FnMut(Range<usize>)) {
        let mut left = self.count;
        while left > 0 {
            let begin = self.chance.below(self.count);
            let length = self.length().min(left);
            let to_the_end = length.min(self.count - begin);
            take(begin..begin + to_the_end);
            if length > to_the_end {
                take(0..length - to_the_end);
            }
            left -= length;
        }
    }

    /// The length of the next block, at least 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the series, at least 1"
    )]
    fn length(&mut self) -> usize {
        let longest = self.count as f64;
        let length = match self.scheme {
            Scheme::Circular => self.block.round(),
            Scheme::Stationary if self.block <= 1.0 => 1.0,
            // The inverse of the geometric distribution with mean `block`.
            Scheme::Stationary => {
                let missed = libm::log1p(-self.chance.uniform()) / self.goes_on;
                1.0 + missed.floor()
            }
        };
        length.clamp(1.0, longest) as usize
    }
}

/// A figure with the range its resampled values lie in.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The figure of the series itself.
    pub estimate: f64,
    /// Below it lie `(1 − level) / 2` of the resampled values.
    pub low: f64,
    /// Above it lie as many.
    pub high: f64,
    /// The share of resampled values inside.
    pub level: f64,
}

impl Interval {
    /// The percentile interval of `values`; `None` without values.
    #[must_use]
    pub fn of(estimate: f64, mut values: Vec<f64>, level: f64) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let beside = (1.0 - level) / 2.0;
        let (low, high) = (quantile(&values, beside)?, quantile(&values, 1.0 - beside)?);
        Some(Self { estimate, low, high, level })
    }
}

/// The figures of every resampled path.
#[derive(Debug, Clone, PartialEq)]
pub struct Draws {
    /// Of the series itself.
    pub actual: PathFigures,
    /// Of the paths.
    pub figures: Vec<PathFigures>,
    /// How they were made.
    pub plan: Plan,
}

impl Draws {
    /// Resamples `returns`; `None` below two returns or without draws.
    #[must_use]
    pub fn of(returns: &[f64], plan: &Plan) -> Option<Self> {
        let actual = PathFigures::of(returns.iter().copied())?;
        let mut resampler = Resampler::new(returns.len(), plan);
        let mut path = Vec::with_capacity(returns.len());
        let figures = (0..plan.draws).filter_map(|_| {
            resampler.draw(&mut path);
            PathFigures::of(path.iter().filter_map(|at| returns.get(*at).copied()))
        });
        let figures: Vec<PathFigures> = figures.collect();
        (!figures.is_empty()).then_some(Self { actual, figures, plan: *plan })
    }

    /// The percentile interval of one figure.
    #[must_use]
    pub fn interval(&self, figure: fn(&PathFigures) -> f64, level: f64) -> Option<Interval> {
        Interval::of(figure(&self.actual), self.figures.iter().map(figure).collect(), level)
    }

    /// The share of paths for which `holds`.
    #[must_use]
    pub fn share(&self, holds: impl Fn(&PathFigures) -> bool) -> f64 {
        self.figures.iter().filter(|figures| holds(figures)).count() as f64 / self.figures.len() as f64
    }
}

/// One series of returns less another over the same days, resampled together so that what moves both cancels.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Difference {
    /// Sharpe ratio of the first less that of the second.
    pub sharpe: Interval,
    /// Yearly growth of the first less that of the second.
    pub cagr: Interval,
    /// Two-sided bootstrap p-value of equal Sharpe ratios: twice the smaller share of draws on either side of
    /// zero, at most 1.
    pub p_value: f64,
}

impl Difference {
    /// Compares two series of equal length; `None` when lengths differ or are below two, or without draws.
    #[must_use]
    pub fn of(first: &[f64], second: &[f64], plan: &Plan, level: f64) -> Option<Self> {
        if first.len() != second.len() {
            return None;
        }
        let figures = |path: &[usize]| {
            let along =
                |series: &[f64]| PathFigures::of(path.iter().filter_map(|at| series.get(*at).copied()));
            Some((along(first)?, along(second)?))
        };
        let itself: Vec<usize> = (0..first.len()).collect();
        let (ours, theirs) = figures(&itself)?;
        let mut resampler = Resampler::new(first.len(), plan);
        let mut path = Vec::with_capacity(first.len());
        let (mut sharpes, mut growths) = (Vec::new(), Vec::new());
        for _ in 0..plan.draws {
            resampler.draw(&mut path);
            let (ours, theirs) = figures(&path)?;
            sharpes.push(ours.sharpe - theirs.sharpe);
            growths.push(ours.cagr - theirs.cagr);
        }
        let side = |holds: fn(f64) -> bool| {
            let beyond = sharpes.iter().filter(|difference| holds(**difference)).count();
            (1.0 + beyond as f64) / (1.0 + sharpes.len() as f64)
        };
        let p_value =
            (2.0 * side(|difference| difference <= 0.0).min(side(|difference| difference >= 0.0))).min(1.0);
        Some(Self {
            sharpe: Interval::of(ours.sharpe - theirs.sharpe, sharpes, level)?,
            cagr: Interval::of(ours.cagr - theirs.cagr, growths, level)?,
            p_value,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{deviation, mean};

    fn noise(count: usize, drift: f64, seed: u64) -> Vec<f64> {
        let mut chance = Random::new(seed);
        (0..count).map(|_| drift + 0.01 * chance.normal()).collect()
    }

    fn plan(block: f64, draws: usize) -> Plan {
        Plan { scheme: Scheme::Stationary, block, draws, seed: 5 }
    }

    #[test]
    fn blocks_of_one_are_the_plain_bootstrap() {
        // The standard deviation of a resampled mean is s √((n − 1)/n) / √n when draws are independent.
        let returns = noise(400, 0.0, 3);
        let mut resampler = Resampler::new(returns.len(), &plan(1.0, 0));
        let mut path = Vec::new();
        let mut means = Vec::new();
        let mut followed = 0_usize;
        for _ in 0..2_000 {
            resampler.draw(&mut path);
            followed += path.windows(2).filter(|pair| pair[1] == (pair[0] + 1) % 400).count();
            means.push(mean(&path.iter().map(|at| returns[*at]).collect::<Vec<_>>()).unwrap());
        }
        let expected = deviation(&returns).unwrap() * (399.0_f64 / 400.0).sqrt() / 20.0;
        let spread = deviation(&means).unwrap();
        assert!((spread / expected - 1.0).abs() < 0.06, "{spread} is not {expected}");
        let share = followed as f64 / (2_000.0 * 399.0);
        assert!((share - 1.0 / 400.0).abs() < 5e-4, "neighbours stay together by chance only: {share}");
    }

    #[test]
    fn blocks_have_the_mean_length_they_should() {
        let count = 50_000;
        for (scheme, block) in
            [(Scheme::Stationary, 12.0), (Scheme::Circular, 12.0), (Scheme::Stationary, 2.5)]
        {
            let mut resampler = Resampler::new(count, &Plan { scheme, ..plan(block, 0) });
            let mut path = Vec::new();
            resampler.draw(&mut path);
            let breaks = path.windows(2).filter(|pair| pair[1] != (pair[0] + 1) % count).count();
            let length = count as f64 / (1 + breaks) as f64;
            assert!((length / block - 1.0).abs() < 0.05, "{scheme:?}: {length} is not {block}");
        }
    }

    #[test]
    fn dependence_widens_the_interval_only_when_blocks_are_long() {
        let mut chance = Random::new(9);
        let mut value = 0.0;
        let series = (0..2_000).map(|_| {
            value = 0.8 * value + 0.01 * chance.normal();
            value
        });
        let series: Vec<f64> = series.collect();
        let width = |block: f64| {
            let draws = Draws::of(&series, &plan(block, 300)).unwrap();
            let interval = draws.interval(|figures| figures.sharpe, 0.9).unwrap();
            interval.high - interval.low
        };
        assert!(Plan::of(&series, 1, 1).block > 10.0);
        assert!(width(Plan::of(&series, 1, 1).block) > 1.8 * width(1.0));
    }

    #[test]
    fn the_interval_covers_as_often_as_it_says() {
        // 300 series whose true ratio is known; 90 % intervals must hold it about 270 times (sd 5.2).
        let truth = 0.05 * 365.0_f64.sqrt();
        let covered = (0..300).filter(|seed| {
            let returns = noise(250, 0.0005, 1_000 + seed);
            let interval = Draws::of(&returns, &plan(2.0, 199)).unwrap().interval(|f| f.sharpe, 0.9).unwrap();
            interval.low <= truth && truth <= interval.high
        });
        let covered = covered.count();
        assert!((252..=288).contains(&covered), "{covered} of 300");
    }

    #[test]
    fn a_series_does_not_differ_from_itself_and_a_better_one_does() {
        let first = noise(800, 0.0, 21);
        let same = Difference::of(&first, &first, &plan(5.0, 200), 0.9).unwrap();
        assert_eq!((same.sharpe.low, same.sharpe.high, same.p_value), (0.0, 0.0, 1.0));
        let better: Vec<f64> =
            first.iter().zip(noise(800, 0.0008, 22)).map(|(a, b)| a + 0.3 * b + 0.0006).collect();
        let apart = Difference::of(&better, &first, &plan(5.0, 400), 0.9).unwrap();
        assert!(apart.sharpe.low > 0.0 && apart.p_value < 0.05, "{apart:?}");
        assert_eq!(Difference::of(&first, &first[1..], &plan(5.0, 10), 0.9), None);
    }

    #[test]
    fn shares_count_paths() {
        let draws = Draws::of(&noise(300, 0.001, 2), &plan(3.0, 500)).unwrap();
        assert_eq!(draws.share(|_| true).to_bits(), 1.0_f64.to_bits());
        let positive = draws.share(|figures| figures.sharpe > 0.0);
        assert!(positive > 0.8 && positive <= 1.0, "{positive}");
        assert_eq!(Draws::of(&[0.1], &plan(1.0, 10)), None);
        assert_eq!(Draws::of(&[0.1, 0.2], &plan(1.0, 0)), None);
    }

    proptest! {
        #[test]
        fn every_place_gets_a_value_and_the_seed_decides(
            count in 1_usize..300, block in 1.0_f64..400.0, seed in any::<u64>(), circular in any::<bool>(),
        ) {
            let scheme = if circular { Scheme::Circular } else { Scheme::Stationary };
            let plan = Plan { scheme, block, draws: 1, seed };
            let draw = || {
                let mut path = Vec::new();
                Resampler::new(count, &plan).draw(&mut path);
                path
            };
            let path = draw();
            prop_assert_eq!(path.len(), count);
            prop_assert!(path.iter().all(|at| *at < count));
            prop_assert_eq!(draw(), path);
        }
    }
}
