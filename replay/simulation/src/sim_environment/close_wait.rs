//! Messages that wait for the bar of their own moment.
//!
//! Bars of several instruments that end at one moment are told one after the other. Under `same-close` an order that
//! answers the first of them meets another instrument at the close of that moment, not at the one before: what
//! concerns an instrument whose bar of the moment may still come waits for it, or for the next moment.

use engine_core::instrument::InstrumentId;
use engine_core::time::Timestamp;

use super::message_queue::Message;
use super::{Next, SimEnvironment};
use crate::config::FillModel;
use replay_history::market_source::MarketSource;

/// Messages to the venue that wait for a bar, in the order they were sent.
#[derive(Debug, Default)]
pub(super) struct CloseWait {
    waiting: Vec<(InstrumentId, Message)>,
}

impl CloseWait {
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl<S: MarketSource> SimEnvironment<S> {
    /// Delivers a message, unless it goes to the venue and has to wait for a bar that ends at `at`.
    pub(super) fn arrive(&mut self, at: Timestamp, message: Message) -> Next {
        let waits = (self.model == FillModel::SameClose).then(|| self.concerns(&message)).flatten();
        match waits.filter(|instrument| self.may_close_at(at, *instrument)) {
            Some(instrument) => {
                self.close_wait.waiting.push((instrument, message));
                Next::Again
            }
            None => self.deliver(at, message),
        }
    }

    /// The first message whose wait is over, when the next market record comes at `market`.
    pub(super) fn take_closed(&mut self, market: Option<Timestamp>) -> Option<Message> {
        let moment_is_over = market.is_none_or(|market| market > self.now);
        let over = |(instrument, _): &(InstrumentId, Message)| {
            moment_is_over || self.venue.closed_at(*instrument) >= self.now
        };
        let place = self.close_wait.waiting.iter().position(over)?;
        Some(self.close_wait.waiting.remove(place).1)
    }

    /// The instrument that a message to the venue is about.
    fn concerns(&self, message: &Message) -> Option<InstrumentId> {
        match message {
            Message::Place(order) => Some(order.instrument),
            Message::Cancel(id) | Message::Amend(id, _) => {
                let mut waiting = self.close_wait.waiting.iter();
                let placed = waiting.find_map(|(instrument, waiting)| {
                    matches!(waiting, Message::Place(order) if order.id == *id).then_some(*instrument)
                });
                placed.or_else(|| self.venue.instrument_of(*id))
            }
            Message::Report(_) | Message::Tell(_) => None,
        }
    }

    /// Whether the bar whose path is walked is one of `instrument`.
    pub(super) fn is_walked(&self, instrument: InstrumentId) -> bool {
        let walked = self.ahead.as_ref().filter(|_| self.path_at.is_some());
        walked.is_some_and(|item| item.update.instrument() == instrument)
    }

    /// The venue's time when a message about `instrument` reaches it at `at`: inside the bar that is walked, its path's.
    pub(super) fn venue_time(&self, at: Timestamp, instrument: Option<InstrumentId>) -> Timestamp {
        let walked = instrument.is_some_and(|instrument| self.is_walked(instrument));
        self.path_at.filter(|_| walked).unwrap_or(at)
    }

    fn may_close_at(&self, at: Timestamp, instrument: InstrumentId) -> bool {
        // Nothing overtakes what was sent before it.
        let queues = self.close_wait.waiting.iter().any(|(waiting, _)| *waiting == instrument);
        // On the path through its own bar the venue is told at once.
        queues || (!self.is_walked(instrument) && self.venue.closed_at(instrument) < at)
    }
}

#[cfg(test)]
mod tests;
