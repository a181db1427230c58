//! The calibrated confidence of the two-axis rule: a multinomial logistic posterior over its measures.
//!
//! The vector the model reads, [`PosteriorModel::FEATURES`] numbers in this order, is what
//! [`TwoAxisMeasures::posterior_features`](super::TwoAxisMeasures::posterior_features) gives:
//!
//! | place | feature | limits |
//! |--:|---|---|
//! | 0 | ln(vr / 1.35), vr = deviation of the last 13 returns over the usual one | ±5 |
//! | 1 | ER / er₀, efficiency over its threshold (0.355·√(20/12)) | 0 … 1/er₀ |
//! | 2 | z, the net move of 13 bars in units of its usual deviation | ±10 |
//! | 3 | \|z\| | 0 … 10 |
//! | 4 | ln(vr₆ / 1.35), vr₆ = deviation of the last 6 returns over the usual one | ±5 |
//! | 5 | ln(ew₁₀ / 1.35), ew₁₀ = root of the exponentially weighted mean square return, span 10, over the usual deviation | ±5 |
//! | 6 … 9 | one-hot of the rule's raw label: ranging, trending, volatile, crisis | 0 or 1 |
//!
//! The threshold 1.35 and er₀ are those of the detector's parameters.

use crate::regime::Regime;

/// A multinomial logistic model: class scores are `intercepts[class] + Σ coefficients[class][i]·feature[i]`,
/// probabilities their softmax. Classes in the order of [`Regime::ALL`].
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct PosteriorModel {
    /// One row of weights per regime.
    pub coefficients: [[f64; Self::FEATURES]; 4],
    /// One constant per regime.
    pub intercepts: [f64; 4],
}

impl PosteriorModel {
    /// How many numbers the model reads.
    pub const FEATURES: usize = 10;

    /// The natural logarithm of how often each hindsight regime (row) was met where the rule said each label
    /// (one-hot columns), on daily Bitcoin from 2018 to 2025: the posterior of the label alone, which knows no
    /// measure yet. Counts by rule label (ranging, trending, volatile, crisis): ranging 1373 282 79 22, trending
    /// 271 272 16 7, volatile 62 54 192 37, crisis 40 18 22 96.
    pub const DEFAULT: Self = Self {
        coefficients: [
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 7.224_753, 5.641_907, 4.369_448, 3.091_042],
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.602_119, 5.605_802, 2.772_589, 1.945_910],
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.127_134, 3.988_984, 5.257_495, 3.610_918],
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.688_879, 2.890_372, 3.091_042, 4.564_348],
        ],
        intercepts: [0.0; 4],
    };

    /// Whether every number of the model is finite; one that is not answers with the uniform posterior.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.coefficients.iter().flatten().chain(&self.intercepts).all(|number| number.is_finite())
    }

    /// The probability of each regime for a vector in the order above. Each lies in [0, 1] and together they make
    /// one within rounding; where a score is not finite the answer is the uniform posterior.
    #[must_use]
    pub fn posterior(&self, features: &[f64; Self::FEATURES]) -> [f64; 4] {
        let mut scores = self.intercepts;
        for (score, row) in scores.iter_mut().zip(&self.coefficients) {
            for (coefficient, feature) in row.iter().zip(features) {
                *score += coefficient * feature;
            }
        }
        softmax(scores)
    }
}

impl Default for PosteriorModel {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// `exp(score) / Σ exp(score)`, shifted by the largest score so that nothing overflows.
fn softmax(scores: [f64; 4]) -> [f64; 4] {
    if !scores.iter().all(|score| score.is_finite()) {
        return [0.25; 4];
    }
    let largest = scores.iter().copied().fold(f64::MIN, f64::max);
    let powers = scores.map(|score| if score < largest { libm::exp(score - largest) } else { 1.0 });
    let total: f64 = powers.iter().sum();
    powers.map(|power| power / total)
}

/// One for `regime`, zero for the others.
pub(super) fn one_hot(regime: Regime) -> [f64; 4] {
    Regime::ALL.map(|other| f64::from(u8::from(other == regime)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_gives_back_the_counted_shares() {
        let counts = [
            [1373.0, 271.0, 62.0, 40.0],
            [282.0, 272.0, 54.0, 18.0],
            [79.0, 16.0, 192.0, 22.0],
            [22.0, 7.0, 37.0, 96.0],
        ];
        for (regime, column) in Regime::ALL.into_iter().zip(counts) {
            let mut features = [0.0; PosteriorModel::FEATURES];
            features[6..].copy_from_slice(&one_hot(regime));
            let posterior = PosteriorModel::DEFAULT.posterior(&features);
            let total: f64 = column.iter().sum();
            for (probability, count) in posterior.iter().zip(column) {
                assert!((probability - count / total).abs() < 1e-6, "{regime:?}");
            }
        }
    }

    #[test]
    fn a_broken_model_answers_uniformly() {
        let mut broken = PosteriorModel::DEFAULT;
        broken.intercepts[2] = f64::NAN;
        assert!(!broken.is_finite());
        let posterior = broken.posterior(&[1.0; PosteriorModel::FEATURES]);
        assert_eq!(posterior.map(f64::to_bits), [0.25_f64.to_bits(); 4]);
    }

    proptest! {
        #[test]
        fn it_is_a_distribution(
            numbers in prop::collection::vec(-1e300_f64..1e300, 54),
        ) {
            let mut model = PosteriorModel::DEFAULT;
            for (slot, number) in model.coefficients.iter_mut().flatten().zip(&numbers) {
                *slot = *number;
            }
            let features: [f64; PosteriorModel::FEATURES] = numbers[44..].try_into().unwrap();
            for vector in [features, features.map(|number| number / 1e299)] {
                let posterior = model.posterior(&vector);
                prop_assert!(posterior.iter().all(|probability| (0.0..=1.0).contains(probability)));
                prop_assert!((posterior.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }
}
