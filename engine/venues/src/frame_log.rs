//! What a venue said, as it was read: frames with the moment they were read, in files that survive a kill.
//!
//! A file is a row of zstd frames, each whole: what was flushed is read back whatever came after it. A line is one message
//! as JSON: `{"at_ns", "connection", "text"}`, or `{"at_ns", "connection", "event"}` for a connection that began or was lost.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine_core::time::Timestamp;

/// Unflushed text after which it is written, and the time after which it is.
const FLUSH_BYTES: usize = 1 << 20;
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A file longer than this is followed by another.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A line longer than this is not read back.
const LINE_BYTES_MAX: u64 = 32 << 20;

const LEVEL: i32 = 3;

/// What happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The venue sent this text.
    Text(String),
    /// The connection began or was lost.
    Event(ConnectionEvent),
}

/// Beginning and end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionEvent {
    /// It was made and greeted.
    Begun,
    /// It was lost; what the venue said until the next one begins was missed.
    Lost,
}

/// One line of a log.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LoggedFrame {
    /// When it was read.
    pub at_ns: i64,
    /// On which connection.
    pub connection: u64,
    /// What was said.
    #[serde(flatten)]
    pub said: Said,
}

/// Writes frames into a directory.
#[derive(Debug)]
pub struct FrameLog {
    dir: PathBuf,
    file: File,
    written: u64,
    lines: Vec<u8>,
    flushed: Instant,
    files: u32,
}

impl FrameLog {
    /// A log in `dir`, made when it is not there, behind the files of an earlier one.
    ///
    /// # Errors
    /// What the disk says.
    pub fn create(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let files = files_in(dir)?.last().and_then(|path| number_of(path)).unwrap_or(0) + 1;
        let file = new_file(dir, files)?;
        Ok(Self {
            dir: dir.to_path_buf(),
            file,
            written: 0,
            lines: Vec::new(),
            flushed: Instant::now(),
            files,
        })
    }

    /// Takes one line in; the operating system has it a second later at most, or with [`flush`](Self::flush). A power cut can
    /// take what was written since the file was begun.
    ///
    /// # Errors
    /// What the disk says.
    pub fn write(&mut self, at: Timestamp, connection: u64, said: Said) -> io::Result<()> {
        serde_json::to_writer(&mut self.lines, &LoggedFrame { at_ns: at.nanos(), connection, said })?;
        self.lines.push(b'\n');
        self.flush_if_due()
    }

    /// Writes what waits if it has waited for a second, or is much.
    ///
    /// # Errors
    /// What the disk says.
    pub fn flush_if_due(&mut self) -> io::Result<()> {
        if self.lines.len() >= FLUSH_BYTES || self.flushed.elapsed() >= FLUSH_EVERY {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes what waits as one zstd frame, and begins another file when this one is long.
    ///
    /// # Errors
    /// What the disk says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        if self.lines.is_empty() {
            return Ok(());
        }
        let frame = zstd::encode_all(self.lines.as_slice(), LEVEL)?;
        self.file.write_all(&frame)?;
        self.written += frame.len() as u64;
        self.lines.clear();
        if self.written >= FILE_BYTES_MAX {
            self.file.sync_data()?;
            self.files += 1;
            self.file = new_file(&self.dir, self.files)?;
            self.written = 0;
        }
        Ok(())
    }
}

impl Drop for FrameLog {
    fn drop(&mut self) {
        // Whoever wants to know how it went calls `flush`.
        let _ = self.flush();
    }
}

fn new_file(dir: &Path, number: u32) -> io::Result<File> {
    let path = dir.join(format!("frames-{number:06}.jsonl.zst"));
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    // Its name lasts; a folder is synced like a file.
    File::open(dir)?.sync_all()?;
    Ok(file)
}

fn number_of(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.strip_prefix("frames-")?.strip_suffix(".jsonl.zst")?.parse().ok()
}

