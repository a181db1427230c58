//! Mean and standard deviation of the last values of a series.

use super::usable_price::admitted;
use super::window::{Window, mean_and_deviation};

/// Mean and sample standard deviation (divisor n − 1), in units of the series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The deviation.
    pub deviation: f64,
}

/// Moments over the last values, computed anew by two passes on every step: exact and without memory beyond the
/// window, at the price of a time that grows with the window (some 30 ns for 21 values).
#[derive(Clone, Debug, PartialEq)]
pub struct RollingMoments {
    recent: Window,
}

impl RollingMoments {
    /// Moments over the last `length` values, at least 2.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self { recent: Window::new(length.max(2)) }
    }

    /// Adds `value`; `None` until the window is full. NaN and values beyond ±10⁵⁰ are passed over.
    pub fn learn(&mut self, value: f64) -> Option<Moments> {
        self.recent.push(admitted(value)?);
        self.moments()
    }

    /// The moments of the values it holds; `None` until the window is full.
    #[must_use]
    pub fn moments(&self) -> Option<Moments> {
        let values = self.recent.last(self.recent.length())?;
        let (mean, deviation) = mean_and_deviation(values)?;
        Some(Moments { mean, deviation })
    }

    /// Forgets every value.
    pub fn forget(&mut self) {
        self.recent.clear();
    }
}

crate::learned!(RollingMoments { parts: [recent] });

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_those_of_the_tail_whatever_came_before(
            values in prop::collection::vec(-1e3_f64..1e3, 30..80), length in 2_usize..25, offset in -1e6_f64..1e6,
        ) {
            let mut whole = RollingMoments::new(length);
            let last = values.iter().map(|value| whole.learn(value + offset)).last().flatten().unwrap();
            let tail: Vec<f64> = values[values.len() - length..].iter().map(|value| value + offset).collect();
            let mean = tail.iter().sum::<f64>() / length as f64;
            let squares: f64 = tail.iter().map(|value| (value - mean) * (value - mean)).sum();
            prop_assert!((last.mean - mean).abs() <= 1e-9);
            prop_assert!((last.deviation - (squares / (length - 1) as f64).sqrt()).abs() <= 1e-9);
            let mut warm = RollingMoments::new(length);
            prop_assert_eq!(tail.iter().map(|value| warm.learn(*value)).last().flatten(), Some(last));
            whole.forget();
            prop_assert_eq!(whole.learn(1.0), None);
        }
    }
}
