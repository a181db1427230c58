//! What lies where in the folder of a journal.

use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::disk;

/// What the journal committed to.
pub(crate) const HEAD_FILE: &str = "head.json";
/// The folder of the store.
pub(crate) const STORE: &str = "store";
/// The tree of a run's pages in its store.
pub(crate) const PAGES_TREE: &str = "pages";
/// The pages in one append-only file.
pub(crate) const PAGE_LOG: &str = "pages.log";
/// The same of a segment, packed.
pub(crate) const PACKED_PAGES: &str = "pages.pack";
/// The signed head that a closed run leaves beside its store.
pub const CHECKPOINT: &str = "checkpoint.json";
/// What is known about a run without being part of it.
pub(crate) const SIDE_FILE: &str = "side.json";
/// The folder in which a new store is made.
pub(crate) const FRESH: &str = "store.new";
/// The folder of all segments of a run that were put away.
pub(crate) const SEGMENTS: &str = "segments";
/// What is said of a segment, in its folder.
pub(crate) const SEGMENT_NOTE: &str = "segment.json";
/// The name of the old store in that folder.
pub(crate) const OLD: &str = "old";

/// Where the store of the journal in `dir` lies.
pub(crate) fn place_of_store(dir: &Path) -> PathBuf {
    let (store, fresh) = (dir.join(STORE), dir.join(FRESH));
    let between = !store.exists() && fresh.join(OLD).exists();
    if between { fresh.join(STORE) } else { store }
}

/// Whether the pages of the segment in `folder` were put away, packed or not.
pub(crate) fn holds_pages(folder: &Path) -> bool {
    folder.join(PAGE_LOG).exists() || folder.join(PACKED_PAGES).exists()
}

/// The folder of segment `number` of the run in `dir`.
pub(crate) fn segment_folder(dir: &Path, number: u64) -> PathBuf {
    dir.join(SEGMENTS).join(format!("{number:08}"))
}

/// The run and the number of the segment that `path` names, as in `RUN/segments/00000003`; nothing where it names none.
#[must_use]
pub fn segment_named(path: &Path) -> Option<(PathBuf, u64)> {
    if path.join(HEAD_FILE).exists() || path.join(STORE).exists() {
        // A journal of its own may lie anywhere.
        return None;
    }
    let number = path.file_name()?.to_str().filter(|name| name.len() == 8)?;
    let folder = path.parent().filter(|parent| parent.file_name().is_some_and(|name| name == SEGMENTS))?;
    let run = folder.parent().filter(|run| !run.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some((run.to_path_buf(), number.parse().ok()?))
}

/// The numbers that folders of segments have in the run in `dir`, in order.
pub(crate) fn segment_numbers(dir: &Path) -> Result<Vec<u64>, JournalError> {
    let path = dir.join(SEGMENTS);
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(disk::io_error("list", &path, error)),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| disk::io_error("list", &path, error))?.file_name();
        numbers
            .extend(name.to_str().filter(|name| name.len() == 8).and_then(|name| name.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// A damaged place in the journal in `dir`.
pub(crate) fn damaged(dir: &Path, seq: u64, reason: &dyn core::fmt::Display) -> JournalError {
    JournalError::Damaged { path: dir.display().to_string(), seq, reason: reason.to_string() }
}

/// What is said of a path that names a segment which was not put away.
pub(crate) fn no_such_segment(path: &Path) -> JournalError {
    let reason = "its run has put no such segment away".to_owned();
    JournalError::NotAJournal { path: path.display().to_string(), reason }
}
