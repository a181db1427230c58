//! One connection to a venue for orders, kept alive, between the gateway and the socket.
//!
//! Whatever goes wrong on the way is the gateway's to understand: this only connects, writes what it wants written, says
//! when, and hands on what is read. A request counts as sent before its bytes are handed to the socket. Some venues answer some
//! requests by HTTP alone: those go beside the connection, and their answers come back to it.

use std::sync::Arc;
use std::time::Duration;

use engine_core::event::Input;
use engine_core::time::Timestamp;
use engine_runtime::ports::Inlet;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::account_message::AccountMessage;
use crate::backoff::Backoff;
use crate::clock::HouseClock;
use crate::market_venue::Notices;
use crate::order_answer::OrderAnswer;
use crate::order_request::OrderRequest;
use crate::outcome::Outcome;
use crate::outside::{HttpAnswer, HttpRequest, Outside};
use crate::request_limit::LimitUse;
use crate::session::{Manners, Socket, connect};

mod asking;
mod shared;
mod venue_clock;

pub(crate) use asking::{Answers, Asking};
pub(crate) use shared::Shared;
pub(crate) use venue_clock::VenueClock;

use asking::{Lane, Replied};

/// How long bytes may take to be handed to the socket.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// How often somebody looks whether anyone still listens.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long the venue may take to say that a connection speaks for the account.
const GREET_WITHIN: Duration = Duration::from_secs(10);

/// A connection that held so long begins its next waits with the shortest.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// What a frame of an order connection is.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The connection speaks for the account from now on, and what happens is told on it.
    Greeted,
    /// It does not, for this reason.
    Refused(Outcome),
    /// The answer to a request.
    Answer(u64, OrderAnswer),
    /// What the venue says unasked.
    Told(Vec<AccountMessage>),
    /// Nobody can read it.
    Unreadable(String),
}

/// How a request goes out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// As a message on the connection.
    Message(String),
    /// As requests by HTTP, one behind the other, which together give one answer.
    Requests(Vec<HttpRequest>),
}

/// How a venue speaks on its order connection.
pub(crate) trait OrderWords: Send {
    /// What must be asked by HTTP before each connection, such as a token for it.
    fn admission(&mut self, now: Timestamp) -> Option<HttpRequest> {
        let _ = now;
        None
    }

    /// What the venue answered to that.
    ///
    /// # Errors
    /// What it means, where no connection can be made with it.
    fn admitted(&mut self, answer: &HttpAnswer) -> Result<(), Outcome> {
        let _ = answer;
        Ok(())
    }

    /// A connection without a word for so long is lost; venues send a ping at least every twenty seconds.
    fn silence(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// What makes a new connection speak for the account, at `now`.
    fn greetings(&mut self, now: Timestamp) -> Vec<String>;

    /// Request `number` in the venue's words; why there are none, where the venue does not serve it.
    fn write(&mut self, now: Timestamp, number: u64, request: &OrderRequest) -> Result<Written, String>;

    /// What a frame says.
    fn read(&mut self, frame: &str) -> Heard;

    /// What the venue has said since this was asked last of how much of its limits is used.
    fn take_limits(&mut self) -> Vec<LimitUse> {
        Vec::new()
    }

    /// What has to be asked by HTTP behind `answers` before request `number` is answered, such as the next page of a list.
    fn more(&mut self, now: Timestamp, number: u64, answers: &Answers) -> Option<HttpRequest> {
        let _ = (now, number, answers);
        None
    }

    /// What the answers to the HTTP requests of request `number` say.
    fn answered(&mut self, number: u64, answers: &Answers) -> OrderAnswer;
}

/// Keeps the connection until nobody listens.
pub(crate) struct OrderSession {
    pub(crate) venue: &'static str,
    pub(crate) manners: Manners,
    pub(crate) words: Box<dyn OrderWords>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) inlet: Inlet,
    pub(crate) clock: Arc<HouseClock>,
    pub(crate) outside: Arc<dyn Outside>,
    pub(crate) notices: Notices,
    /// What is asked by HTTP.
    pub(crate) asking: Asking,
    /// What requests are signed with.
    pub(crate) venue_clock: VenueClock,
}

/// Why reading a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// It is gone or cannot be used.
    Lost(String),
    /// Nobody listens any more.
    Unheard,
}

