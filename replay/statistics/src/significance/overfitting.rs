//! Whether picking the best of many trials finds anything: the probability of backtest overfitting.
//!
//! Bailey, Borwein, López de Prado and Zhu, *The Probability of Backtest Overfitting*, Journal of Computational
//! Finance 20 (2017): combinatorially symmetric cross-validation (CSCV). The days are cut into `S` blocks; each
//! half of the blocks is once the sample in which the best trial is picked, and the other half is where it must
//! prove itself.

use crate::DAYS_PER_YEAR;

/// Blocks of the paper: 16, which give 12 870 splits.
pub const BLOCKS: usize = 16;

/// What picking the best trial comes to, over all splits.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Overfitting {
    /// Trials compared.
    pub trials: usize,
    /// Blocks the days were cut into.
    pub blocks: usize,
    /// Ways to choose half of them.
    pub splits: usize,
    /// Probability of backtest overfitting: the share of splits in which the trial picked in one half ranks at or
    /// below the median in the other.
    pub probability: f64,
    /// Share of splits in which the picked trial has a negative Sharpe ratio in the other half.
    pub loss_share: f64,
    /// Slope of the picked trial's ratio in the other half on its ratio in the half it was picked in; `None` when
    /// the latter does not vary. At or below zero: the better it looked, the worse it did.
    pub slope: Option<f64>,
    /// Mean yearly Sharpe ratio of the picked trial in the half it was picked in.
    pub picked_in: f64,
    /// Mean yearly Sharpe ratio of the picked trial in the other half.
    pub picked_out: f64,
    /// Mean yearly Sharpe ratio of all trials in the other half: what picking blindly earns.
    pub average_out: f64,
}

/// Number, sum and sum of squares of some returns.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn of(returns: &[f64]) -> Self {
        returns.iter().fold(Self::default(), |sums, value| {
            sums.plus(&Self { count: 1.0, sum: *value, squares: value * value })
        })
    }

    fn plus(&self, other: &Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
        }
    }

    /// Sharpe ratio per period; a trial that never moved earned nothing for no risk and counts as zero.
    fn sharpe(&self) -> f64 {
        let mean = self.sum / self.count;
        let variance = (self.squares - self.sum * mean) / (self.count - 1.0);
        // A variance that small against the squares is what their rounding left.
        let moves = variance > 1e-13 * self.squares / self.count;
        if moves { mean / variance.sqrt() } else { 0.0 }
    }
}

/// The trial picked in one half of a split, and what became of it in the other.
#[derive(Debug, Clone, Copy)]
struct Split {
    picked_in: f64,
    picked_out: f64,
    average_out: f64,
    /// Share of ranks at or below the picked trial's, in (0, 1); ½ is the median.
    rank: f64,
}

/// Compares `trials`, each the returns of one trial over the same days, by cutting the days into `blocks`.
///
/// Blocks are contiguous and differ by one day at most, so no day is dropped. Equal ratios share their rank. A
/// rank `w` counts as overfit when `ln(w / (1 − w)) ≤ 0`.
///
/// `None` below two trials, for lengths that differ, for an odd or too large number of blocks (at most 24), and
/// below two days a block.
#[must_use]
pub fn overfitting(trials: &[Vec<f64>], blocks: usize) -> Option<Overfitting> {
    let days = trials.first()?.len();
    let fits = trials.len() >= 2 && trials.iter().all(|trial| trial.len() == days);
    if !fits || !(2..=24).contains(&blocks) || !blocks.is_multiple_of(2) || days < 2 * blocks {
        return None;
    }
    let cut = |index: usize| index * days / blocks;
    let sums = |trial: &Vec<f64>| {
        let block = |index| Sums::of(trial.get(cut(index)..cut(index + 1)).unwrap_or_default());
        (0..blocks).map(block).collect()
    };
    let sums: Vec<Vec<Sums>> = trials.iter().map(sums).collect();
    let splits: Vec<Split> = halves(blocks).filter_map(|half| judge(&sums, half)).collect();
    Some(summary(trials.len(), blocks, &splits))
}

/// Every choice of half of `blocks` blocks, as bits, in rising order.
fn halves(blocks: usize) -> impl Iterator<Item = u32> {
    (0..1_u32 << blocks).filter(move |bits| bits.count_ones() as usize * 2 == blocks)
}

fn judge(trials: &[Vec<Sums>], half: u32) -> Option<Split> {
    let ratios = trials.iter().map(|blocks| {
        let (mut inside, mut outside) = (Sums::default(), Sums::default());
        for (index, block) in blocks.iter().enumerate() {
            let side = if half >> index & 1 == 1 { &mut inside } else { &mut outside };
            *side = side.plus(block);
        }
        (inside.sharpe(), outside.sharpe())
    });
    let ratios: Vec<(f64, f64)> = ratios.collect();
    // The first of equally good trials, so that the order of trials decides and nothing else.
    let best = ratios.iter().copied().reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let below = ratios.iter().filter(|ratio| ratio.1 < best.1).count() as f64;
    let equal = ratios.iter().filter(|ratio| ratio.1.total_cmp(&best.1).is_eq()).count() as f64;
    Some(Split {
        picked_in: best.0,
        picked_out: best.1,
        average_out: ratios.iter().map(|ratio| ratio.1).sum::<f64>() / ratios.len() as f64,
        rank: (below + (equal + 1.0) / 2.0) / (ratios.len() as f64 + 1.0),
    })
}

