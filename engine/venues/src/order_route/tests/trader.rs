//! Somebody who trades without end: orders of every kind at random, which rest, trade in parts and are ended.

use super::trials::{Random, price_in};
use super::*;

/// What random trading is done with.
pub(super) struct Trader {
    random: Random,
    price: i64,
    /// When the price was looked at.
    seen: Instant,
}

/// The price is looked at anew after so long.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Orders that work at once, at most.
const WORKING_MAX: usize = 6;

impl Trader {
    pub(super) fn new(ground: &Ground, seed: u64) -> Self {
        Self { random: Random::new(seed), price: price_in(ground, 0), seen: Instant::now() }
    }

    pub(super) fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Places an order or ends one, whatever the gate lets through.
    pub(super) fn act(&mut self, process: &mut Process, ground: &Ground) {
        if self.seen.elapsed() > LOOK_EVERY {
            (self.price, self.seen) = (price_in(ground, 0), Instant::now());
        }
        process.mark(self.price);
        let working: Vec<OrderId> = process.core.state().open_orders().map(|open| open.order.id).collect();
        if working.len() >= WORKING_MAX || (!working.is_empty() && self.random.below(3) == 0) {
            return process.cancel(*self.random.one_of(&working));
        }
        // The other side of what is held, now and then.
        let holds = process.core.state().ledger().position(FIRST).qty.is_positive();
        let side = if holds && self.random.below(2) == 0 { Side::Sell } else { Side::Buy };
        let kind = match self.random.below(4) {
            0 => OrderKind::Market,
            1 => OrderKind::Limit(Price::from_units(self.price)),
            2 => OrderKind::Limit(Price::from_units(self.price - 200)),
            _ => OrderKind::Limit(Price::from_units(self.price / 2)),
        };
        let is_far = kind == OrderKind::Limit(Price::from_units(self.price / 2));
        if self.random.below(4) == 0 {
            ground.fault(Fault::Order(OrderFault::Partial { n: 3 })).unwrap();
        }
        process.place(if is_far { Side::Buy } else { side }, kind, 30);
    }

    /// Trades for so long.
    pub(super) fn trade(&mut self, process: &mut Process, ground: &Ground, span: Duration) {
        let begun = Instant::now();
        while let Some(left) = span.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
            self.act(process, ground);
            let pause = self.random.millis_below(60);
            process.live(pause.min(left));
        }
    }
}
