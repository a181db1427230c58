//! The answers of Kraken's REST interface, which says refusals with status 200.

use std::collections::BTreeMap;

use engine_core::num::Decimal;
use engine_core::time::Timestamp;
use serde::Deserialize;

use super::names::Names;
use super::wire::status_of;
use super::{aggressor, stream_symbol};
use crate::decimal::{decimals_of, shown};
use crate::dialect::frame_error::FrameError;
use crate::dialect::refusal::{AnswerError, Refusal, Retry};
use crate::dialect::request::BarsRequest;
use crate::dialect::wire::{Fields, Pair, Scalar};
use crate::listing::{Listing, pair_split};
use crate::message::{BookProof, BookSnapshot, Delivery, Kline, KlineState, TradeIds, TradePrint};

#[derive(Debug, Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    error: Vec<String>,
    #[serde(borrow)]
    result: Option<Scalar<'a>>,
}

/// Its words for too many requests, or trouble of its own.
const LATER: [&str; 5] = [
    "EAPI:Rate limit exceeded",
    "EGeneral:Too many requests",
    "EService:Unavailable",
    "EService:Busy",
    "EService:Timeout",
];

fn refused(status: u16, errors: &[String]) -> Refusal {
    let first = errors.first().cloned().unwrap_or_default();
    let is_passing = LATER.iter().any(|later| first.starts_with(later));
    let retry = if is_passing { Retry::Later } else { Retry::Never };
    Refusal { status, reason: errors.join("; "), code: Some(first), retry }
}

/// What a refusal says; the beginning of the body where it is none.
pub(super) fn refusal(status: u16, body: &str) -> Refusal {
    match Fields("refusal").object::<Answer<'_>>(body) {
        Ok(answer) if !answer.error.is_empty() => refused(status, &answer.error),
        Ok(_) | Err(_) => Refusal { status, code: None, reason: shown(body), retry: Retry::Never },
    }
}

/// The result of an answer, or its refusal.
fn result<'a>(fields: Fields, body: &'a str) -> Result<&'a str, AnswerError> {
    let answer: Answer<'a> = fields.object(body)?;
    if !answer.error.is_empty() {
        return Err(refused(200, &answer.error).into());
    }
    Ok(fields.given("result", answer.result)?.json())
}

#[derive(Debug, Deserialize)]
struct ServerTime<'a> {
    #[serde(borrow)]
    unixtime: Option<Scalar<'a>>,
}

/// `GET Time`, in whole seconds.
pub(super) fn time(body: &str) -> Result<Timestamp, AnswerError> {
    let fields = Fields("server time");
    let answer: ServerTime<'_> = fields.object(result(fields, body)?)?;
    Ok(fields.seconds("unixtime", answer.unixtime)?)
}

#[derive(Debug, Deserialize)]
struct AssetPair<'a> {
    #[serde(borrow)]
    altname: Option<Scalar<'a>>,
    #[serde(borrow)]
    base: Option<Scalar<'a>>,
    #[serde(borrow)]
    quote: Option<Scalar<'a>>,
    #[serde(borrow)]
    wsname: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    pair_decimals: Option<Scalar<'a>>,
    #[serde(borrow)]
    lot_decimals: Option<Scalar<'a>>,
    #[serde(borrow)]
    tick_size: Option<Scalar<'a>>,
    #[serde(borrow)]
    ordermin: Option<Scalar<'a>>,
    #[serde(borrow)]
    costmin: Option<Scalar<'a>>,
}

/// `GET AssetPairs`: the pairs that can be read, and how many could not.
pub(super) fn listings(body: &str) -> Result<(Vec<Listing>, usize), AnswerError> {
    let fields = Fields("AssetPairs");
    let pairs: BTreeMap<String, Scalar<'_>> = fields.object(result(fields, body)?)?;
    let read: Vec<Listing> = pairs.values().filter_map(|pair| listing(pair.json()).ok()).collect();
    let unread = pairs.len() - read.len();
    Ok((read, unread))
}

/// `GET AssetPairs`: what the pairs and their assets are called.
pub(super) fn names(body: &str) -> Result<Names, AnswerError> {
    let fields = Fields("AssetPairs");
    let pairs: BTreeMap<String, Scalar<'_>> = fields.object(result(fields, body)?)?;
    let mut names = Names::default();
    for (key, pair) in &pairs {
        let pair = fields.object::<AssetPair<'_>>(pair.json());
        let Ok(AssetPair { altname, base, quote, wsname: Some(wsname), .. }) = pair else { continue };
        let symbol = stream_symbol(wsname.text());
        if let (Some(base), Some(quote), Some((one, other))) = (base, quote, symbol.split_once('/')) {
            names.assets.insert(base.to_text(), one.to_owned());
            names.assets.insert(quote.to_text(), other.to_owned());
        }
        names.pairs.extend(altname.map(|altname| (altname.to_text(), symbol.clone())));
        names.pairs.insert(key.clone(), symbol);
    }
    Ok(names)
}

