//! Binance Spot.
//!
//! Source: the venue's public API documents, `web-socket-streams.md` and `rest-api.md` (state of 2026-07). Frames of its USDⓈ-M
//! futures are read as far as they have the same shape, among them depth with `pu`.

use engine_core::market::Aggressor;
use engine_core::time::{Span, Timestamp};
use serde_json::json;

use super::Dialect;
use super::frame_error::FrameError;
use super::limits::Limits;
use super::refusal::{AnswerError, Refusal, Retry, retry};
use super::request::{
    BarsRequest, BookRequest, Channel, TradesRequest, TradesSince, Unserved, encoded, since_epoch,
};
use crate::listing::Listing;
use crate::message::{BookSnapshot, Kline, MarketMessage, TradePrint};
use crate::venue_time::TimeUnit;

pub mod api_call;
pub mod api_frame;
pub(crate) mod order_words;
pub mod rest_call;

mod rest_wire;
mod wire;

/// The venue's name, as in datasets.
pub(crate) const VENUE: &str = "binance";

/// Its base URLs in production.
pub const STREAM_URL: &str = "wss://stream.binance.com:9443";

/// The venue's own base URL for orders.
pub const ORDERS_URL: &str = "wss://ws-api.binance.com:443";
/// Base URL of its requests in production.
pub const REST_URL: &str = "https://api.binance.com";

/// The most streams of one connection.
const STREAMS_MAX: usize = 1_024;

/// Streams in one message, which keeps it below 8 KiB.
const STREAMS_PER_MESSAGE: usize = 200;

/// The most rows of an answer about bars or trades.
const ROWS_MAX: u32 = 1_000;

/// The most levels of each side of a book in an answer.
const LEVELS_MAX: u16 = 5_000;

/// Levels that a partial book can have.
const PARTIAL_LEVELS: [u16; 3] = [5, 10, 20];

/// What the buyer's having waited says: `m` true, and the seller took.
const BUYER_WAITED: Aggressor = Aggressor::Seller;

/// Its code for too many requests, with whatever status.
const TOO_MANY_REQUESTS: &str = "-1003";

/// Lengths of bars; a month has no fixed length, so its bars are not read.
const INTERVALS: [(&str, Span); 15] = [
    ("1s", Span::SECOND),
    ("1m", Span::MINUTE),
    ("3m", times(Span::MINUTE, 3)),
    ("5m", times(Span::MINUTE, 5)),
    ("15m", times(Span::MINUTE, 15)),
    ("30m", times(Span::MINUTE, 30)),
    ("1h", Span::HOUR),
    ("2h", times(Span::HOUR, 2)),
    ("4h", times(Span::HOUR, 4)),
    ("6h", times(Span::HOUR, 6)),
    ("8h", times(Span::HOUR, 8)),
    ("12h", times(Span::HOUR, 12)),
    ("1d", Span::DAY),
    ("3d", times(Span::DAY, 3)),
    ("1w", times(Span::DAY, 7)),
];

const INTERVAL_NAMES: &str = "bars of 1s, 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 3d and 1w";

const fn times(span: Span, count: i64) -> Span {
    Span::from_nanos(span.nanos() * count)
}

fn interval_named(name: &str) -> Option<Span> {
    INTERVALS.iter().find(|(known, _)| *known == name).map(|(_, interval)| *interval)
}

fn interval_name(interval: Span) -> Result<&'static str, Unserved> {
    let found = INTERVALS.iter().find(|(_, known)| *known == interval).map(|(name, _)| *name);
    found.ok_or_else(|| Unserved::Data {
        venue: VENUE,
        what: format!("bars of {interval}"),
        has: INTERVAL_NAMES,
    })
}

/// Binance Spot, with the times of its streams in one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binance {
    /// What times of streams are counted in, as asked for in the URL; answers to requests are always in milliseconds.
    pub stream_time_unit: TimeUnit,
}

impl Default for Binance {
    fn default() -> Self {
        Self { stream_time_unit: TimeUnit::Milliseconds }
    }
}

impl Binance {
    /// The name of a stream; symbols are in small letters there.
    ///
    /// # Errors
    /// [`Unserved`] for a channel it has not.
    pub fn stream_name(symbol: &str, channel: Channel) -> Result<String, Unserved> {
        let symbol = symbol.to_lowercase();
        Ok(match channel {
            Channel::Trades => format!("{symbol}@trade"),
            Channel::AggregateTrades => format!("{symbol}@aggTrade"),
            Channel::Quotes => format!("{symbol}@bookTicker"),
            Channel::Bars(interval) => format!("{symbol}@kline_{}", interval_name(interval)?),
            Channel::Book => format!("{symbol}@depth@100ms"),
            Channel::BookTop(levels) if PARTIAL_LEVELS.contains(&levels) => {
                format!("{symbol}@depth{levels}@100ms")
            }
            Channel::BookTop(_) => return Err(no_channel(channel, "the best 5, 10 or 20 levels")),
            Channel::Heartbeats => return Err(no_channel(channel, "pings every 20 s instead")),
            Channel::Listings => return Err(no_channel(channel, "/api/v3/exchangeInfo instead")),
        })
    }
}

fn no_channel(channel: Channel, has: &'static str) -> Unserved {
    Unserved::Data { venue: VENUE, what: channel.to_string(), has }
}

