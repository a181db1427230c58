//! The exponentially weighted moving-average crossover of log prices, in units of its usual size.

use super::exponential_mean::{ExponentialMean, Weighting};
use super::usable_price::usable_price;

/// Span of the mean square return that the crossover is measured by.
const VOLATILITY_SPAN: u32 = 36;

/// (EMA_fast − EMA_slow of ln C) / (σ·√slow), σ being the root of the exponentially weighted mean square return
/// of span 36; all means adjusted for the missing past (Baz et al. 2015, with Carver's slow span as the scale).
/// The trend signal of the default ensemble is twice this, clipped to 0 … 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ewmac {
    log_close: Option<f64>,
    fast: ExponentialMean,
    slow: ExponentialMean,
    squares: ExponentialMean,
    slow_root: f64,
}

impl Ewmac {
    /// The crossover of spans `fast` and `slow`, `None` before `warm_up` closes (at least 1; 1 gives what the
    /// reference gives from the first bar on).
    #[must_use]
    pub fn new(fast: u32, slow: u32, warm_up: u32) -> Self {
        let mean = |span, warm_up| ExponentialMean::of_span(span, Weighting::Adjusted, warm_up);
        Self {
            log_close: None,
            fast: mean(fast, warm_up),
            slow: mean(slow, warm_up),
            squares: mean(VOLATILITY_SPAN, 1),
            slow_root: f64::from(slow.max(1)).sqrt(),
        }
    }

    /// Adds `close`; `None` until warm, 0 where the price never moved. A price outside 10⁻⁵⁰ … 10⁵⁰ is passed
    /// over.
    pub fn learn(&mut self, close: f64) -> Option<f64> {
        self.learn_log(libm::log(usable_price(close)?))
    }

    /// As [`learn`](Self::learn), for a caller that has the logarithm of an admitted price already.
    pub(crate) fn learn_log(&mut self, log_close: f64) -> Option<f64> {
        if let Some(before) = self.log_close.replace(log_close) {
            self.squares.learn((log_close - before) * (log_close - before));
        }
        let (fast, slow) = (self.fast.learn(log_close), self.slow.learn(log_close));
        let usual = self.squares.value().unwrap_or(0.0).sqrt() * self.slow_root;
        let distance = fast? - slow?;
        Some(if usual > f64::MIN_POSITIVE { (distance / usual).clamp(-1e6, 1e6) } else { 0.0 })
    }

    /// Forgets every close.
    pub fn forget(&mut self) {
        self.log_close = None;
        for mean in [&mut self.fast, &mut self.slow, &mut self.squares] {
            mean.forget();
        }
    }
}

crate::learned!(Ewmac { settings: [slow_root], values: [log_close], parts: [fast, slow, squares] });

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The reference, bar by bar, from the closes alone.
    fn naive(closes: &[f64], fast: u32, slow: u32) -> f64 {
        let logs: Vec<f64> = closes.iter().map(|close| libm::log(*close)).collect();
        let mean = |values: &[f64], span: u32| {
            let decay = 1.0 - 2.0 / (f64::from(span) + 1.0);
            let (mut numerator, mut denominator, mut weight) = (0.0, 0.0, 1.0);
            for value in values.iter().rev() {
                numerator += weight * value;
                denominator += weight;
                weight *= decay;
            }
            numerator / denominator
        };
        let squares: Vec<f64> =
            logs.windows(2).map(|pair| (pair[1] - pair[0]) * (pair[1] - pair[0])).collect();
        (mean(&logs, fast) - mean(&logs, slow)) / (mean(&squares, VOLATILITY_SPAN) * f64::from(slow)).sqrt()
    }

    #[test]
    fn a_price_that_never_moved_has_no_crossover() {
        let mut crossover = Ewmac::new(8, 32, 1);
        for _ in 0..100 {
            assert_eq!(crossover.learn(0.1), Some(0.0));
        }
        crossover.forget();
        assert_eq!(crossover, Ewmac::new(8, 32, 1));
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(steps in prop::collection::vec(-0.1_f64..0.1, 2..150)) {
            let mut log = 3.0;
            let closes: Vec<f64> = steps.iter().map(|step| { log += step; libm::exp(log) }).collect();
            let mut crossover = Ewmac::new(8, 32, 1);
            let found = closes.iter().map(|close| crossover.learn(*close)).last().flatten().unwrap();
            let expected = naive(&closes, 8, 32);
            prop_assert!((found - expected).abs() < 1e-9 * (1.0 + expected.abs()), "{} {}", found, expected);
        }
    }
}
