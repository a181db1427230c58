//! The answers of Coinbase's REST interface.

use engine_core::time::Timestamp;
use serde::Deserialize;

use super::wire::{Candle, TradeRow, bar, prints, status_of};
use crate::decimal::{decimals_of, shown};
use crate::dialect::frame_error::FrameError;
use crate::dialect::request::BarsRequest;
use crate::dialect::wire::{Fields, Scalar};
use crate::listing::{Listing, TradingStatus, pair_split};
use crate::message::{BookProof, BookSnapshot, Delivery, Kline, Level, TradePrint};
use crate::venue_time::TimeUnit;

#[derive(Debug, Deserialize)]
struct ServerTime<'a> {
    #[serde(borrow, rename = "epochMillis")]
    epoch_millis: Option<Scalar<'a>>,
}

/// `GET /time`.
pub(super) fn time(body: &str) -> Result<Timestamp, FrameError> {
    let fields = Fields("server time");
    let answer: ServerTime<'_> = fields.object(body)?;
    fields.moment("epochMillis", answer.epoch_millis, TimeUnit::Milliseconds)
}

#[derive(Debug, Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    error: Option<Scalar<'a>>,
    #[serde(borrow)]
    message: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    errors: Vec<ErrorRow<'a>>,
}

#[derive(Debug, Deserialize)]
struct ErrorRow<'a> {
    #[serde(borrow)]
    id: Option<Scalar<'a>>,
    #[serde(borrow)]
    message: Option<Scalar<'a>>,
}

/// Code and words of a refusal; the beginning of the body where it is none.
pub(super) fn error(body: &str) -> (Option<String>, String) {
    let Ok(answer) = Fields("refusal").object::<ErrorBody<'_>>(body) else { return (None, shown(body)) };
    let (code, message) = match answer.errors.first() {
        Some(row) => (row.id, row.message),
        None => (answer.error, answer.message),
    };
    let reason = message.or(code).map_or_else(|| shown(body), Scalar::to_text);
    (code.map(Scalar::to_text), reason)
}

#[derive(Debug, Deserialize)]
struct Products<'a> {
    #[serde(borrow)]
    products: Vec<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Product<'a> {
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    alias: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    price_increment: Option<Scalar<'a>>,
    #[serde(borrow)]
    quote_increment: Option<Scalar<'a>>,
    #[serde(borrow)]
    base_increment: Option<Scalar<'a>>,
    #[serde(borrow)]
    base_min_size: Option<Scalar<'a>>,
    #[serde(borrow)]
    quote_min_size: Option<Scalar<'a>>,
    #[serde(default)]
    is_disabled: bool,
    #[serde(default)]
    trading_disabled: bool,
    #[serde(default)]
    view_only: bool,
    #[serde(default)]
    cancel_only: bool,
    #[serde(default)]
    limit_only: bool,
    #[serde(default)]
    post_only: bool,
    #[serde(default)]
    auction_mode: bool,
}

/// `GET /market/products`: the symbols that can be read, and how many could not.
pub(super) fn listings(body: &str) -> Result<(Vec<Listing>, usize), FrameError> {
    let answer: Products<'_> = Fields("products").object(body)?;
    let all = answer.products.len();
    let read: Vec<Listing> =
        answer.products.iter().filter_map(|product| listing(product.json()).ok()).collect();
    let unread = all - read.len();
    Ok((read, unread))
}

fn listing(json: &str) -> Result<Listing, FrameError> {
    let fields = Fields("product");
    let product: Product<'_> = fields.object(json)?;
    let tick = fields.decimal("price_increment", product.price_increment.or(product.quote_increment))?;
    let lot = fields.decimal("base_increment", product.base_increment)?;
    let status_word = fields.text("status", product.status)?;
    let symbol = fields.text("product_id", product.product_id)?;
    Ok(Listing {
        pair: pair_split(&symbol, '-'),
        symbol,
        alias: product.alias.map(Scalar::to_text).filter(|alias| !alias.is_empty()),
        status: status(&product, &status_word),
        status_word,
        tick,
        lot,
        qty_min: fields.decimal("base_min_size", product.base_min_size)?,
        notional_min: fields.decimal("quote_min_size", product.quote_min_size)?,
        price_decimals: decimals_of(tick),
        qty_decimals: decimals_of(lot),
    })
}

fn status(product: &Product<'_>, word: &str) -> TradingStatus {
    let by_word = status_of(word);
    if by_word != TradingStatus::Trading {
        return by_word;
    }
    if product.is_disabled || product.trading_disabled || product.view_only {
        TradingStatus::Halted
    } else if product.cancel_only {
        TradingStatus::CancelOnly
    } else if product.limit_only || product.post_only || product.auction_mode {
        TradingStatus::Restricted
    } else {
        TradingStatus::Trading
    }
}

#[derive(Debug, Deserialize)]
struct Candles<'a> {
    #[serde(borrow)]
    candles: Vec<Candle<'a>>,
}

/// `GET /market/products/{id}/candles`, which writes the newest first.
pub(super) fn bars(body: &str, request: &BarsRequest<'_>) -> Result<Vec<Kline>, FrameError> {
    let fields = Fields("candles");
    let answer: Candles<'_> = fields.object(body)?;
    let bar = |candle: &Candle<'_>| bar(fields, candle, request.symbol.to_owned(), request.interval);
    let mut bars = answer.candles.iter().map(bar).collect::<Result<Vec<_>, FrameError>>()?;
    bars.sort_by_key(|bar| bar.open_at);
    Ok(bars)
}

#[derive(Debug, Deserialize)]
struct Trades<'a> {
    #[serde(borrow)]
    trades: Vec<TradeRow<'a>>,
}

/// `GET /market/products/{id}/ticker`.
pub(super) fn trades(body: &str) -> Result<Vec<TradePrint>, FrameError> {
    let fields = Fields("trades of the past");
    let answer: Trades<'_> = fields.object(body)?;
    prints(fields, &answer.trades, Delivery::Past)
}

#[derive(Debug, Deserialize)]
struct PriceBook<'a> {
    #[serde(borrow)]
    pricebook: Option<Book<'a>>,
}

#[derive(Debug, Deserialize)]
struct Book<'a> {
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    bids: Vec<BookRow<'a>>,
    #[serde(borrow)]
    asks: Vec<BookRow<'a>>,
    #[serde(borrow)]
    time: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct BookRow<'a> {
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    size: Option<Scalar<'a>>,
}

/// `GET /market/product_book`; nothing says which frames of the stream it holds.
pub(super) fn book(body: &str) -> Result<BookSnapshot, FrameError> {
    let fields = Fields("product book");
    let answer: PriceBook<'_> = fields.object(body)?;
    let book = fields.given("pricebook", answer.pricebook)?;
    let levels = |rows: &[BookRow<'_>]| {
        let level = |row: &BookRow<'_>| {
            Ok(Level { price: fields.decimal("price", row.price)?, qty: fields.decimal("size", row.size)? })
        };
        rows.iter().map(level).collect::<Result<Vec<_>, FrameError>>()
    };
    Ok(BookSnapshot {
        symbol: fields.text("product_id", book.product_id)?,
        venue_at: book.time.map(|time| fields.utc("time", Some(time))).transpose()?,
        proof: BookProof::Unsaid,
        bids: levels(&book.bids)?,
        asks: levels(&book.asks)?,
    })
}
