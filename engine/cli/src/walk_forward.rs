//! `walk-forward`: every combination of a grid is run on each training span, the best is judged on the span after
//! it, and every run is recorded as a trial.
//!
//! Each run reads history from its beginning, so that averages and detectors are warm, but trades only inside its
//! span and closes what it holds at the end. So tests pay for getting in and out once a fold.

use std::path::PathBuf;

use clap::Args;
use engine_core::time::{Span, Timestamp};
use replay_simulation::backtest::config::EndOfData;
use replay_simulation::series_feed::{OpenDatasets, open};
use replay_statistics::significance::bootstrap::Plan as Resampling;
use replay_statistics::significance::path::PathFigures;
use replay_statistics::walk_forward::fold::{Fold, Window};
use replay_statistics::walk_forward::verdict::{Tried, Verdict as Judgement};

use crate::config::{RunSettings, WalkForward, resolve};
use crate::failure::{Failure, Verdict};
use crate::moment::moment_text;
use crate::parallel::in_parallel;
use crate::progress::Line;
use crate::seat::pinned;
use crate::significance::draws;
use crate::terminal::Terminal;
use crate::trade::{available, note_doubled, with_place};
use crate::trials::{Part, TrialBook, TrialRecord};
use crate::workshop::{Job, Ran, Workshop, share_out};

mod account;

/// `engine walk-forward`.
#[derive(Debug, Args)]
pub struct WalkForwardArgs {
    /// The configuration, with a table [walk_forward]; `engine help CONFIG` explains every key.
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// A dataset to read; may be given several times.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
    /// Directory for the trials and the stitched returns; made when there is none.
    #[arg(long, value_name = "DIR", default_value = "walk-forward-run")]
    pub out: PathBuf,
    /// Everything random in the judgement comes from here.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Resampled paths.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = draws)]
    pub draws: usize,
}

/// Everything of one fold: what each trial did in training and test, and what holding did.
#[derive(Debug)]
struct Walked {
    fold: Fold,
    train: Vec<Ran>,
    test: Vec<Ran>,
    holding: Vec<f64>,
}

/// Everything there is to say.
#[derive(Debug)]
struct Account<'a> {
    args: &'a WalkForwardArgs,
    walk: &'a WalkForward,
    optimistic: bool,
    synthetic: bool,
    walked: &'a [Walked],
    judgement: &'a Judgement,
    holding: Vec<f64>,
}

/// Runs `engine walk-forward CONFIG`.
///
/// # Errors
/// [`Failure`] when configuration or data cannot be used, or when the output directory holds trials already; trials
/// made before stay recorded.
pub fn walk_forward(terminal: Terminal, args: &WalkForwardArgs) -> Result<Verdict, Failure> {
    let mut walk = WalkForward::read_file(&args.config)?;
    let in_file = |failure| with_place(failure, &args.config);
    walk.base = pinned(&walk.base)?;
    walk.holding.run.end = EndOfData::Flatten;
    for trial in &mut walk.trials {
        trial.settings = pinned(&trial.settings)?;
        trial.settings.run.end = EndOfData::Flatten;
    }
    let mut datasets = OpenDatasets::default();
    note_doubled(terminal, &walk.base, &args.dataset);
    let available = available(&walk.base, &args.dataset, &mut datasets)?;
    let base = resolve(&walk.base, &available).map_err(Failure::from).map_err(in_file)?;
    share_out(&mut walk.holding, base.instruments.len());
    let data = span_of_data(&walk.base, &base, &mut datasets)?;
    let folds = walk.plan.folds(data).map_err(|error| Failure::Request(error.to_string()))?;
    let synthetic = open(&base, &mut datasets)?.synthetic;
    let mut book = TrialBook::new(&args.out)?;
    for reason in &walk.left_out {
        terminal.note(&format!("left out {reason}"));
    }
    let workshop = Workshop::new(&available, datasets);
    let line = Line::runs(terminal);
    let mut walked = Vec::new();
    for fold in &folds {
        let before = walked.len();
        let step = walk_fold(&workshop, &walk, *fold, &|done, per_fold| {
            line.finished(before * per_fold + done, folds.len() * per_fold);
        });
        let step = step.map_err(in_file)?;
        book.add(&records_of(&walk, &step))?;
        walked.push(step);
    }
    drop(line);
    let judgement = judged(&walk, &walked, args);
    book.add(&records_over_all(&walk, &folds, &judgement))?;
    let account = Account {
        args,
        walk: &walk,
        optimistic: base.fill.is_optimistic(),
        synthetic,
        walked: &walked,
        judgement: &judgement,
        holding: walked.iter().flat_map(|step| step.holding.iter().copied()).collect(),
    };
    account.write(&args.out)?;
    terminal.answer(&account.document(), &account.text())?;
    Ok(Verdict::Fine)
}

/// From the first record to the end of the last, within what the configuration asks for.
fn span_of_data(
    settings: &RunSettings,
    config: &replay_simulation::backtest::config::BacktestConfig,
    datasets: &mut OpenDatasets,
) -> Result<Window, Failure> {
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
    workshop: &Workshop<'_>,
    walk: &WalkForward,
    fold: Fold,
    done: &(dyn Fn(usize, usize) + Sync),
) -> Result<Walked, Failure> {
    let over = |window| walk.trials.iter().map(move |trial| Job { settings: &trial.settings, window });
    let holding = Job { settings: &walk.holding, window: fold.test };
    let jobs: Vec<Job<'_>> = over(fold.train).chain(over(fold.test)).chain([holding]).collect();
    let mut ran = in_parallel(&jobs, |job| workshop.run(job), |count| done(count, jobs.len()))?;
    let holding = ran.pop().map(|ran| ran.returns).unwrap_or_default();
    let test = ran.split_off(walk.trials.len());
    Ok(Walked { fold, train: ran, test, holding })
}

fn judged(walk: &WalkForward, walked: &[Walked], args: &WalkForwardArgs) -> Judgement {
    let tried = |step: &Walked| {
        let pairs = step.train.iter().zip(&step.test);
        pairs.map(|(train, test)| Tried { train: train.figures, test: test.returns.clone() }).collect()
    };
    let folds: Vec<Vec<Tried>> = walked.iter().map(tried).collect();
    let all: Vec<f64> = walked.iter().flat_map(|step| step.holding.iter().copied()).collect();
    // Blocks as long as the market asks for: every trial lives in it.
    Judgement::of(&folds, walk.metric, &Resampling::of(&all, args.draws, args.seed))
}

fn record(
    fold: usize,
    part: Part,
    (trial, values): (usize, &serde_json::Map<String, serde_json::Value>),
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

fn records_over_all(walk: &WalkForward, folds: &[Fold], judgement: &Judgement) -> Vec<TrialRecord> {
    let (Some(first), Some(last)) = (folds.first(), folds.last()) else { return Vec::new() };
    let window = Window { from: first.test.from, to: last.test.to };
    let numbered = (1..).zip(walk.trials.iter().map(|trial| &trial.values)).zip(&judgement.trials);
    let all = numbered.map(|(trial, returns)| {
        let figures = PathFigures::of(returns.iter().copied());
        record(0, Part::AllTests, trial, window, figures, returns.len())
    });
    all.collect()
}
