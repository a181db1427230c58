//! `trades`: every closed trade of a run, or of one segment of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use engine_core::num::{Decimal, divide_half_even, power_of_ten};
use journal_store::event_span::EventSpan;
use replay_statistics::TradeRow;
use serde_json::Value;

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::table::StreamedTable;
use crate::output::terminal::Terminal;
use engine_application::wiring::closed_trades::each_closed_trade;
use engine_application::wiring::recording::Recording;

/// `engine trades`.
#[derive(Debug, Args)]
pub struct TradesArgs {
    /// The run, or one segment of it that was put away, as in RUN/segments/00000003: trades closed in it.
    pub run: PathBuf,
    /// Where its datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
}

/// Runs `engine trades`: each is written as soon as it is read, so that the first do not wait for the last.
///
/// # Errors
/// [`Failure`] when run or datasets cannot be read; of JSON, before the first trade: behind it the answer is closed and names the
/// failure.
pub fn trades(terminal: Terminal, args: &TradesArgs) -> Result<Verdict, Failure> {
    let (recording, segment) = Recording::open_part(&args.run)?;
    let span = recording.reader.span_of(segment.as_ref());
    // Of what was dropped, the reader says so, and nothing else is said.
    recording.reader.envelopes_of(span)?;
    note_run_state(terminal, &recording.reader);
    let out = &mut terminal.stream();
    let (carried, failure) = match terminal.json {
        true => document(out, &recording, span, args)?,
        false => (table(out, &recording, span, args)?, None),
    };
    out.flush()?;
    if carried > 0 {
        let what = "held where what is kept begins: their trades have the average price, no entry fee and no entry time of their own";
        terminal.note(&format!("{carried} positions were {what}"));
    }
    Ok(terminal.broken_off(failure.as_ref()))
}

/// Writes the answer row by row, so that its size is no matter; answers how many positions were carried in, and what broke
/// it off behind the first row.
fn document(
    out: &mut impl Write,
    recording: &Recording,
    span: EventSpan,
    args: &TradesArgs,
) -> Result<(u64, Option<Failure>), Failure> {
    // A segment that was put away is whole.
    let complete = span.last.is_some() || recording.reader.is_complete();
    let run = Value::from(args.run.display().to_string());
    let mut count = 0_u64;
    let told = each_closed_trade(recording, span, &args.dataset, |row| {
        // Nothing is said of a run that cannot be read at all.
        if count == 0 {
            write!(out, "{{\n  \"run\": {run},\n  \"complete\": {complete},\n  \"trades\": [")?;
        }
        out.write_all(if count == 0 { b"\n    " } else { b",\n    " })?;
        serde_json::to_writer(&mut *out, &row).map_err(std::io::Error::from)?;
        count += 1;
        Ok::<(), Failure>(())
    });
    if count == 0 {
        let carried = told?;
        writeln!(
            out,
            "{{\n  \"run\": {run},\n  \"complete\": {complete},\n  \"trades\": [\n  ],\n  \"count\": 0\n}}"
        )?;
        return Ok((carried, None));
    }
    let (carried, failure) = match told {
        Ok(carried) => (carried, None),
        Err(failure) => (0, Failure::behind_rows(Err(failure))?),
    };
    // Said where it is anything: of a whole run nothing is carried in.
    let carried_in = if carried > 0 { format!(",\n  \"carried\": {carried}") } else { String::new() };
    write!(out, "\n  ],\n  \"count\": {count}{carried_in}")?;
    if let Some(failure) = &failure {
        write!(out, ",\n  \"error\": {}", failure.document()["error"])?;
    }
    writeln!(out, "\n}}")?;
    Ok((carried, failure))
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

const HEAD: [&str; 13] = [
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

fn table(
    out: &mut impl Write,
    recording: &Recording,
    span: EventSpan,
    args: &TradesArgs,
) -> Result<u64, Failure> {
    let instruments = recording.manifest.instruments.iter();
    let places: BTreeMap<String, u8> = instruments
        .map(|rules| (format!("{}:{}", rules.venue, rules.symbol), rules.price_decimals.max(2)))
        .collect();
    let mut lines = StreamedTable::new(&HEAD);
    let carried = each_closed_trade(recording, span, &args.dataset, |row| {
        let places = places.get(&row.instrument).copied().unwrap_or(2);
        Ok::<(), Failure>(lines.push(out, cells(&row, places))?)
    })?;
    if lines.is_empty() {
        writeln!(out, "no closed trades")?;
        return Ok(carried);
    }
    lines.finish(out)?;
    Ok(carried)
}

fn cells(row: &TradeRow, places: u8) -> Vec<String> {
    vec![
        row.number.to_string(),
        row.instrument.clone(),
        row.direction.to_owned(),
        row.qty.clone(),
        row.entry_at.clone(),
        row.entry_price.clone(),
        row.exit_at.clone(),
        row.exit_price.clone(),
        rounded(&row.profit, places),
        format!("{:.3}", row.return_pct),
        format!("{:.3}", row.mae_pct),
        format!("{:.3}", row.mfe_pct),
        row.exit_reason.clone(),
    ]
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
