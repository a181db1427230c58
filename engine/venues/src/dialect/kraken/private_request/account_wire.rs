//! The answers of Kraken's private REST interface, which says refusals with status 200.

use std::collections::BTreeMap;

use engine_core::fill::Liquidity;
use serde::Deserialize;

use super::super::rounding::rounding;
use super::PrivateMethod;
use crate::account_message::{
    AccountMessage, AccountSnapshot, Balance, Fee, FillReport, OrderReport, OrderStatus, Permissions,
    VenueFill,
};
use crate::decimal::decimal;
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar, first_price, side_named};
use crate::order_answer::OrderAnswer;
use crate::outcome::{Outcome, Words, kraken};

#[derive(Debug, Deserialize)]
struct Answer<'a> {
    // Without it nothing says that nothing went wrong.
    error: Option<Vec<String>>,
    #[serde(borrow)]
    result: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Placed<'a> {
    #[serde(borrow, default)]
    txid: Vec<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Cancelled<'a> {
    #[serde(borrow)]
    count: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    open: Option<BTreeMap<String, Scalar<'a>>>,
    #[serde(borrow)]
    closed: Option<BTreeMap<String, Scalar<'a>>>,
    #[serde(borrow)]
    trades: Option<BTreeMap<String, Scalar<'a>>>,
    #[serde(borrow)]
    count: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Order<'a> {
    #[serde(borrow)]
    cl_ord_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    descr: Option<Scalar<'a>>,
    #[serde(borrow)]
    vol: Option<Scalar<'a>>,
    #[serde(borrow)]
    vol_exec: Option<Scalar<'a>>,
    #[serde(borrow)]
    cost: Option<Scalar<'a>>,
    #[serde(borrow)]
    fee: Option<Scalar<'a>>,
    #[serde(borrow)]
    closetm: Option<Scalar<'a>>,
    #[serde(borrow)]
    opentm: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Traded {
    #[serde(default)]
    trades: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct KeyInfo {
    permissions: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Described<'a> {
    #[serde(borrow)]
    pair: Option<Scalar<'a>>,
    #[serde(borrow, rename = "type")]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    price2: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Trade<'a> {
    #[serde(borrow)]
    ordertxid: Option<Scalar<'a>>,
    #[serde(borrow)]
    pair: Option<Scalar<'a>>,
    #[serde(borrow)]
    time: Option<Scalar<'a>>,
    #[serde(borrow, rename = "type")]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    cost: Option<Scalar<'a>>,
    #[serde(borrow)]
    fee: Option<Scalar<'a>>,
    #[serde(borrow)]
    vol: Option<Scalar<'a>>,
    maker: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Extended<'a> {
    #[serde(borrow)]
    balance: Option<Scalar<'a>>,
    #[serde(borrow)]
    hold_trade: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Token<'a> {
    #[serde(borrow)]
    token: Option<Scalar<'a>>,
}

/// What an answer means and says.
///
/// # Errors
/// [`FrameError`] for one that cannot be read.
pub(super) fn answer(method: PrivateMethod, body: &str) -> Result<OrderAnswer, FrameError> {
    let fields = Fields("private answer");
    let answer: Answer<'_> = fields.object(body)?;
    let errors = fields.given("error", answer.error)?;
    let outcome = kraken::outcome(method.asked(), &errors);
    if outcome != Outcome::Answered {
        return Ok(OrderAnswer::bare(outcome));
    }
    let result = fields.given("result", answer.result)?.json();
    let list = Fields("list");
    let listed = || list.object::<Listed<'_>>(result);
    let messages = match method {
        PrivateMethod::AddOrder => placed(result)?,
        PrivateMethod::CancelOrder => return cancelled(result),
        PrivateMethod::QueryOrders => orders(&Fields("orders").object(result)?)?,
        PrivateMethod::OpenOrders => orders(&list.given("open", listed()?.open)?)?,
        PrivateMethod::ClosedOrders => orders(&list.given("closed", listed()?.closed)?)?,
        PrivateMethod::TradesHistory => trades(&list.given("trades", listed()?.trades)?)?,
        PrivateMethod::QueryTrades => trades(&Fields("trades").object(result)?)?,
        PrivateMethod::KeyInfo => vec![AccountMessage::Permissions(permissions(result)?)],
        PrivateMethod::Balance => {
            holdings(result, |fields, value| Ok((fields.signed("balance", Some(value))?, None)))?
        }
        PrivateMethod::BalanceEx => holdings(result, |fields, value| {
            let row: Extended<'_> = fields.object(value.json())?;
            let (all, held) =
                (fields.signed("balance", row.balance)?, fields.decimal("hold_trade", row.hold_trade)?);
            let free = crate::exact_sum::difference(all, held).ok_or_else(|| FrameError::Word {
                message: "balances",
                field: "balance",
                text: format!("{all} less {held}"),
            })?;
            Ok((free, Some(held)))
        })?,
        PrivateMethod::WebSocketsToken => Vec::new(),
    };
    Ok(OrderAnswer::saying(messages))
}

/// What an answer of status 200 gives, which was read before.
fn result_of(body: &str) -> Result<Scalar<'_>, FrameError> {
    let fields = Fields("private answer");
    let answer: Answer<'_> = fields.object(body)?;
    fields.given("result", answer.result)
}

