//! Lists in the answers of Coinbase's private REST interface: orders, trades and accounts.

use std::collections::BTreeMap;

use engine_core::fill::Liquidity;
use serde::Deserialize;

use super::super::user_wire::{number, said, status_of};
use super::PrivateMethod;
use crate::account_message::{
    AccountMessage, AccountSnapshot, Balance, Fee, FillReport, OrderReport, VenueFill,
};
use crate::decimal::{decimal, shown};
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar, first_price, side_named};
use crate::order_answer::OrderAnswer;

#[derive(Debug, Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    order: Option<Scalar<'a>>,
    #[serde(borrow)]
    orders: Option<Vec<Scalar<'a>>>,
    #[serde(borrow)]
    fills: Option<Vec<Scalar<'a>>>,
    #[serde(borrow)]
    accounts: Option<Vec<Account<'a>>>,
    #[serde(borrow)]
    cursor: Option<Scalar<'a>>,
    has_next: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Order<'a> {
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    client_order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    filled_size: Option<Scalar<'a>>,
    #[serde(borrow)]
    average_filled_price: Option<Scalar<'a>>,
    #[serde(borrow)]
    filled_value: Option<Scalar<'a>>,
    #[serde(borrow)]
    total_fees: Option<Scalar<'a>>,
    #[serde(borrow)]
    reject_reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    cancel_message: Option<Scalar<'a>>,
    #[serde(borrow)]
    last_fill_time: Option<Scalar<'a>>,
    #[serde(borrow)]
    created_time: Option<Scalar<'a>>,
    // One entry, under the name of its kind.
    #[serde(borrow, default)]
    order_configuration: Option<BTreeMap<&'a str, Terms<'a>>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Terms<'a> {
    #[serde(borrow)]
    base_size: Option<Scalar<'a>>,
    #[serde(borrow)]
    limit_price: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Fill<'a> {
    #[serde(borrow)]
    trade_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    trade_time: Option<Scalar<'a>>,
    #[serde(borrow)]
    trade_type: Option<Scalar<'a>>,
    #[serde(borrow)]
    price: Option<Scalar<'a>>,
    #[serde(borrow)]
    size: Option<Scalar<'a>>,
    #[serde(borrow)]
    commission: Option<Scalar<'a>>,
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    liquidity_indicator: Option<Scalar<'a>>,
    size_in_quote: Option<bool>,
    #[serde(borrow)]
    side: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Account<'a> {
    #[serde(borrow)]
    currency: Option<Scalar<'a>>,
    #[serde(borrow)]
    available_balance: Option<Amount<'a>>,
    #[serde(borrow)]
    hold: Option<Amount<'a>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Amount<'a> {
    #[serde(borrow)]
    value: Option<Scalar<'a>>,
}

/// A list, or one order, and where it goes on.
pub(super) fn list(method: PrivateMethod, body: &str) -> Result<OrderAnswer, FrameError> {
    let fields = Fields("list");
    let list: List<'_> = fields.object(body)?;
    let told = |report: OrderReport| AccountMessage::Order(Box::new(report));
    let messages: Vec<AccountMessage> = match method {
        PrivateMethod::Order => vec![told(order(fields.given("order", list.order)?.json())?)],
        PrivateMethod::Orders => {
            let rows = fields.given("orders", list.orders)?;
            rows.iter().map(|row| order(row.json()).map(told)).collect::<Result<_, _>>()?
        }
        PrivateMethod::Fills => {
            let rows = fields.given("fills", list.fills)?;
            rows.iter().map(|row| fill(row.json())).collect::<Result<_, _>>()?
        }
        PrivateMethod::Accounts => {
            let rows = fields.given("accounts", list.accounts)?;
            let balances = rows.iter().map(balance).collect::<Result<_, FrameError>>()?;
            vec![AccountMessage::Snapshot(AccountSnapshot { balances, may_trade: None, venue_at: None })]
        }
        PrivateMethod::Place | PrivateMethod::Cancel | PrivateMethod::KeyPermissions => Vec::new(),
    };
    let next_page = said(list.cursor).filter(|_| list.has_next != Some(false));
    Ok(OrderAnswer { next_page, ..OrderAnswer::saying(messages) })
}

