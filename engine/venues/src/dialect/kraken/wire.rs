//! The frames of Kraken's streams, version 2. Numbers are JSON numbers there and are read as the text that stands there.
//! Those of version 1, which recordings hold, are told apart by their shape.

use engine_core::num::Decimal;
use engine_core::time::Span;
use serde::Deserialize;

use super::{aggressor, wire_v1};
use crate::decimal::{decimals_of, shown};
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar};
use crate::listing::{Listing, TradingStatus, pair_split};
use crate::message::{
    BookChange, BookProof, BookSnapshot, Delivery, Kline, KlineState, Level, MarketMessage, TopQuote,
    TradeIds, TradePrint,
};

/// What frames have: market data a channel, answers a method; of version 1 those that are no data an event.
#[derive(Debug, Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    channel: Option<Scalar<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Scalar<'a>>,
    #[serde(borrow)]
    data: Option<Scalar<'a>>,
    #[serde(borrow)]
    method: Option<Scalar<'a>>,
    success: Option<bool>,
    #[serde(borrow)]
    result: Option<Scalar<'a>>,
    #[serde(borrow)]
    error: Option<Scalar<'a>>,
    #[serde(borrow)]
    req_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    event: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Subscribed<'a> {
    #[serde(borrow)]
    channel: Option<Scalar<'a>>,
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Trade<'a> {
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
    #[serde(borrow)]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    trade_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    timestamp: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Book<'a> {
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    bids: Vec<LevelRow<'a>>,
    #[serde(borrow, default)]
    asks: Vec<LevelRow<'a>>,
    #[serde(borrow)]
    checksum: Option<Scalar<'a>>,
    #[serde(borrow)]
    timestamp: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct LevelRow<'a> {
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    qty: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Ohlc<'a> {
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
    #[serde(borrow)]
    interval: Option<Scalar<'a>>,
    #[serde(borrow)]
    interval_begin: Option<Scalar<'a>>,
    #[serde(borrow)]
    open: Option<Scalar<'a>>,
    #[serde(borrow)]
    high: Option<Scalar<'a>>,
    #[serde(borrow)]
    low: Option<Scalar<'a>>,
    #[serde(borrow)]
    close: Option<Scalar<'a>>,
    #[serde(borrow)]
    volume: Option<Scalar<'a>>,
    #[serde(borrow)]
    trades: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Ticker<'a> {
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
    #[serde(borrow)]
    bid: Option<Scalar<'a>>,
    #[serde(borrow)]
    bid_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    ask: Option<Scalar<'a>>,
    #[serde(borrow)]
    ask_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    timestamp: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Status<'a> {
    #[serde(borrow)]
    system: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Instruments<'a> {
    #[serde(borrow, default)]
    pairs: Vec<Pair<'a>>,
}

#[derive(Debug, Deserialize)]
struct Pair<'a> {
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    price_increment: Option<Scalar<'a>>,
    #[serde(borrow)]
    price_precision: Option<Scalar<'a>>,
    #[serde(borrow)]
    qty_increment: Option<Scalar<'a>>,
    #[serde(borrow)]
    qty_precision: Option<Scalar<'a>>,
    #[serde(borrow)]
    qty_min: Option<Scalar<'a>>,
    #[serde(borrow)]
    cost_min: Option<Scalar<'a>>,
}

/// What a frame says.
pub(super) fn messages(frame: &str) -> Result<Vec<MarketMessage>, FrameError> {
    if frame.trim_start().starts_with('[') {
        return wire_v1::messages(frame);
    }
    let text = frame;
    let frame: Frame<'_> = Fields("frame").object(text)?;
    let Some(channel) = frame.channel else {
        return Ok(vec![if frame.event.is_some() { wire_v1::event(text)? } else { answer(&frame)? }]);
    };
    let is_snapshot = frame.kind.is_some_and(|kind| kind.text() == "snapshot");
    let delivery = if is_snapshot { Delivery::Past } else { Delivery::Live };
    match channel.text() {
        "trade" => each("trade", &frame, |fields, row| trade(fields, row, delivery)),
        "book" if is_snapshot => each("book", &frame, |fields, row| snapshot(fields, row)),
        "book" => each("book", &frame, |fields, row| change(fields, row)),
        "ohlc" => each("ohlc", &frame, |fields, row| ohlc(fields, row)),
        "ticker" => each("ticker", &frame, |fields, row| quote(fields, row)),
        "status" => each("status", &frame, |fields, row| status(fields, row)),
        "heartbeat" => Ok(vec![MarketMessage::Heartbeat { counter: None }]),
        "instrument" => listings(&frame),
        other => Ok(vec![MarketMessage::Unknown { kind: shown(other) }]),
    }
}

