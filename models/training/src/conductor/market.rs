//! Features, regime and arms as a conductor meets them in a run.

use engine_core::feature::market::{MARKET_V1, MarketFeatures};
use engine_core::indicator::Candle;
use engine_core::regime::two_axis::TwoAxisDetector;
use engine_core::regime::{Regime, RegimeDetector as _};
use engine_core::time::Timestamp;
use strategies::ensemble::arms::{ArmSet, Cast};

use crate::conductor::panel::{Arms, ClosedBar, Observer, Sight};

/// The features of [`MARKET_V1`] that say which regime it is by definition. They go past the shared features,
/// straight to the prediction: no network could forget what it is told.
pub const CONTEXT: [&str; 7] = [
    "volatility_ratio_ln",
    "efficiency",
    "drift",
    "posterior_trending",
    "posterior_volatile",
    "posterior_crisis",
    "run_length_ln",
];

/// Places of the features of [`MARKET_V1`] in [`CONTEXT`], and of all others.
#[must_use]
pub fn places() -> (Vec<usize>, Vec<usize>) {
    (0..MARKET_V1.features.len()).partition(|place| CONTEXT.contains(&MARKET_V1.features[*place].name))
}

/// The default detector and [`MARKET_V1`].
#[derive(Debug, Default)]
pub struct Market {
    detector: TwoAxisDetector,
    features: MarketFeatures,
}

impl Observer for Market {
    fn learn(&mut self, bar: &Candle) -> (Option<Sight>, Option<Regime>) {
        let reading = self.detector.learn(bar);
        let values = self.features.measure(bar, reading.as_ref());
        let sight = values.zip(reading).map(|(values, reading)| Sight {
            features: values.iter().map(|value| value.get()).collect(),
            regime: reading.raw,
        });
        (sight, reading.map(|reading| reading.regime))
    }

    fn forget(&mut self) {
        self.detector.forget();
        self.features.forget();
    }
}

/// The arms of a run: four trend families and four specialists with the default genomes, which are conventional
/// and fitted to nothing.
#[derive(Debug)]
pub struct RunArms {
    set: ArmSet,
}

impl Default for RunArms {
    fn default() -> Self {
        Self { set: ArmSet::new(Cast::All) }
    }
}

impl Arms for RunArms {
    fn learn(&mut self, bar: &ClosedBar, regime: Option<Regime>) -> Vec<f64> {
        self.set.learn(Timestamp::from_nanos(bar.close_at), &bar.candle, regime).to_vec()
    }

    fn forget(&mut self) {
        self.set.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_context_is_a_feature() {
        let (context, shared) = places();
        assert_eq!((context.len(), context.len() + shared.len()), (CONTEXT.len(), MARKET_V1.features.len()));
    }
}
