//! How well regimes were named: every figure of a comparison with hindsight labels.

use engine_core::regime::Regime;
use serde::Serialize;

use super::hindsight::runs;
use super::trial::Trial;

/// The delays, in bars, at which accuracy is stated.
pub const DELAYS_BARS: [usize; 6] = [0, 1, 2, 3, 5, 10];

/// How well one detector or baseline named the regimes of the bars that count.
///
/// A bar counts when it has a label and something was said of it. Classes are in the order of [`Regime::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scores {
    /// Bars that count.
    pub bars: usize,
    /// Bars with a label of which nothing was said.
    pub silent_bars: usize,
    /// P(said at t = label at t − L) for the L of [`DELAYS_BARS`].
    pub accuracy_after: [f64; 6],
    /// Mean of the recalls of the regimes that occurred.
    pub balanced_accuracy: f64,
    /// Mean of the F1 of the regimes that occurred or were said.
    pub macro_f1: f64,
    /// Cohen's κ: accuracy above what equal frequencies would give by chance (Cohen 1960).
    pub kappa: f64,
    /// Share of each regime's bars that were recognised.
    pub recall: [f64; 4],
    /// Share of the bars called each regime that were it.
    pub precision: [f64; 4],
    /// Bars by label (outer) and by what was said (inner).
    pub confusion: [[u32; 4]; 4],
    /// Accuracy of high against usual volatility alone.
    pub volatility_axis: f64,
    /// How late new regimes were recognised.
    pub delay: Delay,
    /// Changes of what was said in a year.
    pub switches_yearly: f64,
    /// Changes of the labels in a year.
    pub true_switches_yearly: f64,
}

/// How late new regimes were recognised: over the stretches of one label whose beginning is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Delay {
    /// Stretches that began among the bars that count.
    pub stretches: usize,
    /// Median bars from the first bar of a stretch to the first right answer within it; `None` without any.
    pub median_bars: Option<f64>,
    /// Mean of the same.
    pub mean_bars: Option<f64>,
    /// Share of the stretches without a right answer.
    pub missed: f64,
}

impl Scores {
    /// Compares what was `said` of each bar with the labels of `trial`.
    #[must_use]
    pub fn of(trial: &Trial, said: &[Option<Regime>]) -> Self {
        let heard = |at: usize| said.get(at).copied().flatten();
        let pairs: Vec<(Regime, Regime)> =
            trial.judged().filter_map(|(at, label)| Some((label, heard(at)?))).collect();
        let confusion = Confusion::of(&pairs);
        let years = pairs.len() as f64 / trial.series.bars_yearly();
        let changes = |pick: fn(&(Regime, Regime)) -> Regime| {
            let changed = pairs.iter().zip(pairs.iter().skip(1)).filter(|(a, b)| pick(a) != pick(b));
            share(changed.count() as f64, years)
        };
        Self {
            bars: pairs.len(),
            silent_bars: trial.bars() - pairs.len(),
            accuracy_after: DELAYS_BARS.map(|bars| accuracy_after(trial, said, bars)),
            balanced_accuracy: confusion.balanced_accuracy(),
            macro_f1: confusion.macro_f1(),
            kappa: confusion.kappa(),
            recall: confusion.recall(),
            precision: confusion.precision(),
            confusion: confusion.counts,
            volatility_axis: confusion.volatility_axis(),
            delay: Delay::of(trial, said),
            switches_yearly: changes(|pair| pair.1),
            true_switches_yearly: changes(|pair| pair.0),
        }
    }

    /// Accuracy at the close of the bar itself.
    #[must_use]
    pub const fn accuracy(&self) -> f64 {
        let [now, ..] = self.accuracy_after;
        now
    }

    /// Accuracy for the bar three bars ago.
    #[must_use]
    pub const fn accuracy_three_later(&self) -> f64 {
        let [_, _, _, three, _, _] = self.accuracy_after;
        three
    }
}

/// `part / whole`, zero of nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// P(said at t = label at t − `bars`) over the bars that count at t and have a label that much earlier.
fn accuracy_after(trial: &Trial, said: &[Option<Regime>], bars: usize) -> f64 {
    let earlier = trial.labels_later(bars);
    let pairs = trial
        .judged()
        .filter_map(|(at, _)| Some((earlier.get(at).copied().flatten()?, said.get(at).copied().flatten()?)));
    let (right, all) =
        pairs.fold((0_u32, 0_u32), |(right, all), (label, said)| (right + u32::from(label == said), all + 1));
    share(f64::from(right), f64::from(all))
}

