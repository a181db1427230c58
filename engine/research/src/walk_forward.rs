//! Walk-forward: every combination of a grid is run on each training span, the best is judged on the span after it, and
//! every run is recorded as a trial.
//!
//! A run that has ended is kept, and one that was stopped goes on behind those that are: the same runs, folds and figures to the
//! last bit.
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

mod finished_runs;
mod identity;

use finished_runs::{FinishedRuns, RunPart, RunPlace};
use identity::WalkIdentity;

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
    finished: FinishedRuns,
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
    /// [`ApplicationError`] when configuration or data cannot be used, or when `out` holds trials of another search, of a
    /// finished one, or of one that is at work.
    pub fn new(mut walk: WalkForward, given: &[PathBuf], out: &Path) -> Result<Self, ApplicationError> {
        let mut datasets = OpenDatasets::default();
        let available = available(&walk.base, given, &mut datasets)?;
        let base = resolve(&walk.base, &available)?;
        share_out(&mut walk.holding, base.instruments.len());
        let data = span_of_data(&walk.base, &base, &mut datasets)?;
        let folds = walk.plan.folds(data).map_err(|error| ApplicationError::Request(error.to_string()))?;
        let data = open(&base, &mut datasets)?;
        let identity = WalkIdentity::of(&walk, &folds, &available, &data.datasets)?;
        let finished = FinishedRuns::open(out, &identity)?;
        let book = if finished.has_begun() { TrialBook::going_on(out)? } else { TrialBook::new(out)? };
        let synthetic = data.synthetic;
        Ok(Self { walk, base, folds, synthetic, available, datasets, book, finished })
    }

    /// Runs that had ended when an earlier call was stopped, of how many there are; none where nothing is gone on with.
    #[must_use]
    pub fn finished_before(&self) -> Option<(usize, usize)> {
        let all = self.folds.len() * runs_per_fold(&self.walk);
        self.finished.has_begun().then(|| (self.finished.len(), all))
    }

    /// Combinations of the grid that cannot be, with why.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.walk.left_out
    }

    /// Runs every trial over every fold that had not ended before, records it and judges all of them on `draws` paths resampled from `seed`;
    /// `done` hears how many runs of how many are finished.
    ///
    /// # Errors
    /// [`ApplicationError`] when settings and data do not fit together, or when a run that was kept does not come out again
    /// as it did; what was made before stays.
    pub fn play(
        self,
        (draws, seed): (usize, u64),
        done: impl Fn(usize, usize) + Sync,
    ) -> Result<WalkResult, ApplicationError> {
        let Self { walk, base, folds, synthetic, available, datasets, mut book, mut finished } = self;
        let runner = TrialRunner::new(&available, datasets);
        require_same_again(&runner, &walk, &folds, &finished)?;
        let mut walked = Vec::new();
        for fold in &folds {
            let before = walked.len();
            let step = walk_fold(&runner, &walk, *fold, &mut finished, &|count, per_fold| {
                done(before * per_fold + count, folds.len() * per_fold);
            })?;
            // Trials that are recorded are of runs that are kept.
            finished.sync()?;
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

/// Forgets the runs that are kept in `out`: what they came to has been written there.
///
/// # Errors
/// [`ApplicationError::Io`] when they cannot be removed.
pub fn forget_finished_runs(out: &Path) -> Result<(), ApplicationError> {
    finished_runs::remove(out)
}

/// Each trial over training and test, and holding.
const fn runs_per_fold(walk: &WalkForward) -> usize {
    2 * walk.trials.len() + 1
}

/// Every run of one fold: each trial over training and test, and holding over the test.
fn jobs_of(walk: &WalkForward, fold: Fold) -> Vec<(RunPlace, Job<'_>)> {
    let place = move |part, trial| RunPlace { fold: fold.number, part, trial };
    let over = |part, window| {
        let numbered = (1..).zip(&walk.trials);
        numbered.map(move |(number, trial)| (place(part, number), Job { settings: &trial.settings, window }))
    };
    let holding = (place(RunPart::Holding, 0), Job { settings: &walk.holding, window: fold.test });
    over(RunPart::Train, fold.train).chain(over(RunPart::Test, fold.test)).chain([holding]).collect()
}

/// Makes one of the runs that had ended before again: that settings and data are the same does not say that the program is.
fn require_same_again(
    runner: &TrialRunner<'_>,
    walk: &WalkForward,
    folds: &[Fold],
    finished: &FinishedRuns,
) -> Result<(), ApplicationError> {
    let Some((place, kept)) = finished.first() else { return Ok(()) };
    let mut jobs = folds.iter().flat_map(|fold| jobs_of(walk, *fold));
    let job = jobs.find(|(of, _)| *of == place).map(|(_, job)| job);
    let again = job.map(|job| runner.run(&job)).transpose()?;
    let bits = |ran: &Ran| ran.returns.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    if again.is_some_and(|again| again.head == kept.head && bits(&again) == bits(kept)) {
        return Ok(());
    }
    let (fold, trial) = (place.fold, place.trial);
    Err(ApplicationError::Request(format!(
        "go on with the walk-forward: trial {trial} of fold {fold} does not come out as it did before: the program is \
         another; name another directory with --out DIR"
    )))
}

/// Every run of one fold; those that had ended before are taken from `finished`, the others kept there.
fn walk_fold(
    runner: &TrialRunner<'_>,
    walk: &WalkForward,
    fold: Fold,
    finished: &mut FinishedRuns,
    done: &(dyn Fn(usize, usize) + Sync),
) -> Result<Walked, ApplicationError> {
    let jobs = jobs_of(walk, fold);
    let missing: Vec<_> = jobs.iter().filter(|(place, _)| !finished.knows(*place)).collect();
    let before = jobs.len() - missing.len();
    let run = |(place, job): &&(RunPlace, Job<'_>)| {
        let ran = runner.run(job)?;
        finished.keep(*place, &ran)?;
        Ok::<Ran, ApplicationError>(ran)
    };
    let mut made = in_parallel(&missing, run, |count| done(before + count, jobs.len()))?.into_iter();
    let each = jobs.iter().filter_map(|(place, _)| finished.take(*place).or_else(|| made.next()));
    let mut ran: Vec<Ran> = each.collect();
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
