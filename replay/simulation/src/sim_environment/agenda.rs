//! Messages under way between house and venue.

use core::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use engine_core::event::{ExecutionReport, Input};
use engine_core::num::Qty;
use engine_core::order::{Order, OrderId};
use engine_core::time::Timestamp;

/// A message under way between house and venue.
#[derive(Debug)]
pub(super) enum Message {
    /// An order on its way to the venue.
    Place(Order),
    /// A cancel on its way to the venue.
    Cancel(OrderId),
    /// Another quantity for an order, on its way to the venue.
    Amend(OrderId, Qty),
    /// A report on its way to the house.
    Report(ExecutionReport),
    /// What the conductor says, on its way to the house.
    Tell(Box<Input>),
}

/// What arrives next comes first; of two that arrive at one moment, the one sent first.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    underway: BinaryHeap<Underway>,
    sent: u64,
}

impl Agenda {
    pub(super) fn is_empty(&self) -> bool {
        self.underway.is_empty()
    }

    /// Sends a message that arrives at `at`.
    pub(super) fn send(&mut self, at: Timestamp, message: Message) {
        self.sent += 1;
        self.underway.push(Underway { at, number: self.sent, message });
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

#[derive(Debug)]
struct Underway {
    at: Timestamp,
    number: u64,
    message: Message,
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
        let mut agenda = Agenda::default();
        for (at, id) in [(5, 1), (3, 2), (5, 3), (3, 4), (4, 5), (5, 6)] {
            agenda.send(Timestamp::from_nanos(at), Message::Cancel(OrderId::new(id)));
        }
        let mut arrived = Vec::new();
        assert_eq!(agenda.next_at(), Some(Timestamp::from_nanos(3)));
        assert!(agenda.take(|_| false).is_none());
        while let Some((at, Message::Cancel(id))) = agenda.take(|_| true) {
            arrived.push((at.nanos(), id.number()));
        }
        assert_eq!(arrived, [(3, 2), (3, 4), (4, 5), (5, 1), (5, 3), (5, 6)]);
        assert!(agenda.is_empty());
    }
}
