//! Messages to clients: how they are wrapped and numbered, and what faults make of them on their way.

use std::sync::Arc;

use tokio::time::Instant;

use crate::exchange::Exchange;
use crate::fault::Drop;
use crate::frame;
use crate::link::{Message, Outgoing};
use crate::log::Entry;
use crate::payload::coinbase;
use crate::settings::Dialect;
use crate::stream::Stream;

impl Exchange {
    /// One message of a stream to one client, with what faults make of it.
    pub(crate) fn deliver(&mut self, id: u64, stream: Stream, body: &str) {
        let told_ns = self.told_ns();
        let Some(link) = self.links.get_mut(&id) else { return };
        let Some(name) = link.streams.get(&stream).cloned() else { return };
        if self.disorder.is_frozen(&name) {
            return;
        }
        let (sequence, text) = match self.settings.dialect {
            Dialect::Binance if link.combined => (None, format!("{{\"stream\":\"{name}\",\"data\":{body}}}")),
            Dialect::Binance | Dialect::Kraken => (None, body.to_owned()),
            Dialect::Coinbase => coinbase::envelope(link, body, told_ns),
        };
        self.disturb(id, &name, sequence, text);
    }

    /// What happens to an account, to one client that subscribed to it; faults know it by a name as they know streams.
    pub(crate) fn deliver_private(&mut self, id: u64, name: &str, sequence: Option<u64>, text: String) {
        let name: Arc<str> = name.into();
        if !self.disorder.is_frozen(&name) {
            self.disturb(id, &name, sequence, text);
        }
    }

    /// The same with a number where the venue numbers all messages of a connection.
    pub(crate) fn deliver_numbered(&mut self, id: u64, name: &str, body: &str) {
        let told_ns = self.told_ns();
        let Some(link) = self.links.get_mut(&id) else { return };
        let (sequence, text) = coinbase::envelope(link, body, told_ns);
        self.deliver_private(id, name, sequence, text);
    }

    /// Sends a message with what faults make of it.
    fn disturb(&mut self, id: u64, name: &Arc<str>, sequence: Option<u64>, text: String) {
        let text = if self.disorder.misses(name) {
            let stream = name.clone();
            return self.note(Entry::Dropped { connection: id, stream, sequence, text: text.into() });
        } else {
            self.disorder.corrupted(text)
        };
        let copies = if self.disorder.is_doubled() { 2 } else { 1 };
        for _ in 0..copies {
            let message =
                Message { stream: name.clone(), sequence, text: text.clone(), queued: Instant::now() };
            self.hold_or_send(id, message);
        }
    }

    fn hold_or_send(&mut self, id: u64, message: Message) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let window = self.disorder.reorder_window(id);
        if window < 2 && link.held.is_empty() {
            return self.send(id, Outgoing::Text(message));
        }
        link.held.push(message);
        if link.held.len() < window {
            return;
        }
        let held = std::mem::take(&mut link.held);
        for message in self.disorder.shuffled(id, held) {
            self.send(id, Outgoing::Text(message));
        }
    }

    /// An answer to one client, with a number where the venue numbers its messages.
    pub(crate) fn answer(&mut self, id: u64, text: String) {
        let message =
            Message { stream: "".into(), sequence: None, text: text.into(), queued: Instant::now() };
        self.send(id, Outgoing::Text(message));
    }

    /// A first state of a stream, numbered as the venue numbers its messages.
    pub(crate) fn answer_numbered(&mut self, id: u64, stream: &str, body: &str) {
        if self.replayed.is_some() {
            // The numbers of a connection are those of the recording.
            return;
        }
        let told_ns = self.told_ns();
        let Some(link) = self.links.get_mut(&id) else { return };
        let (sequence, text) = coinbase::envelope(link, body, told_ns);
        let message = Message { stream: stream.into(), sequence, text: text.into(), queued: Instant::now() };
        self.send(id, Outgoing::Text(message));
    }

    /// Puts something on its way; a client that reads too slowly is cut off, as venues do.
    pub(crate) fn send(&mut self, id: u64, outgoing: Outgoing) {
        let Some(link) = self.links.get(&id) else { return };
        self.messages += u64::from(matches!(outgoing, Outgoing::Text(_)));
        if link.outbox.try_send(outgoing).is_err() {
            self.detach(id, "it read too slowly, or was gone");
        }
    }

    /// Ends a connection.
    pub(crate) fn end(&mut self, id: u64, how: Drop, code: u16, why: &str) {
        self.send(id, Outgoing::End { how, code, why: why.to_owned() });
        self.detach(id, why);
    }

    pub(crate) fn ping(&mut self, id: u64, payload: &[u8]) {
        let what = format!("ping {}", String::from_utf8_lossy(payload));
        self.send(id, Outgoing::Bytes { bytes: frame::ping(payload), what });
    }
}
