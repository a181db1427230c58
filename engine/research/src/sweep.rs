//! A sweep: a configuration run with every combination of given values, in this process and on all cores.
//!
//! Each run is the backtest that the same settings make, to its head. Every one is recorded as a trial as soon as it has
//! ended, as those of a walk-forward are, and the best is judged against the luck of all trials recorded there. A run that is
//! recorded there already, by its head, is no trial more.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use engine_application::config::{Assignment, Available, ConfigError, ResolveError, RunSettings, resolve};
use engine_application::moment::moment_text;
use engine_application::wiring::conductor::pinned;
use engine_application::wiring::datasets::available;
use engine_application::wiring::error::ApplicationError;
use replay_simulation::series_feed::{OpenDatasets, open};
use replay_statistics::RETURNS_MIN;
use replay_statistics::significance::assessment::Deflation;
use replay_statistics::significance::path::PathFigures;
use serde_json::{Map, Value};

use crate::parallel::in_parallel;
use crate::trial_runner::{Ran, TrialRunner};
use crate::trials::{Part, TrialBook, TrialRecord, heads_in, search_beside};
use crate::walk_forward::span_of_data;

/// What a sweep runs.
#[derive(Debug, Clone, Copy)]
pub struct SweepRequest<'a> {
    /// The name of the configuration, for errors.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Settings that hold in every run.
    pub fixed: &'a [Assignment],
    /// Settings of each run.
    pub combinations: &'a [Vec<Assignment>],
    /// The datasets to read from.
    pub datasets: &'a [PathBuf],
    /// Where the trials are recorded, after those that are there.
    pub out: &'a Path,
}

/// One run of a sweep.
#[derive(Debug)]
pub struct Swept {
    /// The settings of this run alone.
    pub values: Map<String, Value>,
    /// What it came to.
    pub ran: Ran,
}

/// What a sweep came to.
#[derive(Debug)]
pub struct SweepResult {
    /// Whether the market was made up.
    pub synthetic: bool,
    /// Whether orders filled at prices already past when they were decided.
    pub optimistic: bool,
    /// Every run, in the order of the combinations.
    pub swept: Vec<Swept>,
    /// Combinations that cannot be, with why.
    pub left_out: Vec<String>,
    /// Runs that were recorded by an earlier sweep and are not counted again.
    pub known: usize,
}

/// Runs every combination and records it; `done` hears how many runs of how many are finished.
///
/// # Errors
/// [`ApplicationError`] when configuration or data cannot be used, or when no combination can be.
pub fn sweep(
    request: &SweepRequest<'_>,
    done: impl Fn(usize, usize) + Sync,
) -> Result<SweepResult, ApplicationError> {
    let (trials, left_out) = trials(request)?;
    let Some((_, first)) = trials.first() else {
        let reasons = left_out.first().cloned().unwrap_or_default();
        return Err(ApplicationError::Request(format!(
            "sweep {}: no combination can be: {reasons}",
            request.name
        )));
    };
    let mut datasets = OpenDatasets::default();
    let available: Vec<Available> = available(first, request.datasets, &mut datasets)?;
    // Each run over its own span, and what cannot be run is named before any of them begins.
    let mut spans = Vec::with_capacity(trials.len());
    for (values, settings) in &trials {
        let config = resolve(settings, &available).map_err(|error| unsuitable(request, values, error))?;
        let span = span_of_data(settings, &config, &mut datasets)
            .map_err(|error| unfit(request, values, &error.to_string()))?;
        if span.from >= span.to {
            return Err(unfit(request, values, "the data holds nothing between run.from and run.to"));
        }
        spans.push([span.from, span.to].map(moment_text));
    }
    let synthetic = open(&resolve(first, &available)?, &mut datasets)?.synthetic;
    let optimistic =
        trials.iter().any(|(_, settings)| settings.run.fill.is_some_and(|fill| fill.is_optimistic()));
    let earlier = heads_in(request.out)?;
    let book = Mutex::new((TrialBook::append(request.out)?, earlier.clone()));
    let runner = TrialRunner::new(&available, datasets);
    let jobs: Vec<_> = (1..).zip(trials.iter().zip(&spans)).collect();
    let run = |(trial, ((values, settings), span)): &(usize, (&Settled, &[String; 2]))| {
        let swept = Swept { values: values.clone(), ran: runner.run_whole(settings)? };
        // The file stays sound whatever another thread did with it.
        let mut guard = book.lock().unwrap_or_else(PoisonError::into_inner);
        let (book, recorded) = &mut *guard;
        // Two combinations may be one run, written in two ways.
        if recorded.insert(swept.ran.head.clone()) {
            book.add(&[record(*trial, &swept, span)])?;
        }
        Ok::<Swept, ApplicationError>(swept)
    };
    let swept = in_parallel(&jobs, run, |count| done(count, jobs.len()))?;
    let known = swept.iter().filter(|swept| earlier.contains(&swept.ran.head)).count();
    Ok(SweepResult { synthetic, optimistic, swept, left_out, known })
}

