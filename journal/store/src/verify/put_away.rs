//! The check of what is said of the segments of a run: their notes, their files, their signatures.
//!
//! Their pages are read with those of the whole run.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::{VerifyReport, found, segment_name};
use crate::beside::Standing;
use crate::chain::Hash;
use crate::checkpoint;
use crate::journal_folder::{CHECKPOINT, PACKED_PAGES, PAGE_LOG, segment_folder};
use crate::packed_pages::PackedPages;
use crate::page_index::{self, FoundIndex};
use crate::public_key::PublicKey;
use crate::segment::{self, SegmentNote};
use crate::segments::Segments;

const ANEW: &str = "`engine rebuild` makes it anew, of packed pages once they are unpacked";

pub(super) fn check(dir: &Path, segments: &Segments, report: &mut VerifyReport) -> Result<(), JournalError> {
    let mut previous = [0; 32];
    for note in segments.notes() {
        check_one(dir, segments, note, previous, report)?;
        previous = segment::note_hash(&segment_folder(dir, note.number))?;
    }
    Ok(())
}

/// Checks one of the `segments`, which follows the one whose note has the hash `previous`; of one that was dropped, what it
/// keeps.
pub(super) fn check_one(
    dir: &Path,
    segments: &Segments,
    note: &SegmentNote,
    previous: Hash,
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    let (folder, place) = (segment_folder(dir, note.number), segment_name(note.number));
    let first = Some(note.begins.count.saturating_add(1));
    if note.previous != previous {
        report.find(&place, first, "it was put away behind another segment than the one before it");
    }
    if !segments.is_dropped(note.number) {
        check_pages(&folder, note, &place, report)?;
    }
    // What was dropped last leaves what the run begins with now.
    if !segments.is_dropped(note.number.saturating_add(1)) {
        check_snapshot(dir, note, &place, report)?;
    }
    check_signature(&folder, note, &place, report);
    Ok(())
}

fn check_pages(
    folder: &Path,
    note: &SegmentNote,
    place: &str,
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    let first = Some(note.begins.count.saturating_add(1));
    match hash_of_pages(folder) {
        Ok(Some(found)) if found == (note.bytes, note.blake3) => {}
        Ok(Some(_)) => report.find(place, first, "its file of pages is not the one that was put away"),
        Ok(None) => report.find(place, first, "its pages are gone"),
        Err(error) => found(error, place, report)?,
    }
    match page_index::read(folder)? {
        FoundIndex::Sound(_) => {}
        FoundIndex::Nothing => report.find(place, None, format!("its index is gone; {ANEW}")),
        FoundIndex::Damaged => {
            report.find(place, None, format!("its index is not what was written; {ANEW}"));
        }
    }
    Ok(())
}

/// Bytes and hash of the pages of the segment in `folder`, packed or not; none where they are gone.
fn hash_of_pages(folder: &Path) -> Result<Option<(u64, Hash)>, JournalError> {
    let plain = folder.join(PAGE_LOG);
    if plain.is_file() {
        return segment::hash_of_file(&plain).map(Some);
    }
    PackedPages::open(&folder.join(PACKED_PAGES))?.map(|packed| packed.hash()).transpose()
}

fn check_snapshot(
    dir: &Path,
    note: &SegmentNote,
    place: &str,
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    let Some(snapshot) = &note.snapshot else { return Ok(()) };
    match snapshot.standing(dir)? {
        Standing::AsNamed => {}
        Standing::Gone => report.find(place, Some(note.ends.count), "the snapshot at its end is gone"),
        Standing::Other => {
            report.find(place, Some(note.ends.count), "the snapshot at its end is not the one it names");
        }
    }
    Ok(())
}

fn check_signature(folder: &Path, note: &SegmentNote, place: &str, report: &mut VerifyReport) {
    let Some(signer) = note.signed_by else { return };
    let signed = checkpoint::read(&folder.join(CHECKPOINT)).unwrap_or_default();
    let is_sound = signed.last().is_some_and(|signed| {
        signed.is_authentic() && signed.head == note.ends && PublicKey(signed.public_key) == signer
    });
    if !is_sound {
        report.find(place, Some(note.ends.count), "the signed head of its end is gone or of something else");
    }
}
