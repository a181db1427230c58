//! A seeded market: trades at random moments, at prices that wander.

use super::trade::Print;
use crate::random::Random;

/// The longest step of the price from one trade to the next, in millionths of it.
const STEP_PPM: u64 = 20;
/// The largest trade, in steps of the quantity.
const QUANTITY_STEPS_MAX: u64 = 50_000;
/// Prices do not fall below so many ticks.
pub(crate) const PRICE_TICKS_MIN: u64 = 10;

/// The most ticks of a price, so that neither it nor the levels above it leave 64 bits.
pub(crate) fn price_ticks_max(tick: u64) -> u64 {
    (u64::MAX / 1_024 / tick).min(1_000_000_000_000)
}

/// An endless sequence of prints that depends on its seed only.
#[derive(Debug)]
pub(crate) struct RandomWalk {
    random: Random,
    time_ns: i64,
    gap_mean_ns: u64,
    price_ticks: u64,
    tick: u64,
    step: u64,
}

impl RandomWalk {
    /// A walk that begins after `time_ns` at `price`, with `rate` trades a second on average.
    pub(crate) fn new(random: Random, time_ns: i64, price: u64, rate: u32, tick: u64, step: u64) -> Self {
        let gap_mean_ns = 1_000_000_000 / u64::from(rate.max(1));
        let price_ticks = (price / tick).clamp(PRICE_TICKS_MIN, price_ticks_max(tick));
        Self { random, time_ns, gap_mean_ns, price_ticks, tick, step }
    }

    /// Prices from now on are multiples of another tick, quantities of another step.
    pub(crate) fn change_filters(&mut self, tick: u64, step: u64) {
        let price = u128::from(self.price_ticks) * u128::from(self.tick);
        let most = price_ticks_max(tick);
        let ticks = u64::try_from(price / u128::from(tick)).ok().filter(|ticks| *ticks <= most);
        self.price_ticks = ticks.unwrap_or(most).max(PRICE_TICKS_MIN);
        (self.tick, self.step) = (tick, step);
    }

    pub(crate) fn next_print(&mut self) -> Print {
        let gap_ns = 1 + self.random.below(2 * self.gap_mean_ns - 1);
        self.time_ns += i64::try_from(gap_ns).unwrap_or(i64::MAX);
        let reach = 1 + self.price_ticks * STEP_PPM / 1_000_000;
        let moved = self.random.below(2 * reach + 1);
        let most = price_ticks_max(self.tick);
        // Reflected at its bounds, so that a price never comes to zero.
        let wandered = self.price_ticks + moved;
        self.price_ticks = match wandered.checked_sub(reach) {
            Some(ticks) if (PRICE_TICKS_MIN..=most).contains(&ticks) => ticks,
            Some(ticks) if ticks > most => most - reach,
            _ => PRICE_TICKS_MIN + reach,
        };
        Print {
            time_ns: self.time_ns,
            price: self.price_ticks * self.tick,
            quantity: (1 + self.random.below(QUANTITY_STEPS_MAX)) * self.step,
            buyer_is_maker: self.random.below(2) == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_walk_keeps_to_its_grid_and_its_seed(seed in any::<u64>(), price in 1_u64..100_000_000, tick in 1_u64..50) {
            let walk = || RandomWalk::new(Random::new(seed, "BTCUSDT"), 0, price, 50, tick, 10);
            let (mut one, mut two) = (walk(), walk());
            let mut before_ns = 0;
            for _ in 0..200 {
                let print = one.next_print();
                prop_assert_eq!(print, two.next_print());
                prop_assert!(print.time_ns > before_ns && print.price >= tick * PRICE_TICKS_MIN);
                prop_assert!(print.price.is_multiple_of(tick) && print.quantity.is_multiple_of(10));
                before_ns = print.time_ns;
            }
        }
    }

    #[test]
    fn the_rate_is_the_one_asked_for() {
        let mut walk = RandomWalk::new(Random::new(7, "BTCUSDT"), 0, 6_425_001, 50, 1, 1);
        let last = (0..10_000).map(|_| walk.next_print().time_ns).last().unwrap();
        let seconds = last / 1_000_000_000;
        assert!((195..=205).contains(&seconds), "10 000 trades at 50/s took {seconds} s");
    }
}
