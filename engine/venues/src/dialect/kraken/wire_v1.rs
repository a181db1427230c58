//! The frames of Kraken's streams, version 1, as old recordings hold them: arrays of a channel's number, its data, its name
//! and a pair. Nothing subscribes to them any more.
//!
//! Source: the venue's API documents of the WebSocket interface 1.9. Its trades have no numbers, and a book that begins has
//! no checksum; those that change have one.

use engine_core::time::Span;
use serde::Deserialize;

use super::wire::status_of;
use super::{aggressor, stream_symbol};
use crate::decimal::shown;
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Pair, Scalar};
use crate::message::{
    BookChange, BookProof, BookSnapshot, Delivery, Kline, KlineState, Level, MarketMessage, TopQuote,
    TradeIds, TradePrint,
};

/// What happens to a connection or a subscription.
#[derive(Debug, Deserialize)]
struct EventFrame<'a> {
    #[serde(borrow)]
    event: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow, rename = "channelName")]
    channel: Option<Scalar<'a>>,
    #[serde(borrow)]
    pair: Option<Scalar<'a>>,
    #[serde(borrow, rename = "errorMessage")]
    error: Option<Scalar<'a>>,
    #[serde(borrow, rename = "reqid")]
    request: Option<Scalar<'a>>,
}

/// Best prices: each a price, whole lots and a quantity.
#[derive(Debug, Deserialize)]
struct Ticker<'a> {
    #[serde(borrow, default)]
    a: Vec<Scalar<'a>>,
    #[serde(borrow, default)]
    b: Vec<Scalar<'a>>,
}

/// Levels of a book: `as` and `bs` begin one, `a` and `b` change it.
#[derive(Debug, Deserialize)]
struct Book<'a> {
    #[serde(borrow, rename = "as")]
    asks_whole: Option<Vec<Pair<'a>>>,
    #[serde(borrow, rename = "bs")]
    bids_whole: Option<Vec<Pair<'a>>>,
    #[serde(borrow, default)]
    a: Vec<Pair<'a>>,
    #[serde(borrow, default)]
    b: Vec<Pair<'a>>,
    #[serde(borrow)]
    c: Option<Scalar<'a>>,
}

/// What an object with an event says.
pub(super) fn event(frame: &str) -> Result<MarketMessage, FrameError> {
    let fields = Fields("event");
    let said: EventFrame<'_> = fields.object(frame)?;
    let word = fields.given("event", said.event)?.text();
    let status = said.status.map_or("", Scalar::text);
    let request = said.request.map(Scalar::to_text);
    Ok(match (word, status) {
        ("heartbeat" | "pong", _) => MarketMessage::Heartbeat { counter: None },
        ("systemStatus", word) => {
            MarketMessage::VenueStatus { status: status_of(word), word: word.to_owned() }
        }
        ("subscriptionStatus", "error") => MarketMessage::SubscriptionRefused {
            request,
            code: None,
            reason: said.error.map_or_else(|| "it says error".to_owned(), Scalar::to_text),
        },
        ("subscriptionStatus", _) => MarketMessage::Subscribed {
            request,
            channel: said.channel.map(Scalar::to_text),
            symbols: said.pair.map(|pair| stream_symbol(pair.text())).into_iter().collect(),
        },
        (other, _) => MarketMessage::Unknown { kind: shown(other) },
    })
}

/// What an array says: a number, one part of data or two, the channel and the pair.
pub(super) fn messages(frame: &str) -> Result<Vec<MarketMessage>, FrameError> {
    let parts: Vec<Scalar<'_>> = Fields("array").any(frame)?;
    let [_, data @ .., channel, pair] = parts.as_slice() else {
        return Ok(vec![MarketMessage::Unknown { kind: "array".to_owned() }]);
    };
    let Some(first) = data.first() else {
        return Ok(vec![MarketMessage::Unknown { kind: "array".to_owned() }]);
    };
    let symbol = stream_symbol(&Fields("array").text("pair", Some(*pair))?);
    let (name, argument) = channel.text().split_once('-').unwrap_or((channel.text(), ""));
    match name {
        "trade" => trades(*first, &symbol),
        "ticker" => Ok(vec![quote(*first, symbol)?]),
        "spread" => Ok(vec![spread(*first, symbol)?]),
        "ohlc" => Ok(vec![bar(*first, symbol, argument)?]),
        "book" => Ok(vec![book(data, symbol)?]),
        other => Ok(vec![MarketMessage::Unknown { kind: shown(other) }]),
    }
}

/// The place of a row; nothing where it is shorter.
fn at<'a>(row: &[Scalar<'a>], place: usize) -> Option<Scalar<'a>> {
    row.get(place).copied()
}

