//! A seeded past: bars before the origin, for clients that warm up before they trade.

use super::bar::Bar;
use super::walk::{PRICE_TICKS_MIN, price_ticks_max};
use crate::interval::Interval;
use crate::random::Random;

/// How far a price moves within a third of a minute, in millionths; longer bars move with the root of their length.
const REACH_PPM: u64 = 100;
/// Quantity of a bar, in steps: never less than its four trades need.
const VOLUME_STEPS: std::ops::Range<u64> = 1_000..10_000_000;

/// `count` bars that follow each other without a gap, the last of which ends at or before `origin_ns`.
pub(crate) fn made(
    mut random: Random,
    interval: Interval,
    count: u32,
    origin_ns: i64,
    price: u64,
    tick: u64,
    step: u64,
) -> Vec<Bar> {
    let length_ns = interval.length_ns();
    let end_ns = interval.open_of(origin_ns);
    let minutes = u64::from(interval.minutes().max(1));
    let most = price_ticks_max(tick);
    let mut ticks = (price / tick).clamp(PRICE_TICKS_MIN, most);
    let mut bars = Vec::with_capacity(count as usize);
    for left in (1..=i64::from(count)).rev() {
        let open = ticks;
        let (mut high, mut low) = (open, open);
        for _ in 0..3 {
            let reach = 1 + ticks * REACH_PPM * minutes.isqrt() / 1_000_000;
            let moved = ticks + random.below(2 * reach + 1);
            // A step beyond the bounds is not made.
            let inside = moved.checked_sub(reach).filter(|ticks| (PRICE_TICKS_MIN..=most).contains(ticks));
            ticks = inside.unwrap_or(ticks);
            (high, low) = (high.max(ticks), low.min(ticks));
        }
        let volume = VOLUME_STEPS.start + random.below(VOLUME_STEPS.end - VOLUME_STEPS.start);
        bars.push(Bar {
            open_time_ns: end_ns - left * length_ns,
            length_ns,
            open: open * tick,
            high: high * tick,
            low: low * tick,
            close: ticks * tick,
            volume: volume * step,
        });
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_made_bar_can_be_played(seed in any::<u64>(), price in 1_u64..1 << 40, tick in 1_u64..1_000) {
            let bars = made(Random::new(seed, "past"), Interval::DAY, 50, 1 << 60, price, tick, 10);
            prop_assert_eq!(bars.len(), 50);
            for bar in &bars {
                prop_assert_eq!(bar.fault(), None);
            }
            for pair in bars.windows(2) {
                prop_assert_eq!(pair[0].open_time_ns + pair[0].length_ns, pair[1].open_time_ns);
                prop_assert_eq!(pair[0].close, pair[1].open);
            }
            prop_assert!(bars[49].open_time_ns + bars[49].length_ns <= 1 << 60);
        }
    }
}
