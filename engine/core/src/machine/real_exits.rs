//! Exits at a real venue: one order of each entry rests there, and the core sees to the rest.
//!
//! At every input, for each entry that holds something: where nothing of its exit is at work, it is placed; where what
//! works is not what it should be, its end is asked for, and only what the venue has confirmed is placed anew. So what is at
//! work never sells more than is held. A take-profit that the market has touched, and a stop that it has passed while none
//! rested, are closed at the market. Other orders that sell the same coins go first: they wait until the exits have ended.
//!
//! Exits do not pass the gate: they are part of the entry it approved, and can only reduce.

use super::Core;
use crate::event::{Output, Submission};
use crate::intent::{OrderIntent, Rationale, Size};
use crate::num::Qty;
use crate::order::{OpenOrder, Order, OrderKind, Posting, Reach, Status, TimeInForce};
use crate::state::{ExitDue, HeldExit, HeldStop};
use crate::time::Timestamp;

impl Core {
    /// Places what waited for exits to end, and sees that each entry has its exit.
    #[cold]
    pub(super) fn pursue_exits(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        self.place_postponed(at, outputs);
        for exit in self.state.held_exits().to_vec() {
            if self.state.is_wanted_flat(exit.instrument) {
                continue;
            }
            if exit.due.is_some() {
                self.end_due_entry(at, &exit, outputs);
            }
            let qty = self.state.exit_qty(&exit);
            let works = self.state.orders_of(&exit).next().is_some();
            match works {
                true => self.end_what_is_not_wanted(at, &exit, qty, outputs),
                false => self.place_held(at, &exit, qty, outputs),
            }
        }
    }

    /// Records that an order waits for exits, sized as the gate approved it, and asks for their end.
    #[cold]
    pub(super) fn postpone(
        &mut self,
        at: Timestamp,
        intent: OrderIntent,
        approved: &Order,
        outputs: &mut Vec<Output>,
    ) {
        let waits = |waiting: &OrderIntent| {
            waiting.instrument == approved.instrument && waiting.side == approved.side
        };
        if self.state.postponed().any(waits) {
            return;
        }
        let intent = OrderIntent { size: Size::Units(approved.qty), reach: approved.reach, ..intent };
        self.conclude(at, Output::Postponed(Box::new(intent)), outputs);
        self.pursue_exits(at, outputs);
    }

    fn place_postponed(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        let free = self.state.postponed().filter(|intent| !self.state.exit_works(intent.instrument));
        for intent in free.cloned().collect::<Vec<_>>() {
            let id = self.state.next_order_id();
            match self.gate.review(at, &self.state, id, &intent) {
                Ok(approved) => {
                    let because = intent.because;
                    let submission = Box::new(Submission { order: approved.into_order(), because });
                    self.conclude(at, Output::OrderSubmitted(submission), outputs);
                }
                // On record even where the same was refused before: the exits come back because of it.
                Err(reason) => self.record_refusal(at, intent.into(), reason, outputs),
            }
        }
    }

    /// What still works of an entry whose exit is due is not to fill any more.
    fn end_due_entry(&mut self, at: Timestamp, exit: &HeldExit, outputs: &mut Vec<Output>) {
        let works = |open: &OpenOrder| open.status != Status::CancelPending;
        if self.state.open_order(exit.entry).is_some_and(works) {
            self.end(at, exit.entry, "its exit is due", outputs);
        }
    }

    fn end_what_is_not_wanted(
        &mut self,
        at: Timestamp,
        exit: &HeldExit,
        qty: Qty,
        outputs: &mut Vec<Output>,
    ) {
        let unwanted = self
            .state
            .orders_of(exit)
            .filter_map(|open| why_unwanted(at, exit, qty, open).map(|why| (open.order.id, why)));
        for (order, why) in unwanted.collect::<Vec<_>>() {
            self.end(at, order, why, outputs);
        }
    }

    fn place_held(&mut self, at: Timestamp, exit: &HeldExit, qty: Qty, outputs: &mut Vec<Output>) {
        let may_go = exit.is_ready(at)
            && qty.is_positive()
            && qty <= self.state.free_to_close(exit.instrument)
            && self.state.is_exit_taken(exit, qty)
            && self.state.is_account_read();
        let Some(decided_price) = exit.decided_price().filter(|_| may_go) else { return };
        let (kind, why) = match exit.due {
            Some(ExitDue::StopLoss) => (OrderKind::Market, "its stop is touched"),
            Some(ExitDue::TakeProfit) => (OrderKind::Market, "its take-profit is touched"),
            None => match exit.resting() {
                Some(kind @ OrderKind::Limit(_)) => (kind, "take profit"),
                Some(kind) if matches!(exit.stop, HeldStop::Trailing(_)) => (kind, "trailing stop"),
                Some(kind) => (kind, "stop loss"),
                None => return,
            },
        };
        let order = Order {
            id: self.state.next_order_id(),
            instrument: exit.instrument,
            side: exit.side,
            qty,
            kind,
            tif: TimeInForce::Gtc,
            posting: Posting::Any,
            reach: Reach::ReduceOnly,
            bracket: None,
            parent: Some(exit.entry),
            sibling: None,
            decided_price,
        };
        let submission = Box::new(Submission { order, because: Rationale::new(why) });
        self.conclude(at, Output::OrderSubmitted(submission), outputs);
    }
}

/// Why an exit at work is not the one that should be, where `qty` should be.
fn why_unwanted(at: Timestamp, exit: &HeldExit, qty: Qty, open: &OpenOrder) -> Option<&'static str> {
    if open.status == Status::CancelPending {
        return exit.is_ready(at).then_some("its end was asked for and is not known");
    }
    let left = open.remaining();
    if open.order.kind == OrderKind::Market || exit.due == Some(ExitDue::StopLoss) {
        // It fills now; what else the entry holds follows, and so does what waits for exits to end.
        return (left > exit.covered).then_some("its position has shrunk");
    }
    if qty.is_zero() {
        Some("what it ends is sold otherwise, or gone")
    } else if left > qty {
        Some("its position has shrunk")
    } else if exit.due == Some(ExitDue::TakeProfit) {
        Some("its take-profit is touched")
    } else if left < qty && exit.is_ready(at) {
        Some("its entry filled further")
    } else if exit.has_left(&open.order) && at >= exit.moves_at(open) {
        Some("its stop follows the price")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
