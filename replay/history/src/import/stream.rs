//! A stream, such as standard input or a named pipe, set aside in a file, because its rows are read more than once.
//!
//! The file lies on the disk of the dataset and has no name, so that nothing of it is left, however the import ends.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::ImportError;

const READ_BYTES: usize = 256 * 1024;

/// All bytes of a stream that came to its end.
#[derive(Debug)]
pub struct Stream {
    name: String,
    path: PathBuf,
    /// Kept open as long as it is read by its path.
    _file: Kept,
}

/// The file that holds the bytes; it goes when this is dropped.
#[derive(Debug)]
enum Kept {
    Unnamed { _file: File },
    Named { _file: NamedTempFile },
}

impl Stream {
    /// Reads `source`, called `name` in messages and in the dataset's sources, to its end, onto the disk where
    /// `dataset` is or will be.
    ///
    /// # Errors
    /// When it cannot be read or set aside, or has more than `bytes_max` bytes.
    pub fn set_aside(
        source: &mut dyn Read,
        name: &str,
        dataset: &Path,
        bytes_max: u64,
    ) -> Result<Self, ImportError> {
        let folder = existing_folder(dataset);
        let unwritten = |source| ImportError::io("set a stream aside in", &folder, source);
        let (path, mut writer, kept) = open(&folder).map_err(unwritten)?;
        let mut room = vec![0; READ_BYTES];
        let mut bytes = 0_u64;
        loop {
            let read = match source.read(&mut room) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ImportError::io("read", Path::new(name), error)),
            };
            if read == 0 {
                break;
            }
            bytes += read as u64;
            if bytes > bytes_max {
                let reason = format!(
                    "the stream has more than {bytes_max} bytes, which is all that is set aside on the disk of the \
                     dataset; allow more with --stream-bytes-max, or save it to a file first"
                );
                return Err(ImportError::file(name, reason));
            }
            writer.write_all(room.get(..read).unwrap_or_default()).map_err(unwritten)?;
        }
        if bytes == 0 {
            return Err(ImportError::file(name, "the stream ended without a byte; look at what writes it"));
        }
        Ok(Self { name: name.to_owned(), path, _file: kept })
    }

    /// Where its bytes can be read as those of a file, as long as this lives.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The folder nearest to the dataset that is there: its own, or one above it.
pub(super) fn existing_folder(dataset: &Path) -> PathBuf {
    let there = dataset.ancestors().filter(|at| !at.as_os_str().is_empty()).find(|at| at.is_dir());
    there.unwrap_or(Path::new(".")).to_path_buf()
}

/// A new file in `folder`: how it is opened anew, its writer, and what keeps it.
fn open(folder: &Path) -> io::Result<(PathBuf, File, Kept)> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd as _;
        let file = tempfile::tempfile_in(folder)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        // Where the kernel shows no files by their number, one with a name does.
        if File::open(&path).is_ok() {
            return Ok((path, file.try_clone()?, Kept::Unnamed { _file: file }));
        }
    }
    let file = NamedTempFile::new_in(folder)?;
    Ok((file.path().to_path_buf(), file.as_file().try_clone()?, Kept::Named { _file: file }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some bytes, then an error.
    struct Broken(&'static [u8]);

    impl Read for Broken {
        fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::Error::other("the line is cut")) } else { self.0.read(room) }
        }
    }

    #[test]
    fn a_stream_is_read_as_a_file_any_number_of_times_and_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let stream = Stream::set_aside(&mut &b"1,2\n"[..], "standard input", &home.path().join("a/b"), 4);
        let stream = stream.unwrap();
        for _ in 0..2 {
            assert_eq!(std::fs::read(stream.path()).unwrap(), b"1,2\n");
        }
        drop(stream);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_stream_that_breaks_is_empty_or_too_long_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let set_aside = |source: &mut dyn Read, bytes_max| {
            Stream::set_aside(source, "standard input", home.path(), bytes_max).unwrap_err().to_string()
        };
        assert_eq!(set_aside(&mut Broken(b"1,2\n"), 9), "read standard input: the line is cut");
        assert!(set_aside(&mut &b""[..], 9).contains("ended without a byte"));
        let long = set_aside(&mut io::repeat(b'x'), 1 << 20);
        assert!(long.contains("more than 1048576 bytes") && long.contains("--stream-bytes-max"), "{long}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
