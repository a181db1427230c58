//! Time-series momentum: where a price stands against itself some bars ago.

use super::usable_price::usable_price;
use super::window::Window;

/// The move over a number of bars.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum {
    /// ln(C_t / C_{t−n}).
    pub growth: f64,
    bars: usize,
}

impl Momentum {
    /// 1 where the price rose, −1 where it fell, 0 where it is the same (Moskowitz, Ooi and Pedersen 2012).
    #[must_use]
    pub fn direction(&self) -> i8 {
        i8::from(self.growth > 0.0) - i8::from(self.growth < 0.0)
    }

    /// The move in units of what a random walk with this deviation a bar moves in as many bars: growth /
    /// (deviation·√n); 0 where the deviation is nothing.
    #[must_use]
    pub fn normalised(&self, deviation: f64) -> f64 {
        let usual = deviation * (self.bars as f64).sqrt();
        if usual > f64::MIN_POSITIVE { (self.growth / usual).clamp(-1e6, 1e6) } else { 0.0 }
    }
}

/// Momentum over `bars` bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Tsmom {
    log_closes: Window,
}

impl Tsmom {
    /// Momentum over `bars` bars, at least 1.
    #[must_use]
    pub fn new(bars: usize) -> Self {
        Self { log_closes: Window::new(bars.max(1).saturating_add(1)) }
    }

    /// Adds `close`; `None` for the first `bars` of them. A price outside 10⁻⁵⁰ … 10⁵⁰ is passed over.
    pub fn learn(&mut self, close: f64) -> Option<Momentum> {
        self.learn_log(libm::log(usable_price(close)?))
    }

    /// As [`learn`](Self::learn), for a caller that has the logarithm of an admitted price already.
    pub(crate) fn learn_log(&mut self, log_close: f64) -> Option<Momentum> {
        self.log_closes.push(log_close);
        let [first, .., last] = self.log_closes.last(self.log_closes.length())? else { return None };
        Some(Momentum { growth: last - first, bars: self.log_closes.length() - 1 })
    }

    /// Forgets every close.
    pub fn forget(&mut self) {
        self.log_closes.clear();
    }
}

crate::learned!(Tsmom { parts: [log_closes] });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubling_and_back() {
        let mut momentum = Tsmom::new(2);
        assert_eq!((momentum.learn(1.0), momentum.learn(5.0)), (None, None));
        let doubled = momentum.learn(2.0).unwrap();
        assert!((doubled.growth - libm::log(2.0)).abs() < 1e-15);
        assert_eq!(doubled.direction(), 1);
        assert!((doubled.normalised(libm::log(2.0)) - 0.5_f64.sqrt()).abs() < 1e-15);
        assert_eq!(momentum.learn(1.0).unwrap().direction(), -1);
        let same = momentum.learn(2.0).unwrap();
        assert_eq!((same.direction(), same.normalised(0.0)), (0, 0.0));
        momentum.forget();
        assert_eq!(momentum, Tsmom::new(2));
    }
}
