//! The orders of a run at a real venue: which of them are not known to be over, and what was asked of them.

use std::collections::{BTreeMap, BTreeSet};

use engine_core::client_id::RunId;
use engine_core::epoch::Epoch;
use engine_core::event::{AccountEvent, Execution, ExecutionReport, FailedAct, Input};
use engine_core::fill::{Fill, TradeId};
use engine_core::num::Qty;
use engine_core::order::{Order, OrderId};
use engine_core::time::Timestamp;
use engine_runtime::order_route::{RouteBeginning, StandingOrder};

/// What was asked of an order and is not done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Asked {
    /// Its end.
    Cancel,
    /// Another whole quantity.
    Amend(Qty),
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Logged {
    standing: StandingOrder,
    /// The trades that were counted, each once.
    trades: BTreeSet<TradeId>,
    asked: Option<Asked>,
}

/// What is known of the orders of a run from what was asked and what was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct OrderLog {
    run: Option<RunId>,
    /// Which process took the account up last.
    epoch: Epoch,
    /// Up to when everything that was traded is known; nothing before the venue has stated what the account holds.
    known_to: Option<Timestamp>,
    /// What this process was stated last. Behind a statement a process asks what was traded, and states nothing more before that
    /// is told: so the next one proves that it was.
    stated_at: Option<Timestamp>,
    /// Until when the venue wants to be asked nothing.
    paused_until: Option<Timestamp>,
    orders: BTreeMap<OrderId, Logged>,
}

impl OrderLog {
    /// The log of a run that begins.
    pub(super) const fn of_run(run: RunId) -> Self {
        Self {
            run: Some(run),
            epoch: Epoch::new(0),
            known_to: None,
            stated_at: None,
            paused_until: None,
            orders: BTreeMap::new(),
        }
    }

    /// Which process took the account up last.
    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Where a route takes these orders up; nothing before the run has begun.
    pub(super) fn beginning(&self) -> Option<RouteBeginning> {
        let orders = self.orders.values().map(|logged| logged.standing.clone()).collect();
        let (since, paused_until) = (self.known_to, self.paused_until);
        Some(RouteBeginning { run: self.run?, epoch: self.epoch, orders, since, paused_until })
    }

    /// What was asked of orders that are not known to be over, in the order of their numbers.
    pub(super) fn asked(&self) -> Vec<(OrderId, Asked)> {
        self.orders.iter().filter_map(|(id, logged)| Some((*id, logged.asked?))).collect()
    }

    /// An order was handed over, or may have been.
    pub(super) fn placed(&mut self, order: Order) {
        let (id, epoch) = (order.id, self.epoch);
        let standing = StandingOrder { order, epoch, name: None, filled: Qty::ZERO };
        self.orders.insert(id, Logged { standing, trades: BTreeSet::new(), asked: None });
    }

    /// Something was asked of an order. What is to end is not amended any more.
    pub(super) fn ask(&mut self, order: OrderId, asked: Asked) {
        if let Some(logged) = self.orders.get_mut(&order)
            && logged.asked != Some(Asked::Cancel)
        {
            logged.asked = Some(asked);
        }
    }

    /// What `input` says of orders and account.
    pub(super) fn learn_of(&mut self, input: &Input) {
        match input {
            Input::Execution(report) => self.reported(report),
            Input::Account(event) => self.told(event),
            Input::EffectFailed(failed) => self.unsent(failed.act),
            Input::Session(_)
            | Input::Market(_)
            | Input::Feed(_)
            | Input::Operator(_)
            | Input::Deadline
            | Input::Inference(_)
            | Input::Conductor(_)
            | Input::History(_)
            | Input::Clock(_)
            | Input::DataFault(_)
            | Input::Listing(_) => {}
        }
    }

    fn unsent(&mut self, act: FailedAct) {
        match act {
            FailedAct::Place(order) => self.over(order),
            FailedAct::Cancel(order) | FailedAct::Amend(order) => {
                if let Some(logged) = self.orders.get_mut(&order) {
                    logged.asked = None;
                }
            }
            FailedAct::Consult(_) => {}
        }
    }

    fn reported(&mut self, report: &ExecutionReport) {
        match report.execution {
            Execution::Accepted | Execution::Triggered => {}
            Execution::Filled(fill) => self.filled(report.order, &fill),
            Execution::Rejected(_) | Execution::Cancelled | Execution::Expired => self.over(report.order),
            Execution::Amended(qty) => self.amended(report.order, qty),
        }
    }

    fn told(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Begun(beginning) => (self.epoch, self.stated_at) = (beginning.epoch, None),
            AccountEvent::Stated(statement) => self.stated(statement.venue_at),
            AccountEvent::Paused(pause) => self.paused_until = self.paused_until.max(Some(pause.until)),
            AccountEvent::Named(named) => {
                if let Some(logged) = self.orders.get_mut(&named.order) {
                    logged.standing.name = Some(named.name.clone());
                }
            }
            AccountEvent::NeverPlaced(order) => self.over(*order),
            AccountEvent::Charged(_)
            | AccountEvent::Moved(_)
            | AccountEvent::Traded(_)
            | AccountEvent::Foreign(_)
            | AccountEvent::Explained(_)
            | AccountEvent::Accepted(_)
            | AccountEvent::Sent(_)
            | AccountEvent::Unanswered(_) => {}
        }
    }

    fn stated(&mut self, venue_at: Timestamp) {
        // The first one opens the books: what was traded before is in it.
        self.known_to = self.known_to.max(self.stated_at).or(Some(venue_at));
        self.stated_at = Some(venue_at);
    }

    fn over(&mut self, order: OrderId) {
        self.orders.remove(&order);
    }

    fn filled(&mut self, order: OrderId, fill: &Fill) {
        let Some(logged) = self.orders.get_mut(&order) else { return };
        if logged.trades.insert(fill.trade)
            && let Some(filled) = logged.standing.filled.plus(fill.qty)
        {
            logged.standing.filled = filled;
        }
        self.end_if_filled(order);
    }

    fn amended(&mut self, order: OrderId, qty: Qty) {
        let Some(logged) = self.orders.get_mut(&order) else { return };
        logged.standing.order.qty = qty;
        if logged.asked == Some(Asked::Amend(qty)) {
            logged.asked = None;
        }
        self.end_if_filled(order);
    }

    fn end_if_filled(&mut self, order: OrderId) {
        let is_filled = |logged: &Logged| logged.standing.filled >= logged.standing.order.qty;
        if self.orders.get(&order).is_some_and(is_filled) {
            self.over(order);
        }
    }
}

#[cfg(test)]
mod tests;
