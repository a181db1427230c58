//! The frames of Binance's streams.

use serde::Deserialize;

use super::{aggressor, interval_named};
use crate::decimal::shown;
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Pair, Scalar};
use crate::message::{
    BookChange, BookProof, BookSnapshot, Delivery, Kline, KlineState, Level, MarketMessage, TopQuote,
    TradeIds, TradePrint,
};
use crate::venue_time::TimeUnit;

/// Every field that a known frame has. The same letter means another thing in another event, so all are kept as written and
/// read once the event is known.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    #[serde(borrow)]
    stream: Option<Scalar<'a>>,
    #[serde(borrow)]
    data: Option<Scalar<'a>>,
    #[serde(borrow)]
    e: Option<Scalar<'a>>,
    #[serde(borrow, rename = "E")]
    event_at: Option<Scalar<'a>>,
    #[serde(borrow)]
    s: Option<Scalar<'a>>,
    #[serde(borrow)]
    t: Option<Scalar<'a>>,
    #[serde(borrow, rename = "T")]
    traded_at: Option<Scalar<'a>>,
    #[serde(borrow)]
    p: Option<Scalar<'a>>,
    #[serde(borrow)]
    q: Option<Scalar<'a>>,
    #[serde(borrow)]
    m: Option<Scalar<'a>>,
    #[serde(borrow)]
    a: Option<Scalar<'a>>,
    #[serde(borrow, rename = "A")]
    ask_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    b: Option<Scalar<'a>>,
    #[serde(borrow, rename = "B")]
    bid_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    f: Option<Scalar<'a>>,
    #[serde(borrow)]
    l: Option<Scalar<'a>>,
    #[serde(borrow)]
    u: Option<Scalar<'a>>,
    #[serde(borrow, rename = "U")]
    first_update: Option<Scalar<'a>>,
    #[serde(borrow)]
    pu: Option<Scalar<'a>>,
    #[serde(borrow)]
    k: Option<Scalar<'a>>,
    #[serde(borrow, rename = "lastUpdateId")]
    last_update_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    bids: Option<Scalar<'a>>,
    #[serde(borrow)]
    asks: Option<Scalar<'a>>,
    #[serde(borrow)]
    id: Option<Scalar<'a>>,
    #[serde(borrow)]
    code: Option<Scalar<'a>>,
    #[serde(borrow)]
    msg: Option<Scalar<'a>>,
    #[serde(borrow)]
    error: Option<Scalar<'a>>,
}

/// The bar of a `kline`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct KlineFields<'a> {
    #[serde(borrow)]
    t: Option<Scalar<'a>>,
    #[serde(borrow, rename = "T")]
    last_at: Option<Scalar<'a>>,
    #[serde(borrow)]
    s: Option<Scalar<'a>>,
    #[serde(borrow)]
    i: Option<Scalar<'a>>,
    #[serde(borrow)]
    f: Option<Scalar<'a>>,
    #[serde(borrow, rename = "L")]
    last_trade: Option<Scalar<'a>>,
    #[serde(borrow)]
    o: Option<Scalar<'a>>,
    #[serde(borrow)]
    h: Option<Scalar<'a>>,
    #[serde(borrow)]
    l: Option<Scalar<'a>>,
    #[serde(borrow)]
    c: Option<Scalar<'a>>,
    #[serde(borrow)]
    v: Option<Scalar<'a>>,
    #[serde(borrow)]
    n: Option<Scalar<'a>>,
    #[serde(borrow)]
    x: Option<Scalar<'a>>,
}

/// What a frame says: a raw one, or one of a combined stream.
pub(super) fn messages(frame: &str, unit: TimeUnit) -> Result<Vec<MarketMessage>, FrameError> {
    if frame.trim_start().starts_with('[') {
        // Whole-market arrays, which nobody subscribed to; checked to be JSON all the same.
        let _: Scalar<'_> = Fields("frame").any(frame)?;
        return Ok(vec![unknown("array")]);
    }
    let outer: Event<'_> = Fields("frame").object(frame)?;
    let Some(data) = outer.data else { return event(&outer, None, unit).map(|message| vec![message]) };
    let stream = outer.stream.map(Scalar::to_text);
    if !data.json().starts_with('{') {
        return Ok(vec![unknown(stream.as_deref().unwrap_or("data"))]);
    }
    let inner: Event<'_> = Fields("frame").object(data.json())?;
    event(&inner, stream.as_deref(), unit).map(|message| vec![message])
}