/// The files of a log in their order.
///
/// # Errors
/// What the disk says.
pub fn files_in(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if number_of(&path).is_some() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Reads a log back, file by file; what was not flushed at the end of a file is passed over.
pub struct FrameReplay {
    files: std::vec::IntoIter<PathBuf>,
    lines: Option<Box<dyn BufRead + Send>>,
    /// Files whose last zstd frame was cut.
    cut: u32,
}

impl std::fmt::Debug for FrameReplay {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("FrameReplay").field("cut", &self.cut).finish_non_exhaustive()
    }
}

impl FrameReplay {
    /// The log in `dir`.
    ///
    /// # Errors
    /// What the disk says, and `NotFound` for a directory without a log.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let files = files_in(dir)?;
        if files.is_empty() {
            let reason = format!("{} holds no frames-N.jsonl.zst", dir.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, reason));
        }
        Ok(Self { files: files.into_iter(), lines: None, cut: 0 })
    }

    /// Files whose end was cut, as a kill leaves it.
    #[must_use]
    pub const fn cut(&self) -> u32 {
        self.cut
    }

    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// What the disk says, and `InvalidData` for a line that is no frame.
    pub fn next_frame(&mut self) -> io::Result<Option<LoggedFrame>> {
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(path) = self.files.next() else { return Ok(None) };
                let decoder = zstd::Decoder::new(File::open(path)?)?;
                self.lines = Some(Box::new(BufReader::new(decoder)));
                continue;
            };
            let mut line = Vec::new();
            match lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) => self.lines = None,
                Ok(_) if line.ends_with(b"\n") => return Ok(Some(serde_json::from_slice(&line)?)),
                Ok(_) if line.len() as u64 >= LINE_BYTES_MAX => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of more than 32 MiB"));
                }
                // A kill cut the last zstd frame of this file.
                Ok(_) | Err(_) => {
                    self.cut += 1;
                    self.lines = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(dir: &Path) -> (Vec<LoggedFrame>, u32) {
        let mut replay = FrameReplay::open(dir).unwrap();
        let mut frames = Vec::new();
        while let Some(frame) = replay.next_frame().unwrap() {
            frames.push(frame);
        }
        (frames, replay.cut())
    }

    fn text(number: i64) -> LoggedFrame {
        LoggedFrame {
            at_ns: number,
            connection: 1,
            said: Said::Text(format!("{{\"n\":{number},\"x\":\"é\\\"\"}}")),
        }
    }

    fn write(log: &mut FrameLog, frame: &LoggedFrame) {
        log.write(Timestamp::from_nanos(frame.at_ns), frame.connection, frame.said.clone()).unwrap();
    }

    #[test]
    fn a_log_reads_back_and_goes_on_behind_an_earlier_one() {
        let dir = tempfile::tempdir().unwrap();
        let begun = LoggedFrame { at_ns: 0, connection: 1, said: Said::Event(ConnectionEvent::Begun) };
        let mut log = FrameLog::create(dir.path()).unwrap();
        write(&mut log, &begun);
        write(&mut log, &text(1));
        drop(log);
        let mut log = FrameLog::create(dir.path()).unwrap();
        write(&mut log, &text(2));
        log.flush().unwrap();
        assert_eq!(all(dir.path()), (vec![begun, text(1), text(2)], 0));
        assert_eq!(files_in(dir.path()).unwrap().len(), 2);
        assert!(FrameReplay::open(&dir.path().join("elsewhere")).is_err());
    }

    #[test]
    fn what_was_flushed_is_read_wherever_a_kill_cuts_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = FrameLog::create(dir.path()).unwrap();
        let path = files_in(dir.path()).unwrap().remove(0);
        let mut ends = vec![0];
        for number in 0..6 {
            write(&mut log, &text(2 * number));
            write(&mut log, &text(2 * number + 1));
            log.flush().unwrap();
            ends.push(std::fs::metadata(&path).unwrap().len());
        }
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let flushed = ends.iter().filter(|end| **end <= cut as u64).count() as i64 - 1;
            let (frames, _) = all(dir.path());
            let expected: Vec<LoggedFrame> = (0..2 * flushed).map(text).collect();
            assert!(frames.starts_with(&expected), "cut at {cut}: {} of {}", frames.len(), expected.len());
            assert!(
                frames.len() <= 12 && frames.iter().zip(0..).all(|(frame, number)| *frame == text(number))
            );
        }
    }
}
