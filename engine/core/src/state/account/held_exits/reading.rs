//! What is asked of the exits that are kept: how much of each is to be at work, and what they hold back.

use super::held_stop::STANDS_BEFORE_IT_MOVES;
use super::{ExitDue, HeldExit, rest};
use crate::instrument::InstrumentId;
use crate::intent::OrderIntent;
use crate::market::Side;
use crate::num::{Price, Qty};
use crate::order::{OpenOrder, Order, OrderKind, Status};
use crate::state::{AccountStanding, State};
use crate::time::Timestamp;

impl State {
    /// The exits that the core keeps for entries at a real venue, those of the oldest entries first.
    #[must_use]
    pub fn held_exits(&self) -> &[HeldExit] {
        self.account().map_or(&[], |books| &books.exits.exits)
    }

    /// Whether exits are kept, or orders wait for the end of some.
    #[must_use]
    #[inline]
    pub fn has_held_exits(&self) -> bool {
        self.account.has_exits()
    }

    /// Orders that wait for the end of exits which hold what they sell.
    pub fn postponed(&self) -> impl Iterator<Item = &OrderIntent> {
        self.account().into_iter().flat_map(|books| books.exits.postponed.iter())
    }

    /// Whether an exit of `instrument` is at work.
    #[must_use]
    pub fn exit_works(&self, instrument: InstrumentId) -> bool {
        self.open_orders().any(|open| open.order.instrument == instrument && open.order.parent.is_some())
    }

    /// Whether exits at work hold what `order` would sell.
    #[must_use]
    pub(crate) fn exits_hold(&self, order: &Order) -> bool {
        self.account().is_some()
            && Some(order.side) == self.closing_side(order.instrument)
            && self.exit_works(order.instrument)
            && order.qty > self.free_to_close(order.instrument)
    }

    /// What of the position of `instrument` no order at work could close, its end asked for or not.
    #[must_use]
    pub fn free_to_close(&self, instrument: InstrumentId) -> Qty {
        self.unclosed_by(instrument, |_| true)
    }

    /// What of the position no order that is `counted` could close.
    fn unclosed_by(&self, instrument: InstrumentId, counted: impl Fn(&OpenOrder) -> bool) -> Qty {
        let held = self.ledger.position(instrument).qty;
        let side = if held.is_positive() { Side::Sell } else { Side::Buy };
        let of = |open: &&OpenOrder| open.order.instrument == instrument && open.order.side == side;
        let closing = self.open_orders().filter(of).filter(|open| counted(open));
        closing.fold(held.magnitude(), |left, open| rest(left, open.remaining()))
    }

    /// How much of `exit` is to be at work: what it covers, newer entries first, and no other order takes; nothing while
    /// another order waits for exits to end.
    #[must_use]
    pub fn exit_qty(&self, exit: &HeldExit) -> Qty {
        let Some(rules) = self.instrument(exit.instrument) else { return Qty::ZERO };
        if self.postponed().any(|intent| intent.instrument == exit.instrument) {
            return Qty::ZERO;
        }
        let others = self.unclosed_by(exit.instrument, |open| open.order.parent.is_none());
        let newer = self.held_exits().iter().rev().take_while(|newer| newer.entry > exit.entry);
        let newer = newer.filter(|newer| newer.instrument == exit.instrument);
        let left = newer.fold(others, |left, newer| rest(left, rules.lots_down(newer.covered)));
        rules.lots_down(exit.covered.min(left))
    }

    /// Whether the venue takes an order for so much of `exit`: not below its minimum.
    #[must_use]
    pub(crate) fn is_exit_taken(&self, exit: &HeldExit, qty: Qty) -> bool {
        let Some((rules, price)) = self.instrument(exit.instrument).zip(exit.decided_price()) else {
            return false;
        };
        rules.notional(price, qty).is_some_and(|notional| notional >= rules.notional_min)
    }

    /// Whether the venue has said what is in the account since this process took it up.
    #[must_use]
    pub(crate) fn is_account_read(&self) -> bool {
        self.account().is_some_and(|books| books.standing() != AccountStanding::Unread)
    }

    /// The orders of an exit at work.
    pub(crate) fn orders_of(&self, exit: &HeldExit) -> impl Iterator<Item = &OpenOrder> {
        let entry = exit.entry;
        self.open_orders().filter(move |open| open.order.parent == Some(entry))
    }

    /// The earliest moment at which something about an exit is tried again, or looked at again.
    pub(in crate::state) fn exit_deadline(&self) -> Option<Timestamp> {
        let again = self.held_exits().iter().filter_map(|exit| exit.again_at);
        let moves = self.held_exits().iter().filter_map(|exit| self.moves_at(exit));
        again.chain(moves).min()
    }

    /// When the stop of `exit` that rests may be moved behind the price, where that is to come: a market that stands then
    /// wakes nobody.
    fn moves_at(&self, exit: &HeldExit) -> Option<Timestamp> {
        let leaves = |open: &&OpenOrder| open.status != Status::CancelPending && exit.has_left(&open.order);
        let moves_at = self.orders_of(exit).find(leaves).map(|open| exit.moves_at(open))?;
        Some(moves_at).filter(|moves_at| exit.due.is_none() && *moves_at > self.now)
    }
}

impl HeldExit {
    /// What rests at the venue for it while nothing is due: its stop, or a target that has none beside it.
    #[must_use]
    pub fn resting(&self) -> Option<OrderKind> {
        match self.stop.is_some() {
            true => self.stop.price().map(OrderKind::StopMarket),
            false => self.take_profit.map(OrderKind::Limit),
        }
    }

    /// Whether `order`, which rests for it, is a stop that the price has left behind.
    #[must_use]
    pub fn has_left(&self, order: &Order) -> bool {
        match order.kind {
            OrderKind::StopMarket(trigger) => self.stop.has_left(self.side, trigger),
            OrderKind::Market
            | OrderKind::Limit(_)
            | OrderKind::StopLimit(_)
            | OrderKind::TrailingStop(_) => false,
        }
    }

    /// From when on `open`, which rests for it, may be moved behind the price.
    #[must_use]
    pub fn moves_at(&self, open: &OpenOrder) -> Timestamp {
        let stood = open.submitted_at.plus(STANDS_BEFORE_IT_MOVES);
        self.again_at.map_or(stood, |again_at| again_at.max(stood))
    }

    /// The price it is meant to end at: that of its stop, or of its target where that is due or stands alone.
    #[must_use]
    pub fn decided_price(&self) -> Option<Price> {
        let stop = self.stop.price();
        match self.due {
            Some(ExitDue::TakeProfit) => self.take_profit.or(stop),
            Some(ExitDue::StopLoss) | None => stop.or(self.take_profit),
        }
    }
}
