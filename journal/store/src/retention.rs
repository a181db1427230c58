//! Segments that are dropped when they are old or too many: the oldest go whole, and what is kept is a run still.
//!
//! A run is kept from a snapshot on, and so that it can be written on: the last segment that was put away stays, and so do
//! the events that the digest of the block which is written now is made of, [`DIGEST_BLOCK`] at most.

use std::path::Path;

use engine_core::envelope::Seq;
use engine_runtime::ports::JournalError;

use crate::beside::Standing;
use crate::chain::{DIGEST_BLOCK, RUN_START};
use crate::checkpoint::CheckpointKey;
use crate::disk;
use crate::dropped::{self, Dropped};
use crate::frame::{self, Frames};
use crate::journal_folder::{HEAD_FILE, PACKED_PAGES, PAGE_LOG, SEGMENTS, damaged, segment_folder};
use crate::page;
use crate::page_index::PAGE_INDEX;
use crate::public_key::PublicKey;
use crate::segment::{self, SegmentNote};
use crate::segments::Segments;
use crate::snapshot;
use crate::writer_lock::WriterLock;

/// How much of a run is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Segments whose last event was learned before this moment (nanoseconds since the epoch) are not.
    pub before: Option<i64>,
    /// Bytes that the pages of the segments which were put away may take; the oldest beyond are not kept.
    pub bytes: Option<u64>,
}

/// What was dropped, and what was not although it was to be.
#[derive(serde::Serialize, Debug, Clone, Default, PartialEq, Eq)]
pub struct DroppedNow {
    /// Numbers of the segments that went.
    pub segments: Vec<u64>,
    /// Bytes that their pages took.
    pub bytes: u64,
    /// How many more were to go, and have to stay: the run could not be taken up or written on without them.
    pub stay: u64,
}

/// Why nothing was dropped.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The run cannot be read, or the disk refuses.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Others have signed the segments. Name the key of who did.
    #[error(
        "drop segments of {path}: {signer} signed segment {segment}, and only who signed it can say that it was dropped on purpose; name that key with --key FILE"
    )]
    OtherSigner {
        /// The directory of the run.
        path: String,
        /// The last segment that was to go.
        segment: u64,
        /// Who signed it.
        signer: PublicKey,
    },
}

/// Who drops segments, and when.
#[derive(Debug, Clone, Copy)]
pub struct Dropper<'a> {
    /// The key that signed the segments; none is needed where nobody did.
    pub key: Option<&'a CheckpointKey>,
    /// The time that is written down, nanoseconds since the epoch.
    pub now: i64,
}

/// Drops of the run in `dir` what `retention` does not keep, the oldest first; the run may go on meanwhile. That they were
/// dropped is written down, and lasts, before anything goes.
///
/// # Errors
/// [`RetentionError`]; `Locked` while another program drops or packs segments of the run.
pub fn drop_segments(
    dir: &Path,
    retention: Retention,
    dropper: Dropper<'_>,
) -> Result<DroppedNow, RetentionError> {
    if !dir.join(HEAD_FILE).is_file() {
        let (path, reason) = (dir.display().to_string(), format!("it has no {HEAD_FILE}"));
        return Err(JournalError::NotAJournal { path, reason }.into());
    }
    if !dir.join(SEGMENTS).is_dir() {
        return Ok(DroppedNow::default());
    }
    let _lock = WriterLock::take(&dir.join(SEGMENTS))?;
    let segments = Segments::beside_a_writer(dir)?;
    remove_stated(dir, &segments)?;
    let unwanted = unwanted(dir, &segments, retention)?;
    let Some(last) = last_that_can_go(dir, &segments, &unwanted)? else {
        return Ok(DroppedNow { stay: unwanted.len() as u64, ..DroppedNow::default() });
    };
    let gone: Vec<&(SegmentNote, u64)> =
        unwanted.iter().filter(|(note, _)| note.number <= last.number).collect();
    let statement = statement(dir, &segments, last, dropper)?;
    dropped::state(dir, &statement)?;
    remove_rest(dir, &statement)?;
    Ok(DroppedNow {
        segments: gone.iter().map(|(note, _)| note.number).collect(),
        bytes: gone.iter().map(|(_, bytes)| bytes).sum(),
        stay: (unwanted.len().saturating_sub(gone.len())) as u64,
    })
}

