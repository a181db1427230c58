//! One connection to a venue's streams, kept alive: connected, subscribed, read, and opened anew when it is lost.
//!
//! The reader only reads, stamps and hands over. A connection that is to end is replaced before: the new one is subscribed
//! and heard before the old one closes, and what both say is told once.

use std::sync::Arc;
use std::time::Duration;

use engine_core::event::Input;
use engine_core::time::Timestamp;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::backoff::Backoff;
use crate::clock::HouseClock;
use crate::frame_line::{ConnectionEvent, Said};
use crate::frame_log::FrameLog;
use crate::frame_log_error::FrameLogError;
use crate::frame_reader::{FrameReader, Read, Unsound};
use crate::ingress::Ingress;
use crate::market_venue::Notices;
use crate::outside::{Outside, Wire};

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// A message longer than this ends its connection: the longest of a venue, a whole book, has a few megabytes.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// How many frames nobody can read are passed over within [`BAD_WITHIN`] before the connection is opened anew.
const BAD_FRAMES_MAX: u32 = 100;
const BAD_WITHIN: Duration = Duration::from_secs(10);

/// How long the end of an old connection may take to be told.
const CLOSE_WITHIN: Duration = Duration::from_millis(200);

/// How often a reader that hears nothing looks whether anyone listens, and whether the venue has answered.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often streams that are silent on a connection that lives are looked for.
const LOOK_FOR_SILENCE_EVERY: Duration = Duration::from_secs(1);

/// A connection that held so long begins its next waits with the shortest.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);

/// How a connection is made and kept.
#[derive(Debug, Clone)]
pub(crate) struct Manners {
    /// Where.
    pub(crate) url: String,
    /// Between two messages to the venue.
    pub(crate) pace: Duration,
    /// A connection without a word for so long is lost.
    pub(crate) silence: Duration,
    /// A connection is replaced when it is so old.
    pub(crate) rotate_after: Duration,
}

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<Box<dyn Wire>>>;
type Heard = Option<Result<Message, tokio_tungstenite::tungstenite::Error>>;

/// Keeps one stream of frames until nobody listens any more.
pub(crate) struct Session<R> {
    pub(crate) manners: Manners,
    pub(crate) reader: R,
    pub(crate) ingress: Arc<Ingress>,
    pub(crate) clock: Arc<HouseClock>,
    pub(crate) outside: Arc<dyn Outside>,
    /// Connections begun so far.
    pub(crate) connections: u64,
    pub(crate) venue: &'static str,
    /// Why the connection cannot be trusted, where a frame said so.
    pub(crate) why: Option<String>,
    pub(crate) notices: Notices,
    /// Where frames are recorded, if anywhere.
    pub(crate) log: Option<FrameLog>,
}

/// A connection and its number.
struct Connection {
    socket: Socket,
    number: u64,
}

/// What hearing one message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heed {
    /// Nothing special.
    On,
    /// Market data.
    Data,
    /// The venue will end the connection.
    EndsSoon,
    /// The connection is gone or cannot be trusted.
    Lost,
    /// Nobody listens any more.
    Unheard,
}

impl<R: FrameReader> Session<R> {
    /// Connects, reads and connects again, until nobody listens.
    pub(crate) async fn keep(mut self) {
        let mut backoff = Backoff::new(self.connections);
        while !self.ingress.is_closed() {
            let begun = Instant::now();
            let greetings = self.reader.greetings();
            match while_heard(&self.ingress, connect(self.outside.as_ref(), &self.manners, greetings)).await {
                None => break,
                Some(Ok(socket)) => {
                    let connection = self.begun(socket);
                    let heed = self.read_on(connection).await;
                    let lost = self.reader.lost();
                    let at = self.clock.now();
                    if heed == Heed::Unheard {
                        break;
                    }
                    let why = self.why.take().unwrap_or_else(|| "it was silent, or closed".to_owned());
                    self.record(at, self.connections, || {
                        Said::Event(ConnectionEvent::Lost { why: why.clone() })
                    });
                    if !self.hand_over(at, lost) {
                        break;
                    }
                    (self.notices)(&format!("{}: the connection was lost: {why}; trying again", self.venue));
                }
                Some(Err(why)) => {
                    let at = self.clock.now();
                    self.record(at, self.connections, || {
                        Said::Event(ConnectionEvent::Refused { why: why.clone() })
                    });
                    let Self { venue, manners, .. } = &self;
                    (self.notices)(&format!(
                        "{venue}: no connection to {}: {why}; trying again",
                        manners.url
                    ));
                }
            }
            if begun.elapsed() >= HEALTHY_AFTER {
                backoff.is_healthy();
            }
            if while_heard(&self.ingress, sleep(backoff.next_wait())).await.is_none() {
                break;
            }
        }
        self.end_log();
    }

