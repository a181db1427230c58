//! Kraken's private REST requests, and the token of its WebSocket, which REST gives.
//!
//! ```text
//! PrivateRequest ─ sent with PrivateRequest::signature(key) ─ PrivateMethod::answer(status, …) ─ OrderAnswer
//! ```
//!
//! Which requests a question needs is known by `question::Question`.

use super::private_call::SessionToken;
use crate::dialect::frame_error::FrameError;
use crate::dialect::request::encoded;
use crate::order_answer::OrderAnswer;
use crate::order_request::Asked;
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
    /// Trades of ours by the venue's names of them.
    QueryTrades,
    /// What the account holds.
    Balance,
    /// What the account holds, and what of it open orders hold.
    BalanceEx,
    /// A token for the private WebSocket.
    WebSocketsToken,
    /// What the key may do.
    KeyInfo,
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
            Self::QueryTrades => "/0/private/QueryTrades",
            Self::Balance => "/0/private/Balance",
            Self::BalanceEx => "/0/private/BalanceEx",
            Self::WebSocketsToken => "/0/private/GetWebSocketsToken",
            Self::KeyInfo => "/0/private/GetApiKeyInfo",
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
            | Self::QueryTrades
            | Self::Balance
            | Self::BalanceEx
            | Self::WebSocketsToken
            | Self::KeyInfo => Asked::Read,
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
    /// The request of `method` with `params`, under the number `nonce`.
    #[must_use]
    pub fn of(method: PrivateMethod, nonce: u64, params: &[(&str, String)]) -> Self {
        let params = params.iter().map(|(name, value)| format!("&{name}={}", encoded(value)));
        Self { method, nonce, body: format!("nonce={nonce}{}", params.collect::<String>()) }
    }

    /// The header `API-Sign` of this request by `key`.
    #[must_use]
    pub fn signature(&self, key: &KrakenKey) -> String {
        key.api_sign(self.method.path(), self.nonce, &self.body)
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

/// How many trades there are, of which an answer of [`PrivateMethod::TradesHistory`] lists one page, where it says so.
///
/// # Errors
/// [`FrameError`] where it cannot be read.
pub(super) fn count_of_trades(body: &str) -> Result<Option<u64>, FrameError> {
    account_wire::count(body)
}

/// The names of the trades of the orders that an answer of [`PrivateMethod::QueryOrders`] tells.
///
/// # Errors
/// [`FrameError`] where they cannot be read.
pub(super) fn names_of_trades(body: &str) -> Result<Vec<String>, FrameError> {
    account_wire::trade_names(body)
}

#[cfg(test)]
mod tests;
