//! Words about how far a run has come.

use engine_core::time::Timestamp;

use super::RunRecorder;

/// Market records between two words about progress.
pub(super) const PROGRESS_EVERY: u64 = 1 << 16;

/// Hears how far a run has come.
pub trait Progress {
    /// `done` of `total` market records have been played; `at` is the moment reached.
    fn advanced(&mut self, done: u64, total: u64, at: Timestamp);
}

/// Says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn advanced(&mut self, _done: u64, _total: u64, _at: Timestamp) {}
}

impl RunRecorder<'_> {
    /// A word about progress, when enough has been played since the last.
    pub(super) fn say(&mut self, at: Timestamp) {
        if self.counts.records_read >= self.next_word {
            self.next_word = self.counts.records_read + PROGRESS_EVERY;
            self.progress.advanced(self.counts.records_read, self.total, at);
        }
    }
}
