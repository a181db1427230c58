//! Journals that keep nothing on disk, with the same head as one that does.

use engine_core::envelope::{Envelope, Seq};
use engine_core::machine::Step;
use engine_runtime::ports::{Head, Journal, JournalError, Origin};

use crate::chain::StreamDigest;
use crate::event_stream::{EventStream, START};
use crate::frame::Frames;

/// Frames after which they are hashed and, in a digest journal, forgotten.
const BATCH_BYTES: usize = 16 * 1024;

/// Keeps every envelope in memory; for tests and short runs.
#[derive(Debug, Clone)]
pub struct MemoryJournal {
    stream: EventStream,
    kept: Vec<Vec<u8>>,
    keeps_ticks: bool,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self { stream: EventStream::new(StreamDigest::new(START), 0), kept: Vec::new(), keeps_ticks: false }
    }
}

impl MemoryJournal {
    /// A journal that also keeps market records which stay in a dataset.
    #[must_use]
    pub fn self_contained() -> Self {
        Self { keeps_ticks: true, ..Self::default() }
    }

    /// Every envelope so far, in order.
    #[must_use]
    pub fn envelopes(&self) -> Vec<Envelope> {
        let mut rest = self.stream.clone();
        let mut last = Vec::new();
        rest.take(&mut last);
        let batches = self.kept.iter().chain(core::iter::once(&last));
        batches.flat_map(|batch| Frames::new(batch)).filter_map(|frame| frame.envelope()).collect()
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, origin: Origin, ticks: u64, step: &Step) -> Result<(), JournalError> {
        let kept = &mut self.kept;
        self.stream.add(origin, self.keeps_ticks, ticks, step, |stream| {
            if stream.len() >= BATCH_BYTES {
                let mut batch = Vec::new();
                stream.take(&mut batch);
                kept.push(batch);
            }
            Ok(())
        })
    }

    fn keeps_ticks(&self) -> bool {
        self.keeps_ticks
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        Ok(Seq::new(self.stream.last_seq()))
    }

    fn head(&self) -> Head {
        self.stream.head()
    }
}

/// Keeps only count and digest; for thousands of runs of which few matter.
#[derive(Debug, Clone)]
pub struct DigestJournal {
    stream: EventStream,
    spare: Vec<u8>,
}

impl Default for DigestJournal {
    fn default() -> Self {
        Self { stream: EventStream::new(StreamDigest::new(START), 0), spare: Vec::new() }
    }
}

impl Journal for DigestJournal {
    fn append(&mut self, origin: Origin, ticks: u64, step: &Step) -> Result<(), JournalError> {
        let spare = &mut self.spare;
        self.stream.add(origin, false, ticks, step, |stream| {
            if stream.len() >= BATCH_BYTES {
                stream.take(spare);
            }
            Ok(())
        })
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        Ok(Seq::new(self.stream.last_seq()))
    }

    fn head(&self) -> Head {
        self.stream.head()
    }
}
