//! The frames of Coinbase's channel `user`.

use std::collections::BTreeMap;

use engine_core::num::Decimal;
use engine_core::time::Timestamp;
use serde::Deserialize;

use crate::account_message::{AccountMessage, OrderReport, OrderStatus};
use crate::decimal::shown;
use crate::dialect::frame_error::FrameError;
use crate::dialect::wire::{Fields, Scalar, side_named};

/// A snapshot comes in batches of so many orders; one with fewer is the last.
const BATCH: usize = 50;

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

#[derive(Debug, Deserialize)]
struct Subscriptions<'a> {
    #[serde(borrow)]
    subscriptions: Option<BTreeMap<String, Scalar<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Scalar<'a>>,
    #[serde(borrow)]
    orders: Option<Vec<Order<'a>>>,
}

#[derive(Debug, Deserialize)]
struct Order<'a> {
    #[serde(borrow)]
    order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    client_order_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    cumulative_quantity: Option<Scalar<'a>>,
    #[serde(borrow)]
    avg_price: Option<Scalar<'a>>,
    #[serde(borrow)]
    total_fees: Option<Scalar<'a>>,
    #[serde(borrow)]
    filled_value: Option<Scalar<'a>>,
    #[serde(borrow)]
    status: Option<Scalar<'a>>,
    #[serde(borrow)]
    product_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    order_side: Option<Scalar<'a>>,
    #[serde(borrow)]
    cancel_reason: Option<Scalar<'a>>,
    #[serde(borrow)]
    reject_reason: Option<Scalar<'a>>,
}

/// What the venue's word for where an order stands means; of what works it does not say whether a part has traded.
pub(super) fn status_of(word: &str, filled: Decimal) -> OrderStatus {
    match word {
        "PENDING" | "QUEUED" => OrderStatus::Pending,
        "OPEN" | "EDIT_QUEUED" if filled.units > 0 => OrderStatus::PartiallyFilled,
        "OPEN" | "EDIT_QUEUED" => OrderStatus::Working,
        "CANCEL_QUEUED" => OrderStatus::CancelPending,
        "FILLED" => OrderStatus::Filled,
        "CANCELLED" => OrderStatus::Cancelled,
        "EXPIRED" => OrderStatus::Expired,
        "FAILED" => OrderStatus::Rejected,
        _ => OrderStatus::Unknown,
    }
}

/// A text that says something.
pub(super) fn said(text: Option<Scalar<'_>>) -> Option<String> {
    let text = text.map(Scalar::to_text).unwrap_or_default();
    Some(text).filter(|text| !text.is_empty() && text != "REJECT_REASON_UNSPECIFIED")
}

/// A number that may be left out, or written as nothing.
pub(super) fn number(
    fields: Fields,
    field: &'static str,
    value: Option<Scalar<'_>>,
) -> Result<Option<Decimal>, FrameError> {
    let given = value.filter(|value| !value.text().is_empty());
    given.map(|value| fields.signed(field, Some(value))).transpose()
}

/// What a frame says.
pub(super) fn messages(frame: &str) -> Result<Vec<AccountMessage>, FrameError> {
    let fields = Fields("frame of the user");
    let envelope: Envelope<'_> = fields.object(frame)?;
    let Some(channel) = envelope.channel.map(Scalar::text) else {
        if envelope.kind.is_some_and(|kind| kind.text() == "error") {
            let reason = envelope.message.map(Scalar::to_text).unwrap_or_default();
            return Ok(vec![AccountMessage::SessionEnded { reason, venue_at: None }]);
        }
        return Ok(vec![AccountMessage::Unknown { kind: "object without a channel".to_owned() }]);
    };
    let mut all = match channel {
        "user" => {
            let at = fields.utc("timestamp", envelope.timestamp)?;
            let events: Vec<Event<'_>> = fields.any(fields.given("events", envelope.events)?.json())?;
            let read: Vec<Vec<AccountMessage>> =
                events.iter().map(|event| orders(event, at)).collect::<Result<_, _>>()?;
            read.concat()
        }
        "heartbeats" => vec![AccountMessage::Heartbeat],
        "subscriptions" => subscriptions(fields.given("events", envelope.events)?)?,
        other => vec![AccountMessage::Unknown { kind: shown(other) }],
    };
    if let Some(number) = envelope.sequence_num {
        let number = fields.whole("sequence_num", Some(number))?;
        all.push(AccountMessage::Sequence { number });
    }
    Ok(all)
}

/// Everything that is subscribed to by now.
fn subscriptions(events: Scalar<'_>) -> Result<Vec<AccountMessage>, FrameError> {
    let events: Vec<Subscriptions<'_>> = Fields("subscriptions").any(events.json())?;
    let names = events.into_iter().filter_map(|event| event.subscriptions).flat_map(BTreeMap::into_keys);
    Ok(names.map(|subscription| AccountMessage::Subscribed { subscription }).collect())
}

fn orders(event: &Event<'_>, venue_at: Timestamp) -> Result<Vec<AccountMessage>, FrameError> {
    let rows = event.orders.as_deref().unwrap_or_default();
    let report = |row: &Order<'_>| order(row, venue_at).map(|report| AccountMessage::Order(Box::new(report)));
    let mut all: Vec<AccountMessage> = rows.iter().map(report).collect::<Result<_, _>>()?;
    if event.kind.is_some_and(|kind| kind.text() == "snapshot") {
        all.push(AccountMessage::OrdersListed { is_complete: rows.len() < BATCH });
    }
    Ok(all)
}

fn order(row: &Order<'_>, venue_at: Timestamp) -> Result<OrderReport, FrameError> {
    let fields = Fields("order of the user");
    let filled_qty = fields.decimal("cumulative_quantity", row.cumulative_quantity)?;
    let status_word = fields.text("status", row.status)?;
    let status = status_of(&status_word, filled_qty);
    Ok(OrderReport {
        client_id: said(row.client_order_id),
        symbol: Some(fields.text("product_id", row.product_id)?),
        side: row.order_side.and_then(|side| side_named(side.text())),
        filled_qty: Some(filled_qty),
        filled_quote: number(fields, "filled_value", row.filled_value)?,
        average_price: number(fields, "avg_price", row.avg_price)?,
        total_fees: number(fields, "total_fees", row.total_fees)?,
        reason: said(row.reject_reason).or_else(|| said(row.cancel_reason)),
        venue_at: Some(venue_at),
        ..OrderReport::of(fields.text("order_id", row.order_id)?, status, &status_word)
    })
}
