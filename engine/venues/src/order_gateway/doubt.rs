//! What became of an order that was sent and not answered.
//!
//! It is asked for after 0.5, 1, 2, 4 and 8 seconds. That it was never placed is said only once it cannot arrive any more (what
//! it was signed for is over, and ten seconds more), and behind that the venue has twice not found it, does not list it among
//! those that work, and lists no trade of an order whose owner is not known.

use engine_core::event::AccountEvent;
use engine_core::order::OrderId;
use engine_core::time::{Span, Timestamp};

use super::{OrderGateway, Purpose};

/// How long an order is signed for, in milliseconds.
pub const WINDOW_MS: u32 = 5_000;

/// After its window an order may still stand in the venue's engine for so long.
const ENGINE_WITHIN: Span = Span::from_nanos(10_000_000_000);

/// When the venue is asked after an order went out, in milliseconds.
const STEPS_MS: [i64; 5] = [500, 1_000, 2_000, 4_000, 8_000];

/// Between two questions once it cannot arrive any more.
const THEN_EVERY: Span = Span::from_nanos(1_000_000_000);

/// How often the venue must say then that it does not find the order.
const NOT_FOUND_MIN: u8 = 2;

/// What is known of an order that was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doubt {
    sent_at: Timestamp,
    next_at: Timestamp,
    /// Questions asked so far.
    asked: usize,
    /// How often the venue has not found it since it cannot arrive any more.
    not_found: u8,
    /// Since then: whether open orders and trades were asked for, and whether they were answered.
    lists_asked: bool,
    open_orders_seen: bool,
    fills_seen: bool,
}

impl Doubt {
    pub(super) fn new(sent_at: Timestamp) -> Self {
        Self {
            sent_at,
            next_at: sent_at.plus(step(0)),
            asked: 0,
            not_found: 0,
            lists_asked: false,
            open_orders_seen: false,
            fills_seen: false,
        }
    }

    pub(super) const fn next_at(&self) -> Timestamp {
        self.next_at
    }

    /// From when on it cannot arrive any more.
    fn over_at(&self) -> Timestamp {
        self.sent_at
            .plus(Span::from_nanos(i64::from(WINDOW_MS) * Span::MILLISECOND.nanos()))
            .plus(ENGINE_WITHIN)
    }

    /// What was asked of the venue on a connection that is gone is asked again.
    pub(super) const fn cut_off(&mut self) {
        self.lists_asked &= self.open_orders_seen && self.fills_seen;
    }

    fn is_proven(&self) -> bool {
        self.not_found >= NOT_FOUND_MIN && self.open_orders_seen && self.fills_seen
    }
}

/// How long after it went out the venue is asked for the next time.
fn step(asked: usize) -> Span {
    let millis = STEPS_MS.get(asked).copied().unwrap_or_default();
    Span::from_nanos(millis * Span::MILLISECOND.nanos())
}

impl OrderGateway {
    /// Asks for every order in doubt that is due.
    pub(super) fn pursue_doubts(&mut self, now: Timestamp) {
        let is_due = |doubt: &Doubt| doubt.next_at <= now;
        let due = self.orders.iter().filter(|(_, known)| known.doubt.as_ref().is_some_and(is_due));
        let due: Vec<OrderId> = due.map(|(id, _)| *id).collect();
        for id in due {
            let Some((known, doubt)) = self
                .orders
                .get_mut(&id)
                .and_then(|known| Some((known.order.instrument, known.doubt.as_mut()?)))
            else {
                continue;
            };
            doubt.asked += 1;
            let is_late = now >= doubt.over_at();
            let in_steps = doubt.sent_at.plus(step(doubt.asked));
            doubt.next_at = match doubt.asked < STEPS_MS.len() {
                true => in_steps.max(now.plus(Span::MILLISECOND)),
                false if is_late => now.plus(THEN_EVERY),
                false => doubt.over_at(),
            };
            let lists = is_late && !core::mem::replace(&mut doubt.lists_asked, is_late);
            let since = doubt.sent_at.plus(super::LOOK_BACK);
            self.ask(now, Purpose::Query(id));
            if lists {
                self.ask(now, Purpose::OpenOrders(known.index()));
                self.ask(now, Purpose::Fills(known.index(), since));
            }
        }
    }

    /// The venue does not find order `id`, asked at `asked_at`: proof only where it cannot arrive any more.
    pub(super) fn not_found(&mut self, id: OrderId, asked_at: Timestamp) {
        let Some(doubt) = self.orders.get_mut(&id).and_then(|known| known.doubt.as_mut()) else { return };
        if asked_at >= doubt.over_at() {
            doubt.not_found = doubt.not_found.saturating_add(1);
        }
        self.judge_doubts();
    }

    /// A list of the market at `place` was read whole: of orders that work, or of trades.
    pub(super) fn listed(&mut self, place: usize, asked_at: Timestamp, purpose: &Purpose) {
        let here = self.orders.values_mut().filter(|known| known.order.instrument.index() == place);
        for doubt in here.filter_map(|known| known.doubt.as_mut()).filter(|doubt| asked_at >= doubt.over_at())
        {
            doubt.open_orders_seen |= matches!(purpose, Purpose::OpenOrders(_));
            doubt.fills_seen |= matches!(purpose, Purpose::Fills(..));
        }
        self.judge_doubts();
    }

    /// What is proven to have never been placed is said so, as long as every trade has an owner.
    pub(super) fn judge_doubts(&mut self) {
        if !self.strays.is_empty() {
            return;
        }
        let proven = |known: &super::GatewayOrder| known.doubt.as_ref().is_some_and(Doubt::is_proven);
        let never: Vec<OrderId> =
            self.orders.iter().filter(|(_, known)| proven(known)).map(|(id, _)| *id).collect();
        for id in never {
            self.forget(id);
            self.tell(AccountEvent::NeverPlaced(id));
        }
    }
}
