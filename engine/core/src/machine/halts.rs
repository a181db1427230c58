//! When trading stops, and what is done about orders then.

use super::Core;
use crate::event::{CancelRequest, Output};
use crate::halt::{FlatReason, HaltReason};
use crate::intent::Rationale;
use crate::order::{OpenOrder, OrderId, Reach, Status};
use crate::refusal::Breach;
use crate::risk::HaltAction;
use crate::state::State;
use crate::time::Timestamp;

impl Core {
    #[cold]
    pub(super) fn act_on_halts(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        if let Some(reason) = self.state.impossible() {
            self.halt(at, reason, outputs);
        }
        // Trading that stands still for another reason can still lose: the drawdown limit goes on acting.
        if matches!(self.state.halt(), Some(HaltReason::Drawdown(_))) {
            return;
        }
        if let Some(level) = self.state.breached_halt_level() {
            let breach = Breach { limit: level.units(), observed: self.state.equity().units() };
            self.halt(at, HaltReason::Drawdown(breach), outputs);
            if self.gate.limits().halt_action == HaltAction::Flatten {
                self.conclude(at, Output::FlatWanted(FlatReason::Drawdown), outputs);
            }
        }
    }

    /// Stops new risk: halts, and ends every working order that could enlarge a position.
    pub(super) fn halt(&mut self, at: Timestamp, reason: HaltReason, outputs: &mut Vec<Output>) {
        self.conclude(at, Output::TradingHalted(reason), outputs);
        self.cancel_where(at, "trading is halted", |_, open| open.order.reach == Reach::Any, outputs);
    }

    /// Ends every working order that is `chosen` and whose end nobody has asked for.
    pub(super) fn cancel_where(
        &mut self,
        at: Timestamp,
        why: &'static str,
        chosen: impl Fn(&State, &OpenOrder) -> bool,
        outputs: &mut Vec<Output>,
    ) {
        let working = self.state.open_orders().filter(|open| open.status != Status::CancelPending);
        let chosen = working.filter(|open| chosen(&self.state, open));
        let ids: Vec<OrderId> = chosen.map(|open| open.order.id).collect();
        for order in ids {
            let request = CancelRequest { order, because: Rationale::new(why) };
            self.conclude(at, Output::CancelRequested(request), outputs);
        }
    }
}
