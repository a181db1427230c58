//! Kraken's private WebSocket as an order connection: its token by REST before it begins, orders and their ends as calls on it,
//! questions by REST beside it.
//!
//! Each private channel numbers its messages; where one is missing, the connection is given up, and what happened meanwhile is
//! asked for on the next.

use std::collections::BTreeMap;
use std::time::Duration;

use engine_core::time::Timestamp;

use super::names::Names;
use super::private_call::{self, PrivateChannel, SessionToken};
use super::private_frame::PrivateFrame;
use super::private_request::{PrivateMethod, PrivateRequest, token, token_request};
use super::question::Question;
use crate::account_message::AccountMessage;
use crate::order_answer::OrderAnswer;
use crate::order_request::OrderRequest;
use crate::order_session::{Answers, Heard, OrderWords, Written};
use crate::outcome::Outcome;
use crate::outside::{HttpAnswer, HttpRequest};
use crate::signing::kraken::KrakenKey;

/// The numbers of the calls that subscribe; those of requests stand behind them.
const BALANCES: u64 = 1;
const EXECUTIONS: u64 = 2;
const FIRST: u64 = 3;

const NANOS_PER_MICROSECOND: i64 = 1_000;

/// By how much numbers leap where the venue has had a higher one: its time is told in whole seconds, so a clock set by it may have
/// gone back since a process before this one. In microseconds.
const LEAP: u64 = 2_000_000;

/// A connection that is silent so long is lost: while nothing else is told, there is a heartbeat each second.
const SILENCE: Duration = Duration::from_secs(10);

/// The words of one connection after another.
#[derive(Debug)]
pub(crate) struct KrakenOrders {
    key: KrakenKey,
    /// Where REST is.
    rest_url: String,
    names: Names,
    token: Option<SessionToken>,
    /// The number of the last request by REST; each is higher than the one before, also after a restart.
    nonce: u64,
    /// The channels that are open on this connection, with the number of the last message of each.
    balances: Subscription,
    executions: Subscription,
    /// What is asked by REST under each number that is not answered.
    questions: BTreeMap<u64, Asked>,
}

/// What is asked by REST.
#[derive(Debug)]
enum Asked {
    /// More of it may have to be asked.
    Open(Question),
    /// All that was to be asked is answered, and means this.
    Whole(OrderAnswer),
}

/// How a channel stands on a connection.
#[derive(Debug, Default)]
struct Subscription {
    is_open: bool,
    last: Option<u64>,
}

/// What the number of a message says of those before it.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Next,
    /// It was told before.
    Again,
    /// The one of this number is missing.
    Behind(u64),
}

impl Subscription {
    fn place(&mut self, number: u64) -> Place {
        match self.last {
            Some(last) if number <= last => Place::Again,
            Some(last) if number > last.saturating_add(1) => Place::Behind(last.saturating_add(1)),
            Some(_) | None => {
                self.last = Some(number);
                Place::Next
            }
        }
    }
}

impl KrakenOrders {
    /// Orders that `key` signs, with REST at `rest_url`.
    pub(crate) fn new(key: KrakenKey, rest_url: &str, names: Names) -> Self {
        Self {
            key,
            rest_url: rest_url.to_owned(),
            names,
            token: None,
            nonce: 0,
            balances: Subscription::default(),
            executions: Subscription::default(),
            questions: BTreeMap::new(),
        }
    }

    /// The number of a request made at `now`: the clock in microseconds, and never one that was used.
    fn next_nonce(&mut self, now: Timestamp) -> u64 {
        let micros = u64::try_from(now.nanos().div_euclid(NANOS_PER_MICROSECOND)).unwrap_or_default();
        self.nonce = micros.max(self.nonce.saturating_add(1));
        self.nonce
    }

    /// Heeds what an answer says of the numbers of requests.
    fn heed(&mut self, outcome: &Outcome) {
        if matches!(outcome, Outcome::ResyncClock(_)) {
            self.nonce = self.nonce.saturating_add(LEAP);
        }
    }

    fn signed(&self, request: PrivateRequest) -> HttpRequest {
        let headers = vec![
            ("API-Key", self.key.api_key().to_owned()),
            ("API-Sign", request.signature(&self.key)),
            ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
        ];
        let url = format!("{}{}", self.rest_url, request.method.path());
        HttpRequest { verb: "POST", url, headers, body: Some(request.body) }
    }

    fn subscribed(&mut self, number: u64, answer: OrderAnswer) -> Heard {
        if answer.outcome != Outcome::Answered {
            return Heard::Refused(answer.outcome);
        }
        match number {
            BALANCES => self.balances.is_open = true,
            _ => self.executions.is_open = true,
        }
        match self.balances.is_open && self.executions.is_open {
            true => Heard::Greeted,
            false => Heard::Told(Vec::new()),
        }
    }

