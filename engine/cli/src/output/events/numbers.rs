//! Prices and quantities in the decimals of their instruments.

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::num::{Decimal, Price, Qty};

use crate::output::escape::one_line;

/// Numbers of a run in the decimals of its instruments.
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'a> {
    instruments: &'a [Instrument],
}

impl<'a> Numbers<'a> {
    /// Numbers of a run with these instruments.
    #[must_use]
    pub const fn new(instruments: &'a [Instrument]) -> Self {
        Self { instruments }
    }

    /// The symbol of an instrument; its number when the run has none such.
    #[must_use]
    pub fn symbol(&self, id: InstrumentId) -> String {
        let known = self.instruments.get(id.index());
        known.map_or_else(
            || format!("instrument {}", id.index()),
            |rules| one_line(&rules.symbol).into_owned(),
        )
    }

    /// A price in its decimals.
    #[must_use]
    pub fn price(&self, id: InstrumentId, price: Price) -> String {
        let decimals = self.instruments.get(id.index()).map_or(0, |rules| rules.price_decimals);
        Decimal { units: i128::from(price.units()), decimals }.to_string()
    }

    /// A quantity in its decimals.
    #[must_use]
    pub fn qty(&self, id: InstrumentId, qty: Qty) -> String {
        let decimals = self.instruments.get(id.index()).map_or(0, |rules| rules.qty_decimals);
        Decimal { units: qty.units(), decimals }.to_string()
    }
}
