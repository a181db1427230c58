//! Walk-forward: every combination of a grid is run on each training span, the best is judged on the span after it, and
//! every run is recorded as a trial.
//!
//! Each run reads history from its beginning, so that averages and detectors are warm, but trades only inside its
//! span and closes what it holds at the end. So tests pay for getting in and out once a fold.

use std::path::{Path, PathBuf};

use engine_application::config::{Available, RunSettings, WalkForward, resolve};
use engine_application::moment::moment_text;
use engine_application::wiring::conductor::pinned;
use engine_application::wiring::datasets::available;
use engine_application::wiring::error::ApplicationError;
use engine_core::time::{Span, Timestamp};
use replay_simulation::config::{BacktestConfig, EndOfData};
use replay_simulation::series_feed::{OpenDatasets, open};
use replay_statistics::significance::bootstrap::Plan as Resampling;
use replay_statistics::significance::path::PathFigures;
use replay_statistics::walk_forward::fold::{Fold, Window};
use replay_statistics::walk_forward::verdict::{Tried, Verdict};
use serde_json::{Map, Value};

use crate::parallel::in_parallel;
use crate::trial_runner::{Job, Ran, TrialRunner, share_out};
use crate::trials::{Part, TrialBook, TrialRecord};

/// A walk-forward of which everything is found and checked, and nothing is run.
#[derive(Debug)]
pub struct PreparedWalk {
    walk: WalkForward,
    base: BacktestConfig,
    folds: Vec<Fold>,
    synthetic: bool,
    available: Vec<Available>,
    datasets: OpenDatasets,
    book: TrialBook,
}

/// What a walk-forward came to.
#[derive(Debug)]
pub struct WalkResult {
    /// What was tried.
    pub walk: WalkForward,
    /// Whether orders filled at prices already past when they were decided.
    pub optimistic: bool,
    /// Whether the market was made up.
    pub synthetic: bool,
    /// Every fold.
    pub walked: Vec<Walked>,
    /// The trials judged together.
    pub judgement: Verdict,
    /// Daily returns of buying and holding over all tests.
    pub holding: Vec<f64>,
}

/// Everything of one fold: what each trial did in training and test, and what holding did.
#[derive(Debug)]
pub struct Walked {
    /// The fold.
    pub fold: Fold,
    /// Each trial over the training span.
    pub train: Vec<Ran>,
    /// Each trial over the test span.
    pub test: Vec<Ran>,
    /// Daily returns of buying and holding over the test span.
    pub holding: Vec<f64>,
}

impl PreparedWalk {
    /// Finds and checks everything that `walk` needs over the datasets in `given`; trials go to `out`.
    ///
    /// # Errors
    /// [`ApplicationError`] when configuration or data cannot be used, or when `out` holds trials already.
    pub fn new(mut walk: WalkForward, given: &[PathBuf], out: &Path) -> Result<Self, ApplicationError> {
        let mut datasets = OpenDatasets::default();
        let available = available(&walk.base, given, &mut datasets)?;
        let base = resolve(&walk.base, &available)?;
        share_out(&mut walk.holding, base.instruments.len());
        let data = span_of_data(&walk.base, &base, &mut datasets)?;
        let folds = walk.plan.folds(data).map_err(|error| ApplicationError::Request(error.to_string()))?;
        let synthetic = open(&base, &mut datasets)?.synthetic;
        let book = TrialBook::new(out)?;
        Ok(Self { walk, base, folds, synthetic, available, datasets, book })
    }

    /// Combinations of the grid that cannot be, with why.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.walk.left_out
    }

    /// Runs every trial over every fold, records it and judges all of them on `draws` paths resampled from `seed`;
    /// `done` hears how many runs of how many are finished.
    ///
    /// # Errors
    /// [`ApplicationError`] when settings and data do not fit together; trials made before stay recorded.
    pub fn play(
        self,
        (draws, seed): (usize, u64),
        done: impl Fn(usize, usize) + Sync,
    ) -> Result<WalkResult, ApplicationError> {
        let Self { walk, base, folds, synthetic, available, datasets, mut book } = self;
        let runner = TrialRunner::new(&available, datasets);
        let mut walked = Vec::new();
        for fold in &folds {
            let before = walked.len();
            let step = walk_fold(&runner, &walk, *fold, &|count, per_fold| {
                done(before * per_fold + count, folds.len() * per_fold);
            })?;
            book.add(&records_of(&walk, &step))?;
            walked.push(step);
        }
        let judgement = judged(&walk, &walked, (draws, seed));
        book.add(&records_over_all(&walk, &folds, &judgement))?;
        Ok(WalkResult {
            optimistic: base.fill.is_optimistic(),
            holding: walked.iter().flat_map(|step| step.holding.iter().copied()).collect(),
            walk,
            synthetic,
            walked,
            judgement,
        })
    }
}

