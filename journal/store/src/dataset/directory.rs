//! The committed heads of a dataset: a series reaches as far as `head.json` says, whatever the store holds.

use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::heads::{DatasetHead, Heads, read_dataset_head};
use crate::journal_folder::HEAD_FILE;
use crate::page_view::Chains;
use crate::side_file::Found;

/// Reads `head.json` or says why `dir` is no dataset.
pub(super) fn require_head(dir: &Path) -> Result<DatasetHead, JournalError> {
    let path = dir.display().to_string();
    match read_dataset_head(dir)? {
        Found::Sound(head) => Ok(head),
        Found::Nothing => Err(JournalError::NotAJournal { path, reason: format!("it has no {HEAD_FILE}") }),
        Found::Damaged => Err(JournalError::NotAJournal {
            path,
            reason: format!("{HEAD_FILE} is damaged or not that of a dataset; run verify"),
        }),
    }
}

/// The pages of every series in `noted`, as far as they are there.
pub(crate) fn open_chains(dir: &Path, noted: &DatasetHead) -> Result<Chains, JournalError> {
    Chains::open(dir, &Heads::Dataset(noted.clone()).wanted())
}

/// Refuses a dataset of which committed records are missing.
pub(super) fn require_whole(dir: &Path, noted: &DatasetHead, chains: &Chains) -> Result<(), JournalError> {
    for entry in &noted.series {
        let name = entry.info.name();
        let chain = chains.found(&name);
        if !chain.is_whole() {
            let last = chain.prefix().last().map_or(0, |place| place.header.last_seq());
            let reason =
                format!("the pages behind record {last} are damaged or missing; run verify, then rebuild");
            return Err(super::damaged(dir, &name, last.saturating_add(1), &reason));
        }
    }
    Ok(())
}
