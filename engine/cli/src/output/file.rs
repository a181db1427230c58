//! Files that a command writes whole or not at all.

use std::path::{Path, PathBuf};

use super::failure::Failure;

/// Checks that a report can be written to `path`, before a run is made for it. Leaves nothing behind.
///
/// # Errors
/// [`Failure`] when it is a directory, or when nothing can be written where it would lie.
pub fn check_report(path: &Path) -> Result<(), Failure> {
    let refused = |kind: std::io::ErrorKind| Err(Failure::io("write the report to", path, kind.into()));
    if path.is_dir() {
        return refused(std::io::ErrorKind::IsADirectory);
    }
    let Some(name) = path.file_name() else { return refused(std::io::ErrorKind::InvalidInput) };
    // Directories on the way are made with the report; so it is the nearest there is that must take a file.
    let there = path.ancestors().skip(1).find(|place| place.as_os_str().is_empty() || place.exists());
    let mut probe = std::ffi::OsString::from(".");
    probe.push(name);
    probe.push(".part");
    let probe = there.unwrap_or_else(|| Path::new("")).join(probe);
    let probed = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    probed.map_err(|error| Failure::io("write the report to", path, error))
}

fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    beside.into()
}

/// Writes a file beside its place and then moves it there, so that nobody meets half of it.
///
/// # Errors
/// [`Failure`]; what was there stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(|error| Failure::io("create", parent, error))?;
    }
    let beside = beside(path);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&beside);
        Failure::io("write", path, error)
    })
}
