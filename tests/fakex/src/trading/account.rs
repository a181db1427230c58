//! One account: what it has, its orders, its fills, and what is to be told of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::amount::{Amount, Rounding};
use super::fee::Fees;
use super::fill::{FIRST_FILL_ID, Fill};
use super::ledger::{Cause, Ledger, Pocket, Posting, Short};
use super::order::{Order, Side, Status};
use super::refusal::Refusal;
use super::report::{Expiry, Happened, Report};
use crate::instrument::Instrument;
use crate::market::book::Level;

/// A market as an order finds it.
#[derive(Clone, Debug)]
pub(crate) struct Standing<'a> {
    pub(crate) instrument: &'a Instrument,
    /// From the highest down.
    pub(crate) bids: Vec<Level>,
    /// From the lowest up.
    pub(crate) asks: Vec<Level>,
    /// The price of the last trade.
    pub(crate) last: Option<u64>,
    /// How much worse than the book orders without a limit trade, in millionths of the price.
    pub(crate) slippage_millionths: u32,
    pub(crate) now_ns: i64,
}

/// Which order is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Id(u64),
    ClientId(String),
}

/// What an account does wrong, once each, because a fault asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slips {
    /// The next fill comes in so many.
    pub(crate) divide: u32,
    /// The next order placed would trade with one of the account's own.
    pub(crate) self_trade: bool,
    /// The next order cancelled was filled a moment before.
    pub(crate) late_fill: bool,
}

/// The account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(super) ledger: Ledger,
    pub(super) fees: Fees,
    pub(super) orders_max: usize,
    pub(super) orders: BTreeMap<u64, Order>,
    /// The last order of each name of a client in each market; an earlier one of the same name has ended.
    pub(super) names: BTreeMap<(Arc<str>, Arc<str>), u64>,
    /// Open orders by market.
    pub(super) open: BTreeMap<Arc<str>, BTreeSet<u64>>,
    pub(super) fills: Vec<Fill>,
    pub(super) reports: Vec<Report>,
    pub(super) executions: u64,
    pub(crate) slips: Slips,
}

