//! What a gap in the bars costs the two-axis rule: its short windows where it is long, never the usual level.
//!
//! A gap of up to half of `window_bars` is one return more, and every window goes on; a longer one empties the
//! returns, so that the next reading comes `deviation_bars` bars later. The base keeps its deviations and its time:
//! a missing bar takes a place in it. Only a gap as long as the base leaves nothing.

use super::{Conditions, TwoAxisDetector};
use crate::indicator::missing_bars::{breaks, move_across};
use crate::regime::RegimeDetector;

impl TwoAxisDetector {
    pub(super) fn bridge_gap(&mut self, missing: u32, open: f64) {
        if missing == 0 {
            return;
        }
        let base_bars = self.parameters.base_bars;
        if missing as usize >= base_bars {
            self.forget();
            return;
        }
        let Some(log_close) = self.log_close else { return };
        let crossed = move_across(log_close, open, missing);
        let Some((moved, log_open)) = crossed.filter(|_| !breaks(missing, self.parameters.window_bars))
        else {
            self.empty_returns(missing);
            return;
        };
        self.log_close = Some(log_open);
        self.run_length_bars = self.run_length_bars.saturating_add(missing);
        // Without enough returns for a deviation none is missing either.
        if self.observe(moved).is_some() {
            self.miss_deviations(missing - 1);
        }
    }

    /// As [`bridge`](RegimeDetector::bridge), for a series of which the move across the gap comes with the next bar.
    pub(in crate::regime) fn pass_over(&mut self, missing: u32) {
        if missing as usize >= self.parameters.base_bars {
            self.forget();
        } else if breaks(missing, self.parameters.window_bars) {
            self.empty_returns(missing);
        } else {
            self.run_length_bars = self.run_length_bars.saturating_add(missing);
            self.miss_deviations(missing);
        }
    }

    fn empty_returns(&mut self, missing: u32) {
        self.returns.clear();
        self.log_close = None;
        (self.conditions, self.regime, self.run_length_bars) = (Conditions::default(), None, 0);
        self.miss_deviations(missing);
    }

    /// Missing bars take their place in a base that has begun.
    fn miss_deviations(&mut self, missing: u32) {
        if self.deviations.held() > 0 {
            (0..missing).for_each(|_| self.deviations.push_missing());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::indicator::Candle;
    use crate::regime::RegimeReading;

    /// Bars that open where the one before closed.
    fn bars(steps: &[f64]) -> Vec<Candle> {
        let mut close: f64 = 100.0;
        let made = steps.iter().map(|step| {
            let open = close;
            close *= libm::exp(*step);
            Candle { open, high: open.max(close), low: open.min(close), close, volume: 1.0 }
        });
        made.collect()
    }

    fn read(
        detector: &mut TwoAxisDetector,
        bars: &[Candle],
        is_there: impl Fn(usize) -> bool,
    ) -> Vec<Option<RegimeReading>> {
        let mut missing = 0;
        let read = bars.iter().enumerate().filter_map(|(at, bar)| {
            if !is_there(at) {
                missing += 1;
                return None;
            }
            detector.bridge(missing, bar.open);
            missing = 0;
            Some(detector.learn(bar))
        });
        read.collect()
    }

    /// Steps of changing size, so that regimes differ.
    fn steps(count: usize) -> Vec<f64> {
        let step = |at: usize| {
            let wild = if (at / 40).is_multiple_of(3) { 0.03 } else { 0.01 };
            wild * ((at * 7919 % 101) as f64 / 50.0 - 1.0)
        };
        (0..count).map(step).collect()
    }

    #[test]
    fn one_missing_bar_changes_nothing_where_bars_open_at_the_close_before() {
        let bars = bars(&steps(400));
        let whole = read(&mut TwoAxisDetector::default(), &bars, |_| true);
        let holed = read(&mut TwoAxisDetector::default(), &bars, |at| at != 300);
        let (whole, holed) = (whole[399].unwrap(), holed[398].unwrap());
        assert_eq!(
            (whole.raw, whole.regime, whole.run_length_bars),
            (holed.raw, holed.regime, holed.run_length_bars)
        );
        assert!((whole.volatility_ratio.get() - holed.volatility_ratio.get()).abs() < 1e-9);
        assert!((whole.drift.get() - holed.drift.get()).abs() < 1e-9);
    }

    #[test]
    fn a_gap_costs_readings_only_where_it_is_longer_than_half_of_the_short_window() {
        let bars = bars(&steps(1_900));
        let silent = |missing: usize| {
            let mut detector = TwoAxisDetector::default();
            let readings = read(&mut detector, &bars, |at| !(900..900 + missing).contains(&at));
            readings[900..].iter().take_while(|reading| reading.is_none()).count()
        };
        assert_eq!([1, 6, 7, 60, 500].map(silent), [0, 0, 20, 20, 20]);
        // Behind 550 bars too few of the 730 deviations are left for a base, which then fills like a new one.
        assert_eq!([550, 600, 730].map(silent), [20, 199, 199]);
    }

    #[test]
    fn a_fall_across_a_gap_is_seen_and_one_without_a_price_begins_anew() {
        let calm = bars(&steps(400));
        let mut detector = TwoAxisDetector::default();
        let _ = read(&mut detector, &calm, |_| true);
        let fallen = calm[399].close * 0.6;
        detector.bridge(1, fallen);
        let reading = detector.learn(&Candle::at(fallen)).unwrap();
        assert!(reading.drift.get() < -1.0 && reading.volatility_ratio.get() > 1.35, "{reading:?}");
        detector.bridge(1, f64::NAN);
        assert_eq!(detector.learn(&Candle::at(fallen)), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn missing_bars_make_no_number_that_is_none_and_fade_out_of_every_window(
            steps in prop::collection::vec(-0.2_f64..0.2, 60..150),
            gaps in prop::collection::vec((0_usize..150, 1_u32..1_000), 1..6),
        ) {
            let rule = crate::regime::two_axis::TwoAxisParameters {
                base_bars: 40, base_bars_min: 10, ..Default::default()
            };
            let make = || TwoAxisDetector::new(rule, crate::regime::posterior::PosteriorModel::DEFAULT).unwrap();
            let bars = bars(&steps);
            let mut holed = make();
            for (at, bar) in bars.iter().enumerate() {
                for (_, missing) in gaps.iter().filter(|(place, _)| *place == at) {
                    holed.bridge(*missing, bar.open);
                }
                let Some(reading) = holed.learn(bar) else { continue };
                let total: f64 = reading.posterior.iter().map(|chance| chance.get()).sum();
                prop_assert!((total - 1.0).abs() < 1e-9);
                prop_assert!((0.0..=1.0).contains(&reading.efficiency.get()));
                prop_assert!(reading.volatility_ratio.get() <= super::super::RATIO_MAX);
            }
            // Behind the longest window and the bar before it nothing is left of any gap.
            let after = super::tests::bars(&[0.01, -0.02, 0.015].repeat(40));
            let mut fresh = make();
            let scale = bars[bars.len() - 1].close / 100.0;
            for bar in after {
                let bar = Candle { open: bar.open * scale, close: bar.close * scale, ..bar };
                let _ = (holed.learn(&bar), fresh.learn(&bar));
            }
            prop_assert_eq!(holed.measures(), fresh.measures());
        }
    }
}