/// Bars by label and by what was said.
#[derive(Debug, Clone, Copy)]
struct Confusion {
    counts: [[u32; 4]; 4],
}

impl Confusion {
    fn of(pairs: &[(Regime, Regime)]) -> Self {
        let mut counts = [[0; 4]; 4];
        for (label, said) in pairs {
            if let Some(count) = counts.get_mut(label.index()).and_then(|row| row.get_mut(said.index())) {
                *count += 1;
            }
        }
        Self { counts }
    }

    /// Bars of each label.
    fn labelled(&self) -> [f64; 4] {
        self.counts.map(|row| f64::from(row.iter().sum::<u32>()))
    }

    /// Bars of which each regime was said.
    fn said(&self) -> [f64; 4] {
        let mut sums = [0.0; 4];
        for row in &self.counts {
            for (sum, count) in sums.iter_mut().zip(row) {
                *sum += f64::from(*count);
            }
        }
        sums
    }

    /// Bars of each label that were recognised.
    fn right(&self) -> [f64; 4] {
        let [[ranging, ..], [_, trending, ..], [_, _, volatile, _], [.., crisis]] = self.counts;
        [ranging, trending, volatile, crisis].map(f64::from)
    }

    fn all(&self) -> f64 {
        self.labelled().iter().sum()
    }

    fn recall(&self) -> [f64; 4] {
        quotients(self.right(), self.labelled())
    }

    fn precision(&self) -> [f64; 4] {
        quotients(self.right(), self.said())
    }

    fn balanced_accuracy(&self) -> f64 {
        let occurred = self.labelled().map(|bars| bars > 0.0);
        mean_where(self.recall(), occurred)
    }

    fn macro_f1(&self) -> f64 {
        let sizes = pairwise(self.labelled(), self.said(), |labelled, said| labelled + said);
        let f1 = quotients(self.right().map(|right| 2.0 * right), sizes);
        mean_where(f1, sizes.map(|size| size > 0.0))
    }

    fn kappa(&self) -> f64 {
        let all = self.all();
        let agreed = share(self.right().iter().sum(), all);
        let products = pairwise(self.labelled(), self.said(), |labelled, said| labelled * said);
        let by_chance = share(products.iter().sum(), all * all);
        share(agreed - by_chance, 1.0 - by_chance)
    }

    fn volatility_axis(&self) -> f64 {
        let [[a, b, ..], [c, d, ..], [.., e, f], [.., g, h]] = self.counts;
        share([a, b, c, d, e, f, g, h].into_iter().map(f64::from).sum(), self.all())
    }
}

fn pairwise(left: [f64; 4], right: [f64; 4], join: impl Fn(f64, f64) -> f64) -> [f64; 4] {
    let mut joined = left;
    for (left, right) in joined.iter_mut().zip(right) {
        *left = join(*left, right);
    }
    joined
}

fn quotients(parts: [f64; 4], wholes: [f64; 4]) -> [f64; 4] {
    pairwise(parts, wholes, share)
}

fn mean_where(values: [f64; 4], counted: [bool; 4]) -> f64 {
    let kept = values.iter().zip(counted).filter(|(_, counted)| *counted);
    let (sum, count) = kept.fold((0.0, 0.0), |(sum, count), (value, _)| (sum + value, count + 1.0));
    share(sum, count)
}

impl Delay {
    fn of(trial: &Trial, said: &[Option<Regime>]) -> Self {
        let mut delays: Vec<f64> = Vec::new();
        let mut missed = 0_usize;
        for joined in trial.series.stretches(2 * trial.rule.half_window_bars + 1) {
            for (stretch, regime, begun) in runs(&trial.labels, joined) {
                if !begun || stretch.start < trial.from {
                    continue;
                }
                let answers = said.get(stretch).unwrap_or_default();
                match answers.iter().position(|answer| *answer == Some(regime)) {
                    Some(bars) => delays.push(bars as f64),
                    None => missed += 1,
                }
            }
        }
        delays.sort_by(f64::total_cmp);
        let stretches = delays.len() + missed;
        let middle = |index: usize| delays.get(index).copied();
        let median = match delays.len() {
            0 => None,
            odd if odd % 2 == 1 => middle(odd / 2),
            even => middle(even / 2 - 1).zip(middle(even / 2)).map(|(low, high)| (low + high) / 2.0),
        };
        Self {
            stretches,
            median_bars: median,
            mean_bars: median.map(|_| delays.iter().sum::<f64>() / delays.len() as f64),
            missed: share(missed as f64, stretches as f64),
        }
    }
}
