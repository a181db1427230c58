//! Changes of listings, of any size.

use engine_core::listing::TradingStatus;

use super::*;

pub(super) fn listing_change() -> impl Strategy<Value = Input> {
    let statuses = vec![
        TradingStatus::Trading,
        TradingStatus::CancelOnly,
        TradingStatus::Restricted,
        TradingStatus::Halted,
        TradingStatus::Delisted,
        TradingStatus::Unknown,
    ];
    (instrument(), price(), qty(), money(), prop::sample::select(statuses)).prop_map(
        |(instrument, tick, lot, notional_min, status)| {
            Input::Listing(Box::new(ListingChange { instrument, tick, lot, notional_min, status }))
        },
    )
}
