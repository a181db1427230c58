//! Double-entry books of a run: every posting has two sides and everything sums to zero.
//!
//! Positions are kept at cost. Realised profit uses average cost; a reduction releases its share of the
//! cost, and closing the whole position releases all of it, so no remainder is ever left behind.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

use crate::fill::Fill;
use crate::instrument::{Instrument, InstrumentId};
use crate::market::Side;
use crate::num::{Money, Price, Qty};

/// What is held of one instrument.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    /// Signed quantity; negative is short.
    pub qty: Qty,
    /// What it cost: positive for a long, negative (money received) for a short.
    pub cost: Money,
    /// Profit of everything closed so far, before fees.
    pub realised: Money,
    /// Fees paid in this instrument.
    pub fees: Money,
    /// Sum of the notional of all fills.
    pub turnover: Money,
    /// Number of fills.
    pub fills: u64,
}

/// The books: cash, positions at cost, realised profit, fees and capital.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ledger {
    capital: Money,
    cash: Money,
    positions: Vec<Position>,
}

/// Why a fill cannot be booked: an amount left the range of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("book a fill: an amount does not fit in 128 bits")]
pub struct LedgerOverflow;

static NOTHING: Position = Position {
    qty: Qty::ZERO,
    cost: Money::ZERO,
    realised: Money::ZERO,
    fees: Money::ZERO,
    turnover: Money::ZERO,
    fills: 0,
};

impl Ledger {
    /// Books that open with `capital` in cash and `instruments` empty positions.
    #[must_use]
    pub fn new(capital: Money, instruments: usize) -> Self {
        Self { capital, cash: capital, positions: vec![Position::default(); instruments] }
    }

    /// Whether they could be books that opened as `new` does.
    #[must_use]
    pub(crate) fn is_made_like(&self, new: &Self) -> bool {
        self.capital == new.capital && self.positions.len() == new.positions.len()
    }

    /// Cash in hand.
    #[must_use]
    pub const fn cash(&self) -> Money {
        self.cash
    }

    /// Cash the books opened with.
    #[must_use]
    pub const fn capital(&self) -> Money {
        self.capital
    }

