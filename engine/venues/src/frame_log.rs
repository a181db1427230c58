//! What a venue said, as it was read: frames with the moment they were read, in files that survive a kill.
//!
//! A file is a row of zstd frames, each whole and with a checksum: what was flushed is read back whatever came after it. What
//! a line holds is said by [`frame_line`](crate::frame_line).

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine_core::time::{Span, Timestamp};

use crate::frame_file::FrameFile;
use crate::frame_line::{ConnectionEvent, LAYOUT, LogHead, LoggedFrame, Said};
use crate::frame_log_error::FrameLogError;
use crate::recording_tally::RecordingTally;
use crate::venue_time::utc_date;

/// Unflushed text after which it is written, and the time after which it is.
const FLUSH_BYTES: usize = 1 << 20;
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// A file longer than this is followed by another.
pub(crate) const FILE_BYTES_MAX: u64 = 64 << 20;

const LEVEL: i32 = 3;

/// The file whose lock says that a recorder writes into the directory.
const LOCK: &str = "recording.lock";

/// What is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whose frames, as in datasets.
    pub venue: String,
    /// What is asked for, as in `trades BTCUSDT`.
    pub streams: Vec<String>,
}

/// Writes frames into a directory.
#[derive(Debug)]
pub struct FrameLog {
    dir: PathBuf,
    head: LogHead,
    file: File,
    path: PathBuf,
    written: u64,
    day: i64,
    lines: Vec<u8>,
    begun: Instant,
    flushed: Instant,
    number: u32,
    tally: Arc<RecordingTally>,
    /// Held as long as this writes.
    _lock: File,
}

impl FrameLog {
    /// A log in `dir` from the moment `at` on, made when it is not there, behind the files of an earlier one.
    ///
    /// # Errors
    /// [`FrameLogError`] when another recorder writes there, it holds frames of another venue, or the disk refuses.
    pub fn create(dir: &Path, recorded: Recorded, at: Timestamp) -> Result<Self, FrameLogError> {
        std::fs::create_dir_all(dir).map_err(|source| FrameLogError::io("create", dir, source))?;
        let lock = locked(dir)?;
        let files = files_in(dir)?;
        same_venue(dir, &files, &recorded.venue)?;
        let number = files.last().and_then(|path| number_of(path)).unwrap_or(0) + 1;
        let (path, begun) = (path_of(dir, number, at), Instant::now());
        let head = LogHead {
            frames: LAYOUT,
            venue: recorded.venue,
            streams: recorded.streams,
            recording: at.nanos(),
            at_ns: at.nanos(),
            mono_ns: 0,
        };
        let mut log = Self {
            dir: dir.to_path_buf(),
            head,
            file: new_file(&path)?,
            path,
            written: 0,
            day: day_of(at),
            lines: Vec::new(),
            begun,
            flushed: begun,
            number,
            tally: Arc::default(),
            _lock: lock,
        };
        log.begin_file(at)?;
        Ok(log)
    }

    /// What has been recorded so far, counted.
    #[must_use]
    pub fn tally(&self) -> Arc<RecordingTally> {
        Arc::clone(&self.tally)
    }

    /// Takes one line in; the operating system has it a second later at most, an event at once, or with
    /// [`flush`](Self::flush). A power cut can take what was written since the file was begun.
    ///
    /// # Errors
    /// [`FrameLogError::Io`]; what was written before stays whole.
    pub fn write(&mut self, at: Timestamp, connection: u64, said: Said) -> Result<(), FrameLogError> {
        if day_of(at) > self.day {
            self.flush()?;
            self.next_file(at)?;
        }
        let is_event = matches!(said, Said::Event(_));
        self.tally.add(&said, at);
        let frame = LoggedFrame { at_ns: at.nanos(), mono_ns: self.mono_ns(), connection, said };
        let path = &self.path;
        frame.write(&mut self.lines).map_err(|error| FrameLogError::io("write", path, error.into()))?;
        if is_event { self.flush() } else { self.flush_if_due(at) }
    }

