//! `trades`: every closed trade of a run.

use std::path::PathBuf;

use clap::Args;
use replay_statistics::TradeRow;
use serde_json::json;

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::table::columns;
use crate::output::terminal::Terminal;
use engine_application::wiring::closed_trades::closed_trades;
use engine_application::wiring::recording::Recording;

/// `engine trades`.
#[derive(Debug, Args)]
pub struct TradesArgs {
    /// The run.
    pub run: PathBuf,
    /// Where its datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
}

/// Runs `engine trades`.
///
/// # Errors
/// [`Failure`] when run or datasets cannot be read.
pub fn trades(terminal: Terminal, args: &TradesArgs) -> Result<Verdict, Failure> {
    let recording = Recording::open(&args.run)?;
    let book = closed_trades(&recording, &args.dataset)?;
    note_run_state(terminal, &recording.reader);
    let rows: Vec<TradeRow> = book.rows(0).collect();
    let (run, complete) = (args.run.display().to_string(), recording.reader.is_complete());
    let document = json!({ "run": run, "count": rows.len(), "complete": complete, "trades": rows });
    terminal.answer(&document, &table(&rows))?;
    Ok(Verdict::Fine)
}

fn table(rows: &[TradeRow]) -> String {
    if rows.is_empty() {
        return "no closed trades\n".to_owned();
    }
    let head = [
        "#",
        "instrument",
        "side",
        "qty",
        "entered",
        "at",
        "left",
        "at",
        "profit",
        "return %",
        "mae %",
        "mfe %",
        "why left",
    ];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.number.to_string(),
                row.instrument.clone(),
                row.direction.to_owned(),
                row.qty.clone(),
                row.entry_at.clone(),
                row.entry_price.clone(),
                row.exit_at.clone(),
                row.exit_price.clone(),
                row.profit.clone(),
                format!("{:.3}", row.return_pct),
                format!("{:.3}", row.mae_pct),
                format!("{:.3}", row.mfe_pct),
                row.exit_reason.clone(),
            ]
        })
        .collect();
    columns(&head, &rows)
}
