//! What a recorder has recorded so far, counted for whoever watches.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use engine_core::time::Timestamp;

use crate::frame_line::{ConnectionEvent, Said};
use crate::frame_log_error::FrameLogError;

/// Counts of a running recording, shared between its thread and whoever watches.
#[derive(Debug, Default)]
pub struct RecordingTally {
    frames: AtomicU64,
    text_bytes: AtomicU64,
    file_bytes: AtomicU64,
    files: AtomicU64,
    connections: AtomicU64,
    losses: AtomicU64,
    refusals: AtomicU64,
    unread: AtomicU64,
    last_at_ns: AtomicI64,
    failure: Mutex<Option<FrameLogError>>,
}

/// Counts at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordingCounts {
    /// Frames that the venue sent.
    pub frames: u64,
    /// Bytes of their texts.
    pub text_bytes: u64,
    /// Bytes in files.
    pub file_bytes: u64,
    /// Files that were begun.
    pub files: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Connections that were lost.
    pub losses: u64,
    /// Connections that could not be made.
    pub refusals: u64,
    /// Frames among those recorded that the adapter cannot read.
    pub unread: u64,
    /// When the last frame was read; nothing before the first.
    pub last_at: Option<Timestamp>,
}

impl RecordingTally {
    /// One more line.
    pub(crate) fn add(&self, said: &Said, at: Timestamp) {
        let count = |counter: &AtomicU64, by: u64| {
            counter.fetch_add(by, Ordering::Relaxed);
        };
        match said {
            Said::Text(text) => {
                count(&self.frames, 1);
                count(&self.text_bytes, text.len() as u64);
                self.last_at_ns.store(at.nanos(), Ordering::Relaxed);
            }
            Said::Event(ConnectionEvent::Begun) => count(&self.connections, 1),
            Said::Event(ConnectionEvent::Lost { .. }) => count(&self.losses, 1),
            Said::Event(ConnectionEvent::Refused { .. }) => count(&self.refusals, 1),
            Said::Event(ConnectionEvent::Ended) => {}
        }
    }

    /// So many bytes more are in a file.
    pub(crate) fn wrote(&self, bytes: usize) {
        self.file_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Another file was begun.
    pub(crate) fn began_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// A frame that was recorded and cannot be read.
    pub(crate) fn could_not_read(&self) {
        self.unread.fetch_add(1, Ordering::Relaxed);
    }

    /// Nothing more can be recorded.
    pub(crate) fn fail(&self, error: FrameLogError) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Whether nothing more can be recorded.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Why nothing more can be recorded, told once.
    pub fn take_failure(&self) -> Option<FrameLogError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The counts now.
    #[must_use]
    pub fn counts(&self) -> RecordingCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let frames = of(&self.frames);
        let last_at = Timestamp::from_nanos(self.last_at_ns.load(Ordering::Relaxed));
        RecordingCounts {
            frames,
            text_bytes: of(&self.text_bytes),
            file_bytes: of(&self.file_bytes),
            files: of(&self.files),
            connections: of(&self.connections),
            losses: of(&self.losses),
            refusals: of(&self.refusals),
            unread: of(&self.unread),
            last_at: (frames > 0).then_some(last_at),
        }
    }
}
