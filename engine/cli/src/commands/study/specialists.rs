//! `study specialists`: whether any regime specialist beats the ensemble that knows no regimes, out of sample.

use std::path::PathBuf;

use clap::Args;
use engine_application::moment::parse_moment;
use engine_core::time::Timestamp;
use engine_research::specialist_search::UNCONDITIONAL_TARGET;
use engine_research::specialist_study::{
    COST, SIGNIFICANCE, SpecialistRequest, SpecialistResult, SpecialistRow, study_specialists,
};
use replay_statistics::significance::bootstrap::Difference;
use replay_statistics::significance::path::PathFigures;
use serde_json::{Value, json};
use strategies::genome::TABLE;

use crate::commands::arguments::draws;
use crate::commands::interruption::ends_keeping_nothing;
use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::table::columns;
use crate::output::terminal::Terminal;
use crate::signals;

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

/// Runs `engine study specialists`.
///
/// # Errors
/// [`Failure`] when the dataset lacks a market, bars are missing, or the markets do not overlap.
pub fn specialists(terminal: Terminal, args: &SpecialistsArgs) -> Result<Verdict, Failure> {
    let request = SpecialistRequest {
        dataset: &args.dataset,
        instruments: &args.instrument,
        from: args.from,
        split: args.split,
        to: args.to,
        trials: args.trials,
        seed: args.seed,
        draws: args.draws,
    };
    ends_keeping_nothing(terminal)?;
    let line = Line::runs(terminal);
    let SpecialistResult { rows, ensemble } =
        study_specialists(&request, |done, all| line.finished(done, all))?;
    drop(line);
    signals::is_done();
    terminal.answer(&document(&rows, ensemble, args), &text(&rows, ensemble, args))?;
    Ok(Verdict::Fine)
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

fn text(rows: &[SpecialistRow], ensemble: Option<PathFigures>, args: &SpecialistsArgs) -> String {
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

fn document(rows: &[SpecialistRow], ensemble: Option<PathFigures>, args: &SpecialistsArgs) -> Value {
    let row = |row: &SpecialistRow| {
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
