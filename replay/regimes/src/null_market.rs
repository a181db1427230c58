//! Markets made from the returns of a real one in which there is nothing to recognise.

use engine_core::indicator::Candle;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};
use serde::Serialize;

use super::series::BarSeries;

/// What a null market keeps of the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullMarket {
    /// The same bars in random order: no regimes at all.
    Shuffled,
    /// The same sizes of moves in the same order, up or down by chance: volatility clusters, no direction.
    RandomSign,
}

impl NullMarket {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Shuffled, Self::RandomSign];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shuffled => "shuffled",
            Self::RandomSign => "random-sign",
        }
    }

    /// The `number`th market of this kind made from `real`; equal arguments give equal bars.
    ///
    /// Each bar is taken as a whole, its open, high, low and close relative to the close before it, so that its
    /// shape goes with its return. The first bar of each segment stays where it is. Shuffling exchanges bars
    /// over the whole series.
    #[must_use]
    pub fn make(self, real: &BarSeries, seed: u64, number: u64) -> BarSeries {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(2 * number + self as u64);
        let mut steps = steps_of(real);
        match self {
            Self::Shuffled => shuffle(&mut steps, &mut random),
            Self::RandomSign => {
                for step in steps.iter_mut().filter(|_| random.next_u32() & 1 == 1) {
                    *step = step.mirrored();
                }
            }
        }
        walked(real, &steps)
    }
}

/// A bar in logarithms relative to the close before it.
#[derive(Debug, Clone, Copy)]
struct Step {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

impl Step {
    fn between(before: &Candle, bar: &Candle) -> Self {
        let relative = |price: f64| libm::log(price / before.close);
        Self {
            open: relative(bar.open),
            high: relative(bar.high),
            low: relative(bar.low),
            close: relative(bar.close),
            volume: bar.volume,
        }
    }

    fn mirrored(self) -> Self {
        Self { open: -self.open, high: -self.low, low: -self.high, close: -self.close, ..self }
    }

    /// The bar after a close of `log_close`.
    fn from(self, log_close: f64) -> Candle {
        let price = |relative: f64| libm::exp(log_close + relative);
        Candle {
            open: price(self.open),
            high: price(self.high),
            low: price(self.low),
            close: price(self.close),
            volume: self.volume,
        }
    }
}

/// The steps of all segments, one after the other.
fn steps_of(series: &BarSeries) -> Vec<Step> {
    let segments = series.segments().iter().filter_map(|segment| series.bars().get(segment.clone()));
    let pairs = segments.flat_map(|bars| bars.iter().zip(bars.iter().skip(1)));
    pairs.map(|(before, bar)| Step::between(before, bar)).collect()
}

/// The bars that `steps` lead to from the first bar of each segment.
fn walked(real: &BarSeries, steps: &[Step]) -> BarSeries {
    let mut steps = steps.iter();
    let mut bars = Vec::with_capacity(real.len());
    for segment in real.segments() {
        let Some(first) = real.bars().get(segment.start) else { continue };
        bars.push(*first);
        let mut log_close = libm::log(first.close);
        for step in steps.by_ref().take(segment.len() - 1) {
            bars.push(step.from(log_close));
            // The walk keeps away from the ends of what a number can hold, which only absurd bars reach.
            log_close = (log_close + step.close).clamp(-500.0, 500.0);
        }
    }
    real.with_bars(bars)
}

/// Every order equally likely (Fisher and Yates, Durstenfeld 1964).
fn shuffle(steps: &mut [Step], random: &mut ChaCha8Rng) {
    for last in (1..steps.len()).rev() {
        steps.swap(last, below(last as u64 + 1, random));
    }
}

/// A number below `limit`, each equally likely: draws that would favour the small ones are repeated.
fn below(limit: u64, random: &mut ChaCha8Rng) -> usize {
    let unfair = u64::MAX - u64::MAX % limit;
    loop {
        let drawn = random.next_u64();
        if drawn < unfair {
            return usize::try_from(drawn % limit).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_core::time::{Span, Timestamp};

    use super::*;

    fn real() -> BarSeries {
        let times = (0..40).chain(45..80_i64);
        let bars = times.map(|day| {
            let close = 100.0 + (day * day % 17) as f64;
            let bar = Candle { open: close - 1.0, high: close + 2.0, low: close - 3.0, close, volume: 7.0 };
            (Timestamp::from_nanos(day * Span::DAY.nanos()), bar)
        });
        BarSeries::new(Span::DAY, bars).unwrap()
    }

    fn returns(series: &BarSeries) -> Vec<f64> {
        steps_of(series).iter().map(|step| step.close).collect()
    }

    fn near(ours: &[f64], theirs: &[f64]) -> bool {
        ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() < 1e-12)
    }

    #[test]
    fn shuffled_returns_are_the_same_returns_in_another_order() {
        let (real, null) = (real(), NullMarket::Shuffled.make(&real(), 1, 0));
        assert!(!near(&returns(&real), &returns(&null)));
        let (mut ours, mut theirs) = (returns(&null), returns(&real));
        ours.sort_by(f64::total_cmp);
        theirs.sort_by(f64::total_cmp);
        assert!(near(&ours, &theirs));
        assert_eq!(null.segments(), real.segments());
    }

    #[test]
    fn random_signs_keep_the_size_of_every_move_and_the_shape_of_bars() {
        let (real, null) = (real(), NullMarket::RandomSign.make(&real(), 1, 0));
        let size = |series: &BarSeries| returns(series).iter().map(|r| r.abs()).collect::<Vec<_>>();
        assert!(near(&size(&real), &size(&null)) && !near(&returns(&real), &returns(&null)));
        let shaped = null.bars().iter().all(|bar| {
            bar.high >= bar.open.max(bar.close) - 1e-9 && bar.low <= bar.open.min(bar.close) + 1e-9
        });
        assert!(shaped);
    }

    #[test]
    fn a_number_and_a_seed_name_one_market() {
        for kind in NullMarket::ALL {
            let made = |seed, number| kind.make(&real(), seed, number);
            assert_eq!(made(3, 4), made(3, 4));
            assert_ne!(made(3, 4), made(3, 5));
            assert_ne!(made(3, 4), made(4, 4));
        }
    }
}
