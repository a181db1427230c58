//! The time of a run on real time: it never decreases, whatever the wall clock does.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine_core::event::ClockStep;
use engine_core::time::{Span, Timestamp};

/// How far the wall clock may go apart from what is counted before it counts as set, or the machine as having slept.
const STEP_MAX: Span = Span::SECOND;

/// Steps that nobody has asked for yet; more of them are one.
const STEPS_MAX: usize = 1_000;

/// Where a clock is read from.
pub trait TimeSource: core::fmt::Debug + Send + Sync {
    /// What the wall clock says.
    fn wall(&self) -> Timestamp;

    /// What has been counted since some moment; never decreases.
    fn counted(&self) -> Duration;
}

/// The clocks of this machine.
#[derive(Debug)]
struct MachineTime {
    since: Instant,
}

impl TimeSource for MachineTime {
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    fn counted(&self) -> Duration {
        self.since.elapsed()
    }
}

/// A clock that goes on from a known moment at a known speed.
///
/// Between two looks the monotonic clock counts. A wall clock that goes apart from it by more than a second is a step, told
/// once. Where that leaves the wall clock ahead, as after a sleep, the time follows it. Where it leaves it behind, the time
/// goes on as it is counted, ahead of the wall clock from there on: it is neither set back nor held.
#[derive(Debug)]
pub struct HouseClock {
    standing: Mutex<Standing>,
    source: Box<dyn TimeSource>,
    speed: u32,
    /// Whether the wall clock is followed; a venue's own clock is not.
    follows_wall: bool,
}

#[derive(Debug)]
struct Standing {
    /// The time when so much had been counted.
    at: Timestamp,
    since: Duration,
    /// How far the wall clock is ahead, as far as steps have told it; negative where it is behind.
    ahead: Span,
    /// Steps that are still to be told, each with the moment up to which time was counted.
    steps: VecDeque<(Timestamp, ClockStep)>,
    /// Whether the wall clock was followed since a connection was made.
    was_followed: bool,
}

impl Standing {
    const fn new(at: Timestamp, since: Duration) -> Self {
        Self { at, since, ahead: Span::ZERO, steps: VecDeque::new(), was_followed: false }
    }
}

impl HouseClock {
    /// The clock of this machine.
    #[must_use]
    pub fn system() -> Self {
        Self::of(Box::new(MachineTime { since: Instant::now() }))
    }

    /// The clock that is read from `source`.
    #[must_use]
    pub fn of(source: Box<dyn TimeSource>) -> Self {
        let standing = Standing::new(source.wall(), source.counted());
        Self { standing: Mutex::new(standing), source, speed: 1, follows_wall: true }
    }

    /// A clock that stands at `at` now and runs `speed` times as fast as this machine's.
    #[must_use]
    pub fn following(at: Timestamp, speed: u32) -> Self {
        let source = Box::new(MachineTime { since: Instant::now() });
        let standing = Standing::new(at, Duration::ZERO);
        Self { standing: Mutex::new(standing), source, speed: speed.max(1), follows_wall: false }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run that is taken up had come to `last`: the time goes on from there where the wall clock is behind it.
    pub(crate) fn go_on_behind(&self, last: Timestamp) {
        let mut standing = self.standing();
        let now = self.counted(&standing);
        if last <= now || !self.follows_wall {
            return;
        }
        let by = now.since(last);
        (standing.at, standing.since, standing.ahead) = (last, self.source.counted(), by);
        if by.nanos() < -STEP_MAX.nanos() {
            standing.steps.push_back((last, ClockStep { by, followed: Span::ZERO }));
        }
    }

    /// The moment now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let mut standing = self.standing();
        let now = self.counted(&standing);
        if !self.follows_wall {
            return now;
        }
        let wall = self.source.wall();
        let ahead = wall.since(now);
        let by = Span::from_nanos(ahead.nanos().saturating_sub(standing.ahead.nanos()));
        if by.nanos().saturating_abs() <= STEP_MAX.nanos() {
            return now;
        }
        let goes_on = now.max(wall);
        let followed = goes_on.since(now);
        (standing.at, standing.since) = (goes_on, self.source.counted());
        standing.ahead = wall.since(goes_on);
        standing.was_followed |= followed.is_positive();
        if standing.steps.len() < STEPS_MAX {
            standing.steps.push_back((now, ClockStep { by, followed }));
        }
        goes_on
    }

    /// The next step that has not been told, with the moment that it was before it.
    pub(crate) fn take_step(&self) -> Option<(Timestamp, ClockStep)> {
        self.standing().steps.pop_front()
    }

    /// Whether a step waits to be told.
    pub(crate) fn has_step(&self) -> bool {
        !self.standing().steps.is_empty()
    }

    /// Whether the wall clock was followed forward since this was asked last: a connection that lived through it may have
    /// missed anything.
    pub(crate) fn was_followed(&self) -> bool {
        core::mem::take(&mut self.standing().was_followed)
    }

    /// How long it takes, by this machine's clock, until it is `until`.
    #[must_use]
    pub fn time_to(&self, until: Timestamp) -> Duration {
        let left = until.since(self.now()).nanos().max(0) / i64::from(self.speed);
        // Rounded up: a wait that ends early only waits again.
        Duration::from_nanos(u64::try_from(left).unwrap_or_default()) + Duration::from_nanos(1)
    }

    fn counted(&self, standing: &Standing) -> Timestamp {
        let elapsed =
            self.source.counted().saturating_sub(standing.since).as_nanos() * u128::from(self.speed);
        // 292 years of running reach the end of time.
        standing.at.plus(Span::from_nanos(i64::try_from(elapsed).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
pub(crate) mod tests;
