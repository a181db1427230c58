//! From what a strategy wishes to orders, cancels and refusals.

use super::{Core, Timing};
use crate::event::{AmendRequest, CancelRequest, Output, RefusedIntent, Submission};
use crate::intent::{CancelIntent, Intent, OrderIntent, Rationale};
use crate::order::{Reach, Status};
use crate::refusal::{Breach, Refusal};
use crate::state::Waiting;
use crate::time::Timestamp;

impl Core {
    #[cold]
    pub(super) fn send_again(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        for order in self.state.unsent_by(at) {
            let because = Rationale::new("it could not be sent before");
            let again = self.state.open_order(order).map(|open| match open.status == Status::CancelPending {
                true => Output::CancelRequested(CancelRequest { order, because }),
                false => Output::AmendRequested(AmendRequest { order, qty: open.wanted(), because }),
            });
            if let Some(again) = again {
                self.conclude(at, again, outputs);
            }
        }
    }

    #[inline(never)]
    pub(super) fn pursue(&mut self, at: Timestamp, intents: Vec<Intent>, outputs: &mut Vec<Output>) {
        for intent in intents {
            match intent {
                Intent::Place(intent) => self.place_or_wait(at, *intent, outputs),
                Intent::Cancel(cancel) => self.cancel(at, cancel, outputs),
            }
        }
    }

    pub(super) fn place_or_wait(&mut self, at: Timestamp, intent: OrderIntent, outputs: &mut Vec<Output>) {
        match self.timing {
            Timing::Immediate => self.place(at, intent, outputs),
            Timing::NextOpen => self.conclude(at, Output::Signalled(Box::new(intent)), outputs),
        }
    }

    /// An intent was decided for the next open. One that comes many bars later, behind a gap, is another market's.
    pub(super) fn place_waiting(&mut self, at: Timestamp, waiting: Waiting, outputs: &mut Vec<Output>) {
        let Waiting { intent, since } = waiting;
        let waited = at.since(since).nanos();
        let length = self.state.bar_length(intent.instrument);
        let limit = length.map(|length| i128::from(length.nanos()) * i128::from(self.wait_bars_max));
        match limit {
            Some(limit) if i128::from(waited) > limit && intent.reach != Reach::ReduceOnly => {
                let breach = Breach { limit, observed: i128::from(waited) };
                self.refuse(at, intent.into(), Refusal::WaitedTooLong(breach), outputs);
            }
            Some(_) | None => self.place(at, intent, outputs),
        }
    }

    pub(super) fn place(&mut self, at: Timestamp, intent: OrderIntent, outputs: &mut Vec<Output>) {
        let id = self.state.next_order_id();
        match self.gate.review(at, &self.state, id, &intent) {
            Ok(approved) => {
                let order = approved.into_order();
                if self.state.exits_hold(&order) {
                    return self.postpone(at, intent, &order, outputs);
                }
                let submission = Box::new(Submission { order, because: intent.because });
                self.conclude(at, Output::OrderSubmitted(submission), outputs);
            }
            Err(reason) if self.is_known_refusal(&intent, &reason) => {}
            Err(reason) => self.refuse(at, intent.into(), reason, outputs),
        }
    }

    fn cancel(&mut self, at: Timestamp, cancel: CancelIntent, outputs: &mut Vec<Output>) {
        match self.state.open_order(cancel.order) {
            Some(open) if open.status == Status::CancelPending => {}
            // A close that flattens is not the strategy's to end.
            Some(open)
                if self.state.is_wanted_flat(open.order.instrument) && self.state.is_working_close(open) =>
            {
                self.refuse(at, Intent::Cancel(cancel), Refusal::FlatWanted, outputs);
            }
            Some(_) => {
                let request = CancelRequest { order: cancel.order, because: cancel.because };
                self.conclude(at, Output::CancelRequested(request), outputs);
            }
            None => self.refuse(at, Intent::Cancel(cancel), Refusal::UnknownOrder, outputs),
        }
    }

    /// Records a refusal. Of a close that is proposed until it passes, the same refusal is recorded once.
    fn refuse(&mut self, at: Timestamp, intent: Intent, reason: Refusal, outputs: &mut Vec<Output>) {
        let only_reduces = matches!(&intent, Intent::Place(intent) if intent.reach == Reach::ReduceOnly);
        let repeated = self.state.last_refusal().is_some_and(|(last, why)| {
            *last == intent && core::mem::discriminant(why) == core::mem::discriminant(&reason)
        });
        if !(only_reduces && repeated) {
            self.record_refusal(at, intent, reason, outputs);
        }
    }

    pub(super) fn record_refusal(
        &mut self,
        at: Timestamp,
        intent: Intent,
        reason: Refusal,
        outputs: &mut Vec<Output>,
    ) {
        let refused = Box::new(RefusedIntent { intent, reason });
        self.conclude(at, Output::OrderRefused(refused), outputs);
    }
}
