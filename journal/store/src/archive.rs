//! Segments of a run kept compressed where they lie: every command reads them as before, and they can be unpacked again.

use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::disk;
use crate::journal_folder::{PACKED_PAGES, PAGE_LOG, SEGMENTS, damaged, segment_folder};
use crate::packed_pages::{PackedPages, pack};
use crate::segment::{self, SegmentNote};
use crate::segments::Segments;
use crate::writer_lock::WriterLock;

/// A segment that was packed or unpacked.
#[derive(serde::Serialize, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Archived {
    /// Its number.
    pub number: u64,
    /// Bytes of its pages before.
    pub bytes_before: u64,
    /// Bytes of its pages now.
    pub bytes: u64,
}

/// Packs every segment of the run in `dir` whose last event was learned before `before` (nanoseconds since the epoch). Each is
/// read back and proven before its pages are removed; the run may go on meanwhile.
///
/// # Errors
/// `Damaged` when a segment is not what its note says, which leaves it as it is; otherwise what the disk says. What was
/// packed before stays packed.
pub fn archive(dir: &Path, before: i64) -> Result<Vec<Archived>, JournalError> {
    let Some(_lock) = locked(dir)? else { return Ok(Vec::new()) };
    let segments = Segments::beside_a_writer(dir)?;
    let old = segments.notes().filter(|note| note.last_at < before && !segments.is_dropped(note.number));
    let plain = old.filter(|note| segment_folder(dir, note.number).join(PAGE_LOG).is_file());
    plain.map(|note| pack_segment(dir, note)).collect()
}

/// Keeps others from dropping or packing segments of the run in `dir` meanwhile; nothing where it has none.
fn locked(dir: &Path) -> Result<Option<WriterLock>, JournalError> {
    let segments = dir.join(SEGMENTS);
    if segments.is_dir() { WriterLock::take(&segments).map(Some) } else { Ok(None) }
}

fn pack_segment(dir: &Path, note: &SegmentNote) -> Result<Archived, JournalError> {
    let folder = segment_folder(dir, note.number);
    let (plain, packed, begun) =
        (folder.join(PAGE_LOG), folder.join(PACKED_PAGES), folder.join("pages.pack.new"));
    require(dir, note, segment::hash_of_file(&plain)? == (note.bytes, note.blake3))?;
    let bytes = pack(&plain, &begun)?;
    let written = PackedPages::open(&begun)?.map(|packed| packed.hash()).transpose()?;
    require(dir, note, written == Some((note.bytes, note.blake3)))?;
    disk::rename(&begun, &packed).map_err(|error| disk::io_error("rename", &begun, error))?;
    disk::sync_directory(&folder)?;
    disk::remove_if_there(&plain)?;
    Ok(Archived { number: note.number, bytes_before: note.bytes, bytes })
}

/// Unpacks every packed segment of the run in `dir` whose last event was learned before `before`.
///
/// # Errors
/// As [`archive`].
pub fn unpack(dir: &Path, before: i64) -> Result<Vec<Archived>, JournalError> {
    let Some(_lock) = locked(dir)? else { return Ok(Vec::new()) };
    let segments = Segments::beside_a_writer(dir)?;
    let old = segments.notes().filter(|note| note.last_at < before && !segments.is_dropped(note.number));
    let packed = old.filter(|note| segment_folder(dir, note.number).join(PACKED_PAGES).is_file());
    packed.map(|note| unpack_segment(dir, note)).collect()
}

fn unpack_segment(dir: &Path, note: &SegmentNote) -> Result<Archived, JournalError> {
    let folder = segment_folder(dir, note.number);
    let (plain, packed, begun) =
        (folder.join(PAGE_LOG), folder.join(PACKED_PAGES), folder.join("pages.log.new"));
    let pages = PackedPages::open(&packed)?.ok_or_else(|| not_as_noted(dir, note))?;
    pages.unpack(&begun)?;
    require(dir, note, segment::hash_of_file(&begun)? == (note.bytes, note.blake3))?;
    let bytes_before = std::fs::metadata(&packed).map_or(0, |metadata| metadata.len());
    disk::rename(&begun, &plain).map_err(|error| disk::io_error("rename", &begun, error))?;
    disk::sync_directory(&folder)?;
    disk::remove_if_there(&packed)?;
    Ok(Archived { number: note.number, bytes_before, bytes: note.bytes })
}

fn require(dir: &Path, note: &SegmentNote, is_as_noted: bool) -> Result<(), JournalError> {
    if is_as_noted { Ok(()) } else { Err(not_as_noted(dir, note)) }
}

fn not_as_noted(dir: &Path, note: &SegmentNote) -> JournalError {
    let reason =
        format!("segment {}: its file of pages is not the one that was put away; run verify", note.number);
    damaged(dir, note.begins.count.saturating_add(1), &reason)
}
