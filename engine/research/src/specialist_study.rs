//! Whether any regime specialist beats the ensemble that knows no regimes, out of sample.
//!
//! For each regime a seeded random search picks the fittest of many genomes on the bars before the split. It and the
//! default genome are then followed once over the bars after it: decided at the close, filled at the next open, costs
//! included. They are compared with the trend ensemble without regimes on the very same bars.

use std::path::Path;

use engine_application::wiring::error::ApplicationError;
use engine_core::regime::{DetectorKind, Regime};
use engine_core::time::Timestamp;
use journal_store::dataset::DatasetReader;
use journal_store::record::RecordKind;
use replay_regimes::{BarSeries, StoredBarsError, stored_bars};
use replay_statistics::significance::bootstrap::{Difference, Plan};
use replay_statistics::significance::path::PathFigures;
use strategies::specialist::params::{DEFAULT_CAP, DEFAULT_GENOMES};
use strategies::specialist::policy::Specialist;

use crate::parallel::in_parallel;
use crate::specialist_search::{Market, Study};

/// Confidence of every interval.
const LEVEL: f64 = 0.90;

/// A specialist earns capital below this one-sided p-value.
pub const SIGNIFICANCE: f64 = 0.05;

/// What one unit of turnover costs: 10 bps fee and 5 bps slippage.
pub const COST: f64 = 0.0015;

/// Folds that the fitness is the median of.
const FOLDS: usize = 4;

/// What to search and judge.
#[derive(Debug, Clone, Copy)]
pub struct SpecialistRequest<'a> {
    /// A dataset with bars of every instrument.
    pub dataset: &'a Path,
    /// The venue's symbols; each gets an equal part of equity.
    pub instruments: &'a [String],
    /// The first bar that is searched on closes after this moment; the bars before it warm everything up.
    pub from: Timestamp,
    /// Bars that close after this moment are judged on, and on nothing else.
    pub split: Timestamp,
    /// The last bar judged closes no later than this.
    pub to: Timestamp,
    /// Random genomes tried for each regime.
    pub trials: u32,
    /// Everything random comes from here.
    pub seed: u64,
    /// Resampled paths.
    pub draws: usize,
}

/// What came out.
#[derive(Debug)]
pub struct SpecialistResult {
    /// The specialists, by regime.
    pub rows: Vec<SpecialistRow>,
    /// The ensemble without regimes over all judged bars.
    pub ensemble: Option<PathFigures>,
}

/// One specialist, judged.
#[derive(Debug)]
pub struct SpecialistRow {
    /// The specialist.
    pub specialist: Specialist,
    /// `searched` or `default`.
    pub origin: &'static str,
    /// In sample.
    pub fitness: f64,
    /// Closed trades over the judged bars.
    pub trades: u32,
    /// Judged bars it could be in the market at.
    pub bars: usize,
    /// Over the judged bars it could be in the market at.
    pub own: Option<PathFigures>,
    /// The ensemble without regimes over the same bars.
    pub ensemble: Option<PathFigures>,
    /// Its Sharpe ratio less that of the ensemble over them.
    pub difference: Option<Difference>,
    /// Over all judged bars, nothing held outside its regime.
    pub whole: Option<PathFigures>,
}

impl SpecialistRow {
    /// One-sided p-value of a Sharpe ratio no higher than the ensemble's.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        let difference = self.difference?;
        let half = difference.p_value / 2.0;
        Some(if difference.sharpe.estimate > 0.0 { half } else { 1.0 - half })
    }

    /// Whether it beats the ensemble clearly enough to be given capital.
    #[must_use]
    pub fn earns_capital(&self) -> bool {
        let positive = self.own.is_some_and(|figures| figures.sharpe > 0.0);
        positive && self.p_value().is_some_and(|p_value| p_value < SIGNIFICANCE)
    }
}

