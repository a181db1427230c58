//! The frames of Kraken's private WebSocket, version 2. Numbers are JSON numbers there and are read as the text that stands
//! there.

use engine_core::fill::Liquidity;
use engine_core::num::Decimal;
use serde::Deserialize;

use super::super::private_call::PrivateChannel;
use super::super::rounding::rounding;
use super::PrivateFrame;
use crate::account_message::{
    AccountMessage, AccountSnapshot, Balance, BalanceChange, Fee, OrderReport, OrderStatus, Transfer,
    TransferKind, VenueFill,
};
use crate::decimal::shown;
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar, side_named};
use crate::exact_sum::difference;
use crate::order_answer::OrderAnswer;
use crate::order_request::Asked;
use crate::outcome::{Outcome, kraken};

#[derive(Debug, Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    channel: Option<Scalar<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Scalar<'a>>,
    #[serde(borrow)]
    data: Option<Scalar<'a>>,
    #[serde(borrow)]
    sequence: Option<Scalar<'a>>,
    #[serde(borrow)]
    method: Option<Scalar<'a>>,
    success: Option<bool>,
    #[serde(borrow)]
    result: Option<Scalar<'a>>,
    #[serde(borrow)]
    error: Option<Scalar<'a>>,
    #[serde(borrow)]
    req_id: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct ReplyResult<'a> {
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    cl_ord_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    channel: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Execution<'a> {
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    cl_ord_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    symbol: Option<Scalar<'a>>,
    #[serde(borrow)]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    exec_type: Option<Scalar<'a>>,
    #[serde(borrow)]
    order_status: Option<Scalar<'a>>,
    #[serde(borrow)]
    order_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    cum_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    cum_cost: Option<Scalar<'a>>,
    #[serde(borrow)]
    avg_price: Option<Scalar<'a>>,
    #[serde(borrow)]
    exec_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    last_qty: Option<Scalar<'a>>,
    #[serde(borrow)]
    last_price: Option<Scalar<'a>>,
    #[serde(borrow)]
    cost: Option<Scalar<'a>>,
    #[serde(borrow)]
    liquidity_ind: Option<Scalar<'a>>,
    #[serde(borrow)]
    fees: Option<Vec<FeeRow<'a>>>,
    #[serde(borrow)]
    reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    cancel_reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    timestamp: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct FeeRow<'a> {
    #[serde(borrow)]
    asset: Option<Scalar<'a>>,
    #[serde(borrow)]
    qty: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct BalanceRow<'a> {
    #[serde(borrow)]
    asset: Option<Scalar<'a>>,
    #[serde(borrow)]
    balance: Option<Scalar<'a>>,
    #[serde(borrow)]
    amount: Option<Scalar<'a>>,
    #[serde(borrow)]
    fee: Option<Scalar<'a>>,
    #[serde(borrow, rename = "type")]
    kind: Option<Scalar<'a>>,
    #[serde(borrow)]
    timestamp: Option<Scalar<'a>>,
}

/// The frame that `text` is.
pub(super) fn frame(text: &str) -> Result<PrivateFrame, FrameError> {
    let frame: Frame<'_> = Fields("private frame").object(text)?;
    let Some(channel) = frame.channel else { return reply(&frame) };
    let is_snapshot = frame.kind.is_some_and(|kind| kind.text() == "snapshot");
    let (channel, mut messages) = match channel.text() {
        "executions" => (Some(PrivateChannel::Executions), executions(&frame)?),
        "balances" if is_snapshot => (Some(PrivateChannel::Balances), holdings(&frame)?),
        "balances" => (Some(PrivateChannel::Balances), balance_changes(&frame)?),
        "heartbeat" => (None, vec![AccountMessage::Heartbeat]),
        other => (None, vec![AccountMessage::Unknown { kind: shown(other) }]),
    };
    if let Some(sequence) = frame.sequence {
        let number = Fields("private frame").whole("sequence", Some(sequence))?;
        messages.push(AccountMessage::Sequence { number });
    }
    Ok(PrivateFrame::Said { channel, messages })
}

