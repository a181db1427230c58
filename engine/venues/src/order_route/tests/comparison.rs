//! The books of a process beside the exchange's own record.

use std::collections::{BTreeMap, BTreeSet};

use engine_core::asset::Asset;
use engine_core::client_id::ClientId;
use engine_core::event::{AccountEvent, Execution, ExecutionReport, Input};
use engine_core::fill::TradeId;
use engine_core::num::Amount;

use super::super::*;
use super::process::{Process, run_id};
use super::test_venue::Ground;

impl Process {
    /// How many orders went out.
    pub(super) fn orders_sent(&self) -> usize {
        let is_sent = |input: &&Input| matches!(input, Input::Account(event) if matches!(**event, AccountEvent::Sent(_)));
        self.told.iter().filter(is_sent).count()
    }

    /// How many trades of each order of ours were told, to any of the processes; one that was told twice is one.
    fn trades_told(&self) -> BTreeMap<OrderId, usize> {
        let trade = |input: &Input| match input {
            Input::Execution(ExecutionReport { order, execution: Execution::Filled(fill), .. }) => {
                Some((*order, fill.trade))
            }
            _ => None,
        };
        let trades: BTreeSet<(OrderId, TradeId)> = self.told.iter().filter_map(trade).collect();
        let mut told = BTreeMap::new();
        trades.into_iter().for_each(|(order, _)| *told.entry(order).or_default() += 1);
        told
    }

    /// Compares books and orders with the exchange's own record.
    pub(super) fn judge(&self, ground: &Ground) {
        let books = self.core.state().account().unwrap();
        for (asset, balance) in ground.truth().balances().unwrap() {
            let held = (balance.free + balance.locked).units() * 10_i128.pow(10);
            assert_eq!(books.balance(&Asset::new(&asset)), Amount::from_units(held), "{asset}");
        }
        let mut seen = BTreeSet::new();
        let next = self.core.state().next_order_id();
        for order in ground.truth().orders().unwrap().iter().filter(|order| !order.by_hand) {
            let id: ClientId = order.client_id.parse().unwrap();
            assert!(id.run() == run_id() && id.order() < next, "{order:?} is nobody's");
            assert!(seen.insert(id.order()), "{order:?} stands twice");
            assert!(!order.status.is_open(), "{order:?} works, and the run knows nothing of it");
        }
        assert_eq!(self.trades_told(), trades_made(ground), "each trade is told, and no other");
    }
}

/// How many trades each order of ours has, by the exchange's own record.
fn trades_made(ground: &Ground) -> BTreeMap<OrderId, usize> {
    let mut made = BTreeMap::new();
    for fill in ground.truth().fills().unwrap() {
        if let Ok(id) = fill.client_id.parse::<ClientId>() {
            *made.entry(id.order()).or_default() += 1;
        }
    }
    made
}
