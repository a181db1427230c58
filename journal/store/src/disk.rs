//! Making bytes and names durable, and what the operating system's refusals mean.
//!
//! Every flush to the drive goes through `Durable`, which counts them, so that a test can tell a journal that
//! really syncs from one that says so.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use engine_runtime::ports::JournalError;

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
    path: String,
}

impl Durable {
    pub(crate) fn new(file: File, path: &Path) -> Self {
        Self { file, path: path.display().to_string() }
    }

    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        self.file.write_all(bytes).map_err(|error| self.refused("write", error))
    }

    /// `fdatasync` on Linux: content and length reach the drive, its cache included.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        counted(self.file.sync_data()).map_err(|error| self.refused("sync", error))
    }

    pub(crate) fn len(&self) -> Result<u64, JournalError> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|error| self.refused("look at", error))
    }

    fn refused(&self, action: &'static str, error: io::Error) -> JournalError {
        io_error(action, Path::new(&self.path), error)
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
    counted(directory.sync_all()).map_err(|error| io_error("sync", path, error))
}

/// Makes the content of a file last that somebody else has written.
pub(crate) fn sync_file(path: &Path) -> Result<(), JournalError> {
    let file = File::open(path).map_err(|error| io_error("open", path, error))?;
    counted(file.sync_data()).map_err(|error| io_error("sync", path, error))
}

/// Makes the folder `path` and those above it that are not there; their names last.
///
/// # Errors
/// What the operating system says.
pub fn create_folders(path: &Path) -> Result<(), JournalError> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    std::fs::create_dir_all(path).map_err(|error| io_error("create", path, error))?;
    missing.into_iter().filter_map(Path::parent).try_for_each(sync_directory)
}

/// Removes a file, if there is one, and makes that last.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), JournalError> {
    match std::fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_directory),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("remove", path, error)),
    }
}

/// Puts `bytes` at `path` whole or not at all, and makes it last.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), JournalError> {
    let staged = path.with_extension("new");
    let file = File::create(&staged).map_err(|error| io_error("create", &staged, error))?;
    let mut file = Durable::new(file, &staged);
    file.write_all(bytes)?;
    file.sync()?;
    std::fs::rename(&staged, path).map_err(|error| io_error("rename", &staged, error))?;
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
