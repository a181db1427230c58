//! `study ensemble`: what `rg-ens12` earned over three universes and three spans, after costs, with its uncertainty.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_research::ensemble_study::{
    EnsemblePlan, EnsembleRow, TRIALS_COUNTED, shipped_settings, study_ensemble,
};
use serde_json::{Value, json};

use crate::commands::arguments::draws;
use crate::commands::notes::note_named_twice;
use crate::output::failure::{Failure, Verdict};
use crate::output::file::check_report;
use crate::output::progress::Line;
use crate::output::terminal::Terminal;

mod table;

/// `engine study ensemble`.
#[derive(Debug, Args)]
pub struct EnsembleArgs {
    /// A dataset with daily bars of BTCUSDT, ETHUSDT and SOLUSDT; may be given several times.
    #[arg(long, value_name = "DIR", required = true)]
    pub dataset: Vec<PathBuf>,
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
    note_named_twice(terminal, &shipped_settings()?, &args.dataset);
    let plan = EnsemblePlan { trials: args.trials, seed: args.seed, draws: args.draws };
    let line = Line::runs(terminal);
    let rows = study_ensemble(&args.dataset, &plan, |done, all| line.finished(done, all))?;
    drop(line);
    if let Some(path) = &args.html {
        let page = table::page(&rows, args, &command(args)).render();
        std::fs::write(path, page).map_err(|error| Failure::io("write", path, error))?;
    }
    terminal.answer(&document(&rows, args), &table::text(&rows, args))?;
    Ok(Verdict::Fine)
}

fn command(args: &EnsembleArgs) -> String {
    let mut line = "engine study ensemble".to_owned();
    for dataset in &args.dataset {
        line.push_str(&format!(" --dataset {}", dataset.display()));
    }
    line.push_str(&format!(" --trials {} --seed {} --draws {}", args.trials, args.seed, args.draws));
    line
}

fn document(rows: &[EnsembleRow], args: &EnsembleArgs) -> Value {
    let rows = rows.iter().map(|row| {
        json!({
            "universe": row.case.symbols,
            "from": row.case.from,
            "to": table::last_day(row.case.window.to),
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
        "doubts": table::DOUBTS,
    })
}