/// Searches and judges; `done` hears how many regimes of how many are searched.
///
/// # Errors
/// [`ApplicationError`] when the dataset lacks a market, bars are missing, or the markets do not overlap.
pub fn study_specialists(
    request: &SpecialistRequest<'_>,
    done: impl Fn(usize, usize) + Sync,
) -> Result<SpecialistResult, ApplicationError> {
    let study = Study::new(markets(request)?, COST).map_err(refused)?;
    let (train, test) =
        (study.between(request.from, request.split), study.between(request.split, request.to));
    if train.len() < 100 * FOLDS || test.len() < 100 {
        let line = format!(
            "study {}: {} bars to search on and {} to judge on, at least {} and 100 are needed",
            request.dataset.display(),
            train.len(),
            test.len(),
            100 * FOLDS
        );
        return Err(ApplicationError::Request(line));
    }
    let folds = Study::folds(&train, FOLDS);
    let search = |regime: &Regime| {
        let found = study.search((*regime, DEFAULT_CAP), &folds, (request.trials, request.seed), |_| {});
        Ok::<_, ApplicationError>(found)
    };
    let found = in_parallel(&Regime::ALL, search, |count| done(count, Regime::ALL.len()))?;
    let defaults = DEFAULT_GENOMES.specialists(DEFAULT_CAP).into_iter().flatten();
    let defaults = defaults.map(|specialist| (specialist, "default", study.fitness(specialist, &folds)));
    let searched = found.into_iter().flatten().map(|(specialist, fitness)| (specialist, "searched", fitness));
    let ensemble = study.unconditional();
    let ensemble = ensemble.get(test.clone()).unwrap_or_default();
    let mut rows: Vec<SpecialistRow> = searched
        .chain(defaults)
        .map(|(specialist, origin, fitness)| {
            let shadow = study.shadow(specialist, test.clone());
            let inside = |series: &[f64]| -> Vec<f64> {
                let pairs = series.iter().zip(&shadow.is_in_regime);
                pairs.filter(|(_, inside)| **inside).map(|(earned, _)| *earned).collect()
            };
            let (own, beside) = (inside(&shadow.returns), inside(ensemble));
            let plan = Plan::of(&own, request.draws, request.seed);
            SpecialistRow {
                specialist,
                origin,
                fitness,
                trades: shadow.trades,
                bars: own.len(),
                difference: Difference::of(&own, &beside, &plan, LEVEL),
                own: PathFigures::of(own),
                ensemble: PathFigures::of(beside),
                whole: PathFigures::of(shadow.returns.iter().copied()),
            }
        })
        .collect();
    rows.sort_by_key(|row| row.specialist.regime.index());
    let ensemble = PathFigures::of(ensemble.iter().copied());
    Ok(SpecialistResult { rows, ensemble })
}

fn refused(error: impl std::fmt::Display) -> ApplicationError {
    ApplicationError::Request(format!("study specialists: {error}"))
}

/// Every instrument over the bars that all of them have.
fn markets(request: &SpecialistRequest<'_>) -> Result<Vec<Market>, ApplicationError> {
    let dataset = DatasetReader::open(request.dataset)?;
    let series =
        request.instruments.iter().map(|symbol| stored(&dataset, request.dataset, symbol, request.to));
    let series: Vec<BarSeries> = series.collect::<Result<_, _>>()?;
    let begun = series.iter().filter_map(|bars| bars.at().first().copied()).max().unwrap_or(request.from);
    let market = |bars: &BarSeries| {
        let start = bars.place(begun);
        let times = bars.at().iter().skip(start).map(|at| at.plus(bars.interval())).collect();
        let candles = bars.bars().iter().skip(start).copied().collect();
        Market::read(times, candles, DetectorKind::default())
    };
    Ok(series.iter().map(market).collect())
}

fn stored(
    dataset: &DatasetReader,
    place: &Path,
    symbol: &str,
    to: Timestamp,
) -> Result<BarSeries, ApplicationError> {
    let mut entries = dataset.series_list().iter();
    let wanted = entries.find(|entry| entry.info.kind == RecordKind::Bars && entry.info.symbol == symbol);
    let Some(entry) = wanted else {
        let line = format!("read {symbol} in {}: it holds no such bars; import them first", place.display());
        return Err(ApplicationError::Request(line));
    };
    let series = dataset.series(&entry.info.name())?;
    stored_bars(&series, Some(to)).map_err(|error| match error {
        StoredBarsError::Dataset(error) => ApplicationError::from(error),
        unsuited @ (StoredBarsError::NoBars { .. } | StoredBarsError::Unsound { .. }) => {
            ApplicationError::Request(unsuited.to_string())
        }
    })
}
