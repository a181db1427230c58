//! What a store looked like when it was closed.
//!
//! The marker lists sled's files with their sizes and hashes: small files whole, the log by its first segment.
//! As long as all agree, sled will open the store as it was left. Damage further inside the log is found when
//! pages are read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::chain;
use crate::disk;
use crate::side_file::{self, Found};
use crate::sled_store::STORE;

pub(crate) const MARKER: &str = "closed.json";
const HASHED_BYTES: u64 = 1 << 20;

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
    blake3_of_start: String,
}

fn marker_path(dir: &Path) -> PathBuf {
    dir.join(MARKER)
}

fn marks(dir: &Path) -> Result<Vec<FileMark>, JournalError> {
    let store = dir.join(STORE);
    let mut found = Vec::new();
    for path in files_below(&store)? {
        let file = File::open(&path).map_err(|error| disk::io_error("open", &path, error))?;
        let bytes = file.metadata().map_err(|error| disk::io_error("open", &path, error))?.len();
        let mut start = Vec::new();
        let read = file.take(HASHED_BYTES).read_to_end(&mut start);
        read.map_err(|error| disk::io_error("read", &path, error))?;
        let name = path.strip_prefix(&store).unwrap_or(&path).display().to_string();
        let blake3_of_start = chain::hex(blake3::hash(&start).as_bytes());
        found.push(FileMark { name, bytes, blake3_of_start });
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

/// Notes how the store looks now that it is closed.
pub(crate) fn write(dir: &Path) -> Result<(), JournalError> {
    let now = marks(dir)?;
    if side_file::read(&marker_path(dir))? == Found::Sound(now.clone()) {
        return Ok(());
    }
    side_file::write(&marker_path(dir), &now)
}

/// Forgets the marker, before the store changes.
pub(crate) fn remove(dir: &Path) -> Result<(), JournalError> {
    match std::fs::remove_file(marker_path(dir)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(disk::io_error("remove", &marker_path(dir), error))
        }
        _ => disk::sync_directory(dir),
    }
}

/// Compares the store with its marker.
pub(crate) fn compare(dir: &Path) -> Result<Closed, JournalError> {
    Ok(match side_file::read::<Vec<FileMark>>(&marker_path(dir))? {
        Found::Sound(noted) if noted == marks(dir)? => Closed::AsLeft,
        Found::Sound(_) => Closed::Changed,
        Found::Nothing => Closed::Unmarked,
        Found::Damaged => Closed::MarkerDamaged,
    })
}
