//! What trades are charged in the coin they bought, or in a third one.
//!
//! A charge is told before its trade and waits for it, so that both are booked in one event. In the books of the account
//! it is exact. In the ledger of the run a charge in the coin of the position makes that smaller, by the next quantity the
//! run can write; one in another coin costs what that is worth at its mark, as if the run had bought it at that moment; one
//! in a coin that no market of the run values costs the run nothing, and is counted beside it.

use crate::asset::{Asset, AssetAmount};
use crate::event::FeeCharge;
use crate::fill::{Fill, TradeId};
use crate::instrument::InstrumentId;
use crate::market::Side;
use crate::num::{Amount, Money, Price, Qty};
use crate::order::OrderId;
use crate::state::State;

/// A charge in the terms of the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::state) struct Charge {
    /// What it takes from the position.
    pub(in crate::state) qty: Qty,
    /// What it costs in cash.
    pub(in crate::state) value: Money,
}

impl State {
    /// A charge for a trade that has been booked came with it then.
    pub(super) fn fold_charge(&mut self, charge: &FeeCharge) {
        let is_booked = self.is_booked(charge.order, charge.trade);
        let name = |told: &FeeCharge| (told.order, told.trade, told.charge.asset.clone());
        if let Some(books) = self.account.books_mut() {
            books.charges.retain(|told| name(told) != name(charge));
            if !is_booked {
                books.charges.push(charge.clone());
            }
        }
    }

    /// What `trade` of `order` is charged beside cash, one for each asset.
    fn charges(&self, order: OrderId, trade: TradeId) -> impl Iterator<Item = &AssetAmount> {
        let told = self.account().into_iter().flat_map(|books| books.charges.iter());
        told.filter(move |told| (told.order, told.trade) == (order, trade)).map(|told| &told.charge)
    }

    /// What `trade` of `order` is charged, in the terms of the ledger; `None` where an amount does not fit.
    pub(in crate::state) fn charge(
        &self,
        instrument: InstrumentId,
        order: OrderId,
        trade: TradeId,
    ) -> Option<Charge> {
        self.charges(order, trade).try_fold(Charge::default(), |sum, charge| {
            let Charge { qty, value } = self.charge_of(instrument, charge)?;
            Some(Charge { qty: sum.qty.plus(qty)?, value: sum.value.plus(value)? })
        })
    }

    fn charge_of(&self, instrument: InstrumentId, charge: &AssetAmount) -> Option<Charge> {
        let (books, rules) = (self.account()?, self.instrument(instrument)?);
        let pair = books.pair(instrument)?;
        let nothing = Charge::default();
        if charge.asset == pair.base {
            return Some(Charge { qty: charge.amount.qty_up(rules.qty_decimals)?, ..nothing });
        }
        if charge.asset == pair.quote {
            return Some(Charge { value: Money::from_units(charge.amount.units()), ..nothing });
        }
        match self.price_of(&charge.asset, &pair.quote) {
            Some((mark, decimals)) => Some(Charge { value: charge.amount.worth(mark, decimals)?, ..nothing }),
            None => Some(nothing),
        }
    }

    /// What one of `asset` costs in `quote`, by the first market of the run that says so, and its decimals.
    fn price_of(&self, asset: &Asset, quote: &Asset) -> Option<(Price, u8)> {
        let books = self.account()?;
        self.instrument_ids().find_map(|id| {
            let pair = books.pair(id).filter(|pair| pair.base == *asset && pair.quote == *quote);
            pair.and(self.mark(id)).zip(self.instrument(id)).map(|(mark, rules)| (mark, rules.price_decimals))
        })
    }

    /// What a trade moves in each asset; `None` where an amount does not fit.
    fn moved_by(&self, traded: &Traded, fill: &Fill) -> Option<Vec<AssetAmount>> {
        let pair = self.account()?.pair(traded.instrument)?;
        let rules = self.instrument(traded.instrument)?;
        let signed = traded.side.signed(fill.qty);
        let paid = rules.notional(fill.price, signed)?.plus(fill.fee)?;
        let base = Amount::of_qty(signed, rules.qty_decimals)?;
        let mut moved = vec![
            AssetAmount { asset: pair.base.clone(), amount: base },
            AssetAmount { asset: pair.quote.clone(), amount: Amount::of_money(paid).negated()? },
        ];
        for AssetAmount { asset, amount } in self.charges(traded.order, fill.trade) {
            moved.push(AssetAmount { asset: asset.clone(), amount: amount.negated()? });
        }
        Some(moved)
    }

    /// The sums of what was charged in assets that no market of the run values, with this trade; `None` where one does not
    /// fit.
    fn unvalued_with(&self, traded: &Traded, fill: &Fill) -> Option<Vec<AssetAmount>> {
        let books = self.account()?;
        let pair = books.pair(traded.instrument)?;
        let is_unvalued = |charge: &&AssetAmount| {
            charge.asset != pair.base
                && charge.asset != pair.quote
                && self.price_of(&charge.asset, &pair.quote).is_none()
        };
        let charges = self.charges(traded.order, fill.trade).filter(is_unvalued);
        let with = |charge: &AssetAmount| {
            let before = books.unvalued.get(&charge.asset).copied().unwrap_or_default();
            Some(AssetAmount { asset: charge.asset.clone(), amount: before.plus(charge.amount)? })
        };
        charges.map(with).collect()
    }

    /// Books a trade in ledger and account, and ends the wait of its charge; `None`, and nothing booked, where an amount
    /// does not fit.
    pub(in crate::state) fn book_in_account(
        &mut self,
        traded: &Traded,
        fill: &Fill,
        charge: Charge,
    ) -> Option<()> {
        let rules = self.instruments.get(traded.instrument.index())?;
        let mut ledger = self.ledger.clone();
        ledger.book(traded.instrument, rules, traded.side, fill).ok()?;
        ledger.charge(traded.instrument, rules, fill.price, charge.qty, charge.value).ok()?;
        let (moved, unvalued) = (self.moved_by(traded, fill)?, self.unvalued_with(traded, fill)?);
        let books = self.account.books_mut()?;
        books.post(&moved)?;
        books.charges.retain(|told| (told.order, told.trade) != (traded.order, fill.trade));
        for AssetAmount { asset, amount } in unvalued {
            books.unvalued.insert(asset, amount);
        }
        self.ledger = ledger;
        Some(())
    }
}

/// The order of a trade.
#[derive(Debug, Clone, Copy)]
pub(in crate::state) struct Traded {
    pub(in crate::state) order: OrderId,
    pub(in crate::state) instrument: InstrumentId,
    pub(in crate::state) side: Side,
}
