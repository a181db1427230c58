//! The wish to be flat: kept from the moment it is spoken until nothing is held and nothing works.

use super::State;
use crate::event::{Execution, ExecutionReport, RefusedIntent};
use crate::halt::FlatReason;
use crate::instrument::InstrumentId;
use crate::intent::{Intent, OrderIntent, Size};
use crate::market::Side;
use crate::num::Qty;
use crate::order::{OpenOrder, Order, OrderKind, Reach, Status};
use crate::refusal::Refusal;
use crate::time::{Span, Timestamp};

/// The first pause after a close that the venue ended without filling it; each further one doubles it.
const PAUSE: Span = Span::SECOND;

/// How often the pause doubles: no more than 64 seconds pass between two attempts.
const DOUBLINGS_MAX: u32 = 6;

/// A market whose position is to be closed, and how the attempts stand.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flattening {
    /// Which market.
    pub instrument: InstrumentId,
    /// Why.
    pub reason: FlatReason,
    /// Closes in a row that the venue ended without filling them.
    failures: u32,
    /// The moment of the next attempt, while the last one has failed.
    retry_at: Option<Timestamp>,
    /// Why the gate refused the last close, until one passes; the same refusal is recorded once.
    refused: Option<Refusal>,
}

impl Flattening {
    /// Whether a close may be attempted at `at`: not while the pause after a failed one lasts.
    #[must_use]
    pub fn is_due(&self, at: Timestamp) -> bool {
        self.retry_at.is_none_or(|retry_at| at >= retry_at)
    }

    /// Whether the last close was refused for this kind of reason.
    #[must_use]
    pub fn was_refused(&self, reason: &Refusal) -> bool {
        self.refused.is_some_and(|last| core::mem::discriminant(&last) == core::mem::discriminant(reason))
    }
}

impl State {
    /// The markets whose position is to be closed and is not yet, in the order of their number.
    #[must_use]
    #[inline]
    pub fn flattening(&self) -> &[Flattening] {
        &self.flattening
    }

    /// Whether the position of `instrument` is to be closed and is not yet.
    #[must_use]
    pub fn is_wanted_flat(&self, instrument: InstrumentId) -> bool {
        self.flattening.iter().any(|market| market.instrument == instrument)
    }

    /// The side that brings the position of `instrument` nearer to nothing; `None` while less than a lot is held.
    #[must_use]
    pub fn closing_side(&self, instrument: InstrumentId) -> Option<Side> {
        let held = self.ledger.position(instrument).qty;
        if self.whole_lots(instrument, held).is_zero() {
            return None;
        }
        Some(if held.is_positive() { Side::Sell } else { Side::Buy })
    }

    /// What of the position of `instrument` no working close covers, in whole lots.
    #[must_use]
    pub fn uncovered(&self, instrument: InstrumentId) -> Qty {
        let mut left = self.ledger.position(instrument).qty.magnitude();
        let closes = self.orders.iter().filter(|open| open.order.instrument == instrument);
        for open in closes.filter(|open| self.is_working_close(open)) {
            left = left.minus(open.remaining()).filter(|left| left.is_positive()).unwrap_or_default();
        }
        self.whole_lots(instrument, left)
    }

    /// Whether `open` is sure to lower the position of its instrument once it reaches a market: a reduce-only market
    /// order against it that nobody has asked to end.
    #[must_use]
    pub fn is_working_close(&self, open: &OpenOrder) -> bool {
        let order = &open.order;
        order.reach == Reach::ReduceOnly
            && order.kind == OrderKind::Market
            && open.status != Status::CancelPending
            && Some(order.side) == self.closing_side(order.instrument)
    }

    /// Whether a close of the whole position of `instrument` waits for its next open.
    #[must_use]
    pub fn close_waits(&self, instrument: InstrumentId) -> bool {
        let side = self.closing_side(instrument);
        self.waiting().any(|intent| {
            intent.instrument == instrument && Some(intent.side) == side && closes_position(intent)
        })
    }

