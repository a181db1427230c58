//! The two-axis rule for bars of other lengths than a day.

use super::{Latch, TwoAxisParameters};

/// Half window and reference of the hindsight labels of hourly bars, in bars.
const HOURLY_LABELS: (usize, usize) = (36, 1_440);

impl TwoAxisParameters {
    /// The rule with windows in proportion to those of labels that look `half_window_bars` h to both sides and
    /// compare with `reference_bars`, as the default's are to the labels of daily bars (h 10, reference 365): a
    /// window of 0.6 (2h + 1), deviations of 2h + 1 returns, a base of twice the reference, and thresholds of
    /// efficiency that fall as 1/√(window − 1), as a random walk's does.
    #[must_use]
    pub fn in_proportion(half_window_bars: usize, reference_bars: usize) -> Self {
        let daily = Self::default();
        let span = 2 * half_window_bars + 1;
        let window_bars = (6 * span).div_ceil(10).max(3);
        let base_bars = 2 * reference_bars;
        let walk = |window_bars: usize| ((window_bars - 1) as f64).sqrt();
        let harder = walk(daily.window_bars) / walk(window_bars);
        let Latch { on, off } = daily.efficiency_latch;
        Self {
            window_bars,
            deviation_bars: span,
            base_bars,
            base_bars_min: base_bars * daily.base_bars_min / daily.base_bars,
            efficiency: daily.efficiency * harder,
            efficiency_latch: Latch { on: on * harder, off: off * harder },
            ..daily
        }
    }

    /// The rule for bars of an hour.
    #[must_use]
    pub fn hourly() -> Self {
        Self::in_proportion(HOURLY_LABELS.0, HOURLY_LABELS.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daily_labels_give_the_default_and_hourly_ones_a_sound_rule() {
        assert_eq!(TwoAxisParameters::in_proportion(10, 365), TwoAxisParameters::default());
        let hourly = TwoAxisParameters::hourly().validated().unwrap();
        assert_eq!((hourly.window_bars, hourly.deviation_bars, hourly.base_bars), (44, 73, 2_880));
        assert!((hourly.efficiency - 0.355 * (20.0_f64 / 43.0).sqrt()).abs() < 1e-12);
    }
}
