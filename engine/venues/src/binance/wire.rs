//! The JSON of Binance Spot, and nothing else.
//!
//! Source: Binance's public API documents, `web-socket-streams.md` and `rest-api.md` (state of 2026-07).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A frame of a combined stream, or a bare one.
#[derive(Debug, Deserialize)]
pub(super) struct Combined<'a> {
    #[serde(borrow)]
    pub(super) stream: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
}

/// The name of an event; top-of-book quotes and partial books have none.
#[derive(Debug, Deserialize)]
pub(super) struct Named<'a> {
    #[serde(rename = "e", borrow)]
    pub(super) event: Option<&'a str>,
    /// Of an answer to a request: its number.
    pub(super) id: Option<serde_json::Value>,
    /// Of a refusal.
    pub(super) code: Option<i64>,
    pub(super) msg: Option<String>,
    /// Of a top-of-book quote: its update number.
    pub(super) u: Option<u64>,
}

/// `trade`: one match.
#[derive(Debug, Deserialize)]
pub(super) struct Trade<'a> {
    #[serde(rename = "s")]
    pub(super) symbol: String,
    #[serde(rename = "t")]
    pub(super) number: u64,
    #[serde(rename = "p", borrow)]
    pub(super) price: &'a str,
    #[serde(rename = "q", borrow)]
    pub(super) qty: &'a str,
    /// Milliseconds since the epoch.
    #[serde(rename = "T")]
    pub(super) at: i64,
    /// The buyer waited, so the seller took.
    #[serde(rename = "m")]
    pub(super) is_buyer_maker: bool,
}

/// `bookTicker`: the best bid and ask.
#[derive(Debug, Deserialize)]
pub(super) struct BookTicker<'a> {
    #[serde(rename = "u")]
    pub(super) number: u64,
    #[serde(rename = "s")]
    pub(super) symbol: String,
    #[serde(rename = "b", borrow)]
    pub(super) bid: &'a str,
    #[serde(rename = "B", borrow)]
    pub(super) bid_qty: &'a str,
    #[serde(rename = "a", borrow)]
    pub(super) ask: &'a str,
    #[serde(rename = "A", borrow)]
    pub(super) ask_qty: &'a str,
}

/// `kline`: a bar as it stands.
#[derive(Debug, Deserialize)]
pub(super) struct KlineEvent<'a> {
    #[serde(rename = "k", borrow)]
    pub(super) kline: Kline<'a>,
}

/// The bar of a `kline`.
#[derive(Debug, Deserialize)]
pub(super) struct Kline<'a> {
    /// Its first and last millisecond.
    #[serde(rename = "t")]
    pub(super) open_ms: i64,
    #[serde(rename = "T")]
    pub(super) last_ms: i64,
    #[serde(rename = "s")]
    pub(super) symbol: String,
    #[serde(rename = "o", borrow)]
    pub(super) open: &'a str,
    #[serde(rename = "h", borrow)]
    pub(super) high: &'a str,
    #[serde(rename = "l", borrow)]
    pub(super) low: &'a str,
    #[serde(rename = "c", borrow)]
    pub(super) close: &'a str,
    #[serde(rename = "v", borrow)]
    pub(super) volume: &'a str,
    #[serde(rename = "n")]
    pub(super) trades: u64,
    #[serde(rename = "x")]
    pub(super) is_closed: bool,
}

/// `GET /api/v3/exchangeInfo`.
#[derive(Debug, Deserialize)]
pub(super) struct ExchangeInfo {
    pub(super) symbols: Vec<SymbolInfo>,
}

/// The rules of one symbol.
#[derive(Debug, Deserialize)]
pub(super) struct SymbolInfo {
    pub(super) symbol: String,
    pub(super) status: String,
    pub(super) filters: Vec<Filter>,
}

/// A rule; those that are not known are read past.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    pub(super) filter_type: String,
    pub(super) tick_size: Option<String>,
    pub(super) step_size: Option<String>,
    pub(super) min_notional: Option<String>,
}

/// One row of `GET /api/v3/klines`: open time, open, high, low, close, volume, last millisecond, quote volume, trades, and
/// three more.
pub(super) type KlineRow = (
    i64,
    String,
    String,
    String,
    String,
    String,
    i64,
    serde_json::Value,
    u64,
    serde_json::Value,
    serde_json::Value,
    serde_json::Value,
);
