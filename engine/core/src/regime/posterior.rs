//! The calibrated confidence of the two-axis rule: a multinomial logistic posterior over its measures.
//!
//! The vector the model reads, [`PosteriorModel::FEATURES`] numbers in this order, is what
//! [`TwoAxisMeasures::posterior_features`](super::two_axis::TwoAxisMeasures::posterior_features) gives:
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

    /// Fitted on daily Bitcoin up to the end of 2017 and on nothing later, so that every run from 2018 on is out of its
    /// sample: hindsight labels of those 1 202 bars alone, those of the last h + 1 left out, squared weights
    /// penalised with C = 0.1 (`replay_regimes::fitted_posterior`; a system test fits it again). On daily Bitcoin
    /// from 2018 to 2025 its expected calibration error is 0.053 and its Brier score 0.467; fitted anew each year
    /// on all that was known by then, 0.043 and 0.448. Those rising years knew few crises: it holds them for
    /// volatile more often than a later fit does.
    pub const DEFAULT: Self = Self {
        coefficients: [
            [
                -0.142_923, -0.425_793, 0.142_522, -0.385_831, -0.314_136, -0.302_777, 0.305_680, 0.165_849,
                -0.310_354, -0.161_176,
            ],
            [
                -0.658_015, 0.538_002, 0.573_922, -0.048_692, -0.451_449, -0.370_190, 0.079_787, -0.245_094,
                0.296_856, -0.131_549,
            ],
            [
                0.856_949, -0.218_284, 0.081_642, 0.633_817, 0.233_571, 0.528_617, -0.060_236, 0.154_299,
                -0.210_217, 0.116_153,
            ],
            [
                -0.056_011, 0.106_075, -0.798_087, -0.199_294, 0.532_015, 0.144_350, -0.325_231, -0.075_055,
                0.223_715, 0.176_571,
            ],
        ],
        intercepts: [1.355_744, -0.565_998, -0.095_696, -0.694_050],
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

    fn default_posterior(label: Regime, measures: [f64; 6]) -> [f64; 4] {
        let mut features = [0.0; PosteriorModel::FEATURES];
        features[..6].copy_from_slice(&measures);
        features[6..].copy_from_slice(&one_hot(label));
        PosteriorModel::DEFAULT.posterior(&features)
    }

    #[test]
    fn the_default_agrees_with_the_label_where_measures_are_clear() {
        let measures = [
            (Regime::Ranging, [-0.6, 0.2, 0.1, 0.1, -0.6, -0.6]),
            (Regime::Trending, [-0.6, 1.9, 2.0, 2.0, -0.6, -0.6]),
            (Regime::Volatile, [0.5, 0.4, 0.8, 0.8, 0.5, 0.5]),
        ];
        for (regime, measures) in measures {
            let posterior = default_posterior(regime, measures);
            assert!(posterior[regime.index()] > 0.5, "{regime:?}: {posterior:?}");
        }
        // The rising years it was fitted on knew few crises: a wild fall is likelier volatile to it, but no other
        // measure makes a crisis nearly as likely.
        let wild = |drift: f64| default_posterior(Regime::Crisis, [0.6, 0.9, drift, 2.5, 0.6, 0.6])[3];
        assert!(wild(-2.5) > 0.25 && wild(-2.5) > 8.0 * wild(2.5));
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
