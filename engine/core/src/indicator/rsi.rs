//! Wilder's relative strength index.

use super::exponential_mean::ExponentialMean;
use super::usable_price::usable_price;

/// The share of rises in the smoothed moves of the close, from 0 to 100 (Wilder 1978); 50 where nothing moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rsi {
    close: Option<f64>,
    rises: ExponentialMean,
    falls: ExponentialMean,
}

impl Rsi {
    /// The index over `bars` moves, at least 1; 14 is Wilder's.
    #[must_use]
    pub fn new(bars: u32) -> Self {
        let mean = ExponentialMean::wilder(bars);
        Self { close: None, rises: mean, falls: mean }
    }

    /// Adds `close`; `None` for the first `bars` of them. A price outside 10⁻⁵⁰ … 10⁵⁰ is passed over.
    pub fn learn(&mut self, close: f64) -> Option<f64> {
        let close = usable_price(close)?;
        let moved = close - self.close.replace(close)?;
        let (rises, falls) = (self.rises.learn(moved.max(0.0)), self.falls.learn((-moved).max(0.0)));
        let (rises, falls) = (rises?, falls?);
        let path = rises + falls;
        Some(if path > f64::MIN_POSITIVE { (rises / path * 100.0).min(100.0) } else { 50.0 })
    }

    /// Forgets every close.
    pub fn forget(&mut self) {
        self.close = None;
        self.rises.forget();
        self.falls.forget();
    }
}

crate::learned!(Rsi { values: [close], parts: [rises, falls] });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_and_falls_by_hand() {
        let mut index = Rsi::new(2);
        let found: Vec<_> = [10.0, 13.0, 12.0, 12.0].into_iter().map(|close| index.learn(close)).collect();
        // Means of two moves: rises 1.5, falls 0.5; then both halve.
        assert_eq!(found, [None, None, Some(75.0), Some(75.0)]);
        index.forget();
        assert_eq!(index, Rsi::new(2));
    }

    #[test]
    fn a_price_that_stands_still_is_in_the_middle() {
        let mut index = Rsi::new(14);
        assert_eq!((0..20).map(|_| index.learn(7.0)).last().flatten(), Some(50.0));
        assert_eq!((0..20).map(|step| index.learn(8.0 + f64::from(step))).last().flatten(), Some(100.0));
    }
}
