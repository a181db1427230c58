//! One connection of a client: its requests, and its messages once it is a WebSocket.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::binance::api::websocket;
use crate::clock::{VirtualClock, wall_ns};
use crate::exchange::Exchange;
use crate::fault::Drop;
use crate::frame::{self, Inbox, Received};
use crate::held::{Later, Then};
use crate::http::{self, Reply, Request, Response};
use crate::link::{Link, Outgoing, Pace};
use crate::log::{Entry, Log};
use crate::settings::Dialect;
use crate::wire::{Wire, WriterHalf};
use crate::{binance, coinbase, control, kraken};

/// How often a connection is attended to by the wall.
const ATTEND_EVERY: Duration = Duration::from_millis(20);
/// A client that has not asked for anything after this is gone.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);

/// What every connection shares; one thread only.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) exchange: RefCell<Exchange>,
    /// The market must be looked at again: a client or a hand changed something.
    pub(crate) wake: Notify,
}

/// Answers requests until one asks for a WebSocket, and serves that.
pub(crate) async fn serve(shared: Rc<Shared>, mut stream: impl Wire) {
    let mut bytes = Vec::new();
    loop {
        let request = match tokio::time::timeout(REQUEST_WITHIN, http::read(&mut stream, &mut bytes)).await {
            Ok(Ok(Some(request))) => request,
            Ok(Err(refusal)) => {
                let _ = stream.write_all(&refusal.bytes()).await;
                return;
            }
            Ok(Ok(None)) | Err(_) => return,
        };
        if let Some(opening) = request.upgrade() {
            return open(shared, stream, bytes, &request, &opening).await;
        }
        let response = match answer(&shared, &request) {
            Reply::After(wait, response) => {
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                response
            }
            Reply::Held(wait) => {
                tokio::time::sleep(wait).await;
                let mut exchange = shared.exchange.borrow_mut();
                exchange.catch_up();
                if exchange.settings.dialect == Dialect::Coinbase {
                    coinbase::orders::resume(&mut exchange, &request)
                } else {
                    binance::api::rest::resume(&mut exchange, &request)
                }
            }
            Reply::Never => return,
        };
        if stream.write_all(&response.bytes()).await.is_err() {
            return;
        }
    }
}

pub(crate) fn answer(shared: &Shared, request: &Request) -> Reply {
    if request.path().starts_with("/fakex/") {
        let response = control::answer(&mut shared.exchange.borrow_mut(), request);
        shared.wake.notify_one();
        return Reply::at_once(response);
    }
    let mut exchange = shared.exchange.borrow_mut();
    exchange.catch_up();
    let dialect = exchange.settings.dialect;
    let banned = exchange.disorder.http_answer(dialect);
    let is_banned = banned.is_some();
    if !is_banned && dialect == Dialect::Binance && binance::api::rest::is_asked(&exchange, request) {
        let reply = binance::api::rest::answer(&mut exchange, request);
        drop(exchange);
        shared.wake.notify_one();
        return reply;
    }
    if !is_banned && dialect == Dialect::Coinbase && coinbase::orders::is_asked(&exchange, request) {
        return coinbase::orders::answer(&mut exchange, request);
    }
    if !is_banned && dialect == Dialect::Kraken && kraken::private::is_asked(&exchange, request) {
        return Reply::at_once(kraken::private::answer(&mut exchange, request));
    }
    let mut response = banned.unwrap_or_else(|| match dialect {
        Dialect::Binance => binance::rest::answer(&exchange, request),
        Dialect::Coinbase => coinbase::rest::answer(&exchange, request),
        Dialect::Kraken => kraken::rest::answer(&exchange, request),
    });
    if dialect == Dialect::Binance {
        binance::api::rest::weigh(&mut exchange, request, &mut response);
    }
    exchange.note(Entry::Request {
        target: request.target.clone(),
        status: response.status,
        banned: is_banned,
    });
    Reply::at_once(response)
}

