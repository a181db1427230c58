//! Messages under way between engine and venue.

use core::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use engine_core::event::{ExecutionReport, Input};
use engine_core::num::Qty;
use engine_core::order::{Order, OrderId};
use engine_core::time::Timestamp;

/// A message under way between engine and venue.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) enum Message {
    /// An order on its way to the venue.
    Place(Order),
    /// A cancel on its way to the venue.
    Cancel(OrderId),
    /// Another quantity for an order, on its way to the venue.
    Amend(OrderId, Qty),
    /// A report on its way to the engine.
    Report(ExecutionReport),
    /// What the conductor says, on its way to the engine.
    Tell(Box<Input>),
}

/// What arrives next comes first; of two that arrive at one moment, the one sent first.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct MessageQueue {
    #[serde(serialize_with = "in_order")]
    underway: BinaryHeap<Underway>,
    sent: u64,
}

impl MessageQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.underway.is_empty()
    }

    /// Sends a message that arrives at `at`.
    pub(super) fn send(&mut self, at: Timestamp, message: Message) {
        self.sent += 1;
        self.underway.push(Underway { at, number: self.sent, message });
    }

    /// Whether how inference is set up is still to be told.
    pub(super) fn holds_a_setup(&self) -> bool {
        let is_setup = |message: &Message| matches!(message, Message::Tell(input) if matches!(**input, Input::Inference(_)));
        self.underway.iter().any(|underway| is_setup(&underway.message))
    }

    /// When the next message arrives.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.underway.peek().map(|first| first.at)
    }

    /// Takes the next message when it arrives at a moment that `is_due`.
    pub(super) fn take(&mut self, is_due: impl FnOnce(Timestamp) -> bool) -> Option<(Timestamp, Message)> {
        let first = self.underway.peek_mut().filter(|first| is_due(first.at))?;
        let Underway { at, message, .. } = PeekMut::pop(first);
        Some((at, message))
    }
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Underway {
    at: Timestamp,
    number: u64,
    message: Message,
}

/// Writes messages in the order they arrive: the same messages have the same bytes, however they lie in the heap.
fn in_order<S: serde::Serializer>(underway: &BinaryHeap<Underway>, out: S) -> Result<S::Ok, S::Error> {
    let mut messages: Vec<&Underway> = underway.iter().collect();
    messages.sort_unstable_by(|one, other| other.cmp(one));
    out.collect_seq(messages)
}

// A heap gives its greatest first, so that is the earliest here.
impl Ord for Underway {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl PartialOrd for Underway {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Underway {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Underway {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_arrive_by_moment_and_then_in_the_order_they_were_sent() {
        let mut messages = MessageQueue::default();
        for (at, id) in [(5, 1), (3, 2), (5, 3), (3, 4), (4, 5), (5, 6)] {
            messages.send(Timestamp::from_nanos(at), Message::Cancel(OrderId::new(id)));
        }
        let mut arrived = Vec::new();
        assert_eq!(messages.next_at(), Some(Timestamp::from_nanos(3)));
        assert!(messages.take(|_| false).is_none());
        while let Some((at, Message::Cancel(id))) = messages.take(|_| true) {
            arrived.push((at.nanos(), id.number()));
        }
        assert_eq!(arrived, [(3, 2), (3, 4), (4, 5), (5, 1), (5, 3), (5, 6)]);
        assert!(messages.is_empty());
    }

    #[test]
    fn messages_read_back_arrive_as_they_would_have_and_have_the_same_bytes_however_they_were_sent() {
        let config = bincode::config::standard();
        let bytes = |messages: &MessageQueue| bincode::serde::encode_to_vec(messages, config).unwrap();
        let mut messages = MessageQueue::default();
        for (at, number) in [(5, 1), (3, 2), (5, 3), (3, 4), (4, 5), (9, 6), (1, 7), (3, 8)] {
            let report = engine_core::event::Execution::Accepted;
            let at = Timestamp::from_nanos(at);
            let order = OrderId::default().next();
            messages.send(
                at,
                match number % 3 {
                    0 => Message::Cancel(order),
                    1 => Message::Report(ExecutionReport { order, venue_at: at, execution: report }),
                    _ => Message::Tell(Box::new(Input::Deadline)),
                },
            );
        }
        let _ = messages.take(|_| true);
        let written = bytes(&messages);
        let (mut read, _): (MessageQueue, usize) =
            bincode::serde::decode_from_slice(&written, config).unwrap();
        assert_eq!(bytes(&read), written);
        for queue in [&mut messages, &mut read] {
            queue.send(Timestamp::from_nanos(3), Message::Amend(OrderId::default(), Qty::from(1)));
        }
        while let Some(next) = messages.take(|_| true) {
            assert_eq!(format!("{:?}", read.take(|_| true)), format!("{:?}", Some(next)));
            assert_eq!(bytes(&read), bytes(&messages));
        }
        assert!(read.is_empty());
    }
}
