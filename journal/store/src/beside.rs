//! The files beside the store of a run, as its head and its signature name them, so that one which is gone is missed.
//!
//! Named are those that nothing else could bring back: the side note and the snapshots. `closed.json` and `pages.index` tell
//! of the store and can be made again.

use std::io;
use std::path::{Component, Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::chain::{Hash, hex_hash};
use crate::disk;
use crate::journal_folder::{SEGMENT_NOTE, SIDE_FILE, holds_pages, segment_folder, segment_numbers};
use crate::small_file;
use crate::snapshot;

/// A file beside the store, by its content.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct FileBeside {
    /// Its path in the folder of the run.
    pub name: String,
    /// BLAKE3 of its bytes.
    #[serde(with = "hex_hash")]
    pub blake3: Hash,
}

/// What is found where such a file should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    AsNamed,
    Gone,
    Other,
}

impl FileBeside {
    pub(crate) fn of(dir: &Path, path: &Path) -> Result<Option<Self>, JournalError> {
        let name = path.strip_prefix(dir).unwrap_or(path).to_string_lossy().into_owned();
        Ok(hash_of(path)?.map(|blake3| Self { name, blake3 }))
    }

    pub(crate) fn standing(&self, dir: &Path) -> Result<Standing, JournalError> {
        // A head may be forged: only what lies in the folder is looked at.
        let is_beside = |part: Component<'_>| matches!(part, Component::Normal(_));
        if self.name.is_empty() || !Path::new(&self.name).components().all(is_beside) {
            return Ok(Standing::Other);
        }
        let path = dir.join(&self.name);
        Ok(match read_hash(&path) {
            Ok(blake3) if blake3 == self.blake3 => Standing::AsNamed,
            Ok(_) => Standing::Other,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Standing::Gone,
            Err(error) if small_file::is_no_such_file(&error) => Standing::Other,
            Err(error) => return Err(disk::io_error("read", &path, error)),
        })
    }
}

/// The files that are beside the store of the run in `dir` and speak of its first `count` events.
pub(crate) fn files_beside(dir: &Path, count: u64) -> Result<Vec<FileBeside>, JournalError> {
    let snapshots = snapshot::list(dir)?.into_iter().map(|seq| seq.number()).filter(|seq| *seq <= count);
    let snapshots: Vec<PathBuf> = snapshots.map(|seq| snapshot::file_of(dir, seq)).collect();
    // The last note of a segment names the one before it, and so all of them.
    let folders = segment_numbers(dir)?.into_iter().map(|number| segment_folder(dir, number));
    let last = folders.rev().find(|folder| holds_pages(folder));
    let notes = last.map(|folder| folder.join(SEGMENT_NOTE));
    let mut files = Vec::new();
    for path in std::iter::once(dir.join(SIDE_FILE)).chain(snapshots).chain(notes) {
        files.extend(FileBeside::of(dir, &path)?);
    }
    Ok(files)
}

fn hash_of(path: &Path) -> Result<Option<Hash>, JournalError> {
    match read_hash(path) {
        Ok(blake3) => Ok(Some(blake3)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(disk::io_error("read", path, error)),
    }
}

fn read_hash(path: &Path) -> io::Result<Hash> {
    Ok(*blake3::hash(&small_file::read(path, snapshot::BYTES_MAX)?).as_bytes())
}
