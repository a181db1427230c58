//! A run: a journal of envelopes.
//!
//! ```text
//! DIR/head.json        what the journal committed to when it was closed; "complete": false until then
//! DIR/store/           sled: pages of frames in tree "pages"
//! DIR/pages.log        the same pages in one append-only file (paper and live)
//! DIR/pages.index      where the pages of the closed store lie
//! DIR/snapshots/       folded states, one file each
//! DIR/checkpoint.json  the head at close, signed
//! DIR/side.json        what is known about the run but not part of it: label, dates, places
//! DIR/closed.json      what the store looked like when it was closed
//! ```

use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::chain::ChainHead;
use crate::side_file::{self, Found};

mod journal;
mod reader;
mod resume;
mod side;

#[cfg(test)]
mod forged_tests;

pub use journal::{Closing, RunJournal, RunOptions};
pub use reader::{Envelopes, RunReader};
pub use side::{SideNote, read_side, write_side};

pub(crate) use reader::{locate, page_ends_closed};
pub(crate) use side::side_is_damaged;

pub(crate) const HEAD_FILE: &str = "head.json";
pub(crate) const PAGES_TREE: &str = "pages";
pub(crate) const PAGE_LOG: &str = "pages.log";
/// The signed head that a closed run leaves beside its store.
pub const CHECKPOINT: &str = "checkpoint.json";
/// Number 1 was that of rkyv archives of events, which no release has written.
const FORMAT: u16 = 2;

/// What `head.json` of a run says.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunHead {
    pub(crate) journal: String,
    pub(crate) format: u16,
    pub(crate) complete: bool,
    pub(crate) page_log: bool,
    pub(crate) head: ChainHead,
    pub(crate) pages: u64,
}

impl RunHead {
    pub(crate) fn new(head: ChainHead, pages: u64, complete: bool, page_log: bool) -> Self {
        Self { journal: "run".to_owned(), format: FORMAT, complete, page_log, head, pages }
    }
}

/// Reads `head.json` of a run.
pub(crate) fn read_head(dir: &Path) -> Result<Found<RunHead>, JournalError> {
    Ok(match side_file::read::<RunHead>(&dir.join(HEAD_FILE))? {
        Found::Sound(head) if head.journal == "run" => match head.format {
            FORMAT => Found::Sound(head),
            schema => return Err(JournalError::UnknownSchema { path: dir.display().to_string(), schema }),
        },
        Found::Sound(_) | Found::Damaged => Found::Damaged,
        Found::Nothing => Found::Nothing,
    })
}

/// A damaged place in a run, in the journal's words.
pub(crate) fn damaged(dir: &Path, seq: u64, reason: &dyn core::fmt::Display) -> JournalError {
    JournalError::Damaged { path: dir.display().to_string(), seq, reason: reason.to_string() }
}
