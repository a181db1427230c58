//! The books of a process beside the exchange's own record.

use std::collections::{BTreeMap, BTreeSet};

use engine_core::asset::Asset;
use engine_core::client_id::ClientId;
use engine_core::event::{AccountEvent, Execution, ExecutionReport, Input};
use engine_core::fill::TradeId;
use engine_core::num::Amount;
use fake_exchange::{Entry, Record};

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

/// What comes so soon behind the first word of a pause was on its way, beside whatever else the machine does.
const ON_ITS_WAY_MS: i64 = 250;

/// What came before record `number`, trades and messages left out.
fn before(ground: &Ground, number: u64) -> Vec<String> {
    let records = ground.truth().records(number.saturating_sub(400), 401).unwrap();
    let is_of_it = |record: &&Record| {
        matches!(
            record.entry,
            Entry::OrderRequest(_) | Entry::Fault { .. } | Entry::Opened { .. } | Entry::Closed { .. }
        )
    };
    let told = records
        .iter()
        .filter(is_of_it)
        .map(|record| format!("{} {:?}", record.venue_ns / 1_000_000, record.entry));
    let told: Vec<String> = told.collect();
    told[told.len().saturating_sub(30)..].to_vec()
}

/// How many requests were on their way when a pause began; those of its later time fail.
pub(super) fn on_their_way(ground: &Ground) -> u64 {
    let (mut count, mut told_ms) = (0, 0);
    let judge = |record: Record| {
        let Entry::OrderRequest(request) = record.entry else { return };
        let at_ms = record.venue_ns / 1_000_000;
        if request.banned {
            count += 1;
            let behind_ms = at_ms - told_ms;
            assert!(behind_ms < ON_ITS_WAY_MS, "{behind_ms} ms behind: {:#?}", before(ground, record.number));
        } else if request.status == 429 {
            told_ms = at_ms;
        }
    };
    ground.truth().for_each(judge).unwrap();
    count
}