fn unknown(kind: &str) -> MarketMessage {
    MarketMessage::Unknown { kind: shown(kind) }
}

fn event(event: &Event<'_>, stream: Option<&str>, unit: TimeUnit) -> Result<MarketMessage, FrameError> {
    match event.e.map(Scalar::text) {
        Some("trade" | "aggTrade") => trade(event, unit).map(MarketMessage::Trade),
        Some("bookTicker") => quote(event, unit).map(MarketMessage::Quote),
        Some("kline") => kline(event, unit),
        Some("depthUpdate") => change(event, unit).map(MarketMessage::BookChange),
        Some("serverShutdown") => {
            let venue_at = Some(Fields("serverShutdown").moment("E", event.event_at, unit)?);
            Ok(MarketMessage::ServerShutdown { venue_at })
        }
        Some(other) => Ok(unknown(other)),
        None if event.last_update_id.is_some() => partial(event, stream),
        None if event.u.is_some() && event.b.is_some() => quote(event, unit).map(MarketMessage::Quote),
        None => answer(event, stream),
    }
}

/// A frame without a name that holds no market data: the answer to a request, or nothing we know.
fn answer(event: &Event<'_>, stream: Option<&str>) -> Result<MarketMessage, FrameError> {
    let request = event.id.map(Scalar::to_text);
    let nested: Event<'_> = match event.error {
        Some(error) => Fields("refusal").object(error.json())?,
        None => Event { code: event.code, msg: event.msg, ..Event::default() },
    };
    if nested.code.is_some() || nested.msg.is_some() {
        return Ok(MarketMessage::SubscriptionRefused {
            request,
            code: nested.code.and_then(|code| code.text().parse().ok()),
            reason: nested.msg.map(Scalar::to_text).unwrap_or_default(),
        });
    }
    match request {
        Some(_) => Ok(MarketMessage::Subscribed { request, channel: None, symbols: Vec::new() }),
        None => Ok(unknown(stream.unwrap_or("object without a name"))),
    }
}

fn trade(event: &Event<'_>, unit: TimeUnit) -> Result<TradePrint, FrameError> {
    let is_aggregate = event.e.is_some_and(|name| name.text() == "aggTrade");
    let fields = Fields(if is_aggregate { "aggTrade" } else { "trade" });
    let ids = if is_aggregate {
        let (first, last) = (fields.whole("f", event.f)?, fields.whole("l", event.l)?);
        TradeIds::Aggregate { id: fields.whole("a", event.a)?, first, last }
    } else {
        TradeIds::Single(fields.whole("t", event.t)?)
    };
    Ok(TradePrint {
        symbol: fields.text("s", event.s)?,
        ids,
        venue_at: fields.moment("T", event.traded_at, unit)?,
        price: fields.decimal("p", event.p)?,
        qty: fields.decimal("q", event.q)?,
        aggressor: aggressor(truth(fields, "m", event.m)?),
        delivery: Delivery::Live,
    })
}

fn truth(fields: Fields, field: &'static str, value: Option<Scalar<'_>>) -> Result<bool, FrameError> {
    match fields.given(field, value)?.json() {
        "true" => Ok(true),
        "false" => Ok(false),
        other => Err(FrameError::Word { message: fields.0, field, text: shown(other) }),
    }
}

