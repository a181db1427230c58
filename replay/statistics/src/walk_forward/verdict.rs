//! What choosing on the past was worth: the chosen trials stitched together, beside all of them and beside luck.

use crate::significance::bootstrap::Plan;
use crate::significance::deflated::Search;
use crate::significance::overfitting::{BLOCKS, Overfitting, overfitting};
use crate::significance::path::PathFigures;
use crate::significance::reality_check::{RealityCheck, reality_check};
use crate::{SharpeEvidence, deviation, sharpe_per_period};

/// What the best trial is chosen by, on daily returns of the training span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Sharpe ratio.
    #[default]
    Sharpe,
    /// Yearly growth over deepest fall; a path that only rises beats every other, one that never moves is zero.
    Calmar,
    /// Yearly growth.
    Cagr,
}

impl Metric {
    /// How good a path is; larger is better.
    #[must_use]
    pub fn of(self, figures: &PathFigures) -> f64 {
        match self {
            Self::Sharpe => figures.sharpe,
            Self::Cagr => figures.cagr,
            Self::Calmar => match figures.calmar() {
                Some(calmar) => calmar,
                None if figures.cagr > 0.0 => f64::INFINITY,
                None => 0.0,
            },
        }
    }
}

/// What one trial did in one fold.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// Figures of its training span; `None` where there were too few days.
    pub train: Option<PathFigures>,
    /// Daily returns of its test span.
    pub test: Vec<f64>,
}

/// What a whole walk came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// For each fold the place of the chosen trial.
    pub chosen: Vec<usize>,
    /// Daily returns of the chosen trials' tests, one after the other.
    pub stitched: Vec<f64>,
    /// Daily returns of all trials in equal parts, evened out every day.
    pub equal_weight: Vec<f64>,
    /// Daily returns of each trial over all tests.
    pub trials: Vec<Vec<f64>>,
    /// The search: every training run counts as a trial, spread as the trials' tests were.
    pub search: Search,
    /// The deflated Sharpe ratio of `stitched` under that search.
    pub deflated: Option<f64>,
    /// The overfitting of picking among the trials; `None` with a single trial or too few days.
    pub overfitting: Option<Overfitting>,
    /// Whether the best trial earned more than nothing by more than the search would make it.
    pub reality_check: Option<RealityCheck>,
}

impl Verdict {
    /// Judges `folds`, each a list of what every trial did there, in the same order. `plan` resamples for the reality
    /// check.
    ///
    /// Only training figures choose; of equally good trials the first. A trial that ended early (ruined) earns nothing
    /// from there on.
    #[must_use]
    pub fn of(folds: &[Vec<Tried>], metric: Metric, plan: &Plan) -> Self {
        let chosen: Vec<usize> = folds.iter().map(|trials| best(trials, metric)).collect();
        let count = folds.iter().map(Vec::len).max().unwrap_or_default();
        let trials: Vec<Vec<f64>> = (0..count).map(|place| over_all(folds, |_| place)).collect();
        let stitched = over_all(folds, |fold| chosen.get(fold).copied().unwrap_or_default());
        let days = stitched.len();
        let mean = |day: usize| trials.iter().filter_map(|trial| trial.get(day)).sum::<f64>() / count as f64;
        let ratios: Vec<f64> = trials.iter().map(|trial| sharpe_per_period(trial).unwrap_or(0.0)).collect();
        let runs = folds.iter().map(Vec::len).sum::<usize>();
        let search = Search {
            trials: u64::try_from(runs).unwrap_or(u64::MAX).max(1),
            sharpe_sd: deviation(&ratios).unwrap_or(0.0),
        };
        let evidence = SharpeEvidence::of(&stitched);
        Self {
            equal_weight: (0..days).map(mean).collect(),
            deflated: evidence.and_then(|evidence| search.deflated(&evidence)),
            overfitting: overfitting(&trials, blocks(days)),
            reality_check: reality_check(&trials, plan),
            chosen,
            stitched,
            trials,
            search,
        }
    }
}

