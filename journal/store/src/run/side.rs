//! What is known about a run without being part of it. Nothing here is hashed into the head.

use std::collections::BTreeMap;
use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::journal_folder::SIDE_FILE;
use crate::side_file::{self, Found};
use crate::small_file;

/// Facts about a run that two equal runs may differ in.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct SideNote {
    /// When the run was made, nanoseconds since the epoch by the clock of the machine.
    pub created_at: i64,
    /// A name given by a person.
    pub label: String,
    /// Where each dataset of the manifest lay, in the manifest's order.
    pub dataset_paths: Vec<String>,
    /// Anything else, by name.
    pub more: BTreeMap<String, String>,
}

/// Writes the side note of the run in `dir`, in place of the one before.
///
/// # Errors
/// [`JournalError::Io`] or [`JournalError::DiskFull`].
pub fn write_side(dir: &Path, note: &SideNote) -> Result<(), JournalError> {
    side_file::write(&dir.join(SIDE_FILE), note)
}

/// Reads the side note of the run in `dir`; `None` when there is none or it is damaged.
///
/// # Errors
/// [`JournalError::Io`] when the file is there but cannot be read.
pub fn read_side(dir: &Path) -> Result<Option<SideNote>, JournalError> {
    Ok(side_file::read(&dir.join(SIDE_FILE))?.sound())
}

/// Whether the run in `dir` has a side note that was changed by someone else.
pub(crate) fn side_is_damaged(dir: &Path) -> Result<bool, JournalError> {
    match side_file::read::<SideNote>(&dir.join(SIDE_FILE)) {
        Ok(found) => Ok(found == Found::Damaged),
        Err(JournalError::Io { source, .. }) if small_file::is_no_such_file(&source) => Ok(true),
        Err(error) => Err(error),
    }
}
