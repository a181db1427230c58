//! Orders that work on the account and are not of the run: what they may still spend or sell is not there for it.

use super::AccountBooks;
use crate::asset::Asset;
use crate::event::{ForeignOrder, ForeignOrders};
use crate::instrument::InstrumentId;
use crate::market::Side;
use crate::num::{Amount, Money};
use crate::state::State;

impl AccountBooks {
    /// The orders of others that work, by market.
    pub fn foreign_orders(&self) -> impl Iterator<Item = (InstrumentId, &ForeignOrder)> {
        self.foreign_orders.iter().flat_map(|(market, orders)| orders.iter().map(|order| (*market, order)))
    }

    pub(super) fn fold_foreign_orders(&mut self, listed: &ForeignOrders) {
        match listed.orders.is_empty() {
            true => self.foreign_orders.remove(&listed.instrument),
            false => self.foreign_orders.insert(listed.instrument, listed.orders.clone()),
        };
    }
}

impl State {
    /// What the account has of the currency in which `instrument` is paid, beyond what orders of others may spend of it.
    ///
    /// The outer `None` where the run has no account at a real venue, the inner one where an amount does not fit.
    pub(crate) fn account_cash(&self, instrument: InstrumentId) -> Option<Option<Money>> {
        let books = self.account()?;
        let quote = &books.pair(instrument)?.quote;
        let held = Money::from_units(books.balance(quote).units());
        let buys = books.foreign_orders().filter(|(market, order)| {
            order.side == Side::Buy && books.pair(*market).is_some_and(|pair| pair.quote == *quote)
        });
        Some(
            buys.map(|(market, order)| self.foreign_cost(market, order))
                .try_fold(held, |left, cost| left.minus(cost?)),
        )
    }

    /// What the account has of the coin that `instrument` sells, beyond what orders sell that work, of the run and of others.
    ///
    /// The outer `None` where the run has no account at a real venue, the inner one where an amount does not fit.
    pub(crate) fn account_coins(&self, instrument: InstrumentId) -> Option<Option<Amount>> {
        let books = self.account()?;
        let base = &books.pair(instrument)?.base;
        Some(self.coins_left(books, base))
    }

    fn coins_left(&self, books: &AccountBooks, base: &Asset) -> Option<Amount> {
        let is_sold = |market: InstrumentId| books.pair(market).is_some_and(|pair| pair.base == *base);
        let ours =
            self.open_orders().filter(|open| open.order.side == Side::Sell && is_sold(open.order.instrument));
        let ours = ours.map(|open| (open.order.instrument, open.remaining()));
        let others =
            books.foreign_orders().filter(|(market, order)| order.side == Side::Sell && is_sold(*market));
        let others = others.map(|(market, order)| (market, order.left));
        ours.chain(others).try_fold(books.balance(base), |left, (market, qty)| {
            left.minus(Amount::of_qty(qty, self.instrument(market)?.qty_decimals)?)
        })
    }

    /// What an order of others would spend: at its price, or at the mark where it has none. Without either it spends nothing
    /// that could be said.
    fn foreign_cost(&self, market: InstrumentId, order: &ForeignOrder) -> Option<Money> {
        match order.price.or(self.mark(market)) {
            Some(price) => self.instrument(market)?.notional(price, order.left),
            None => Some(Money::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{COIN, asset, begun, of, stated, submit, tell};
    use super::*;
    use crate::event::AccountEvent;
    use crate::num::{Price, Qty};

    fn listed(state: &mut State, orders: &[(Side, Option<i64>, i128)]) {
        let orders = orders.iter().zip(0..).map(|((side, price, left), number)| ForeignOrder {
            name: format!("by hand {number}"),
            side: *side,
            price: price.map(Price::from_units),
            left: Qty::from_units(*left),
        });
        let orders = orders.collect();
        tell(state, AccountEvent::Foreign(ForeignOrders { instrument: COIN, orders }));
    }

    /// Whole units of cash and coins that are left.
    fn left(state: &State) -> (i128, i128) {
        let whole = 10_i128.pow(18);
        let cash = state.account_cash(COIN).flatten().unwrap();
        (cash.units() / whole, state.account_coins(COIN).flatten().unwrap().units() / whole)
    }

    #[test]
    fn what_others_may_spend_or_sell_is_not_there() {
        let mut state = begun(1_000);
        let whole = 10_i128.pow(18);
        tell(&mut state, stated(&[of("BTC", 50 * whole), of("USDT", 700 * whole)]));
        assert_eq!(left(&state), (700, 50));
        // Three coins at 100, whatever the mark; two at a mark that is not known cost nothing yet; four are for sale.
        listed(
            &mut state,
            &[(Side::Buy, Some(10_000), 300_000), (Side::Buy, None, 200_000), (Side::Sell, None, 400_000)],
        );
        assert_eq!(left(&state), (400, 46));
        submit(&mut state, COIN, Side::Sell, 1_000_000);
        assert_eq!(left(&state), (400, 36), "the run's own sale of ten coins is held back too");
        assert_eq!(state.account().unwrap().foreign_orders().count(), 3);
        listed(&mut state, &[(Side::Buy, Some(i64::MAX - 1), i128::MAX / 2)]);
        assert_eq!(state.account_cash(COIN), Some(None), "an amount that does not fit is said so");
        listed(&mut state, &[]);
        assert_eq!(left(&state), (700, 40));
        assert_eq!(
            state.account().unwrap().balance(&asset("BTC")).units(),
            50 * whole,
            "the books are what they were"
        );
    }

    #[test]
    fn a_process_that_takes_the_account_up_asks_anew() {
        let mut state = begun(1_000);
        listed(&mut state, &[(Side::Sell, None, 1)]);
        tell(&mut state, super::super::tests::beginning(2));
        assert_eq!(state.account().unwrap().foreign_orders().count(), 0);
        assert_eq!(crate::state::State::account_cash(&state, InstrumentId::new(7)), None);
    }
}
