//! A question to Kraken's REST interface, asked in as many requests as it needs, one behind the answer to the other.
//!
//! | question | requests |
//! |---|---|
//! | an order by its client id | the orders that work; where it is not among them, those that have ended |
//! | the trades of an order | the order with the names of its trades; those trades by their names |
//! | trades from a moment on | page by page |
//!
//! Trades are asked for each by itself, as the private WebSocket tells them: unless it is asked so, the venue tells those of one
//! taking order together, under one name.

use engine_core::time::{Span, Timestamp};

use super::private_request::{PrivateMethod, PrivateRequest, count_of_trades, names_of_trades};
use super::unserved;
use crate::account_message::AccountMessage;
use crate::dialect::frame_error::FrameError;
use crate::dialect::request::{Unserved, since_epoch};
use crate::order_answer::OrderAnswer;
use crate::order_request::{FillsSince, OrderName, OrderRequest};
use crate::outcome::{Outcome, Words};
use crate::outside::HttpAnswer;

/// The most trades that are asked for by name in one request.
const NAMES_MAX: usize = 20;

/// Trades on a page that is not the last.
const PAGE_ROWS: u64 = 50;

/// The parameter with which trades are told each by itself.
const EACH: (&str, &str) = ("consolidate_taker", "false");

/// What is asked next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A single request.
    Once(PrivateMethod, Vec<(&'static str, String)>),
    /// The order of this client id among those that work.
    AmongOpen(String),
    /// The same among those that have ended.
    AmongClosed(String),
    /// The names of the trades of this order.
    TradesOf(String),
    /// The trades of these names.
    Named(Vec<String>),
    /// Trades since a second, from so many newer ones on.
    Since { second: i64, newer: u64 },
}

/// A question, and what of it is answered.
#[derive(Debug)]
pub(super) struct Question {
    step: Step,
    /// Of which symbol alone trades are told, as the venue tells those of all.
    symbol: Option<String>,
    messages: Vec<AccountMessage>,
}

impl Question {
    /// The question that `request` is.
    ///
    /// # Errors
    /// [`Unserved`] for what is asked over the WebSocket, and for what the venue has not.
    pub(super) fn of(request: &OrderRequest) -> Result<Self, Unserved> {
        let (step, symbol) = match request {
            OrderRequest::Query { order: OrderName::Venue(id), .. } => {
                (Step::Once(PrivateMethod::QueryOrders, vec![("txid", id.clone())]), None)
            }
            OrderRequest::Query { order: OrderName::Client(id), .. } => (Step::AmongOpen(id.clone()), None),
            // There is no choice of a symbol: all are told.
            OrderRequest::OpenOrders { .. } => (Step::Once(PrivateMethod::OpenOrders, Vec::new()), None),
            OrderRequest::Fills { symbol, since: FillsSince::Order(id) } => {
                (Step::TradesOf(id.clone()), Some(symbol.clone()))
            }
            OrderRequest::Fills { symbol, since: FillsSince::Moment(at) } => {
                (Step::Since { second: before(*at), newer: 0 }, Some(symbol.clone()))
            }
            OrderRequest::Fills { since: FillsSince::Trade(_), .. } => {
                return Err(unserved(
                    "trades from a trade on".to_owned(),
                    "those of an order, or from a moment on",
                ));
            }
            OrderRequest::Balances => (Step::Once(PrivateMethod::BalanceEx, Vec::new()), None),
            OrderRequest::Permissions => (Step::Once(PrivateMethod::KeyInfo, Vec::new()), None),
            OrderRequest::Place(_) | OrderRequest::Cancel { .. } | OrderRequest::CancelAll { .. } => {
                return Err(unserved("orders by REST here".to_owned(), "calls over its WebSocket"));
            }
        };
        Ok(Self { step, symbol, messages: Vec::new() })
    }

    /// Of which symbol alone trades are told.
    pub(super) fn symbol(&self) -> Option<&str> {
        self.symbol.as_deref()
    }

    /// The request to be sent now, under the number `nonce`.
    pub(super) fn request(&self, nonce: u64) -> PrivateRequest {
        let each = (EACH.0, EACH.1.to_owned());
        let of = |method, params: &[(&str, String)]| PrivateRequest::of(method, nonce, params);
        match &self.step {
            Step::Once(method, params) => of(*method, params),
            Step::AmongOpen(id) => of(PrivateMethod::OpenOrders, &[("cl_ord_id", id.clone())]),
            Step::AmongClosed(id) => of(PrivateMethod::ClosedOrders, &[("cl_ord_id", id.clone())]),
            Step::TradesOf(id) => {
                of(PrivateMethod::QueryOrders, &[("txid", id.clone()), ("trades", "true".to_owned()), each])
            }
            Step::Named(names) => {
                let now = names.get(..NAMES_MAX).unwrap_or(names);
                of(PrivateMethod::QueryTrades, &[("txid", now.join(","))])
            }
            Step::Since { second, newer } => of(
                PrivateMethod::TradesHistory,
                &[("start", second.to_string()), ("ofs", newer.to_string()), each],
            ),
        }
    }

    /// Takes in what the last request was answered: what the whole means, once nothing more is to be asked.
    pub(super) fn hear(&mut self, answer: &Result<HttpAnswer, String>) -> Option<OrderAnswer> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => return Some(OrderAnswer::bare(Outcome::unreadable(why))),
        };
        let HttpAnswer { status, retry_after, body } = answer;
        let read = self.method().answer(*status, retry_after.as_deref(), body);
        if read.outcome != Outcome::Answered {
            return Some(read);
        }
        match self.follow(read.messages, body) {
            Ok(true) => None,
            Ok(false) if self.is_missing() => {
                let text = "neither among the orders that work nor among those that have ended".to_owned();
                Some(OrderAnswer::bare(Outcome::NotFound(Words { code: None, text })))
            }
            Ok(false) => {
                let mut messages = core::mem::take(&mut self.messages);
                // Pages begin with the newest.
                messages.sort_by_key(|message| message.as_fill().map(|fill| fill.venue_at));
                Some(OrderAnswer::saying(messages))
            }
            Err(error) => Some(OrderAnswer::bare(Outcome::unreadable(&error))),
        }
    }

    fn method(&self) -> PrivateMethod {
        match &self.step {
            Step::Once(method, _) => *method,
            Step::AmongOpen(_) => PrivateMethod::OpenOrders,
            Step::AmongClosed(_) => PrivateMethod::ClosedOrders,
            Step::TradesOf(_) => PrivateMethod::QueryOrders,
            Step::Named(_) => PrivateMethod::QueryTrades,
            Step::Since { .. } => PrivateMethod::TradesHistory,
        }
    }

    /// Whether an order was looked for and nothing came of it.
    fn is_missing(&self) -> bool {
        matches!(self.step, Step::AmongClosed(_)) && self.messages.is_empty()
    }

    /// Keeps what an answer says; answers whether there is more to ask.
    fn follow(&mut self, said: Vec<AccountMessage>, body: &str) -> Result<bool, FrameError> {
        let count = u64::try_from(said.len()).unwrap_or(u64::MAX);
        let next = match &self.step {
            Step::Once(..) | Step::AmongClosed(_) => None,
            Step::AmongOpen(id) => said.is_empty().then(|| Step::AmongClosed(id.clone())),
            Step::TradesOf(_) => {
                // The state of the order is known; its trades are wanted.
                let names = names_of_trades(body)?;
                if !names.is_empty() {
                    self.step = Step::Named(names);
                    return Ok(true);
                }
                return Ok(false);
            }
            Step::Named(names) => {
                let left = names.get(NAMES_MAX..).unwrap_or_default();
                (!left.is_empty()).then(|| Step::Named(left.to_vec()))
            }
            Step::Since { second, newer } => {
                let told = newer.saturating_add(count);
                let is_all = match count_of_trades(body)? {
                    Some(all) => count == 0 || told >= all,
                    None => count < PAGE_ROWS,
                };
                (!is_all).then_some(Step::Since { second: *second, newer: told })
            }
        };
        self.messages.extend(said);
        Ok(next.map(|next| self.step = next).is_some())
    }
}

/// Whole seconds before a moment: what begins there is not left out.
fn before(at: Timestamp) -> i64 {
    since_epoch(at, Span::SECOND).saturating_sub(1).max(0)
}

#[cfg(test)]
mod tests;
