//! The venue's time as requests are signed with it: the clock of the run, less what it is ahead of the venue's.
//!
//! Only signatures and the pauses that a venue sets follow it. What the run records stands in its own time.

use std::sync::Arc;

use engine_core::time::{Span, Timestamp};
use tokio::time::{Duration, Instant};

use crate::clock::HouseClock;
use crate::dialect::Dialect;
use crate::http::Http;

/// The venue's clock is not asked for more often.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// A difference as small as this is none: every venue takes it.
const SMALL_NS: i64 = 250_000_000;

/// The venue's clock beside that of the run.
#[derive(Debug)]
pub(crate) struct VenueClock {
    clock: Arc<HouseClock>,
    dialect: Arc<dyn Dialect>,
    http: Http,
    ahead: Span,
    asked: Option<Instant>,
}

impl VenueClock {
    /// The clock of the venue that speaks `dialect` and is asked over `http`, as good as `clock` until it is asked.
    pub(crate) const fn new(clock: Arc<HouseClock>, dialect: Arc<dyn Dialect>, http: Http) -> Self {
        Self { clock, dialect, http, ahead: Span::ZERO, asked: None }
    }

    /// The moment now by the venue's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now().plus(Span::from_nanos(-self.ahead.nanos()))
    }

    /// How far the clock of the run is ahead of the venue's; negative where it is behind.
    pub(super) const fn ahead(&self) -> Span {
        self.ahead
    }

    /// Asks the venue for its time, unless that was done a moment ago.
    ///
    /// # Errors
    /// Why it is not known; what was known before stays.
    pub(super) async fn measure(&mut self) -> Result<(), String> {
        if self.asked.is_some_and(|asked| asked.elapsed() < ASK_EVERY) {
            return Ok(());
        }
        self.asked = Some(Instant::now());
        let (http, path, clock) = (self.http.clone(), self.dialect.time_path(), Arc::clone(&self.clock));
        let asking = tokio::task::spawn_blocking(move || {
            let begun = clock.now();
            http.get(&path).map(|body| (begun, clock.now(), body))
        });
        let asked = asking.await.map_err(|error| error.to_string())?;
        let (begun, ended, body) = asked.map_err(|error| error.to_string())?;
        let venue = self.dialect.parse_time(&body).map_err(|error| error.to_string())?;
        self.ahead = ahead_of(venue, (begun, ended));
        Ok(())
    }
}

/// How far a clock is ahead of `venue`, which was told between two moments of that clock; nothing where it may be none at all.
///
/// A venue that tells whole seconds may have meant any moment until the next one.
fn ahead_of(venue: Timestamp, (begun, ended): (Timestamp, Timestamp)) -> Span {
    let half = ended.since(begun).nanos() / 2;
    let hidden = if venue.nanos() % Span::SECOND.nanos() == 0 { Span::SECOND.nanos() } else { 0 };
    let most = begun.since(venue).nanos() + half;
    let least = most - hidden;
    if least - half <= SMALL_NS && most + half >= -SMALL_NS {
        return Span::ZERO;
    }
    Span::from_nanos(i64::midpoint(least, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead_ms(venue_ms: i64, begun_ms: i64, ended_ms: i64) -> i64 {
        let at = |ms: i64| Timestamp::from_nanos(ms * Span::MILLISECOND.nanos());
        ahead_of(at(venue_ms), (at(begun_ms), at(ended_ms))).nanos() / Span::MILLISECOND.nanos()
    }

    #[test]
    fn what_may_be_none_is_none_and_the_rest_is_the_middle_of_what_it_may_be() {
        assert_eq!(ahead_ms(50_001, 50_101, 50_141), 0, "less than a quarter of a second");
        assert_eq!(ahead_ms(50_001, 52_001, 52_041), 2_020);
        assert_eq!(ahead_ms(50_001, 48_001, 48_041), -1_980);
        assert_eq!(ahead_ms(50_000, 50_900, 50_940), 0, "the venue tells whole seconds");
        assert_eq!(ahead_ms(50_000, 53_000, 53_040), 2_520);
        assert_eq!(ahead_ms(50_000, 47_000, 47_040), -3_480);
        assert_eq!(ahead_ms(50_001, 49_001, 52_001), 0, "an answer that took long says little");
    }
}