/// What every row of the data says.
fn each<'a, T: Deserialize<'a>>(
    message: &'static str,
    frame: &Frame<'a>,
    said: impl Fn(Fields, T) -> Result<MarketMessage, FrameError>,
) -> Result<Vec<MarketMessage>, FrameError> {
    let fields = Fields(message);
    let rows: Vec<T> = fields.any(fields.given("data", frame.data)?.json())?;
    rows.into_iter().map(|row| said(fields, row)).collect()
}

/// The answer to a request.
fn answer(frame: &Frame<'_>) -> Result<MarketMessage, FrameError> {
    let method = frame.method.map_or("object without a channel", Scalar::text);
    let request = frame.req_id.map(Scalar::to_text);
    if let Some(error) = frame.error.filter(|_| frame.success != Some(true)) {
        return Ok(MarketMessage::SubscriptionRefused { request, code: None, reason: error.to_text() });
    }
    match (method, frame.result) {
        ("subscribe", Some(result)) => {
            let subscribed: Subscribed<'_> = Fields("subscribe").object(result.json())?;
            Ok(MarketMessage::Subscribed {
                request,
                channel: subscribed.channel.map(Scalar::to_text),
                symbols: subscribed.symbol.map(Scalar::to_text).into_iter().collect(),
            })
        }
        ("pong", _) => Ok(MarketMessage::Heartbeat { counter: None }),
        (other, _) => Ok(MarketMessage::Unknown { kind: shown(other) }),
    }
}

fn trade(fields: Fields, row: Trade<'_>, delivery: Delivery) -> Result<MarketMessage, FrameError> {
    Ok(MarketMessage::Trade(TradePrint {
        symbol: fields.text("symbol", row.symbol)?,
        ids: TradeIds::Single(fields.whole("trade_id", row.trade_id)?),
        venue_at: fields.utc("timestamp", row.timestamp)?,
        price: fields.decimal("price", row.price)?,
        qty: fields.decimal("qty", row.qty)?,
        aggressor: aggressor(fields.given("side", row.side)?.text()),
        delivery,
    }))
}

fn levels(fields: Fields, rows: &[LevelRow<'_>]) -> Result<Vec<Level>, FrameError> {
    let level = |row: &LevelRow<'_>| {
        Ok(Level { price: fields.decimal("price", row.price)?, qty: fields.decimal("qty", row.qty)? })
    };
    rows.iter().map(level).collect()
}

fn checksum(fields: Fields, row: &Book<'_>) -> Result<BookProof, FrameError> {
    fields.count("checksum", row.checksum).map(BookProof::Checksum)
}

fn snapshot(fields: Fields, row: Book<'_>) -> Result<MarketMessage, FrameError> {
    Ok(MarketMessage::BookSnapshot(BookSnapshot {
        symbol: fields.text("symbol", row.symbol)?,
        venue_at: row.timestamp.map(|at| fields.utc("timestamp", Some(at))).transpose()?,
        proof: checksum(fields, &row)?,
        bids: levels(fields, &row.bids)?,
        asks: levels(fields, &row.asks)?,
    }))
}

fn change(fields: Fields, row: Book<'_>) -> Result<MarketMessage, FrameError> {
    Ok(MarketMessage::BookChange(BookChange {
        symbol: fields.text("symbol", row.symbol)?,
        venue_at: row.timestamp.map(|at| fields.utc("timestamp", Some(at))).transpose()?,
        proof: checksum(fields, &row)?,
        bids: levels(fields, &row.bids)?,
        asks: levels(fields, &row.asks)?,
    }))
}

