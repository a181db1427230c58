//! Amounts as people read them.

use engine_core::num::{Decimal, MONEY_DECIMALS, Money};

/// An exact amount of the settlement currency.
#[must_use]
pub fn money(amount: Money) -> String {
    Decimal { units: amount.units(), decimals: MONEY_DECIMALS }.to_string()
}
