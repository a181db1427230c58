//! What stood where a dataset was to be made, so that a refused import can leave it as it was.

use std::path::{Path, PathBuf};
use std::{fs, io};

use engine_runtime::ports::JournalError;
use journal_store::dataset::{DatasetError, DatasetReader};

/// The place of a dataset before an import.
#[derive(Debug)]
pub(crate) struct Rollback {
    dir: PathBuf,
    /// Folders that were not there, the outermost first; the last of them is the dataset's own.
    missing: Vec<PathBuf>,
    was_empty: bool,
}

impl Rollback {
    /// Remembers what is at `dir`.
    pub(crate) fn before(dir: &Path) -> Self {
        let mut missing: Vec<PathBuf> = Vec::new();
        let named = dir.ancestors().filter(|at| !at.as_os_str().is_empty());
        missing.extend(named.take_while(|at| !at.exists()).map(Path::to_path_buf));
        missing.reverse();
        let was_empty = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
        Self { dir: dir.to_path_buf(), missing, was_empty }
    }

    /// Takes away what was made since, where nothing was before; a dataset that was there, or that has records by
    /// now, is left alone.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub(crate) fn restore(&self) -> io::Result<()> {
        let made = self.was_empty || !self.missing.is_empty();
        if !made || !self.dir.exists() || holds_records(&self.dir) {
            return Ok(());
        }
        fs::remove_dir_all(&self.dir)?;
        if self.was_empty {
            return fs::create_dir(&self.dir);
        }
        // Folders above it that were made on the way and hold nothing else.
        for above in self.missing.iter().rev().skip(1) {
            if fs::remove_dir(above).is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Whether another process has put records there, or is about to.
fn holds_records(dir: &Path) -> bool {
    match DatasetReader::open(dir) {
        Ok(dataset) => dataset.series_list().iter().any(|entry| entry.head.count > 0),
        Err(DatasetError::Journal(JournalError::Locked { .. })) => true,
        // What was begun and cannot be read, as on a full disk.
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_goes_and_what_was_there_stays() {
        let home = tempfile::tempdir().unwrap();
        let make = |dir: &Path| {
            fs::create_dir_all(dir.join("store")).unwrap();
            fs::write(dir.join("head.json"), "x").unwrap();
        };
        let new = home.path().join("a/b/set");
        let rollback = Rollback::before(&new);
        make(&new);
        rollback.restore().unwrap();
        assert!(!home.path().join("a").exists());

        let empty = home.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let rollback = Rollback::before(&empty);
        make(&empty);
        rollback.restore().unwrap();
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);

        let full = home.path().join("full");
        make(&full);
        Rollback::before(&full).restore().unwrap();
        assert!(full.join("head.json").exists());
    }
}