/// `walk` with the model of its conductor pinned, every run of it closing what it holds at its end.
///
/// # Errors
/// [`ApplicationError`] when the model cannot be found or read, unless the run may degrade.
pub fn pinned_walk(mut walk: WalkForward) -> Result<WalkForward, ApplicationError> {
    walk.base = pinned(&walk.base)?;
    walk.holding.run.end = EndOfData::Flatten;
    for trial in &mut walk.trials {
        trial.settings = pinned(&trial.settings)?;
        trial.settings.run.end = EndOfData::Flatten;
    }
    Ok(walk)
}

/// From the first record to the end of the last, within what the configuration asks for.
pub(crate) fn span_of_data(
    settings: &RunSettings,
    config: &BacktestConfig,
    datasets: &mut OpenDatasets,
) -> Result<Window, ApplicationError> {
    let (mut from, mut to) = (Timestamp::MAX, Timestamp::MIN);
    for feed in &config.feeds {
        let series = datasets.reader(&feed.dataset)?.series(&feed.series)?;
        let entry = series.entry();
        from = from.min(Timestamp::from_nanos(entry.first_at));
        let lasts = entry.info.interval.unwrap_or(Span::from_nanos(1));
        to = to.max(Timestamp::from_nanos(entry.last_at).plus(lasts));
    }
    let asked = &settings.run;
    Ok(Window { from: from.max(asked.from.unwrap_or(from)), to: to.min(asked.to.unwrap_or(to)) })
}

/// Every trial over training and test of one fold, and holding over the test.
fn walk_fold(
    runner: &TrialRunner<'_>,
    walk: &WalkForward,
    fold: Fold,
    done: &(dyn Fn(usize, usize) + Sync),
) -> Result<Walked, ApplicationError> {
    let over = |window| walk.trials.iter().map(move |trial| Job { settings: &trial.settings, window });
    let holding = Job { settings: &walk.holding, window: fold.test };
    let jobs: Vec<Job<'_>> = over(fold.train).chain(over(fold.test)).chain([holding]).collect();
    let mut ran = in_parallel(&jobs, |job| runner.run(job), |count| done(count, jobs.len()))?;
    let holding = ran.pop().map(|ran| ran.returns).unwrap_or_default();
    let test = ran.split_off(walk.trials.len());
    Ok(Walked { fold, train: ran, test, holding })
}

fn judged(walk: &WalkForward, walked: &[Walked], (draws, seed): (usize, u64)) -> Verdict {
    let tried = |step: &Walked| {
        let pairs = step.train.iter().zip(&step.test);
        pairs.map(|(train, test)| Tried { train: train.figures, test: test.returns.clone() }).collect()
    };
    let folds: Vec<Vec<Tried>> = walked.iter().map(tried).collect();
    let all: Vec<f64> = walked.iter().flat_map(|step| step.holding.iter().copied()).collect();
    // Blocks as long as the market asks for: every trial lives in it.
    Verdict::of(&folds, walk.metric, &Resampling::of(&all, draws, seed))
}

fn record(
    fold: usize,
    part: Part,
    (trial, values): (usize, &Map<String, Value>),
    window: Window,
    figures: Option<PathFigures>,
    days: usize,
) -> TrialRecord {
    TrialRecord {
        fold,
        part,
        trial,
        strategy: values.clone(),
        from: moment_text(window.from),
        to: moment_text(window.to),
        days,
        sharpe: figures.map(|figures| figures.sharpe),
        cagr_pct: figures.map(|figures| figures.cagr * 100.0),
        max_drawdown_pct: figures.map(|figures| figures.max_drawdown * 100.0),
        trades: None,
        head: None,
    }
}

fn records_of(walk: &WalkForward, step: &Walked) -> Vec<TrialRecord> {
    let Fold { number, train, test } = step.fold;
    let parts = [(Part::Train, train, &step.train), (Part::Test, test, &step.test)];
    let of_part = parts.into_iter().flat_map(|(part, window, ran)| {
        let numbered = (1..).zip(walk.trials.iter().map(|trial| &trial.values));
        numbered.zip(ran).map(move |(trial, ran)| TrialRecord {
            trades: Some(ran.trades),
            head: Some(ran.head.clone()),
            ..record(number, part, trial, window, ran.figures, ran.returns.len())
        })
    });
    of_part.collect()
}

fn records_over_all(walk: &WalkForward, folds: &[Fold], judgement: &Verdict) -> Vec<TrialRecord> {
    let (Some(first), Some(last)) = (folds.first(), folds.last()) else { return Vec::new() };
    let window = Window { from: first.test.from, to: last.test.to };
    let numbered = (1..).zip(walk.trials.iter().map(|trial| &trial.values)).zip(&judgement.trials);
    let all = numbered.map(|(trial, returns)| {
        let figures = PathFigures::of(returns.iter().copied());
        record(0, Part::AllTests, trial, window, figures, returns.len())
    });
    all.collect()
}
