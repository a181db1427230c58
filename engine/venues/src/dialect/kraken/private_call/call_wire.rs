//! The calls over Kraken's private WebSocket, version 2.

use engine_core::market::Side;
use engine_core::order::{Posting, TimeInForce};
use engine_core::time::Timestamp;

use super::super::unserved;
use super::PrivateChannel;
use crate::dialect::request::Unserved;
use crate::dialect::wire::JsonObject;
use crate::order_request::{NewOrder, NewOrderKind, OrderName};
use crate::venue_time::rfc3339;

/// The call of the method `name` with `params`.
pub(super) fn method(name: &str, params: JsonObject, id: u64, token: &str) -> String {
    let params = params.with_text("token", token).json();
    let call = JsonObject::default().with_text("method", name).with_json("params", &params);
    call.with_json("req_id", &id.to_string()).json()
}

/// The parameters that name an order to be ended.
pub(super) fn cancel(order: &OrderName) -> JsonObject {
    match order {
        OrderName::Client(id) => JsonObject::default().with_texts("cl_ord_id", &[id]),
        OrderName::Venue(id) => JsonObject::default().with_texts("order_id", &[id]),
    }
}

/// No parameters but the token.
pub(super) fn nothing() -> JsonObject {
    JsonObject::default()
}

/// The parameters of a subscription.
pub(super) fn subscription(channel: PrivateChannel) -> JsonObject {
    match channel {
        PrivateChannel::Executions => JsonObject::default()
            .with_text("channel", "executions")
            .with_flag("snap_orders", true)
            .with_flag("snap_trades", false),
        PrivateChannel::Balances => {
            JsonObject::default().with_text("channel", "balances").with_flag("snapshot", true)
        }
    }
}

/// The parameters of a call that ends all orders after so many seconds.
pub(super) fn timeout(seconds: i64) -> JsonObject {
    JsonObject::default().with_whole("timeout", seconds)
}

/// The parameters of a new order that may arrive until `deadline`.
pub(super) fn place(order: &NewOrder, deadline: Timestamp) -> Result<JsonObject, Unserved> {
    let (kind, limit, trigger) = match order.kind {
        NewOrderKind::Market => ("market", None, None),
        NewOrderKind::Limit { limit } => ("limit", Some(limit), None),
        NewOrderKind::Stop { trigger } => ("stop-loss", None, Some(trigger)),
        NewOrderKind::StopLimit { trigger, limit } => ("stop-loss-limit", Some(limit), Some(trigger)),
    };
    let side = match order.side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    };
    let mut params = JsonObject::default()
        .with_text("order_type", kind)
        .with_text("side", side)
        .with_number("order_qty", order.qty)
        .with_text("symbol", &order.symbol)
        .with_text("cl_ord_id", &order.client_id)
        .with_text("deadline", &rfc3339(deadline))
        .with_text("fee_preference", "quote");
    if let Some(limit) = limit {
        params = params.with_number("limit_price", limit);
    }
    if let Some(trigger) = trigger {
        let triggers = JsonObject::default().with_text("reference", "last").with_number("price", trigger);
        params = params.with_json("triggers", &triggers.json());
    }
    match (order.posting, kind) {
        (Posting::Any, _) => {}
        (Posting::PostOnly, "limit") => params = params.with_flag("post_only", true),
        (Posting::PostOnly, _) => {
            let what = format!("orders of the kind {kind} that only post");
            return Err(unserved(what, "limit orders that only post"));
        }
    }
    with_time_in_force(params, order.tif, kind)
}

/// The parameters with how long the order works; a market order fills what it can at once, as it is.
fn with_time_in_force(params: JsonObject, tif: TimeInForce, kind: &str) -> Result<JsonObject, Unserved> {
    let refused =
        |word: &str| Err(unserved(format!("{kind} orders {word}"), "limit orders with GTC, IOC or GTD"));
    let has_limit = kind.ends_with("limit");
    match tif {
        TimeInForce::Gtc if has_limit => Ok(params.with_text("time_in_force", "gtc")),
        TimeInForce::Gtc => Ok(params),
        TimeInForce::Ioc if has_limit => Ok(params.with_text("time_in_force", "ioc")),
        TimeInForce::Ioc if kind == "market" => Ok(params),
        TimeInForce::Ioc => refused("with IOC"),
        TimeInForce::Gtd(until) if has_limit => {
            Ok(params.with_text("time_in_force", "gtd").with_text("expire_time", &rfc3339(until)))
        }
        TimeInForce::Gtd(_) => refused("until a moment"),
        TimeInForce::Fok => refused("with FOK"),
    }
}
