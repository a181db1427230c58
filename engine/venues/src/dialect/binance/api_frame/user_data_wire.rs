//! What happens to an account, as Binance's user data stream tells it.

use engine_core::fill::Liquidity;
use serde::Deserialize;

use super::order_wire::{fees, named, status_of};
use crate::account_message::{
    AccountMessage, Balance, BalanceChange, OrderListReport, OrderReport, Transfer, TransferKind, VenueFill,
};
use crate::decimal::shown;
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar, side_named};
use crate::venue_time::TimeUnit;

#[derive(Debug, Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    e: Option<Scalar<'a>>,
    #[serde(borrow, rename = "E")]
    event_at: Option<Scalar<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Execution<'a> {
    #[serde(borrow)]
    s: Option<Scalar<'a>>,
    #[serde(borrow)]
    c: Option<Scalar<'a>>,
    #[serde(borrow, rename = "C")]
    original_client_id: Option<Scalar<'a>>,
    #[serde(borrow, rename = "S")]
    side: Option<Scalar<'a>>,
    #[serde(borrow)]
    q: Option<Scalar<'a>>,
    #[serde(borrow)]
    x: Option<Scalar<'a>>,
    #[serde(borrow, rename = "X")]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    r: Option<Scalar<'a>>,
    #[serde(borrow, rename = "eR")]
    expiry_reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    i: Option<Scalar<'a>>,
    #[serde(borrow, rename = "I")]
    execution_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    l: Option<Scalar<'a>>,
    #[serde(borrow, rename = "L")]
    last_price: Option<Scalar<'a>>,
    #[serde(borrow)]
    z: Option<Scalar<'a>>,
    #[serde(borrow, rename = "Z")]
    filled_quote: Option<Scalar<'a>>,
    #[serde(borrow)]
    n: Option<Scalar<'a>>,
    #[serde(borrow, rename = "N")]
    fee_asset: Option<Scalar<'a>>,
    #[serde(borrow)]
    t: Option<Scalar<'a>>,
    #[serde(borrow, rename = "T")]
    transaction_at: Option<Scalar<'a>>,
    m: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Position<'a> {
    #[serde(borrow)]
    u: Option<Scalar<'a>>,
    #[serde(borrow, rename = "B")]
    balances: Option<Vec<PositionRow<'a>>>,
}

#[derive(Debug, Deserialize)]
struct PositionRow<'a> {
    #[serde(borrow)]
    a: Option<Scalar<'a>>,
    #[serde(borrow)]
    f: Option<Scalar<'a>>,
    #[serde(borrow)]
    l: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    a: Option<Scalar<'a>>,
    #[serde(borrow)]
    d: Option<Scalar<'a>>,
    #[serde(borrow, rename = "T")]
    at: Option<Scalar<'a>>,
}

#[derive(Debug, Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    s: Option<Scalar<'a>>,
    #[serde(borrow)]
    g: Option<Scalar<'a>>,
    #[serde(borrow, rename = "L")]
    status: Option<Scalar<'a>>,
    #[serde(borrow, rename = "C")]
    client_id: Option<Scalar<'a>>,
    #[serde(borrow, rename = "T")]
    at: Option<Scalar<'a>>,
    #[serde(borrow, rename = "O", default)]
    orders: Vec<ListRow<'a>>,
}

#[derive(Debug, Deserialize)]
struct ListRow<'a> {
    #[serde(borrow)]
    i: Option<Scalar<'a>>,
}

/// What an event says.
pub(super) fn event(json: &str, unit: TimeUnit) -> Result<AccountMessage, FrameError> {
    let fields = Fields("event of the account");
    let head: Head<'_> = fields.object(json)?;
    let name = head.e.map_or("object without a name", Scalar::text);
    // Not every venue of this shape sends it, and nothing hangs on it.
    let said_at = || head.event_at.map(|at| fields.moment("E", Some(at), unit)).transpose();
    match name {
        "executionReport" => {
            let report = execution(json, unit)?;
            Ok(AccountMessage::Order(Box::new(report)))
        }
        "outboundAccountPosition" => position(json, unit),
        "balanceUpdate" => transfer(json, TransferKind::External, unit),
        "externalLockUpdate" => transfer(json, TransferKind::Lock, unit),
        "listStatus" => order_list(json, unit),
        "eventStreamTerminated" => {
            Ok(AccountMessage::SessionEnded { reason: name.to_owned(), venue_at: said_at()? })
        }
        "serverShutdown" => Ok(AccountMessage::ServerShutdown { venue_at: said_at()? }),
        other => Ok(AccountMessage::Unknown { kind: shown(other) }),
    }
}

