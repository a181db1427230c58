//! Requests as the session writes them, and what it says of limits and clocks.

use engine_core::event::{AccountEvent, OrderSent};
use engine_core::time::{Span, Timestamp};

use super::{ASK_AGAIN_AFTER, OrderGateway, Purpose};
use crate::order_request::{Asked, OrderRequest};
use crate::request_limit::{LimitUse, Limited};

impl OrderGateway {
    /// The next request to write at `now`, with its number; none in a pause that the venue asked for, and none but the end of an
    /// order where the venue's limits are nearly used up.
    ///
    /// What is under way together when a ban begins is asked in it. So the first request of a connection, and the first behind
    /// a pause, go alone; and once orders are taken, a question waits for what is under way, for up to a second.
    pub fn take_request(&mut self, now: Timestamp) -> Option<(u64, OrderRequest)> {
        let under_way = || self.pending.values().filter(|pending| pending.is_under_way(now));
        if self.is_paused(now) || (self.is_first && under_way().next().is_some()) {
            return None;
        }
        let is_spent = self.budget.spent(Limited::Weight, self.venue_time(now)).is_some();
        let is_asking = self.is_ready() && under_way().any(|pending| !pending.purpose.is_act());
        let is_acting = self.is_ready() && under_way().any(|pending| pending.purpose.is_act());
        // Orders without end hold no question up for long.
        let is_new = |number: &u64| {
            self.pending.get(number).is_some_and(|one| now < one.made_at.plus(ASK_AGAIN_AFTER))
        };
        let may_go = |(number, request): &(u64, OrderRequest)| match request.asked() {
            Asked::Cancel => true,
            Asked::Place | Asked::Replace => !is_spent,
            Asked::Query | Asked::Read => !(is_spent || is_asking || is_acting && is_new(number)),
        };
        self.requests.iter().position(may_go).and_then(|place| self.requests.remove(place))
    }

    /// The venue says how much of its limits is used at `now`.
    pub fn limits_told(&mut self, now: Timestamp, told: &[LimitUse]) {
        self.budget.learn(self.venue_time(now), told);
    }

    /// What time it is by the venue's clock.
    pub(super) fn venue_time(&self, now: Timestamp) -> Timestamp {
        now.plus(Span::from_nanos(-self.clock_ahead.nanos()))
    }

    /// Whether more may be asked for request `number` at `now`: somebody waits for its answer, and the venue wants no pause.
    #[must_use]
    pub fn may_go_on(&self, now: Timestamp, number: u64) -> bool {
        self.pending.contains_key(&number) && !self.is_paused(now)
    }

    /// The bytes of request `number` were handed to the socket at `at`; from now on it may have arrived.
    pub fn sent(&mut self, at: Timestamp, number: u64) {
        let Some(pending) = self.pending.get_mut(&number) else { return };
        pending.sent_at = Some(at);
        if let Purpose::Place(order) = pending.purpose {
            let by_venue = self.venue_time(at);
            self.budget.count_order(by_venue);
            self.tell(AccountEvent::Sent(OrderSent { order, wire_at: at }));
        }
    }

    /// Request `number` cannot be written in the words of the venue; nothing has left.
    pub fn unserved(&mut self, number: u64, why: &str) {
        let Some(pending) = self.pending.remove(&number) else { return };
        self.failed(&pending.purpose, why);
    }

    /// How far our clock is ahead of the venue's.
    pub const fn clock_is_ahead(&mut self, ahead: Span) {
        self.clock_ahead = ahead;
    }

    /// Whether the venue has said since this was asked last that our clock is too far away.
    pub const fn take_clock_fault(&mut self) -> bool {
        core::mem::replace(&mut self.is_clock_off, false)
    }
}
