//! What of our orders is under way, as events tell it: decisions that wait for an open, and orders that work.

use engine_core::event::{Event, Execution, FailedAct, Input, OrderEvent, Output};
use engine_core::instrument::InstrumentId;
use engine_core::intent::Intent;
use engine_core::num::Qty;
use engine_core::order::OrderId;

/// Orders under way in any instrument of a run.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct UnderWay {
    /// Where a decision waits for its open.
    waiting: Vec<InstrumentId>,
    /// What works, and how much of it has not traded.
    working: Vec<(OrderId, Qty)>,
}

impl UnderWay {
    /// Whether nothing is.
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.working.is_empty()
    }

    /// Learns from one event.
    pub(super) fn learn(&mut self, event: &Event) {
        match OrderEvent::of(event) {
            Some(OrderEvent::Signalled(intent)) => self.waiting.push(intent.instrument),
            Some(OrderEvent::Submitted(submission)) => {
                self.end_wait(submission.order.instrument);
                self.working.push((submission.order.id, submission.order.qty));
            }
            Some(OrderEvent::Refused(refused)) => match &refused.intent {
                Intent::Place(intent) => self.end_wait(intent.instrument),
                Intent::Cancel(_) => {}
            },
            Some(OrderEvent::Reported(report)) => self.report(report.order, &report.execution),
            None => self.learn_other(event),
        }
    }

    fn learn_other(&mut self, event: &Event) {
        match event {
            // An order that could not be handed over is over.
            Event::Input(Input::EffectFailed(failed)) => {
                if let FailedAct::Place(order) = failed.act {
                    self.working.retain(|(id, _)| *id != order);
                }
            }
            // What these end of the decisions that wait, nobody says one by one.
            Event::Output(Output::TradingHalted(_) | Output::FlatWanted(_)) => self.waiting.clear(),
            Event::Input(_) | Event::Output(_) => {}
        }
    }

    fn end_wait(&mut self, instrument: InstrumentId) {
        if let Some(place) = self.waiting.iter().position(|waiting| *waiting == instrument) {
            self.waiting.remove(place);
        }
    }

    fn report(&mut self, order: OrderId, execution: &Execution) {
        let Some(place) = self.working.iter().position(|(id, _)| *id == order) else { return };
        let left = match execution {
            Execution::Accepted | Execution::Triggered => return,
            Execution::Rejected(_) | Execution::Cancelled | Execution::Expired => None,
            Execution::Filled(fill) => self.working.get(place).and_then(|(_, left)| left.minus(fill.qty)),
            // Orders of targets have no exits, and nothing else is amended.
            Execution::Amended(_) => return,
        };
        match left.filter(|left| left.is_positive()) {
            Some(left) => {
                if let Some(working) = self.working.get_mut(place) {
                    working.1 = left;
                }
            }
            None => {
                self.working.remove(place);
            }
        }
    }
}
