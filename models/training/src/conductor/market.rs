//! Features, regime and sleeves as a conductor meets them in a run.

use engine_core::feature::market::{MARKET_V1, MarketFeatures};
use engine_core::indicator::Candle;
use engine_core::regime::two_axis::TwoAxisDetector;
use engine_core::regime::{Regime, RegimeDetector as _};
use engine_core::time::Timestamp;
use strategies::ensemble::sleeves::{Followed, SleeveSet};

use crate::conductor::network::Inputs;
use crate::conductor::panel::{ClosedBar, Observation, Observer, Sleeves};

/// The features of [`MARKET_V1`] that say which regime it is by definition. They are kept from the shared features:
/// no network could forget what it is told.
pub const OF_REGIME: [&str; 7] = [
    "volatility_ratio_ln",
    "efficiency",
    "drift",
    "posterior_trending",
    "posterior_volatile",
    "posterior_crisis",
    "run_length_ln",
];

/// The inputs of the network: all features go straight to the prediction, which may depend on the regime openly;
/// all but those in [`OF_REGIME`] reach the shared features as well.
#[must_use]
pub fn inputs() -> Inputs {
    let width = MARKET_V1.features.len();
    let is_shared = |place: &usize| !OF_REGIME.contains(&MARKET_V1.features[*place].name);
    Inputs { width, shared: (0..width).filter(is_shared).collect(), context: (0..width).collect() }
}

/// The default detector and [`MARKET_V1`].
#[derive(Debug, Default)]
pub struct Market {
    detector: TwoAxisDetector,
    features: MarketFeatures,
}

impl Observer for Market {
    fn learn(&mut self, bar: &Candle) -> (Option<Observation>, Option<Regime>) {
        let reading = self.detector.learn(bar);
        let values = self.features.measure(bar, reading.as_ref());
        let observation = values.zip(reading).map(|(values, reading)| Observation {
            features: values.iter().map(|value| value.get()).collect(),
            regime: reading.raw,
        });
        (observation, reading.map(|reading| reading.regime))
    }

    fn forget(&mut self) {
        self.detector.forget();
        self.features.forget();
    }
}

/// The sleeves of a run: four trend families and four specialists with the default genomes, which are conventional
/// and fitted to nothing.
#[derive(Debug)]
pub struct RunSleeves {
    set: SleeveSet,
}

impl Default for RunSleeves {
    fn default() -> Self {
        Self { set: SleeveSet::new(Followed::All) }
    }
}

impl Sleeves for RunSleeves {
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
    fn what_names_the_regime_is_kept_from_the_shared_features() {
        let Inputs { width, shared, context } = inputs();
        assert_eq!((width, context.len(), shared.len()), (20, 20, 13));
        let names: Vec<&str> = shared.iter().map(|place| MARKET_V1.features[*place].name).collect();
        assert!(OF_REGIME.iter().all(|name| !names.contains(name)));
    }
}
