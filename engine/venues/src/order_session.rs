//! One connection to a venue for orders, kept alive, between the gateway and the socket.
//!
//! Whatever goes wrong on the way is the gateway's to understand: this only connects, writes what it wants written, says
//! when, and hands on what is read. A request counts as sent before its bytes are handed to the socket.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine_core::event::Input;
use engine_core::time::Timestamp;
use engine_runtime::ports::Inlet;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::account_message::AccountMessage;
use crate::backoff::Backoff;
use crate::clock::HouseClock;
use crate::market_venue::Notices;
use crate::order_answer::OrderAnswer;
use crate::order_gateway::OrderGateway;
use crate::order_request::OrderRequest;
use crate::outcome::Outcome;
use crate::outside::Outside;
use crate::session::{Manners, Socket, connect};

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
    Told(AccountMessage),
    /// Nobody can read it.
    Unreadable(String),
}

/// How a venue speaks on its order connection.
pub(crate) trait OrderWords: Send {
    /// What makes a new connection speak for the account, at `now`.
    fn greetings(&mut self, now: Timestamp) -> Vec<String>;

    /// The message of request `number`; why there is none, where the venue does not serve it.
    fn write(&mut self, now: Timestamp, number: u64, request: &OrderRequest) -> Result<String, String>;

    /// What a frame says.
    fn read(&mut self, frame: &str) -> Heard;
}

/// What the loop and the session share.
#[derive(Debug)]
pub(crate) struct Shared {
    gateway: Mutex<OrderGateway>,
    wake: Notify,
    is_over: AtomicBool,
}

impl Shared {
    pub(crate) fn new(gateway: OrderGateway) -> Self {
        Self { gateway: Mutex::new(gateway), wake: Notify::new(), is_over: AtomicBool::new(false) }
    }

    /// The gateway, for a moment.
    pub(crate) fn gateway(&self) -> MutexGuard<'_, OrderGateway> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is something to write.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Nobody listens any more.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
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
            let begun = Instant::now();
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

    async fn serve(&mut self, socket: &mut Socket) -> Ended {
        for greeting in self.words.greetings(self.clock.now()) {
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
            if greet_by.is_none() {
                self.shared.gateway().tick(self.clock.now());
            }
            if let Err(why) = self.write_all(socket).await {
                return Ended::Lost(why);
            }
            if !self.hand_over() {
                return Ended::Unheard;
            }
            let shared = Arc::clone(&self.shared);
            let heard = tokio::select! {
                heard = timeout(self.wait(), socket.next()) => heard.ok(),
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

    /// How long nothing is to be done unless something is heard.
    fn wait(&self) -> Duration {
        let next_at = self.shared.gateway().next_at();
        next_at.map_or(LOOK_EVERY, |at| self.clock.time_to(at).min(LOOK_EVERY))
    }

    /// Takes in a message; answers whether it let us speak for the account.
    fn hear(&mut self, message: &Message) -> Result<bool, String> {
        let Message::Text(text) = message else { return Ok(false) };
        let now = self.clock.now();
        match self.words.read(text.as_str()) {
            Heard::Greeted => {
                self.shared.gateway().connected(now);
                return Ok(true);
            }
            Heard::Refused(outcome) => {
                self.shared.gateway().refused(now, &outcome);
                return Err("it refuses to let us speak for the account".to_owned());
            }
            Heard::Answer(number, answer) => self.shared.gateway().answered(now, number, answer),
            Heard::Told(AccountMessage::SessionEnded { reason, .. }) => return Err(reason),
            Heard::Told(AccountMessage::ServerShutdown { .. }) => {
                return Err("the venue ends this connection".to_owned());
            }
            Heard::Told(message) => self.shared.gateway().told(now, message),
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
                let Some((number, request)) = gateway.take_request(now) else { return Ok(()) };
                match self.words.write(now, number, &request) {
                    Ok(text) => {
                        // From here on it may have arrived, whatever the socket says.
                        gateway.sent(now, number);
                        text
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
