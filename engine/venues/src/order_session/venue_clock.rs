//! The venue's time as requests are signed with it: the clock of the run, less what it is ahead of the venue's.
//!
//! Only signatures and the pauses that a venue sets follow it. What the run records stands in its own time.

use std::sync::Arc;

use engine_core::time::{Span, Timestamp};
use tokio::time::{Duration, Instant};

use crate::clock::HouseClock;
use crate::dialect::Dialect;
use crate::outside::{HttpAnswer, Outside};

/// The venue's clock is not asked for more often.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// The venue's clock beside that of the run.
#[derive(Debug)]
pub(crate) struct VenueClock {
    clock: Arc<HouseClock>,
    dialect: Arc<dyn Dialect>,
    outside: Arc<dyn Outside>,
    url: String,
    ahead: Span,
    asked: Option<Instant>,
}

impl VenueClock {
    /// The clock of the venue that speaks `dialect`, with REST at `rest_url`, as good as `clock` until it is asked.
    pub(crate) fn new(
        clock: Arc<HouseClock>,
        dialect: Arc<dyn Dialect>,
        outside: Arc<dyn Outside>,
        rest_url: &str,
    ) -> Self {
        let url = format!("{rest_url}{}", dialect.time_path());
        Self { clock, dialect, outside, url, ahead: Span::ZERO, asked: None }
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
        let (outside, url, clock) = (Arc::clone(&self.outside), self.url.clone(), Arc::clone(&self.clock));
        let asking = tokio::task::spawn_blocking(move || {
            let begun = clock.now();
            outside.get(&url).map(|answer| (begun, clock.now(), answer))
        });
        let (begun, ended, answer) = asking.await.map_err(|error| error.to_string())??;
        let HttpAnswer { status: 200, body, .. } = answer else {
            return Err(format!("it answers {}", answer.status));
        };
        let venue = self.dialect.parse_time(&body).map_err(|error| error.to_string())?;
        let middle = begun.plus(Span::from_nanos(ended.since(begun).nanos() / 2));
        self.ahead = middle.since(venue);
        Ok(())
    }
}