fn execution(json: &str, unit: TimeUnit) -> Result<OrderReport, FrameError> {
    let fields = Fields("executionReport");
    let event: Execution<'_> = fields.object(json)?;
    let status_word = fields.text("X", event.status)?;
    let refused = named(event.r).filter(|reason| reason != "NONE");
    Ok(OrderReport {
        // Of a cancel `c` is the id of the cancel itself.
        client_id: named(event.original_client_id).or_else(|| named(event.c)),
        symbol: Some(fields.text("s", event.s)?),
        side: event.side.and_then(|side| side_named(side.text())),
        qty: event.q.map(|qty| fields.decimal("q", Some(qty))).transpose()?,
        filled_qty: Some(fields.decimal("z", event.z)?),
        filled_quote: event.filled_quote.map(|quote| fields.decimal("Z", Some(quote))).transpose()?,
        last_fill: last_fill(fields, &event)?,
        report_id: event.execution_id.map(|id| fields.id("I", Some(id))).transpose()?,
        reason: refused.or_else(|| named(event.expiry_reason)),
        venue_at: Some(fields.moment("T", event.transaction_at, unit)?),
        ..OrderReport::of(fields.id("i", event.i)?, status_of(&status_word), &status_word)
    })
}

/// The fill of an event that tells one; only `TRADE` does.
fn last_fill(fields: Fields, event: &Execution<'_>) -> Result<Option<VenueFill>, FrameError> {
    if fields.given("x", event.x)?.text() != "TRADE" {
        return Ok(None);
    }
    Ok(Some(VenueFill {
        trade_id: fields.id("t", event.t)?,
        price: fields.decimal("L", event.last_price)?,
        qty: fields.decimal("l", event.l)?,
        fees: fees(fields, ["n", "N"], event.n, event.fee_asset)?,
        liquidity: event.m.map(|maker| if maker { Liquidity::Maker } else { Liquidity::Taker }),
    }))
}

fn position(json: &str, unit: TimeUnit) -> Result<AccountMessage, FrameError> {
    let fields = Fields("outboundAccountPosition");
    let event: Position<'_> = fields.object(json)?;
    let balance = |row: &PositionRow<'_>| {
        Ok(Balance {
            asset: fields.text("a", row.a)?,
            free: fields.decimal("f", row.f)?,
            locked: Some(fields.decimal("l", row.l)?),
        })
    };
    let rows = fields.given("B", event.balances)?;
    Ok(AccountMessage::BalanceChange(BalanceChange {
        balances: rows.iter().map(balance).collect::<Result<_, FrameError>>()?,
        venue_at: event.u.map(|at| fields.moment("u", Some(at), unit)).transpose()?,
    }))
}

fn transfer(json: &str, kind: TransferKind, unit: TimeUnit) -> Result<AccountMessage, FrameError> {
    let fields = Fields("balanceUpdate");
    let event: Delta<'_> = fields.object(json)?;
    Ok(AccountMessage::Transfer(Transfer {
        asset: fields.text("a", event.a)?,
        amount: fields.signed("d", event.d)?,
        kind,
        venue_at: event.at.map(|at| fields.moment("T", Some(at), unit)).transpose()?,
    }))
}

fn order_list(json: &str, unit: TimeUnit) -> Result<AccountMessage, FrameError> {
    let fields = Fields("listStatus");
    let event: List<'_> = fields.object(json)?;
    Ok(AccountMessage::OrderList(OrderListReport {
        list_id: fields.id("g", event.g)?,
        client_id: named(event.client_id),
        symbol: fields.text("s", event.s)?,
        status_word: fields.text("L", event.status)?,
        order_ids: event.orders.iter().map(|row| fields.id("i", row.i)).collect::<Result<_, _>>()?,
        venue_at: event.at.map(|at| fields.moment("T", Some(at), unit)).transpose()?,
    }))
}
