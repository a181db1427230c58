//! What an account at a real venue leaves for an order, whatever the books of the run say: others trade with it too.

use super::RiskGate;
use crate::instrument::InstrumentId;
use crate::market::Side;
use crate::num::AMOUNT_DECIMALS;
use crate::num::{Amount, Money, power_of_ten};
use crate::order::Order;
use crate::refusal::{Breach, Refusal};
use crate::state::State;

impl RiskGate {
    /// Cash that no working buy has reserved, in the run and in its account; `None` on overflow.
    pub(super) fn cash_left(&self, state: &State, instrument: InstrumentId) -> Option<Money> {
        let mut left = state.ledger().cash();
        if let Some(held) = state.account_cash(instrument) {
            left = left.min(held?);
        }
        for open in state.open_orders().filter(|open| open.order.side == Side::Buy) {
            left = left.minus(self.cost(state, &open.order, open.remaining())?)?;
        }
        Some(left)
    }
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
