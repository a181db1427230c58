//! Coinbase as an order connection: the channel `user` tells how orders stand, and everything is asked by REST, each request
//! with a token of its own.
//!
//! The channel tells sums alone, so trades are always asked for. Orders are known there by the venue's ids: one whose id is not
//! known yet is looked for among all orders since it was placed. Lists come in pages, which are asked for until they end, and
//! are one answer.

use std::collections::BTreeMap;

use engine_core::time::{Span, Timestamp};

use super::private_request::{self, PrivateMethod, PrivateRequest};
use super::user_frame;
use crate::account_message::{AccountMessage, AccountSnapshot};
use crate::order_answer::OrderAnswer;
use crate::order_gateway::WINDOW_MS;
use crate::order_request::{OrderName, OrderRequest};
use crate::order_session::{Answers, Heard, OrderWords, Written};
use crate::outcome::{HaltCause, Outcome, Words};
use crate::outside::{HttpAnswer, HttpRequest};
use crate::signing::coinbase::CoinbaseKey;

/// A connection is lost without a word for so long: heartbeats come every second.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// An order is looked for from so long before the moment by our clock: that of the venue may differ, and so may its lists lag.
const LOOK_BACK: Span = Span::from_nanos(-60_000_000_000);

/// A list that has not ended by then is not read further: nobody could say that it was read whole.
const PAGES_MAX: usize = 2_000;

/// A request of an earlier connection can still be answered for so long.
const CALL_KEPT: Span = Span::from_nanos(600_000_000_000);

/// Orders whose search goes on from where it ended; the others are looked for from the beginning.
const SOUGHT_MAX: usize = 4_096;

/// What was asked under a number.
#[derive(Debug)]
struct Call {
    request: OrderRequest,
    asked_at: Timestamp,
    /// From when on an order is looked for.
    since: Option<Timestamp>,
    /// One for each request of HTTP.
    methods: Vec<PrivateMethod>,
    /// The page asked for last.
    page: Option<String>,
    /// The order whose end is asked for, by the venue's id.
    ends: Option<String>,
}

impl Call {
    /// The client id and the symbol of the order that has to be looked for.
    fn sought(&self) -> Option<(&str, &str)> {
        match &self.request {
            OrderRequest::Query { symbol, order: OrderName::Client(id) }
            | OrderRequest::Cancel { symbol, order: OrderName::Client(id) } => Some((id, symbol)),
            OrderRequest::Query { .. }
            | OrderRequest::Cancel { .. }
            | OrderRequest::Place(_)
            | OrderRequest::CancelAll { .. }
            | OrderRequest::OpenOrders { .. }
            | OrderRequest::Fills { .. }
            | OrderRequest::Balances
            | OrderRequest::Permissions => None,
        }
    }

    /// What an answer to a request of this method says. Of a cancel the word on its own order counts alone.
    fn read(&self, method: PrivateMethod, answer: &Result<HttpAnswer, String>) -> OrderAnswer {
        let HttpAnswer { status, retry_after, body } = match answer {
            Ok(answer) => answer,
            Err(why) => return OrderAnswer::bare(Outcome::unreadable(why)),
        };
        let header = retry_after.as_deref();
        match (method, &self.ends) {
            (PrivateMethod::Cancel, Some(name)) => {
                let ended = private_request::cancelled(&[name], *status, header, body).into_iter().next();
                OrderAnswer::bare(
                    ended.map_or_else(|| Outcome::unreadable(&UNFINISHED), |(_, outcome)| outcome),
                )
            }
            (_, _) => method.answer(*status, header, body),
        }
    }

    /// Page `page` of what is asked.
    fn request(&self, page: Option<&str>) -> Result<PrivateRequest, String> {
        match self.sought() {
            Some((_, symbol)) => Ok(private_request::orders_since(symbol, self.since, page)),
            None => private_request::request(&self.request, page).map_err(|error| error.to_string()),
        }
    }
}

/// How a frame follows the one before.
#[derive(Debug, PartialEq, Eq)]
enum Follows {
    Next,
    Repeated,
    Gap(u64),
}

/// The words of one connection after another.
#[derive(Debug)]
pub(crate) struct CoinbaseOrders {
    key: CoinbaseKey,
    rest_url: String,
    calls: BTreeMap<u64, Call>,
    /// From when on orders are looked for: they were placed then, or were not there before.
    sought: BTreeMap<String, Timestamp>,
    tokens: u64,
    last_frame: Option<u64>,
    is_greeted: bool,
}

impl CoinbaseOrders {
    /// Orders with the tokens of `key`, and REST at `rest_url`.
    pub(crate) fn new(key: CoinbaseKey, rest_url: &str) -> Self {
        Self {
            key,
            rest_url: rest_url.trim_end_matches('/').to_owned(),
            calls: BTreeMap::new(),
            sought: BTreeMap::new(),
            tokens: 0,
            last_frame: None,
            is_greeted: false,
        }
    }

