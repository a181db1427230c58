//! Orders that were sent and not answered: what is known of them, and how it turns out.
//!
//! Such an order counts as one at work, with all of it, wherever limits are judged; and nothing else is ordered in its
//! instrument before it is known what became of it.

use super::{ENDED_MAX, EndedOrder, PlacedOrder};
use crate::event::{Execution, ExecutionReport, OrderFate, OrderResolution, RejectReason, VenueOrder};
use crate::instrument::InstrumentId;
use crate::order::{OpenOrder, OrderId, Status};
use crate::state::State;
use crate::time::Timestamp;

impl State {
    /// Whether nobody knows if order `id` arrived at its venue.
    #[must_use]
    pub fn is_unanswered(&self, id: OrderId) -> bool {
        self.account().is_some_and(|books| books.unanswered.binary_search(&id).is_ok())
    }

    /// The orders of which nobody knows whether they arrived, oldest first.
    pub fn unanswered(&self) -> impl Iterator<Item = OrderId> {
        self.account().into_iter().flat_map(|books| books.unanswered.iter().copied())
    }

    pub(super) fn has_unanswered(&self, instrument: InstrumentId) -> bool {
        let of = |id| self.open_order(id).is_some_and(|open| open.order.instrument == instrument);
        self.unanswered().any(of)
    }

    /// How it turned out with an order that was not answered, until that is on record.
    pub(crate) fn resolution(&self) -> Option<OrderResolution> {
        self.account().and_then(|books| books.resolved)
    }

    pub(in crate::state) fn fold_resolution(&mut self) {
        if let Some(books) = self.account.books_mut() {
            books.resolved = None;
        }
    }

    /// An answer may have come before nobody waited for one any more; then there is nothing to find out.
    pub(super) fn fold_unanswered(&mut self, id: OrderId) {
        let is_unheard = self.open_order(id).is_some_and(|open| match open.status {
            Status::Submitted => true,
            // Its end was asked for before any answer came; one that has a name arrived.
            Status::CancelPending => open.filled.is_zero() && self.placed_name(id).is_none(),
            Status::Accepted
            | Status::Triggered
            | Status::PartiallyFilled
            | Status::Filled
            | Status::Cancelled
            | Status::Rejected
            | Status::Expired => false,
        });
        if let Some(books) = self.account.books_mut()
            && is_unheard
            && let Err(place) = books.unanswered.binary_search(&id)
        {
            books.unanswered.insert(place, id);
        }
    }

    /// The venue's name of an order, where that is known.
    fn placed_name(&self, id: OrderId) -> Option<&str> {
        self.account()?.placed(id)?.name.as_deref()
    }

    pub(super) fn fold_name(&mut self, named: &VenueOrder) {
        let Some(books) = self.account.books_mut() else { return };
        if let Some(placed) = books.orders.get_mut(&named.order) {
            placed.name = Some(named.name.clone());
        } else if let Some(ended) = books.ended_mut(named.order) {
            ended.placed.name = Some(named.name.clone());
        }
        self.resolve(named.order);
    }

    /// The venue never had it, so it never worked. One that is known to have arrived stays what it is, and trading halts:
    /// the proof was none.
    pub(super) fn fold_never_placed(&mut self, at: Timestamp, order: OrderId) {
        if !self.is_unanswered(order) {
            return self.found_impossible(order);
        }
        let execution = Execution::Rejected(RejectReason::NotSent);
        self.fold_execution(at, &ExecutionReport { order, venue_at: at, execution });
        if let Some(books) = self.account.books_mut() {
            books.resolved = Some(OrderResolution { order, fate: OrderFate::NeverPlaced });
        }
    }

    /// A word of the venue on an order says that it arrived.
    pub(in crate::state) fn resolve(&mut self, order: OrderId) {
        if !self.is_unanswered(order) {
            return;
        }
        let fate = if self.open_order(order).is_some() { OrderFate::Placed } else { OrderFate::Ended };
        if let Some(books) = self.account.books_mut()
            && let Ok(place) = books.unanswered.binary_search(&order)
        {
            books.unanswered.remove(place);
            books.resolved = Some(OrderResolution { order, fate });
        }
    }

    pub(in crate::state) fn note_submission(&mut self, id: OrderId) {
        if let Some(books) = self.account.books_mut() {
            let placed = PlacedOrder { epoch: books.epoch, name: None, sent_at: None };
            books.orders.insert(id, placed);
        }
    }

    /// An order that is over is remembered for a while: reports on it may still be under way.
    pub(in crate::state) fn note_end(&mut self, open: OpenOrder) {
        let Some(books) = self.account.books_mut() else { return };
        let placed = books.orders.remove(&open.order.id).unwrap_or_default();
        if books.ended.len() >= ENDED_MAX {
            books.ended.pop_front();
        }
        books.ended.push_back(EndedOrder { open, placed });
    }
}