/// How many trades there are, of which an answer lists one page, where it says so.
pub(super) fn count(body: &str) -> Result<Option<u64>, FrameError> {
    let fields = Fields("list");
    let listed: Listed<'_> = fields.object(result_of(body)?.json())?;
    listed.count.map(|count| fields.whole("count", Some(count))).transpose()
}

/// The venue's names of the trades of the orders that an answer tells.
pub(super) fn trade_names(body: &str) -> Result<Vec<String>, FrameError> {
    let fields = Fields("orders");
    let rows: BTreeMap<String, Scalar<'_>> = fields.object(result_of(body)?.json())?;
    let mut names = Vec::new();
    for row in rows.values() {
        names.extend(fields.object::<Traded>(row.json())?.trades);
    }
    Ok(names)
}

/// What a key may do; moving assets out has a word of its own.
fn permissions(json: &str) -> Result<Permissions, FrameError> {
    let fields = Fields("key");
    let info: KeyInfo = fields.object(json)?;
    let words = fields.given("permissions", info.permissions)?;
    let has = |word: &str| Some(words.iter().any(|known| known.contains(word)));
    Ok(Permissions {
        may_view: has("query-funds"),
        may_trade: has("modify-trades"),
        may_withdraw: has("withdraw"),
    })
}

/// The token of an answer that gives one.
pub(super) fn token(body: &str) -> Result<String, FrameError> {
    let fields = Fields("token");
    let result: Token<'_> = fields.object(result_of(body)?.json())?;
    fields.text("token", result.token)
}

fn placed(json: &str) -> Result<Vec<AccountMessage>, FrameError> {
    let fields = Fields("placed order");
    let placed: Placed<'_> = fields.object(json)?;
    let order_id = fields.text("txid", placed.txid.first().copied())?;
    let report = OrderReport::of(order_id, OrderStatus::Pending, "");
    Ok(vec![AccountMessage::Order(Box::new(report))])
}

/// A cancel that ended nothing found nothing open.
fn cancelled(json: &str) -> Result<OrderAnswer, FrameError> {
    let fields = Fields("cancelled orders");
    let cancelled: Cancelled<'_> = fields.object(json)?;
    if fields.count("count", cancelled.count)? > 0 {
        return Ok(OrderAnswer::bare(Outcome::Answered));
    }
    let text = "no order was cancelled".to_owned();
    Ok(OrderAnswer::bare(Outcome::NotOpen(Words { code: None, text })))
}

fn orders(rows: &BTreeMap<String, Scalar<'_>>) -> Result<Vec<AccountMessage>, FrameError> {
    rows.iter()
        .map(|(id, row)| order(id, row.json()).map(|report| AccountMessage::Order(Box::new(report))))
        .collect()
}

