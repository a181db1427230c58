//! One process trades with a key at a time: two would each take the orders of the other for those of a stranger.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::wiring::error::ApplicationError;

/// How often, and after how long, a key that another process holds is asked for again: one that has just been killed may hold
/// it for a moment.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(4);

/// The file with a key, held by this process until it ends, be it killed.
#[derive(Debug)]
pub(super) struct KeyLease {
    _file: File,
}

impl KeyLease {
    /// Holds the key in the file `path`.
    ///
    /// # Errors
    /// [`ApplicationError::Request`] while another process holds it, or where it cannot be read.
    pub(super) fn take(path: &Path) -> Result<Self, ApplicationError> {
        let refused = |words: String| ApplicationError::Request(format!("send real orders: {words}"));
        let shown = path.display();
        let file = File::open(path).map_err(|error| refused(format!("read the key in {shown}: {error}")))?;
        for attempt in 1..=ATTEMPTS {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    return Err(refused(format!(
                        "another run trades with the key in {shown}; end that one, or give this one a key and an account of \
                         its own"
                    )));
                }
                Err(TryLockError::Error(error)) => {
                    return Err(refused(format!("lock the key in {shown}: {error}")));
                }
            }
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_held_by_one_and_free_again_when_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.toml");
        assert!(KeyLease::take(&path).unwrap_err().to_string().contains("read the key"));
        std::fs::write(&path, "").unwrap();
        let held = KeyLease::take(&path).unwrap();
        let refused = KeyLease::take(&path).unwrap_err().to_string();
        assert!(refused.contains("another run trades with the key"), "{refused}");
        drop(held);
        assert!(KeyLease::take(&path).is_ok());
    }
}
