//! What the venue's rounding takes: it moves the cost of a trade that it tells, which has fewer digits than price times quantity.

use engine_core::market::Side;
use engine_core::num::Decimal;

use crate::account_message::Fee;
use crate::exact_sum::{difference, product};

/// What a trade cost beyond price times quantity, in the quote currency; below zero where the rounding was for us, nothing where
/// there was none.
pub(super) fn rounding(side: Side, price: Decimal, qty: Decimal, cost: Decimal) -> Option<Fee> {
    let exact = product(price, qty)?;
    let amount = match side {
        Side::Buy => difference(cost, exact)?,
        Side::Sell => difference(exact, cost)?,
    };
    (amount.units != 0).then_some(Fee { amount, asset: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decimal::decimal;

    #[test]
    fn what_a_cost_differs_by_is_charged_or_given() {
        let number = |text: &str| decimal(text).unwrap();
        let taken = |side, cost: &str| {
            let fee = rounding(side, number("64250.1"), number("0.00012345"), number(cost));
            fee.map(|fee| fee.amount.to_string())
        };
        assert_eq!(taken(Side::Buy, "7.931674845"), None);
        assert_eq!(taken(Side::Buy, "7.93167"), Some("-0.000004845".to_owned()));
        assert_eq!(taken(Side::Buy, "7.93168"), Some("0.000005155".to_owned()));
        assert_eq!(taken(Side::Sell, "7.93167"), Some("0.000004845".to_owned()));
    }
}
