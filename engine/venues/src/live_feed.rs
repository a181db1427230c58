//! What sockets bring in, as the feed of a run.

use std::sync::Arc;
use std::time::Duration;

use engine_core::event::{Input, SessionMark};
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use engine_runtime::interruption::Interruption;
use engine_runtime::ports::{EnvironmentError, Fed, Inlet, InputFeed};

use crate::clock::HouseClock;
use crate::ingress::Ingress;

/// How long the wish of an operator may wait to be seen.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A feed over the queue that sockets fill, until its operator ends it.
#[derive(Debug)]
pub struct LiveFeed {
    ingress: Arc<Ingress>,
    clock: Arc<HouseClock>,
    interruption: Interruption,
    /// What came behind a step of the clock that is told first.
    held: Option<(Timestamp, Input)>,
    /// Whether the end of the session has been told.
    ended: bool,
}

impl LiveFeed {
    /// The feed of what `ingress` takes in, by `clock`, until `interruption` asks for the end.
    #[must_use]
    pub const fn new(ingress: Arc<Ingress>, clock: Arc<HouseClock>, interruption: Interruption) -> Self {
        Self { ingress, clock, interruption, held: None, ended: false }
    }

    /// A step of the clock, told before anything that came at the time behind it.
    fn step(&self) -> Option<Fed> {
        let (at, step) = self.clock.take_step()?;
        Some(Fed::Input(at, Input::Clock(step)))
    }
}

impl InputFeed for LiveFeed {
    fn wait(&mut self, until: Option<Timestamp>) -> Result<Fed, EnvironmentError> {
        loop {
            if self.ended {
                return Ok(Fed::End);
            }
            if self.interruption.is_asked_for() {
                self.ended = true;
                self.ingress.close();
                return Ok(Fed::Input(self.clock.now(), Input::Session(SessionMark::Interrupted)));
            }
            if let Some(step) = self.step() {
                return Ok(step);
            }
            if let Some((at, input)) = self.held.take() {
                return Ok(Fed::Input(at, input));
            }
            let left = until.map_or(LOOK_EVERY, |until| self.clock.time_to(until).min(LOOK_EVERY));
            let is_over = until.is_some_and(|until| self.clock.now() >= until);
            if let Some((at, input)) = self.ingress.pop(if is_over { Duration::ZERO } else { left }) {
                let Some(step) = self.step() else {
                    return Ok(Fed::Input(at, input));
                };
                self.held = Some((at, input));
                return Ok(step);
            }
            let now = self.clock.now();
            if let Some(step) = self.step() {
                return Ok(step);
            }
            if is_over && until.is_some_and(|until| now >= until) {
                self.ingress.woken();
                return Ok(Fed::Nothing(now));
            }
        }
    }

    fn ready(&mut self) -> Result<Option<(Timestamp, MarketUpdate)>, EnvironmentError> {
        if self.ended || self.interruption.is_asked_for() {
            return Ok(None);
        }
        // Whoever read a socket may have met a step: what it read came behind it.
        let record = if self.held.is_none() { self.ingress.pop_record() } else { None };
        match (record, self.clock.has_step()) {
            (Some((at, update)), true) => {
                self.held = Some((at, Input::Market(update)));
                Ok(None)
            }
            (record, _) => Ok(record),
        }
    }

    fn inlet(&self) -> Option<Inlet> {
        let (ingress, clock) = (Arc::clone(&self.ingress), Arc::clone(&self.clock));
        Some(Box::new(move |input| ingress.push(clock.now(), input)))
    }
}

impl Drop for LiveFeed {
    fn drop(&mut self) {
        self.ingress.close();
    }
}

#[cfg(test)]
mod tests {
    use engine_core::event::ClockStep;
    use engine_core::time::Span;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::clock::tests::scripted;

    #[test]
    fn a_step_of_the_clock_is_told_before_what_came_at_the_time_behind_it() {
        let (ingress, interruption) = (Arc::new(Ingress::default()), Interruption::default());
        let (clock, time) = scripted();
        let clock = Arc::new(clock);
        let mut feed = LiveFeed::new(Arc::clone(&ingress), Arc::clone(&clock), interruption);
        let (start, until) = (clock.now(), clock.now().plus(Span::MINUTE));
        time.pass(Span::SECOND);
        time.set_wall(Span::HOUR);
        // Whoever reads a socket is the first to see it.
        let at = clock.now();
        assert_eq!(at, start.plus(Span::SECOND).plus(Span::HOUR));
        assert!(ingress.push(at, Input::Deadline));
        assert_eq!(feed.ready().unwrap(), None);
        let step = ClockStep { by: Span::HOUR, followed: Span::HOUR };
        let before = start.plus(Span::SECOND);
        assert_eq!(feed.wait(Some(until)).unwrap(), Fed::Input(before, Input::Clock(step)));
        assert_eq!(feed.wait(Some(until)).unwrap(), Fed::Input(at, Input::Deadline));
        // Of one that the feed itself is the first to see, the deadlines that it passes come behind it.
        time.set_wall(Span::HOUR);
        assert_eq!(feed.wait(Some(at.plus(Span::MINUTE))).unwrap(), Fed::Input(at, Input::Clock(step)));
        let behind = at.plus(Span::HOUR);
        assert_eq!(feed.wait(Some(at.plus(Span::MINUTE))).unwrap(), Fed::Nothing(behind));
    }

    #[test]
    fn what_came_is_given_before_the_moment_waited_for_and_the_moment_is_never_early() {
        let (ingress, interruption) = (Arc::new(Ingress::default()), Interruption::default());
        let clock = Arc::new(HouseClock::following(Timestamp::from_nanos(0), 1_000));
        let mut feed = LiveFeed::new(Arc::clone(&ingress), Arc::clone(&clock), interruption.clone());
        let until = clock.now().plus(Span::SECOND);
        assert!(ingress.push(Timestamp::from_nanos(7), Input::Deadline));
        assert_eq!(feed.wait(Some(until)).unwrap(), Fed::Input(Timestamp::from_nanos(7), Input::Deadline));
        let Fed::Nothing(now) = feed.wait(Some(until)).unwrap() else { panic!("nothing came") };
        assert!(now >= until);
        let inlet = feed.inlet().unwrap();
        assert!(inlet(Input::Deadline), "an answer from another thread");
        assert!(matches!(feed.wait(None).unwrap(), Fed::Input(at, Input::Deadline) if at >= now));
        interruption.flag().store(true, Ordering::Relaxed);
        assert!(matches!(feed.wait(None).unwrap(), Fed::Input(_, Input::Session(SessionMark::Interrupted))));
        assert_eq!(feed.wait(None).unwrap(), Fed::End);
        assert!(!ingress.push(Timestamp::from_nanos(9), Input::Deadline), "nobody listens any more");
        assert!(!inlet(Input::Deadline), "nor to an answer");
    }
}