impl OrderSession {
    /// Connects, writes and reads, and connects again, until nobody listens.
    pub(crate) async fn keep(mut self) {
        let mut backoff = Backoff::new(0);
        while !self.shared.is_over() {
            // A pause that the venue asked for holds for whatever would be asked of it.
            let pause = self.shared.gateway().pause_over_at();
            rest(&self.shared, pause.map_or(Duration::ZERO, |over| self.clock.time_to(over))).await;
            if self.shared.is_over() {
                // Whoever stops listening ends the rest too, and the pause may go on.
                break;
            }
            let begun = Instant::now();
            self.measure_clock().await;
            if !self.is_admitted().await {
                rest(&self.shared, backoff.next_wait()).await;
                continue;
            }
            match connect(self.outside.as_ref(), &self.manners, Vec::new()).await {
                Err(why) => self.say(&format!("no connection to {}: {why}; trying again", self.manners.url)),
                Ok(mut socket) => {
                    let ended = self.serve(&mut socket).await;
                    self.shared.gateway().disconnected(self.clock.now());
                    let heard = self.hand_over();
                    match ended {
                        Ended::Lost(why) if heard => {
                            self.say(&format!("the connection was lost: {why}; trying again"));
                        }
                        Ended::Lost(_) | Ended::Unheard => break,
                    }
                }
            }
            if begun.elapsed() >= HEALTHY_AFTER {
                backoff.is_healthy();
            }
            rest(&self.shared, backoff.next_wait()).await;
        }
    }

    fn say(&self, what: &str) {
        (self.notices)(&format!("{} orders: {what}", self.venue));
    }

    /// Learns how far the venue's clock is away, where it tells.
    async fn measure_clock(&mut self) {
        match self.venue_clock.measure().await {
            Ok(()) => self.shared.gateway().clock_is_ahead(self.venue_clock.ahead()),
            Err(why) => self.say(&format!("the venue does not tell its time: {why}")),
        }
    }

    /// Asks for what a connection needs, where it needs something; answers whether one can be made.
    async fn is_admitted(&mut self) -> bool {
        let Some(request) = self.words.admission(self.venue_clock.now()) else { return true };
        let outside = Arc::clone(&self.outside);
        let answer = match tokio::task::spawn_blocking(move || outside.ask(&request)).await {
            Ok(answer) => answer,
            Err(error) => Err(error.to_string()),
        };
        let outcome = match answer {
            Ok(answer) => match self.words.admitted(&answer) {
                Ok(()) => return true,
                Err(outcome) => outcome,
            },
            Err(why) => {
                self.say(&format!("no connection can be asked for: {why}; trying again"));
                return false;
            }
        };
        self.shared.gateway().refused(self.clock.now(), &outcome);
        self.hand_over();
        false
    }

    async fn serve(&mut self, socket: &mut Socket) -> Ended {
        self.asking.forget_waiting();
        for greeting in self.words.greetings(self.venue_clock.now()) {
            if let Err(why) = write(socket, greeting).await {
                return Ended::Lost(why);
            }
        }
        let (mut greet_by, mut heard_at) = (Some(Instant::now() + GREET_WITHIN), Instant::now());
        loop {
            if self.shared.is_over() {
                return Ended::Unheard;
            }
            if greet_by.is_some_and(|by| Instant::now() >= by) {
                return Ended::Lost("it does not let us speak for the account".to_owned());
            }
            if heard_at.elapsed() >= self.manners.silence {
                return Ended::Lost("it was silent".to_owned());
            }
            let is_clock_off = self.shared.gateway().take_clock_fault();
            if is_clock_off {
                self.measure_clock().await;
            }
            if greet_by.is_none() {
                self.shared.gateway().tick(self.clock.now());
            }
            if let Err(why) = self.write_all(socket).await {
                return Ended::Lost(why);
            }
            if !self.hand_over() {
                return Ended::Unheard;
            }
            let (shared, wait) = (Arc::clone(&self.shared), self.wait());
            let heard = tokio::select! {
                heard = timeout(wait, socket.next()) => heard.ok(),
                replied = self.asking.answered() => {
                    self.heed(replied);
                    None
                }
                () = shared.wake.notified() => None,
            };
            match heard {
                None => {}
                Some(Some(Ok(message))) => {
                    heard_at = Instant::now();
                    match self.hear(&message) {
                        Ok(true) => greet_by = None,
                        Ok(false) => {}
                        Err(why) => return Ended::Lost(why),
                    }
                }
                Some(Some(Err(error))) => return Ended::Lost(error.to_string()),
                Some(None) => return Ended::Lost("it was closed".to_owned()),
            }
        }
    }

