//! Realised volatility: the deviation of returns, scaled to a year.

use super::log_return::LogReturn;
use super::moments::RollingMoments;

/// The sample standard deviation of the last `bars` log returns times √(bars a year), as a fraction a year.
#[derive(Clone, Debug, PartialEq)]
pub struct RealisedVolatility {
    returns: LogReturn,
    moments: RollingMoments,
    annual: f64,
}

impl RealisedVolatility {
    /// Over `bars` returns (at least 2), scaled by the root of `bars_per_year`: 365 for daily bars of a market
    /// that never closes. A factor that is not a positive finite number is taken as 1: a bar's own deviation.
    #[must_use]
    pub fn new(bars: usize, bars_per_year: f64) -> Self {
        let sound = bars_per_year.is_finite() && bars_per_year > 0.0;
        let annual = if sound { bars_per_year.sqrt() } else { 1.0 };
        Self { returns: LogReturn::default(), moments: RollingMoments::new(bars), annual }
    }

    /// Adds `close`; `None` until there are enough returns. A price outside 10⁻⁵⁰ … 10⁵⁰ is passed over.
    pub fn learn(&mut self, close: f64) -> Option<f64> {
        let moved = self.returns.learn(close)?;
        Some(self.moments.learn(moved)?.deviation * self.annual)
    }

    /// Forgets every close.
    pub fn forget(&mut self) {
        self.returns.forget();
        self.moments.forget();
    }
}

crate::learned!(RealisedVolatility { settings: [annual], parts: [returns, moments] });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_returns_of_known_size() {
        let mut volatility = RealisedVolatility::new(2, 365.0);
        assert_eq!((volatility.learn(100.0), volatility.learn(110.0)), (None, None));
        // Returns ±ln 1.1: their sample deviation is √2·ln 1.1.
        let expected = 2.0_f64.sqrt() * libm::log(1.1) * 365.0_f64.sqrt();
        assert!((volatility.learn(100.0).unwrap() - expected).abs() < 1e-12);
        assert!(volatility.learn(100.0).unwrap() > 0.0);
        assert!(volatility.learn(100.0).unwrap().abs() < 1e-12);
    }
}
