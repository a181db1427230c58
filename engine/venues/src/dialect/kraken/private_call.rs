//! Calls over Kraken's private WebSocket, version 2: what is asked of `wss://ws-auth.kraken.com/v2`.
//!
//! Every call holds the token of the session, which REST gives and which holds as long as the connection does. A new order has a
//! deadline, behind which the venue takes it no more, and asks for its fees in the quote currency: where trades are told by REST,
//! the currency of a fee is not.
//!
//! Source: the venue's pages of `add_order`, `cancel_order`, `cancel_all_orders_after`, `executions` and `balances`, 2026-07.

use engine_core::time::{Span, Timestamp};

use super::unserved;
use crate::dialect::request::Unserved;
use crate::order_gateway::WINDOW_MS;
use crate::order_request::OrderRequest;

mod call_wire;

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
    /// Orders and trades of ours; begins with the orders that work. Earlier trades are asked for by REST, from a moment on.
    Executions,
    /// What the account holds; begins with all of it.
    Balances,
}

/// The call that asks for `request` at `at` under the number `id`, which is of no other call on its way.
///
/// # Errors
/// [`Unserved`] for an order or a client id that the venue does not take, and for what is asked by REST.
pub fn call(
    request: &OrderRequest,
    id: u64,
    token: &SessionToken,
    at: Timestamp,
) -> Result<String, Unserved> {
    match request {
        OrderRequest::Place(order) if !is_client_id(&order.client_id) => {
            let what = format!("the client id {:?}", order.client_id);
            Err(unserved(what, "UUIDs, 32 hexadecimal digits, or at most 18 characters of ASCII"))
        }
        OrderRequest::Place(order) => {
            Ok(call_wire::method("add_order", call_wire::place(order, deadline(at))?, id, &token.0))
        }
        OrderRequest::Cancel { order, .. } => {
            Ok(call_wire::method("cancel_order", call_wire::cancel(order), id, &token.0))
        }
        OrderRequest::CancelAll { symbol: None } => {
            Ok(call_wire::method("cancel_all", call_wire::nothing(), id, &token.0))
        }
        OrderRequest::CancelAll { symbol: Some(_) } => {
            Err(unserved("a cancel of all orders of a symbol".to_owned(), "one of all symbols"))
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

/// Until when an order may arrive that is written at `at`.
fn deadline(at: Timestamp) -> Timestamp {
    at.plus(Span::from_nanos(i64::from(WINDOW_MS) * Span::MILLISECOND.nanos()))
}

/// The call that subscribes to `channel`.
#[must_use]
pub fn subscribe(channel: PrivateChannel, id: u64, token: &SessionToken) -> String {
    call_wire::method("subscribe", call_wire::subscription(channel), id, &token.0)
}

/// The call after which the venue ends every order of the account once `after` has passed without another such call; a span of
/// nothing takes it back. The venue advises 60 s, told again every 15 to 30 s.
#[must_use]
pub fn cancel_all_after(after: Span, id: u64, token: &SessionToken) -> String {
    let seconds = after.nanos().max(0).div_euclid(Span::SECOND.nanos());
    call_wire::method("cancel_all_orders_after", call_wire::timeout(seconds), id, &token.0)
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
