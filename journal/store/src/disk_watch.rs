//! What is changed on a disk, told before it is changed: so a test can say what a power cut would leave, or refuse.

use std::cell::RefCell;
use std::io;
use std::path::Path;

/// A change that this crate is about to make, or to make last.
///
/// What sled writes to its own files is not told; that they are made to last is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskChange<'a> {
    /// An empty file, new or in the place of one that is there.
    Create(&'a Path),
    /// Bytes behind the end of a file.
    Write(&'a Path, &'a [u8]),
    /// A file is cut to so many bytes.
    Cut(&'a Path, u64),
    /// The content of a file is to last.
    Sync(&'a Path),
    /// The names in a folder are to last.
    SyncFolder(&'a Path),
    /// A new folder.
    Folder(&'a Path),
    /// A file or folder gets another name, or takes the place of what has it.
    Rename(&'a Path, &'a Path),
    /// A file goes, if it is there.
    Remove(&'a Path),
    /// A folder goes with everything in it, if it is there.
    RemoveAll(&'a Path),
}

/// Whoever is told.
pub trait DiskWatch {
    /// Called before each change.
    ///
    /// # Errors
    /// Instead of the change, for one that is to fail.
    fn before(&mut self, change: DiskChange<'_>) -> io::Result<()>;
}

thread_local! {
    static WATCH: RefCell<Option<Box<dyn DiskWatch>>> = const { RefCell::new(None) };
}

/// Tells `watch` of every change that this thread makes from here on, or nobody; answers who was told before.
pub fn watched_by(watch: Option<Box<dyn DiskWatch>>) -> Option<Box<dyn DiskWatch>> {
    WATCH.replace(watch)
}

/// That `change` comes next.
pub(crate) fn told(change: DiskChange<'_>) -> io::Result<()> {
    WATCH.with_borrow_mut(|watch| watch.as_mut().map_or(Ok(()), |watch| watch.before(change)))
}
