//! The frames of Coinbase's streams.

use std::collections::BTreeMap;

use engine_core::time::{Span, Timestamp};
use serde::Deserialize;

use super::{STREAMED_BAR, aggressor};
use crate::decimal::shown;
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar};
use crate::listing::TradingStatus;
use crate::message::{
    BookChange, BookProof, BookSnapshot, Delivery, Kline, KlineState, Level, MarketMessage, TopQuote,
    TradeIds, TradePrint,
};

/// What every frame has; `client_id` comes or does not.
#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    channel: Option<Scalar<'a>>,
    #[serde(borrow)]
    timestamp: Option<Scalar<'a>>,
    #[serde(borrow)]
    sequence_num: Option<Scalar<'a>>,
    #[serde(borrow)]
    events: Option<Scalar<'a>>,
    /// Of a refusal: `error`.
    #[serde(borrow, rename = "type")]
    kind: Option<Scalar<'a>>,
    #[serde(borrow)]
    message: Option<Scalar<'a>>,
}

/// A trade of a stream or of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct TradeRow<'a> {
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    trade_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    size: Option<Scalar<'a>>,
    #[serde(borrow)]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    time: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Trades<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Scalar<'a>>,
    #[serde(borrow)]
    trades: Vec<TradeRow<'a>>,
}

#[derive(Debug, Deserialize)]
struct Levels<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Scalar<'a>>,
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    updates: Vec<LevelRow<'a>>,
}

#[derive(Debug, Deserialize)]
struct LevelRow<'a> {
    #[serde(borrow)]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    price_level: Option<Scalar<'a>>,
    #[serde(borrow)]
    new_quantity: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Tickers<'a> {
    #[serde(borrow)]
    tickers: Vec<Ticker<'a>>,
}

#[derive(Debug, Deserialize)]
struct Ticker<'a> {
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    best_bid: Option<Scalar<'a>>,
    #[serde(borrow)]
    best_bid_quantity: Option<Scalar<'a>>,
    #[serde(borrow)]
    best_ask: Option<Scalar<'a>>,
    #[serde(borrow)]
    best_ask_quantity: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Candles<'a> {
    #[serde(borrow)]
    candles: Vec<Candle<'a>>,
}

/// A bar of a stream or of an answer, which leaves out the product.
#[derive(Debug, Deserialize)]
pub(super) struct Candle<'a> {
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    start: Option<Scalar<'a>>,
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
}

#[derive(Debug, Deserialize)]
struct Heartbeat<'a> {
    #[serde(borrow)]
    heartbeat_counter: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Subscriptions {
    subscriptions: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Products<'a> {
    #[serde(borrow)]
    products: Vec<ProductStatus<'a>>,
}

#[derive(Debug, Deserialize)]
struct ProductStatus<'a> {
    #[serde(borrow)]
    id: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
}

/// What a frame says, after its number on the connection.
pub(super) fn messages(frame: &str) -> Result<Vec<MarketMessage>, FrameError> {
    let fields = Fields("frame");
    let envelope: Envelope<'_> = fields.object(frame)?;
    let Some(channel) = envelope.channel else { return Ok(vec![without_channel(&envelope)]) };
    let mut said = Vec::new();
    let number =
        envelope.sequence_num.map(|number| fields.whole("sequence_num", Some(number))).transpose()?;
    said.extend(number.map(|number| MarketMessage::Sequence { number }));
    let venue_at = envelope.timestamp.map(|at| fields.utc("timestamp", Some(at))).transpose()?;
    let events = |message: &'static str| {
        let events: Vec<Scalar<'_>> = Fields(message).any(fields.given("events", envelope.events)?.json())?;
        Ok::<_, FrameError>(events)
    };
    match channel.text() {
        "market_trades" => trades(&events("market_trades")?, &mut said)?,
        "l2_data" => levels(&events("l2_data")?, (number, venue_at), &mut said)?,
        "ticker" | "ticker_batch" => tickers(&events("ticker")?, venue_at, &mut said)?,
        "candles" => candles(&events("candles")?, &mut said)?,
        "heartbeats" => heartbeats(&events("heartbeats")?, &mut said)?,
        "subscriptions" => subscriptions(&events("subscriptions")?, &mut said)?,
        "status" => statuses(&events("status")?, &mut said)?,
        other => said.push(MarketMessage::Unknown { kind: shown(other) }),
    }
    Ok(said)
}

