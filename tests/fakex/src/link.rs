//! A client's connection as the exchange sees it: what it subscribed to and what waits to be sent.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::fault::Drop;
use crate::login::{Login, Private};
use crate::stream::Stream;

/// A text message on its way.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) stream: Arc<str>,
    pub(crate) sequence: Option<u64>,
    pub(crate) text: Arc<str>,
    pub(crate) queued: Instant,
}

/// What the writer of a connection is asked to do.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Text(Message),
    /// Bytes as they are, and what they are.
    Bytes {
        bytes: Vec<u8>,
        what: String,
    },
    /// A text frame that says it has so many bytes, and has them as long as somebody reads.
    Huge(u64),
    End {
        how: Drop,
        code: u16,
        why: String,
    },
}

/// How the writers write; lasting faults change it.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pub(crate) delay: Cell<Duration>,
    pub(crate) bytes_per_second: Cell<u32>,
    pub(crate) fragments: Cell<usize>,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) outbox: mpsc::Sender<Outgoing>,
    pub(crate) streams: BTreeMap<Stream, Arc<str>>,
    /// Binance's combined form, `{"stream":…,"data":…}`.
    pub(crate) combined: bool,
    pub(crate) heartbeats: bool,
    pub(crate) heartbeats_sent: u64,
    pub(crate) sequence: u64,
    /// Messages held back until they are sent in another order.
    pub(crate) held: Vec<Message>,
    pub(crate) opened: Instant,
    pub(crate) last_ping: Instant,
    pub(crate) last_heartbeat: Instant,
    pub(crate) pong_due: Option<Instant>,
    pub(crate) end_at: Option<(Instant, &'static str)>,
    received: VecDeque<Instant>,
    pub(crate) subscribed: bool,
    /// Where it is a connection to the interface for orders.
    pub(crate) login: Option<Login>,
    /// Kraken's private channels, once one was opened.
    pub(crate) private: Option<Private>,
}

impl Link {
    pub(crate) fn new(outbox: mpsc::Sender<Outgoing>, combined: bool) -> Self {
        let now = Instant::now();
        Self {
            outbox,
            streams: BTreeMap::new(),
            combined,
            heartbeats: false,
            heartbeats_sent: 0,
            sequence: 0,
            held: Vec::new(),
            opened: now,
            last_ping: now,
            last_heartbeat: now,
            pong_due: None,
            end_at: None,
            received: VecDeque::new(),
            subscribed: false,
            login: None,
            private: None,
        }
    }

    /// Counts a message of the client and says whether there were more than `limit` within a second.
    pub(crate) fn count_received(&mut self, now: Instant, limit: usize) -> bool {
        self.received.push_back(now);
        while self.received.front().is_some_and(|first| now.duration_since(*first) >= Duration::from_secs(1))
        {
            self.received.pop_front();
        }
        self.received.len() > limit
    }
}