    /// The position in `instrument`; nothing for one the run does not have.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> &Position {
        self.positions.get(instrument.index()).unwrap_or(&NOTHING)
    }

    /// Every position, in the order of [`InstrumentId`].
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// All fees paid.
    #[must_use]
    pub fn fees(&self) -> Money {
        self.sum(|position| position.fees)
    }

    /// All profit of closed quantity, before fees.
    #[must_use]
    pub fn realised(&self) -> Money {
        self.sum(|position| position.realised)
    }

    /// Notional of all fills.
    #[must_use]
    pub fn turnover(&self) -> Money {
        self.sum(|position| position.turnover)
    }

    /// Number of all fills.
    #[must_use]
    pub fn fills(&self) -> u64 {
        self.positions.iter().map(|position| position.fills).sum()
    }

    /// What is left when every account is added up; zero, always.
    ///
    /// Debit: cash, positions at cost, fees. Credit: capital, realised profit.
    #[must_use]
    pub fn imbalance(&self) -> Money {
        // Wrapping keeps the sum exact modulo 2^128, which nothing but zero is.
        let cost = self.sum(|position| position.cost);
        let debit = self.cash.units().wrapping_add(cost.units()).wrapping_add(self.fees().units());
        let credit = self.capital.units().wrapping_add(self.realised().units());
        Money::from_units(debit.wrapping_sub(credit))
    }

    /// Books one fill of an order on `side`.
    ///
    /// # Errors
    /// [`LedgerOverflow`]; nothing is booked then.
    pub fn book(
        &mut self,
        instrument: InstrumentId,
        rules: &Instrument,
        side: Side,
        fill: &Fill,
    ) -> Result<(), LedgerOverflow> {
        let position = *self.position(instrument);
        let booked = booked(position, rules, side, fill).ok_or(LedgerOverflow)?;
        let paid = booked.cash_out.plus(fill.fee).ok_or(LedgerOverflow)?;
        let cash = self.cash.minus(paid).ok_or(LedgerOverflow)?;
        if let Some(slot) = self.positions.get_mut(instrument.index()) {
            *slot = booked.position;
            if !self.sums_fit() {
                self.replace(instrument, position);
                return Err(LedgerOverflow);
            }
            self.cash = cash;
        }
        assert!(self.imbalance().is_zero(), "the books must sum to zero after every fill");
        Ok(())
    }

    /// Books what a trade was charged otherwise than in its own cash: `qty` of the position, given away at `price`, and
    /// `value` of cash.
    ///
    /// # Errors
    /// [`LedgerOverflow`]; nothing is booked then.
    pub fn charge(
        &mut self,
        instrument: InstrumentId,
        rules: &Instrument,
        price: Price,
        qty: Qty,
        value: Money,
    ) -> Result<(), LedgerOverflow> {
        let before = *self.position(instrument);
        let charged = charged(before, rules, price, qty, value).ok_or(LedgerOverflow)?;
        let cash = self.cash.minus(value).ok_or(LedgerOverflow)?;
        if let Some(slot) = self.positions.get_mut(instrument.index()) {
            *slot = charged;
            if !self.sums_fit() {
                self.replace(instrument, before);
                return Err(LedgerOverflow);
            }
            self.cash = cash;
        }
        assert!(self.imbalance().is_zero(), "the books must sum to zero after every charge");
        Ok(())
    }

    fn replace(&mut self, instrument: InstrumentId, position: Position) {
        if let Some(slot) = self.positions.get_mut(instrument.index()) {
            *slot = position;
        }
    }

    fn sums_fit(&self) -> bool {
        let fits = |amount: fn(&Position) -> Money| {
            self.positions.iter().map(amount).try_fold(Money::ZERO, Money::plus).is_some()
        };
        fits(|position| position.fees)
            && fits(|position| position.realised)
            && fits(|position| position.turnover)
    }

    /// The sum over all positions. It never wraps: no fill is booked after which one of these does not fit.
    fn sum(&self, amount: impl Fn(&Position) -> Money) -> Money {
        let total = self.positions.iter().map(|position| amount(position).units());
        Money::from_units(total.fold(0, i128::wrapping_add))
    }
}

struct Booked {
    position: Position,
    cash_out: Money,
}

fn booked(position: Position, rules: &Instrument, side: Side, fill: &Fill) -> Option<Booked> {
    let signed = side.signed(fill.qty);
    let closing = closing_qty(position.qty, signed)?;
    let opening = signed.minus(closing)?;
    let released = match closing.negated()? == position.qty {
        true => position.cost,
        false if closing.is_zero() => Money::ZERO,
        false => position.cost.share(closing.negated()?, position.qty)?,
    };
    let proceeds = rules.notional(fill.price, closing.negated()?)?;
    let notional = rules.notional(fill.price, signed)?;
    let opened = rules.notional(fill.price, opening)?;
    let next = Position {
        qty: position.qty.plus(signed)?,
        cost: position.cost.minus(released)?.plus(opened)?,
        realised: position.realised.plus(proceeds.minus(released)?)?,
        fees: position.fees.plus(fill.fee)?,
        turnover: position.turnover.plus(notional.magnitude())?,
        fills: position.fills.checked_add(1)?,
    };
    Some(Booked { position: next, cash_out: notional })
}

/// `position` without `qty` of it, which pays a fee at `price`, and with a fee of `value` paid in cash.
fn charged(position: Position, rules: &Instrument, price: Price, qty: Qty, value: Money) -> Option<Position> {
    let fees = position.fees.plus(value)?;
    if qty.is_zero() {
        return Some(Position { fees, ..position });
    }
    let given = if qty.is_positive() { Side::Sell } else { Side::Buy };
    let (trade, liquidity) = (crate::fill::TradeId::default(), crate::fill::Liquidity::Taker);
    let fill = Fill { trade, price, qty: qty.magnitude(), fee: Money::ZERO, liquidity };
    let given = booked(position, rules, given, &fill)?;
    Some(Position {
        // What a sale would have brought in cash is the fee that it pays.
        fees: fees.minus(given.cash_out)?,
        turnover: position.turnover,
        fills: position.fills,
        ..given.position
    })
}

