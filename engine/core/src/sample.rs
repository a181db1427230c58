//! Instruments for the tests of this crate.

use crate::instrument::Instrument;
use crate::num::{Money, Price, Qty};

/// `test:X` with prices and quantities of these decimals, in steps of `tick` and `lot` units; without a minimum.
pub(crate) fn instrument([price_decimals, qty_decimals]: [u8; 2], tick: i64, lot: i128) -> Instrument {
    Instrument {
        venue: "test".into(),
        symbol: "X".into(),
        price_decimals,
        qty_decimals,
        tick: Price::from_units(tick),
        lot: Qty::from_units(lot),
        notional_min: Money::ZERO,
    }
}
