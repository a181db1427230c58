//! From a wanted side to orders, one thing at a time.
//!
//! A call of the signal is answered once: the position on the wrong side is closed and, where the call asks
//! for it, a new one entered. While an order of ours works in the instrument nothing new is proposed,
//! besides ending an entry that is no longer wanted. A refused entry is not repeated: the next call makes a
//! new one. A position on the wrong side is closed however often it takes.

use engine_core::event::{Execution, ExecutionReport};
use engine_core::intent::{CancelIntent, Intent, OrderIntent, Rationale};
use engine_core::market::Side;
use engine_core::num::{Price, Qty};
use engine_core::order::{Order, OrderId, Reach, Status};
use engine_core::strategy::View;

use crate::signal::{Call, Renewal, Target};
use crate::trading::{Exits, TradedInstrument};

/// Where one instrument stands between call and position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPlanner {
    traded: TradedInstrument,
    exits: Exits,
    call: Option<Call>,
    decided_at: Price,
    entry: Entry,
    /// Whether the last entry was refused, and no other one asked for since.
    is_refused: bool,
    working: Option<(OrderId, Side)>,
}

/// Whether the call still waits for its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Due,
    Done,
}

impl OrderPlanner {
    /// A planner without a call.
    #[must_use]
    pub const fn new(traded: TradedInstrument, exits: Exits) -> Self {
        let (call, decided_at, entry) = (None, Price::ZERO, Entry::Done);
        Self { traded, exits, call, decided_at, entry, is_refused: false, working: None }
    }

    /// Takes a call decided at the price `decided_at`.
    pub fn set(&mut self, call: Call, decided_at: Price) {
        match call.renewal {
            Renewal::EnterUnlessRefused if self.is_refused => return,
            Renewal::EnterUnlessRefused => {}
            Renewal::Keep | Renewal::Renew | Renewal::Enter => self.is_refused = false,
        }
        self.call = Some(call);
        self.decided_at = decided_at;
        self.entry = match call.target {
            Target::Flat => Entry::Done,
            Target::Long | Target::Short => Entry::Due,
        };
    }

    /// Learns that an order of this instrument was submitted.
    pub fn submitted(&mut self, order: &Order) {
        if order.reach == Reach::Any && order.parent.is_none() {
            self.entry = Entry::Done;
            self.working = Some((order.id, order.side));
        }
    }

    /// Learns that a sample brought no call: one that holds for a sample alone ends.
    pub fn pass(&mut self) {
        let holds_on = |call: &Call| matches!(call.renewal, Renewal::Keep | Renewal::Renew);
        if !self.call.as_ref().is_some_and(holds_on) {
            self.entry = Entry::Done;
        }
    }

    /// Learns that an intent of this instrument was refused.
    pub fn refused(&mut self, intent: &OrderIntent) {
        self.is_refused |= intent.reach == Reach::Any;
        self.answered(intent);
    }

    /// Learns that an intent of this instrument was recorded for the next open, or refused.
    pub fn answered(&mut self, intent: &OrderIntent) {
        if intent.reach == Reach::Any {
            self.entry = Entry::Done;
        }
    }

    /// Learns what the venue reports: an entry that fills after all on the wanted side needs no second one.
    pub fn reported(&mut self, report: &ExecutionReport) {
        let Execution::Filled(_) = report.execution else { return };
        let wanted = self.call.and_then(|call| entry_side(call.target));
        if self.working.is_some_and(|(order, side)| order == report.order && Some(side) == wanted) {
            self.entry = Entry::Done;
        }
    }

    /// What there is to do now.
    #[must_use]
    #[inline]
    pub fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let Some(call) = &self.call else { return Vec::new() };
        let held = view.position(self.traded.instrument);
        let standing = standing(held);
        let misplaced = standing != Target::Flat && standing != call.target;
        if !misplaced && self.entry == Entry::Done {
            return Vec::new();
        }
        self.act(view, call, standing)
    }

    #[cold]
    #[inline(never)]
    fn act(&self, view: &View<'_>, call: &Call, standing: Target) -> Vec<Intent> {
        if let Some(cancels) = self.wait(view, call) {
            return cancels;
        }
        let id = self.traded.instrument;
        let renew = self.entry == Entry::Due && call.renewal == Renewal::Renew;
        let leaves = standing != call.target || renew;
        let mut intents = Vec::with_capacity(2);
        if let Some(side) = entry_side(standing).filter(|_| leaves) {
            intents.push(OrderIntent::close(id, side.opposite(), call.because).into());
        }
        if let Some(side) = entry_side(call.target).filter(|_| self.entry == Entry::Due && leaves) {
            let bracket = self.exits.bracket(side, self.decided_at);
            let entry = OrderIntent::market(id, side, self.traded.size, call.because);
            intents.push(OrderIntent { bracket, ..entry }.into());
        }
        intents
    }

    /// `None` when nothing is under way; else what to cancel while waiting.
    fn wait(&self, view: &View<'_>, call: &Call) -> Option<Vec<Intent>> {
        let id = self.traded.instrument;
        let mut waiting = view.state.waiting().any(|intent| intent.instrument == id);
        let mut cancels = Vec::new();
        for open in view.open_orders(id).filter(|open| open.order.parent.is_none()) {
            waiting = true;
            let unwanted = open.order.reach == Reach::Any && Some(open.order.side) != entry_side(call.target);
            if unwanted && open.status != Status::CancelPending {
                let because = Rationale::new("the signal changed before it filled");
                cancels.push(Intent::Cancel(CancelIntent { order: open.order.id, because }));
            }
        }
        waiting.then_some(cancels)
    }
}

const fn standing(held: Qty) -> Target {
    match held.units() {
        0 => Target::Flat,
        1.. => Target::Long,
        _ => Target::Short,
    }
}

/// The side that enters `target`.
const fn entry_side(target: Target) -> Option<Side> {
    match target {
        Target::Flat => None,
        Target::Long => Some(Side::Buy),
        Target::Short => Some(Side::Sell),
    }
}
