//! A recording that goes on: frames of a venue into files, until whoever began it ends it.

use std::sync::Arc;
use std::thread::JoinHandle;

use engine_core::event::Input;
use engine_core::time::Timestamp;

use crate::frame_log_error::FrameLogError;
use crate::frame_reader::{FrameReader, Read, Unsound};
use crate::ingress::Ingress;
use crate::recording_tally::{RecordingCounts, RecordingTally};

/// Records on a thread of its own.
#[derive(Debug)]
pub struct Recorder {
    thread: Option<JoinHandle<()>>,
    ingress: Arc<Ingress>,
    tally: Arc<RecordingTally>,
}

impl Recorder {
    pub(crate) const fn new(
        thread: JoinHandle<()>,
        ingress: Arc<Ingress>,
        tally: Arc<RecordingTally>,
    ) -> Self {
        Self { thread: Some(thread), ingress, tally }
    }

    /// What has been recorded so far.
    #[must_use]
    pub fn counts(&self) -> RecordingCounts {
        self.tally.counts()
    }

    /// Whether nothing can be recorded any more, so that [`finish`](Self::finish) says why.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.tally.has_failed()
    }

    /// Ends the recording and its last file, which takes the moment that the disk takes.
    ///
    /// # Errors
    /// [`FrameLogError`] when not everything could be written; what was written before is whole.
    pub fn finish(mut self) -> Result<RecordingCounts, FrameLogError> {
        self.ingress.close();
        if let Some(thread) = self.thread.take() {
            // A panic there has said so, and the log was flushed as it was dropped.
            let _ = thread.join();
        }
        match self.tally.take_failure() {
            Some(error) => Err(error),
            None => Ok(self.tally.counts()),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.ingress.close();
    }
}

/// Listens as a run would, so that a connection that left something out is opened anew, and hands nothing on.
#[derive(Debug)]
pub(crate) struct RecordingReader<R> {
    reader: R,
    tally: Arc<RecordingTally>,
}

impl<R: FrameReader> RecordingReader<R> {
    pub(crate) const fn new(reader: R, tally: Arc<RecordingTally>) -> Self {
        Self { reader, tally }
    }
}

impl<R: FrameReader> FrameReader for RecordingReader<R> {
    fn greetings(&self) -> Vec<String> {
        self.reader.greetings()
    }

    fn begins(&mut self, number: u64) {
        self.reader.begins(number);
    }

    fn read(&mut self, at: Timestamp, number: u64, text: &str) -> Read {
        let read = self.reader.read(at, number, text);
        let unsound = match read.unsound {
            // It is recorded all the same: whoever reads it later may know better.
            Some(Unsound::Frame(_)) => {
                self.tally.could_not_read();
                None
            }
            unsound @ (Some(Unsound::Connection(_)) | None) => unsound,
        };
        Read { inputs: Vec::new(), unsound, ..read }
    }

    fn lost(&mut self) -> Vec<Input> {
        self.reader.lost();
        Vec::new()
    }
}