/// Sixteen blocks as in the paper, fewer where there would be less than two days a block.
const fn blocks(days: usize) -> usize {
    let fitting = days / 4 * 2;
    if fitting < BLOCKS { fitting } else { BLOCKS }
}

fn best(trials: &[Tried], metric: Metric) -> usize {
    let scores =
        trials.iter().map(|trial| trial.train.map_or(f64::NEG_INFINITY, |figures| metric.of(&figures)));
    let best = scores.enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(0, |(place, _)| place)
}

/// The tests of one trial per fold in a row, each filled up to the days of its fold.
fn over_all(folds: &[Vec<Tried>], place: impl Fn(usize) -> usize) -> Vec<f64> {
    let mut row = Vec::new();
    for (number, trials) in folds.iter().enumerate() {
        let days = trials.iter().map(|trial| trial.test.len()).max().unwrap_or_default();
        let test = trials.get(place(number)).map(|trial| trial.test.as_slice()).unwrap_or_default();
        row.extend(test.iter().copied().chain(core::iter::repeat(0.0)).take(days));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::significance::bootstrap::Scheme;

    const PLAN: Plan = Plan { scheme: Scheme::Stationary, block: 1.0, draws: 99, seed: 1 };

    fn tried(train: &[f64], test: &[f64]) -> Tried {
        Tried { train: PathFigures::of(train.iter().copied()), test: test.to_vec() }
    }

    #[test]
    fn each_fold_trades_what_was_best_before_it() {
        let folds = [
            vec![tried(&[0.01, 0.02], &[0.1, 0.1]), tried(&[-0.01, 0.02], &[0.2])],
            vec![tried(&[-0.01, 0.0], &[0.3]), tried(&[0.01, 0.03], &[0.4])],
        ];
        let verdict = Verdict::of(&folds, Metric::Sharpe, &PLAN);
        assert_eq!(verdict.chosen, [0, 1]);
        assert_eq!(verdict.stitched, [0.1, 0.1, 0.4]);
        assert_eq!(
            verdict.trials,
            [vec![0.1, 0.1, 0.3], vec![0.2, 0.0, 0.4]],
            "the ruined earn nothing more"
        );
        let mean: Vec<f64> = verdict.equal_weight.iter().map(|value| (value * 1e6).round() / 1e6).collect();
        assert_eq!(mean, [0.15, 0.05, 0.35]);
        assert_eq!(verdict.search.trials, 4, "every training run is a trial");
    }

    #[test]
    fn what_a_test_did_never_changes_what_was_chosen() {
        let train = [[0.01, -0.02, 0.03], [0.02, 0.01, 0.015]];
        for test in [[0.5, -0.5], [-0.5, 0.5]] {
            let folds = [vec![tried(&train[0], &[test[0]]), tried(&train[1], &[test[1]])]];
            assert_eq!(Verdict::of(&folds, Metric::Calmar, &PLAN).chosen, [1]);
        }
    }

    #[test]
    fn metrics_rank_as_they_say() {
        let rising = PathFigures { sharpe: 1.0, cagr: 0.1, max_drawdown: 0.0 };
        let still = PathFigures { sharpe: 0.0, cagr: 0.0, max_drawdown: 0.0 };
        let falling = PathFigures { sharpe: 2.0, cagr: 0.3, max_drawdown: -0.2 };
        assert!(Metric::Calmar.of(&rising) > Metric::Calmar.of(&falling));
        assert!(Metric::Calmar.of(&falling) > Metric::Calmar.of(&still));
        assert!(Metric::Sharpe.of(&falling) > Metric::Sharpe.of(&rising));
        assert!(Metric::Cagr.of(&falling) > Metric::Cagr.of(&rising));
    }

    #[test]
    fn nothing_tried_is_no_verdict_but_no_panic() {
        let empty = Verdict::of(&[], Metric::Sharpe, &PLAN);
        assert_eq!((empty.stitched.len(), empty.deflated, empty.overfitting), (0, None, None));
        let untried = Verdict::of(&[vec![]], Metric::Sharpe, &PLAN);
        assert_eq!((untried.chosen, untried.search.trials), (vec![0], 1));
    }
}
