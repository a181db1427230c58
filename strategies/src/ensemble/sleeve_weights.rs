//! How the exposures of the sleeves become one signal: weights and a risk scale, by rule or by the conductor.

use engine_core::conductor::ConductorDecision;
use engine_core::num::{RATIO_DECIMALS, Ratio};
use engine_core::regime::Regime;

use super::families::FAMILIES;

/// What a conductor weighs, in the order of its weights: four trend families, then one specialist per regime.
pub const SLEEVES: [&str; 8] =
    ["donchian", "tsmom", "ewmac", "average", "ranging", "trending", "volatile", "crisis"];

/// The risk scale of each regime under the built-in rule, in the order of [`Regime::ALL`].
pub const RULE_SCALES: [f64; 4] = [0.5, 1.0, 0.5, 0.0];

/// A weight for every sleeve and a scale for their sum.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SleeveWeights {
    /// One weight per sleeve, from 0 to 1, together at most 1.
    pub weights: [f64; SLEEVES.len()],
    /// From 0 to 1: exposure can only be lowered.
    pub risk_scale: f64,
}

impl SleeveWeights {
    /// The built-in rule: the four families alike, scaled by the raw regime; too little history for a regime
    /// counts as ranging.
    #[must_use]
    pub fn rule(regime: Option<Regime>) -> Self {
        let mut weights = [0.0; SLEEVES.len()];
        weights[..FAMILIES].fill(1.0 / FAMILIES as f64);
        Self { weights, risk_scale: RULE_SCALES[regime.unwrap_or_default().index()] }
    }

    /// The rule after a missed answer: its weights, with the risk scale at most that of the floor.
    #[must_use]
    pub fn floored(regime: Option<Regime>, floor: Ratio) -> Self {
        let rule = Self::rule(regime);
        Self { risk_scale: rule.risk_scale.min(share(floor)), ..rule }
    }

    /// What the conductor decided; sleeves it has no weight for get none.
    ///
    /// Whatever the decision says, the result is within bounds: weights from 0 to 1 that sum to at most 1, and
    /// a scale from 0 to 1.
    #[must_use]
    pub fn decided(decision: &ConductorDecision) -> Self {
        let mut weights = [0.0; SLEEVES.len()];
        for (weight, given) in weights.iter_mut().zip(&decision.weights) {
            *weight = share(*given);
        }
        let sum: f64 = weights.iter().sum();
        if sum > 1.0 {
            weights = weights.map(|weight| weight / sum);
        }
        Self { weights, risk_scale: share(decision.risk_scale) }
    }

    /// The signal of one asset: the weighed sum of its sleeves' exposures, scaled.
    #[must_use]
    pub fn signal(&self, sleeves: &[f64; SLEEVES.len()]) -> f64 {
        let sum: f64 = self.weights.iter().zip(sleeves).map(|(weight, exposure)| weight * exposure).sum();
        sum * self.risk_scale
    }
}

/// A ratio as a share from 0 to 1.
fn share(ratio: Ratio) -> f64 {
    let share = engine_core::num::Decimal { units: i128::from(ratio.units()), decimals: RATIO_DECIMALS };
    share.to_f64().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use engine_core::conductor::{Answerer, QuestionId};
    use engine_core::instrument::InstrumentId;

    use super::*;

    fn decision(weights: &[i64], scale: i64) -> ConductorDecision {
        ConductorDecision {
            question: QuestionId(1),
            instrument: InstrumentId::new(0),
            weights: weights.iter().map(|units| Ratio::from_units(*units)).collect(),
            risk_scale: Ratio::from_units(scale),
            confidence: Ratio::ONE,
            answered_by: Answerer::Rule,
        }
    }

    #[test]
    fn the_rule_is_the_mean_of_the_families_scaled_by_regime() {
        let sleeves = [1.0, 0.5, 0.5, 0.0, 1.0, 1.0, 1.0, 1.0];
        let signal = |regime| SleeveWeights::rule(regime).signal(&sleeves);
        let (ranging, trending) = (signal(None), signal(Some(Regime::Trending)));
        assert_eq!((ranging, trending, signal(Some(Regime::Crisis))), (0.25, 0.5, 0.0));
        let quarter = decision(&[250_000_000; 4], Ratio::ONE.units());
        assert_eq!(SleeveWeights::decided(&quarter), SleeveWeights::rule(Some(Regime::Trending)));
    }

    #[test]
    fn a_decision_out_of_bounds_is_brought_back_within_them() {
        let wild = SleeveWeights::decided(&decision(&[2_000_000_000, 1_000_000_000, -5], 3_000_000_000));
        assert_eq!((wild.weights[0], wild.weights[1], wild.weights[2]), (0.5, 0.5, 0.0));
        assert!(wild.signal(&[1.0; 8]) <= 1.0);
    }
}
