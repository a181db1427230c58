//! Recorded frames read by the code that reads sockets, in their own time and as fast as the loop takes them.

use std::collections::VecDeque;
use std::path::Path;

use engine_core::event::{Input, SessionMark};
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use engine_runtime::ports::{EnvironmentError, Fed, InputFeed};

use crate::frame_log::{ConnectionEvent, FrameReplay, LoggedFrame, Said};
use crate::market_venue::VenueError;
use crate::session::{FrameReader, Read, Unsound};

/// The feed of the frames in `dir`.
///
/// # Errors
/// [`VenueError::Recording`] when they cannot be read.
pub(crate) fn playback<R: FrameReader>(dir: &Path, reader: R) -> Result<Playback<R>, VenueError> {
    Playback::open(dir, reader).map_err(|source| VenueError::Recording {
        action: "play back",
        dir: dir.display().to_string(),
        source,
    })
}

/// The feed of a log of frames; its session ends where the log does.
pub(crate) struct Playback<R> {
    replay: FrameReplay,
    reader: R,
    coming: VecDeque<(Timestamp, Input)>,
    now: Timestamp,
    ended: bool,
}

impl<R: FrameReader> Playback<R> {
    /// The frames in `dir`, as `reader` reads them.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn open(dir: &Path, reader: R) -> std::io::Result<Self> {
        let replay = FrameReplay::open(dir)?;
        let mut playback =
            Self { replay, reader, coming: VecDeque::new(), now: Timestamp::from_nanos(0), ended: false };
        // The time begins with the first frame.
        if let Some(first) = playback.replay.next_frame()? {
            playback.now = Timestamp::from_nanos(first.at_ns);
            playback.take(first);
        }
        Ok(playback)
    }

    fn take(&mut self, frame: LoggedFrame) {
        let at = Timestamp::from_nanos(frame.at_ns).max(self.now);
        let inputs = match frame.said {
            Said::Event(ConnectionEvent::Begun) => {
                self.reader.begins(frame.connection);
                Vec::new()
            }
            Said::Event(ConnectionEvent::Lost) => self.reader.lost(),
            Said::Text(text) => {
                let Read { mut inputs, unsound, .. } = self.reader.read(at, frame.connection, &text);
                if let Some(Unsound::Connection(_)) = unsound {
                    // The recorder opened another connection then, and says so next.
                    inputs.extend(self.reader.lost());
                }
                inputs
            }
        };
        self.coming.extend(inputs.into_iter().map(|input| (at, input)));
    }

    /// Reads frames until one of them says something.
    fn read_on(&mut self) -> Result<(), EnvironmentError> {
        while self.coming.is_empty() && !self.ended {
            let frame = self.replay.next_frame();
            let frame =
                frame.map_err(|error| EnvironmentError::SourceBroken { reason: error.to_string() })?;
            match frame {
                Some(frame) => self.take(frame),
                None => self.ended = true,
            }
        }
        Ok(())
    }
}

impl<R: FrameReader> InputFeed for Playback<R> {
    fn wait(&mut self, until: Option<Timestamp>) -> Result<Fed, EnvironmentError> {
        let was_ended = self.ended;
        self.read_on()?;
        match (self.coming.pop_front(), until) {
            (Some((at, input)), Some(until)) if at > until => {
                self.coming.push_front((at, input));
                self.now = self.now.max(until);
                Ok(Fed::Nothing(self.now))
            }
            (Some((at, input)), _) => {
                self.now = self.now.max(at);
                Ok(Fed::Input(self.now, input))
            }
            (None, _) if was_ended => Ok(Fed::End),
            (None, _) => Ok(Fed::Input(self.now, Input::Session(SessionMark::Interrupted))),
        }
    }

    fn ready(&mut self) -> Result<Option<(Timestamp, MarketUpdate)>, EnvironmentError> {
        if !self.ended {
            self.read_on()?;
        }
        let Some((at, Input::Market(update))) = self.coming.front() else { return Ok(None) };
        let found = ((*at).max(self.now), *update);
        self.now = found.0;
        self.coming.pop_front();
        Ok(Some(found))
    }
}
