//! The exits of a position: placed when an entry fills, cancelled when the position is gone.
//!
//! They do not pass the gate: they are part of the entry it approved, and can only reduce.

use super::Core;
use crate::event::{CancelRequest, Execution, ExecutionReport, Output, Rationale, Submission};
use crate::instrument::InstrumentId;
use crate::num::Qty;
use crate::order::{Bracket, OpenOrder, Order, OrderId, OrderKind, Posting, Reach, Status, TimeInForce};
use crate::time::Timestamp;

impl Core {
    /// Places the exits of what was filled; cancels exits whose position is gone.
    pub(super) fn answer_execution(
        &mut self,
        at: Timestamp,
        report: &ExecutionReport,
        open: &OpenOrder,
        outputs: &mut Vec<Output>,
    ) {
        let Execution::Filled(fill) = report.execution else { return };
        if self.state.impossible().is_some() {
            return;
        }
        let instrument = open.order.instrument;
        let was = self.state.ledger().position(instrument).qty.minus(open.order.side.signed(fill.qty));
        let now = self.state.ledger().position(instrument).qty;
        let turned = was.is_some_and(|was| was.units().signum() != now.units().signum() && !was.is_zero());
        if now.is_zero() || turned {
            self.cancel_exits(at, instrument, open.order.sibling, outputs);
        }
        // What is to be flat is closed at once and needs no exits.
        if let Some(bracket) = open.order.bracket.filter(|_| !self.state.is_wanted_flat(instrument)) {
            self.place_exits(at, &open.order, fill.qty, bracket, outputs);
        }
    }

    /// Ends working exits of `instrument`; the venue itself ends the sibling of a leg that filled.
    fn cancel_exits(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        sibling: Option<OrderId>,
        outputs: &mut Vec<Output>,
    ) {
        let exits = self.state.open_orders().filter(|open| {
            open.order.instrument == instrument
                && open.order.parent.is_some()
                && open.status != Status::CancelPending
                && Some(open.order.id) != sibling
        });
        let ids: Vec<OrderId> = exits.map(|open| open.order.id).collect();
        for order in ids {
            let because = Rationale::new("its position is closed");
            self.conclude(at, Output::CancelRequested(CancelRequest { order, because }), outputs);
        }
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
        let stop = bracket.stop_loss.map(|price| (price, OrderKind::StopMarket(price), "stop loss"));
        let take = bracket.take_profit.map(|price| (price, OrderKind::Limit(price), "take profit"));
        let paired = stop.is_some() && take.is_some();
        let first = self.state.next_order_id();
        let siblings = if paired { [Some(first.next()), Some(first)] } else { [None, None] };
        for ((price, kind, why), sibling) in stop.into_iter().chain(take).zip(siblings) {
            let order = Order {
                id: self.state.next_order_id(),
                side: entry.side.opposite(),
                qty,
                kind,
                tif: TimeInForce::Gtc,
                posting: Posting::Any,
                reach: Reach::ReduceOnly,
                bracket: None,
                parent: Some(entry.id),
                sibling,
                decided_price: price,
                ..entry.clone()
            };
            let because = Rationale::new(why);
            let submission = Box::new(Submission { order, because });
            self.conclude(at, Output::OrderSubmitted(submission), outputs);
        }
    }
}