impl Dialect for Binance {
    fn venue(&self) -> &'static str {
        VENUE
    }

    fn limits(&self) -> Limits {
        Limits {
            // Five a second, pings among them; a bucket that fills at that rate could let nine through in one.
            pace: times(Span::MILLISECOND, 300),
            streams_max: Some(STREAMS_MAX),
            subscribe_within: None,
            first_frame_within: times(Span::SECOND, 5),
            stale_after: times(Span::SECOND, 25),
            lost_after: times(Span::SECOND, 60),
            rotate_after: Some(times(Span::HOUR, 23)),
            frame_bytes_max: 1 << 20,
        }
    }

    fn stream_url(&self, base: &str) -> String {
        match self.stream_time_unit {
            TimeUnit::Milliseconds => format!("{base}/stream"),
            TimeUnit::Microseconds => format!("{base}/stream?timeUnit=MICROSECOND"),
        }
    }

    fn subscribe(&self, symbols: &[&str], channels: &[Channel]) -> Result<Vec<String>, Unserved> {
        let mut names = Vec::with_capacity(symbols.len() * channels.len());
        for symbol in symbols {
            for channel in channels {
                names.push(Self::stream_name(symbol, *channel)?);
            }
        }
        if names.len() > STREAMS_MAX {
            return Err(Unserved::Streams { venue: VENUE, asked: names.len(), max: STREAMS_MAX });
        }
        let numbered = names.chunks(STREAMS_PER_MESSAGE).zip(1_u32..);
        let message = |(names, id)| json!({ "method": "SUBSCRIBE", "params": names, "id": id }).to_string();
        Ok(numbered.map(message).collect())
    }

    fn parse(&self, frame: &str) -> Result<Vec<MarketMessage>, FrameError> {
        wire::messages(frame, self.stream_time_unit)
    }

    fn time_path(&self) -> String {
        "/api/v3/time".to_owned()
    }

    fn parse_time(&self, body: &str) -> Result<Timestamp, AnswerError> {
        Ok(rest_wire::time(body)?)
    }

    fn listings_path(&self) -> String {
        "/api/v3/exchangeInfo".to_owned()
    }

    fn parse_listings(&self, body: &str) -> Result<(Vec<Listing>, usize), AnswerError> {
        Ok(rest_wire::listings(body)?)
    }

    fn bars_path(&self, request: &BarsRequest<'_>) -> Result<String, Unserved> {
        let BarsRequest { symbol, interval, from, until, rows_max } = request;
        let name = interval_name(*interval)?;
        let start = since_epoch(*from, Span::MILLISECOND);
        // The end is included there, and is not here.
        let end = since_epoch(until.plus(Span::from_nanos(-1)), Span::MILLISECOND);
        let rows = (*rows_max).clamp(1, ROWS_MAX);
        let symbol = encoded(symbol);
        Ok(format!(
            "/api/v3/klines?symbol={symbol}&interval={name}&startTime={start}&endTime={end}&limit={rows}"
        ))
    }

    fn parse_bars(&self, body: &str, request: &BarsRequest<'_>) -> Result<Vec<Kline>, AnswerError> {
        Ok(rest_wire::bars(body, request)?)
    }

    fn trades_path(&self, request: &TradesRequest<'_>) -> Result<String, Unserved> {
        let rows = request.rows_max.clamp(1, ROWS_MAX);
        let symbol = encoded(request.symbol);
        let of = |path: &str, from: &str| format!("/api/v3/{path}?symbol={symbol}{from}&limit={rows}");
        Ok(match request.since {
            TradesSince::Latest => of("trades", ""),
            TradesSince::Trade(id) => of("historicalTrades", &format!("&fromId={id}")),
            TradesSince::Aggregate(id) => of("aggTrades", &format!("&fromId={id}")),
            TradesSince::Moment(at) => {
                of("aggTrades", &format!("&startTime={}", since_epoch(at, Span::MILLISECOND)))
            }
        })
    }

    fn parse_trades(&self, body: &str, request: &TradesRequest<'_>) -> Result<Vec<TradePrint>, AnswerError> {
        Ok(rest_wire::trades(body, request.symbol)?)
    }

    fn book_path(&self, request: &BookRequest<'_>) -> Option<String> {
        let levels = request.levels.clamp(1, LEVELS_MAX);
        Some(format!("/api/v3/depth?symbol={}&limit={levels}", encoded(request.symbol)))
    }

    fn parse_book(&self, body: &str, request: &BookRequest<'_>) -> Result<BookSnapshot, AnswerError> {
        Ok(wire::book(body, request.symbol)?)
    }

    fn refusal(&self, status: u16, retry_after: Option<&str>, body: &str) -> Refusal {
        let (code, reason) = rest_wire::error(body);
        let mut retry = retry(status, retry_after);
        if retry == Retry::Never && code.as_deref() == Some(TOO_MANY_REQUESTS) {
            retry = Retry::Later;
        }
        Refusal { status, code, reason, retry }
    }
}

/// Who took, by whether the buyer waited.
const fn aggressor(buyer_waited: bool) -> Aggressor {
    if buyer_waited { BUYER_WAITED } else { Aggressor::Buyer }
}

#[cfg(test)]
mod tests;
