//! Real orders: what a run with them asks of its settings, and the way its orders go.
//!
//! Until orders can be ended from outside, a run with real ones reaches no other machine unless its operator accepts that.

use engine_core::instrument::Instrument;
use engine_core::risk::Account;
use engine_runtime::interruption::Interruption;
use engine_runtime::order_route::OrderRoute;
use engine_venues::market_venue::{MarketVenue, Notices, WantedRoute};
use engine_venues::order_types::OrderType;
use engine_venues::signing::venue_key::VenueKey;

use super::error::ApplicationError;
use crate::config::RunSettings;

pub mod acceptance;
pub mod account_view;
mod checked_route;
mod credentials;
mod dry_run;
mod key_lease;
mod loopback;

use checked_route::CheckedRoute;
pub use credentials::CredentialsError;
use dry_run::DryRun;
use key_lease::KeyLease;
use loopback::is_loopback;

/// What becomes of the orders of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// They are sent.
    Real,
    /// Everything is done but that: what would have been sent is said.
    Dry,
}

/// Checks what `settings` ask of real orders at `venue`.
///
/// # Errors
/// [`ApplicationError::Request`] for the first thing that is refused, with the reason.
pub(super) fn check(settings: &RunSettings, venue: &str) -> Result<(), ApplicationError> {
    let refuse = |words: String| Err(ApplicationError::Request(words));
    if !settings.live.accepts_no_kill_switch {
        let live = &settings.live;
        let places =
            [("ws_url", &live.ws_url), ("rest_url", &live.rest_url), ("orders_url", &live.orders_url)];
        if let Some((key, url)) = places.iter().find(|(_, url)| !url.as_deref().is_some_and(is_loopback)) {
            let place = url.as_deref().unwrap_or("the venue's own");
            return refuse(format!(
                "send real orders: live.{key} ({place}) is not on the loopback, and nothing outside of the engine can end orders \
                 yet; try it on a fake exchange, or accept that with --i-accept-no-kill-switch"
            ));
        }
    }
    if settings.risk.account != Account::Cash {
        return refuse(
            "send real orders: risk.account = \"margin\" borrows and sells short, and orders go to spot accounts; set \
             risk.account = \"cash\""
                .to_owned(),
        );
    }
    let exits = settings.policy.exits();
    let asked = [
        (OrderType::Stop, exits.stop_loss.is_some()),
        (OrderType::TrailingExit, exits.trailing_stop.is_some()),
        (OrderType::Bracket, exits.have_stop() || exits.take_profit.is_some()),
    ];
    match asked.into_iter().filter(|(_, is_asked)| *is_asked).find_map(|(asked, _)| asked.refusal(venue)) {
        Some(words) => refuse(format!("trade {} with real orders: {words}", settings.policy.name())),
        None => Ok(()),
    }
}

/// The key of the account that `settings` name at `venue`.
///
/// # Errors
/// [`ApplicationError::Request`] where they name none, or it cannot be used.
pub(super) fn key_of(settings: &RunSettings, venue: &str) -> Result<VenueKey, ApplicationError> {
    let Some(file) = &settings.live.credentials else {
        return Err(ApplicationError::Request(
            "send real orders: name the file with the key of the account, as in live.credentials = \"key.toml\"".to_owned(),
        ));
    };
    credentials::read(file, venue).map_err(|error| ApplicationError::Request(error.to_string()))
}

/// What is said of settings that mean less with real orders than on paper.
pub(super) const ASSUMPTIONS: &str = "[costs] are assumptions here, by which orders are sized: what an order costs, and how long it takes, its venue \
                                      decides; [latency] and [venue] are not followed";

/// The way of the orders of a run with these `settings` to `venue`.
///
/// # Errors
/// [`ApplicationError`] where the key cannot be used, or the venue takes no orders.
pub(super) fn route_to(
    venue: &dyn MarketVenue,
    settings: &RunSettings,
    instruments: &[Instrument],
    (sending, is_new): (Sending, bool),
    (interruption, notices): (&Interruption, &Notices),
) -> Result<Box<dyn OrderRoute>, ApplicationError> {
    let key = key_of(settings, venue.name())?;
    let lease = match (sending, &settings.live.credentials) {
        (Sending::Real, Some(file)) => Some(KeyLease::take(file)?),
        (Sending::Real | Sending::Dry, _) => None,
    };
    let orders_url = settings.live.orders_url.as_deref();
    let notices_of_route = notices.clone();
    let wanted =
        WantedRoute { instruments, key: &key, orders_url, is_new, interruption, notices: notices_of_route };
    let route = venue.order_route(&wanted)?;
    let route = match sending {
        Sending::Real => route,
        Sending::Dry => Box::new(DryRun::new(route, instruments, notices.clone())),
    };
    Ok(Box::new(CheckedRoute::new(venue.name(), route, lease)))
}

#[cfg(test)]
mod tests;
