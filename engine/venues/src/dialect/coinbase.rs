//! Coinbase Advanced Trade. The older Coinbase Exchange feed is another dialect and is not read.
//!
//! Source: the venue's developer documents and Python SDK 1.8.4, and frames recorded on 2026-08-09.

use engine_core::market::Aggressor;
use engine_core::time::{Span, Timestamp};
use serde_json::json;

use super::Dialect;
use super::frame_error::FrameError;
use super::limits::Limits;
use super::refusal::{AnswerError, Refusal, retry};
use super::request::{
    BarsRequest, BookRequest, Channel, TradesRequest, TradesSince, Unserved, encoded, since_epoch,
};
use crate::listing::Listing;
use crate::message::{BookSnapshot, Kline, MarketMessage, TradePrint};

pub(crate) mod order_words;
pub mod private_request;
pub mod user_frame;

mod request_wire;
mod rest_wire;
mod user_wire;
mod wire;

/// The venue's name, as in datasets.
pub(crate) const VENUE: &str = "coinbase";

/// Base URL of its streams in production.
pub const STREAM_URL: &str = "wss://advanced-trade-ws.coinbase.com";
/// Base URL of its requests in production.
pub const REST_URL: &str = "https://api.coinbase.com";

/// Who took in a trade whose `side` is `BUY`: that is the side of the order that waited, so the seller took.
///
/// The documents do not say, and other programs read it the other way. Of the trades recorded on 2026-08-09 all 71 at the best
/// bid or ask of the book agree with this and none with the other.
const TAKER_OF_BUY: Aggressor = Aggressor::Seller;
/// Who took in a trade whose `side` is `SELL`.
const TAKER_OF_SELL: Aggressor = Aggressor::Buyer;

/// The bars of its stream have one length only.
const STREAMED_BAR: Span = Span::from_nanos(5 * 60 * 1_000_000_000);

/// The most rows of an answer about bars, and about trades.
const BARS_MAX: u32 = 350;
const TRADES_MAX: u32 = 1_000;

/// Lengths of bars in answers.
const GRANULARITIES: [(&str, i64); 8] = [
    ("ONE_MINUTE", 60),
    ("FIVE_MINUTE", 300),
    ("FIFTEEN_MINUTE", 900),
    ("THIRTY_MINUTE", 1_800),
    ("ONE_HOUR", 3_600),
    ("TWO_HOUR", 7_200),
    ("SIX_HOUR", 21_600),
    ("ONE_DAY", 86_400),
];

const fn seconds(count: i64) -> Span {
    Span::from_nanos(count * 1_000_000_000)
}

/// Coinbase Advanced Trade.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coinbase;

/// The name in a subscription; the book answers as `l2_data`.
fn channel_name(channel: Channel) -> Result<&'static str, Unserved> {
    let unserved = |has| Err(Unserved::Data { venue: VENUE, what: channel.to_string(), has });
    match channel {
        Channel::Trades => Ok("market_trades"),
        Channel::Quotes => Ok("ticker"),
        Channel::Bars(STREAMED_BAR) => Ok("candles"),
        Channel::Bars(_) => unserved("bars of 5m in streams"),
        Channel::Book => Ok("level2"),
        Channel::Heartbeats => Ok("heartbeats"),
        Channel::Listings => Ok("status"),
        Channel::AggregateTrades => unserved("every trade"),
        Channel::BookTop(_) => unserved("the whole book"),
    }
}

