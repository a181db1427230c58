//! Exponentially weighted means: the EMA, its unbiased form and Wilder's smoothing.

use super::usable_price::admitted;

/// How the first values of an exponential mean count.
#[derive(serde::Serialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighting {
    /// A true weighted mean of all values so far, weights falling by 1 − α a step (`adjust=True` of pandas).
    Adjusted,
    /// The first value stands for all before it: m ← m + α(x − m) (`adjust=False` of pandas).
    Recursive,
    /// The plain mean of the first values, as many as the mean is warm after, then as `Recursive` (Wilder 1978).
    Seeded,
}

/// An exponentially weighted mean, in units of the series. It remembers every value, ever more faintly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialMean {
    alpha: f64,
    weighting: Weighting,
    warm_up: u32,
    seen: u32,
    numerator: f64,
    denominator: f64,
}

impl ExponentialMean {
    /// A mean whose newest value weighs α = 2 / (span + 1), `None` before `warm_up` values (at least 1).
    #[must_use]
    pub fn of_span(span: u32, weighting: Weighting, warm_up: u32) -> Self {
        Self::of_alpha(2.0 / (f64::from(span.max(1)) + 1.0), weighting, warm_up)
    }

    /// The exponential moving average of chart programs: α = 2 / (bars + 1), begun at the first value, `None`
    /// before `bars` values.
    #[must_use]
    pub fn ema(bars: u32) -> Self {
        Self::of_span(bars, Weighting::Recursive, bars)
    }

    /// Wilder's smoothing (New Concepts in Technical Trading Systems, 1978): α = 1 / bars, begun with the plain
    /// mean of the first `bars` values.
    #[must_use]
    pub fn wilder(bars: u32) -> Self {
        Self::of_alpha(1.0 / f64::from(bars.max(1)), Weighting::Seeded, bars)
    }

    fn of_alpha(alpha: f64, weighting: Weighting, warm_up: u32) -> Self {
        Self { alpha, weighting, warm_up: warm_up.max(1), seen: 0, numerator: 0.0, denominator: 0.0 }
    }

    /// Adds `value`; `None` until warm. NaN and values beyond ±10⁵⁰ are passed over.
    pub fn learn(&mut self, value: f64) -> Option<f64> {
        let value = admitted(value)?;
        self.seen = self.seen.saturating_add(1);
        match self.weighting {
            Weighting::Adjusted => {
                self.numerator = (1.0 - self.alpha) * self.numerator + value;
                self.denominator = (1.0 - self.alpha) * self.denominator + 1.0;
            }
            Weighting::Recursive => self.follow(value, 1),
            Weighting::Seeded => self.follow(value, self.warm_up),
        }
        self.value()
    }

    /// The mean of the values learned; `None` until warm.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.seen >= self.warm_up).then(|| self.numerator / self.denominator)
    }

    /// Forgets every value.
    pub fn forget(&mut self) {
        *self = Self::of_alpha(self.alpha, self.weighting, self.warm_up);
    }

    /// The plain mean of the first `seeds` values, then a step of α towards each value.
    fn follow(&mut self, value: f64, seeds: u32) {
        if self.seen <= seeds {
            self.numerator += (value - self.numerator) / f64::from(self.seen);
        } else {
            self.numerator += self.alpha * (value - self.numerator);
        }
        self.denominator = 1.0;
    }
}

crate::learned!(ExponentialMean {
    settings: [alpha, weighting, warm_up],
    values: [seen, numerator, denominator],
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn last(mut mean: ExponentialMean, values: &[f64]) -> Option<f64> {
        values.iter().map(|value| mean.learn(*value)).last().flatten()
    }

    #[test]
    fn known_values() {
        // pandas: Series([1, 2, 4]).ewm(span=3).mean() = 1, 5/3, 3; with adjust=False 1, 1.5, 2.75.
        let adjusted = ExponentialMean::of_span(3, Weighting::Adjusted, 1);
        assert!((last(adjusted, &[1.0, 2.0]).unwrap() - 5.0 / 3.0).abs() < 1e-15);
        assert!((last(adjusted, &[1.0, 2.0, 4.0]).unwrap() - 3.0).abs() < 1e-15);
        assert_eq!(last(ExponentialMean::ema(3), &[1.0, 2.0]), None);
        assert_eq!(last(ExponentialMean::ema(3), &[1.0, 2.0, 4.0]), Some(2.75));
        // Wilder over two: (1 + 2) / 2, then halfway to 4.
        assert_eq!(last(ExponentialMean::wilder(2), &[1.0, 2.0, 4.0]), Some(2.75));
    }

    proptest! {
        #[test]
        fn the_adjusted_mean_is_the_weighted_mean(
            values in prop::collection::vec(-1e6_f64..1e6, 1..80), span in 1_u32..40,
        ) {
            let alpha = 2.0 / (f64::from(span) + 1.0);
            let (mut numerator, mut denominator, mut weight) = (0.0, 0.0, 1.0);
            for value in values.iter().rev() {
                numerator += weight * value;
                denominator += weight;
                weight *= 1.0 - alpha;
            }
            let found = last(ExponentialMean::of_span(span, Weighting::Adjusted, 1), &values).unwrap();
            prop_assert!((found - numerator / denominator).abs() < 1e-8);
        }

        #[test]
        fn every_form_stays_between_the_extremes_and_forgets(
            values in prop::collection::vec(-1e50_f64..1e50, 1..80), bars in 1_u32..20,
        ) {
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
            let room = 1e-12 * low.abs().max(high.abs());
            for weighting in [Weighting::Adjusted, Weighting::Recursive, Weighting::Seeded] {
                let fresh = ExponentialMean::of_span(bars, weighting, bars);
                let mut mean = fresh;
                for value in &values {
                    let Some(found) = mean.learn(*value) else { continue };
                    prop_assert!(low - room <= found && found <= high + room);
                }
                prop_assert_eq!(mean.value().is_some(), values.len() >= bars as usize);
                mean.forget();
                prop_assert_eq!(mean, fresh);
            }
        }
    }
}
