//! What lies where in the folder of a journal.

use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

/// What the journal committed to.
pub(crate) const HEAD_FILE: &str = "head.json";
/// The folder of the store.
pub(crate) const STORE: &str = "store";
/// The tree of a run's pages in its store.
pub(crate) const PAGES_TREE: &str = "pages";
/// The pages in one append-only file.
pub(crate) const PAGE_LOG: &str = "pages.log";
/// The signed head that a closed run leaves beside its store.
pub const CHECKPOINT: &str = "checkpoint.json";
/// What is known about a run without being part of it.
pub(crate) const SIDE_FILE: &str = "side.json";
/// The folder in which a new store is made.
pub(crate) const FRESH: &str = "store.new";
/// The name of the old store in that folder.
pub(crate) const OLD: &str = "old";

/// Where the store of the journal in `dir` lies.
pub(crate) fn place_of_store(dir: &Path) -> PathBuf {
    let (store, fresh) = (dir.join(STORE), dir.join(FRESH));
    let between = !store.exists() && fresh.join(OLD).exists();
    if between { fresh.join(STORE) } else { store }
}

/// A damaged place in the journal in `dir`.
pub(crate) fn damaged(dir: &Path, seq: u64, reason: &dyn core::fmt::Display) -> JournalError {
    JournalError::Damaged { path: dir.display().to_string(), seq, reason: reason.to_string() }
}