    fn whole_lots(&self, instrument: InstrumentId, qty: Qty) -> Qty {
        self.instrument(instrument).map_or(qty, |rules| rules.lots_down(qty))
    }

    /// The moment of the earliest attempt that waits for its pause to end.
    pub(super) fn retry_deadline(&self) -> Option<Timestamp> {
        self.flattening.iter().filter_map(|market| market.retry_at).min()
    }

    pub(super) fn begin_flattening(&mut self, reason: FlatReason) {
        let waiting = core::mem::take(&mut self.waiting);
        let closes = waiting.into_iter().filter(|waiting| {
            let intent = &waiting.intent;
            closes_position(intent) && Some(intent.side) == self.closing_side(intent.instrument)
        });
        self.waiting = closes.collect();
        self.forget_postponed();
        for instrument in self.instrument_ids() {
            if !self.is_wanted_flat(instrument) {
                let fresh = Flattening { instrument, reason, failures: 0, retry_at: None, refused: None };
                self.flattening.push(fresh);
            }
        }
        self.flattening.sort_by_key(|market| market.instrument);
        self.settle_flattening();
    }

    /// Forgets the wish where it has come true: nothing is held and nothing works.
    #[inline]
    pub(super) fn settle_flattening(&mut self) {
        if !self.flattening.is_empty() {
            self.forget_flat();
        }
    }

    #[cold]
    fn forget_flat(&mut self) {
        let mut wanted = core::mem::take(&mut self.flattening);
        wanted.retain(|market| {
            let id = market.instrument;
            self.closing_side(id).is_some() || self.orders.iter().any(|open| open.order.instrument == id)
        });
        self.flattening = wanted;
    }

    /// A close that ended without filling is tried again after a pause; one that filled ends the pauses.
    pub(super) fn note_close(&mut self, at: Timestamp, report: &ExecutionReport) {
        if self.flattening.is_empty() {
            return;
        }
        let Some(open) = self.orders.get(report.order) else { return };
        let (instrument, is_close) = (open.order.instrument, self.is_working_close(open));
        let market = self.flattening.iter_mut().find(|market| market.instrument == instrument && is_close);
        let Some(market) = market else { return };
        match report.execution {
            Execution::Filled(_) => (market.failures, market.retry_at) = (0, None),
            Execution::Rejected(_) | Execution::Expired | Execution::Cancelled => {
                let doublings = market.failures.min(DOUBLINGS_MAX);
                market.failures = market.failures.saturating_add(1);
                market.retry_at = Some(at.plus(Span::from_nanos(PAUSE.nanos() << doublings)));
            }
            Execution::Accepted | Execution::Triggered | Execution::Amended(_) => {}
        }
    }

    /// The pauses that have ended.
    pub(super) fn fold_retry(&mut self, at: Timestamp) {
        for market in &mut self.flattening {
            market.retry_at = market.retry_at.filter(|retry_at| *retry_at > at);
        }
    }

    /// A close that passed the gate: the next refusal is a new one.
    pub(super) fn forget_refused_close(&mut self, order: &Order) {
        let market = self.flattening.iter_mut().find(|market| market.instrument == order.instrument);
        if let Some(market) = market.filter(|_| order.reach == Reach::ReduceOnly) {
            market.refused = None;
        }
    }

    pub(super) fn fold_refused_close(&mut self, refused: &RefusedIntent) {
        let Intent::Place(intent) = &refused.intent else { return };
        let closes = intent.reach == Reach::ReduceOnly && intent.kind == OrderKind::Market;
        let market = self.flattening.iter_mut().find(|market| market.instrument == intent.instrument);
        if let Some(market) = market.filter(|_| closes) {
            market.refused = Some(refused.reason);
        }
    }
}

/// Whether an intent closes all there is, at the market.
fn closes_position(intent: &OrderIntent) -> bool {
    intent.reach == Reach::ReduceOnly && intent.kind == OrderKind::Market && intent.size == Size::Position
}
