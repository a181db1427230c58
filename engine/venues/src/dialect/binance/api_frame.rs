//! Frames of a connection to Binance's WebSocket API: answers to calls, in any order, and what happens to the account.
//!
//! ```text
//! frame ─ ApiFrame::Reply ─ the caller finds the call by its id ─ Reply::answer(method) ─ OrderAnswer
//!       └ ApiFrame::Event ─ AccountMessage
//! ```

use super::api_call::Method;
use super::rest_wire;
use crate::account_message::AccountMessage;
use crate::dialect::frame_error::FrameError;
use crate::order_answer::OrderAnswer;
use crate::order_request::Asked;
use crate::outcome::binance::{BinanceError, outcome};
use crate::outcome::{Outcome, retry_after};
use crate::request_limit::LimitUse;
use crate::venue_time::TimeUnit;

mod account_wire;
mod order_wire;
mod reply_wire;
mod user_data_wire;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiFrame {
    /// The answer to a call.
    Reply(Reply),
    /// What happens to the account or to the connection.
    Event(AccountMessage),
}

impl ApiFrame {
    /// The frame that `text` is; times of events count in `unit`, as asked for in the URL.
    ///
    /// # Errors
    /// [`FrameError`] for what is not JSON, or lacks or spoils a field that its meaning hangs on. A call that waits for its
    /// answer then has none: what it asked for is unknown.
    pub fn parse(text: &str, unit: TimeUnit) -> Result<Self, FrameError> {
        reply_wire::frame(text, unit)
    }
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The number of the call; nothing where the venue speaks of the whole connection, as it does when a key is revoked.
    pub id: Option<String>,
    /// What it answers.
    pub body: ReplyBody,
    /// How much of the limits is used, where it says so.
    pub limits: Vec<LimitUse>,
}

/// What a call is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyBody {
    /// It was done: the result as JSON.
    Result(String),
    /// It was refused, or something went wrong.
    Error(BinanceError),
}

impl Reply {
    /// What it means and says as the answer to a call of `method`.
    ///
    /// A result that cannot be read leaves unknown what was done, and is never taken for a refusal.
    #[must_use]
    pub fn answer(&self, method: Method, unit: TimeUnit) -> OrderAnswer {
        let result = match &self.body {
            ReplyBody::Error(error) => return OrderAnswer::bare(outcome(method.asked(), error)),
            ReplyBody::Result(result) => result.as_str(),
        };
        let messages = match method {
            Method::Place | Method::Cancel | Method::Query => order_wire::order(result, unit),
            Method::OpenOrders | Method::CancelAll => order_wire::orders(result, unit),
            Method::Fills => order_wire::fills(result, unit),
            Method::Account => account_wire::account(result, unit),
            Method::LogOn => account_wire::logged_on(result, unit),
            Method::Subscribe | Method::SubscribeSigned => account_wire::subscribed(result),
        };
        OrderAnswer::read(messages)
    }
}

/// What an answer of status other than 200 to a REST request of the kind `asked` means; `header` is its `Retry-After`.
#[must_use]
pub fn rest_outcome(asked: Asked, status: u16, header: Option<&str>, body: &str) -> Outcome {
    let (code, text) = rest_wire::error(body);
    let code = code.and_then(|code| code.parse().ok());
    outcome(asked, &BinanceError { status, code, text, wait: retry_after(header) })
}

/// The answer of status 200 to the REST request for what a key may do.
#[must_use]
pub fn permissions(body: &str) -> OrderAnswer {
    OrderAnswer::read(account_wire::permissions(body))
}

/// What one event of the account says, without what it is wrapped in.
///
/// # Errors
/// [`FrameError`], as of [`ApiFrame::parse`].
pub fn event(json: &str, unit: TimeUnit) -> Result<AccountMessage, FrameError> {
    user_data_wire::event(json, unit)
}

#[cfg(test)]
mod tests;