    /// The recording ends as its reader is told: with a word of its own.
    fn end_log(&mut self) {
        let at = self.clock.now();
        if let Some(log) = &mut self.log
            && let Err(error) = log.end(at, self.connections)
        {
            self.cannot_record(error);
        }
    }

    fn begun(&mut self, socket: Socket) -> Connection {
        self.connections += 1;
        self.reader.begins(self.connections);
        self.record(self.clock.now(), self.connections, || Said::Event(ConnectionEvent::Begun));
        Connection { socket, number: self.connections }
    }

    /// Reads until the connection is lost or nobody listens; replaces it in time.
    async fn read_on(&mut self, mut connection: Connection) -> Heed {
        let mut bad = BadFrames::new();
        let mut rotate_at = Instant::now() + self.manners.rotate_after;
        let mut silent_at = Instant::now() + self.manners.silence;
        let mut look_at = Instant::now() + LOOK_FOR_SILENCE_EVERY;
        loop {
            let by = rotate_at.min(silent_at).min(Instant::now() + LOOK_EVERY);
            let heed = match timeout_at(by, connection.socket.next()).await {
                Ok(message) => {
                    silent_at = Instant::now() + self.manners.silence;
                    self.take(connection.number, message, &mut bad)
                }
                Err(_) if self.ingress.is_closed() || !self.hand_over_answers() => Heed::Unheard,
                Err(_) if Instant::now() >= silent_at => Heed::Lost,
                Err(_) => Heed::On,
            };
            match heed {
                Heed::On | Heed::Data => {}
                Heed::EndsSoon => rotate_at = Instant::now(),
                Heed::Lost | Heed::Unheard => return heed,
            }
            if self.clock.was_followed() {
                self.why = Some("the clock was set forward, or the machine slept".to_owned());
                return Heed::Lost;
            }
            self.flush_if_due();
            if Instant::now() >= look_at {
                // Behind a sleep of this machine one look is due, not many.
                look_at = Instant::now() + LOOK_FOR_SILENCE_EVERY;
                let found = self.reader.look(1);
                if !self.hand_over(self.clock.now(), found) {
                    return Heed::Unheard;
                }
            }
            if Instant::now() >= rotate_at {
                rotate_at = Instant::now() + self.manners.rotate_after;
                connection = match self.replace(connection, &mut bad).await {
                    Ok(connection) => connection,
                    Err(heed) => return heed,
                };
                silent_at = Instant::now() + self.manners.silence;
            }
        }
    }

    /// Opens another connection while `old` is read, and goes over to it once market data has come from it. Where that
    /// fails the old one serves on.
    async fn replace(&mut self, mut old: Connection, bad: &mut BadFrames) -> Result<Connection, Heed> {
        let (manners, greetings) = (self.manners.clone(), self.reader.greetings());
        let outside = Arc::clone(&self.outside);
        let connecting = connect(outside.as_ref(), &manners, greetings);
        tokio::pin!(connecting);
        let socket = loop {
            tokio::select! {
                biased;
                socket = &mut connecting => match socket {
                    Ok(socket) => break socket,
                    Err(_) => return Ok(old),
                },
                message = old.socket.next() => {
                    let heed = self.take(old.number, message, bad);
                    if matches!(heed, Heed::Lost | Heed::Unheard) {
                        return match connecting.await {
                            Ok(socket) if heed == Heed::Lost => Ok(self.begun(socket)),
                            Ok(_) | Err(_) => Err(heed),
                        };
                    }
                }
                () = sleep(LOOK_EVERY) => self.flush_if_due(),
            }
        };
        let mut new = self.begun(socket);
        let heard_by = Instant::now() + self.manners.silence;
        loop {
            tokio::select! {
                biased;
                () = sleep_until(heard_by) => return Ok(old),
                message = new.socket.next() => match self.take(new.number, message, bad) {
                    Heed::Data => break,
                    Heed::On => {}
                    Heed::EndsSoon | Heed::Lost => return Ok(old),
                    Heed::Unheard => return Err(Heed::Unheard),
                },
                message = old.socket.next() => match self.take(old.number, message, bad) {
                    Heed::Lost => return Ok(new),
                    Heed::Unheard => return Err(Heed::Unheard),
                    Heed::On | Heed::Data | Heed::EndsSoon => {}
                },
                () = sleep(LOOK_EVERY) => self.flush_if_due(),
            }
        }
        // Whether the venue hears of the end changes nothing.
        let _ = timeout(CLOSE_WITHIN, old.socket.close(None)).await;
        Ok(new)
    }