async fn open(shared: Rc<Shared>, mut stream: impl Wire, rest: Vec<u8>, request: &Request, opening: &str) {
    let (dialect, has_account) = {
        let exchange = shared.exchange.borrow();
        (exchange.settings.dialect, exchange.trading.is_some())
    };
    let asks_orders = has_account && request.path() == websocket::PATH;
    let known = match dialect {
        Dialect::Binance => asks_orders || binance::session::is_path(request.path()),
        Dialect::Coinbase => request.path() == "/",
        Dialect::Kraken => request.path() == "/v2",
    };
    if !known {
        let _ =
            stream.write_all(&Response::refused(404, "{\"msg\":\"no such WebSocket path\"}").bytes()).await;
        return;
    }
    let is_micro = request.query("timeUnit").is_some_and(|unit| !unit.eq_ignore_ascii_case("millisecond"));
    if dialect == Dialect::Binance && is_micro {
        let body = "{\"code\":-1100,\"msg\":\"timeUnit is not built here: milliseconds only\"}";
        let _ = stream.write_all(&Response::refused(400, body).bytes()).await;
        return;
    }
    if stream.write_all(opening.as_bytes()).await.is_err() || stream.hurry().is_err() {
        return;
    }
    let (reader, writer) = stream.halves();
    let (id, outbox, log, clock, pace) = {
        let mut exchange = shared.exchange.borrow_mut();
        let (sender, outbox) = mpsc::channel(exchange.settings.outbox_messages);
        let id = exchange.attach(Link::new(sender, request.path() == "/stream"), request.target.clone());
        match dialect {
            Dialect::Binance if asks_orders => websocket::open(&mut exchange, id, request),
            Dialect::Binance => binance::session::open(&mut exchange, id, request),
            Dialect::Coinbase => {}
            Dialect::Kraken => kraken::session::open(&mut exchange, id),
        }
        (id, outbox, exchange.log.clone(), exchange.clock.clone(), exchange.pace.clone())
    };
    let ending = Rc::new(Ending { ended: Notify::new(), is_quiet: Cell::new(false) });
    let writer = Writer { id, half: writer, pace, log, clock };
    tokio::task::spawn_local(writer.run(outbox, ending.clone()));
    let why = receive(&shared, id, reader, Inbox::with(rest), &ending).await;
    shared.exchange.borrow_mut().detach(id, why);
}

/// How the writer tells the reader that the connection is over.
#[derive(Debug)]
struct Ending {
    ended: Notify,
    /// Over, but the socket stays open.
    is_quiet: Cell<bool>,
}

async fn receive(
    shared: &Rc<Shared>,
    id: u64,
    mut reader: impl AsyncRead + Unpin,
    mut inbox: Inbox,
    ending: &Ending,
) -> &'static str {
    let mut attend = tokio::time::interval(ATTEND_EVERY);
    let mut bytes = vec![0_u8; 4_096];
    loop {
        loop {
            match inbox.next_message() {
                Ok(Some(Received::Close)) => {
                    shared.exchange.borrow_mut().end(id, Drop::Fin, 1000, "the client closed it");
                }
                Ok(Some(message)) => take(shared, id, message),
                Ok(None) => break,
                Err(violation) => {
                    shared.exchange.borrow_mut().end(id, Drop::Fin, 1002, violation);
                    ending.ended.notified().await;
                    return violation;
                }
            }
        }
        tokio::select! {
            biased;
            () = ending.ended.notified() => {
                if ending.is_quiet.get() {
                    std::future::pending::<()>().await;
                }
                return "ended";
            }
            count = reader.read(&mut bytes) => match count {
                Ok(count @ 1..) => inbox.add(&bytes[..count]),
                Ok(0) | Err(_) => return "the client went away",
            },
            _ = attend.tick() => shared.exchange.borrow_mut().attend(id, Instant::now()),
        }
    }
}

fn take(shared: &Rc<Shared>, id: u64, message: Received) {
    let mut exchange = shared.exchange.borrow_mut();
    exchange.catch_up();
    let dialect = exchange.settings.dialect;
    let Some(link) = exchange.links.get_mut(&id) else { return };
    let limit = match (dialect, &message) {
        // Requests for orders are weighed, not counted.
        (Dialect::Binance, _) if link.login.is_some() => usize::MAX,
        (Dialect::Binance, _) => 5,
        (Dialect::Coinbase, Received::Text(_)) => 8,
        (Dialect::Coinbase | Dialect::Kraken, _) => usize::MAX,
    };
    if link.count_received(Instant::now(), limit) {
        return exchange.end(id, Drop::Fin, 1008, "Too many requests");
    }
    let asks_orders = link.login.is_some();
    match message {
        Received::Text(text) => {
            exchange.note(Entry::Received { connection: id, text: text.clone() });
            match dialect {
                Dialect::Binance if asks_orders => {
                    let later = websocket::receive(&mut exchange, id, &text);
                    later.map(|later| tokio::task::spawn_local(resume(shared.clone(), id, later)));
                }
                Dialect::Binance => binance::session::receive(&mut exchange, id, &text),
                Dialect::Coinbase => coinbase::session::receive(&mut exchange, id, &text),
                Dialect::Kraken => {
                    let later = kraken::session::receive(&mut exchange, id, &text);
                    later.map(|later| tokio::task::spawn_local(resume(shared.clone(), id, later)));
                }
            }
        }
        Received::Ping(payload) => {
            exchange.send(id, Outgoing::Bytes { bytes: frame::pong(&payload), what: "pong".to_owned() });
        }
        Received::Pong => link.pong_due = None,
        Received::Close => {}
    }
    drop(exchange);
    shared.wake.notify_one();
}