/// Removes what a kill left of segments that were dropped; does nothing while another program drops some.
///
/// # Errors
/// What the disk says.
pub(crate) fn finish(dir: &Path) -> Result<(), JournalError> {
    if dropped::dropped_of(dir)?.is_none() {
        return Ok(());
    }
    match WriterLock::take(&dir.join(SEGMENTS)) {
        Ok(_lock) => remove_stated(dir, &Segments::beside_a_writer(dir)?),
        Err(JournalError::Locked { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The segments that `retention` does not keep, the oldest first, and the bytes that the pages of each take.
fn unwanted(
    dir: &Path,
    segments: &Segments,
    retention: Retention,
) -> Result<Vec<(SegmentNote, u64)>, JournalError> {
    let here = segments.notes().filter(|note| !segments.is_dropped(note.number));
    let here: Vec<(SegmentNote, u64)> =
        here.map(|note| Ok((note.clone(), bytes_of(dir, note)?))).collect::<Result<_, JournalError>>()?;
    let mut left: u64 = here.iter().map(|(_, bytes)| bytes).sum();
    let mut unwanted = Vec::new();
    for (note, bytes) in here {
        let is_old = retention.before.is_some_and(|before| note.last_at < before);
        let is_much = retention.bytes.is_some_and(|most| left > most);
        if !(is_old || is_much) {
            break;
        }
        left = left.saturating_sub(bytes);
        unwanted.push((note, bytes));
    }
    Ok(unwanted)
}

fn bytes_of(dir: &Path, note: &SegmentNote) -> Result<u64, JournalError> {
    let folder = segment_folder(dir, note.number);
    for name in [PAGE_LOG, PACKED_PAGES] {
        let path = folder.join(name);
        match std::fs::metadata(&path) {
            Ok(metadata) => return Ok(metadata.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(disk::io_error("read", &path, error)),
        }
    }
    Ok(0)
}

/// The last of the `unwanted` segments behind which the run can be taken up and written on.
fn last_that_can_go<'a>(
    dir: &Path,
    segments: &Segments,
    unwanted: &'a [(SegmentNote, u64)],
) -> Result<Option<&'a SegmentNote>, JournalError> {
    let (newest, end) = (segments.next_number().saturating_sub(1), segments.ends().count);
    let block = end / DIGEST_BLOCK * DIGEST_BLOCK;
    for (note, _) in unwanted.iter().rev() {
        if note.number < newest && note.ends.count <= block && begins_behind(dir, note)? {
            return Ok(Some(note));
        }
    }
    Ok(None)
}

/// Whether the snapshot at the end of a segment is there, so that a run can begin behind it.
fn begins_behind(dir: &Path, note: &SegmentNote) -> Result<bool, JournalError> {
    let Some(named) = &note.snapshot else { return Ok(false) };
    let kept = snapshot::get(dir, Seq::new(note.ends.count))?;
    Ok(kept.is_some_and(|kept| kept.environment.is_some()) && named.standing(dir)? == Standing::AsNamed)
}

/// That `last` and all segments before it are dropped.
fn statement(
    dir: &Path,
    segments: &Segments,
    last: &SegmentNote,
    dropper: Dropper<'_>,
) -> Result<Dropped, RetentionError> {
    let own = dropper.key.map(CheckpointKey::public);
    if let Some(signer) = last.signed_by.filter(|signer| own != Some(*signer)) {
        let (path, segment) = (dir.display().to_string(), last.number);
        return Err(RetentionError::OtherSigner { path, segment, signer });
    }
    let before = segments.dropped();
    let opening = match before.and_then(Dropped::opening_bytes) {
        Some(opening) => opening,
        None => opening(dir, segments)?,
    };
    let since = before.map_or(dropper.now, |before| before.since);
    let note = segment::note_hash(&segment_folder(dir, last.number))?;
    let statement = Dropped::new((last.number, last.ends, note), since, dropper.now.max(since), &opening);
    Ok(match dropper.key {
        Some(key) => statement.signed(key),
        None => statement,
    })
}

/// The frame of the first event, from the first page of the first segment, which its link proves.
fn opening(dir: &Path, segments: &Segments) -> Result<Vec<u8>, JournalError> {
    let unread = || damaged(dir, 1, &"the first page cannot be read; run verify, then rebuild");
    let place = segments.place(0).map(|standing| standing.place).filter(|place| place.len > 0);
    let place = place.ok_or_else(unread)?;
    let bytes = segments.read(0, place.offset, place.len)?;
    let (header, link) = page::open(&bytes).map_err(|_| unread())?;
    let is_first = header.first_seq == 1 && header.block == RUN_START && link == place.link;
    let frames = frame::unpack(page::payload(&bytes, &header));
    let first = Frames::new(&frames).next().filter(|frame| is_first && frame.is_sound && frame.seq == 1);
    first.map(|frame| frame.bytes.to_vec()).ok_or_else(unread)
}

/// Removes what is left of what was dropped, where whoever signed it says that it was.
fn remove_stated(dir: &Path, segments: &Segments) -> Result<(), JournalError> {
    let dropped = segments.dropped().filter(|dropped| dropped.is_said_by(segments.signer_of(dropped.last)));
    dropped.map_or(Ok(()), |dropped| remove_rest(dir, dropped))
}

/// Removes what is left of the segments that were `dropped`: their pages, and snapshots before the one that the run begins
/// with now.
fn remove_rest(dir: &Path, dropped: &Dropped) -> Result<(), JournalError> {
    for number in 1..=dropped.last {
        let folder = segment_folder(dir, number);
        for name in [PAGE_LOG, PACKED_PAGES, PAGE_INDEX, "pages.pack.new", "pages.log.new"] {
            disk::remove_if_there(&folder.join(name))?;
        }
    }
    for seq in snapshot::list(dir)?.into_iter().filter(|seq| seq.number() < dropped.ends.count) {
        disk::remove_if_there(&snapshot::file_of(dir, seq.number()))?;
    }
    Ok(())
}
