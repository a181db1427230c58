//! What `head.json` of a run says.

use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::beside::FileBeside;
use crate::chain::ChainHead;
use crate::journal_folder::HEAD_FILE;
use crate::public_key::PublicKey;
use crate::side_file::{self, Found};

/// Numbers 1 and 2 were those of rkyv archives of events and of heads that name no files, which no release has written.
const FORMAT: u16 = 3;

/// What `head.json` of a run says.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunHead {
    pub(crate) journal: String,
    pub(crate) format: u16,
    pub(crate) complete: bool,
    pub(crate) page_log: bool,
    pub(crate) head: ChainHead,
    pub(crate) pages: u64,
    /// The files beside the store when the run was closed.
    pub(crate) files: Vec<FileBeside>,
    /// Whose signed head was written then.
    pub(crate) signed_by: Option<PublicKey>,
}

impl RunHead {
    pub(crate) fn new(head: ChainHead, pages: u64, complete: bool, page_log: bool) -> Self {
        let (files, signed_by) = (Vec::new(), None);
        Self { journal: "run".to_owned(), format: FORMAT, complete, page_log, head, pages, files, signed_by }
    }

    /// The same head, naming what lies beside the store.
    pub(crate) fn beside(self, files: Vec<FileBeside>, signed_by: Option<PublicKey>) -> Self {
        Self { files, signed_by, ..self }
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
