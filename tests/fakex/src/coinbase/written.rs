//! Coinbase's words for orders and fills, the same over REST and in the channel `user`.

use serde_json::{Value, json};

use crate::calendar::rfc3339;
use crate::instrument::Instrument;
use crate::trading::amount::Amount;
use crate::trading::fill::Fill;
use crate::trading::order::{Kind, Life, Order, Side, Status};

/// Coinbase's name of an order.
pub(crate) fn name(number: u64) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The number of an order by its name.
pub(crate) fn number(name: &str) -> Option<u64> {
    name.strip_prefix("00000000-0000-4000-8000-")?.parse().ok()
}

pub(crate) fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::New | Status::PartiallyFilled => "OPEN",
        Status::Filled => "FILLED",
        Status::Canceled | Status::ExpiredInMatch => "CANCELLED",
        Status::Expired => "EXPIRED",
    }
}

fn life(order: &Order) -> &'static str {
    match order.terms.kind {
        Kind::Market { .. } | Kind::Limit { life: Life::Ioc, .. } => "IMMEDIATE_OR_CANCEL",
        Kind::Limit { life: Life::Fok, .. } => "FILL_OR_KILL",
        Kind::Limit { life: Life::Gtc, .. } | Kind::PostOnly { .. } => "GOOD_UNTIL_CANCELLED",
    }
}

/// The type of an order, as REST and as the channel writes it.
fn kind(order: &Order) -> (&'static str, &'static str) {
    match (order.terms.kind, order.terms.trigger) {
        (Kind::Market { .. }, _) => ("MARKET", "Market"),
        (Kind::Limit { .. } | Kind::PostOnly { .. }, Some(_)) => ("STOP_LIMIT", "Stop Limit"),
        (Kind::Limit { .. } | Kind::PostOnly { .. }, None) => ("LIMIT", "Limit"),
    }
}

fn fees(order: &Order) -> Amount {
    order.fees.values().copied().sum()
}

fn average(instrument: &Instrument, order: &Order) -> String {
    let filled = Amount::of_quantity(order.filled, instrument.quantity_decimals);
    order.filled_quote.divided_by(filled).to_string()
}

/// An order of the channel `user`: cumulative, and with nothing left once it has ended.
pub(crate) fn of_channel(instrument: &Instrument, order: &Order, status: &str) -> Value {
    let left = if order.status.is_open() { order.remaining() } else { 0 };
    let mut told = json!({
        "order_id": name(order.id), "client_order_id": &*order.client_id, "product_id": instrument.dashed(),
        "status": status, "order_side": side(order.terms.side), "order_type": kind(order).1,
        "time_in_force": life(order), "cumulative_quantity": instrument.quantity(order.filled),
        "leaves_quantity": instrument.quantity(left), "avg_price": average(instrument, order),
        "total_fees": fees(order).to_string(), "filled_value": order.filled_quote.to_string(),
        "outstanding_hold_amount": order.held.to_string(), "creation_time": rfc3339(order.created_ns),
        "post_only": matches!(order.terms.kind, Kind::PostOnly { .. }), "product_type": "SPOT",
        "cancel_reason": if order.status == Status::Canceled { "User requested cancel" } else { "" },
        "reject_reason": "",
    });
    if let Some(price) = order.terms.limit() {
        told["limit_price"] = instrument.price(price).into();
    }
    if let Some(trigger) = order.terms.trigger {
        told["stop_price"] = instrument.price(trigger.price).into();
    }
    told
}

/// An order as REST answers it.
pub(crate) fn of_rest(instrument: &Instrument, order: &Order) -> Value {
    let configuration = order.marks.iter().find(|(known, _)| known == "order_configuration");
    let configuration = configuration.and_then(|(_, text)| serde_json::from_str::<Value>(text).ok());
    json!({
        "order_id": name(order.id), "product_id": instrument.dashed(), "user_id": "fake",
        "order_configuration": configuration, "side": side(order.terms.side),
        "client_order_id": &*order.client_id, "status": status(order.status), "time_in_force": life(order),
        "created_time": rfc3339(order.created_ns), "filled_size": instrument.quantity(order.filled),
        "average_filled_price": average(instrument, order), "fee": "",
        "filled_value": order.filled_quote.to_string(), "pending_cancel": false, "size_in_quote": false,
        "total_fees": fees(order).to_string(), "order_type": kind(order).0, "product_type": "SPOT",
        "reject_reason": "REJECT_REASON_UNSPECIFIED", "settled": !order.status.is_open(),
        "last_fill_time": rfc3339(order.updated_ns), "outstanding_hold_amount": order.held.to_string(),
    })
}

/// A fill as REST answers it.
pub(crate) fn fill(instrument: &Instrument, fill: &Fill) -> Value {
    json!({
        "entry_id": format!("entry-{}", fill.id), "trade_id": fill.id.to_string(), "order_id": name(fill.order),
        "trade_time": rfc3339(fill.time_ns), "trade_type": "FILL", "price": instrument.price(fill.price),
        "size": instrument.quantity(fill.quantity), "commission": fill.fee.to_string(),
        "product_id": instrument.dashed(), "sequence_timestamp": rfc3339(fill.time_ns),
        "liquidity_indicator": if fill.is_maker { "MAKER" } else { "TAKER" }, "size_in_quote": false,
        "user_id": "fake", "side": side(fill.side),
    })
}