/// A combination that cannot be run, with why.
fn unfit(request: &SweepRequest<'_>, values: &Map<String, Value>, why: &str) -> ApplicationError {
    let words: Vec<String> = values.iter().map(|(key, value)| format!("{key}={value}")).collect();
    ApplicationError::Request(format!("sweep {} with {}: {why}", request.name, words.join(" ")))
}

/// A combination that does not suit the data: the fault of one of its values, or of a line of the configuration.
fn unsuitable(
    request: &SweepRequest<'_>,
    values: &Map<String, Value>,
    error: ResolveError,
) -> ApplicationError {
    let combination = request.combinations.iter().find(|combination| values_of(combination) == *values);
    let all: Vec<Assignment> =
        request.fixed.iter().chain(combination.into_iter().flatten()).cloned().collect();
    if let ResolveError::Setting(_) = &error {
        return ApplicationError::from(error).in_config(request.name, request.text, &all);
    }
    unfit(request, values, &error.to_string())
}

/// The values of a combination by their keys.
fn values_of(combination: &[Assignment]) -> Map<String, Value> {
    combination.iter().map(|one| (one.key(), one.value().clone())).collect()
}

/// What one combination sets, and all settings with it.
type Settled = (Map<String, Value>, RunSettings);

/// The settings of each combination; those whose values do not go together are left out and named.
fn trials(request: &SweepRequest<'_>) -> Result<(Vec<Settled>, Vec<String>), ApplicationError> {
    let (mut trials, mut left_out) = (Vec::new(), Vec::new());
    for combination in request.combinations {
        let all: Vec<Assignment> = request.fixed.iter().chain(combination).cloned().collect();
        let values = values_of(combination);
        match RunSettings::read_toml_with(request.name, request.text, &all) {
            Ok(settings) => trials.push((values, pinned(&settings)?)),
            Err(error) if does_not_go_together(&error) => {
                let words: Vec<String> = combination.iter().map(ToString::to_string).collect();
                left_out.push(format!("{}: {error}", words.join(" ")));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((trials, left_out))
}

fn does_not_go_together(error: &ConfigError) -> bool {
    use strategies::settings::SettingError::OutOfRange;
    match error {
        ConfigError::Assigned { error, .. } | ConfigError::Setting { error, .. } => {
            matches!(**error, OutOfRange { .. })
        }
        ConfigError::Unreadable { .. } | ConfigError::NotToml { .. } => false,
    }
}

fn record(trial: usize, swept: &Swept, [from, to]: &[String; 2]) -> TrialRecord {
    let figures = swept.ran.figures;
    TrialRecord {
        fold: 0,
        part: Part::Train,
        trial,
        strategy: swept.values.clone(),
        from: from.clone(),
        to: to.clone(),
        days: swept.ran.returns.len(),
        sharpe: figures.map(|figures| figures.sharpe),
        cagr_pct: figures.map(|figures| figures.cagr * 100.0),
        max_drawdown_pct: figures.map(|figures| figures.max_drawdown * 100.0),
        trades: Some(swept.ran.trades),
        head: Some(swept.ran.head.clone()),
    }
}

impl SweepResult {
    /// The run with the highest Sharpe ratio among those with enough days for one; the first of equals.
    #[must_use]
    pub fn best(&self) -> Option<&Swept> {
        let sharpe = |swept: &Swept| swept.ran.figures.map(|PathFigures { sharpe, .. }| sharpe);
        let judged = self.swept.iter().filter(|swept| swept.ran.returns.len() >= RETURNS_MIN);
        judged.rev().max_by(|one, other| {
            sharpe(one).unwrap_or(f64::MIN).total_cmp(&sharpe(other).unwrap_or(f64::MIN))
        })
    }

    /// The best run against the luck of every trial recorded in `out`.
    ///
    /// # Errors
    /// [`ApplicationError`] when the trials cannot be read.
    pub fn deflation(&self, out: &Path) -> Result<Option<Deflation>, ApplicationError> {
        let search = search_beside(out)?.map(|(search, _)| search);
        Ok(search.zip(self.best()).map(|(search, best)| Deflation::of(&best.ran.returns, &search)))
    }
}
