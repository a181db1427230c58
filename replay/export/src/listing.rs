//! What a venue changed about an instrument, as JSON with human numbers.

use engine_core::event::ListingChange;
use serde_json::{Value, json};

use super::numbers::money;
use super::order_instruments::OrderInstruments;

/// The document of a change: the instrument, its steps and minimum from now on, and whether it is traded.
pub(super) fn listing(orders: &OrderInstruments, change: &ListingChange) -> Value {
    let scale = orders.scale(change.instrument);
    json!({
        "instrument": scale.name(),
        "status": change.status.name(),
        "tick": scale.price(change.tick),
        "lot": scale.qty(change.lot),
        "min_notional": money(change.notional_min),
    })
}
