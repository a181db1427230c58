//! The port to whoever answers the core's questions, and the rule that always can.

use engine_core::conductor::{Answerer, ConductorDecision, Degradation, InferenceSetup, Question};
use engine_core::num::Ratio;

/// Answers questions. It never fails: where a model cannot be trusted with a question the rule answers, and the
/// answer says so.
pub trait Conductor: Send {
    /// How inference is set up; recorded when a run opens.
    fn setup(&self) -> InferenceSetup;

    /// The answer to one question.
    fn answer(&mut self, question: &Question) -> ConductorDecision;
}

/// The built-in rule: fixed weights, and a risk scale by regime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleConductor {
    /// One weight per specialist, together at most 1.
    pub weights: Vec<Ratio>,
    /// The risk scale of each regime, in the order of `Regime::ALL`.
    pub risk_scales: [Ratio; 4],
}

impl RuleConductor {
    /// Half the risk where a market ranges or is volatile, all of it in a trend, none in a crisis.
    pub const RISK_SCALES: [Ratio; 4] =
        [Ratio::from_units(500_000_000), Ratio::ONE, Ratio::from_units(500_000_000), Ratio::ZERO];

    /// Equal weights for `specialists` specialists; the rest of 1 that does not divide stays unused.
    #[must_use]
    pub fn uniform(specialists: usize) -> Self {
        let share = Ratio::ONE.units() / i64::try_from(specialists.max(1)).unwrap_or(i64::MAX);
        Self { weights: vec![Ratio::from_units(share); specialists], risk_scales: Self::RISK_SCALES }
    }

    /// The rule's answer, given because the model's could not be used.
    #[must_use]
    pub fn degraded(&self, question: &Question, why: Degradation) -> ConductorDecision {
        self.decide(question, Answerer::Degraded(why))
    }

    fn decide(&self, question: &Question, answered_by: Answerer) -> ConductorDecision {
        ConductorDecision {
            question: question.id,
            instrument: question.instrument,
            weights: self.weights.clone(),
            risk_scale: self.risk_scales.get(question.regime.index()).copied().unwrap_or(Ratio::ZERO),
            confidence: Ratio::ONE,
            answered_by,
        }
    }
}

impl Conductor for RuleConductor {
    fn setup(&self) -> InferenceSetup {
        let rule = || "rule".to_owned();
        let (reason, library) = (String::new(), String::new());
        InferenceSetup { model: None, wanted: rule(), running: rule(), reason, library }
    }

    fn answer(&mut self, question: &Question) -> ConductorDecision {
        self.decide(question, Answerer::Rule)
    }
}

#[cfg(test)]
mod tests {
    use engine_core::conductor::QuestionId;
    use engine_core::digest::Digest;
    use engine_core::feature::FeatureVector;
    use engine_core::instrument::InstrumentId;
    use engine_core::regime::Regime;
    use engine_core::time::Timestamp;

    use super::*;

    fn question(regime: Regime) -> Question {
        Question {
            id: QuestionId(7),
            instrument: InstrumentId::new(1),
            regime,
            features: FeatureVector { set: Digest::default(), values: Vec::new() },
            answer_by: Timestamp::MIN,
        }
    }

    #[test]
    fn the_rule_weighs_equally_and_leaves_a_crisis() {
        let mut rule = RuleConductor::uniform(4);
        let calm = rule.answer(&question(Regime::Trending));
        assert_eq!(calm.weights, vec![Ratio::from_units(250_000_000); 4]);
        assert_eq!((calm.risk_scale, calm.answered_by), (Ratio::ONE, Answerer::Rule));
        assert_eq!(rule.answer(&question(Regime::Crisis)).risk_scale, Ratio::ZERO);
        let degraded = rule.degraded(&question(Regime::Ranging), Degradation::NotFinite);
        assert_eq!(degraded.answered_by, Answerer::Degraded(Degradation::NotFinite));
        assert_eq!(degraded.risk_scale, Ratio::from_units(500_000_000));
    }
}
