//! Binance's WebSocket API as an order connection: each call signed by itself, answers found by their number.

use std::collections::BTreeMap;

use engine_core::time::Timestamp;

use super::api_call::{ApiCall, Authority, CallTime, Method, permissions_path};
use super::api_frame::{ApiFrame, Reply, permissions, rest_outcome};
use crate::account_message::AccountMessage;
use crate::order_answer::OrderAnswer;
use crate::order_gateway::WINDOW_MS;
use crate::order_request::{Asked, OrderRequest};
use crate::order_session::{Answers, Heard, OrderWords, Written};
use crate::outcome::Outcome;
use crate::outside::{HttpAnswer, HttpRequest};
use crate::request_limit::LimitUse;
use crate::signing::binance::BinanceKey;
use crate::venue_time::TimeUnit;

/// The number of the call that subscribes.
const SUBSCRIPTION: &str = "subscribe";

/// Where the API is behind its base URL.
pub(crate) const PATH: &str = "/ws-api/v3";

/// The words of one connection after another.
#[derive(Debug)]
pub(crate) struct BinanceOrders {
    key: BinanceKey,
    /// Where REST is; what a key may do is told there alone.
    rest_url: String,
    /// What was called under each number that is not answered.
    calls: BTreeMap<u64, Method>,
    /// What was said of the limits and is not told yet.
    limits: Vec<LimitUse>,
}

impl BinanceOrders {
    /// Orders that `key` signs, with REST at `rest_url`.
    pub(crate) fn new(key: BinanceKey, rest_url: &str) -> Self {
        Self { key, rest_url: rest_url.to_owned(), calls: BTreeMap::new(), limits: Vec::new() }
    }

    fn subscribed(reply: &Reply) -> Heard {
        let answer = reply.answer(Method::SubscribeSigned, TimeUnit::Milliseconds);
        if answer.outcome == Outcome::Answered { Heard::Greeted } else { Heard::Refused(answer.outcome) }
    }
}

impl OrderWords for BinanceOrders {
    fn greetings(&mut self, now: Timestamp) -> Vec<String> {
        self.calls.clear();
        let authority = Authority::Key(&self.key);
        let time = CallTime { at: now, window_ms: WINDOW_MS };
        vec![ApiCall::subscribe(authority).message(SUBSCRIPTION, time, authority)]
    }

    fn write(&mut self, now: Timestamp, number: u64, request: &OrderRequest) -> Result<Written, String> {
        let time = CallTime { at: now, window_ms: WINDOW_MS };
        if *request == OrderRequest::Permissions {
            let url = format!("{}{}", self.rest_url, permissions_path(&self.key, time));
            let headers = vec![("X-MBX-APIKEY", self.key.api_key().to_owned())];
            return Ok(Written::Requests(vec![HttpRequest { verb: "GET", url, headers, body: None }]));
        }
        let call = ApiCall::of(request).map_err(|error| error.to_string())?;
        self.calls.insert(number, call.method);
        Ok(Written::Message(call.message(&number.to_string(), time, Authority::Key(&self.key))))
    }

    fn read(&mut self, frame: &str) -> Heard {
        let reply = match ApiFrame::parse(frame, TimeUnit::Milliseconds) {
            Ok(ApiFrame::Event(message)) => return Heard::Told(vec![message]),
            Ok(ApiFrame::Reply(reply)) => reply,
            Err(error) => return Heard::Unreadable(error.to_string()),
        };
        self.limits.clone_from(&reply.limits);
        if reply.id.as_deref() == Some(SUBSCRIPTION) {
            return Self::subscribed(&reply);
        }
        let Some(id) = reply.id.as_deref() else {
            // It speaks of the whole connection, as when a key is revoked.
            let reason = format!("{:?}", reply.body);
            return Heard::Told(vec![AccountMessage::SessionEnded { reason, venue_at: None }]);
        };
        let number = id.parse().ok();
        let Some((number, method)) = number.and_then(|number| Some((number, self.calls.remove(&number)?)))
        else {
            return Heard::Unreadable(format!("it answers {id:?}, which nobody asked"));
        };
        Heard::Answer(number, reply.answer(method, TimeUnit::Milliseconds))
    }

    fn take_limits(&mut self) -> Vec<LimitUse> {
        core::mem::take(&mut self.limits)
    }

    fn answered(&mut self, _: u64, answers: &Answers) -> OrderAnswer {
        match answers.first() {
            Some(Ok(HttpAnswer { status: 200, body, .. })) => permissions(body),
            Some(Ok(HttpAnswer { status, retry_after, body })) => {
                OrderAnswer::bare(rest_outcome(Asked::Read, *status, retry_after.as_deref(), body))
            }
            Some(Err(why)) => OrderAnswer::bare(Outcome::unreadable(why)),
            None => OrderAnswer::bare(Outcome::unreadable(&"nothing was asked")),
        }
    }
}
