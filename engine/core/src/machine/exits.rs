//! The exits of a position: one pair for an entry, placed at its first fill and amended as it fills further.
//!
//! They do not pass the gate: they are part of the entry it approved, and can only reduce. Together they never cover
//! more than is held: what an entry closes of an older position gets no exit, and where a position shrinks by another
//! order, the exits of the oldest entries shrink first. Once an exit has filled its entry is over: what is left of it
//! is cancelled, and what still fills of it, its fill having crossed the cancel, is closed at the market.

use super::Core;
use super::before::OrderBefore;
use crate::event::{AmendRequest, CancelRequest, Execution, ExecutionReport, Output, Submission};
use crate::instrument::InstrumentId;
use crate::intent::Rationale;
use crate::ledger::closing_qty;
use crate::num::Qty;
use crate::order::{
    Bracket, BracketStop, OpenOrder, Order, OrderId, OrderKind, Posting, Reach, Status, TimeInForce,
};
use crate::time::Timestamp;

impl Core {
    /// Fits the exits of an instrument to what a fill has made of its position.
    pub(super) fn answer_execution(
        &mut self,
        at: Timestamp,
        report: &ExecutionReport,
        before: &OrderBefore,
        outputs: &mut Vec<Output>,
    ) {
        let OrderBefore { open, held: was } = before;
        let was = *was;
        let Execution::Filled(fill) = report.execution else { return };
        // At a real venue they are kept and placed otherwise: see `real_exits`.
        if self.state.account().is_some() {
            return;
        }
        let instrument = open.order.instrument;
        // What is to be flat is closed as a whole and needs no exits.
        if self.state.impossible().is_some() || self.state.is_wanted_flat(instrument) {
            return;
        }
        let now = self.state.ledger().position(instrument).qty;
        // Less than was traded, where the trade was charged in the coin it bought.
        let Some(signed) = now.minus(was) else { return };
        let closed = open.order.parent.map(|entry| Closed { entry, by: open.order.id, qty: fill.qty });
        self.fit_exits(at, instrument, closed, outputs);
        let opened = closing_qty(was, signed).and_then(|closed| signed.minus(closed)).map(Qty::magnitude);
        let Some(opened) = opened.map(|opened| self.orderable(instrument, opened)) else { return };
        if let Some(bracket) = open.order.bracket.filter(|_| opened.is_positive()) {
            match open.is_superseded {
                true => self.close_late(at, &open.order, opened, outputs),
                false => self.cover(at, &open.order, opened, bracket, outputs),
            }
        }
        if let Some(parent) = open.order.parent.filter(|_| self.state.open_order(report.order).is_none()) {
            self.end_entry(at, parent, outputs);
            let filled = open.filled.plus(fill.qty).unwrap_or(open.order.qty);
            let unasked = open.wanted().minus(filled).filter(|qty| qty.is_positive());
            if let Some(qty) = unasked.map(|qty| qty.min(now.magnitude())).filter(|qty| qty.is_positive()) {
                // It filled before it could grow; its price is reached, so the rest leaves with it.
                let entry = Order { side: open.order.side.opposite(), id: parent, ..open.order.clone() };
                self.close_late(at, &entry, qty, outputs);
            }
        }
    }

    /// What of `qty` can be ordered. Only a charge in the coin that was bought leaves less than a lot over.
    fn orderable(&self, instrument: InstrumentId, qty: Qty) -> Qty {
        let rules = self.state.account().and(self.state.instrument(instrument));
        rules.map_or(qty, |rules| rules.lots_down(qty))
    }

    /// Shrinks or ends exits that together cover more than is held, those of the oldest entries first.
    fn fit_exits(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        closed: Option<Closed>,
        outputs: &mut Vec<Output>,
    ) {
        let side = self.state.closing_side(instrument);
        let mut left = self.state.ledger().position(instrument).qty.magnitude();
        let mut changes: Vec<(OrderId, Option<Qty>)> = Vec::new();
        let legs: Vec<&OpenOrder> = self
            .state
            .open_orders()
            .filter(|open| open.order.instrument == instrument && is_live_exit(open))
            .collect();
        let mut entries: Vec<OrderId> = legs.iter().filter_map(|leg| leg.order.parent).collect();
        entries.sort_unstable();
        entries.dedup();
        for entry in entries.into_iter().rev() {
            let pair = || legs.iter().filter(|leg| leg.order.parent == Some(entry));
            let to_fill = |leg: &&OpenOrder| {
                // What its sibling has filled is no longer there for this leg, whoever ends that sibling.
                let gone = closed.filter(|closed| closed.entry == entry && closed.by != leg.order.id);
                let left = leg.wanted().minus(leg.filled)?;
                left.minus(gone.map_or(Qty::ZERO, |closed| closed.qty)).filter(|left| left.is_positive())
            };
            let covered = pair().map(|leg| to_fill(leg).unwrap_or_default()).min().unwrap_or_default();
            let kept = match pair().all(|leg| Some(leg.order.side) == side) {
                true => self.orderable(instrument, covered.min(left)),
                false => Qty::ZERO,
            };
            left = left.minus(kept).unwrap_or_default();
            for leg in pair() {
                let wanted = leg.filled.plus(kept).filter(|_| kept.is_positive());
                if wanted != Some(leg.wanted()) {
                    changes.push((leg.order.id, wanted));
                }
            }
        }
        changes.sort_unstable_by_key(|(order, _)| *order);
        for (order, wanted) in changes {
            match wanted {
                Some(qty) => self.amend(at, order, qty, "its position has shrunk", outputs),
                None => self.end(at, order, "its position is closed", outputs),
            }
        }
    }

