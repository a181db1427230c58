//! Words about how far a run has come.

use engine_core::time::Timestamp;

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
