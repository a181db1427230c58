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
    next: u64,
}

impl Snapshots {
    /// In `dir` every `every` events and at the end; only at the end when `every` is zero.
    pub(super) fn new(dir: &Path, every: u64) -> Self {
        let every = if every == 0 { u64::MAX } else { every };
        Self { dir: dir.to_path_buf(), every, next: every }
    }

    /// Keeps `state`, which `last` led to, when it is time.
    pub(super) fn keep(&mut self, state: &State, last: Seq) -> Result<(), JournalError> {
        let seq = last.number();
        if seq < self.next && state.is_open() {
            return Ok(());
        }
        self.next = seq.saturating_add(self.every);
        snapshot::put(
            &self.dir,
            &Snapshot { seq: last, records_read: state.records_read(), state: state.clone() },
        )
    }
}