fn quote(event: &Event<'_>, unit: TimeUnit) -> Result<TopQuote, FrameError> {
    let fields = Fields("bookTicker");
    let side = |names: [&'static str; 2], price, qty| {
        let level = Level { price: fields.decimal(names[0], price)?, qty: fields.decimal(names[1], qty)? };
        Ok(Some(level).filter(|level| level.price.units > 0 && level.qty.units > 0))
    };
    Ok(TopQuote {
        symbol: fields.text("s", event.s)?,
        // Only futures say when.
        venue_at: event.traded_at.map(|at| fields.moment("T", Some(at), unit)).transpose()?,
        update_id: Some(fields.whole("u", event.u)?),
        bid: side(["b", "B"], event.b, event.bid_qty)?,
        ask: side(["a", "A"], event.a, event.ask_qty)?,
    })
}

fn kline(event: &Event<'_>, unit: TimeUnit) -> Result<MarketMessage, FrameError> {
    let fields = Fields("kline");
    let kline: KlineFields<'_> = fields.object(fields.given("k", event.k)?.json())?;
    let name = fields.text("i", kline.i)?;
    let Some(interval) = interval_named(&name) else { return Ok(unknown(&format!("kline_{name}"))) };
    let trades = fields.count("n", kline.n)?;
    // A bar without a trade says -1 for both.
    let trade_ids = match trades {
        0 => None,
        _ => Some((fields.whole("f", kline.f)?, fields.whole("L", kline.last_trade)?)),
    };
    let is_closed = truth(fields, "x", kline.x)?;
    Ok(MarketMessage::Kline(Kline {
        symbol: fields.text("s", kline.s)?,
        interval,
        open_at: fields.moment("t", kline.t, unit)?,
        // The last moment within the bar is told; the bar ends one unit later.
        close_at: fields.moment("T", kline.last_at, unit)?.plus(unit.span()),
        open: fields.decimal("o", kline.o)?,
        high: fields.decimal("h", kline.h)?,
        low: fields.decimal("l", kline.l)?,
        close: fields.decimal("c", kline.c)?,
        volume: fields.decimal("v", kline.v)?,
        trades: Some(trades),
        trade_ids,
        state: if is_closed { KlineState::Closed } else { KlineState::Forming },
    }))
}

fn levels(fields: Fields, field: &'static str, value: Option<Scalar<'_>>) -> Result<Vec<Level>, FrameError> {
    let pairs: Vec<Pair<'_>> = fields.any(fields.given(field, value)?.json())?;
    fields.levels(field, &pairs)
}

fn change(event: &Event<'_>, unit: TimeUnit) -> Result<BookChange, FrameError> {
    let fields = Fields("depthUpdate");
    Ok(BookChange {
        symbol: fields.text("s", event.s)?,
        venue_at: Some(fields.moment("E", event.event_at, unit)?),
        proof: BookProof::Updates {
            first: fields.whole("U", event.first_update)?,
            last: fields.whole("u", event.u)?,
            previous: event.pu.map(|pu| fields.whole("pu", Some(pu))).transpose()?,
        },
        bids: levels(fields, "b", event.b)?,
        asks: levels(fields, "a", event.a)?,
    })
}

/// A partial book, whose symbol only the name of its stream tells.
fn partial(event: &Event<'_>, stream: Option<&str>) -> Result<MarketMessage, FrameError> {
    let fields = Fields("partial book");
    let symbol = stream.and_then(|stream| stream.split_once('@')).map(|(symbol, _)| symbol.to_uppercase());
    snapshot(fields, event, fields.given("stream", symbol)?).map(MarketMessage::BookTop)
}

/// The answer of `GET /api/v3/depth`.
pub(super) fn book(body: &str, symbol: &str) -> Result<BookSnapshot, FrameError> {
    let fields = Fields("book");
    snapshot(fields, &fields.object(body)?, symbol.to_owned())
}

fn snapshot(fields: Fields, event: &Event<'_>, symbol: String) -> Result<BookSnapshot, FrameError> {
    Ok(BookSnapshot {
        symbol,
        venue_at: None,
        proof: BookProof::UpTo(fields.whole("lastUpdateId", event.last_update_id)?),
        bids: levels(fields, "bids", event.bids)?,
        asks: levels(fields, "asks", event.asks)?,
    })
}
