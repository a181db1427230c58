//! Kraken's private REST requests: questions whose answers the WebSocket does not give, and the token it needs.
//!
//! ```text
//! PrivateRequest ─ sent with PrivateRequest::signature(key) ─ PrivateMethod::answer(status, …) ─ OrderAnswer
//! ```

use engine_core::time::{Span, Timestamp};

use super::private_call::SessionToken;
use super::unserved;
use crate::dialect::request::{Unserved, encoded, since_epoch};
use crate::order_answer::OrderAnswer;
use crate::order_request::{Asked, FillsSince, OrderName, OrderRequest};
use crate::outcome::Outcome;
use crate::outcome::kraken::outcome_of_status;
use crate::outcome::retry_after;
use crate::signing::kraken::KrakenKey;

mod account_wire;

/// A method of the REST interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateMethod {
    /// A new order; written over the WebSocket, but answered here too.
    AddOrder,
    /// The end of an order; written over the WebSocket, but answered here too.
    CancelOrder,
    /// Orders by the venue's ids, whether they work or not.
    QueryOrders,
    /// Orders that work.
    OpenOrders,
    /// Orders that work no longer.
    ClosedOrders,
    /// Trades of ours.
    TradesHistory,
    /// What the account holds.
    Balance,
    /// What the account holds, and what of it open orders hold.
    BalanceEx,
    /// A token for the private WebSocket.
    WebSocketsToken,
}

impl PrivateMethod {
    /// Where it is asked.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::AddOrder => "/0/private/AddOrder",
            Self::CancelOrder => "/0/private/CancelOrder",
            Self::QueryOrders => "/0/private/QueryOrders",
            Self::OpenOrders => "/0/private/OpenOrders",
            Self::ClosedOrders => "/0/private/ClosedOrders",
            Self::TradesHistory => "/0/private/TradesHistory",
            Self::Balance => "/0/private/Balance",
            Self::BalanceEx => "/0/private/BalanceEx",
            Self::WebSocketsToken => "/0/private/GetWebSocketsToken",
        }
    }

    /// What kind of request it is.
    #[must_use]
    pub const fn asked(self) -> Asked {
        match self {
            Self::AddOrder => Asked::Place,
            Self::CancelOrder => Asked::Cancel,
            Self::QueryOrders => Asked::Query,
            Self::OpenOrders
            | Self::ClosedOrders
            | Self::TradesHistory
            | Self::Balance
            | Self::BalanceEx
            | Self::WebSocketsToken => Asked::Read,
        }
    }

    /// What an answer means and says; `header` is its `Retry-After`.
    ///
    /// An answer that cannot be read leaves unknown what was done, and is never taken for a refusal.
    #[must_use]
    pub fn answer(self, status: u16, header: Option<&str>, body: &str) -> OrderAnswer {
        // Errors are told with status 200; where one can be read, it says more than the status.
        match account_wire::answer(self, body) {
            Ok(answer) => answer,
            Err(error) if status == 200 => OrderAnswer::bare(Outcome::unreadable(&error)),
            Err(_) => OrderAnswer::bare(outcome_of_status(status, retry_after(header), body)),
        }
    }
}

/// A request: the body of a `POST`, as a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateRequest {
    /// What is asked.
    pub method: PrivateMethod,
    /// Its number, which stands in the body too and only ever grows for a key.
    pub nonce: u64,
    /// With what.
    pub body: String,
}

impl PrivateRequest {
    fn of(method: PrivateMethod, nonce: u64, params: &[(&str, String)]) -> Self {
        let params = params.iter().map(|(name, value)| format!("&{name}={}", encoded(value)));
        Self { method, nonce, body: format!("nonce={nonce}{}", params.collect::<String>()) }
    }

    /// The header `API-Sign` of this request by `key`.
    #[must_use]
    pub fn signature(&self, key: &KrakenKey) -> String {
        key.api_sign(self.method.path(), self.nonce, &self.body)
    }
}

/// The requests that ask for `request`, the first with `nonce`, each other with the next; nonces only ever grow.
///
/// An order by its client id is asked for among those that work and those that work no longer.
///
/// # Errors
/// [`Unserved`] for what is asked over the WebSocket, and for what the venue has not.
pub fn requests(request: &OrderRequest, nonce: u64) -> Result<Vec<PrivateRequest>, Unserved> {
    let one = |method, params: &[(&str, String)]| Ok(vec![PrivateRequest::of(method, nonce, params)]);
    match request {
        OrderRequest::Query { order: OrderName::Venue(id), .. } => {
            one(PrivateMethod::QueryOrders, &[("txid", id.clone()), ("trades", "true".to_owned())])
        }
        OrderRequest::Query { order: OrderName::Client(id), .. } => {
            let of = |method, nonce| PrivateRequest::of(method, nonce, &[("cl_ord_id", id.clone())]);
            let closed = of(PrivateMethod::ClosedOrders, nonce.saturating_add(1));
            Ok(vec![of(PrivateMethod::OpenOrders, nonce), closed])
        }
        // There is no choice of a symbol: all are told.
        OrderRequest::OpenOrders { .. } => one(PrivateMethod::OpenOrders, &[]),
        OrderRequest::Fills { since: FillsSince::Moment(at), .. } => {
            one(PrivateMethod::TradesHistory, &[("start", before(*at).to_string())])
        }
        OrderRequest::Fills { .. } => {
            Err(unserved("trades from a trade or of an order".to_owned(), "trades from a moment on"))
        }
        OrderRequest::Balances => one(PrivateMethod::BalanceEx, &[]),
        OrderRequest::Permissions => Err(unserved("the permissions of a key".to_owned(), "refusals")),
        OrderRequest::Place(_) | OrderRequest::Cancel { .. } | OrderRequest::CancelAll { .. } => {
            Err(unserved("orders by REST here".to_owned(), "calls over its WebSocket"))
        }
    }
}

/// The request for a token of the private WebSocket.
#[must_use]
pub fn token_request(nonce: u64) -> PrivateRequest {
    PrivateRequest::of(PrivateMethod::WebSocketsToken, nonce, &[])
}

/// The token that an answer of status 200 gives.
///
/// # Errors
/// What the answer means instead.
pub fn token(body: &str) -> Result<SessionToken, Outcome> {
    let answer = PrivateMethod::WebSocketsToken.answer(200, None, body);
    if answer.outcome != Outcome::Answered {
        return Err(answer.outcome);
    }
    account_wire::token(body)
        .map(|token| SessionToken::new(&token))
        .map_err(|error| Outcome::unreadable(&error))
}

/// Whole seconds before a moment: what begins there is not left out.
fn before(at: Timestamp) -> i64 {
    since_epoch(at, Span::SECOND).saturating_sub(1).max(0)
}

#[cfg(test)]
mod tests;
