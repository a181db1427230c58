//! `study specialists`: whether any regime specialist beats the ensemble that knows no regimes, out of sample.
//!
//! For each regime a seeded random search picks the fittest of many genomes on the bars before the split. It and the
//! default genome are then followed once over the bars after it: decided at the close, filled at the next open, costs
//! included. They are compared with the trend ensemble without regimes on the very same bars.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_core::regime::{DetectorKind, Regime};
use engine_core::time::Timestamp;
use journal_store::dataset::DatasetReader;
use journal_store::record::RecordKind;
use replay_regimes::{BarSeries, StoredBarsError, stored_bars};
use replay_statistics::significance::bootstrap::{Difference, Plan};
use replay_statistics::significance::path::PathFigures;
use serde_json::{Value, json};
use strategies::genome::TABLE;
use strategies::specialist::params::{DEFAULT_CAP, DEFAULT_GENOMES};
use strategies::specialist::policy::Specialist;
use strategies::specialist_study::{Market, Study, UNCONDITIONAL_TARGET};

use crate::failure::{Failure, Verdict};
use crate::moment::parse_moment;
use crate::parallel::in_parallel;
use crate::progress::Line;
use crate::significance::draws;
use crate::terminal::{Terminal, columns};

/// Confidence of every interval.
const LEVEL: f64 = 0.90;

/// A specialist earns capital below this one-sided p-value.
const SIGNIFICANCE: f64 = 0.05;

/// What one unit of turnover costs: 10 bps fee and 5 bps slippage.
const COST: f64 = 0.0015;

/// Folds that the fitness is the median of.
const FOLDS: usize = 4;

/// `engine study specialists`.
#[derive(Debug, Args)]
pub struct SpecialistsArgs {
    /// A dataset with bars of every instrument.
    #[arg(long, value_name = "DIR")]
    pub dataset: PathBuf,
    /// The venue's symbols; each gets an equal part of equity.
    #[arg(long, value_name = "SYM", default_values = ["BTCUSDT", "ETHUSDT"])]
    pub instrument: Vec<String>,
    /// The first bar that is searched on closes after this moment; the bars before it warm everything up.
    #[arg(long, value_name = "TIME", value_parser = moment, default_value = "2018-08-01")]
    pub from: Timestamp,
    /// Bars that close after this moment are judged on, and on nothing else.
    #[arg(long, value_name = "TIME", value_parser = moment, default_value = "2022-01-01")]
    pub split: Timestamp,
    /// The last bar judged closes no later than this.
    #[arg(long, value_name = "TIME", value_parser = moment, default_value = "2025-01-01")]
    pub to: Timestamp,
    /// Random genomes tried for each regime.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub trials: u32,
    /// Everything random comes from here.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Resampled paths.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = draws)]
    pub draws: usize,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    parse_moment(text).ok_or_else(|| "expected a moment as in 2024-01-31 or 2024-01-31T12:00:00Z".to_owned())
}

/// One specialist, judged.
#[derive(Debug)]
struct Row {
    specialist: Specialist,
    origin: &'static str,
    fitness: f64,
    trades: u32,
    bars: usize,
    /// Over the judged bars it could be in the market at.
    own: Option<PathFigures>,
    /// The ensemble without regimes over the same bars.
    ensemble: Option<PathFigures>,
    difference: Option<Difference>,
    /// Over all judged bars, nothing held outside its regime.
    whole: Option<PathFigures>,
}

impl Row {
    /// One-sided p-value of a Sharpe ratio no higher than the ensemble's.
    fn p_value(&self) -> Option<f64> {
        let difference = self.difference?;
        let half = difference.p_value / 2.0;
        Some(if difference.sharpe.estimate > 0.0 { half } else { 1.0 - half })
    }

    fn earns_capital(&self) -> bool {
        let positive = self.own.is_some_and(|figures| figures.sharpe > 0.0);
        positive && self.p_value().is_some_and(|p_value| p_value < SIGNIFICANCE)
    }
}