impl Dialect for Coinbase {
    fn venue(&self) -> &'static str {
        VENUE
    }

    fn limits(&self) -> Limits {
        Limits {
            // Eight a second.
            pace: Span::from_nanos(150_000_000),
            streams_max: None,
            subscribe_within: Some(seconds(5)),
            first_frame_within: seconds(5),
            stale_after: seconds(3),
            lost_after: seconds(10),
            rotate_after: None,
            frame_bytes_max: 16 << 20,
        }
    }

    fn stream_url(&self, base: &str) -> String {
        base.to_owned()
    }

    /// Heartbeats are always among them, and first: without them the venue ends quiet channels, and silence means nothing.
    fn subscribe(&self, symbols: &[&str], channels: &[Channel]) -> Result<Vec<String>, Unserved> {
        let others = channels.iter().filter(|channel| **channel != Channel::Heartbeats);
        let message = |channel: &Channel| {
            let name = channel_name(*channel)?;
            Ok(json!({ "type": "subscribe", "product_ids": symbols, "channel": name }).to_string())
        };
        core::iter::once(&Channel::Heartbeats).chain(others).map(message).collect()
    }

    fn parse(&self, frame: &str) -> Result<Vec<MarketMessage>, FrameError> {
        wire::messages(frame)
    }

    fn time_path(&self) -> String {
        "/api/v3/brokerage/time".to_owned()
    }

    fn parse_time(&self, body: &str) -> Result<Timestamp, AnswerError> {
        Ok(rest_wire::time(body)?)
    }

    fn listings_path(&self) -> String {
        "/api/v3/brokerage/market/products?product_type=SPOT".to_owned()
    }

    fn parse_listings(&self, body: &str) -> Result<(Vec<Listing>, usize), AnswerError> {
        Ok(rest_wire::listings(body)?)
    }

    fn bars_path(&self, request: &BarsRequest<'_>) -> Result<String, Unserved> {
        let known = GRANULARITIES.iter().find(|(_, length)| seconds(*length) == request.interval);
        let (name, _) = known.ok_or_else(|| Unserved::Data {
            venue: VENUE,
            what: format!("bars of {}", request.interval),
            has: "bars of 1m, 5m, 15m, 30m, 1h, 2h, 6h and 1d",
        })?;
        let start = since_epoch(request.from, Span::SECOND);
        let end = since_epoch(request.until.plus(Span::from_nanos(-1)), Span::SECOND);
        let (symbol, rows) = (encoded(request.symbol), request.rows_max.clamp(1, BARS_MAX));
        let path = format!("/api/v3/brokerage/market/products/{symbol}/candles");
        Ok(format!("{path}?start={start}&end={end}&granularity={name}&limit={rows}"))
    }

    fn parse_bars(&self, body: &str, request: &BarsRequest<'_>) -> Result<Vec<Kline>, AnswerError> {
        Ok(rest_wire::bars(body, request)?)
    }

    fn trades_path(&self, request: &TradesRequest<'_>) -> Result<String, Unserved> {
        let (symbol, rows) = (encoded(request.symbol), request.rows_max.clamp(1, TRADES_MAX));
        // The end is told in whole seconds and belongs to what is listed.
        let end = request.until.map(|until| format!("&end={}", since_epoch(until, Span::SECOND)));
        let end = end.unwrap_or_default();
        let path = format!("/api/v3/brokerage/market/products/{symbol}/ticker?limit={rows}{end}");
        match request.since {
            TradesSince::Latest => Ok(path),
            TradesSince::Moment(at) => Ok(format!("{path}&start={}", since_epoch(at, Span::SECOND))),
            TradesSince::Trade(_) | TradesSince::Aggregate(_) => Err(Unserved::Data {
                venue: VENUE,
                what: "trades from a number on".to_owned(),
                has: "the latest, or those from a moment on",
            }),
        }
    }

    fn parse_trades(&self, body: &str, _request: &TradesRequest<'_>) -> Result<Vec<TradePrint>, AnswerError> {
        Ok(rest_wire::trades(body)?)
    }

    fn book_path(&self, _request: &BookRequest<'_>) -> Option<String> {
        None
    }

    fn parse_book(&self, body: &str, _request: &BookRequest<'_>) -> Result<BookSnapshot, AnswerError> {
        Ok(rest_wire::book(body)?)
    }

    fn refusal(&self, status: u16, retry_after: Option<&str>, body: &str) -> Refusal {
        let (code, reason) = rest_wire::error(body);
        Refusal { status, code, reason, retry: retry(status, retry_after) }
    }
}

/// Who took, by the venue's word for the side.
fn aggressor(side: &str) -> Aggressor {
    match side {
        "BUY" => TAKER_OF_BUY,
        "SELL" => TAKER_OF_SELL,
        _ => Aggressor::Unknown,
    }
}

#[cfg(test)]
mod tests;
