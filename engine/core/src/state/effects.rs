//! Effects that never left the engine.

use super::State;
use crate::event::{Execution, ExecutionReport, FailedAct, FailedEffect, RejectReason};
use crate::order::{OpenOrder, OrderId, Status};
use crate::time::{Span, Timestamp};

/// How long a cancel or an amendment that could not be sent waits for its next attempt.
const PAUSE: Span = Span::SECOND;

impl State {
    /// The cancels and amendments that could not be sent and whose pause is over at `at`.
    pub(crate) fn unsent_by(&self, at: Timestamp) -> Vec<OrderId> {
        self.unsent.iter().filter(|(_, again_at)| *again_at <= at).map(|(order, _)| *order).collect()
    }

    /// Whether anything that could not be sent is asked for again at `at`.
    #[inline]
    pub(crate) fn has_unsent(&self, at: Timestamp) -> bool {
        !self.unsent.is_empty() && self.resend_deadline().is_some_and(|again_at| again_at <= at)
    }

    pub(super) fn resend_deadline(&self) -> Option<Timestamp> {
        self.unsent.iter().map(|(_, again_at)| *again_at).min()
    }

    pub(super) fn fold_failed_effect(&mut self, at: Timestamp, failed: &FailedEffect) {
        match failed.act {
            FailedAct::Place(order) => {
                // The venue never saw it, so it never worked.
                let execution = Execution::Rejected(RejectReason::NotSent);
                self.fold_execution(at, &ExecutionReport { order, venue_at: at, execution });
            }
            FailedAct::Cancel(order) | FailedAct::Amend(order) => {
                self.forget_unsent(order);
                self.unsent.push((order, at.plus(PAUSE)));
                self.settle_unsent();
            }
            FailedAct::Consult(_) => {}
        }
    }

    pub(super) fn forget_unsent(&mut self, order: OrderId) {
        self.unsent.retain(|(unsent, _)| *unsent != order);
    }

    /// Forgets what has nothing left to ask for: the order is over, or works as it should.
    pub(super) fn settle_unsent(&mut self) {
        let asks = |open: &OpenOrder| open.status == Status::CancelPending || open.amended_to.is_some();
        let orders = &self.orders;
        self.unsent.retain(|(order, _)| orders.get(*order).is_some_and(asks));
    }
}
