//! The layouts of files that the importer knows by name.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// Whose layout a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Decide from the first rows.
    #[default]
    Auto,
    /// Binance public data: klines, aggTrades, trades and bookTicker, with or without header.
    Binance,
    /// Any table whose header, or whose column mapping, names the columns.
    Csv,
    /// Tardis trades and quotes.
    Tardis,
    /// Bitfinex candles: no header; time, open, close, high, low, volume.
    Bitfinex,
    /// BitMEX buckets, whose time is the bucket's end, and trades.
    Bitmex,
    /// What backtesting.py reads: an unnamed date column and Open, High, Low, Close, Volume.
    BacktestingPy,
    /// Kraken history without header: bars and time-and-sales.
    Kraken,
    /// CryptoDataDownload: an address above the header, newest first.
    CryptoDataDownload,
    /// Bybit public trades and klines.
    Bybit,
    /// OKX trades and candles.
    Okx,
    /// Coinbase candles: low and high before open and close.
    Coinbase,
    /// Bitstamp bars, with rows of NaN where nothing was traded.
    Bitstamp,
    /// Gemini bars, newest first.
    Gemini,
    /// freqtrade: JSON arrays, feather and Parquet.
    Freqtrade,
    /// LEAN archives of crypto.
    Lean,
    /// hftbacktest: captured frames and arrays of events.
    Hftbacktest,
    /// The Parquet catalogue of nautilus_trader.
    Nautilus,
    /// Any array of rows in JSON.
    Json,
    /// Any Apache Parquet file.
    Parquet,
    /// Any Arrow file, which is feather of version 2.
    Feather,
}

/// What people need to know of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FormatNotes {
    /// The layout.
    #[serde(rename = "name")]
    pub format: Format,
    /// How a file of it is recognised.
    pub recognised: &'static str,
    /// What its times mean.
    pub times: &'static str,
    /// The options it may need.
    pub options: &'static str,
}

const fn notes(
    format: Format,
    recognised: &'static str,
    times: &'static str,
    options: &'static str,
) -> FormatNotes {
    FormatNotes { format, recognised, times, options }
}

/// Every layout that is told apart, in the order of `--list-formats`.
pub const FORMATS: [FormatNotes; 20] = [
    notes(
        Format::Binance,
        "12 columns without header, true/false in its place, or the header of the venue; names of files in a folder",
        "start of the bar; ms, and us from 2025 on",
        "",
    ),
    notes(
        Format::Kraken,
        "no header: 7 columns ending in a whole number of trades, 8 with vwap, or 3 of time, price, volume",
        "start of the bar, or the trade; seconds UTC",
        "--columns where 3 columns could be quotes; --interval for few rows",
    ),
    notes(
        Format::CryptoDataDownload,
        "header with date, symbol and two columns called Volume",
        "start of the bar; seconds or ms UTC",
        "--columns volume=N where neither volume names the base asset",
    ),
    notes(
        Format::Bybit,
        "trdMatchID with epoch times; id,timestamp,price,volume,side; 7 columns ending in the turnover; dates with dots",
        "the trade in seconds with decimals or ms; start of the bar; dates with dots are UTC+3",
        "",
    ),
    notes(
        Format::Okx,
        "header trade_id/…,side/…,size/…,price/…,created_time/… in GBK or English; candles end in confirm",
        "the trade, or start of the bar; ms UTC; files are cut at 16:00 UTC",
        "",
    ),
    notes(
        Format::Coinbase,
        "time, low, high, open, close, volume by header or by what the prices allow",
        "start of the bar; seconds UTC",
        "--format coinbase where the first rows leave the order open",
    ),
    notes(
        Format::Bitstamp,
        "Weighted_Price in the header, or the array called ohlc",
        "start of the bar; seconds UTC",
        "",
    ),
    notes(
        Format::Gemini,
        "header Unix Timestamp,Date,Symbol,Open,High,Low,Close,Volume",
        "start of the bar; seconds or ms UTC",
        "",
    ),
    notes(
        Format::Bitfinex,
        "no header: time, open, close, high, low, volume, where the prices allow no other order",
        "start of the bar; ms UTC",
        "--format bitfinex where the first rows leave the order open",
    ),
    notes(
        Format::Bitmex,
        "turnover_sat, or trdMatchID with dates",
        "end of the bar, or the trade; dates UTC",
        "--format bitmex for bars with other names",
    ),
    notes(
        Format::Tardis,
        "exchange and local_timestamp in the header",
        "the venue's moment and the moment of receipt; us UTC",
        "",
    ),
    notes(
        Format::Freqtrade,
        "arrays of [ms, open, high, low, close, volume] or of trades in JSON; feather or Parquet with date, open, …",
        "start of the bar, or the trade; UTC",
        "",
    ),
    notes(
        Format::Lean,
        "20180404_btcusdt_minute_trade.csv in an archive, or rows that begin as in 20180404 00:00",
        "start of the bar, or the tick; ms since midnight UTC of the day in the name; quotes end with their bar",
        "",
    ),
    notes(
        Format::Hftbacktest,
        "lines of a local moment and a frame of Binance, or a NumPy array of events",
        "the venue's moment and the local one; spot quotes have the local one only",
        "--kind trades or --kind quotes",
    ),
    notes(
        Format::Nautilus,
        "Parquet with ts_event and ts_init and fixed-point columns",
        "end of the bar; ts_event and ts_init of ticks; ns UTC",
        "--bar-time open where the bars were stamped so",
    ),
    notes(
        Format::BacktestingPy,
        "a first column without name, then Open, High, Low, Close, Volume",
        "start of the bar; dates UTC",
        "",
    ),
    notes(
        Format::Csv,
        "columns by their names, or by --columns",
        "assumed to be the start of the bar",
        "--columns, --bar-time",
    ),
    notes(
        Format::Json,
        "an array of arrays or of objects",
        "assumed to be the start of the bar",
        "--columns, --bar-time",
    ),
    notes(Format::Parquet, "its first bytes", "assumed to be the start of the bar", "--columns, --bar-time"),
    notes(Format::Feather, "its first bytes", "assumed to be the start of the bar", "--columns, --bar-time"),
];

impl Format {
    /// Its name in `--format` and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Binance => "binance",
            Self::Csv => "csv",
            Self::Tardis => "tardis",
            Self::Bitfinex => "bitfinex",
            Self::Bitmex => "bitmex",
            Self::BacktestingPy => "backtesting.py",
            Self::Kraken => "kraken",
            Self::CryptoDataDownload => "cryptodatadownload",
            Self::Bybit => "bybit",
            Self::Okx => "okx",
            Self::Coinbase => "coinbase",
            Self::Bitstamp => "bitstamp",
            Self::Gemini => "gemini",
            Self::Freqtrade => "freqtrade",
            Self::Lean => "lean",
            Self::Hftbacktest => "hftbacktest",
            Self::Nautilus => "nautilus",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Feather => "feather",
        }
    }

    /// Whether it says how the bytes are packed rather than whose rows they are.
    pub(crate) const fn is_container(self) -> bool {
        matches!(self, Self::Auto | Self::Csv | Self::Json | Self::Parquet | Self::Feather)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || std::iter::once(Self::Auto).chain(FORMATS.iter().map(|notes| notes.format));
        known().find(|format| format.name() == text).ok_or_else(|| {
            let names: Vec<&str> = known().map(Self::name).collect();
            format!("format {text:?} is not one of {}", names.join(", "))
        })
    }
}
