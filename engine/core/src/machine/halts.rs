//! When trading stops, and what is done about orders and positions then.

use super::Core;
use crate::event::{CancelRequest, Output, Rationale};
use crate::market::Side;
use crate::order::{OpenOrder, OrderId, Reach, Status};
use crate::risk::{Breach, HaltAction, HaltReason};
use crate::strategy::OrderIntent;
use crate::time::Timestamp;

impl Core {
    #[cold]
    pub(super) fn act_on_halts(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        if let Some(order) = self.state.impossible() {
            self.halt(at, HaltReason::ImpossibleReport(order), outputs);
        }
        if self.state.is_halted() {
            return;
        }
        if let Some(level) = self.state.breached_halt_level() {
            let breach = Breach { limit: level.units(), observed: self.state.equity().units() };
            self.halt(at, HaltReason::Drawdown(breach), outputs);
            if self.gate.limits().halt_action == HaltAction::Flatten {
                self.flatten(at, "drawdown limit reached", outputs);
            }
        }
    }

    /// Stops new risk: halts, and ends every working order that could enlarge a position.
    pub(super) fn halt(&mut self, at: Timestamp, reason: HaltReason, outputs: &mut Vec<Output>) {
        self.conclude(at, Output::TradingHalted(reason), outputs);
        self.cancel_where(at, "trading is halted", |open| open.order.reach == Reach::Any, outputs);
    }

    /// Ends every working order and closes every position at the market.
    pub(super) fn flatten(&mut self, at: Timestamp, why: &'static str, outputs: &mut Vec<Output>) {
        self.cancel_where(at, why, |_| true, outputs);
        for instrument in self.state.instrument_ids() {
            let held = self.state.ledger().position(instrument).qty;
            if !held.is_zero() {
                let side = if held.is_positive() { Side::Sell } else { Side::Buy };
                self.place_or_wait(at, OrderIntent::close(instrument, side, why), outputs);
            }
        }
    }

    fn cancel_where(
        &mut self,
        at: Timestamp,
        why: &'static str,
        chosen: impl Fn(&OpenOrder) -> bool,
        outputs: &mut Vec<Output>,
    ) {
        let working = self.state.open_orders().filter(|open| open.status != Status::CancelPending);
        let ids: Vec<OrderId> = working.filter(|open| chosen(open)).map(|open| open.order.id).collect();
        for order in ids {
            let request = CancelRequest { order, because: Rationale::new(why) };
            self.conclude(at, Output::CancelRequested(request), outputs);
        }
    }
}
