//! What a run came to, as a table of one row type: its columns, and a writer for each format.
//!
//! Rows are written as they come; nothing but one row group of Parquet is kept. `replay/EXPORT.md` documents every
//! column.

use std::io::Write;
use std::str::FromStr;

use engine_core::instrument::Instrument;
use engine_core::num::{Decimal, MONEY_DECIMALS, Money, Price, Qty, RATIO_DECIMALS, Ratio};
use engine_core::time::Timestamp;

use super::numbers::moment;
use super::{ExportError, ExportFormat};

mod columns;
mod conductor_rows;
mod order_rows;
mod parquet;

#[cfg(test)]
mod tests;

pub use columns::{Column, Shape};
pub use conductor_rows::{DecisionRows, RegimeRows};
pub use order_rows::{FillRows, OrderRows};

use parquet::ParquetTable;

/// The tables there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunTable {
    /// Equity over time.
    Equity,
    /// Closed trades.
    Trades,
    /// Booked fills.
    Fills,
    /// Orders with their end, and what the risk gate refused.
    Orders,
    /// Positions after each fill.
    Positions,
    /// Changes of regime.
    Regimes,
    /// Questions to the conductor with their answers.
    Decisions,
}

impl RunTable {
    /// Every table.
    pub const ALL: [Self; 7] = [
        Self::Equity,
        Self::Trades,
        Self::Fills,
        Self::Orders,
        Self::Positions,
        Self::Regimes,
        Self::Decisions,
    ];

    /// Its name on the command line and in file names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equity => "equity",
            Self::Trades => "trades",
            Self::Fills => "fills",
            Self::Orders => "orders",
            Self::Positions => "positions",
            Self::Regimes => "regimes",
            Self::Decisions => "decisions",
        }
    }

    /// Its columns, in order.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        columns::of(self)
    }
}

impl FromStr for RunTable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|table| table.name() == text);
        found.ok_or_else(|| format!("table {text:?} is not one of {names}"))
    }
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Absent,
    /// A moment.
    Moment(Timestamp),
    /// Words, or a number that is a name.
    Text(String),
    /// An exact number.
    Exact(Decimal),
    /// A number that was computed in doubles.
    Float(f64),
    /// How many, or which.
    Count(u64),
}

impl Cell {
    /// A price of `rules`.
    #[must_use]
    pub fn price(rules: &Instrument, price: Price) -> Self {
        Self::Exact(rules.price_decimal(price))
    }

    /// A quantity of `rules`.
    #[must_use]
    pub fn qty(rules: &Instrument, qty: Qty) -> Self {
        Self::Exact(rules.qty_decimal(qty))
    }

    /// An amount of the settlement currency.
    #[must_use]
    pub const fn money(amount: Money) -> Self {
        Self::Exact(Decimal { units: amount.units(), decimals: MONEY_DECIMALS })
    }

    /// A share.
    #[must_use]
    pub fn ratio(share: Ratio) -> Self {
        Self::Exact(Decimal { units: i128::from(share.units()), decimals: RATIO_DECIMALS })
    }

    /// Words.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The name of an instrument, as in `binance:BTCUSDT`.
    #[must_use]
    pub fn instrument(rules: &Instrument) -> Self {
        Self::Text(format!("{}:{}", rules.venue, rules.symbol))
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

impl From<Timestamp> for Cell {
    fn from(at: Timestamp) -> Self {
        Self::Moment(at)
    }
}

impl From<u64> for Cell {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

/// Writes the rows of one table in one format.
pub struct RunTableWriter<'out> {
    columns: &'static [Column],
    sink: Sink<'out>,
    rows: u64,
}

impl core::fmt::Debug for RunTableWriter<'_> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("RunTableWriter").field("rows", &self.rows).finish_non_exhaustive()
    }
}

enum Sink<'out> {
    Jsonl(&'out mut (dyn Write + Send)),
    Csv(&'out mut (dyn Write + Send)),
    Parquet(Box<ParquetTable<'out>>),
}

impl<'out> RunTableWriter<'out> {
    /// A writer of `table` for a run with `instruments`; writes what stands before the first row.
    ///
    /// # Errors
    /// [`ExportError::Write`].
    pub fn new(
        table: RunTable,
        format: ExportFormat,
        instruments: &[Instrument],
        out: &'out mut (dyn Write + Send),
    ) -> Result<Self, ExportError> {
        let columns = table.columns();
        let sink = match format {
            ExportFormat::Jsonl => Sink::Jsonl(out),
            ExportFormat::Csv => {
                let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
                writeln!(out, "{}", names.join(","))?;
                Sink::Csv(out)
            }
            ExportFormat::Parquet => Sink::Parquet(Box::new(ParquetTable::new(columns, instruments, out)?)),
        };
        Ok(Self { columns, sink, rows: 0 })
    }

    /// Writes one row, a cell for each column.
    ///
    /// # Errors
    /// [`ExportError::Write`]; [`ExportError::TooManyDigits`] for a number that Parquet cannot hold.
    pub fn row(&mut self, cells: Vec<Cell>) -> Result<(), ExportError> {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.rows += 1;
        match &mut self.sink {
            Sink::Jsonl(out) => writeln!(out, "{}", json_row(self.columns, &cells))?,
            Sink::Csv(out) => {
                let texts: Vec<String> = cells.iter().map(csv_cell).collect();
                writeln!(out, "{}", texts.join(","))?;
            }
            Sink::Parquet(table) => table.row(cells)?,
        }
        Ok(())
    }

    /// Ends the table; answers how many rows it has.
    ///
    /// # Errors
    /// As [`RunTableWriter::row`].
    pub fn finish(self) -> Result<u64, ExportError> {
        match self.sink {
            Sink::Jsonl(out) | Sink::Csv(out) => out.flush()?,
            Sink::Parquet(table) => table.finish()?,
        }
        Ok(self.rows)
    }
}

/// A row as an object with its keys in the order of the columns; exact numbers are words, so that no reader turns them
/// into doubles unasked.
fn json_row(columns: &[Column], cells: &[Cell]) -> String {
    let value = |cell: &Cell| match cell {
        Cell::Absent => serde_json::Value::Null,
        Cell::Moment(at) => moment(*at).into(),
        Cell::Text(text) => text.as_str().into(),
        Cell::Exact(number) => number.to_string().into(),
        Cell::Float(number) => (*number).into(),
        Cell::Count(count) => (*count).into(),
    };
    let fields =
        columns.iter().zip(cells).map(|(column, cell)| format!("\"{}\":{}", column.name, value(cell)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}

/// A cell of CSV; what holds a comma, a quote or a line break is quoted, as RFC 4180 says.
fn csv_cell(cell: &Cell) -> String {
    match cell {
        Cell::Absent => String::new(),
        Cell::Moment(at) => moment(*at),
        Cell::Text(text) if text.contains([',', '"', '\n', '\r']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Cell::Text(text) => text.clone(),
        Cell::Exact(number) => number.to_string(),
        Cell::Float(number) if number.is_finite() => number.to_string(),
        Cell::Float(_) => String::new(),
        Cell::Count(count) => count.to_string(),
    }
}
