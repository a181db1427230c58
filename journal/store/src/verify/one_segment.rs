//! The check of one segment of a run, which reads no page of the others.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::{Content, RUN, Scan, VerifyReport, dropped, found, put_away, segment_name};
use crate::chain::RUN_START;
use crate::dropped::STATEMENT_NAME;
use crate::heads::JournalState;
use crate::journal_folder::{no_such_segment, segment_folder};
use crate::page;
use crate::page_place::Holder;
use crate::page_view::StoredPage;
use crate::segment::{self, SegmentNote};
use crate::segments::{Segments, Sound, Standing};

pub(super) fn check(dir: &Path, number: u64, report: &mut VerifyReport) -> Result<(), JournalError> {
    let Sound { segments, wrong, misstated } = Segments::put_away(dir)?;
    if let Some(reason) = misstated {
        report.find(STATEMENT_NAME, None, reason);
    }
    let Some(note) = segments.notes().find(|note| note.number == number) else {
        let first = Some(segments.ends().count.saturating_add(1));
        let Some(reason) = wrong else { return Err(no_such_segment(&segment_folder(dir, number))) };
        // Where it stands in the chain cannot be told.
        report.find(&segment_name(segments.next_number()), first, reason);
        return Ok(());
    };
    let previous = match number.checked_sub(1).filter(|before| *before > 0) {
        Some(before) => segment::note_hash(&segment_folder(dir, before))?,
        None => [0; 32],
    };
    put_away::check_one(dir, &segments, note, previous, report)?;
    let is_followed = segments.notes().find(|next| next.number == number.saturating_add(1));
    if let Some(next) = is_followed
        && next.previous != segment::note_hash(&segment_folder(dir, number))?
    {
        report.find(&segment_name(next.number), None, "it was put away behind another segment than this one");
    }
    if segments.is_dropped(number) {
        dropped::check(&segments, report);
    } else {
        report.events = note.events();
        if let Err(error) = check_pages(&segments, note, report) {
            found(error, &segment_name(number), report)?;
        }
    }
    report.state = if note.signed_by.is_some() { JournalState::Signed } else { JournalState::Closed };
    report.heads.push((RUN.to_owned(), note.ends));
    Ok(())
}

/// Reads its pages from the head it begins behind to the one it ends with, which its links prove.
fn check_pages(
    segments: &Segments,
    note: &SegmentNote,
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    let place = segment_name(note.number);
    let mut scan = Scan::new(&place, Content::Envelopes, RUN_START, &[], RUN).behind(note.begins);
    let mut before: u64 =
        segments.notes().take_while(|other| other.number < note.number).map(|other| other.pages).sum();
    let end = before.saturating_add(note.pages);
    while before < end {
        let Some(Standing { place, next }) = segments.place(before) else { break };
        let Holder::Segment(index) = place.holder else { break };
        if place.len == 0 {
            return Err(segments.fault(index));
        }
        let bytes = segments.read(index, place.offset, place.len)?;
        let opened = page::open(&bytes);
        if !scan.placed_page(&place, &StoredPage { bytes, opened }) {
            break;
        }
        before = next;
    }
    scan.compare(&note.ends, "its note");
    report.take(scan);
    Ok(())
}