    /// Writes what waits if it has waited for a second, or is much.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn flush_if_due(&mut self, at: Timestamp) -> Result<(), FrameLogError> {
        if self.lines.len() < FLUSH_BYTES && self.flushed.elapsed() < FLUSH_EVERY {
            return Ok(());
        }
        self.flush()?;
        if self.written >= FILE_BYTES_MAX { self.next_file(at) } else { Ok(()) }
    }

    /// Writes what waits as one block.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn flush(&mut self) -> Result<(), FrameLogError> {
        self.flushed = Instant::now();
        if self.lines.is_empty() {
            return Ok(());
        }
        let written = block(&self.lines).and_then(|block| self.file.write_all(&block).map(|()| block.len()));
        self.lines.clear();
        match written {
            Ok(bytes) => {
                self.written += bytes as u64;
                self.tally.wrote(bytes);
                Ok(())
            }
            Err(source) => {
                // Half a block would be a torn end; where even that cannot be cut off, it is one.
                let _ = self.file.set_len(self.written);
                Err(FrameLogError::io("write", &self.path, source))
            }
        }
    }

    /// Says that the recorder ends here, and brings everything onto the disk.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn end(&mut self, at: Timestamp, connection: u64) -> Result<(), FrameLogError> {
        self.write(at, connection, Said::Event(ConnectionEvent::Ended))?;
        self.synced()
    }

    fn synced(&self) -> Result<(), FrameLogError> {
        self.file.sync_data().map_err(|source| FrameLogError::io("sync", &self.path, source))
    }

    fn next_file(&mut self, at: Timestamp) -> Result<(), FrameLogError> {
        self.synced()?;
        self.number += 1;
        self.path = path_of(&self.dir, self.number, at);
        self.file = new_file(&self.path)?;
        self.written = 0;
        self.day = day_of(at);
        self.begin_file(at)
    }

    /// A file says first what it is: one that a kill leaves is known.
    fn begin_file(&mut self, at: Timestamp) -> Result<(), FrameLogError> {
        self.head = LogHead { at_ns: at.nanos(), mono_ns: self.mono_ns(), ..self.head.clone() };
        let json = serde_json::to_vec(&self.head);
        self.lines.extend(json.map_err(|error| FrameLogError::io("write", &self.path, error.into()))?);
        self.lines.push(b'\n');
        self.tally.began_file();
        self.flush()
    }

    fn mono_ns(&self) -> u64 {
        // 584 years of recording reach the end of it.
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Drop for FrameLog {
    fn drop(&mut self) {
        // Whoever wants to know how it went calls `flush` or `end`.
        let _ = self.flush();
    }
}

/// `lines` as a zstd frame with a checksum.
fn block(lines: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.write_all(lines)?;
    encoder.finish()
}

/// The lock of `dir`, held until the file is dropped.
fn locked(dir: &Path) -> Result<File, FrameLogError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|source| FrameLogError::io("open", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FrameLogError::Locked { dir: dir.display().to_string() }),
        Err(TryLockError::Error(source)) => Err(FrameLogError::io("lock", &path, source)),
    }
}

/// Refuses a directory that holds the frames of another venue.
fn same_venue(dir: &Path, files: &[PathBuf], venue: &str) -> Result<(), FrameLogError> {
    let Some(first) = files.first() else { return Ok(()) };
    match FrameFile::open(first)?.head() {
        Some(head) if head.venue != venue => Err(FrameLogError::OtherVenue {
            dir: dir.display().to_string(),
            venue: head.venue.clone(),
            asked: venue.to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

fn new_file(path: &Path) -> Result<File, FrameLogError> {
    let failed = |source| FrameLogError::io("create", path, source);
    let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    // Its name lasts; a folder is synced like a file.
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(file)
}

fn day_of(at: Timestamp) -> i64 {
    at.nanos().div_euclid(Span::DAY.nanos())
}

fn path_of(dir: &Path, number: u32, at: Timestamp) -> PathBuf {
    dir.join(format!("frames-{number:06}-{}.jsonl.zst", utc_date(at)))
}

/// The number in the name of a file of a log.
fn number_of(path: &Path) -> Option<u32> {
    let rest = path.file_name()?.to_str()?.strip_prefix("frames-")?.strip_suffix(".jsonl.zst")?;
    rest.split_once('-').map_or(rest, |(number, _day)| number).parse().ok()
}

/// The files of a log in their order; none where the directory holds none.
///
/// # Errors
/// [`FrameLogError::Io`].
pub fn files_in(dir: &Path) -> Result<Vec<PathBuf>, FrameLogError> {
    let failed = |source| FrameLogError::io("list", dir, source);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(number) = number_of(&path) {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

#[cfg(test)]
mod tests;
