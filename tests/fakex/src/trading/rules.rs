//! The rules of a market that an order keeps to before it is accepted.

use super::amount::{Amount, Rounding};
use super::order::{Kind, Size, Terms};
use super::refusal::{Refusal, Rule};
use crate::instrument::{Instrument, NOTIONAL_MAX, PRICE_MAX, QUANTITY_MAX, Quantities};

/// Checks the numbers of an order; a market order is worth its quantity at the `last` price.
pub(crate) fn check(instrument: &Instrument, terms: &Terms, last: Option<u64>) -> Result<(), Refusal> {
    for price in terms.limit().into_iter().chain(terms.trigger.map(|trigger| trigger.price)) {
        if !fits(price, instrument.tick, PRICE_MAX, instrument.price_decimals) {
            return Err(Refusal::Rule(Rule::Price));
        }
    }
    let grid = match instrument.quantities {
        Quantities::InSteps => instrument.step,
        Quantities::FromOneStepOn => 1,
    };
    if let Some(quantity) = terms.quantity()
        && (quantity < instrument.step || !fits(quantity, grid, QUANTITY_MAX, instrument.quantity_decimals))
    {
        return Err(Refusal::Rule(Rule::Lot));
    }
    let decimals = instrument.price_decimals + instrument.quantity_decimals;
    let worth = |price: u64, quantity: u64| Amount::of_product(price, quantity, decimals, Rounding::Down);
    let (worth, is_bounded) = match terms.kind {
        Kind::Limit { price, quantity, .. } | Kind::PostOnly { price, quantity } => {
            (worth(price, quantity), true)
        }
        Kind::Market { size: Size::Quote(amount) } => (amount, false),
        Kind::Market { size: Size::Base(quantity) } => {
            let price = terms.trigger.map(|trigger| trigger.price).or(last);
            // Where nothing was ever traded there is no price to measure with.
            let Some(price) = price else { return Ok(()) };
            (worth(price, quantity), false)
        }
    };
    let least = Amount::read(&instrument.min_notional).unwrap_or_default();
    let most = Amount::of_quantity(NOTIONAL_MAX, 0);
    if worth < least || (is_bounded && worth > most) {
        return Err(Refusal::Rule(Rule::Notional));
    }
    Ok(())
}

/// Whether a number stands on its grid, above nothing and up to `most` whole ones.
fn fits(units: u64, grid: u64, most: u64, decimals: u32) -> bool {
    let most = u128::from(most) * 10_u128.pow(decimals);
    units > 0 && units.is_multiple_of(grid) && u128::from(units) <= most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trading::order::{Life, Side};
    use crate::trading::samples::instrument;

    #[test]
    fn each_rule_is_named_at_its_bound() {
        // Ticks of 0.01, steps of 0.00001, at least 5 of the quote currency.
        let mut instrument = instrument();
        let limit = |price, quantity| Terms {
            side: Side::Buy,
            kind: Kind::Limit { price, quantity, life: Life::Gtc },
            trigger: None,
        };
        let by = |instrument: &Instrument, terms: Terms| check(instrument, &terms, Some(6_400_000)).err();
        let broken = |terms: Terms| by(&instrument, terms);
        assert_eq!(broken(limit(6_400_000, 8_000)), None, "64 000.00 × 0.00008 is 5.12");
        assert_eq!(broken(limit(6_400_000, 7_000)), Some(Refusal::Rule(Rule::Notional)));
        assert_eq!(broken(limit(6_400_000, 8_001)), Some(Refusal::Rule(Rule::Lot)));
        assert_eq!(broken(limit(6_400_000, 0)), Some(Refusal::Rule(Rule::Lot)));
        assert_eq!(broken(limit(0, 8_000)), Some(Refusal::Rule(Rule::Price)));
        assert_eq!(broken(limit(100_000_001, 8_000)), Some(Refusal::Rule(Rule::Price)));
        assert_eq!(broken(limit(100_000_000, 900_000_000)), None, "9 000 000 is the most");
        assert_eq!(broken(limit(100_000_000, 900_001_000)), Some(Refusal::Rule(Rule::Notional)));
        let market = |size| Terms { side: Side::Buy, kind: Kind::Market { size }, trigger: None };
        assert_eq!(broken(market(Size::Base(7_000))), Some(Refusal::Rule(Rule::Notional)));
        assert_eq!(broken(market(Size::Quote(Amount::read("5").unwrap()))), None);
        assert_eq!(
            broken(market(Size::Quote(Amount::read("4.9").unwrap()))),
            Some(Refusal::Rule(Rule::Notional))
        );
        instrument.quantities = Quantities::FromOneStepOn;
        assert_eq!(by(&instrument, limit(6_400_000, 8_001)), None);
        assert_eq!(by(&instrument, limit(100_000_000, 999)), Some(Refusal::Rule(Rule::Lot)));
    }
}
