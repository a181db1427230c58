//! The venue's time: wall time from an origin at a speed, or moved by hand.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Where a venue's time comes from.
///
/// Skew is not part of it: a venue that tells a wrong time still trades at the right one.
#[derive(Debug)]
pub(crate) struct VirtualClock {
    origin_ns: i64,
    pace: Pace,
}

#[derive(Debug)]
enum Pace {
    Wall { started: Instant, speed: u32 },
    ByHand(AtomicI64),
}

impl VirtualClock {
    /// A clock that stands at `origin_ns` now and runs `speed` times as fast as the wall's.
    pub(crate) fn running(origin_ns: i64, speed: u32) -> Self {
        Self { origin_ns, pace: Pace::Wall { started: Instant::now(), speed } }
    }

    /// A clock that stands until it is moved.
    pub(crate) fn by_hand(origin_ns: i64) -> Self {
        Self { origin_ns, pace: Pace::ByHand(AtomicI64::new(0)) }
    }

    /// The venue's time now; nothing after the last moment an `i64` can name is reached.
    pub(crate) fn now_ns(&self) -> i64 {
        let passed_ns = match &self.pace {
            Pace::Wall { started, speed } => {
                let passed_ns = started.elapsed().as_nanos() * u128::from(*speed);
                i64::try_from(passed_ns).unwrap_or(i64::MAX - self.origin_ns)
            }
            Pace::ByHand(passed_ns) => passed_ns.load(Ordering::SeqCst),
        };
        self.origin_ns + passed_ns
    }

    /// Moves a clock that is moved by hand, and says whether it is one.
    pub(crate) fn advance(&self, by: Duration) -> bool {
        let Pace::ByHand(passed_ns) = &self.pace else { return false };
        let Ok(by_ns) = i64::try_from(by.as_nanos()) else { return false };
        passed_ns.fetch_add(by_ns, Ordering::SeqCst);
        true
    }

    /// How long to wait on the wall until the venue's time is `time_ns`; `None` when only a hand moves it.
    pub(crate) fn wait(&self, time_ns: i64) -> Option<Duration> {
        let Pace::Wall { speed, .. } = &self.pace else { return None };
        let ahead_ns = u64::try_from(time_ns - self.now_ns()).unwrap_or(0);
        Some(Duration::from_nanos(ahead_ns / u64::from(*speed)))
    }

    /// Where its time began.
    pub(crate) fn origin_ns(&self) -> i64 {
        self.origin_ns
    }

    /// Seconds of the venue in a second of the wall; zero when it is moved by hand.
    pub(crate) fn speed(&self) -> u32 {
        match &self.pace {
            Pace::Wall { speed, .. } => *speed,
            Pace::ByHand(_) => 0,
        }
    }
}

/// The wall's time since 1970 in nanoseconds.
pub(crate) fn wall_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_moved_by_hand_stands_still_otherwise() {
        let clock = VirtualClock::by_hand(1_000);
        assert_eq!((clock.now_ns(), clock.wait(5_000)), (1_000, None));
        assert!(clock.advance(Duration::from_nanos(500)));
        assert_eq!(clock.now_ns(), 1_500);
    }

    #[test]
    fn a_fast_clock_waits_less() {
        let clock = VirtualClock::running(0, 1_000);
        let wait = clock.wait(clock.now_ns() + 10_000_000_000).unwrap();
        assert!(wait <= Duration::from_millis(10), "{wait:?}");
        assert!(!clock.advance(Duration::from_secs(1)), "nobody moves the wall's time");
    }
}
