//! Recorded frames read by the code that reads sockets: in their own time at a speed, or as fast as the loop takes them.

use std::collections::VecDeque;
use std::time::Duration;

use engine_core::event::{Input, SessionMark};
use engine_core::market::MarketUpdate;
use engine_core::time::{Span, Timestamp};
use engine_runtime::interruption::Interruption;
use engine_runtime::ports::{EnvironmentError, Fed, InputFeed};

use crate::clock::HouseClock;
use crate::frame_line::{ConnectionEvent, LoggedFrame, Said};
use crate::frame_log_error::FrameLogError;
use crate::frame_reader::{FrameReader, Read, Unsound};
use crate::frame_replay::FrameReplay;
use crate::market_venue::{Notices, WantedPlayback};

/// How long the wish of an operator may wait to be seen.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The feed of a log of frames; its session ends where the log does, or when its operator says so.
pub(crate) struct Playback<R> {
    replay: FrameReplay,
    reader: R,
    coming: VecDeque<(Timestamp, Input)>,
    now: Timestamp,
    /// When streams that are silent were looked for.
    looked_at: Timestamp,
    /// The time that passes, where it is not the log's alone.
    clock: Option<HouseClock>,
    interruption: Interruption,
    notices: Notices,
    torn_told: usize,
    ended: bool,
}

impl<R: FrameReader> Playback<R> {
    /// The frames that `wanted` names, as `reader` reads them.
    ///
    /// # Errors
    /// [`FrameLogError`] when there are none, or the first cannot be read.
    pub(crate) fn open(wanted: &WantedPlayback<'_>, reader: R) -> Result<Self, FrameLogError> {
        let mut playback = Self {
            replay: FrameReplay::open(wanted.dir)?,
            reader,
            coming: VecDeque::new(),
            now: Timestamp::from_nanos(0),
            looked_at: Timestamp::from_nanos(0),
            clock: None,
            interruption: wanted.interruption.clone(),
            notices: wanted.notices.clone(),
            torn_told: 0,
            ended: false,
        };
        // The time begins with the first frame.
        if let Some(first) = playback.replay.next_frame()? {
            playback.now = Timestamp::from_nanos(first.at_ns);
            playback.looked_at = playback.now;
            playback.clock = wanted.speed.map(|speed| HouseClock::following(playback.now, speed));
            playback.take(first);
        }
        Ok(playback)
    }

    fn take(&mut self, frame: LoggedFrame) {
        let at = Timestamp::from_nanos(frame.at_ns).max(self.now);
        self.look(at);
        let inputs = match frame.said {
            Said::Event(ConnectionEvent::Begun) => {
                self.reader.begins(frame.connection);
                Vec::new()
            }
            Said::Event(ConnectionEvent::Lost { .. }) => self.reader.lost(),
            Said::Event(ConnectionEvent::Refused { .. } | ConnectionEvent::Ended) => Vec::new(),
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

    /// Looks through the seconds of the log that went by.
    fn look(&mut self, at: Timestamp) {
        let seconds = at.since(self.looked_at).nanos() / Span::SECOND.nanos();
        if seconds > 0 {
            self.looked_at = at;
            let found = self.reader.look(u64::try_from(seconds).unwrap_or_default());
            self.coming.extend(found.into_iter().map(|input| (at, input)));
        }
    }

    /// Reads frames until one of them says something.
    fn read_on(&mut self) -> Result<(), EnvironmentError> {
        if self.interruption.is_asked_for() {
            self.coming.clear();
            self.ended = true;
        }
        while self.coming.is_empty() && !self.ended {
            let frame = self.replay.next_frame();
            let frame =
                frame.map_err(|error| EnvironmentError::SourceBroken { reason: error.to_string() })?;
            for torn in self.replay.torn().iter().skip(self.torn_told) {
                (self.notices)(&torn.to_string());
            }
            self.torn_told = self.replay.torn().len();
            match frame {
                Some(frame) => self.take(frame),
                None => self.ended = true,
            }
        }
        Ok(())
    }

    /// Waits until it is time for what comes next, or `until`; what a log says as fast as it is read waits for nothing.
    fn wait_for_next(&self, until: Option<Timestamp>) {
        let next = self.coming.front().map(|(at, _)| *at);
        let (Some(clock), Some(next)) = (&self.clock, next) else { return };
        let due = until.map_or(next, |until| until.min(next));
        while clock.now() < due && !self.interruption.is_asked_for() {
            std::thread::sleep(clock.time_to(due).min(LOOK_EVERY));
        }
    }
}

impl<R: FrameReader> InputFeed for Playback<R> {
    fn wait(&mut self, until: Option<Timestamp>) -> Result<Fed, EnvironmentError> {
        let was_ended = self.ended;
        self.read_on()?;
        self.wait_for_next(until);
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
        if self.clock.as_ref().is_some_and(|clock| clock.now() < *at) {
            return Ok(None);
        }
        let found = ((*at).max(self.now), *update);
        self.now = found.0;
        self.coming.pop_front();
        Ok(Some(found))
    }
}