/// Runs `engine study specialists`.
///
/// # Errors
/// [`Failure`] when the dataset lacks a market, bars are missing, or the markets do not overlap.
pub fn specialists(terminal: Terminal, args: &SpecialistsArgs) -> Result<Verdict, Failure> {
    let study = Study::new(markets(args)?, COST).map_err(refused)?;
    let (train, test) = (study.between(args.from, args.split), study.between(args.split, args.to));
    if train.len() < 100 * FOLDS || test.len() < 100 {
        let line = format!(
            "study {}: {} bars to search on and {} to judge on, at least {} and 100 are needed",
            args.dataset.display(),
            train.len(),
            test.len(),
            100 * FOLDS
        );
        return Err(Failure::Request(line));
    }
    let folds = Study::folds(&train, FOLDS);
    let line = Line::runs(terminal);
    let search = |regime: &Regime| {
        let found = study.search((*regime, DEFAULT_CAP), &folds, (args.trials, args.seed), |_| {});
        Ok::<_, Failure>(found)
    };
    let found = in_parallel(&Regime::ALL, search, |done| line.finished(done, Regime::ALL.len()))?;
    drop(line);
    let defaults = DEFAULT_GENOMES.specialists(DEFAULT_CAP).into_iter().flatten();
    let defaults = defaults.map(|specialist| (specialist, "default", study.fitness(specialist, &folds)));
    let searched = found.into_iter().flatten().map(|(specialist, fitness)| (specialist, "searched", fitness));
    let ensemble = study.unconditional();
    let ensemble = ensemble.get(test.clone()).unwrap_or_default();
    let mut rows: Vec<Row> = searched
        .chain(defaults)
        .map(|(specialist, origin, fitness)| {
            let shadow = study.shadow(specialist, test.clone());
            let inside = |series: &[f64]| -> Vec<f64> {
                let pairs = series.iter().zip(&shadow.is_in_regime);
                pairs.filter(|(_, inside)| **inside).map(|(earned, _)| *earned).collect()
            };
            let (own, beside) = (inside(&shadow.returns), inside(ensemble));
            let plan = Plan::of(&own, args.draws, args.seed);
            Row {
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
    terminal.answer(&document(&rows, ensemble, args), &text(&rows, ensemble, args))?;
    Ok(Verdict::Fine)
}

fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::Request(format!("study specialists: {error}"))
}

/// Every instrument over the bars that all of them have.
fn markets(args: &SpecialistsArgs) -> Result<Vec<Market>, Failure> {
    let dataset = DatasetReader::open(&args.dataset)?;
    let series = args.instrument.iter().map(|symbol| stored(&dataset, &args.dataset, symbol, args.to));
    let series: Vec<BarSeries> = series.collect::<Result<_, _>>()?;
    let begun = series.iter().filter_map(|bars| bars.at().first().copied()).max().unwrap_or(args.from);
    let market = |bars: &BarSeries| {
        let start = bars.place(begun);
        let times = bars.at().iter().skip(start).map(|at| at.plus(bars.interval())).collect();
        let candles = bars.bars().iter().skip(start).copied().collect();
        Market::read(times, candles, DetectorKind::default())
    };
    Ok(series.iter().map(market).collect())
}

fn stored(dataset: &DatasetReader, place: &Path, symbol: &str, to: Timestamp) -> Result<BarSeries, Failure> {
    let mut entries = dataset.series_list().iter();
    let wanted = entries.find(|entry| entry.info.kind == RecordKind::Bars && entry.info.symbol == symbol);
    let Some(entry) = wanted else {
        let line = format!("read {symbol} in {}: it holds no such bars; import them first", place.display());
        return Err(Failure::Request(line));
    };
    let series = dataset.series(&entry.info.name())?;
    stored_bars(&series, Some(to)).map_err(|error| match error {
        StoredBarsError::Dataset(error) => Failure::Dataset(error),
        unsuited @ (StoredBarsError::NoBars { .. } | StoredBarsError::Unsound { .. }) => {
            Failure::Request(unsuited.to_string())
        }
    })
}

const HEAD: [&str; 12] = [
    "regime",
    "genome",
    "fitness",
    "trades",
    "bars",
    "Sharpe",
    "ensemble",
    "difference",
    "90 % of it",
    "p",
    "drawdown %",
    "verdict",
];

fn text(rows: &[Row], ensemble: Option<PathFigures>, args: &SpecialistsArgs) -> String {
    let ratio =
        |figures: Option<PathFigures>| figures.map_or("-".to_owned(), |it| format!("{:.2}", it.sharpe));
    let cells = rows.iter().map(|row| {
        let (difference, interval) = row.difference.map_or(("-".to_owned(), "-".to_owned()), |it| {
            let Difference { sharpe, .. } = it;
            (format!("{:.2}", sharpe.estimate), format!("{:.2} to {:.2}", sharpe.low, sharpe.high))
        });
        let drawdown = row.whole.map_or("-".to_owned(), |it| format!("{:.1}", -100.0 * it.max_drawdown));
        vec![
            row.specialist.regime.name().to_owned(),
            row.origin.to_owned(),
            format!("{:.2}", row.fitness),
            row.trades.to_string(),
            row.bars.to_string(),
            ratio(row.own),
            ratio(row.ensemble),
            difference,
            interval,
            row.p_value().map_or("-".to_owned(), |p_value| format!("{p_value:.3}")),
            drawdown,
            if row.earns_capital() { "capital".to_owned() } else { "no capital".to_owned() },
        ]
    });
    let mut text = columns(&HEAD, &cells.collect::<Vec<_>>());
    let earned = rows.iter().filter(|row| row.earns_capital()).count();
    text.push_str(&format!(
        "\n{} of {} earn capital: a Sharpe ratio above nothing and above that of the ensemble without regimes\n\
         (target {UNCONDITIONAL_TARGET:.2}; {} over all judged bars) on the same bars, p < {SIGNIFICANCE} one-sided.\n\
         Searched: the fittest of {} random genomes on the bars before the split. Fitness is in sample, everything\n\
         else after the split; decided at the close, filled at the next open, {:.0} bps a unit of turnover.\n",
        earned,
        rows.len(),
        ratio(ensemble),
        args.trials,
        COST * 1e4,
    ));
    text
}

fn document(rows: &[Row], ensemble: Option<PathFigures>, args: &SpecialistsArgs) -> Value {
    let row = |row: &Row| {
        let genes = TABLE.iter().zip(row.specialist.genome.values());
        let genes: serde_json::Map<String, Value> =
            genes.map(|(gene, value)| (gene.name.to_owned(), json!(value))).collect();
        json!({
            "regime": row.specialist.regime.name(),
            "genome": row.origin,
            "genes": genes,
            "cap": row.specialist.cap,
            "fitness_in_sample": row.fitness,
            "trades": row.trades,
            "bars_in_regime": row.bars,
            "in_regime": row.own,
            "ensemble_on_the_same_bars": row.ensemble,
            "difference": row.difference,
            "p_value_one_sided": row.p_value(),
            "all_judged_bars": row.whole,
            "earns_capital": row.earns_capital(),
        })
    };
    json!({
        "instruments": args.instrument,
        "trials": args.trials,
        "seed": args.seed,
        "draws": args.draws,
        "cost": COST,
        "ensemble_without_regimes": ensemble,
        "specialists": rows.iter().map(row).collect::<Vec<_>>(),
    })
}