impl Account {
    pub(crate) fn new(fees: Fees, orders_max: usize, balances: &[(Arc<str>, Amount)]) -> Self {
        let mut ledger = Ledger::default();
        for (asset, amount) in balances {
            let opening = Posting {
                asset: asset.clone(),
                amount: *amount,
                from: Pocket::Venue,
                to: Pocket::Free,
                cause: Cause::Opening,
                order: None,
            };
            // The venue is never short.
            let _ = ledger.transfer(opening);
        }
        let opening = Report::Posted(ledger.take_posted());
        Self {
            ledger,
            fees,
            orders_max,
            orders: BTreeMap::new(),
            names: BTreeMap::new(),
            open: BTreeMap::new(),
            fills: Vec::new(),
            reports: vec![opening],
            executions: 0,
            slips: Slips::default(),
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn fees(&self) -> &Fees {
        &self.fees
    }

    /// Every order there ever was, oldest first.
    pub(crate) fn orders(&self) -> impl DoubleEndedIterator<Item = &Order> {
        self.orders.values()
    }

    /// The open orders of a market, or of all, oldest first.
    pub(crate) fn open_orders(&self, market: Option<&str>) -> Vec<&Order> {
        let ids = self.open.iter().filter(|(name, _)| market.is_none_or(|market| ***name == *market));
        let mut ids: Vec<u64> = ids.flat_map(|(_, ids)| ids.iter().copied()).collect();
        ids.sort_unstable();
        ids.iter().filter_map(|id| self.orders.get(id)).collect()
    }

    /// Every fill, oldest first.
    pub(crate) fn fills(&self) -> &[Fill] {
        &self.fills
    }

    /// The order that is meant; among those of one name the last, which alone can be open.
    pub(crate) fn order(&self, market: &str, which: &Which) -> Option<&Order> {
        let id = match which {
            Which::Id(id) => Some(id),
            Which::ClientId(name) => self.names.get(&(name.as_str().into(), market.into())),
        };
        id.and_then(|id| self.orders.get(id)).filter(|order| *order.market == *market)
    }

    /// Whether an open order has the name, in whichever market.
    pub(super) fn is_taken(&self, name: &Arc<str>) -> bool {
        let named = self.names.range((name.clone(), Arc::from(""))..);
        let mut named = named.take_while(|((other, _), _)| other == name);
        named.any(|(_, id)| self.orders.get(id).is_some_and(|order| order.status.is_open()))
    }

    /// What is to be told since the last time this was asked.
    pub(crate) fn take_reports(&mut self) -> Vec<Report> {
        std::mem::take(&mut self.reports)
    }

    /// An amount comes from outside, or goes there when it is negative.
    pub(crate) fn receive(&mut self, asset: &Arc<str>, amount: Amount) -> Result<(), Refusal> {
        let (from, to, moved) = if amount.is_negative() {
            (Pocket::Free, Pocket::Venue, -amount)
        } else {
            (Pocket::Venue, Pocket::Free, amount)
        };
        let cause = Cause::External;
        let posting = Posting { asset: asset.clone(), amount: moved, from, to, cause, order: None };
        self.ledger.transfer(posting).map_err(|Short| Refusal::Balance)?;
        self.reports.push(Report::External { asset: asset.clone(), amount });
        self.conclude();
        Ok(())
    }

    /// Tells what happened to an order, and the balances that changed with it.
    pub(super) fn tell(&mut self, id: u64, happened: Happened) {
        if let Some(order) = self.orders.get(&id) {
            self.executions += 1;
            let order = Box::new(order.clone());
            self.reports.push(Report::Order { order, happened, execution: self.executions });
        }
        self.conclude();
    }

    pub(super) fn conclude(&mut self) {
        let posted = self.ledger.take_posted();
        let assets: BTreeSet<Arc<str>> = posted.iter().map(|posting| posting.asset.clone()).collect();
        if posted.is_empty() {
            return;
        }
        self.reports.push(Report::Posted(posted));
        let balances = assets.into_iter().map(|asset| {
            let balance = self.ledger.balance(&asset);
            (asset, balance)
        });
        self.reports.push(Report::Balances(balances.collect()));
    }

    /// Moves an amount of what an order gives between the pockets of the account.
    pub(super) fn hold(
        &mut self,
        order: &mut Order,
        instrument: &Instrument,
        held: Amount,
    ) -> Result<(), Short> {
        let asset = given(instrument, order.terms.side).into();
        let change = held - order.held;
        let (from, to, amount, cause) = if change.is_negative() {
            (Pocket::Locked, Pocket::Free, -change, Cause::Released)
        } else {
            (Pocket::Free, Pocket::Locked, change, Cause::Held)
        };
        self.ledger.transfer(Posting { asset, amount, from, to, cause, order: Some(order.id) })?;
        order.held = held;
        Ok(())
    }

    /// Ends an open order and frees what it held.
    pub(super) fn end(&mut self, id: u64, instrument: &Instrument, now_ns: i64, happened: Happened) {
        let Some(mut order) = self.orders.remove(&id) else { return };
        let freed = self.hold(&mut order, instrument, Amount::ZERO);
        assert!(freed.is_ok(), "order {id} holds what is not locked");
        order.updated_ns = now_ns;
        order.status = match &happened {
            Happened::Canceled { .. } => Status::Canceled,
            Happened::Expired(Expiry::SelfTrade) => Status::ExpiredInMatch,
            Happened::Expired(_) => Status::Expired,
            Happened::Accepted | Happened::Woke | Happened::Traded(_) => order.status,
        };
        self.close(&order);
        self.orders.insert(id, order);
        self.tell(id, happened);
    }

    pub(super) fn close(&mut self, order: &Order) {
        if let Some(ids) = self.open.get_mut(&order.market) {
            ids.remove(&order.id);
        }
    }

    pub(super) fn next_fill_id(&self) -> u64 {
        FIRST_FILL_ID + self.fills.len() as u64
    }
}

/// The asset that an order of a side gives.
pub(crate) fn given(instrument: &Instrument, side: Side) -> &str {
    match side {
        Side::Buy => &instrument.quote,
        Side::Sell => &instrument.base,
    }
}

/// Price × quantity in quote currency.
pub(super) fn worth(instrument: &Instrument, price: u64, quantity: u64, rounding: Rounding) -> Amount {
    let decimals = instrument.price_decimals + instrument.quantity_decimals;
    Amount::of_product(price, quantity, decimals, rounding)
}
