//! Small files read whole: keys, signed heads, side files, settings.
//!
//! What is read whole must end. A device or a pipe need not, so only plain files of a bounded size are taken.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Most bytes of a side file, a configuration or a file of signed heads.
pub const SMALL_BYTES_MAX: u64 = 16 << 20;
/// Most bytes of a key file.
pub const KEY_BYTES_MAX: u64 = 4 << 10;

/// What is at a path, when it is not a plain file; `None` for a plain file.
#[must_use]
pub fn not_plain(metadata: &Metadata) -> Option<&'static str> {
    if metadata.is_file() {
        return None;
    }
    if metadata.is_dir() {
        return Some("a directory");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
    }
    Some("no plain file")
}

/// Reads the plain file `path` of at most `limit` bytes.
///
/// # Errors
/// What the operating system says; `InvalidInput` for what is no plain file, which is not even opened, and
/// `FileTooLarge` for one beyond the limit.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let refused = |what| {
        let reason = format!("it is {what}, which need not end; give a plain file");
        io::Error::new(io::ErrorKind::InvalidInput, reason)
    };
    if let Some(what) = not_plain(&std::fs::metadata(path)?) {
        return Err(refused(what));
    }
    let file = File::open(path)?;
    // Whoever exchanged the file in between is met here.
    if let Some(what) = not_plain(&file.metadata()?) {
        return Err(refused(what));
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let reason = format!("it has more than {limit} bytes, which no file of this kind has");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

/// Whether `error`, from [`read`], says that what is at the path, or the path itself, can be no plain file of that size,
/// rather than that reading failed.
pub(crate) fn is_no_such_file(error: &io::Error) -> bool {
    // A circle of links is an error without a kind of its own.
    const TOO_MANY_LINKS: i32 = 40;
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::FileTooLarge
    ) || (cfg!(target_os = "linux") && error.raw_os_error() == Some(TOO_MANY_LINKS))
}

/// Reads the plain text file `path` of at most `limit` bytes.
///
/// # Errors
/// As [`read`]; `InvalidData` for what is no UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_need_not_end_is_refused_at_once() {
        for device in ["/dev/zero", "/dev/full", "/dev/random"] {
            let refused = read(Path::new(device), 1 << 40).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{device}: {refused}");
            assert!(refused.to_string().contains("a device"), "{refused}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path(), 9).unwrap_err().to_string().contains("a directory"));
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|status| status.success()) {
            // Opening a pipe without a writer would wait for one.
            assert!(read(&pipe, 9).unwrap_err().to_string().contains("a pipe"));
        }
        let file = folder.path().join("file");
        std::fs::write(&file, "123456789").unwrap();
        assert_eq!(read(&file, 9).unwrap(), b"123456789");
        assert_eq!(read(&file, 8).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
