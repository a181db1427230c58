//! What a step must remember from before its input is folded.

use super::Core;
use crate::event::Input;
use crate::market::MarketUpdate;
use crate::num::Qty;
use crate::order::OpenOrder;
use crate::state::Waiting;

/// What folding an input takes from the state, and answering it needs.
pub(super) enum Before {
    /// Nothing.
    Nothing,
    /// The intents that an open makes orders of.
    Waiting(Vec<Waiting>),
    /// The order that a report is about.
    Order(Box<OrderBefore>),
}

/// An order and its position before a report on it.
pub(super) struct OrderBefore {
    pub(super) open: OpenOrder,
    pub(super) held: Qty,
}

impl Core {
    /// What folding this input will take from the state and answering it needs.
    pub(super) fn about_to_change(&self, input: &Input) -> Before {
        match input {
            Input::Market(MarketUpdate::Open(open)) if self.state.waiting().next().is_some() => {
                Before::Waiting(self.state.due_at_open(open.instrument))
            }
            Input::Execution(report) => match self.state.recent_order(report.order) {
                Some(open) => {
                    let held = self.state.ledger().position(open.order.instrument).qty;
                    Before::Order(Box::new(OrderBefore { open: open.clone(), held }))
                }
                None => Before::Nothing,
            },
            Input::Market(_)
            | Input::Session(_)
            | Input::Feed(_)
            | Input::Operator(_)
            | Input::Deadline
            | Input::Inference(_)
            | Input::EffectFailed(_)
            | Input::Clock(_)
            | Input::DataFault(_)
            | Input::Listing(_)
            | Input::Account(_)
            | Input::History(_)
            | Input::Conductor(_) => Before::Nothing,
        }
    }
}
