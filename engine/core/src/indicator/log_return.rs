//! The logarithmic return of one bar.

use super::usable_price::usable_price;

/// ln(C_t / C_{t−1}), as the difference of two logarithms.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LogReturn {
    log_close: Option<f64>,
}

impl LogReturn {
    /// Adds `close`; `None` for the first. A price outside 10⁻⁵⁰ … 10⁵⁰ is passed over.
    pub fn learn(&mut self, close: f64) -> Option<f64> {
        let log_close = libm::log(usable_price(close)?);
        let before = self.log_close.replace(log_close)?;
        Some(log_close - before)
    }

    /// The logarithm of the last close.
    #[must_use]
    pub const fn log_close(&self) -> Option<f64> {
        self.log_close
    }

    /// Forgets the last close.
    pub fn forget(&mut self) {
        self.log_close = None;
    }
}

crate::learned!(LogReturn { values: [log_close] });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_that_is_none_is_passed_over() {
        let mut returns = LogReturn::default();
        assert_eq!(returns.learn(100.0), None);
        assert_eq!(returns.learn(0.0), None);
        assert!((returns.learn(110.0).unwrap() - libm::log(1.1)).abs() < 1e-15);
        returns.forget();
        assert_eq!(returns.learn(100.0), None);
    }
}
