//! Binance's WebSocket API as an order connection: each call signed by itself, answers found by their number.

use std::collections::BTreeMap;

use engine_core::time::Timestamp;

use super::api_call::{ApiCall, Authority, CallTime, Method};
use super::api_frame::{ApiFrame, Reply};
use crate::account_message::AccountMessage;
use crate::order_gateway::WINDOW_MS;
use crate::order_request::OrderRequest;
use crate::order_session::{Heard, OrderWords};
use crate::outcome::Outcome;
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
    /// What was called under each number that is not answered.
    calls: BTreeMap<u64, Method>,
}

impl BinanceOrders {
    /// Orders that `key` signs.
    pub(crate) const fn new(key: BinanceKey) -> Self {
        Self { key, calls: BTreeMap::new() }
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

    fn write(&mut self, now: Timestamp, number: u64, request: &OrderRequest) -> Result<String, String> {
        let call = ApiCall::of(request).map_err(|error| error.to_string())?;
        self.calls.insert(number, call.method);
        let time = CallTime { at: now, window_ms: WINDOW_MS };
        Ok(call.message(&number.to_string(), time, Authority::Key(&self.key)))
    }

    fn read(&mut self, frame: &str) -> Heard {
        let reply = match ApiFrame::parse(frame, TimeUnit::Milliseconds) {
            Ok(ApiFrame::Event(message)) => return Heard::Told(message),
            Ok(ApiFrame::Reply(reply)) => reply,
            Err(error) => return Heard::Unreadable(error.to_string()),
        };
        if reply.id.as_deref() == Some(SUBSCRIPTION) {
            return Self::subscribed(&reply);
        }
        let Some(id) = reply.id.as_deref() else {
            // It speaks of the whole connection, as when a key is revoked.
            let reason = format!("{:?}", reply.body);
            return Heard::Told(AccountMessage::SessionEnded { reason, venue_at: None });
        };
        let number = id.parse().ok();
        let Some((number, method)) = number.and_then(|number| Some((number, self.calls.remove(&number)?)))
        else {
            return Heard::Unreadable(format!("it answers {id:?}, which nobody asked"));
        };
        Heard::Answer(number, reply.answer(method, TimeUnit::Milliseconds))
    }
}
