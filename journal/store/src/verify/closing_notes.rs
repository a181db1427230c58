//! The check of what every writer notes of its closed store: what its files look like, and where its pages lie.
//!
//! Both notes are aids and can be made again. That one is gone is a finding all the same where it is known to have been
//! there: a run is called complete once both are written, the index is written before the marker and removed behind it.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::VerifyReport;
use crate::heads;
use crate::journal_folder::{FRESH, STORE};
use crate::marker::{self, Closed, MARKER};
use crate::page_index::{self, FoundIndex, PAGE_INDEX, PageIndex};

const GONE: &str = "the file is gone: it was there when the store was closed; `engine rebuild` makes it anew";
const OTHER: &str = "the file is not what was written; `engine rebuild` makes it anew";

/// Compares the store with what was noted of it. Answers the index of the journal; an empty one where there is none that can
/// be used.
pub(super) fn check(dir: &Path, report: &mut VerifyReport) -> Result<PageIndex, JournalError> {
    let was_closed = is_closed_run(dir)?;
    let marker = marker::compare(dir)?;
    match marker {
        Closed::Unmarked if was_closed => report.find(MARKER, None, GONE),
        Closed::AsLeft | Closed::Unmarked => {}
        Closed::Changed => report.find(STORE, None, "its files are not as they were when it was closed"),
        Closed::MarkerDamaged => report.find(MARKER, None, OTHER),
    }
    match page_index::read(dir)? {
        FoundIndex::Sound(index) => return Ok(index),
        FoundIndex::Nothing if was_closed || marker != Closed::Unmarked => {
            report.find(PAGE_INDEX, None, GONE);
        }
        FoundIndex::Nothing => {}
        FoundIndex::Damaged => report.find(PAGE_INDEX, None, OTHER),
    }
    Ok(PageIndex::default())
}

/// Whether this is a run whose closing has come to its end, and of which no store is being exchanged: a rebuild that was cut
/// short has removed both notes and not yet written them again.
fn is_closed_run(dir: &Path) -> Result<bool, JournalError> {
    let noted = heads::read_run_head(dir)?.sound();
    Ok(noted.is_some_and(|noted| noted.complete) && !dir.join(FRESH).exists())
}
