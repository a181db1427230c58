//! Reports that come late, twice or out of their order, as those of real venues do.
//!
//! An order never goes back: a report that says less than is known says nothing. A trade is money, so one that comes
//! behind the end of its order is booked all the same, where the order had room for it.

use crate::event::{Execution, ExecutionReport};
use crate::num::{Money, Qty};
use crate::order::{OpenOrder, OrderId, Status};
use crate::state::State;

impl State {
    /// The order `id`, at work or over not long ago.
    #[must_use]
    pub fn recent_order(&self, id: OrderId) -> Option<&OpenOrder> {
        let ended = || self.account()?.ended(id).map(|ended| &ended.open);
        self.open_order(id).or_else(ended)
    }

    /// Whether `report` says less than is known of its order. Only a real venue's reports come out of their order.
    pub(in crate::state) fn is_behind(&self, report: &ExecutionReport) -> bool {
        if self.account().is_none() {
            return false;
        }
        let Some(status) = self.recent_order(report.order).map(|open| open.status) else { return false };
        match report.execution {
            Execution::Accepted => {
                !matches!(status, Status::Submitted | Status::Rejected | Status::CancelPending)
            }
            Execution::Triggered => !matches!(
                status,
                Status::Submitted | Status::Accepted | Status::Rejected | Status::CancelPending
            ),
            Execution::Rejected(_) => status == Status::Rejected,
            Execution::Cancelled | Execution::Expired => {
                matches!(status, Status::Cancelled | Status::Expired)
            }
            Execution::Filled(_) | Execution::Amended(_) => false,
        }
    }

    /// Notes a trade of an order that is over. One that was refused, or that its venue never had, has traded against its
    /// venue's own word: that is booked, and trading halts.
    pub(in crate::state) fn note_late_fill(&mut self, id: OrderId, after: (Qty, Money)) {
        let Some(ended) = self.account.books_mut().and_then(|books| books.ended_mut(id)) else { return };
        let was_refused = ended.open.status == Status::Rejected;
        (ended.open.filled, ended.open.fees) = after;
        if was_refused {
            self.found_impossible(id);
        }
    }
}
