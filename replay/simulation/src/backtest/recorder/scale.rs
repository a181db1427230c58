//! Units of an instrument as doubles.

use engine_core::instrument::Instrument;
use engine_core::num::{Decimal, power_of_ten};

/// What one unit of price and of quantity is worth, so that a look needs no division by powers of ten.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) price: f64,
    pub(super) qty: f64,
}

impl Scale {
    pub(super) fn of(rules: &Instrument) -> Self {
        // An instrument has at most 18 decimals, so the power is there.
        // Dividing by the power rounds once; multiplying by its inverse would round twice.
        let power =
            |decimals: u8| Decimal { units: power_of_ten(decimals).unwrap_or(1), decimals: 0 }.to_f64();
        Self { price: power(rules.price_decimals), qty: power(rules.qty_decimals) }
    }
}
