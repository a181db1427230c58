//! Kraken Spot: WebSocket version 2 and REST.
//!
//! Source: the venue's API documents (2026). Frames of version 1, which are arrays, are read from recordings; nothing is
//! subscribed to in it.

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

pub(crate) mod names;
pub(crate) mod order_words;
pub mod private_call;
pub mod private_frame;
pub mod private_request;

mod question;
mod rest_wire;
mod rounding;
mod wire;
mod wire_v1;

/// The venue's name, as in datasets.
pub(crate) const VENUE: &str = "kraken";

/// Base URL of its streams in production.
pub const STREAM_URL: &str = "wss://ws.kraken.com/v2";
/// Where its connections for orders are in production.
pub const ORDERS_URL: &str = "wss://ws-auth.kraken.com/v2";
/// Base URL of its requests in production.
pub const REST_URL: &str = "https://api.kraken.com";

/// The most rows of an answer about trades.
const TRADES_MAX: u32 = 1_000;

/// Lengths of bars, in minutes.
const INTERVALS_MINUTES: [i64; 9] = [1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600];

const INTERVAL_NAMES: &str = "bars of 1m, 5m, 15m, 30m, 1h, 4h, 1d, 7d and 15d";

/// Levels of each side that a book can be kept at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BookDepth {
    /// 10 levels.
    #[default]
    Ten,
    /// 25 levels.
    TwentyFive,
    /// 100 levels.
    Hundred,
    /// 500 levels.
    FiveHundred,
    /// 1 000 levels.
    Thousand,
}

impl BookDepth {
    /// How many levels.
    #[must_use]
    pub const fn levels(self) -> u16 {
        match self {
            Self::Ten => 10,
            Self::TwentyFive => 25,
            Self::Hundred => 100,
            Self::FiveHundred => 500,
            Self::Thousand => 1_000,
        }
    }
}

/// Kraken Spot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kraken {
    /// Levels of each side of its books.
    pub book_depth: BookDepth,
}

const fn seconds(count: i64) -> Span {
    Span::from_nanos(count * 1_000_000_000)
}

fn minutes(interval: Span) -> Result<i64, Unserved> {
    let known = INTERVALS_MINUTES.iter().find(|count| seconds(**count * 60) == interval);
    known.copied().ok_or_else(|| unserved(format!("bars of {interval}"), INTERVAL_NAMES))
}

const fn unserved(what: String, has: &'static str) -> Unserved {
    Unserved::Data { venue: VENUE, what, has }
}

impl Kraken {
    /// The parameters of a subscription; nothing where the venue sends it unasked.
    fn params(self, symbols: &[&str], channel: Channel) -> Result<Option<serde_json::Value>, Unserved> {
        Ok(Some(match channel {
            Channel::Trades => json!({ "channel": "trade", "symbol": symbols }),
            Channel::Quotes => json!({ "channel": "ticker", "symbol": symbols, "event_trigger": "bbo" }),
            Channel::Bars(interval) => {
                json!({ "channel": "ohlc", "symbol": symbols, "interval": minutes(interval)? })
            }
            Channel::Book => {
                json!({ "channel": "book", "symbol": symbols, "depth": self.book_depth.levels() })
            }
            Channel::Listings => json!({ "channel": "instrument" }),
            Channel::Heartbeats => return Ok(None),
            Channel::AggregateTrades => return Err(unserved(channel.to_string(), "every trade")),
            Channel::BookTop(_) => return Err(unserved(channel.to_string(), "a book of 10 to 1000 levels")),
        }))
    }
}