fn order(id: &str, json: &str) -> Result<OrderReport, FrameError> {
    let fields = Fields("order");
    let order: Order<'_> = fields.object(json)?;
    let descr: Described<'_> = fields.object(fields.given("descr", order.descr)?.json())?;
    let status_word = fields.text("status", order.status)?;
    let filled_qty = fields.decimal("vol_exec", order.vol_exec)?;
    let status = match status_word.as_str() {
        "pending" => OrderStatus::Pending,
        "open" if filled_qty.units > 0 => OrderStatus::PartiallyFilled,
        "open" => OrderStatus::Working,
        "closed" => OrderStatus::Filled,
        "canceled" => OrderStatus::Cancelled,
        "expired" => OrderStatus::Expired,
        _ => OrderStatus::Unknown,
    };
    let at = order.closetm.or(order.opentm);
    let text = |text: Option<Scalar<'_>>| text.map(Scalar::to_text).filter(|text| !text.is_empty());
    // A trailing order has its distance there, as `+5.0000%`.
    let price = |price: Option<Scalar<'_>>| price.and_then(|price| decimal(price.text()).ok());
    Ok(OrderReport {
        client_id: text(order.cl_ord_id),
        symbol: Some(fields.text("descr.pair", descr.pair)?),
        side: descr.side.and_then(|side| side_named(side.text())),
        qty: Some(fields.decimal("vol", order.vol)?),
        // Of a stop with a limit, the second price is the limit.
        limit: first_price([price(descr.price2), price(descr.price)]),
        filled_qty: Some(filled_qty),
        filled_quote: order.cost.map(|cost| fields.decimal("cost", Some(cost))).transpose()?,
        total_fees: order.fee.map(|fee| fields.signed("fee", Some(fee))).transpose()?,
        reason: text(order.reason),
        venue_at: at.map(|at| fields.seconds("closetm", Some(at))).transpose()?,
        ..OrderReport::of(id.to_owned(), status, &status_word)
    })
}

/// Trades of ours, oldest first.
fn trades(rows: &BTreeMap<String, Scalar<'_>>) -> Result<Vec<AccountMessage>, FrameError> {
    let read = rows.iter().map(|(id, row)| trade(id, row.json()));
    let mut reports: Vec<FillReport> = read.collect::<Result<_, _>>()?;
    reports.sort_by_key(|report| report.venue_at.nanos());
    Ok(reports.into_iter().map(AccountMessage::Fill).collect())
}

fn trade(id: &str, json: &str) -> Result<FillReport, FrameError> {
    let fields = Fields("trade of ours");
    let trade: Trade<'_> = fields.object(json)?;
    let amount = fields.signed("fee", trade.fee)?;
    let mut fees = if amount.units == 0 { Vec::new() } else { vec![Fee { amount, asset: None }] };
    let (side, price) = (fields.side("type", trade.side)?, fields.decimal("price", trade.price)?);
    let (qty, cost) = (fields.decimal("vol", trade.vol)?, fields.decimal("cost", trade.cost)?);
    fees.extend(rounding(side, price, qty, cost));
    Ok(FillReport {
        order_id: fields.text("ordertxid", trade.ordertxid)?,
        symbol: fields.text("pair", trade.pair)?,
        side,
        fill: VenueFill {
            trade_id: id.to_owned(),
            price,
            qty,
            fees,
            liquidity: trade.maker.map(|maker| if maker { Liquidity::Maker } else { Liquidity::Taker }),
        },
        venue_at: fields.seconds("time", trade.time)?,
    })
}

/// What the account holds: free and locked of each asset as `read` reads them.
fn holdings(
    json: &str,
    read: impl Fn(
        Fields,
        Scalar<'_>,
    ) -> Result<(engine_core::num::Decimal, Option<engine_core::num::Decimal>), FrameError>,
) -> Result<Vec<AccountMessage>, FrameError> {
    let fields = Fields("balances");
    let rows: BTreeMap<String, Scalar<'_>> = fields.object(json)?;
    let balance = |(asset, value): (String, Scalar<'_>)| {
        let (free, locked) = read(fields, value)?;
        Ok(Balance { asset, free, locked })
    };
    let balances = rows.into_iter().map(balance).collect::<Result<_, FrameError>>()?;
    let snapshot = AccountSnapshot { balances, may_trade: None, venue_at: None };
    Ok(vec![AccountMessage::Snapshot(snapshot)])
}