fn order(json: &str) -> Result<OrderReport, FrameError> {
    let fields = Fields("order");
    let order: Order<'_> = fields.object(json)?;
    let filled_qty = fields.decimal("filled_size", order.filled_size)?;
    let status_word = fields.text("status", order.status)?;
    let at = order.last_fill_time.or(order.created_time);
    let terms = order.order_configuration.as_ref().and_then(|terms| terms.values().next());
    let plain = |number: Option<Scalar<'_>>| number.and_then(|number| decimal(number.text()).ok());
    Ok(OrderReport {
        client_id: said(order.client_order_id),
        symbol: Some(fields.text("product_id", order.product_id)?),
        side: order.side.and_then(|side| side_named(side.text())),
        qty: terms.and_then(|terms| plain(terms.base_size)),
        limit: first_price([terms.and_then(|terms| plain(terms.limit_price))]),
        filled_qty: Some(filled_qty),
        filled_quote: number(fields, "filled_value", order.filled_value)?,
        average_price: number(fields, "average_filled_price", order.average_filled_price)?,
        total_fees: number(fields, "total_fees", order.total_fees)?,
        reason: said(order.reject_reason).or_else(|| said(order.cancel_message)),
        venue_at: at.map(|at| fields.utc("last_fill_time", Some(at))).transpose()?,
        ..OrderReport::of(
            fields.text("order_id", order.order_id)?,
            status_of(&status_word, filled_qty),
            &status_word,
        )
    })
}

/// A trade; a correction of one is told as something unknown, for a person to look at.
fn fill(json: &str) -> Result<AccountMessage, FrameError> {
    let fields = Fields("trade of ours");
    let fill: Fill<'_> = fields.object(json)?;
    let kind = fill.trade_type.map_or("FILL", Scalar::text);
    if kind != "FILL" {
        return Ok(AccountMessage::Unknown { kind: format!("trade of the type {}", shown(kind)) });
    }
    if fill.size_in_quote == Some(true) {
        let text = "true".to_owned();
        return Err(FrameError::Word { message: "trade of ours", field: "size_in_quote", text });
    }
    let symbol = fields.text("product_id", fill.product_id)?;
    let amount = number(fields, "commission", fill.commission)?.filter(|amount| amount.units != 0);
    // Commissions are in the quote currency.
    let asset = symbol.rsplit_once('-').map(|(_, quote)| quote.to_owned());
    Ok(AccountMessage::Fill(FillReport {
        order_id: fields.text("order_id", fill.order_id)?,
        side: fields.side("side", fill.side)?,
        fill: VenueFill {
            trade_id: fields.text("trade_id", fill.trade_id)?,
            price: fields.decimal("price", fill.price)?,
            qty: fields.decimal("size", fill.size)?,
            fees: amount.map(|amount| Fee { amount, asset }).into_iter().collect(),
            liquidity: fill.liquidity_indicator.and_then(|word| match word.text() {
                "MAKER" => Some(Liquidity::Maker),
                "TAKER" => Some(Liquidity::Taker),
                _ => None,
            }),
        },
        venue_at: fields.utc("trade_time", fill.trade_time)?,
        symbol,
    }))
}

fn balance(row: &Account<'_>) -> Result<Balance, FrameError> {
    let fields = Fields("account");
    let available = row.available_balance.and_then(|amount| amount.value);
    Ok(Balance {
        asset: fields.text("currency", row.currency)?,
        free: fields.signed("available_balance", available)?,
        locked: row.hold.map(|hold| fields.decimal("hold", hold.value)).transpose()?,
    })
}
