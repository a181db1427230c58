//! What happens when an order that works is to have another quantity.

use engine_core::event::{Execution, ExecutionReport};
use engine_core::num::Qty;
use engine_core::order::OrderId;
use engine_core::time::Timestamp;

use super::{Reports, SimVenue};

impl SimVenue {
    /// Works the order `id` on with the whole quantity `qty`, in its place in the queue; ends it where that much has
    /// traded. An order that does not work any more has reported its end already.
    pub(crate) fn amend(&mut self, at: Timestamp, id: OrderId, qty: Qty, reports: &mut Reports) {
        let mut working = self.listings.iter_mut().flat_map(|listing| &mut listing.working);
        let Some(working) = working.find(|working| working.order.id == id) else { return };
        if qty > working.filled {
            working.order.qty = qty;
            reports.push(ExecutionReport { order: id, venue_at: at, execution: Execution::Amended(qty) });
        } else {
            self.cancel(at, id, reports);
        }
    }
}
