//! A journal's folder comes into being whole or not at all, and one writer at a time has it.
//!
//! It is made beside its place under a name of its own, `.NAME.creating-…`, and renamed into place when everything
//! in it has reached the drive. What a killed creation leaves behind is removed by the next one of the same name.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use engine_runtime::ports::JournalError;

use crate::disk;
use crate::writer_lock::WriterLock;

/// Whether `dir` may become a journal: it is not there, or it is an empty folder.
pub(crate) fn is_free(dir: &Path) -> Result<bool, JournalError> {
    match std::fs::read_dir(dir) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(disk::io_error("list", dir, error)),
    }
}

/// Makes the folder `dir` with everything that `fill` puts into it.
///
/// # Errors
/// `Exists` when something is there by then; otherwise what the disk or `fill` says. Nothing is left then.
pub(crate) fn create(
    dir: &Path,
    fill: impl FnOnce(&Path) -> Result<(), JournalError>,
) -> Result<WriterLock, JournalError> {
    let dir = &place(dir)?;
    let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
        return Err(JournalError::Exists { path: dir.display().to_string() });
    };
    disk::create_folders(parent)?;
    let mut begin = OsString::from(".");
    begin.push(name);
    begin.push(".creating-");
    remove_leftovers(parent, &begin);
    let staged = staged(parent, &begin);
    disk::create_folder(&staged)?;
    let made = WriterLock::take(&staged).and_then(|lock| {
        fill(&staged)?;
        disk::sync_directory(&staged)?;
        disk::rename(&staged, dir).map_err(|error| {
            use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
            if matches!(error.kind(), AlreadyExists | DirectoryNotEmpty | NotADirectory) {
                return JournalError::Exists { path: dir.display().to_string() };
            }
            disk::io_error("rename", &staged, error)
        })?;
        disk::sync_directory(parent)?;
        Ok(lock)
    });
    if made.is_err() {
        // What cannot be removed now goes with the next creation.
        let _ = disk::remove_all(&staged);
    }
    made
}

/// Where the folder is to be: an empty one may be reached by a link.
fn place(dir: &Path) -> Result<PathBuf, JournalError> {
    let found = if dir.exists() { std::fs::canonicalize(dir) } else { std::path::absolute(dir) };
    found.map_err(|error| disk::io_error("find", dir, error))
}

fn staged(parent: &Path, begin: &OsString) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let mut name = begin.clone();
    name.push(format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed)));
    parent.join(name)
}

/// Removes what killed creations left; one under way holds its folder and is let alone.
fn remove_leftovers(parent: &Path, begin: &OsString) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let ours = path.file_name().is_some_and(|name| {
            name.as_encoded_bytes().starts_with(begin.as_encoded_bytes()) && path.is_dir()
        });
        if ours && File::open(&path).is_ok_and(|folder| folder.try_lock().is_ok()) {
            // It is only in the way.
            let _ = disk::remove_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_folder_is_made_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("deep").join("run");
        let failed = create(&dir, |staged| {
            std::fs::write(staged.join("half"), "x").unwrap();
            Err(JournalError::DiskFull)
        });
        assert!(matches!(failed, Err(JournalError::DiskFull)));
        assert_eq!(names(&root.path().join("deep")), Vec::<String>::new());
        let lock = create(&dir, |staged| {
            std::fs::write(staged.join("whole"), "x").unwrap();
            Ok(())
        });
        let lock = lock.unwrap();
        assert_eq!(names(&dir), ["whole"]);
        assert!(matches!(WriterLock::take(&dir), Err(JournalError::Locked { .. })));
        drop(lock);
        assert!(WriterLock::take(&dir).is_ok());
        assert!(matches!(create(&dir, |_| Ok(())), Err(JournalError::Exists { .. })));
        assert_eq!(
            (is_free(&dir).unwrap(), is_free(root.path().join("new").as_path()).unwrap()),
            (false, true)
        );
    }

    #[test]
    fn what_a_killed_creation_left_goes_with_the_next_one() {
        let root = tempfile::tempdir().unwrap();
        let left = root.path().join(".run.creating-1-0");
        let under_way = root.path().join(".run.creating-2-0");
        let other = root.path().join(".other.creating-1-0");
        for folder in [&left, &under_way, &other] {
            std::fs::create_dir(folder).unwrap();
        }
        let _held = WriterLock::take(&under_way).unwrap();
        std::fs::create_dir(root.path().join("run")).unwrap();
        create(&root.path().join("run"), |_| Ok(())).unwrap();
        assert!(!left.exists() && under_way.exists() && other.exists());
    }
}
