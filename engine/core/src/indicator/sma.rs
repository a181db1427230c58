//! The simple moving average.

use super::rolling_sum::RollingSum;
use super::usable_price::admitted;

/// The mean of the last `bars` values, O(1) a step and without drift; in units of the series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sma {
    sum: RollingSum,
}

impl Sma {
    /// An average over `bars` values, at least 1.
    #[must_use]
    pub fn new(bars: usize) -> Self {
        Self { sum: RollingSum::new(bars) }
    }

    /// Adds `value`; `None` until there are as many as the average spans. NaN and values beyond ±10⁵⁰ are passed
    /// over.
    pub fn learn(&mut self, value: f64) -> Option<f64> {
        self.sum.push(admitted(value)?);
        self.value()
    }

    /// The average of the values learned; `None` until there are enough.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.sum.mean()
    }

    /// Forgets every value.
    pub fn forget(&mut self) {
        self.sum.clear();
    }
}

crate::learned!(Sma { parts: [sum] });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_values() {
        let mut average = Sma::new(3);
        let found: Vec<_> =
            [1.0, 2.0, 6.0, f64::NAN, 1.0].into_iter().map(|value| average.learn(value)).collect();
        assert_eq!(found, [None, None, Some(3.0), None, Some(3.0)]);
        average.forget();
        assert_eq!(average, Sma::new(3));
    }
}
