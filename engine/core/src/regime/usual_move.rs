//! Returns in units of what is usual for their market, so that one model fits every asset and length of bar.

use crate::indicator::missing_bars::{breaks, move_across};
use crate::indicator::order_statistics::OrderStatistics;
use crate::indicator::window::{Window, mean_and_deviation};

/// Deviations the usual one is the median of.
const BASE_BARS: usize = 730;
/// Deviations before the first answer.
const BASE_BARS_MIN: usize = 180;
/// A deviation below this is rounding of the logarithm of a price that stood still.
const QUIET: f64 = 1e-12;
/// Moves are held within this many usual ones: beyond lie only faults of data and prices that never moved.
const MOVE_MAX: f64 = 50.0;

/// Measures log returns in usual deviations: the median of the last 730 deviations of 21 returns, as the two-axis
/// rule has it. The first answer comes with bar 201, O(log 730) and one move of 730 values a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct UsualMove {
    log_close: Option<f64>,
    returns: Window,
    deviations: OrderStatistics,
}

impl Default for UsualMove {
    fn default() -> Self {
        Self {
            log_close: None,
            returns: Window::new(Self::DEVIATION_BARS),
            deviations: OrderStatistics::new(BASE_BARS),
        }
    }
}

impl UsualMove {
    /// Returns in each deviation.
    pub const DEVIATION_BARS: usize = 21;

    /// Learns a close and answers its return in usual deviations, within ±50; `None` while too little is known
    /// and for a close that is not a positive finite number.
    pub fn learn(&mut self, close: f64) -> Option<f64> {
        if !close.is_finite() || close <= 0.0 {
            return None;
        }
        let log_close = libm::log(close);
        let moved = log_close - self.log_close.replace(log_close)?;
        self.measure(moved)
    }

    /// `missing` bars are missing before one that opens at `open`: answers the move across them as one bar's, as
    /// [`learn`](Self::learn) does, and goes on from the open. `None` also where the gap is more than half of the
    /// returns of a deviation: these begin anew. The usual move is kept, but for a gap as long as its window.
    pub fn bridge(&mut self, missing: u32, open: f64) -> Option<f64> {
        let log_close = self.log_close.filter(|_| missing > 0)?;
        if missing as usize >= BASE_BARS {
            *self = Self::default();
            return None;
        }
        let crossed =
            move_across(log_close, open, missing).filter(|_| !breaks(missing, Self::DEVIATION_BARS));
        let Some((moved, log_open)) = crossed else {
            self.log_close = None;
            self.returns.clear();
            self.pass_over(missing);
            return None;
        };
        self.log_close = Some(log_open);
        let moved = self.measure(moved);
        self.pass_over(missing - 1);
        moved
    }

    /// Missing bars take their place in the window of deviations.
    fn pass_over(&mut self, missing: u32) {
        if self.deviations.held() > 0 {
            (0..missing).for_each(|_| self.deviations.push_missing());
        }
    }

    fn measure(&mut self, moved: f64) -> Option<f64> {
        self.returns.push(moved);
        let (_, deviation) = mean_and_deviation(self.returns.last(Self::DEVIATION_BARS)?)?;
        self.deviations.push(deviation);
        if self.deviations.held() < BASE_BARS_MIN {
            return None;
        }
        let usual = self.deviations.median()?;
        Some(if moved.abs() < QUIET { 0.0 } else { (moved / usual.max(QUIET)).clamp(-MOVE_MAX, MOVE_MAX) })
    }
}

crate::learned!(UsualMove { values: [log_close], parts: [returns, deviations] });

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_move_of_the_usual_size_is_one() {
        let mut usual = UsualMove::default();
        let close = |bar: i32| if bar % 2 == 0 { 100.0 } else { 110.0 };
        let moves: Vec<Option<f64>> = (0..400).map(|bar| usual.learn(close(bar))).collect();
        assert_eq!(moves.iter().position(Option::is_some), Some(200));
        // Moves up and down by turns deviate by their own size, but for the divisor of 20 of 21.
        assert!((moves[399].unwrap().abs() - 1.0).abs() < 0.03, "{:?}", moves[399]);
    }

    proptest! {
        #[test]
        fn every_move_is_a_number(closes in prop::collection::vec(prop_oneof![Just(5.0), 1e-9_f64..1e9], 210..260)) {
            let mut usual = UsualMove::default();
            let known = closes.iter().filter_map(|close| usual.learn(*close));
            prop_assert!(known.into_iter().all(|moved| moved.abs() <= MOVE_MAX));
            prop_assert_eq!(usual.learn(f64::NAN), None);
        }
    }
}