fn ohlc(fields: Fields, row: Ohlc<'_>) -> Result<MarketMessage, FrameError> {
    let minutes = i64::from(fields.count("interval", row.interval)?);
    let interval = Span::from_nanos(minutes * Span::MINUTE.nanos());
    let open_at = fields.utc("interval_begin", row.interval_begin)?;
    Ok(MarketMessage::Kline(Kline {
        symbol: fields.text("symbol", row.symbol)?,
        interval,
        open_at,
        close_at: open_at.plus(interval),
        open: fields.decimal("open", row.open)?,
        high: fields.decimal("high", row.high)?,
        low: fields.decimal("low", row.low)?,
        close: fields.decimal("close", row.close)?,
        volume: fields.decimal("volume", row.volume)?,
        trades: Some(fields.count("trades", row.trades)?),
        trade_ids: None,
        state: KlineState::Unsaid,
    }))
}

fn quote(fields: Fields, row: Ticker<'_>) -> Result<MarketMessage, FrameError> {
    let side = |names: [&'static str; 2], price, qty| {
        let level = Level { price: fields.decimal(names[0], price)?, qty: fields.decimal(names[1], qty)? };
        Ok(Some(level).filter(|level| level.price.units > 0 && level.qty.units > 0))
    };
    Ok(MarketMessage::Quote(TopQuote {
        symbol: fields.text("symbol", row.symbol)?,
        venue_at: row.timestamp.map(|at| fields.utc("timestamp", Some(at))).transpose()?,
        update_id: None,
        bid: side(["bid", "bid_qty"], row.bid, row.bid_qty)?,
        ask: side(["ask", "ask_qty"], row.ask, row.ask_qty)?,
    }))
}

fn status(fields: Fields, row: Status<'_>) -> Result<MarketMessage, FrameError> {
    let word = fields.text("system", row.system)?;
    Ok(MarketMessage::VenueStatus { status: status_of(&word), word })
}

fn listings(frame: &Frame<'_>) -> Result<Vec<MarketMessage>, FrameError> {
    let fields = Fields("instrument");
    let data: Instruments<'_> = fields.object(fields.given("data", frame.data)?.json())?;
    data.pairs.iter().map(|pair| listing(fields, pair).map(MarketMessage::Listing)).collect()
}

fn listing(fields: Fields, pair: &Pair<'_>) -> Result<Listing, FrameError> {
    let status_word = fields.text("status", pair.status)?;
    let decimals = |field, value: Option<Scalar<'_>>, step| match value {
        Some(_) => {
            let count = fields.count(field, value)?;
            u8::try_from(count).map_err(|_| FrameError::Whole {
                message: fields.0,
                field,
                text: count.to_string(),
            })
        }
        None => Ok(decimals_of(step)),
    };
    let zero = Decimal { units: 0, decimals: 0 };
    let least = |field, value: Option<Scalar<'_>>| value.map_or(Ok(zero), |_| fields.decimal(field, value));
    let tick = fields.decimal("price_increment", pair.price_increment)?;
    let lot = fields.decimal("qty_increment", pair.qty_increment)?;
    let symbol = fields.text("symbol", pair.symbol)?;
    Ok(Listing {
        pair: pair_split(&symbol, '/'),
        symbol,
        alias: None,
        status: status_of(&status_word),
        status_word,
        tick,
        lot,
        qty_min: least("qty_min", pair.qty_min)?,
        notional_min: least("cost_min", pair.cost_min)?,
        price_decimals: decimals("price_precision", pair.price_precision, tick)?,
        qty_decimals: decimals("qty_precision", pair.qty_precision, lot)?,
    })
}

/// What the venue's word for its own state or that of a pair means.
pub(super) fn status_of(word: &str) -> TradingStatus {
    match word {
        "online" => TradingStatus::Trading,
        "cancel_only" => TradingStatus::CancelOnly,
        "post_only" | "limit_only" | "reduce_only" => TradingStatus::Restricted,
        "maintenance" | "work_in_progress" => TradingStatus::Halted,
        "delisted" => TradingStatus::Delisted,
        _ => TradingStatus::Unknown,
    }
}
