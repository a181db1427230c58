//! What a gap in the bars costs the market features.

use super::{CROSSOVER_WARM_UP, MarketFeatures, SHORTEST_BARS};
use crate::indicator::Candle;
use crate::indicator::missing_bars::{breaks, move_across};

impl MarketFeatures {
    /// `missing` bars are missing before one that opens at `open`.
    ///
    /// Channels, momenta and averages see a straight line of prices across the gap, deviations its move as one
    /// observation of a bar's size, the volume nothing. There is no vector while any window holds more missing bars
    /// than known ones: for as many bars as are missing, where these are more than two. Everything begins anew
    /// behind a gap of more than half of the longest memory (64 bars).
    pub fn bridge(&mut self, missing: u32, open: f64) {
        let Some(log_close) = self.log_close.filter(|_| missing > 0) else { return };
        let crossed = move_across(log_close, open, missing);
        let crossed = crossed.filter(|_| !breaks(missing, CROSSOVER_WARM_UP as usize));
        let Some((moved, log_open)) = crossed else {
            self.forget();
            return;
        };
        self.returns.push(moved);
        let mut before = libm::exp(log_close);
        for bar in 1..=missing {
            let way = f64::from(bar) / f64::from(missing);
            let log = log_close + (log_open - log_close) * way;
            let close = libm::exp(log);
            let (high, low) = (close.max(before), close.min(before));
            self.pass(&Candle { open: before, high, low, close, volume: 0.0 }, log);
            before = close;
        }
        self.log_close = Some(log_open);
        if breaks(missing, SHORTEST_BARS) {
            self.silent_bars = self.silent_bars.max(missing);
        }
    }

    /// A bar of the line across a gap.
    fn pass(&mut self, bar: &Candle, log_close: f64) {
        for momentum in &mut self.momenta {
            let _ = momentum.learn_log(log_close);
        }
        for crossover in &mut self.crossovers {
            let _ = crossover.learn_log(log_close);
        }
        for channel in &mut self.channels {
            let _ = channel.learn(bar.high, bar.low);
        }
        let _ = self.highest.learn(bar.high);
        let _ = self.strength.learn(bar.close);
        let _ = self.direction.learn(bar);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::real::Real;
    use crate::regime::{Regime, RegimeReading};

    fn reading() -> RegimeReading {
        let (volatility_ratio, efficiency, drift) = (Real::ONE, Real::ZERO, Real::ZERO);
        RegimeReading {
            regime: Regime::Ranging,
            raw: Regime::Ranging,
            posterior: [Real::ZERO; 4],
            run_length_bars: 1,
            volatility_ratio,
            efficiency,
            drift,
        }
    }

    fn bars(steps: &[f64]) -> Vec<Candle> {
        let mut close: f64 = 100.0;
        let made = steps.iter().map(|step| {
            let open = close;
            close *= libm::exp(*step);
            Candle { open, high: open.max(close), low: open.min(close), close, volume: 5.0 }
        });
        made.collect()
    }

    fn wave(count: usize) -> Vec<Candle> {
        let steps: Vec<f64> = (0..count).map(|at| 0.02 * ((at * 7919 % 101) as f64 / 50.0 - 1.0)).collect();
        bars(&steps)
    }

    #[test]
    fn a_gap_silences_the_features_for_as_long_as_it_was() {
        let bars = wave(400);
        let silent = |missing: usize| {
            let mut features = MarketFeatures::default();
            for bar in &bars[..200] {
                features.learn(bar, Some(&reading()));
            }
            features.bridge(missing as u32, bars[200 + missing].open);
            let after = bars[200 + missing..].iter();
            after.take_while(|bar| features.learn(bar, Some(&reading())).is_none()).count()
        };
        assert_eq!([0, 1, 2, 3, 40, 64].map(silent), [0, 0, 0, 3, 40, 64]);
        // Longer than half of the longest memory: as at the very beginning.
        assert_eq!(silent(65), 127);
    }

    #[test]
    fn one_missing_bar_hardly_moves_a_feature() {
        let bars = wave(400);
        let (mut whole, mut holed) = (MarketFeatures::default(), MarketFeatures::default());
        let mut last = (None, None);
        for (at, bar) in bars.iter().enumerate() {
            let expected = whole.learn(bar, Some(&reading()));
            match at {
                300 => continue,
                301 => holed.bridge(1, bar.open),
                _ => {}
            }
            last = (expected, holed.learn(bar, Some(&reading())));
        }
        let (whole, holed) = (last.0.unwrap(), last.1.unwrap());
        for (whole, holed) in whole.values.iter().zip(&holed.values) {
            assert!((whole.get() - holed.get()).abs() < 1e-6, "{whole} {holed}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_gap_takes_a_feature_out_of_bounds(
            steps in prop::collection::vec(prop_oneof![-0.3_f64..0.3, Just(0.0)], 130..200),
            gaps in prop::collection::vec((0_usize..200, prop_oneof![1_u32..6, 1_u32..200], -3.0_f64..3.0), 1..5),
        ) {
            let mut features = MarketFeatures::default();
            for (at, bar) in bars(&steps).iter().enumerate() {
                for (_, missing, jump) in gaps.iter().filter(|(place, ..)| *place == at) {
                    features.bridge(*missing, bar.open * libm::exp(*jump));
                }
                let Some(vector) = features.learn(bar, Some(&reading())) else { continue };
                prop_assert!(vector.values.iter().all(|value| value.get().abs() <= 3.0), "{vector:?}");
            }
        }
    }
}