fn without_channel(envelope: &Envelope<'_>) -> MarketMessage {
    match envelope.kind.map(Scalar::text) {
        Some("error") => MarketMessage::SubscriptionRefused {
            request: None,
            code: None,
            reason: envelope.message.map(Scalar::to_text).unwrap_or_default(),
        },
        kind => MarketMessage::Unknown { kind: shown(kind.unwrap_or("object without a channel")) },
    }
}

fn trades(events: &[Scalar<'_>], said: &mut Vec<MarketMessage>) -> Result<(), FrameError> {
    let fields = Fields("market_trades");
    for event in events {
        let event: Trades<'_> = fields.object(event.json())?;
        let is_past = event.kind.is_some_and(|kind| kind.text() == "snapshot");
        let delivery = if is_past { Delivery::Past } else { Delivery::Live };
        let prints = prints(fields, &event.trades, delivery)?;
        said.extend(prints.into_iter().map(MarketMessage::Trade));
    }
    Ok(())
}

/// Trades, oldest first: the venue writes the newest first.
pub(super) fn prints(
    fields: Fields,
    rows: &[TradeRow<'_>],
    delivery: Delivery,
) -> Result<Vec<TradePrint>, FrameError> {
    let print = |row: &TradeRow<'_>| {
        Ok(TradePrint {
            symbol: fields.text("product_id", row.product_id)?,
            ids: TradeIds::Single(fields.whole("trade_id", row.trade_id)?),
            venue_at: fields.utc("time", row.time)?,
            price: fields.decimal("price", row.price)?,
            qty: fields.decimal("size", row.size)?,
            aggressor: aggressor(fields.given("side", row.side)?.text()),
            delivery,
        })
    };
    let mut prints = rows.iter().map(print).collect::<Result<Vec<_>, FrameError>>()?;
    prints.sort_by_key(|print| print.ids.range());
    Ok(prints)
}

fn levels(
    events: &[Scalar<'_>],
    (number, venue_at): (Option<u64>, Option<Timestamp>),
    said: &mut Vec<MarketMessage>,
) -> Result<(), FrameError> {
    let fields = Fields("l2_data");
    let proof = number.map_or(BookProof::Unsaid, BookProof::Connection);
    for event in events {
        let event: Levels<'_> = fields.object(event.json())?;
        let symbol = fields.text("product_id", event.product_id)?;
        let (mut bids, mut asks) = (Vec::new(), Vec::new());
        for row in &event.updates {
            let side = match fields.given("side", row.side)?.text() {
                "bid" => &mut bids,
                "offer" | "ask" => &mut asks,
                other => {
                    return Err(FrameError::Word { message: "l2_data", field: "side", text: shown(other) });
                }
            };
            let price = fields.decimal("price_level", row.price_level)?;
            side.push(Level { price, qty: fields.decimal("new_quantity", row.new_quantity)? });
        }
        said.push(match fields.given("type", event.kind)?.text() {
            "snapshot" => MarketMessage::BookSnapshot(BookSnapshot { symbol, venue_at, proof, bids, asks }),
            "update" => MarketMessage::BookChange(BookChange { symbol, venue_at, proof, bids, asks }),
            other => MarketMessage::Unknown { kind: format!("l2_data of type {}", shown(other)) },
        });
    }
    Ok(())
}

fn tickers(
    events: &[Scalar<'_>],
    venue_at: Option<Timestamp>,
    said: &mut Vec<MarketMessage>,
) -> Result<(), FrameError> {
    let fields = Fields("ticker");
    for event in events {
        let event: Tickers<'_> = fields.object(event.json())?;
        for ticker in &event.tickers {
            let side = |names: [&'static str; 2], price: Option<Scalar<'_>>, qty: Option<Scalar<'_>>| {
                // A market without an order on this side.
                if price.is_none_or(|price| price.text().is_empty()) {
                    return Ok(None);
                }
                let level =
                    Level { price: fields.decimal(names[0], price)?, qty: fields.decimal(names[1], qty)? };
                Ok(Some(level).filter(|level| level.price.units > 0 && level.qty.units > 0))
            };
            said.push(MarketMessage::Quote(TopQuote {
                symbol: fields.text("product_id", ticker.product_id)?,
                venue_at,
                update_id: None,
                bid: side(["best_bid", "best_bid_quantity"], ticker.best_bid, ticker.best_bid_quantity)?,
                ask: side(["best_ask", "best_ask_quantity"], ticker.best_ask, ticker.best_ask_quantity)?,
            }));
        }
    }
    Ok(())
}

fn candles(events: &[Scalar<'_>], said: &mut Vec<MarketMessage>) -> Result<(), FrameError> {
    let fields = Fields("candles");
    for event in events {
        let event: Candles<'_> = fields.object(event.json())?;
        for candle in &event.candles {
            let symbol = fields.text("product_id", candle.product_id)?;
            said.push(MarketMessage::Kline(bar(fields, candle, symbol, STREAMED_BAR)?));
        }
    }
    Ok(())
}

/// A bar, whose length the venue does not repeat.
pub(super) fn bar(
    fields: Fields,
    candle: &Candle<'_>,
    symbol: String,
    interval: Span,
) -> Result<Kline, FrameError> {
    let open_at = fields.seconds("start", candle.start)?;
    Ok(Kline {
        symbol,
        interval,
        open_at,
        close_at: open_at.plus(interval),
        open: fields.decimal("open", candle.open)?,
        high: fields.decimal("high", candle.high)?,
        low: fields.decimal("low", candle.low)?,
        close: fields.decimal("close", candle.close)?,
        volume: fields.decimal("volume", candle.volume)?,
        trades: None,
        trade_ids: None,
        state: KlineState::Unsaid,
    })
}

fn heartbeats(events: &[Scalar<'_>], said: &mut Vec<MarketMessage>) -> Result<(), FrameError> {
    let fields = Fields("heartbeats");
    for event in events {
        let event: Heartbeat<'_> = fields.object(event.json())?;
        let counter = Some(fields.whole("heartbeat_counter", event.heartbeat_counter)?);
        said.push(MarketMessage::Heartbeat { counter });
    }
    Ok(())
}

fn subscriptions(events: &[Scalar<'_>], said: &mut Vec<MarketMessage>) -> Result<(), FrameError> {
    for event in events {
        let event: Subscriptions = Fields("subscriptions").object(event.json())?;
        said.extend(event.subscriptions.into_iter().map(|(channel, symbols)| MarketMessage::Subscribed {
            request: None,
            channel: Some(channel),
            symbols,
        }));
    }
    Ok(())
}

fn statuses(events: &[Scalar<'_>], said: &mut Vec<MarketMessage>) -> Result<(), FrameError> {
    let fields = Fields("status");
    for event in events {
        let event: Products<'_> = fields.object(event.json())?;
        for product in &event.products {
            let word = fields.text("status", product.status)?;
            let symbol = fields.text("id", product.id)?;
            said.push(MarketMessage::SymbolStatus { symbol, status: status_of(&word), word });
        }
    }
    Ok(())
}

/// What the venue's word for the state of a product means.
pub(super) fn status_of(word: &str) -> TradingStatus {
    match word {
        "online" => TradingStatus::Trading,
        "offline" | "internal" => TradingStatus::Halted,
        "delisted" => TradingStatus::Delisted,
        _ => TradingStatus::Unknown,
    }
}
