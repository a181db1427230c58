//! The answers of Binance's REST interface. Its times are in milliseconds.

use engine_core::asset::{Asset, AssetPair};
use engine_core::time::Timestamp;
use serde::Deserialize;

use super::aggressor;
use crate::decimal::{decimals_of, shown};
use crate::dialect::frame_error::FrameError;
use crate::dialect::request::BarsRequest;
use crate::dialect::wire::{Fields, Scalar};
use crate::listing::{Listing, TradingStatus};
use crate::message::{Delivery, Kline, KlineState, TradeIds, TradePrint};
use crate::venue_time::TimeUnit;

const UNIT: TimeUnit = TimeUnit::Milliseconds;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerTime<'a> {
    #[serde(borrow)]
    server_time: Option<Scalar<'a>>,
}

/// `GET /api/v3/time`.
pub(super) fn time(body: &str) -> Result<Timestamp, FrameError> {
    let fields = Fields("server time");
    let answer: ServerTime<'_> = fields.object(body)?;
    fields.moment("serverTime", answer.server_time, UNIT)
}

#[derive(Debug, Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    code: Option<Scalar<'a>>,
    #[serde(borrow)]
    msg: Option<Scalar<'a>>,
}

/// Code and words of a refusal; the beginning of the body where it is none.
pub(super) fn error(body: &str) -> (Option<String>, String) {
    match Fields("refusal").object::<ErrorBody<'_>>(body) {
        Ok(ErrorBody { code, msg: Some(msg) }) => (code.map(|code| code.text().to_owned()), msg.to_text()),
        Ok(ErrorBody { msg: None, .. }) | Err(_) => (None, shown(body)),
    }
}

#[derive(Debug, Deserialize)]
struct ExchangeInfo<'a> {
    #[serde(borrow)]
    symbols: Vec<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SymbolInfo<'a> {
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    base_asset: Option<Scalar<'a>>,
    #[serde(borrow)]
    quote_asset: Option<Scalar<'a>>,
    #[serde(borrow)]
    filters: Vec<Filter<'a>>,
}

/// A filter; those of other kinds have none of these fields.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter<'a> {
    #[serde(borrow)]
    filter_type: Option<Scalar<'a>>,
    #[serde(borrow)]
    tick_size: Option<Scalar<'a>>,
    #[serde(borrow)]
    step_size: Option<Scalar<'a>>,
    #[serde(borrow)]
    min_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    min_notional: Option<Scalar<'a>>,
}

/// `GET /api/v3/exchangeInfo`: the symbols that can be read, and how many could not.
pub(super) fn listings(body: &str) -> Result<(Vec<Listing>, usize), FrameError> {
    let info: ExchangeInfo<'_> = Fields("exchangeInfo").object(body)?;
    let all = info.symbols.len();
    let read: Vec<Listing> = info.symbols.iter().filter_map(|symbol| listing(symbol.json()).ok()).collect();
    let unread = all - read.len();
    Ok((read, unread))
}

fn listing(json: &str) -> Result<Listing, FrameError> {
    let fields = Fields("symbol");
    let info: SymbolInfo<'_> = fields.object(json)?;
    let filter = |name: &str| {
        info.filters.iter().find(|filter| filter.filter_type.is_some_and(|kind| kind.text() == name))
    };
    let prices = fields.given("PRICE_FILTER", filter("PRICE_FILTER"))?;
    let lots = fields.given("LOT_SIZE", filter("LOT_SIZE"))?;
    let notional = filter("NOTIONAL").or_else(|| filter("MIN_NOTIONAL"));
    let zero = engine_core::num::Decimal { units: 0, decimals: 0 };
    let (tick, lot) =
        (fields.decimal("tickSize", prices.tick_size)?, fields.decimal("stepSize", lots.step_size)?);
    let status_word = fields.text("status", info.status)?;
    Ok(Listing {
        symbol: fields.text("symbol", info.symbol)?,
        alias: None,
        pair: info.base_asset.zip(info.quote_asset).map(|(base, quote)| AssetPair {
            base: Asset::new(&base.to_text()),
            quote: Asset::new(&quote.to_text()),
        }),
        status: status_of(&status_word),
        status_word,
        tick,
        lot,
        qty_min: fields.decimal("minQty", lots.min_qty)?,
        notional_min: match notional.and_then(|filter| filter.min_notional) {
            Some(least) => fields.decimal("minNotional", Some(least))?,
            None => zero,
        },
        price_decimals: decimals_of(tick),
        qty_decimals: decimals_of(lot),
    })
}

