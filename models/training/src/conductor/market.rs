//! Market features and trend families as a conductor meets them in a run.

use engine_core::feature::market::{MARKET_V1, MarketFeatures};
use engine_core::indicator::Candle;
use engine_core::regime::two_axis::TwoAxisDetector;
use engine_core::regime::{Regime, RegimeDetector as _};
use strategies::ensemble::families::TrendFamilies;

use crate::conductor::panel::{Arms, Observer, Sight};

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
    fn learn(&mut self, bar: &Candle) -> Option<Sight> {
        let reading = self.detector.learn(bar);
        let values = self.features.measure(bar, reading.as_ref())?;
        let regime = reading?.raw;
        Some(Sight { features: values.iter().map(|value| value.get()).collect(), regime })
    }

    fn forget(&mut self) {
        self.detector.forget();
        self.features.forget();
    }
}

/// The four trend families of the default ensemble.
#[derive(Debug, Default)]
pub struct Families {
    families: TrendFamilies,
}

impl Arms for Families {
    fn learn(&mut self, bar: &Candle, _regime: Option<Regime>) -> Vec<f64> {
        self.families.learn(bar.close).to_vec()
    }

    fn forget(&mut self) {
        self.families.clear();
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
