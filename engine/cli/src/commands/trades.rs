//! `trades`: every closed trade of a run.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use engine_core::num::{Decimal, divide_half_even, power_of_ten};
use replay_statistics::TradeRow;
use serde_json::Value;

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
    let (run, complete) = (args.run.display().to_string(), recording.reader.is_complete());
    if terminal.json {
        stream(&mut terminal.stream(), &run, complete, book.rows(0))?;
    } else {
        let decimals = |row: &TradeRow| {
            let instruments = book.instruments().iter();
            let rules = instruments
                .clone()
                .find(|rules| row.instrument == format!("{}:{}", rules.venue, rules.symbol));
            rules.map_or(2, |rules| rules.price_decimals.max(2))
        };
        terminal.answer(&Value::Null, &table(book.rows(0), decimals))?;
    }
    Ok(Verdict::Fine)
}

/// Writes the answer row by row, so that its size is no matter.
fn stream(
    out: &mut impl Write,
    run: &str,
    complete: bool,
    rows: impl Iterator<Item = TradeRow>,
) -> std::io::Result<()> {
    write!(out, "{{\n  \"run\": {},\n  \"complete\": {complete},\n  \"trades\": [", Value::from(run))?;
    let mut count = 0_u64;
    for row in rows {
        out.write_all(if count == 0 { b"\n    " } else { b",\n    " })?;
        serde_json::to_writer(&mut *out, &row).map_err(std::io::Error::from)?;
        count += 1;
    }
    writeln!(out, "\n  ],\n  \"count\": {count}\n}}")?;
    out.flush()
}

/// An exact decimal with at most `places` decimals, rounded half to even: for the eye.
fn rounded(exact: &str, places: u8) -> String {
    let (whole, fraction) = exact.split_once('.').unwrap_or((exact, ""));
    let shortened = u8::try_from(fraction.len()).ok().and_then(|decimals| {
        let units: i128 = format!("{whole}{fraction}").parse().ok()?;
        let drop = decimals.checked_sub(places)?;
        Some(Decimal { units: divide_half_even(units, power_of_ten(drop)?)?, decimals: places })
    });
    shortened.map_or_else(|| exact.to_owned(), |number| number.to_string())
}

fn table(rows: impl Iterator<Item = TradeRow>, decimals: impl Fn(&TradeRow) -> u8) -> String {
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
                rounded(&row.profit, decimals(&row)),
                format!("{:.3}", row.return_pct),
                format!("{:.3}", row.mae_pct),
                format!("{:.3}", row.mfe_pct),
                row.exit_reason.clone(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "no closed trades\n".to_owned();
    }
    columns(&head, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_shortened_to_what_the_eye_needs() {
        let cases =
            [("1.005000000000000001", "1.01"), ("-0.125", "-0.12"), ("7", "7"), ("1234567.5", "1234567.5")];
        for (exact, shown) in cases {
            assert_eq!(rounded(exact, 2), shown, "{exact}");
        }
        assert_eq!(rounded("-0.000000000000000001", 18), "-0.000000000000000001");
    }
}
