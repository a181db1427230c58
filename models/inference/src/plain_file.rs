//! Plain files read whole: a device or a pipe need not end.

use std::io;
use std::path::Path;

/// Reads the plain file `path`.
///
/// # Errors
/// What the operating system says; `InvalidInput` for what is no plain file, which is not even opened.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        let reason = "it is a device, a pipe or a directory; give a plain file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    std::fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_refused_at_once() {
        assert_eq!(read(Path::new("/dev/zero")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(read(Path::new("/nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
