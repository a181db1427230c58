//! What a store looked like when it was closed.
//!
//! The marker lists sled's files with their sizes and the hash of all their bytes. Only a store that is byte for
//! byte as it was left may be opened by sled again, which repairs by throwing away.

use std::fs::File;
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::chain;
use crate::disk;
use crate::journal_folder::STORE;
use crate::side_file::{self, Found};

pub(crate) const MARKER: &str = "closed.json";

/// Whether a store is as its last user left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Closed cleanly and not changed since.
    AsLeft,
    /// Closed cleanly and changed since.
    Changed,
    /// Not closed cleanly.
    Unmarked,
    /// The marker itself is not what was written.
    MarkerDamaged,
}

#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FileMark {
    name: String,
    bytes: u64,
    blake3: String,
}

fn marker_path(dir: &Path) -> PathBuf {
    dir.join(MARKER)
}

fn marks(dir: &Path) -> Result<Vec<FileMark>, JournalError> {
    let store = dir.join(STORE);
    let mut found = Vec::new();
    for path in files_below(&store)? {
        let file = File::open(&path).map_err(|error| disk::io_error("open", &path, error))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(|error| disk::io_error("read", &path, error))?;
        let name = path.strip_prefix(&store).unwrap_or(&path).display().to_string();
        let blake3 = chain::hex(hasher.finalize().as_bytes());
        found.push(FileMark { name, bytes: hasher.count(), blake3 });
    }
    found.sort();
    Ok(found)
}

/// Every plain file at or below `dir`.
pub(crate) fn files_below(dir: &Path) -> Result<Vec<PathBuf>, JournalError> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| disk::io_error("list", &folder, error))?;
        for entry in entries {
            let path = entry.map_err(|error| disk::io_error("list", &folder, error))?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

/// Notes how the store looks now that it is closed, once all of it has reached the drive: sled does not sync every file it
/// makes, and the note would outlive them.
pub(crate) fn write(dir: &Path) -> Result<(), JournalError> {
    let store = dir.join(STORE);
    for path in files_below(&store)? {
        disk::sync_file(&path)?;
        path.parent().filter(|folder| *folder != store).map_or(Ok(()), disk::sync_directory)?;
    }
    disk::sync_directory(&store)?;
    side_file::write(&marker_path(dir), &marks(dir)?)
}

/// Forgets the marker, before the store changes.
pub(crate) fn remove(dir: &Path) -> Result<(), JournalError> {
    disk::remove_if_there(&marker_path(dir))
}

/// Whether the store was closed cleanly, without asking whether it changed since.
pub(crate) fn is_there(dir: &Path) -> bool {
    marker_path(dir).is_file()
}

/// Compares the store with its marker. Reads the whole store.
pub(crate) fn compare(dir: &Path) -> Result<Closed, JournalError> {
    Ok(match side_file::read::<Vec<FileMark>>(&marker_path(dir))? {
        Found::Sound(_) if !dir.join(STORE).is_dir() => Closed::Changed,
        Found::Sound(noted) if noted == marks(dir)? => Closed::AsLeft,
        Found::Sound(_) => Closed::Changed,
        Found::Nothing => Closed::Unmarked,
        Found::Damaged => Closed::MarkerDamaged,
    })
}