    /// A text that no other token of this account has.
    fn nonce(&mut self, now: Timestamp) -> String {
        self.tokens += 1;
        format!("{:016x}{:08x}", now.nanos(), self.tokens)
    }

    /// The request with its token.
    ///
    /// A token of an order ends with the window of the order: one that comes later is refused, so that it can be known from
    /// then on whether the order arrived. Whatever else comes late changes nothing that could not be asked again.
    fn signed(&mut self, now: Timestamp, request: PrivateRequest) -> Result<HttpRequest, String> {
        let (uri, nonce) = (request.uri(&self.rest_url), self.nonce(now));
        let token = match request.method {
            PrivateMethod::Place => self.key.order_token(&uri, now, WINDOW_MS, &nonce),
            PrivateMethod::Cancel
            | PrivateMethod::Order
            | PrivateMethod::Orders
            | PrivateMethod::Fills
            | PrivateMethod::Accounts
            | PrivateMethod::KeyPermissions => self.key.token(Some(&uri), now, &nonce),
        };
        let token = token.map_err(|error| error.to_string())?;
        let mut headers = vec![("Authorization", format!("Bearer {token}"))];
        if request.body.is_some() {
            headers.push(("Content-Type", "application/json".to_owned()));
        }
        let url = format!("{}{}", self.rest_url, request.path);
        Ok(HttpRequest { verb: request.method.verb(), url, headers, body: request.body })
    }

    /// How a frame with this number follows; the first of a connection follows.
    fn follows(&mut self, number: Option<u64>) -> Follows {
        let Some(number) = number else { return Follows::Next };
        match self.last_frame {
            Some(last) if number <= last => Follows::Repeated,
            Some(last) if number > last + 1 => Follows::Gap(number - last - 1),
            Some(_) | None => {
                self.last_frame = Some(number);
                Follows::Next
            }
        }
    }

    /// What the first frames of a connection say. The orders they list are asked for as soon as it speaks for the account.
    fn greeted(&mut self, messages: &[AccountMessage]) -> Heard {
        for message in messages {
            if let AccountMessage::SessionEnded { reason, .. } = message {
                let words = Words { code: None, text: reason.clone() };
                let of_key = reason.to_lowercase().contains("authentication");
                return Heard::Refused(match of_key {
                    true => Outcome::Halt(HaltCause::Key, words),
                    false => Outcome::Unknown(words),
                });
            }
            if matches!(message, AccountMessage::Subscribed { subscription } if subscription == "user") {
                self.is_greeted = true;
                return Heard::Greeted;
            }
        }
        Heard::Told(Vec::new())
    }

    /// What was found of an order that was looked for.
    fn found(&mut self, call: &Call, id: &str, read: (Vec<AccountMessage>, bool)) -> OrderAnswer {
        let (messages, is_whole) = read;
        let report = messages.into_iter().find(|message| is_of(message, id));
        match (report, call.methods.last()) {
            // It was found and its end asked for: how it stood before says nothing any more.
            (Some(_), Some(PrivateMethod::Cancel)) => OrderAnswer::saying(Vec::new()),
            (Some(report), _) => {
                self.sought.remove(id);
                OrderAnswer::saying(vec![report])
            }
            (None, _) if is_whole => {
                self.look_from(id, call.asked_at.plus(LOOK_BACK));
                let text = format!("no order has the client id {id}");
                OrderAnswer::bare(Outcome::NotFound(Words { code: None, text }))
            }
            (None, _) => OrderAnswer::bare(Outcome::unreadable(&UNFINISHED)),
        }
    }

    fn look_from(&mut self, id: &str, since: Timestamp) {
        let from = self.sought.entry(id.to_owned()).or_insert(since);
        *from = since.max(*from);
        while self.sought.len() > SOUGHT_MAX {
            self.sought.pop_first();
        }
    }
}

const UNFINISHED: &str = "a list goes on, and its end was not read";

impl OrderWords for CoinbaseOrders {
    fn silence(&self) -> std::time::Duration {
        SILENCE
    }

    fn greetings(&mut self, now: Timestamp) -> Vec<String> {
        self.calls.retain(|_, call| call.asked_at.plus(CALL_KEPT) > now);
        (self.last_frame, self.is_greeted) = (None, false);
        let nonce = self.nonce(now);
        // Without a token nobody is greeted, and the next connection tries again.
        self.key
            .token(None, now, &nonce)
            .map(|token| user_frame::subscribe(&token).to_vec())
            .unwrap_or_default()
    }

    fn write(&mut self, now: Timestamp, number: u64, request: &OrderRequest) -> Result<Written, String> {
        let mut call = Call {
            request: request.clone(),
            asked_at: now,
            since: None,
            methods: Vec::new(),
            page: None,
            ends: None,
        };
        if let OrderRequest::Cancel { order: OrderName::Venue(name), .. } = request {
            call.ends = Some(name.clone());
        }
        call.since = call.sought().and_then(|(id, _)| self.sought.get(id).copied());
        let asked = call.request(None)?;
        call.methods.push(asked.method);
        let asked = self.signed(now, asked)?;
        if let OrderRequest::Place(order) = request {
            self.look_from(&order.client_id, now.plus(LOOK_BACK));
        }
        self.calls.insert(number, call);
        Ok(Written::Requests(vec![asked]))
    }

