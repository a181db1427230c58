//! What a venue changed about an instrument while a run went on.

use crate::instrument::{Instrument, InstrumentId};
use crate::listing::TradingStatus;
use crate::num::{Money, Price, Qty};

recorded! {
    /// The rules of an instrument from now on, all of them. Orders that work stay as they are; those that come are put on the
    /// new steps, and one that could enlarge a position is refused while the venue takes none.
    #[derive(Copy)]
    struct ListingChange {
        /// Which instrument.
        pub instrument: InstrumentId,
        /// Smallest step of an order's price, in the decimals of the run.
        pub tick: Price,
        /// Smallest step of an order's quantity.
        pub lot: Qty,
        /// Smallest notional of an order; zero for no minimum.
        pub notional_min: Money,
        /// Whether the venue takes orders.
        pub status: TradingStatus,
    }
}

impl ListingChange {
    /// Puts the steps and the minimum in force. A step of nothing is none, and a minimum below nothing neither: the one
    /// before stays.
    pub fn apply_to(&self, rules: &mut Instrument) {
        if self.tick.is_positive() {
            rules.tick = self.tick;
        }
        if self.lot.is_positive() {
            rules.lot = self.lot;
        }
        if self.notional_min.units() >= 0 {
            rules.notional_min = self.notional_min;
        }
    }
}
