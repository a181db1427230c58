//! What a venue changed about an instrument, in one sentence.

use engine_application::amount::money;
use engine_core::event::ListingChange;
use engine_core::listing::TradingStatus;

use super::Numbers;

impl Numbers<'_> {
    pub(super) fn listing_line(&self, change: &ListingChange) -> String {
        let ListingChange { instrument, tick, lot, notional_min, status } = *change;
        let symbol = self.symbol(instrument);
        let status = match status {
            TradingStatus::Trading => "is traded",
            TradingStatus::CancelOnly => "takes no orders, only cancels",
            TradingStatus::Restricted => "takes only orders that wait in the book",
            TradingStatus::Halted => "is halted",
            TradingStatus::Delisted => "is not listed any more",
            TradingStatus::Unknown => "has a status that is not known here",
        };
        format!(
            "{symbol} {status}; steps {} and {}, smallest notional {}",
            self.price(instrument, tick),
            self.qty(instrument, lot),
            money(notional_min)
        )
    }
}