    /// Stamps a message and hands on what it says.
    fn take(&mut self, number: u64, message: Heard, bad: &mut BadFrames) -> Heed {
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => return Heed::On,
            Some(Ok(Message::Binary(_))) => return bad.met(),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Heed::Lost,
        };
        if self.ingress.is_closed() || !self.hand_over_answers() {
            return Heed::Unheard;
        }
        let (at, read) = (self.clock.now(), std::time::Instant::now());
        self.record(at, number, || Said::Text(text.as_str().to_owned()));
        let Read { inputs, ends, is_data, unsound } = self.reader.read(at, number, text.as_str());
        if !inputs.into_iter().all(|input| self.ingress.push_read(at, input, read)) {
            return Heed::Unheard;
        }
        match (unsound, ends, is_data) {
            (Some(Unsound::Frame(_)), ..) => bad.met(),
            (Some(Unsound::Connection(why)), ..) => {
                self.why = Some(why);
                Heed::Lost
            }
            (None, true, _) => Heed::EndsSoon,
            (None, false, true) => Heed::Data,
            (None, false, false) => Heed::On,
        }
    }

    /// Records what was said, where frames are recorded.
    fn record(&mut self, at: Timestamp, connection: u64, said: impl FnOnce() -> Said) {
        let Some(log) = &mut self.log else { return };
        if let Err(error) = log.write(at, connection, said()) {
            self.cannot_record(error);
        }
    }

    fn flush_if_due(&mut self) {
        let at = self.clock.now();
        if let Some(log) = &mut self.log
            && let Err(error) = log.flush_if_due(at)
        {
            self.cannot_record(error);
        }
    }

    /// What cannot be written ends the recording, and says so.
    fn cannot_record(&mut self, error: FrameLogError) {
        if let Some(log) = self.log.take() {
            let words = format!("{}: frames are not recorded any more: {error}", self.venue);
            log.tally().fail(error);
            (self.notices)(&words);
        }
    }

    /// Hands on what was asked of the venue and has been answered; says whether anyone listens.
    fn hand_over_answers(&mut self) -> bool {
        let answers = self.reader.answers();
        answers.is_empty() || self.hand_over(self.clock.now(), answers)
    }

    /// Hands inputs to the loop; answers whether anyone listens.
    fn hand_over(&self, at: Timestamp, inputs: Vec<Input>) -> bool {
        inputs.into_iter().all(|input| self.ingress.push(at, input))
    }
}

/// What comes of `work`; nothing once nobody listens any more.
async fn while_heard<T>(ingress: &Ingress, work: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Some(done),
            () = sleep(LOOK_EVERY) => {
                if ingress.is_closed() {
                    return None;
                }
            }
        }
    }
}

/// A connection that has been greeted, or why there is none.
pub(crate) async fn connect(
    outside: &dyn Outside,
    manners: &Manners,
    greetings: Vec<String>,
) -> Result<Socket, String> {
    let late = |_| format!("it took longer than {} s", CONNECT_WITHIN.as_secs());
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let connecting = async {
        let request = manners.url.as_str().into_client_request().map_err(|error| error.to_string())?;
        let host = request.uri().host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let usual = if request.uri().scheme_str() == Some("wss") { 443 } else { 80 };
        let port = request.uri().port_u16().unwrap_or(usual);
        let wire = outside.dial(&host, port).await.map_err(|error| error.to_string())?;
        let greeted = client_async_tls_with_config(request, wire, Some(limits), None).await;
        greeted.map_err(|error| error.to_string())
    };
    let (mut socket, _) = timeout(CONNECT_WITHIN, connecting).await.map_err(late)??;
    for (place, greeting) in greetings.into_iter().enumerate() {
        if place > 0 {
            sleep(manners.pace).await;
        }
        let sent = timeout(CONNECT_WITHIN, socket.send(Message::text(greeting))).await.map_err(late)?;
        sent.map_err(|error| error.to_string())?;
    }
    Ok(socket)
}

/// Frames that nobody could read, of late.
#[derive(Debug)]
struct BadFrames {
    since: Instant,
    count: u32,
}

impl BadFrames {
    fn new() -> Self {
        Self { since: Instant::now(), count: 0 }
    }

    /// One more; too many of them end the connection.
    fn met(&mut self) -> Heed {
        if self.since.elapsed() > BAD_WITHIN {
            *self = Self::new();
        }
        self.count += 1;
        if self.count >= BAD_FRAMES_MAX { Heed::Lost } else { Heed::On }
    }
}
