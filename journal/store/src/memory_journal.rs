//! Journals that keep nothing on disk, with the same head as one that does.

use engine_core::envelope::{Envelope, Seq};
use engine_core::machine::Step;
use engine_runtime::ports::{Head, Journal, JournalError, Origin};

use crate::chain::{RUN_START, StreamDigest};
use crate::event_stream::EventStream;
use crate::frame::Frames;

/// Frames after which they are hashed and, in a digest journal, forgotten.
const BATCH_BYTES: usize = 32 * 1024;

/// Keeps every envelope in memory; for tests and short runs.
#[derive(Debug, Clone)]
pub struct MemoryJournal {
    stream: EventStream,
    kept: Vec<Vec<u8>>,
    keeps_records: bool,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self {
            stream: EventStream::new(StreamDigest::new(RUN_START)),
            kept: Vec::new(),
            keeps_records: false,
        }
    }
}

impl MemoryJournal {
    /// A journal that also keeps market records which stay in a dataset.
    #[must_use]
    pub fn self_contained() -> Self {
        Self { keeps_records: true, ..Self::default() }
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
    fn append(&mut self, origin: Origin, records_read: u64, step: &Step) -> Result<(), JournalError> {
        self.stream.add(origin, self.keeps_records, records_read, step)?;
        if self.stream.len() >= BATCH_BYTES {
            let mut batch = Vec::new();
            self.stream.take(&mut batch);
            self.kept.push(batch);
        }
        Ok(())
    }

    fn keeps_records(&self) -> bool {
        self.keeps_records
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
        Self { stream: EventStream::new(StreamDigest::new(RUN_START)), spare: Vec::new() }
    }
}

impl Journal for DigestJournal {
    fn append(&mut self, origin: Origin, records_read: u64, step: &Step) -> Result<(), JournalError> {
        self.stream.add(origin, false, records_read, step)?;
        if self.stream.len() >= BATCH_BYTES {
            self.stream.take(&mut self.spare);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        Ok(Seq::new(self.stream.last_seq()))
    }

    fn head(&self) -> Head {
        self.stream.head()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::run::{Closing, RunJournal, RunOptions, RunReader};
    use crate::sample::{Sampler, append_all, append_closed};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_journal_and_page_size_gives_one_head(seed in any::<u64>(), steps in 1_usize..300) {
            let calls = Sampler::calls(seed, steps);
            let (mut memory, mut digest) = (MemoryJournal::default(), DigestJournal::default());
            append_all(&mut memory, &calls);
            append_all(&mut digest, &calls);
            append_closed(&mut memory, &calls);
            append_closed(&mut digest, &calls);
            prop_assert_eq!(memory.head(), digest.head());
            let envelopes = memory.envelopes();
            prop_assert_eq!(envelopes.len() as u64, memory.head().count);
            for (page_bytes, page_log) in [(512, true), (16 << 10, false)] {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("run");
                let options = RunOptions { page_bytes, page_log, self_contained: false };
                let mut run = RunJournal::create(&path, options).unwrap();
                for (index, call) in calls.iter().enumerate() {
                    run.append(call.origin, call.records_read, &call.step).unwrap();
                    if index % 97 == 96 {
                        run.sync().unwrap();
                    }
                }
                append_closed(&mut run, &calls);
                prop_assert_eq!(run.head(), memory.head());
                let head = run.close(Closing::default()).unwrap();
                prop_assert_eq!(head.head(), memory.head());
                let reader = RunReader::open(&path).unwrap();
                prop_assert_eq!((reader.head(), reader.is_complete()), (memory.head(), true));
                let read: Vec<_> = reader.envelopes(Seq::FIRST).unwrap().map(Result::unwrap).collect();
                prop_assert_eq!(&read, &envelopes);
                let middle = Seq::new(memory.head().count / 2 + 1);
                let tail: Vec<_> = reader.envelopes(middle).unwrap().map(Result::unwrap).collect();
                let from = usize::try_from(middle.number() - 1).unwrap();
                prop_assert_eq!(Some(tail.as_slice()), envelopes.get(from..));
                // Beside another reader, as any number of them may read.
                let report = crate::verify::verify(&path, None).unwrap();
                prop_assert!(report.is_sound() && report.complete, "{:?}", report.findings);
                prop_assert_eq!(report.head(), Some(memory.head()));
            }
        }
    }

    #[test]
    fn records_are_kept_only_when_asked() {
        let calls = Sampler::calls(11, 200);
        let (mut lean, mut whole) = (MemoryJournal::default(), MemoryJournal::self_contained());
        append_all(&mut lean, &calls);
        append_all(&mut whole, &calls);
        let records_read =
            calls.iter().filter(|call| matches!(call.origin, Origin::Record(_))).count() as u64;
        assert!(records_read > 10);
        assert_eq!(whole.head().count, lean.head().count + records_read);
        assert!(whole.keeps_records() && !lean.keeps_records());
        let numbers: Vec<_> = whole.envelopes().iter().map(|envelope| envelope.seq.number()).collect();
        assert_eq!(numbers, (1..=whole.head().count).collect::<Vec<_>>());
    }
}