/// The answer to a call, by the method that it repeats.
fn reply(frame: &Frame<'_>) -> Result<PrivateFrame, FrameError> {
    let fields = Fields("reply");
    let id = frame.req_id.map(|id| fields.whole("req_id", Some(id))).transpose()?;
    let method = frame.method.map_or("", Scalar::text);
    let asked = match method {
        "pong" => {
            return Ok(PrivateFrame::Said { channel: None, messages: vec![AccountMessage::Heartbeat] });
        }
        "add_order" => Asked::Place,
        "cancel_order" | "cancel_all" => Asked::Cancel,
        "subscribe" | "unsubscribe" | "cancel_all_orders_after" => Asked::Read,
        // Nothing of ours; should it be a call of ours after all, what it did is unknown.
        other => {
            let text = format!("an answer to {other:?}, which was not asked");
            let answer = OrderAnswer::bare(Outcome::unreadable(&text));
            return Ok(PrivateFrame::Reply { id, answer });
        }
    };
    let answer = match (frame.success, frame.error) {
        (Some(true), _) => done(method, frame.result),
        (_, Some(error)) => OrderAnswer::bare(kraken::outcome(asked, &[error.to_text()])),
        (Some(false) | None, None) => OrderAnswer::bare(Outcome::unreadable(&"neither done nor refused")),
    };
    Ok(PrivateFrame::Reply { id, answer })
}

/// What a call did that was done; where it cannot be read, what it did is unknown.
fn done(method: &str, result: Option<Scalar<'_>>) -> OrderAnswer {
    let read = || {
        let fields = Fields("result");
        let result: ReplyResult<'_> = fields.object(result.map_or("{}", Scalar::json))?;
        let order = |status| {
            let mut report = OrderReport::of(fields.text("order_id", result.order_id)?, status, "");
            report.client_id = client_id(result.cl_ord_id);
            Ok(vec![AccountMessage::Order(Box::new(report))])
        };
        match method {
            "add_order" => order(OrderStatus::Pending),
            // The venue may leave the id out, as the executions tell the rest.
            "cancel_order" if result.order_id.is_some() => order(OrderStatus::CancelPending),
            "subscribe" => {
                let subscription = fields.text("channel", result.channel)?;
                Ok(vec![AccountMessage::Subscribed { subscription }])
            }
            _ => Ok(Vec::new()),
        }
    };
    OrderAnswer::read::<FrameError>(read())
}

fn client_id(id: Option<Scalar<'_>>) -> Option<String> {
    id.map(Scalar::to_text).filter(|id| !id.is_empty())
}

fn rows<'a, T: Deserialize<'a>>(fields: Fields, frame: &Frame<'a>) -> Result<Vec<T>, FrameError> {
    fields.any(fields.given("data", frame.data)?.json())
}

fn executions(frame: &Frame<'_>) -> Result<Vec<AccountMessage>, FrameError> {
    let fields = Fields("execution");
    let rows: Vec<Execution<'_>> = rows(fields, frame)?;
    rows.iter()
        .map(|row| execution(fields, row).map(|report| AccountMessage::Order(Box::new(report))))
        .collect()
}

fn execution(fields: Fields, row: &Execution<'_>) -> Result<OrderReport, FrameError> {
    let number =
        |field, value: Option<Scalar<'_>>| value.map(|value| fields.decimal(field, Some(value))).transpose();
    let status_word = fields.text("order_status", row.order_status)?;
    let status = status_of(&status_word);
    Ok(OrderReport {
        client_id: client_id(row.cl_ord_id),
        symbol: row.symbol.map(|symbol| fields.text("symbol", Some(symbol))).transpose()?,
        side: row.side.and_then(|side| side_named(side.text())),
        qty: number("order_qty", row.order_qty)?,
        filled_qty: number("cum_qty", row.cum_qty)?,
        filled_quote: number("cum_cost", row.cum_cost)?,
        average_price: number("avg_price", row.avg_price)?,
        last_fill: last_fill(fields, row)?,
        reason: client_id(row.reason).or_else(|| client_id(row.cancel_reason)),
        venue_at: Some(fields.utc("timestamp", row.timestamp)?),
        ..OrderReport::of(fields.text("order_id", row.order_id)?, status, &status_word)
    })
}

