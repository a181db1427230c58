//! Regimes, questions and answers, in one sentence each.

use engine_core::conductor::{Answerer, ConductorDecision, InferenceSetup, Question};
use engine_core::event::{Gap, RegimeChange};
use journal_store::chain::hex;
use replay_export::degradation;
use strategies::settings::ratio_text;

use super::Numbers;
use engine_application::moment::moment_text;

impl Numbers<'_> {
    pub(super) fn regime_line(&self, change: &RegimeChange) -> String {
        let reading = &change.reading;
        let from = change.from.map_or("nothing known", |regime| regime.name());
        format!(
            "{} {from} -> {}, confidence {:.3}, volatility ratio {:.3}, efficiency {:.3}, drift {:.3}",
            self.symbol(change.instrument),
            reading.regime.name(),
            reading.confidence().get(),
            reading.volatility_ratio.get(),
            reading.efficiency.get(),
            reading.drift.get()
        )
    }

    pub(super) fn gap_line(&self, gap: &Gap) -> String {
        let (after, until) = (moment_text(gap.after), moment_text(gap.until));
        let lasted = gap.until.since(gap.after);
        format!(
            "{} no bars for {lasted}, from {after} to {until}; what is short begins anew where more than half of it is missing",
            self.symbol(gap.instrument)
        )
    }

    pub(super) fn question_line(&self, question: &Question) -> String {
        format!(
            "question {} about {}, {}, {} features",
            question.id.0,
            self.symbol(question.instrument),
            question.regime.name(),
            question.features.values.len()
        )
    }

    pub(super) fn decision_line(&self, decision: &ConductorDecision) -> String {
        let weights: Vec<String> = decision.weights.iter().map(|weight| ratio_text(*weight)).collect();
        let who = match &decision.answered_by {
            Answerer::Rule => "the rule".to_owned(),
            Answerer::Model(hash) => format!("model {}", hex(hash).chars().take(12).collect::<String>()),
            Answerer::Degraded(why) => format!("the rule, because {}", degradation(why)),
        };
        format!(
            "question {} about {}: weights {}, risk scale {}, confidence {}, by {who}",
            decision.question.0,
            self.symbol(decision.instrument),
            weights.join(" "),
            ratio_text(decision.risk_scale),
            ratio_text(decision.confidence)
        )
    }
}

/// How inference was set up.
#[must_use]
pub fn inference_line(setup: &InferenceSetup) -> String {
    let model = setup.model.map_or_else(String::new, |hash| format!(", model {}", hex(&hash)));
    let library = if setup.library.is_empty() { String::new() } else { format!(", {}", setup.library) };
    let why = if setup.reason.is_empty() { String::new() } else { format!(" because {}", setup.reason) };
    format!("inference asked for {}, runs on {}{why}{library}{model}", setup.wanted, setup.running)
}
