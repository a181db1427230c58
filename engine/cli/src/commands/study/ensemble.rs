//! `study ensemble`: what `rg-ens12` earned over three universes and three spans, after costs, with its uncertainty.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_application::moment::moment_text;
use engine_core::time::Timestamp;
use engine_research::ensemble_study::{
    EnsemblePlan, EnsembleStudy, TRIALS_COUNTED, shipped_settings, study_ensemble,
};
use serde_json::{Value, json};

use crate::commands::arguments::{draws, moment};
use crate::commands::interruption::ends_keeping_nothing;
use crate::commands::notes::note_datasets;
use crate::output::failure::{Failure, Verdict};
use crate::output::file::check_report;
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use crate::signals;

mod table;

/// `engine study ensemble`.
#[derive(Debug, Args)]
pub struct EnsembleArgs {
    /// A dataset with daily bars of BTCUSDT, ETHUSDT and SOLUSDT; may be given several times.
    #[arg(long, value_name = "DIR", required = true)]
    pub dataset: Vec<PathBuf>,
    /// Judge one span from this day on instead of the usual three.
    #[arg(long, value_name = "DATE", value_parser = moment, conflicts_with = "span")]
    pub from: Option<Timestamp>,
    /// End spans before this day; the end of the data when absent.
    #[arg(long, value_name = "DATE", value_parser = moment, conflicts_with = "span")]
    pub to: Option<Timestamp>,
    /// Judge this span, the second day not in it, or to the end of the data; may be given several times.
    #[arg(long, value_name = "FROM..[TO]", value_parser = span)]
    pub span: Vec<(Timestamp, Option<Timestamp>)>,
    /// Configurations tried before this one was picked.
    #[arg(long, value_name = "N", default_value_t = TRIALS_COUNTED, value_parser = clap::value_parser!(u64).range(1..))]
    pub trials: u64,
    /// Everything random comes from here.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Resampled paths.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = draws)]
    pub draws: usize,
    /// Write a self-contained HTML page.
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
}

/// Runs `engine study ensemble`.
///
/// # Errors
/// [`Failure`] when a dataset cannot be used or lacks one of the symbols.
pub fn ensemble(terminal: Terminal, args: &EnsembleArgs) -> Result<Verdict, Failure> {
    args.html.as_deref().map_or(Ok(()), check_report)?;
    note_datasets(terminal, &shipped_settings()?, &args.dataset);
    let plan = plan(args);
    ends_keeping_nothing(terminal)?;
    let line = Line::runs(terminal);
    let study = study_ensemble(&args.dataset, &plan, |done, all| line.finished(done, all))?;
    drop(line);
    signals::is_done();
    study.left_out.iter().for_each(|line| terminal.note(&format!("note: {line}")));
    if let Some(path) = &args.html {
        let page = table::page(&study, args, &command(args)).render();
        std::fs::write(path, page).map_err(|error| Failure::io("write", path, error))?;
    }
    terminal.answer(&document(&study, args), &table::text(&study, args))?;
    Ok(Verdict::Fine)
}

fn plan(args: &EnsembleArgs) -> EnsemblePlan {
    let one = args.from.map(|from| (from, args.to));
    let spans = one.into_iter().chain(args.span.iter().copied()).collect();
    EnsemblePlan { spans, to: args.to, trials: args.trials, seed: args.seed, draws: args.draws }
}

/// A span as in `2020-01-01..2025-01-01`, or `2020-01-01..` to the end of the data.
fn span(text: &str) -> Result<(Timestamp, Option<Timestamp>), String> {
    let (from, to) = text.split_once("..").ok_or("a span, as in 2020-01-01..2025-01-01 or 2020-01-01..")?;
    let to = if to.is_empty() { None } else { Some(moment(to)?) };
    Ok((moment(from)?, to))
}

fn command(args: &EnsembleArgs) -> String {
    let mut line = "engine study ensemble".to_owned();
    for dataset in &args.dataset {
        line.push_str(&format!(" --dataset {}", dataset.display()));
    }
    let day = |at: &Timestamp| moment_text(*at);
    for (name, given) in [("from", &args.from), ("to", &args.to)] {
        line.push_str(&given.as_ref().map(|at| format!(" --{name} {}", day(at))).unwrap_or_default());
    }
    for (from, to) in &args.span {
        line.push_str(&format!(" --span {}..{}", day(from), to.as_ref().map(day).unwrap_or_default()));
    }
    line.push_str(&format!(" --trials {} --seed {} --draws {}", args.trials, args.seed, args.draws));
    line
}

fn document(study: &EnsembleStudy, args: &EnsembleArgs) -> Value {
    let rows = study.rows.iter().map(|row| {
        json!({
            "universe": row.case.symbols,
            "from": row.case.from_day(),
            "to": row.case.last_day(),
            "ensemble": row.ensemble,
            "trades": row.trades,
            "deflation": row.deflation,
            "deflation_against_worthless_trials": row.strict,
            "simple_trend_policies": row.neighbours,
            "share_meeting_all_three": row.all_three,
            "buy_and_hold": row.holding,
            "less_buy_and_hold": row.less_holding,
            "original": row.original,
            "same_close_optimistic": row.same_close,
        })
    });
    json!({
        "study": "ensemble",
        "strategy": "rg-ens12",
        "fill": "next-open",
        "fee_bps": 10,
        "slippage_bps": 5,
        "trials_counted": args.trials,
        "rows": rows.collect::<Vec<_>>(),
        "html": args.html.as_deref().map(Path::display).map(|path| path.to_string()),
        "left_out": study.left_out,
        "doubts": table::DOUBTS,
    })
}