    /// Takes in what requests by HTTP were answered, and asks on where that is not all.
    fn heed(&mut self, replied: Replied) {
        let (now, number) = (self.clock.now(), replied.number);
        let mut gateway = self.shared.gateway();
        let more = match gateway.may_go_on(now, number) {
            true => self.words.more(self.venue_clock.now(), number, &replied.answers),
            false => None,
        };
        match more {
            Some(request) => self.asking.go_on_with(replied, request),
            None => gateway.answered(now, number, self.words.answered(number, &replied.answers)),
        }
    }

    /// How long nothing is to be done unless something is heard.
    fn wait(&self) -> Duration {
        let next_at = self.shared.gateway().next_at();
        next_at.map_or(LOOK_EVERY, |at| self.clock.time_to(at).min(LOOK_EVERY))
    }

    /// Takes in a message; answers whether it let us speak for the account.
    fn hear(&mut self, message: &Message) -> Result<bool, String> {
        let Message::Text(text) = message else { return Ok(false) };
        let now = self.clock.now();
        let heard = self.words.read(text.as_str());
        self.shared.gateway().limits_told(now, &self.words.take_limits());
        match heard {
            Heard::Greeted => {
                self.shared.gateway().connected(now);
                return Ok(true);
            }
            Heard::Refused(outcome) => {
                self.shared.gateway().refused(now, &outcome);
                return Err("it refuses to let us speak for the account".to_owned());
            }
            Heard::Answer(number, answer) => self.shared.gateway().answered(now, number, answer),
            Heard::Told(messages) => {
                for message in messages {
                    if let AccountMessage::SessionEnded { reason, .. } = message {
                        return Err(reason);
                    }
                    if matches!(message, AccountMessage::ServerShutdown { .. }) {
                        return Err("the venue ends this connection".to_owned());
                    }
                    self.shared.gateway().told(now, message);
                }
            }
            Heard::Unreadable(why) => self.say(&format!("a frame cannot be read: {why}")),
        }
        Ok(false)
    }

    /// Writes what the gateway wants written.
    async fn write_all(&mut self, socket: &mut Socket) -> Result<(), String> {
        loop {
            let now = self.clock.now();
            let text = {
                let mut gateway = self.shared.gateway();
                if gateway.pause_over_at().is_none_or(|over| now >= over) {
                    self.asking.go_on();
                }
                let Some((number, request)) = gateway.take_request(now) else { return Ok(()) };
                match self.words.write(self.venue_clock.now(), number, &request) {
                    Ok(written) => {
                        // From here on it may have arrived, whatever the socket says.
                        gateway.sent(now, number);
                        match written {
                            Written::Message(text) => text,
                            Written::Requests(requests) => {
                                gateway.goes_beside(number);
                                self.asking.ask(number, Lane::of(&request), requests);
                                continue;
                            }
                        }
                    }
                    Err(why) => {
                        gateway.unserved(number, &why);
                        continue;
                    }
                }
            };
            write(socket, text).await?;
        }
    }

    /// Hands inputs to the loop and notices to the operator; answers whether anyone listens.
    fn hand_over(&self) -> bool {
        let (mut inputs, mut notices): (Vec<Input>, Vec<String>) = (Vec::new(), Vec::new());
        {
            let mut gateway = self.shared.gateway();
            inputs.extend(core::iter::from_fn(|| gateway.take_input()));
            notices.extend(core::iter::from_fn(|| gateway.take_notice()));
        }
        notices.iter().for_each(|notice| self.say(notice));
        inputs.into_iter().all(|input| (self.inlet)(input))
    }
}

/// Waits, while somebody listens.
async fn rest(shared: &Shared, wait: Duration) {
    let until = Instant::now() + wait;
    while !shared.is_over() && Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY.min(until - Instant::now())).await;
    }
}

async fn write(socket: &mut Socket, text: String) -> Result<(), String> {
    match timeout(WRITE_WITHIN, socket.send(Message::text(text))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("nothing can be written to it".to_owned()),
    }
}