    /// Covers `opened` more of what `entry` holds: its exits grow, or come alive.
    #[cold]
    fn cover(
        &mut self,
        at: Timestamp,
        entry: &Order,
        opened: Qty,
        bracket: Bracket,
        outputs: &mut Vec<Output>,
    ) {
        let legs =
            self.state.open_orders().filter(|open| open.order.parent == Some(entry.id) && is_live_exit(open));
        let grown: Vec<(OrderId, Option<Qty>)> =
            legs.map(|leg| (leg.order.id, leg.wanted().plus(opened))).collect();
        if grown.is_empty() {
            self.place_exits(at, entry, opened, bracket, outputs);
        }
        for (order, qty) in grown {
            if let Some(qty) = qty {
                self.amend(at, order, qty, "its entry filled further", outputs);
            }
        }
    }

    fn amend(
        &mut self,
        at: Timestamp,
        order: OrderId,
        qty: Qty,
        why: &'static str,
        outputs: &mut Vec<Output>,
    ) {
        let request = AmendRequest { order, qty, because: Rationale::new(why) };
        self.conclude(at, Output::AmendRequested(request), outputs);
    }

    pub(super) fn end(
        &mut self,
        at: Timestamp,
        order: OrderId,
        why: &'static str,
        outputs: &mut Vec<Output>,
    ) {
        let request = CancelRequest { order, because: Rationale::new(why) };
        self.conclude(at, Output::CancelRequested(request), outputs);
    }

    /// Ends what still works of an entry whose exit has filled.
    fn end_entry(&mut self, at: Timestamp, entry: OrderId, outputs: &mut Vec<Output>) {
        let works = |open: &OpenOrder| open.status != Status::CancelPending;
        if self.state.open_order(entry).is_some_and(works) {
            self.end(at, entry, "its exit has filled", outputs);
        }
    }

    /// Closes at the market what an entry filled too late for its exits.
    fn close_late(&mut self, at: Timestamp, entry: &Order, qty: Qty, outputs: &mut Vec<Output>) {
        let Some(decided_price) = self.state.mark(entry.instrument) else { return };
        let exit = Exit { kind: OrderKind::Market, sibling: None, decided_price, why: "its exit has filled" };
        self.place_exit(at, entry, qty, exit, outputs);
    }

    #[cold]
    fn place_exits(
        &mut self,
        at: Timestamp,
        entry: &Order,
        qty: Qty,
        bracket: Bracket,
        outputs: &mut Vec<Output>,
    ) {
        // A stop that follows the price is meant to trade at no price yet, as every order that names none.
        let mark = self.state.mark(entry.instrument).unwrap_or(entry.decided_price);
        let stop = match bracket.stop_loss {
            BracketStop::None => None,
            BracketStop::At(price) => Some((price, OrderKind::StopMarket(price), "stop loss")),
            BracketStop::Trailing(share) => Some((mark, OrderKind::TrailingStop(share), "trailing stop")),
        };
        let take = bracket.take_profit.map(|price| (price, OrderKind::Limit(price), "take profit"));
        let paired = stop.is_some() && take.is_some();
        let first = self.state.next_order_id();
        let siblings = if paired { [Some(first.next()), Some(first)] } else { [None, None] };
        for ((decided_price, kind, why), sibling) in stop.into_iter().chain(take).zip(siblings) {
            self.place_exit(at, entry, qty, Exit { kind, sibling, decided_price, why }, outputs);
        }
    }

    fn place_exit(&mut self, at: Timestamp, entry: &Order, qty: Qty, exit: Exit, outputs: &mut Vec<Output>) {
        let order = Order {
            id: self.state.next_order_id(),
            side: entry.side.opposite(),
            qty,
            kind: exit.kind,
            tif: TimeInForce::Gtc,
            posting: Posting::Any,
            reach: Reach::ReduceOnly,
            bracket: None,
            parent: Some(entry.id),
            sibling: exit.sibling,
            decided_price: exit.decided_price,
            ..entry.clone()
        };
        let submission = Box::new(Submission { order, because: Rationale::new(exit.why) });
        self.conclude(at, Output::OrderSubmitted(submission), outputs);
    }
}

/// What an exit has just closed of its entry.
#[derive(Clone, Copy)]
struct Closed {
    entry: OrderId,
    by: OrderId,
    qty: Qty,
}

/// What distinguishes one exit of an entry from another.
struct Exit {
    kind: OrderKind,
    sibling: Option<OrderId>,
    decided_price: crate::num::Price,
    why: &'static str,
}

/// Whether `open` is an exit that goes on: nobody has asked for its end, and its sibling has not filled.
fn is_live_exit(open: &OpenOrder) -> bool {
    open.order.parent.is_some() && open.status != Status::CancelPending && !open.is_superseded
}
