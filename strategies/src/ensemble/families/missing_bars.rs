//! What a gap in the bars costs the trend signals: the short ones a while, the long ones nothing.

use engine_core::indicator::missing_bars::{breaks, move_across};

use super::{LONGEST_BARS, TrendFamilies};

/// A gap of this many bars silences no signal; the shortest window has five.
const UNFELT_BARS: u32 = 2;

/// The last gap that silences a signal.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MissingBars {
    missing: u32,
    bars_since: usize,
}

impl MissingBars {
    pub(super) const fn is_felt(self) -> bool {
        self.missing > 0
    }

    pub(super) fn learn(&mut self) {
        self.bars_since += 1;
        if 2 * self.bars_since >= LONGEST_BARS {
            *self = Self::default();
        }
    }

    fn add(&mut self, missing: u32) {
        if missing > UNFELT_BARS {
            // A short gap does not end the silence of a long one before it.
            *self = Self { missing: self.missing.max(missing), bars_since: 0 };
        }
    }

    /// Zeroes the signals whose window, in `bars`, holds more missing bars than known ones.
    pub(super) fn silence<const N: usize>(self, signals: &mut [f64; N], bars: [usize; N]) {
        for (signal, bars) in signals.iter_mut().zip(bars) {
            if breaks(self.missing, bars) && 2 * self.bars_since < bars {
                *signal = 0.0;
            }
        }
    }
}

impl TrendFamilies {
    /// `missing` bars are missing before one that opens at `open`.
    ///
    /// Closes lie on a straight line of log prices across the gap, so every look-back keeps its time; the
    /// variance gets the move as one observation of a bar's size. Everything begins anew behind a gap of more than
    /// half of the longest look-back (182 bars).
    pub fn bridge(&mut self, missing: u32, open: f64) {
        let Some(last_log) = self.last_log.filter(|_| missing > 0) else { return };
        let crossed = move_across(last_log, open, missing).filter(|_| !breaks(missing, LONGEST_BARS));
        let Some((moved, log_open)) = crossed else {
            self.clear();
            return;
        };
        self.variance.push(moved * moved);
        for bar in 1..=missing {
            let log = last_log + (log_open - last_log) * (f64::from(bar) / f64::from(missing));
            let close = if bar == missing { open } else { libm::exp(log) };
            self.closes.push(close);
            let _ = self.learn_breakouts(close);
            let _ = self.learn_averages(close);
            self.averages.iter_mut().for_each(|average| average.push(log));
        }
        self.last_log = Some(log_open);
        self.gap.add(missing);
    }
}

engine_core::learned!(MissingBars { values: [missing], counts: [bars_since] });

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn closes(steps: &[f64]) -> Vec<f64> {
        let mut log = 4.0;
        let made = steps.iter().map(|step| {
            log += step;
            libm::exp(log)
        });
        made.collect()
    }

    #[test]
    fn one_missing_bar_leaves_every_family_as_it_was() {
        let closes = closes(&[0.02, -0.01, 0.015, -0.02, 0.01, 0.001, -0.004].repeat(80));
        let (mut whole, mut holed) = (TrendFamilies::new(), TrendFamilies::new());
        for (at, close) in closes.iter().enumerate() {
            let expected = whole.learn(*close);
            match at {
                400 => continue,
                401 => holed.bridge(1, closes[400]),
                _ => {}
            }
            let found = holed.learn(*close);
            let same = expected.iter().zip(found).all(|(expected, found)| (expected - found).abs() < 1e-9);
            assert!(same, "bar {at}: {expected:?} {found:?}");
        }
    }

    #[test]
    fn a_gap_silences_a_look_back_only_until_half_of_it_is_known() {
        let rise = closes(&[0.01; 500]);
        let silent = |missing: usize| {
            let mut families = TrendFamilies::new();
            let full = rise[..400].iter().map(|close| families.learn(*close)[1]).last().unwrap();
            families.bridge(missing as u32, rise[399 + missing]);
            let mut after = rise[400 + missing..].iter();
            after.position(|close| (families.learn(*close)[1] - full).abs() < 1e-12)
        };
        // Momentum looks back 5, 10, 20, 30 … 365 bars: 3 missing silence that of 5 for two bars, 40 that of 60 for 29.
        assert_eq!([1, 2, 3, 40].map(silent), [Some(0), Some(0), Some(2), Some(29)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn whatever_is_missing_every_family_is_an_exposure_and_a_long_gap_is_a_beginning(
            steps in prop::collection::vec(-0.2_f64..0.2, 20..120),
            gaps in prop::collection::vec((0_usize..120, prop_oneof![1_u32..4, 1_u32..400]), 1..6),
        ) {
            let closes = closes(&steps);
            let mut families = TrendFamilies::new();
            for (at, close) in closes.iter().enumerate() {
                for (_, missing) in gaps.iter().filter(|(place, _)| *place == at) {
                    families.bridge(*missing, *close);
                }
                let exposures = families.learn(*close);
                prop_assert!(exposures.iter().all(|exposure| (0.0..=1.0).contains(exposure)), "{exposures:?}");
            }
            families.bridge(183, 50.0);
            let mut fresh = TrendFamilies::new();
            for close in &closes {
                let both = (families.learn(*close), fresh.learn(*close));
                prop_assert!(both.0.map(f64::to_bits) == both.1.map(f64::to_bits), "{both:?}");
            }
        }
    }
}
