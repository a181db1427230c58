//! Calls over Kraken's private WebSocket, version 2: what is asked of `wss://ws-auth.kraken.com/v2`.
//!
//! Every call holds the token of the session, which REST gives and which holds as long as the connection does.
//!
//! Source: the venue's pages of `add_order`, `cancel_order`, `cancel_all_orders_after`, `executions` and `balances`, 2026-07.

use engine_core::market::Side;
use engine_core::order::{Posting, TimeInForce};
use engine_core::time::Span;

use super::{private_wire, unserved};
use crate::dialect::request::Unserved;
use crate::dialect::wire::JsonObject;
use crate::order_request::{NewOrder, NewOrderKind, OrderName, OrderRequest};
use crate::venue_time::rfc3339;

/// The most characters of a client id that is no UUID.
const FREE_TEXT_MAX: usize = 18;

/// The token of a private connection, which is as good as a key while it holds.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    /// The token that REST gave.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl core::fmt::Debug for SessionToken {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str("SessionToken(..)")
    }
}

/// A private channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateChannel {
    /// Orders and trades of ours; begins with the orders that work and the last 50 trades.
    Executions,
    /// What the account holds; begins with all of it.
    Balances,
}

/// The call that asks for `request` under the number `id`, which is of no other call on its way.
///
/// # Errors
/// [`Unserved`] for an order or a client id that the venue does not take, and for what is asked by REST.
pub fn call(request: &OrderRequest, id: u64, token: &SessionToken) -> Result<String, Unserved> {
    match request {
        OrderRequest::Place(order) => Ok(method("add_order", place(order)?, id, token)),
        OrderRequest::Cancel { order, .. } => {
            let params = match order {
                OrderName::Client(client_id) => JsonObject::default().with_texts("cl_ord_id", &[client_id]),
                OrderName::Venue(order_id) => JsonObject::default().with_texts("order_id", &[order_id]),
            };
            Ok(method("cancel_order", params, id, token))
        }
        OrderRequest::Query { .. }
        | OrderRequest::OpenOrders { .. }
        | OrderRequest::Fills { .. }
        | OrderRequest::Balances
        | OrderRequest::Permissions => {
            Err(unserved("questions over its WebSocket".to_owned(), "REST for them, and channels"))
        }
    }
}

/// The call that subscribes to `channel`.
#[must_use]
pub fn subscribe(channel: PrivateChannel, id: u64, token: &SessionToken) -> String {
    let params = match channel {
        PrivateChannel::Executions => JsonObject::default()
            .with_text("channel", "executions")
            .with_flag("snap_orders", true)
            .with_flag("snap_trades", true),
        PrivateChannel::Balances => {
            JsonObject::default().with_text("channel", "balances").with_flag("snapshot", true)
        }
    };
    method("subscribe", params, id, token)
}

/// The call after which the venue ends every order of the account once `after` has passed without another such call; a span of
/// nothing takes it back. The venue advises 60 s, told again every 15 to 30 s.
#[must_use]
pub fn cancel_all_after(after: Span, id: u64, token: &SessionToken) -> String {
    let seconds = after.nanos().max(0).div_euclid(Span::SECOND.nanos());
    method("cancel_all_orders_after", JsonObject::default().with_whole("timeout", seconds), id, token)
}

fn method(name: &str, params: JsonObject, id: u64, token: &SessionToken) -> String {
    private_wire::call(name, &params.with_text("token", &token.0), id)
}

/// The parameters of a new order.
fn place(order: &NewOrder) -> Result<JsonObject, Unserved> {
    if !is_client_id(&order.client_id) {
        let what = format!("the client id {:?}", order.client_id);
        return Err(unserved(what, "UUIDs, 32 hexadecimal digits, or at most 18 characters of ASCII"));
    }
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
        .with_text("cl_ord_id", &order.client_id);
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

/// Whether the venue takes `id`: a UUID, the same without hyphens, or a short text.
fn is_client_id(id: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    let is_uuid = groups == [8, 4, 4, 4, 12] && id.split('-').all(is_hex);
    is_uuid
        || (id.len() == 32 && is_hex(id))
        || (1..=FREE_TEXT_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
