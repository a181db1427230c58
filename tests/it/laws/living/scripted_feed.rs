//! A feed in virtual time.

use std::collections::VecDeque;

use engine_core::event::{Input, SessionMark};
use engine_core::market::MarketUpdate;
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::{EnvironmentError, Fed, InputFeed};

/// A feed in virtual time: what comes, and when.
#[derive(Debug, Clone)]
pub(in crate::laws) struct ScriptedFeed {
    coming: VecDeque<(Timestamp, Input)>,
    /// How the session ends behind it.
    end: End,
    /// How much later than asked for the feed says that nothing came.
    late: Span,
    /// The moment of what came last, or comes first.
    now: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::laws) enum End {
    /// The operator ends it.
    Interrupted,
    /// The process is killed.
    Killed,
    Over,
}

impl ScriptedFeed {
    pub(in crate::laws) fn new(coming: Vec<(Timestamp, Input)>, end: End, late: Span) -> Self {
        let now = coming.first().map_or(Timestamp::from_nanos(0), |(at, _)| *at);
        Self { coming: coming.into(), end, late, now }
    }
}

impl InputFeed for ScriptedFeed {
    fn wait(&mut self, until: Option<Timestamp>) -> Result<Fed, EnvironmentError> {
        let now = self.now;
        match (self.coming.pop_front(), until) {
            (Some((at, input)), Some(until)) if at > until => {
                self.coming.push_front((at, input));
                Ok(Fed::Nothing(now.max(until.plus(self.late))))
            }
            (Some((at, input)), _) => {
                self.now = at;
                Ok(Fed::Input(at, input))
            }
            (None, _) => match std::mem::replace(&mut self.end, End::Over) {
                End::Interrupted => Ok(Fed::Input(now, Input::Session(SessionMark::Interrupted))),
                End::Killed => Err(EnvironmentError::SourceBroken { reason: "killed".into() }),
                End::Over => Ok(Fed::End),
            },
        }
    }

    fn ready(&mut self) -> Result<Option<(Timestamp, MarketUpdate)>, EnvironmentError> {
        match self.coming.front() {
            Some((at, Input::Market(update))) => {
                let found = (*at, *update);
                self.coming.pop_front();
                Ok(Some(found))
            }
            Some(_) | None => Ok(None),
        }
    }
}