/// `[price, quantity, time, side, kind of order, other]` each.
fn trades(data: Scalar<'_>, symbol: &str) -> Result<Vec<MarketMessage>, FrameError> {
    let fields = Fields("trade");
    let rows: Vec<Vec<Scalar<'_>>> = fields.any(data.json())?;
    let trade = |row: Vec<Scalar<'_>>| {
        Ok(MarketMessage::Trade(TradePrint {
            symbol: symbol.to_owned(),
            ids: TradeIds::Unnumbered,
            venue_at: fields.seconds("time", at(&row, 2))?,
            price: fields.decimal("price", at(&row, 0))?,
            qty: fields.decimal("volume", at(&row, 1))?,
            aggressor: aggressor(fields.given("side", at(&row, 3))?.text()),
            delivery: Delivery::Live,
        }))
    };
    rows.into_iter().map(trade).collect()
}

/// One side of a quote; nothing where nobody is there.
fn side(
    fields: Fields,
    price: Option<Scalar<'_>>,
    qty: Option<Scalar<'_>>,
) -> Result<Option<Level>, FrameError> {
    let level = Level { price: fields.decimal("price", price)?, qty: fields.decimal("volume", qty)? };
    Ok(Some(level).filter(|level| level.price.units > 0 && level.qty.units > 0))
}

fn quote(data: Scalar<'_>, symbol: String) -> Result<MarketMessage, FrameError> {
    let fields = Fields("ticker");
    let Ticker { a, b } = fields.object(data.json())?;
    Ok(MarketMessage::Quote(TopQuote {
        symbol,
        venue_at: None,
        update_id: None,
        bid: side(fields, at(&b, 0), at(&b, 2))?,
        ask: side(fields, at(&a, 0), at(&a, 2))?,
    }))
}

/// `[bid, ask, time, quantity bid for, quantity offered]`.
fn spread(data: Scalar<'_>, symbol: String) -> Result<MarketMessage, FrameError> {
    let fields = Fields("spread");
    let row: Vec<Scalar<'_>> = fields.any(data.json())?;
    Ok(MarketMessage::Quote(TopQuote {
        symbol,
        venue_at: Some(fields.seconds("time", at(&row, 2))?),
        update_id: None,
        bid: side(fields, at(&row, 0), at(&row, 3))?,
        ask: side(fields, at(&row, 1), at(&row, 4))?,
    }))
}

/// `[time of the last trade, end, open, high, low, close, mean price, quantity, trades]` of so many `minutes`.
fn bar(data: Scalar<'_>, symbol: String, minutes: &str) -> Result<MarketMessage, FrameError> {
    let fields = Fields("ohlc");
    let row: Vec<Scalar<'_>> = fields.any(data.json())?;
    let length = minutes.parse::<i64>().ok().and_then(|count| count.checked_mul(Span::MINUTE.nanos()));
    let length = length.filter(|length| *length > 0).ok_or_else(|| FrameError::Word {
        message: fields.0,
        field: "channel",
        text: shown(minutes),
    })?;
    let close_at = fields.seconds("end", at(&row, 1))?;
    let interval = Span::from_nanos(length);
    Ok(MarketMessage::Kline(Kline {
        symbol,
        interval,
        open_at: close_at.plus(Span::from_nanos(-length)),
        close_at,
        open: fields.decimal("open", at(&row, 2))?,
        high: fields.decimal("high", at(&row, 3))?,
        low: fields.decimal("low", at(&row, 4))?,
        close: fields.decimal("close", at(&row, 5))?,
        volume: fields.decimal("volume", at(&row, 7))?,
        trades: Some(fields.count("trades", at(&row, 8))?),
        trade_ids: None,
        state: KlineState::Unsaid,
    }))
}

/// One object, or two of which one changes the asks and the other the bids.
fn book(data: &[Scalar<'_>], symbol: String) -> Result<MarketMessage, FrameError> {
    let fields = Fields("book");
    let (mut bids, mut asks, mut proof, mut begins) = (Vec::new(), Vec::new(), BookProof::Unsaid, false);
    for part in data {
        let said: Book<'_> = fields.object(part.json())?;
        begins |= said.asks_whole.is_some() || said.bids_whole.is_some();
        for rows in [said.asks_whole.unwrap_or_default(), said.a] {
            asks.extend(fields.levels("level", &rows)?);
        }
        for rows in [said.bids_whole.unwrap_or_default(), said.b] {
            bids.extend(fields.levels("level", &rows)?);
        }
        if said.c.is_some() {
            proof = BookProof::Checksum(fields.count("c", said.c)?);
        }
    }
    let venue_at = None;
    Ok(if begins {
        MarketMessage::BookSnapshot(BookSnapshot { symbol, venue_at, proof, bids, asks })
    } else {
        MarketMessage::BookChange(BookChange { symbol, venue_at, proof, bids, asks })
    })
}