/// The part of a signed trade that brings `held` nearer to nothing, with the sign of the trade; `None` on overflow.
#[must_use]
pub fn closing_qty(held: Qty, traded: Qty) -> Option<Qty> {
    let opposite = (held.units() < 0) != (traded.units() < 0);
    if held.is_zero() || traded.is_zero() || !opposite {
        return Some(Qty::ZERO);
    }
    if traded.magnitude() <= held.magnitude() { Some(traded) } else { held.negated() }
}

/// Profit of `position` if it were closed at `mark`, before fees; `None` on overflow.
#[must_use]
pub fn open_profit(position: &Position, rules: &Instrument, mark: Price) -> Option<Money> {
    rules.notional(mark, position.qty)?.minus(position.cost)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may compute plainly")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fill::Liquidity;

    fn rules() -> Instrument {
        crate::sample::instrument([2, 3], 1, 1)
    }

    fn fill(price: i64, qty: i128, fee: i128) -> Fill {
        Fill {
            trade: crate::fill::TradeId::default(),
            price: Price::from_units(price),
            qty: Qty::from_units(qty),
            fee: Money::from_units(fee),
            liquidity: Liquidity::Taker,
        }
    }

    fn money(whole: i128) -> Money {
        Money::from_units(whole * 10_i128.pow(18))
    }

    #[test]
    fn a_flip_closes_at_cost_and_opens_the_other_side() {
        let only = InstrumentId::new(0);
        let mut ledger = Ledger::new(money(1_000), 1);
        ledger.book(only, &rules(), Side::Buy, &fill(10_000, 2_000, 0)).unwrap();
        ledger.book(only, &rules(), Side::Sell, &fill(11_000, 5_000, 0)).unwrap();
        let position = ledger.position(only);
        assert_eq!(position.qty.units(), -3_000);
        assert_eq!(position.realised, money(20));
        assert_eq!(position.cost, money(-330));
        assert_eq!(open_profit(position, &rules(), Price::from_units(10_000)), Some(money(30)));
    }

    #[test]
    fn a_fee_in_the_coin_that_was_bought_costs_what_it_was_bought_for() {
        let only = InstrumentId::new(0);
        let mut ledger = Ledger::new(money(1_000), 1);
        ledger.book(only, &rules(), Side::Buy, &fill(10_000, 2_000, 0)).unwrap();
        ledger.charge(only, &rules(), Price::from_units(10_000), Qty::from_units(20), Money::ZERO).unwrap();
        let position = *ledger.position(only);
        assert_eq!((position.qty.units(), position.fees, position.cost), (1_980, money(2), money(198)));
        assert_eq!((position.realised, position.fills, ledger.cash()), (Money::ZERO, 1, money(800)));
        ledger.charge(only, &rules(), Price::from_units(1), Qty::ZERO, money(3)).unwrap();
        assert_eq!((ledger.cash(), ledger.fees()), (money(797), money(5)));
    }

    proptest! {
        #[test]
        fn the_books_sum_to_zero_and_equity_is_what_was_earned(
            trades in prop::collection::vec((1_i64..1_000_000, 1_i128..100_000, any::<bool>(), -500_i128..5_000), 1..60),
        ) {
            let only = InstrumentId::new(0);
            let mut ledger = Ledger::new(money(1_000), 1);
            let (mut cash, mut held) = (money(1_000).units(), 0_i128);
            for (price, qty, buy, fee) in trades {
                let side = if buy { Side::Buy } else { Side::Sell };
                ledger.book(only, &rules(), side, &fill(price, qty, fee)).unwrap();
                let signed = side.signed(Qty::from_units(qty)).units();
                cash -= signed * i128::from(price) * rules().money_factor() + fee;
                held += signed;
                prop_assert_eq!(ledger.imbalance(), Money::ZERO);
                prop_assert_eq!(ledger.cash().units(), cash);
                prop_assert_eq!(ledger.position(only).qty.units(), held);
                if held == 0 {
                    prop_assert_eq!(ledger.position(only).cost, Money::ZERO);
                }
            }
        }
    }
}
