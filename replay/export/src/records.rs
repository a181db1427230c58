//! Records of a series as lines of text.

use std::io::Write;

use engine_core::num::Decimal;
use engine_core::time::Timestamp;
use journal_store::dataset::SeriesReader;
use journal_store::record::{BarRecord, QuoteRecord, Record, RecordKind, TradeRecord, lag_span};
use journal_store::series::{SeriesEntry, SeriesInfo};

use super::{ExportError, ExportFormat};
use replay_history::quality::rfc3339;

/// Writes all records of `series` as JSON lines or CSV; answers how many.
pub(super) fn write(
    series: &SeriesReader,
    format: ExportFormat,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    match series.info().kind {
        RecordKind::Trades => write_as::<TradeRecord>(series, format, out),
        RecordKind::Quotes => write_as::<QuoteRecord>(series, format, out),
        RecordKind::Bars => write_as::<BarRecord>(series, format, out),
    }
}

fn write_as<R: Tabular>(
    series: &SeriesReader,
    format: ExportFormat,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    let mut pages = series.pages(1)?;
    let mut records: Vec<R> = Vec::new();
    let mut line = String::new();
    let mut count = 0;
    let columns = R::columns_of(series.entry());
    if format == ExportFormat::Csv {
        writeln!(out, "{}", columns.join(","))?;
    }
    while let Some(page) = pages.next_page()? {
        page.copy_to(&mut records);
        for record in &records {
            line.clear();
            let cells = record.cells(series.info());
            let cells = columns.iter().zip(&cells);
            match format {
                ExportFormat::Jsonl => json_line(&mut line, cells),
                ExportFormat::Csv | ExportFormat::Parquet => {
                    let cells: Vec<&str> = cells.map(|(_, cell)| cell.as_str()).collect();
                    line.push_str(&cells.join(","));
                }
            }
            line.push('\n');
            out.write_all(line.as_bytes())?;
        }
        count += records.len() as u64;
    }
    Ok(count)
}

/// Cells are digits, dates and plain words: nothing in them needs escaping. Empty ones are left out.
fn json_line<'cell>(line: &mut String, cells: impl Iterator<Item = (&'cell &'static str, &'cell String)>) {
    line.push('{');
    for (name, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
        if line.len() > 1 {
            line.push(',');
        }
        line.push('"');
        line.push_str(name);
        line.push_str("\":\"");
        line.push_str(cell);
        line.push('"');
    }
    line.push('}');
}

/// The end of a bar.
pub(super) const CLOSE_TIME: &str = "close_time";

/// A record with named cells.
trait Tabular: Record {
    /// Names that the importer knows.
    const COLUMNS: &'static [&'static str];

    /// The names for the records of this series.
    fn columns_of(_entry: &SeriesEntry) -> &'static [&'static str] {
        Self::COLUMNS
    }

    /// One cell for each name there can be; empty where nothing is known.
    fn cells(&self, info: &SeriesInfo) -> Vec<String>;
}

fn moment(nanos: i64) -> String {
    rfc3339(Timestamp::from_nanos(nanos))
}

fn received(venue_at: i64, lag_us: u32) -> String {
    lag_span(lag_us).map_or_else(String::new, |lag| moment(venue_at.saturating_add(lag.nanos())))
}

fn price(info: &SeriesInfo, units: i64) -> String {
    Decimal { units: i128::from(units), decimals: info.price_decimals }.to_string()
}

fn qty(info: &SeriesInfo, units: i64) -> String {
    Decimal { units: i128::from(units), decimals: info.qty_decimals }.to_string()
}

impl Tabular for TradeRecord {
    const COLUMNS: &'static [&'static str] = &["time", "price", "qty", "side", "local_time"];

    fn cells(&self, info: &SeriesInfo) -> Vec<String> {
        let side = match self.side {
            1 => "buy",
            2 => "sell",
            _ => "",
        };
        vec![
            moment(self.venue_at),
            price(info, self.price),
            qty(info, self.qty),
            side.to_owned(),
            received(self.venue_at, self.lag_us),
        ]
    }
}

impl Tabular for QuoteRecord {
    const COLUMNS: &'static [&'static str] = &["time", "bid", "bid_qty", "ask", "ask_qty", "local_time"];

    fn cells(&self, info: &SeriesInfo) -> Vec<String> {
        vec![
            moment(self.venue_at),
            price(info, self.bid),
            qty(info, self.bid_qty),
            price(info, self.ask),
            qty(info, self.ask_qty),
            received(self.venue_at, self.lag_us),
        ]
    }
}

impl Tabular for BarRecord {
    const COLUMNS: &'static [&'static str] =
        &["open_time", "open", "high", "low", "close", "volume", "trades", CLOSE_TIME];

    /// Where every bar lasts as long as the interval, its end goes without saying.
    fn columns_of(entry: &SeriesEntry) -> &'static [&'static str] {
        match (entry.fidelity.odd_bars, Self::COLUMNS) {
            (0, [common @ .., CLOSE_TIME]) => common,
            (_, all) => all,
        }
    }

    fn cells(&self, info: &SeriesInfo) -> Vec<String> {
        vec![
            moment(self.open_at),
            price(info, self.open),
            price(info, self.high),
            price(info, self.low),
            price(info, self.close),
            qty(info, self.volume),
            self.trades.to_string(),
            info.interval.map(|interval| rfc3339(self.close_at(interval))).unwrap_or_default(),
        ]
    }
}
