//! A log of frames read back, file by file, with the holes that its recorders left.

use std::path::{Path, PathBuf};

use crate::frame_file::FrameFile;
use crate::frame_line::{ConnectionEvent, LogHead, LoggedFrame, Said};
use crate::frame_log::files_in;
use crate::frame_log_error::FrameLogError;

pub use crate::frame_file::TornEnd;

/// Where a frame stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FramePlace {
    /// The file.
    pub file: String,
    /// The line, counted from 1; of what no line says, the one before.
    pub line: u64,
}

impl core::fmt::Display for FramePlace {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "{}, line {}", self.file, self.line)
    }
}

/// Reads a log back. Connections of a later recording count on from those before, and where one recording follows another
/// the connection is lost in between, whether its recorder was ended or killed.
#[derive(Debug)]
pub struct FrameReplay {
    files: std::vec::IntoIter<PathBuf>,
    file: Option<FrameFile>,
    place: FramePlace,
    torn: Vec<TornEnd>,
    head: Option<LogHead>,
    /// What is added to the numbers of connections of the recording that is read.
    before: u64,
    last: Option<Heard>,
}

/// What is remembered of the frame handed out last.
#[derive(Debug, Clone, Copy)]
struct Heard {
    at_ns: i64,
    mono_ns: u64,
    /// The highest number of a connection so far.
    connection: u64,
    is_lost: bool,
    has_ended: bool,
}

impl FrameReplay {
    /// The log in `dir`.
    ///
    /// # Errors
    /// [`FrameLogError`] when the directory cannot be listed or holds none.
    pub fn open(dir: &Path) -> Result<Self, FrameLogError> {
        let files = files_in(dir)?;
        if files.is_empty() {
            return Err(FrameLogError::NoLog { dir: dir.display().to_string() });
        }
        Ok(Self::of(files))
    }

    /// The log in `files`, in their order.
    #[must_use]
    pub fn of(files: Vec<PathBuf>) -> Self {
        Self {
            files: files.into_iter(),
            file: None,
            place: FramePlace::default(),
            torn: Vec::new(),
            head: None,
            before: 0,
            last: None,
        }
    }

    /// Files read so far whose end is torn, as a kill leaves it.
    #[must_use]
    pub fn torn(&self) -> &[TornEnd] {
        &self.torn
    }

    /// What the file that is read says it is about.
    #[must_use]
    pub const fn head(&self) -> Option<&LogHead> {
        self.head.as_ref()
    }

    /// Where the frame handed out last stands.
    #[must_use]
    pub const fn place(&self) -> &FramePlace {
        &self.place
    }

    /// The next frame, or `None` at the end.
    ///
    /// # Errors
    /// [`FrameLogError`], naming file and place.
    pub fn next_frame(&mut self) -> Result<Option<LoggedFrame>, FrameLogError> {
        loop {
            let Some(file) = &mut self.file else {
                let Some(path) = self.files.next() else { return Ok(None) };
                if let Some(lost) = self.begin(FrameFile::open(&path)?) {
                    return Ok(Some(self.told(lost)));
                }
                continue;
            };
            if let Some(mut frame) = file.next_frame()? {
                self.place.line = file.line();
                frame.connection += self.before;
                return Ok(Some(self.told(frame)));
            }
            self.torn.extend(file.torn().cloned());
            self.file = None;
        }
    }

    /// Begins a file; answers the loss of the connection where another recording begins with it.
    fn begin(&mut self, file: FrameFile) -> Option<LoggedFrame> {
        self.place = FramePlace { file: file.name().to_owned(), line: 1 };
        let head = file.head().cloned();
        self.file = Some(file);
        let head = head?;
        let is_another = self.head.as_ref().is_some_and(|before| before.recording != head.recording);
        self.head = Some(head);
        let last = self.last.filter(|_| is_another)?;
        self.before = last.connection;
        let why =
            if last.has_ended { "the recorder was ended" } else { "the recorder was killed" }.to_owned();
        let said = Said::Event(ConnectionEvent::Lost { why });
        let Heard { at_ns, mono_ns, connection, .. } = last;
        (!last.is_lost).then_some(LoggedFrame { at_ns, mono_ns, connection, said })
    }

    fn told(&mut self, frame: LoggedFrame) -> LoggedFrame {
        let highest = self.last.map_or(0, |last| last.connection);
        self.last = Some(Heard {
            at_ns: frame.at_ns,
            mono_ns: frame.mono_ns,
            connection: frame.connection.max(highest),
            is_lost: matches!(frame.said, Said::Event(ConnectionEvent::Lost { .. })),
            has_ended: frame.said == Said::Event(ConnectionEvent::Ended),
        });
        frame
    }
}

#[cfg(test)]
mod tests;