fn status_of(word: &str) -> TradingStatus {
    match word {
        "TRADING" => TradingStatus::Trading,
        "HALT" | "BREAK" | "AUCTION_MATCH" | "PRE_TRADING" | "POST_TRADING" | "END_OF_DAY"
        | "PENDING_TRADING" => TradingStatus::Halted,
        _ => TradingStatus::Unknown,
    }
}

/// `GET /api/v3/klines`: arrays of twelve, from the opening time to a field nobody uses.
pub(super) fn bars(body: &str, request: &BarsRequest<'_>) -> Result<Vec<Kline>, FrameError> {
    let fields = Fields("row of klines");
    let rows: Vec<Vec<Scalar<'_>>> = fields.any(body)?;
    let bar = |row: Vec<Scalar<'_>>| {
        let at = |place: usize| row.get(place).copied();
        Ok(Kline {
            symbol: request.symbol.to_owned(),
            interval: request.interval,
            open_at: fields.moment("open time", at(0), UNIT)?,
            close_at: fields.moment("close time", at(6), UNIT)?.plus(UNIT.span()),
            open: fields.decimal("open", at(1))?,
            high: fields.decimal("high", at(2))?,
            low: fields.decimal("low", at(3))?,
            close: fields.decimal("close", at(4))?,
            volume: fields.decimal("volume", at(5))?,
            trades: Some(fields.count("trades", at(8))?),
            trade_ids: None,
            state: KlineState::Unsaid,
        })
    };
    rows.into_iter().map(bar).collect()
}

/// A row of `trades` and `historicalTrades`, or with short names of `aggTrades`.
#[derive(Debug, Deserialize)]
struct TradeRow<'a> {
    #[serde(borrow)]
    id: Option<Scalar<'a>>,
    #[serde(borrow, alias = "p")]
    price: Option<Scalar<'a>>,
    #[serde(borrow, alias = "q")]
    qty: Option<Scalar<'a>>,
    #[serde(borrow, alias = "T")]
    time: Option<Scalar<'a>>,
    #[serde(rename = "isBuyerMaker", alias = "m")]
    is_buyer_maker: Option<bool>,
    #[serde(borrow)]
    a: Option<Scalar<'a>>,
    #[serde(borrow)]
    f: Option<Scalar<'a>>,
    #[serde(borrow)]
    l: Option<Scalar<'a>>,
}

/// `GET /api/v3/trades`, `historicalTrades` and `aggTrades`.
pub(super) fn trades(body: &str, symbol: &str) -> Result<Vec<TradePrint>, FrameError> {
    let fields = Fields("trade of the past");
    let rows: Vec<Scalar<'_>> = fields.any(body)?;
    let trade = |json: &Scalar<'_>| {
        let row: TradeRow<'_> = fields.object(json.json())?;
        let ids = match row.a {
            Some(_) => TradeIds::Aggregate {
                id: fields.whole("a", row.a)?,
                first: fields.whole("f", row.f)?,
                last: fields.whole("l", row.l)?,
            },
            None => TradeIds::Single(fields.whole("id", row.id)?),
        };
        Ok(TradePrint {
            symbol: symbol.to_owned(),
            ids,
            venue_at: fields.moment("time", row.time, UNIT)?,
            price: fields.decimal("price", row.price)?,
            qty: fields.decimal("qty", row.qty)?,
            aggressor: aggressor(fields.given("isBuyerMaker", row.is_buyer_maker)?),
            delivery: Delivery::Past,
        })
    };
    rows.iter().map(trade).collect()
}
