//! The efficiency ratio: how much of the path a series walked was progress.

use super::rolling_sum::RollingSum;
use super::usable_price::admitted;
use super::window::Window;

/// |x_t − x_{t−n}| / Σ|x_i − x_{i−1}| over the last n steps, from 0 to 1 (Kaufman 1995); 0 where nothing moved.
/// Feed it logarithms for a ratio of returns.
#[derive(Clone, Debug, PartialEq)]
pub struct EfficiencyRatio {
    values: Window,
    path: RollingSum,
}

impl EfficiencyRatio {
    /// The ratio over `steps` steps, at least 1.
    #[must_use]
    pub fn new(steps: usize) -> Self {
        let steps = steps.max(1);
        Self { values: Window::new(steps.saturating_add(1)), path: RollingSum::new(steps) }
    }

    /// Adds `value`; `None` for the first `steps` of them. NaN and values beyond ±10⁵⁰ are passed over.
    pub fn learn(&mut self, value: f64) -> Option<f64> {
        let value = admitted(value)?;
        if let Some([before]) = self.values.last(1) {
            self.path.push((value - before).abs());
        }
        self.values.push(value);
        let path = self.path.sum()?;
        let [first, .., last] = self.values.last(self.values.length())? else { return None };
        Some(if path > f64::MIN_POSITIVE { ((last - first).abs() / path).min(1.0) } else { 0.0 })
    }

    /// Forgets every value.
    pub fn forget(&mut self) {
        self.values.clear();
        self.path.clear();
    }
}

crate::learned!(EfficiencyRatio { parts: [values, path] });

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_step_back_of_four() {
        let mut ratio = EfficiencyRatio::new(4);
        let found: Vec<_> = [1.0, 2.0, 3.0, 2.0, 3.0].into_iter().map(|value| ratio.learn(value)).collect();
        assert_eq!(found, [None, None, None, None, Some(0.5)]);
        ratio.forget();
        assert_eq!((0..5).map(|_| ratio.learn(4.0)).last().flatten(), Some(0.0));
    }

    proptest! {
        #[test]
        fn it_is_progress_over_path(
            values in prop::collection::vec(-1e3_f64..1e3, 2..80), steps in 1_usize..20,
        ) {
            let mut ratio = EfficiencyRatio::new(steps);
            let found = values.iter().map(|value| ratio.learn(*value)).last().flatten();
            let Some(start) = values.len().checked_sub(steps + 1) else {
                prop_assert_eq!(found, None);
                return Ok(());
            };
            let tail = &values[start..];
            let path: f64 = tail.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
            prop_assert!((found.unwrap() - (tail[steps] - tail[0]).abs() / path).abs() < 1e-9);
        }
    }
}
