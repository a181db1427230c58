//! The exponentially weighted variance.

use super::usable_price::admitted;

/// The exponentially weighted mean square distance from the exponentially weighted mean, by the update of West
/// (1979): `bias=True, adjust=True` of pandas; in squared units of the series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialVariance {
    decay: f64,
    warm_up: u32,
    seen: u32,
    weight: f64,
    mean: f64,
    squares: f64,
}

impl ExponentialVariance {
    /// A variance whose newest value weighs α = 2 / (span + 1), `None` before `warm_up` values (at least 2).
    #[must_use]
    pub fn of_span(span: u32, warm_up: u32) -> Self {
        let decay = 1.0 - 2.0 / (f64::from(span.max(1)) + 1.0);
        Self { decay, warm_up: warm_up.max(2), seen: 0, weight: 0.0, mean: 0.0, squares: 0.0 }
    }

    /// Adds `value`; `None` until warm. NaN and values beyond ±10⁵⁰ are passed over.
    pub fn learn(&mut self, value: f64) -> Option<f64> {
        let value = admitted(value)?;
        self.seen = self.seen.saturating_add(1);
        self.weight = self.decay * self.weight + 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.weight;
        self.squares = (self.decay * self.squares + distance * (value - self.mean)).max(0.0);
        self.value()
    }

    /// The variance of the values learned; `None` until warm.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.seen >= self.warm_up).then(|| self.squares / self.weight)
    }

    /// Forgets every value.
    pub fn forget(&mut self) {
        *self = Self { seen: 0, weight: 0.0, mean: 0.0, squares: 0.0, ..*self };
    }
}

crate::learned!(ExponentialVariance { settings: [decay, warm_up], values: [seen, weight, mean, squares] });

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_the_weighted_mean_square_distance(
            values in prop::collection::vec(-1e3_f64..1e3, 2..80), span in 1_u32..40, offset in -1e5_f64..1e5,
        ) {
            let fresh = ExponentialVariance::of_span(span, 2);
            let mut variance = fresh;
            let found = values.iter().map(|value| variance.learn(value + offset)).last().flatten().unwrap();
            let decay = 1.0 - 2.0 / (f64::from(span) + 1.0);
            let mut weights: Vec<f64> =
                std::iter::successors(Some(1.0), |weight| Some(weight * decay)).take(values.len()).collect();
            weights.reverse();
            let total: f64 = weights.iter().sum();
            let weighed = |of: &dyn Fn(f64) -> f64| {
                values.iter().zip(&weights).map(|(value, weight)| weight * of(value + offset)).sum::<f64>() / total
            };
            let mean = weighed(&|value| value);
            let expected = weighed(&|value| (value - mean) * (value - mean));
            prop_assert!((found - expected).abs() <= 1e-9 * (1.0 + expected), "{found} {expected}");
            variance.forget();
            prop_assert_eq!(variance, fresh);
        }
    }
}
