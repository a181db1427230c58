//! Making bytes and names durable, and what the operating system's refusals mean.
//!
//! Every flush to the drive goes through `Durable`, which counts them, so that a test can tell a journal that
//! really syncs from one that says so.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::disk_watch::{DiskChange, told};

thread_local! {
    static SYNCS: Cell<u64> = const { Cell::new(0) };
}

/// How many times this thread has asked the operating system to bring a file's content to the drive, and was
/// told that it is there.
#[must_use]
pub fn syncs() -> u64 {
    SYNCS.get()
}

fn counted(outcome: io::Result<()>) -> io::Result<()> {
    outcome.inspect(|()| SYNCS.set(SYNCS.get().saturating_add(1)))
}

/// A file whose writes can be made to last.
#[derive(Debug)]
pub(crate) struct Durable {
    file: File,
    path: PathBuf,
}

impl Durable {
    pub(crate) fn new(file: File, path: &Path) -> Self {
        Self { file, path: path.to_path_buf() }
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        told(DiskChange::Write(&self.path, bytes))
            .and_then(|()| self.file.write_all(bytes))
            .map_err(|error| self.refused("write", error))
    }

    /// `fdatasync` on Linux: content and length reach the drive, its cache included.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        told(DiskChange::Sync(&self.path))
            .and_then(|()| counted(self.file.sync_data()))
            .map_err(|error| self.refused("sync", error))
    }

    pub(crate) fn len(&self) -> Result<u64, JournalError> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|error| self.refused("look at", error))
    }

    fn refused(&self, action: &'static str, error: io::Error) -> JournalError {
        io_error(action, &self.path, error)
    }
}

/// Makes new and renamed names in a directory last.
///
/// # Errors
/// What the operating system says.
pub fn sync_directory(path: &Path) -> Result<(), JournalError> {
    // The parent of a bare name is the directory the program runs in.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let directory = File::open(path).map_err(|error| io_error("open", path, error))?;
    let synced = told(DiskChange::SyncFolder(path)).and_then(|()| counted(directory.sync_all()));
    synced.map_err(|error| io_error("sync", path, error))
}

/// Makes the content of a file last that somebody else has written.
pub(crate) fn sync_file(path: &Path) -> Result<(), JournalError> {
    let file = File::open(path).map_err(|error| io_error("open", path, error))?;
    let synced = told(DiskChange::Sync(path)).and_then(|()| counted(file.sync_data()));
    synced.map_err(|error| io_error("sync", path, error))
}

/// Makes the folder `path` and those above it that are not there; their names last.
///
/// # Errors
/// What the operating system says.
pub fn create_folders(path: &Path) -> Result<(), JournalError> {
    make_folders(path)?.into_iter().filter_map(Path::parent).try_for_each(sync_directory)
}

/// Makes the folder `path` and those above it that are not there, and answers which; their names do not last yet.
pub(crate) fn make_folders(path: &Path) -> Result<Vec<&Path>, JournalError> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    let mut each = missing.iter().rev().map(|folder| told(DiskChange::Folder(folder)));
    let made = each.try_for_each(|told| told).and_then(|()| std::fs::create_dir_all(path));
    made.map_err(|error| io_error("create", path, error))?;
    Ok(missing)
}

/// An empty file at `path`, whatever was there.
pub(crate) fn create(path: &Path) -> Result<File, JournalError> {
    let file = told(DiskChange::Create(path)).and_then(|()| File::create(path));
    file.map_err(|error| io_error("create", path, error))
}

/// An empty file at `path`, where nothing is.
pub(crate) fn create_new(path: &Path) -> Result<File, JournalError> {
    let file =
        told(DiskChange::Create(path)).and_then(|()| File::options().write(true).create_new(true).open(path));
    file.map_err(|error| io_error("create", path, error))
}

/// Cuts `file`, which is at `path`, to so many bytes.
pub(crate) fn cut(file: &File, path: &Path, bytes: u64) -> io::Result<()> {
    told(DiskChange::Cut(path, bytes))?;
    file.set_len(bytes)
}

/// Makes a folder where nothing is.
pub(crate) fn create_folder(path: &Path) -> Result<(), JournalError> {
    let made = told(DiskChange::Folder(path)).and_then(|()| std::fs::create_dir(path));
    made.map_err(|error| io_error("create", path, error))
}

/// Gives a file or a folder another name; that lasts by a sync of its folder.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    told(DiskChange::Rename(from, to))?;
    std::fs::rename(from, to)
}

/// Removes a file; that lasts by a sync of its folder.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    told(DiskChange::Remove(path))?;
    std::fs::remove_file(path)
}

/// Removes a folder with everything in it; that lasts by a sync of the folder it was in.
pub(crate) fn remove_all(path: &Path) -> io::Result<()> {
    told(DiskChange::RemoveAll(path))?;
    std::fs::remove_dir_all(path)
}

/// Removes a file, if there is one, and makes that last.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), JournalError> {
    match remove(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_directory),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("remove", path, error)),
    }
}

/// Puts `bytes` at `path` whole or not at all, and makes it last.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let staged = path.with_extension("new");
    let file = create(&staged)?;
    let mut file = Durable::new(file, &staged);
    file.write_all(bytes)?;
    file.sync()?;
    rename(&staged, path).map_err(|error| io_error("rename", &staged, error))?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// An operating-system error in the journal's words.
pub(crate) fn io_error(action: &'static str, path: &Path, source: io::Error) -> JournalError {
    if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return JournalError::DiskFull;
    }
    JournalError::Io { action, path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_and_a_sync_is_counted() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut full = Durable::new(full, Path::new("full"));
        assert!(matches!(full.write_all(b"bytes"), Err(JournalError::DiskFull)));
        let before = syncs();
        let file = tempfile::tempfile().unwrap();
        Durable::new(file, Path::new("temp")).sync().unwrap();
        assert_eq!(syncs(), before + 1);
    }
}