/// Goes on with what a fault holds back.
async fn resume(shared: Rc<Shared>, id: u64, later: Later) {
    tokio::time::sleep(later.wait).await;
    let mut exchange = shared.exchange.borrow_mut();
    exchange.catch_up();
    match (later.then, exchange.settings.dialect) {
        (Then::Answer(texts), _) => texts.into_iter().for_each(|text| exchange.answer(id, text)),
        (Then::Do { text, session }, Dialect::Binance) => {
            websocket::resume(&mut exchange, id, &text, session);
        }
        (Then::Do { text, .. }, Dialect::Kraken) => kraken::orders::resume(&mut exchange, id, &text),
        (Then::Do { .. }, Dialect::Coinbase) => {}
    }
}

/// The side of a connection that writes, and notes what it wrote.
struct Writer<W> {
    id: u64,
    half: W,
    pace: Rc<Pace>,
    log: Arc<Log>,
    clock: Arc<VirtualClock>,
}

impl<W: WriterHalf> Writer<W> {
    async fn run(mut self, mut outbox: mpsc::Receiver<Outgoing>, ending: Rc<Ending>) {
        let mut bytes = Vec::new();
        while let Some(outgoing) = outbox.recv().await {
            bytes.clear();
            let mut next = Some(outgoing);
            // What waits is written at once, unless faults ask for something slower.
            while let Some(Outgoing::Text(message)) = next {
                let delay = self.pace.delay.get();
                if !delay.is_zero() {
                    tokio::time::sleep_until(message.queued + delay).await;
                }
                bytes.extend(frame::text(&message.text, self.pace.fragments.get()));
                self.note(Entry::Sent {
                    connection: self.id,
                    stream: message.stream,
                    sequence: message.sequence,
                    text: message.text,
                });
                next = if delay.is_zero() && bytes.len() < 65_536 { outbox.try_recv().ok() } else { None };
            }
            let mut is_over = self.write(&bytes).await.is_err();
            match next {
                Some(Outgoing::Bytes { bytes, what }) => {
                    self.note(Entry::Control { connection: self.id, what });
                    is_over |= self.write(&bytes).await.is_err();
                }
                Some(Outgoing::Huge(length)) => {
                    self.note(Entry::Control { connection: self.id, what: format!("huge {length}") });
                    is_over |= self.write_huge(length).await.is_err();
                }
                Some(Outgoing::End { how, code, why }) => return self.end(how, code, &why, &ending).await,
                Some(Outgoing::Text(_)) | None => {}
            }
            if is_over {
                break;
            }
        }
        ending.ended.notify_one();
    }

    fn note(&self, entry: Entry) {
        self.log.add(wall_ns(), self.clock.now_ns(), entry);
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let rate = self.pace.bytes_per_second.get();
            if rate == 0 {
                return self.half.write_all(rest).await;
            }
            // A fiftieth of a second's bytes at a time, one byte at least.
            let piece = usize::try_from(rate / 50).unwrap_or(1).clamp(1, rest.len());
            self.half.write_all(&rest[..piece]).await?;
            rest = &rest[piece..];
            tokio::time::sleep(Duration::from_secs(1) * u32::try_from(piece).unwrap_or(1) / rate).await;
        }
        Ok(())
    }

    async fn write_huge(&mut self, length: u64) -> std::io::Result<()> {
        self.half.write_all(&frame::header(OpCode::Data(Data::Text), true, length)).await?;
        let blanks = [b' '; 65_536];
        let mut left = length;
        while left > 0 {
            let piece = left.min(blanks.len() as u64);
            self.half.write_all(&blanks[..usize::try_from(piece).unwrap_or(0)]).await?;
            left -= piece;
        }
        Ok(())
    }

    async fn end(mut self, how: Drop, code: u16, why: &str, ending: &Ending) {
        self.note(Entry::Control { connection: self.id, what: format!("end {how:?} {code} {why}") });
        match how {
            Drop::Fin => {
                let _ = self.half.write_all(&frame::close(code, why)).await;
                let _ = self.half.shutdown().await;
            }
            Drop::NoClose => {
                let _ = self.half.shutdown().await;
            }
            Drop::Reset => self.half.reset(),
            Drop::HalfOpen => {
                ending.is_quiet.set(true);
                ending.ended.notify_one();
                std::future::pending::<()>().await;
            }
        }
        ending.ended.notify_one();
    }
}