/// The trade that a row of the type `trade` tells; `filled` only says that there will be no more.
fn last_fill(fields: Fields, row: &Execution<'_>) -> Result<Option<VenueFill>, FrameError> {
    if fields.given("exec_type", row.exec_type)?.text() != "trade" {
        return Ok(None);
    }
    let fee = |fee: &FeeRow<'_>| {
        let (amount, asset) = (fields.signed("fees.qty", fee.qty)?, fields.text("fees.asset", fee.asset)?);
        Ok(Fee { amount, asset: Some(asset) })
    };
    let mut fees: Vec<Fee> = row.fees.iter().flatten().map(fee).collect::<Result<_, FrameError>>()?;
    fees.retain(|fee| fee.amount.units != 0);
    let price = fields.decimal("last_price", row.last_price)?;
    let qty = fields.decimal("last_qty", row.last_qty)?;
    if let Some(cost) = row.cost {
        let (side, cost) = (fields.side("side", row.side)?, fields.decimal("cost", Some(cost))?);
        fees.extend(rounding(side, price, qty, cost));
    }
    Ok(Some(VenueFill {
        trade_id: fields.text("exec_id", row.exec_id)?,
        price,
        qty,
        fees,
        liquidity: row.liquidity_ind.and_then(|word| match word.text() {
            "m" => Some(Liquidity::Maker),
            "t" => Some(Liquidity::Taker),
            _ => None,
        }),
    }))
}

/// What the venue's word for where an order stands means.
fn status_of(word: &str) -> OrderStatus {
    match word {
        "pending_new" => OrderStatus::Pending,
        "new" => OrderStatus::Working,
        "partially_filled" => OrderStatus::PartiallyFilled,
        "filled" => OrderStatus::Filled,
        "canceled" => OrderStatus::Cancelled,
        "expired" => OrderStatus::Expired,
        "rejected" => OrderStatus::Rejected,
        _ => OrderStatus::Unknown,
    }
}

fn balance(fields: Fields, row: &BalanceRow<'_>) -> Result<Balance, FrameError> {
    let asset = fields.text("asset", row.asset)?;
    // What is borrowed makes a balance negative; what open orders hold is told by REST alone.
    Ok(Balance { asset, free: fields.signed("balance", row.balance)?, locked: None })
}

fn holdings(frame: &Frame<'_>) -> Result<Vec<AccountMessage>, FrameError> {
    let fields = Fields("balances");
    let rows: Vec<BalanceRow<'_>> = rows(fields, frame)?;
    let balances = rows.iter().map(|row| balance(fields, row)).collect::<Result<_, _>>()?;
    let snapshot = AccountSnapshot { balances, may_trade: None, venue_at: None };
    Ok(vec![AccountMessage::Snapshot(snapshot)])
}

/// What an entry of the ledger moves: its amount less its fee.
fn moved(fields: Fields, row: &BalanceRow<'_>) -> Result<Decimal, FrameError> {
    let amount = fields.signed("amount", row.amount)?;
    let Some(fee) = row.fee else { return Ok(amount) };
    let fee = fields.signed("fee", Some(fee))?;
    difference(amount, fee).ok_or_else(|| FrameError::Word {
        message: "balances",
        field: "amount",
        text: format!("{amount} less {fee}"),
    })
}

/// Each row is an entry of the ledger and what there is after it; what is no trade is a transfer as well.
fn balance_changes(frame: &Frame<'_>) -> Result<Vec<AccountMessage>, FrameError> {
    let fields = Fields("balances");
    let rows: Vec<BalanceRow<'_>> = rows(fields, frame)?;
    let mut said = Vec::with_capacity(rows.len());
    for row in &rows {
        let venue_at = row.timestamp.map(|at| fields.utc("timestamp", Some(at))).transpose()?;
        let balance = balance(fields, row)?;
        let kind = match row.kind.map(Scalar::text) {
            Some("trade") | None => None,
            Some("deposit" | "withdrawal") => Some(TransferKind::External),
            Some(other) => Some(TransferKind::Other(shown(other))),
        };
        if let Some(kind) = kind {
            let (asset, amount) = (balance.asset.clone(), moved(fields, row)?);
            said.push(AccountMessage::Transfer(Transfer { asset, amount, kind, venue_at }));
        }
        said.push(AccountMessage::BalanceChange(BalanceChange { balances: vec![balance], venue_at }));
    }
    Ok(said)
}
