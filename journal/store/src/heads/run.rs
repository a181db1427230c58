//! What `head.json` of a run says.

use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::chain::ChainHead;
use crate::journal_folder::HEAD_FILE;
use crate::side_file::{self, Found};

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
pub(crate) fn read_run_head(dir: &Path) -> Result<Found<RunHead>, JournalError> {
    Ok(match side_file::read::<RunHead>(&dir.join(HEAD_FILE))? {
        Found::Sound(head) if head.journal == "run" => match head.format {
            FORMAT => Found::Sound(head),
            schema => return Err(JournalError::UnknownSchema { path: dir.display().to_string(), schema }),
        },
        Found::Sound(_) | Found::Damaged => Found::Damaged,
        Found::Nothing => Found::Nothing,
    })
}