impl Dialect for Kraken {
    fn venue(&self) -> &'static str {
        VENUE
    }

    fn limits(&self) -> Limits {
        Limits {
            // The documents state no rate for subscriptions to public data; as careful as with the others.
            pace: Span::from_nanos(200_000_000),
            streams_max: None,
            subscribe_within: None,
            first_frame_within: seconds(5),
            stale_after: seconds(5),
            lost_after: seconds(10),
            rotate_after: None,
            frame_bytes_max: 4 << 20,
        }
    }

    fn stream_url(&self, base: &str) -> String {
        base.to_owned()
    }

    fn subscribe(&self, symbols: &[&str], channels: &[Channel]) -> Result<Vec<String>, Unserved> {
        let mut messages = Vec::with_capacity(channels.len());
        for (channel, id) in channels.iter().zip(1_u32..) {
            let params = self.params(symbols, *channel)?;
            let message =
                |params| json!({ "method": "subscribe", "params": params, "req_id": id }).to_string();
            messages.extend(params.map(message));
        }
        Ok(messages)
    }

    fn parse(&self, frame: &str) -> Result<Vec<MarketMessage>, FrameError> {
        wire::messages(frame)
    }

    fn time_path(&self) -> String {
        "/0/public/Time".to_owned()
    }

    fn parse_time(&self, body: &str) -> Result<Timestamp, AnswerError> {
        rest_wire::time(body)
    }

    fn listings_path(&self) -> String {
        "/0/public/AssetPairs".to_owned()
    }

    fn parse_listings(&self, body: &str) -> Result<(Vec<Listing>, usize), AnswerError> {
        rest_wire::listings(body)
    }

    /// It always answers the latest 720 bars at most, whatever it is asked from.
    fn bars_path(&self, request: &BarsRequest<'_>) -> Result<String, Unserved> {
        let interval = minutes(request.interval)?;
        // What begins at the moment asked from is left out.
        let since = since_epoch(request.from.plus(seconds(-1)), Span::SECOND);
        Ok(format!("/0/public/OHLC?pair={}&interval={interval}&since={since}", rest_pair(request.symbol)))
    }

    fn parse_bars(&self, body: &str, request: &BarsRequest<'_>) -> Result<Vec<Kline>, AnswerError> {
        let mut bars = rest_wire::bars(body, request)?;
        bars.retain(|bar| bar.open_at >= request.from && bar.open_at < request.until);
        Ok(bars)
    }

    fn trades_path(&self, request: &TradesRequest<'_>) -> Result<String, Unserved> {
        let rows = request.rows_max.clamp(1, TRADES_MAX);
        let path = format!("/0/public/Trades?pair={}&count={rows}", rest_pair(request.symbol));
        match request.since {
            TradesSince::Latest => Ok(path),
            TradesSince::Moment(at) => Ok(format!("{path}&since={}", at.nanos().max(0))),
            TradesSince::Trade(_) | TradesSince::Aggregate(_) => {
                Err(unserved("trades from a number on".to_owned(), "the latest, or those from a moment on"))
            }
        }
    }

    fn parse_trades(&self, body: &str, request: &TradesRequest<'_>) -> Result<Vec<TradePrint>, AnswerError> {
        rest_wire::trades(body, request.symbol)
    }

    fn book_path(&self, _request: &BookRequest<'_>) -> Option<String> {
        None
    }

    fn parse_book(&self, body: &str, request: &BookRequest<'_>) -> Result<BookSnapshot, AnswerError> {
        rest_wire::book(body, request.symbol)
    }

    fn refusal(&self, status: u16, retry_after: Option<&str>, body: &str) -> Refusal {
        let by_status = retry(status, retry_after);
        let mut refusal = rest_wire::refusal(status, body);
        if by_status != Retry::Never {
            refusal.retry = by_status;
        }
        refusal
    }
}

/// Currencies that requests and version 1 spell otherwise than streams do.
const OLD_CURRENCIES: [(&str, &str); 2] = [("BTC", "XBT"), ("DOGE", "XDG")];

/// The pair as requests spell it: `BTC/USD` is `XBTUSD` there.
fn rest_pair(symbol: &str) -> String {
    let old = |currency: &str| {
        let known = OLD_CURRENCIES.iter().find(|(new, _)| *new == currency);
        known.map_or_else(|| currency.to_owned(), |(_, old)| (*old).to_owned())
    };
    encoded(&symbol.split('/').map(old).collect::<String>())
}

/// The pair as streams spell it: `XBT/USD` of an answer is `BTC/USD` there.
fn stream_symbol(name: &str) -> String {
    let new = |currency: &str| {
        let known = OLD_CURRENCIES.iter().find(|(_, old)| *old == currency);
        known.map_or_else(|| currency.to_owned(), |(new, _)| (*new).to_owned())
    };
    name.split('/').map(new).collect::<Vec<_>>().join("/")
}

/// Who took, by the venue's word for the side, which is the taker's.
fn aggressor(side: &str) -> Aggressor {
    match side {
        "buy" | "b" => Aggressor::Buyer,
        "sell" | "s" => Aggressor::Seller,
        _ => Aggressor::Unknown,
    }
}

#[cfg(test)]
mod tests;
