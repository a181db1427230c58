//! What an account at a real venue leaves for an order, whatever the books of the run say: others trade with it too.

use crate::instrument::InstrumentId;
use crate::num::AMOUNT_DECIMALS;
use crate::num::{Amount, Money, power_of_ten};
use crate::order::Order;
use crate::refusal::{Breach, Refusal};
use crate::state::State;

/// The cash of the run, or what its account has beyond what others may spend, whichever is less; `None` on overflow.
pub(super) fn cash_held(state: &State, instrument: InstrumentId) -> Option<Money> {
    let cash = state.ledger().cash();
    state.account_cash(instrument).map_or(Some(cash), |held| Some(cash.min(held?)))
}

/// Whether the account has the coins that `order` sells.
pub(super) fn check_coins(state: &State, order: &Order) -> Result<(), Refusal> {
    let Some(coins) = state.account_coins(order.instrument) else { return Ok(()) };
    let rules = state.instrument(order.instrument).ok_or(Refusal::UnknownInstrument)?;
    let sold = Amount::of_qty(order.qty, rules.qty_decimals).ok_or(Refusal::Overflow)?;
    let left = coins.and_then(|coins| coins.minus(sold)).ok_or(Refusal::Overflow)?;
    if left >= Amount::ZERO {
        return Ok(());
    }
    let finer =
        AMOUNT_DECIMALS.checked_sub(rules.qty_decimals).and_then(power_of_ten).ok_or(Refusal::Overflow)?;
    Err(Refusal::ShortSale(Breach { limit: 0, observed: left.units().div_euclid(finer) }))
}
