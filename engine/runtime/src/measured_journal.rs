//! A journal of which it is known how long orders take to be on disk.

use std::time::Instant;

use engine_core::envelope::Seq;
use engine_core::event::Output;
use engine_core::machine::Step;

use crate::latency::{Latencies, Leg};
use crate::ports::{Head, Journal, JournalError, Origin};

/// A journal that notes when an order reaches it and when it is durable.
#[derive(Debug)]
pub struct MeasuredJournal<J> {
    journal: J,
    latencies: Latencies,
    /// When that was read which led to the first order that is not durable yet.
    waits_since: Option<Instant>,
}

impl<J> MeasuredJournal<J> {
    /// `journal`, measured in `latencies`.
    pub const fn new(journal: J, latencies: Latencies) -> Self {
        Self { journal, latencies, waits_since: None }
    }

    /// The journal, as it stands.
    pub fn into_inner(self) -> J {
        self.journal
    }
}

impl<J: Journal> Journal for MeasuredJournal<J> {
    fn append(&mut self, origin: Origin, records_read: u64, step: &Step) -> Result<(), JournalError> {
        if step.outputs.iter().any(|output| matches!(output, Output::OrderSubmitted(_))) {
            let read = self.latencies.approved();
            self.waits_since = self.waits_since.or(read);
        }
        self.journal.append(origin, records_read, step)
    }

    fn keeps_records(&self) -> bool {
        self.journal.keeps_records()
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        let durable = self.journal.sync()?;
        if let Some(read) = self.waits_since.take() {
            self.latencies.note(Leg::TickToDurable, read.elapsed());
        }
        Ok(durable)
    }

    fn is_segment_full(&self) -> bool {
        self.journal.is_segment_full()
    }

    fn end_segment(&mut self) -> Result<(), JournalError> {
        self.journal.end_segment()
    }

    fn head(&self) -> Head {
        self.journal.head()
    }
}
