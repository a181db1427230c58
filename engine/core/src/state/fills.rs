//! What a fill makes of orders, books and equity.

use super::State;
use super::account::{Charge, OpenedAt, Traded};
use crate::fill::Fill;
use crate::halt::{HaltReason, TooLarge};
use crate::num::{Money, Price, Qty};
use crate::order::{Change, OpenOrder, OrderId};
use crate::time::Timestamp;

impl State {
    /// A fill beyond what is confirmed, within what was asked for, tells that the amendment was made.
    fn confirm_by_fill(&mut self, id: OrderId, qty: Qty) {
        if let Some(open) = self.orders.get_mut(id)
            && qty > open.remaining()
            && let Some(asked) = open.amended_to.filter(|asked| *asked > open.order.qty)
        {
            // Which of several amendments was made, only its confirmation says.
            open.order.qty = asked;
        }
    }

    pub(super) fn fold_fill(&mut self, id: OrderId, venue_at: Timestamp, fill: &Fill) {
        self.confirm_by_fill(id, fill.qty);
        let impossible = Some(HaltReason::ImpossibleReport(id));
        let Some(open) = self.recent_order(id) else {
            self.impossible = impossible;
            return;
        };
        let is_late = open.status.is_final();
        let (remaining, side, instrument) = (open.remaining(), open.order.side, open.order.instrument);
        let family = [open.order.sibling, open.order.parent];
        let held = self.account().map(|_| (open.order.clone(), self.ledger.position(instrument).qty));
        let sound = fill.qty.is_positive() && fill.qty <= remaining && fill.price.is_positive();
        let change = if fill.qty == remaining { Change::FillRest } else { Change::FillPart };
        let legal = sound && (is_late || open.status.after(change).is_some());
        if !legal || self.instrument(instrument).is_none() {
            self.impossible = impossible;
            return;
        }
        // Everything is worked out before anything is changed: a fill is folded as a whole or not at all.
        let after = self.after_fill(open, fill);
        let traded = Traded { order: id, instrument, side };
        let Some(after) = after.filter(|after| self.book(&traded, fill, after.charge).is_some()) else {
            let (price, qty) = (fill.price, fill.qty);
            self.impossible = Some(HaltReason::AmountTooLarge(TooLarge::Fill { order: id, price, qty }));
            return;
        };
        if let Some(open) = self.orders.get_mut(id) {
            open.filled = after.filled;
            open.fees = after.fees;
        }
        if let Some(market) = self.markets.get_mut(instrument.index()) {
            market.mark = Some(after.mark);
            market.value_per_unit = after.value_per_unit;
        }
        self.equity = after.equity;
        self.note_trade(id, change, fill.trade);
        match is_late {
            true => self.note_late_fill(id, (after.filled, after.fees)),
            false => self.change(id, change),
        }
        if change == Change::FillRest {
            self.supersede(family);
        }
        if let Some((order, was)) = held {
            self.note_exit_fill(&order, was, fill.qty, OpenedAt { price: fill.price, venue_at });
        }
        self.judge_extremes();
    }

    fn book(&mut self, traded: &Traded, fill: &Fill, charge: Charge) -> Option<()> {
        if self.account().is_some() {
            return self.book_in_account(traded, fill, charge);
        }
        let rules = self.instruments.get(traded.instrument.index())?;
        self.ledger.book(traded.instrument, rules, traded.side, fill).ok()
    }

    /// What a fill makes of its order, its market and equity; `None` where an amount does not fit.
    fn after_fill(&self, open: &OpenOrder, fill: &Fill) -> Option<AfterFill> {
        let instrument = open.order.instrument;
        let market = self.markets.get(instrument.index())?;
        let signed = open.order.side.signed(fill.qty);
        let charge = self.charge(instrument, open.order.id, fill.trade)?;
        let held = self.ledger.position(instrument).qty.plus(signed)?.minus(charge.qty)?;
        let mark = market.mark.unwrap_or(fill.price);
        let worth = |qty: Qty, price: Price| {
            let product = qty.units().checked_mul(i128::from(price.units()))?;
            product.checked_mul(market.money_factor).map(Money::from_units)
        };
        // A fill away from the mark earns or costs the difference at once.
        let gain = gain(fill.price, mark, signed.units().checked_mul(market.money_factor)?)?;
        Some(AfterFill {
            filled: open.filled.plus(fill.qty)?,
            fees: open.fees.plus(fill.fee)?.plus(charge.value)?.plus(worth(charge.qty, fill.price)?)?,
            mark,
            value_per_unit: held.units().checked_mul(market.money_factor)?,
            equity: self
                .equity
                .plus(gain)?
                .minus(fill.fee)?
                .minus(charge.value)?
                .minus(worth(charge.qty, mark)?)?,
            charge,
        })
    }
}

/// What a fill makes of its order, its market and equity.
struct AfterFill {
    filled: Qty,
    fees: Money,
    mark: Price,
    value_per_unit: i128,
    equity: Money,
    charge: Charge,
}

/// What a position that gains `value` with every unit of price gains from `before` to `after`; `None` where that, or
/// what the position is worth then, does not fit.
#[inline]
pub(super) fn gain(before: Price, after: Price, value: i128) -> Option<Money> {
    // Two 64-bit factors multiply exactly; only a move or a position beyond them needs the slow way.
    match (after.units().checked_sub(before.units()), i64::try_from(value)) {
        (Some(moved), Ok(value)) => Some(Money::from_units(i128::from(moved) * i128::from(value))),
        (Some(_) | None, Ok(_) | Err(_)) => {
            let [before, after] = [before, after].map(|price| i128::from(price.units()));
            after.checked_mul(value)?;
            (after - before).checked_mul(value).map(Money::from_units)
        }
    }
}
