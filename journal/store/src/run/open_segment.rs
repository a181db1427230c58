//! The segment of a run that is written now.

use std::path::Path;
use std::sync::Arc;

use engine_runtime::ports::JournalError;

use crate::beside::FileBeside;
use crate::chain::{ChainHead, Hash};
use crate::checkpoint::{self, CheckpointKey};
use crate::disk;
use crate::event_stream::Gathered;
use crate::journal_folder::{
    CHECKPOINT, PAGE_LOG, PAGES_TREE, SEGMENT_NOTE, SEGMENTS, damaged, segment_folder,
};
use crate::page_index::{self, PageIndex};
use crate::page_place::{PageFile, PagePlace};
use crate::segment::{self, SegmentNote};
use crate::segments::chain_in;
use crate::side_file;
use crate::snapshot;

/// When a segment of a run is full, and who signs it.
#[derive(Debug, Clone)]
pub struct SegmentRule {
    /// Bytes of its pages.
    pub bytes: u64,
    /// Nanoseconds of a span, counted from the epoch, of which a segment holds no more than one: a day.
    pub span_ns: i64,
    /// Signs its last head; nobody does when absent.
    pub key: Option<Arc<CheckpointKey>>,
    /// Tells the time written beside the signature, nanoseconds since the epoch.
    pub now: fn() -> i64,
}

/// What is known of the open segment.
#[derive(Debug, Clone)]
pub(super) struct OpenSegment {
    pub(super) rule: Option<SegmentRule>,
    pub(super) number: u64,
    pub(super) begins: ChainHead,
    /// Pages of the segments before.
    pub(super) pages_before: u64,
    /// When its first and its last event were learned.
    pub(super) moments: Option<(i64, i64)>,
    /// Bytes of its pages.
    pub(super) bytes: u64,
    /// The hash of the note of the segment before.
    pub(super) previous: Hash,
}

impl OpenSegment {
    /// The first of a run.
    pub(super) const fn first() -> Self {
        let (begins, previous) = (ChainHead::start_of_run(), [0; 32]);
        Self { rule: None, number: 1, begins, pages_before: 0, moments: None, bytes: 0, previous }
    }

    /// Counts a page in.
    pub(super) fn takes(&mut self, page: &Gathered, bytes: usize) {
        let first_at = self.moments.map_or(page.first_at, |(first_at, _)| first_at);
        self.moments = Some((first_at, page.last_at));
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Whether it is to be put away where a run can be taken up from next.
    pub(super) fn is_full(&self) -> bool {
        let Some((rule, (first_at, last_at))) = self.rule.as_ref().zip(self.moments) else { return false };
        let span = |at: i64| at.div_euclid(rule.span_ns.max(1));
        self.bytes >= rule.bytes || span(first_at) != span(last_at)
    }

    /// Puts it away, which ends with `head` and has so many `pages`, all of them in the page log of the run in `dir`: the
    /// log is read and proven, described, signed, and renamed last.
    pub(super) fn put_away(&mut self, dir: &Path, head: ChainHead, pages: u64) -> Result<(), JournalError> {
        let (folder, log) = (segment_folder(dir, self.number), dir.join(PAGE_LOG));
        disk::create_folders(&folder)?;
        disk::sync_directory(&dir.join(SEGMENTS))?;
        let file = PageFile::open(&log)?;
        let places = file.as_ref().map(|file| chain_in(file, 0, self.begins, head)).transpose()?;
        let places = places.unwrap_or_default();
        if places.last().map(PagePlace::head) != Some(head) || places.len() as u64 != pages {
            let reason = "the page log does not hold what was written to it; run verify, then rebuild";
            return Err(damaged(dir, self.begins.count.saturating_add(1), &reason));
        }
        let store_bytes = file.as_ref().map_or(0, PageFile::len);
        let chains = [(PAGES_TREE.to_owned(), places)].into();
        page_index::write(&folder, &PageIndex { store_bytes, head: Vec::new(), chains })?;
        self.describe(dir, &folder, head, pages)?;
        disk::rename(&log, &folder.join(PAGE_LOG)).map_err(|error| disk::io_error("rename", &log, error))?;
        disk::sync_directory(&folder)?;
        disk::sync_directory(dir)?;
        self.previous = segment::note_hash(&folder)?;
        Ok(())
    }

    fn describe(&self, dir: &Path, folder: &Path, head: ChainHead, pages: u64) -> Result<(), JournalError> {
        let (bytes, blake3) = segment::hash_of_file(&dir.join(PAGE_LOG))?;
        let snapshot = FileBeside::of(dir, &snapshot::file_of(dir, head.count))?;
        let key = self.rule.as_ref().and_then(|rule| Some((rule.key.as_ref()?, rule.now)));
        if let Some((key, now)) = &key {
            let files = snapshot.iter().cloned().collect();
            checkpoint::write(&folder.join(CHECKPOINT), &[key.sign_beside("run", head, files, now())])?;
        }
        let (first_at, last_at) = self.moments.unwrap_or_default();
        let note = SegmentNote {
            number: self.number,
            begins: self.begins,
            ends: head,
            first_at,
            last_at,
            pages,
            bytes,
            blake3,
            previous: self.previous,
            snapshot,
            signed_by: key.map(|(key, _)| key.public()),
        };
        side_file::write(&folder.join(SEGMENT_NOTE), &note)
    }

    /// The next one, behind `head` and so many `pages` of this one; its log has so many `bytes`.
    pub(super) fn follow(&mut self, head: ChainHead, pages: u64, bytes: u64) {
        self.number = self.number.saturating_add(1);
        self.begins = head;
        self.pages_before = self.pages_before.saturating_add(pages);
        (self.moments, self.bytes) = (None, bytes);
    }
}