    fn said(&mut self, channel: Option<PrivateChannel>, messages: Vec<AccountMessage>) -> Heard {
        let subscription = match channel {
            None => return Heard::Told(messages),
            Some(PrivateChannel::Balances) => &mut self.balances,
            Some(PrivateChannel::Executions) => &mut self.executions,
        };
        let number = messages.iter().find_map(|message| {
            if let AccountMessage::Sequence { number } = message { Some(*number) } else { None }
        });
        let Some(number) = number else {
            return lost(format!("a message of {channel:?} has no number"));
        };
        match subscription.place(number) {
            Place::Next => Heard::Told(messages),
            Place::Again => Heard::Told(Vec::new()),
            Place::Behind(missing) => lost(format!("message {missing} of {channel:?} is missing")),
        }
    }
}

/// What a question means that is answered in full, in the names of the WebSocket.
fn spelled(names: &Names, question: &Question, mut answer: OrderAnswer) -> OrderAnswer {
    names.spell(&mut answer.messages);
    if let Some(symbol) = question.symbol() {
        answer.messages.retain(|message| message.as_fill().is_none_or(|fill| fill.symbol == symbol));
    }
    answer
}

/// The connection cannot be trusted any more.
fn lost(reason: String) -> Heard {
    Heard::Told(vec![AccountMessage::SessionEnded { reason, venue_at: None }])
}

impl OrderWords for KrakenOrders {
    fn silence(&self) -> Duration {
        SILENCE
    }

    fn admission(&mut self, now: Timestamp) -> Option<HttpRequest> {
        let nonce = self.next_nonce(now);
        Some(self.signed(token_request(nonce)))
    }

    fn admitted(&mut self, answer: &HttpAnswer) -> Result<(), Outcome> {
        let HttpAnswer { status, retry_after, body } = answer;
        let read = PrivateMethod::WebSocketsToken.answer(*status, retry_after.as_deref(), body);
        self.heed(&read.outcome);
        if read.outcome != Outcome::Answered {
            return Err(read.outcome);
        }
        self.token = Some(token(body)?);
        Ok(())
    }

    fn greetings(&mut self, _: Timestamp) -> Vec<String> {
        self.questions.clear();
        (self.balances, self.executions) = (Subscription::default(), Subscription::default());
        let Some(token) = &self.token else { return Vec::new() };
        vec![
            private_call::subscribe(PrivateChannel::Balances, BALANCES, token),
            private_call::subscribe(PrivateChannel::Executions, EXECUTIONS, token),
        ]
    }

    fn write(&mut self, now: Timestamp, number: u64, request: &OrderRequest) -> Result<Written, String> {
        match request {
            OrderRequest::Place(_) | OrderRequest::Cancel { .. } | OrderRequest::CancelAll { .. } => {
                let token = self.token.as_ref().ok_or("there is no token")?;
                let id = number.saturating_add(FIRST);
                let call = private_call::call(request, id, token, now).map_err(|error| error.to_string())?;
                Ok(Written::Message(call))
            }
            OrderRequest::Query { .. }
            | OrderRequest::OpenOrders { .. }
            | OrderRequest::Fills { .. }
            | OrderRequest::Balances
            | OrderRequest::Permissions => {
                let question = Question::of(request).map_err(|error| error.to_string())?;
                let nonce = self.next_nonce(now);
                let asked = self.signed(question.request(nonce));
                self.questions.insert(number, Asked::Open(question));
                Ok(Written::Requests(vec![asked]))
            }
        }
    }

    fn read(&mut self, frame: &str) -> Heard {
        match PrivateFrame::parse(frame) {
            Ok(PrivateFrame::Said { channel, messages }) => self.said(channel, messages),
            Ok(PrivateFrame::Reply { id: Some(id @ (BALANCES | EXECUTIONS)), answer }) => {
                self.subscribed(id, answer)
            }
            Ok(PrivateFrame::Reply { id, answer }) => match id.and_then(|id| id.checked_sub(FIRST)) {
                Some(number) => Heard::Answer(number, answer),
                None => Heard::Unreadable(format!("it answers what nobody asked: {frame}")),
            },
            Err(error) => Heard::Unreadable(error.to_string()),
        }
    }

    fn more(&mut self, now: Timestamp, number: u64, answers: &Answers) -> Option<HttpRequest> {
        let last = answers.last()?;
        let Some(Asked::Open(question)) = self.questions.get_mut(&number) else { return None };
        if let Some(answer) = question.hear(last) {
            let answer = spelled(&self.names, question, answer);
            self.heed(&answer.outcome);
            self.questions.insert(number, Asked::Whole(answer));
            return None;
        }
        let nonce = self.next_nonce(now);
        let Some(Asked::Open(question)) = self.questions.get(&number) else { return None };
        Some(self.signed(question.request(nonce)))
    }

    fn answered(&mut self, number: u64, answers: &Answers) -> OrderAnswer {
        let unknown = |why: &str| OrderAnswer::bare(Outcome::unreadable(&why));
        let answer = match (self.questions.remove(&number), answers.last()) {
            (Some(Asked::Whole(answer)), _) => return answer,
            (Some(Asked::Open(mut question)), Some(last)) => match question.hear(last) {
                Some(answer) => spelled(&self.names, &question, answer),
                None => unknown("only half of it was asked"),
            },
            (Some(Asked::Open(_)), None) | (None, _) => unknown("nothing was asked"),
        };
        self.heed(&answer.outcome);
        answer
    }
}

#[cfg(test)]
mod tests;
