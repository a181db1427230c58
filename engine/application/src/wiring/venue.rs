//! The venue that a run on real time takes its prices from.

use std::time::Duration;

use engine_venues::market_venue::MarketVenue;
use engine_venues::places::{ClockSource, VenuePlace, open_venue};

use super::error::ApplicationError;
use crate::config::{ClockChoice, RunSettings};

/// The collar that trades pass where the settings name none.
const COLLAR_SIGMAS: u32 = 10;

/// The venue that `settings` name, reached where they say.
///
/// # Errors
/// [`ApplicationError::Request`] when they name none or several, [`ApplicationError::Venue`] when it is not known.
pub fn venue_of(settings: &RunSettings) -> Result<Box<dyn MarketVenue>, ApplicationError> {
    let mut names: Vec<&str> = settings.data.iter().filter_map(|data| data.venue.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    let [name] = names.as_slice() else {
        return Err(ApplicationError::Request(format!(
            "choose the venue: name one in every [[data]], as in venue = \"binance\" (named: {})",
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        )));
    };
    let live = &settings.live;
    let silence = live.silence.and_then(|span| u64::try_from(span.nanos()).ok()).map(Duration::from_nanos);
    Ok(open_venue(&VenuePlace {
        name: (*name).to_owned(),
        ws_url: live.ws_url.clone(),
        rest_url: live.rest_url.clone(),
        clock: match live.clock {
            ClockChoice::System => ClockSource::System,
            ClockChoice::Venue => ClockSource::FakeExchange,
        },
        silence,
        collar_sigmas: live.collar_sigmas.unwrap_or(COLLAR_SIGMAS),
    })?)
}
