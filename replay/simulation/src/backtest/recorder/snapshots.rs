//! The folded state, kept beside the run as it goes by.

use std::path::{Path, PathBuf};

use engine_core::envelope::Seq;
use engine_core::state::State;
use engine_runtime::ports::JournalError;
use journal_store::snapshot::{self, Snapshot};

/// Where and how often the folded state is kept.
#[derive(Debug, Clone)]
pub(super) struct Snapshots {
    dir: PathBuf,
    every: u64,
    next_event: u64,
    next_record: u64,
}

/// Market records for each event between two snapshots: folding so many takes no longer than folding the event, and a
/// run may read millions of records without any.
const RECORDS_AN_EVENT: u64 = 20;

impl Snapshots {
    /// In `dir` at the first event after `every` events or twenty times as many market records, and at the end; only
    /// at the end when `every` is zero.
    pub(super) fn new(dir: &Path, every: u64) -> Self {
        let every = if every == 0 { u64::MAX } else { every };
        let mut snapshots = Self { dir: dir.to_path_buf(), every, next_event: 0, next_record: 0 };
        snapshots.wait(0, 0);
        snapshots
    }

    /// Waits for the next snapshot behind one at event `seq`.
    fn wait(&mut self, seq: u64, records_read: u64) {
        // Beyond the last number there is none to wait for.
        self.next_event = seq.checked_add(self.every).unwrap_or(u64::MAX);
        let records = self.every.checked_mul(RECORDS_AN_EVENT);
        self.next_record = records.and_then(|records| records_read.checked_add(records)).unwrap_or(u64::MAX);
    }

    /// Keeps `state`, which `last` led to, when it is time.
    pub(super) fn keep(&mut self, state: &State, last: Seq) -> Result<(), JournalError> {
        let (seq, records_read) = (last.number(), state.records_read());
        if seq < self.next_event && records_read < self.next_record && state.is_open() {
            return Ok(());
        }
        self.wait(seq, records_read);
        snapshot::put(&self.dir, &Snapshot { seq: last, records_read, state: state.clone() })
    }
}
