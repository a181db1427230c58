//! Steps become numbered envelopes, frames and a running head; what every kind of run journal has in common.

use engine_core::envelope::{Cause, Seq};
use engine_core::event::{Input, Output};
use engine_core::machine::Step;
use engine_core::time::Timestamp;
use engine_runtime::ports::{Head, JournalError, Origin};

use crate::chain::{DIGEST_BLOCK, StreamDigest};
use crate::frame::{self, FrameHeader};

/// Frames gathered since the last page, and the digest of everything before and in them.
#[derive(Debug, Clone)]
pub(crate) struct EventStream {
    digest: StreamDigest,
    frames: Vec<u8>,
    hashed: usize,
    unhashed: u64,
    count: u64,
    first_at: i64,
    last_at: i64,
}

/// An [`Event`](engine_core::event::Event) that is lent; written, the two are the same bytes.
#[derive(serde::Serialize)]
enum LentEvent<'a> {
    Input(&'a Input),
    Output(&'a Output),
}

/// What has been gathered for a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gathered {
    pub(crate) first_seq: u64,
    pub(crate) count: u32,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
}

impl EventStream {
    /// A stream that goes on where `digest` stands.
    pub(crate) fn new(digest: StreamDigest) -> Self {
        Self { digest, frames: Vec::new(), hashed: 0, unhashed: 0, count: 0, first_at: 0, last_at: 0 }
    }

    /// Number of the last event.
    pub(crate) const fn last_seq(&self) -> u64 {
        self.digest.count().saturating_add(self.unhashed)
    }

    /// Bytes gathered.
    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Adds a step: its input, unless that stays in a dataset, and its outputs. Whoever seals pages does so
    /// between steps, so that a step is kept whole or not at all.
    pub(crate) fn add(
        &mut self,
        origin: Origin,
        keeps_records: bool,
        records_read: u64,
        step: &Step,
    ) -> Result<(), JournalError> {
        let own = Cause::Event(Seq::new(self.last_seq().saturating_add(1)));
        let (recorded, cause) = match origin {
            Origin::Own => (true, own),
            Origin::Record(_) if keeps_records => (true, own),
            Origin::Record(tick) => (false, Cause::Record(tick)),
        };
        if recorded {
            self.add_event(step.at, records_read, cause, LentEvent::Input(&step.input))?;
        }
        for output in &step.outputs {
            self.add_event(step.at, records_read, cause, LentEvent::Output(output))?;
        }
        Ok(())
    }

    fn add_event(
        &mut self,
        at: Timestamp,
        records_read: u64,
        cause: Cause,
        event: LentEvent<'_>,
    ) -> Result<(), JournalError> {
        let seq = Seq::new(self.last_seq().saturating_add(1));
        let standing = FrameHeader { seq, at, records_read, cause };
        frame::encode(standing, &event, &mut self.frames).map_err(|error| JournalError::Poisoned {
            reason: format!("event {} cannot be encoded: {error}", seq.number()),
        })?;
        if self.count == 0 {
            self.first_at = at.nanos();
        }
        self.last_at = at.nanos();
        self.count = self.count.saturating_add(1);
        self.unhashed = self.unhashed.saturating_add(1);
        if seq.number().is_multiple_of(DIGEST_BLOCK) {
            self.hash();
        }
        Ok(())
    }

    /// Brings the digest up to the last frame. Many frames at once hash several times faster than one by one.
    fn hash(&mut self) {
        let new = self.frames.get(self.hashed..).unwrap_or_default();
        self.digest.push_run(new, self.unhashed);
        self.hashed = self.frames.len();
        self.unhashed = 0;
    }

    /// Takes what has been gathered out for a page, with the running digest up to its end.
    pub(crate) fn take(&mut self, frames: &mut Vec<u8>) -> Option<(Gathered, &StreamDigest)> {
        if self.count == 0 {
            return None;
        }
        self.hash();
        core::mem::swap(frames, &mut self.frames);
        self.frames.clear();
        self.hashed = 0;
        let count = u32::try_from(core::mem::take(&mut self.count)).unwrap_or(u32::MAX);
        let first_seq = self.digest.count().saturating_sub(u64::from(count)).saturating_add(1);
        let gathered = Gathered { first_seq, count, first_at: self.first_at, last_at: self.last_at };
        Some((gathered, &self.digest))
    }

    /// The head of everything added so far.
    pub(crate) fn head(&self) -> Head {
        let mut digest = self.digest.clone();
        digest.push_run(self.frames.get(self.hashed..).unwrap_or_default(), self.unhashed);
        digest.head()
    }
}
