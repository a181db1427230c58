//! One writer at a time has a journal's folder.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use engine_runtime::ports::JournalError;

use crate::disk;

/// Keeps other writers out of a journal's folder, from before there is a store in it.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _folder: File,
}

impl WriterLock {
    /// Takes the folder `dir`.
    ///
    /// # Errors
    /// `Locked` while another writer has it.
    pub(crate) fn take(dir: &Path) -> Result<Self, JournalError> {
        let folder = File::open(dir).map_err(|error| disk::io_error("open", dir, error))?;
        retry_locked(|| match folder.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: dir.display().to_string() }),
            Err(TryLockError::Error(error)) => Err(disk::io_error("lock", dir, error)),
        })?;
        Ok(Self { _folder: folder })
    }
}

/// How often, and after how long, a lock is asked for again: threads of sled that are just ending hold it for a
/// moment, and so does a child process that is just being started.
const LOCK_ATTEMPTS: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(4);

/// Asks for a lock until it is free or has been refused often enough.
pub(crate) fn retry_locked<T>(
    mut attempt: impl FnMut() -> Result<T, JournalError>,
) -> Result<T, JournalError> {
    for _ in 1..LOCK_ATTEMPTS {
        match attempt() {
            Err(JournalError::Locked { .. }) => std::thread::sleep(LOCK_PAUSE),
            outcome => return outcome,
        }
    }
    attempt()
}