fn summary(trials: usize, blocks: usize, splits: &[Split]) -> Overfitting {
    let count = splits.len() as f64;
    let mean = |value: fn(&Split) -> f64| splits.iter().map(value).sum::<f64>() / count;
    let share = |holds: fn(&Split) -> bool| splits.iter().filter(|split| holds(split)).count() as f64 / count;
    let year = DAYS_PER_YEAR.sqrt();
    let (picked_in, picked_out) = (mean(|split| split.picked_in), mean(|split| split.picked_out));
    let beside = splits.iter().map(|split| (split.picked_in - picked_in, split.picked_out - picked_out));
    let (variance, covariance) = beside.fold((0.0, 0.0), |(variance, covariance), (inside, outside)| {
        (variance + inside * inside, covariance + inside * outside)
    });
    Overfitting {
        trials,
        blocks,
        splits: splits.len(),
        probability: share(|split| split.rank <= 0.5 + 1e-12),
        loss_share: share(|split| split.picked_out < 0.0),
        slope: (variance > 0.0).then(|| covariance / variance),
        picked_in: picked_in * year,
        picked_out: picked_out * year,
        average_out: mean(|split| split.average_out) * year,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::random::Random;
    use super::*;

    fn noise(trials: usize, days: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut chance = Random::new(seed);
        (0..trials).map(|_| (0..days).map(|_| 0.01 * chance.normal()).collect()).collect()
    }

    #[test]
    fn sixteen_blocks_make_the_splits_of_the_paper() {
        assert_eq!(halves(BLOCKS).count(), 12_870);
        let small: Vec<u32> = halves(4).collect();
        assert_eq!(small, [0b0011, 0b0101, 0b0110, 0b1001, 0b1010, 0b1100]);
    }

    #[test]
    fn picking_from_noise_is_a_coin_and_a_truly_better_trial_is_found() {
        // Ten markets of noise: the probability is ½ on average; a single market strays.
        let worlds = (0..10).map(|seed| overfitting(&noise(12, 480, seed), 10).unwrap());
        let worlds: Vec<Overfitting> = worlds.collect();
        let mean = worlds.iter().map(|world| world.probability).sum::<f64>() / 10.0;
        assert!((mean - 0.5).abs() < 0.12, "{mean}");
        assert!(worlds.iter().all(|world| world.picked_in > 1.0 && world.slope.unwrap() < 0.0));

        let mut trials = noise(12, 480, 3);
        trials[7].iter_mut().for_each(|value| *value += 0.004);
        let found = overfitting(&trials, BLOCKS).unwrap();
        assert!(found.probability < 0.01 && found.loss_share < 0.01, "{found:?}");
        assert!(found.picked_out > 3.0 * found.average_out);
    }

    #[test]
    fn the_figures_agree_with_an_independent_computation() {
        // numpy 2.4: ten trials of 203 days from the generator of block_length's test (seed 1, row by row,
        // `(u − ½) / 50` plus 0.0001 × the trial's number), 8 blocks cut at `index × 203 // 8`, every
        // `itertools.combinations(range(8), 4)`, Sharpe by mean/std(ddof=1), rank by
        // `scipy.stats.rankdata(out)[argmax(in)] / 11`, slope by numpy.polyfit.
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / 9_007_199_254_740_992.0
        };
        let mut trials = Vec::new();
        for trial in 0..10 {
            trials.push(
                (0..203).map(|_| (next() - 0.5) / 50.0 + 0.0001 * f64::from(trial)).collect::<Vec<f64>>(),
            );
        }
        let ours = overfitting(&trials, 8).unwrap();
        assert_eq!((ours.trials, ours.splits), (10, 70));
        for (ours, expected) in [
            (ours.probability, 0.42857142857142855),
            (ours.loss_share, 0.12857142857142856),
            (ours.slope.unwrap(), -0.26947743993761136),
            (ours.picked_in, 5.051304914159594),
            (ours.picked_out, 1.787783552793414),
            (ours.average_out, 1.8015388369875154),
        ] {
            assert!((ours - expected).abs() < 1e-9, "{ours} is not {expected}");
        }
    }

    #[test]
    fn trials_that_cannot_be_compared_give_nothing() {
        assert_eq!(overfitting(&noise(1, 100, 1), 4), None);
        assert_eq!(overfitting(&noise(3, 100, 1), 5), None);
        assert_eq!(overfitting(&noise(3, 7, 1), 4), None);
        assert_eq!(overfitting(&[vec![0.0; 50], vec![0.0; 49]], 4), None);
        assert_eq!(overfitting(&[], 4), None);
        let flat = overfitting(&[vec![0.0; 50], vec![0.0; 50]], 4).unwrap();
        assert_eq!((flat.picked_out, flat.slope), (0.0, None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn shares_are_shares_and_scale_does_not_matter(seed in any::<u64>(), scale in 0.1_f64..10.0) {
            let trials = noise(5, 60, seed);
            let scaled: Vec<Vec<f64>> =
                trials.iter().map(|trial| trial.iter().map(|value| value * scale).collect()).collect();
            let (plain, other) = (overfitting(&trials, 6).unwrap(), overfitting(&scaled, 6).unwrap());
            prop_assert!((0.0..=1.0).contains(&plain.probability) && (0.0..=1.0).contains(&plain.loss_share));
            prop_assert!((plain.probability - other.probability).abs() < 1e-9);
            prop_assert!((plain.picked_out - other.picked_out).abs() < 1e-9);
            prop_assert!(plain.picked_in >= plain.average_out - 20.0);
        }
    }
}
