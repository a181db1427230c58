//! What indicators let in: numbers far enough from the ends of the format that no sum, square or quotient of them
//! can become infinite, and so none can become NaN.

use super::Candle;

/// The largest size of a value; an instrument's prices lie between 10⁻¹⁸ and 10¹⁹.
const SIZE_MAX: f64 = 1e50;

/// `value`, unless it is NaN or beyond ±10⁵⁰.
pub(crate) fn admitted(value: f64) -> Option<f64> {
    (value.abs() <= SIZE_MAX).then_some(value)
}

/// `price`, unless it is NaN or outside 10⁻⁵⁰ … 10⁵⁰.
pub(crate) fn usable_price(price: f64) -> Option<f64> {
    (1.0 / SIZE_MAX..=SIZE_MAX).contains(&price).then_some(price)
}

impl Candle {
    /// Whether its prices are positive numbers that a market can have (10⁻⁵⁰ … 10⁵⁰), low and high enclose open
    /// and close, and the volume is not negative. Indicators pass over a candle that is not sound.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let prices = [self.open, self.high, self.low, self.close];
        let enclosed = self.low <= self.open.min(self.close) && self.open.max(self.close) <= self.high;
        enclosed
            && prices.iter().all(|price| usable_price(*price).is_some())
            && (0.0..=SIZE_MAX).contains(&self.volume)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_a_market_are_let_in() {
        assert_eq!(admitted(f64::NAN), None);
        assert_eq!(admitted(f64::NEG_INFINITY), None);
        assert_eq!(admitted(-3.0), Some(-3.0));
        assert_eq!(usable_price(0.0), None);
        assert_eq!(usable_price(1e-18), Some(1e-18));
        assert!(Candle::at(1.0).is_sound());
        assert!(!Candle { high: 0.5, ..Candle::at(1.0) }.is_sound());
        assert!(!Candle { volume: -1.0, ..Candle::at(1.0) }.is_sound());
        assert!(!Candle { low: f64::NAN, ..Candle::at(1.0) }.is_sound());
    }
}
