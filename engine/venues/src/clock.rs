//! The time of a run on real time: it never decreases, whatever the wall clock does.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine_core::time::{Span, Timestamp};

/// How far the wall clock may run ahead before it counts as set forward, or the machine as having slept.
const STEP_MAX: Span = Span::SECOND;

/// A clock that goes on from a known moment at a known speed.
///
/// Between two looks the monotonic clock counts, so that a wall clock that is set back changes nothing. One that is
/// ahead by more than a second was set forward, or the machine slept: the time follows it, and says so once, so that whoever
/// keeps a connection opens it anew.
#[derive(Debug)]
pub struct HouseClock {
    anchor: Mutex<Anchor>,
    speed: u32,
    /// Whether the wall clock is followed; a venue's own clock is not.
    follows_wall: bool,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    at: Timestamp,
    since: Instant,
    stepped: bool,
}

impl HouseClock {
    /// The clock of this machine.
    #[must_use]
    pub fn system() -> Self {
        let anchor = Anchor { at: wall_now(), since: Instant::now(), stepped: false };
        Self { anchor: Mutex::new(anchor), speed: 1, follows_wall: true }
    }

    /// A clock that stands at `at` now and runs `speed` times as fast as this machine's.
    #[must_use]
    pub fn following(at: Timestamp, speed: u32) -> Self {
        let anchor = Anchor { at, since: Instant::now(), stepped: false };
        Self { anchor: Mutex::new(anchor), speed: speed.max(1), follows_wall: false }
    }

    /// The moment now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.counted(&anchor);
        if !self.follows_wall {
            return now;
        }
        let wall = wall_now();
        if wall <= now.plus(STEP_MAX) {
            return now;
        }
        *anchor = Anchor { at: wall, since: Instant::now(), stepped: true };
        wall
    }

    /// Whether the wall clock was followed forward since this was asked last.
    pub fn take_step(&self) -> bool {
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        core::mem::take(&mut anchor.stepped)
    }

    /// How long it takes, by this machine's clock, until it is `until`.
    #[must_use]
    pub fn time_to(&self, until: Timestamp) -> Duration {
        let left = until.since(self.now()).nanos().max(0) / i64::from(self.speed);
        // Rounded up: a wait that ends early only waits again.
        Duration::from_nanos(u64::try_from(left).unwrap_or_default()) + Duration::from_nanos(1)
    }

    fn counted(&self, anchor: &Anchor) -> Timestamp {
        let elapsed = anchor.since.elapsed().as_nanos() * u128::from(self.speed);
        // 292 years of running reach the end of time.
        anchor.at.plus(Span::from_nanos(i64::try_from(elapsed).unwrap_or(i64::MAX)))
    }
}

/// What the wall clock says.
fn wall_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_at_its_speed_and_never_back() {
        let clock = HouseClock::following(Timestamp::from_nanos(1_000), 1_000_000);
        let mut last = clock.now();
        for _ in 0..1_000 {
            let now = clock.now();
            assert!(now >= last);
            last = now;
        }
        let ahead = last.plus(Span::HOUR);
        assert!(clock.time_to(ahead) <= Duration::from_millis(4), "an hour is 3.6 ms at this speed");
        assert!(!clock.take_step());
    }

    #[test]
    fn a_wall_clock_that_is_ahead_is_followed_and_says_so_once() {
        let clock = HouseClock::system();
        let earlier = Anchor { at: Timestamp::from_nanos(0), since: Instant::now(), stepped: false };
        *clock.anchor.lock().unwrap() = earlier;
        assert!(clock.now() > Timestamp::from_nanos(Span::DAY.nanos()));
        assert!(clock.take_step());
        assert!(!clock.take_step());
        // A wall clock that was set back is not followed.
        let later = wall_now().plus(Span::HOUR);
        *clock.anchor.lock().unwrap() = Anchor { at: later, since: Instant::now(), stepped: false };
        assert!(clock.now() >= later);
        assert!(!clock.take_step());
    }
}