    fn read(&mut self, frame: &str) -> Heard {
        let messages = match user_frame::messages(frame) {
            Ok(messages) => messages,
            Err(error) => return Heard::Unreadable(error.to_string()),
        };
        let number = messages.iter().find_map(|message| {
            if let AccountMessage::Sequence { number } = message { Some(*number) } else { None }
        });
        match self.follows(number) {
            Follows::Next if self.is_greeted => Heard::Told(messages),
            Follows::Next => self.greeted(&messages),
            Follows::Repeated => Heard::Told(Vec::new()),
            Follows::Gap(missing) => {
                let reason = format!("{missing} of its frames are missing");
                Heard::Told(vec![AccountMessage::SessionEnded { reason, venue_at: None }])
            }
        }
    }

    fn more(&mut self, now: Timestamp, number: u64, answers: &Answers) -> Option<HttpRequest> {
        let call = self.calls.get(&number)?;
        let last = call.read(*call.methods.last()?, answers.last()?);
        if last.outcome != Outcome::Answered || call.methods.len() >= PAGES_MAX {
            return None;
        }
        let found = call.sought().and_then(|(id, _)| last.messages.iter().find(|message| is_of(message, id)));
        let name = found.and_then(AccountMessage::as_order).map(|report| report.order_id.clone());
        let (asked, page) = match &name {
            Some(name) if matches!(call.request, OrderRequest::Cancel { .. }) => {
                (private_request::cancel(&[name]).ok()?, None)
            }
            Some(_) => return None,
            None => {
                let page = last.next_page.filter(|page| call.page.as_ref() != Some(page))?;
                (call.request(Some(&page)).ok()?, Some(page))
            }
        };
        let (method, asked) = (asked.method, self.signed(now, asked).ok()?);
        let call = self.calls.get_mut(&number)?;
        call.methods.push(method);
        call.page = page;
        call.ends = call.ends.take().or(name);
        Some(asked)
    }

    fn answered(&mut self, number: u64, answers: &Answers) -> OrderAnswer {
        let nothing = || OrderAnswer::bare(Outcome::unreadable(&"nothing was asked"));
        let Some(call) = self.calls.remove(&number).filter(|_| !answers.is_empty()) else { return nothing() };
        let (mut messages, mut is_whole) = (Vec::new(), true);
        for (method, answer) in call.methods.iter().zip(answers) {
            let read = call.read(*method, answer);
            if read.outcome != Outcome::Answered {
                return OrderAnswer::bare(of_request(&call.request, read.outcome));
            }
            messages.extend(read.messages);
            is_whole = read.next_page.is_none();
        }
        if let Some(id) = call.sought().map(|(id, _)| id.to_owned()) {
            return self.found(&call, &id, (messages, is_whole));
        }
        if !is_whole {
            return OrderAnswer::bare(Outcome::unreadable(&UNFINISHED));
        }
        match &call.request {
            OrderRequest::Place(order) => {
                self.sought.remove(&order.client_id);
                OrderAnswer::saying(messages)
            }
            OrderRequest::Balances => OrderAnswer::saying(vec![whole_snapshot(messages)]),
            OrderRequest::Fills { .. } => {
                // The newest stand first there; of those of one moment, too.
                messages.reverse();
                messages.sort_by_key(|message| message.as_fill().map(|fill| fill.venue_at));
                OrderAnswer::saying(messages)
            }
            OrderRequest::Cancel { .. }
            | OrderRequest::CancelAll { .. }
            | OrderRequest::Query { .. }
            | OrderRequest::OpenOrders { .. }
            | OrderRequest::Permissions => OrderAnswer::saying(messages),
        }
    }
}

/// Whether this is the order with the client id `id`.
fn is_of(message: &AccountMessage, id: &str) -> bool {
    message.as_order().is_some_and(|report| report.client_id.as_deref() == Some(id))
}

/// An order that was too long on its way comes with a token that is over, and is refused as one with a key that is: it was not
/// placed. Whether the key is still good is seen with the next question.
fn of_request(request: &OrderRequest, outcome: Outcome) -> Outcome {
    match (request, outcome) {
        (OrderRequest::Place(_), Outcome::Halt(HaltCause::Key, words)) => Outcome::ResyncClock(words),
        (_, outcome) => outcome,
    }
}

/// What the account holds, of all pages.
fn whole_snapshot(messages: Vec<AccountMessage>) -> AccountMessage {
    let mut whole = AccountSnapshot { balances: Vec::new(), may_trade: None, venue_at: None };
    for message in messages {
        if let AccountMessage::Snapshot(page) = message {
            whole.balances.extend(page.balances);
        }
    }
    AccountMessage::Snapshot(whole)
}

#[cfg(test)]
mod tests;
