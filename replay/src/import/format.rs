//! The layouts of files that the importer knows by name.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Whose layout a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Decide from the first rows.
    #[default]
    Auto,
    /// Binance public data: klines, aggTrades and trades, with or without header.
    Binance,
    /// Any table whose header, or whose column mapping, names the columns.
    Csv,
    /// Tardis trades and quotes.
    Tardis,
    /// Bitfinex candles: no header; time, open, close, high, low, volume.
    Bitfinex,
    /// BitMEX buckets: the time is the bucket's end.
    Bitmex,
    /// What backtesting.py reads: an unnamed date column and Open, High, Low, Close, Volume.
    #[serde(rename = "backtesting.py")]
    BacktestingPy,
    /// An Apache Parquet file.
    Parquet,
}

const NAMES: [(Format, &str); 8] = [
    (Format::Auto, "auto"),
    (Format::Binance, "binance"),
    (Format::Csv, "csv"),
    (Format::Tardis, "tardis"),
    (Format::Bitfinex, "bitfinex"),
    (Format::Bitmex, "bitmex"),
    (Format::BacktestingPy, "backtesting.py"),
    (Format::Parquet, "parquet"),
];

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(format, _)| format == self).map_or("", |(_, name)| name);
        out.write_str(name)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        NAMES.iter().find(|(_, name)| *name == text).map(|(format, _)| *format).ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(_, name)| *name).collect();
            format!("format {text:?} is not one of {}", names.join(", "))
        })
    }
}