fn listing(json: &str) -> Result<Listing, FrameError> {
    let fields = Fields("pair");
    let pair: AssetPair<'_> = fields.object(json)?;
    let zero = Decimal { units: 0, decimals: 0 };
    let least = |field, value: Option<Scalar<'_>>| value.map_or(Ok(zero), |_| fields.decimal(field, value));
    let smallest = |field, value| {
        let count = fields.count(field, value)?;
        let decimals = u8::try_from(count).ok().filter(|decimals| *decimals <= 18);
        let decimals =
            decimals.ok_or_else(|| FrameError::Whole { message: "pair", field, text: count.to_string() })?;
        Ok::<_, FrameError>(Decimal { units: 1, decimals })
    };
    let last_digit = smallest("pair_decimals", pair.pair_decimals)?;
    let lot = smallest("lot_decimals", pair.lot_decimals)?;
    let tick = pair.tick_size.map_or(Ok(last_digit), |_| fields.decimal("tick_size", pair.tick_size))?;
    // Answers of years ago have no status.
    let status_word = pair.status.map_or_else(|| "online".to_owned(), Scalar::to_text);
    let symbol = stream_symbol(&fields.text("wsname", pair.wsname)?);
    Ok(Listing {
        pair: pair_split(&symbol, '/'),
        symbol,
        alias: None,
        status: status_of(&status_word),
        status_word,
        tick,
        lot,
        qty_min: least("ordermin", pair.ordermin)?,
        notional_min: least("costmin", pair.costmin)?,
        price_decimals: last_digit.decimals.max(decimals_of(tick)),
        qty_decimals: lot.decimals,
    })
}

/// The rows of an answer about one pair: it is the only key beside `last`.
fn rows<'a>(fields: Fields, body: &'a str) -> Result<Vec<Vec<Scalar<'a>>>, AnswerError> {
    Ok(fields.any(of_pair(fields, body)?)?)
}

fn of_pair<'a>(fields: Fields, body: &'a str) -> Result<&'a str, AnswerError> {
    let answer: BTreeMap<String, Scalar<'a>> = fields.object(result(fields, body)?)?;
    let pair = answer.into_iter().find(|(key, _)| key != "last").map(|(_, rows)| rows.json());
    Ok(fields.given("pair", pair)?)
}

/// `GET OHLC`; the last row is still forming.
pub(super) fn bars(body: &str, request: &BarsRequest<'_>) -> Result<Vec<Kline>, AnswerError> {
    let fields = Fields("row of OHLC");
    let bar = |row: Vec<Scalar<'_>>| {
        let at = |place: usize| row.get(place).copied();
        let open_at = fields.seconds("time", at(0))?;
        Ok(Kline {
            symbol: request.symbol.to_owned(),
            interval: request.interval,
            open_at,
            close_at: open_at.plus(request.interval),
            open: fields.decimal("open", at(1))?,
            high: fields.decimal("high", at(2))?,
            low: fields.decimal("low", at(3))?,
            close: fields.decimal("close", at(4))?,
            volume: fields.decimal("volume", at(6))?,
            trades: Some(fields.count("count", at(7))?),
            trade_ids: None,
            state: KlineState::Unsaid,
        })
    };
    rows(fields, body)?.into_iter().map(bar).collect()
}

/// `GET Trades`.
pub(super) fn trades(body: &str, symbol: &str) -> Result<Vec<TradePrint>, AnswerError> {
    let fields = Fields("row of Trades");
    let trade = |row: Vec<Scalar<'_>>| {
        let at = |place: usize| row.get(place).copied();
        Ok(TradePrint {
            symbol: symbol.to_owned(),
            ids: TradeIds::Single(fields.whole("trade_id", at(6))?),
            venue_at: fields.seconds("time", at(2))?,
            price: fields.decimal("price", at(0))?,
            qty: fields.decimal("volume", at(1))?,
            aggressor: aggressor(fields.given("side", at(3))?.text()),
            delivery: Delivery::Past,
        })
    };
    rows(fields, body)?.into_iter().map(trade).collect()
}

#[derive(Debug, Deserialize)]
struct Depth<'a> {
    #[serde(borrow)]
    bids: Vec<Pair<'a>>,
    #[serde(borrow)]
    asks: Vec<Pair<'a>>,
}

/// `GET Depth`; nothing says which frames of the stream it holds.
pub(super) fn book(body: &str, symbol: &str) -> Result<BookSnapshot, AnswerError> {
    let fields = Fields("Depth");
    let depth: Depth<'_> = fields.object(of_pair(fields, body)?)?;
    Ok(BookSnapshot {
        symbol: symbol.to_owned(),
        venue_at: None,
        proof: BookProof::Unsaid,
        bids: fields.levels("bids", &depth.bids)?,
        asks: fields.levels("asks", &depth.asks)?,
    })
}
