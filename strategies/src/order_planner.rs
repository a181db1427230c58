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
    call: Option<PlannedCall>,
    decided_at: Price,
    entry: Entry,
    /// Whether the last entry was refused, and no other one asked for since.
    is_refused: bool,
    working: Option<WorkingEntry>,
}

/// The last call of the signal, in words of its own: it may have been read from a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct PlannedCall {
    target: Target,
    renewal: Renewal,
    because: Rationale,
}

/// The last entry that went to its venue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct WorkingEntry {
    order: OrderId,
    side: Side,
    has_filled: bool,
}

/// Whether the call still waits for its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
        let because = Rationale::new(call.because);
        self.call = Some(PlannedCall { target: call.target, renewal: call.renewal, because });
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
            self.working = Some(WorkingEntry { order: order.id, side: order.side, has_filled: false });
        }
    }

    /// Learns that a sample brought no call: one that holds for a sample alone ends.
    pub fn pass(&mut self) {
        let holds_on = |call: &PlannedCall| matches!(call.renewal, Renewal::Keep | Renewal::Renew);
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

    /// Learns what the venue reports: an entry that fills after all on the wanted side needs no second one, and one that
    /// the venue ends without a fill is refused.
    pub fn reported(&mut self, report: &ExecutionReport) {
        let wanted = self.call.as_ref().and_then(|call| entry_side(call.target));
        let Some(working) = self.working.as_mut().filter(|working| working.order == report.order) else {
            return;
        };
        match report.execution {
            Execution::Filled(_) => {
                working.has_filled = true;
                if Some(working.side) == wanted {
                    self.entry = Entry::Done;
                }
            }
            Execution::Rejected(_) | Execution::Expired => self.is_refused |= !working.has_filled,
            Execution::Accepted | Execution::Triggered | Execution::Cancelled | Execution::Amended(_) => {}
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
    fn act(&self, view: &View<'_>, call: &PlannedCall, standing: Target) -> Vec<Intent> {
        if let Some(cancels) = self.wait(view, call) {
            return cancels;
        }
        let id = self.traded.instrument;
        let renew = self.entry == Entry::Due && call.renewal == Renewal::Renew;
        let leaves = standing != call.target || renew;
        if !leaves {
            return Vec::new();
        }
        let mut intents = Vec::with_capacity(2);
        if let Some(side) = entry_side(standing) {
            intents.push(OrderIntent::close(id, side.opposite(), call.because.reason.clone()).into());
        }
        if let Some(side) = entry_side(call.target).filter(|_| self.entry == Entry::Due) {
            let bracket = self.exits.bracket(side, self.decided_at);
            let entry = OrderIntent::market(id, side, self.traded.size, call.because.reason.clone());
            intents.push(OrderIntent { bracket, ..entry }.into());
        }
        intents
    }

    /// `None` when nothing is under way; else what to cancel while waiting.
    fn wait(&self, view: &View<'_>, call: &PlannedCall) -> Option<Vec<Intent>> {
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

engine_core::learned!(OrderPlanner {
    settings: [traded, exits],
    values: [call, decided_at, entry, is_refused, working]
});

#[cfg(test)]
mod tests {
    use engine_core::event::RejectReason;
    use engine_core::instrument::InstrumentId;
    use engine_core::intent::Size;
    use engine_core::order::{OrderKind, Posting, TimeInForce};
    use engine_core::time::Timestamp;

    use super::*;

    const ONLY: InstrumentId = InstrumentId::new(0);

    fn entry() -> Order {
        Order {
            id: OrderId::new(1),
            instrument: ONLY,
            side: Side::Buy,
            qty: Qty::from_units(1),
            kind: OrderKind::Market,
            tif: TimeInForce::Ioc,
            posting: Posting::Any,
            reach: Reach::Any,
            bracket: None,
            parent: None,
            sibling: None,
            decided_price: Price::from_units(1),
        }
    }

    /// A planner that wants a long position for as long as its rule is true, whose entry the venue has ended as said.
    fn after(executions: &[Execution]) -> OrderPlanner {
        let traded = TradedInstrument { instrument: ONLY, size: Size::Units(Qty::from_units(1)) };
        let mut planner = OrderPlanner::new(traded, Exits::default());
        let call = |renewal| Call { target: Target::Long, renewal, because: "a test" };
        planner.set(call(Renewal::Keep), Price::from_units(1));
        planner.submitted(&entry());
        for execution in executions {
            let (order, venue_at) = (OrderId::new(1), Timestamp::from_nanos(0));
            planner.reported(&ExecutionReport { order, venue_at, execution: *execution });
        }
        planner.set(call(Renewal::EnterUnlessRefused), Price::from_units(1));
        planner
    }

    #[test]
    fn an_entry_that_the_venue_ends_without_a_fill_counts_as_refused() {
        let rejected = Execution::Rejected(RejectReason::NoLiquidity);
        for ended in [rejected, Execution::Expired] {
            assert_eq!(after(&[ended]).entry, Entry::Done, "{ended:?}");
        }
        assert_eq!(after(&[Execution::Accepted]).entry, Entry::Due);
        assert_eq!(after(&[Execution::Cancelled]).entry, Entry::Due, "we ended it ourselves");
    }
}
