//! What the state remembers of regimes, questions and answers, per market.

use crate::conductor::{ConductorDecision, Question, QuestionId};
use crate::event::{Gap, MissedAnswer, RegimeChange};
use crate::instrument::InstrumentId;
use crate::num::Ratio;
use crate::regime::RegimeReading;
use crate::time::Timestamp;

use super::State;

/// Regime, open question and standing answer of one market.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Conduct {
    reading: Option<RegimeReading>,
    asked: u64,
    pending: Option<Pending>,
    decision: Option<ConductorDecision>,
    risk_scale: Option<Ratio>,
}

#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pending {
    question: QuestionId,
    answer_by: Timestamp,
}

impl State {
    /// The reading that named the current regime of `instrument`, once one is on record.
    #[must_use]
    pub fn regime(&self, instrument: InstrumentId) -> Option<&RegimeReading> {
        self.conduct.get(instrument.index())?.reading.as_ref()
    }

    /// The conductor's last answer about `instrument` that came in time; after a missed one its risk scale is
    /// that of the floor.
    #[must_use]
    pub fn decision(&self, instrument: InstrumentId) -> Option<&ConductorDecision> {
        self.conduct.get(instrument.index())?.decision.as_ref()
    }

    /// What the conductor leaves of the risk of `instrument`: the scale of its last answer, no more than the floor
    /// after a missed one. It holds across gaps until the next answer; `None` before the first.
    #[must_use]
    pub fn risk_scale(&self, instrument: InstrumentId) -> Option<Ratio> {
        self.conduct.get(instrument.index())?.risk_scale
    }

    /// The question about `instrument` that waits for its answer.
    #[must_use]
    pub fn pending_question(&self, instrument: InstrumentId) -> Option<QuestionId> {
        self.conduct.get(instrument.index())?.pending.map(|pending| pending.question)
    }

    /// The number the next question about `instrument` gets.
    #[must_use]
    pub fn next_question_id(&self, instrument: InstrumentId) -> QuestionId {
        let asked = self.conduct.get(instrument.index()).map_or(0, |conduct| conduct.asked);
        QuestionId(asked.saturating_add(1))
    }

    /// The earliest moment at which a question counts as missed.
    #[must_use]
    pub(crate) fn answer_deadline(&self) -> Option<Timestamp> {
        self.conduct.iter().filter_map(|conduct| conduct.pending.map(|pending| pending.answer_by)).min()
    }

    /// The first question whose time is over at `at`, with the instrument it is about.
    pub(crate) fn overdue_question(&self, at: Timestamp) -> Option<(InstrumentId, QuestionId)> {
        self.instrument_ids().find_map(|id| {
            let pending = self.conduct.get(id.index())?.pending.filter(|pending| pending.answer_by <= at)?;
            Some((id, pending.question))
        })
    }

    pub(super) fn fold_regime(&mut self, change: &RegimeChange) {
        if let Some(conduct) = self.conduct.get_mut(change.instrument.index()) {
            conduct.reading = Some(change.reading);
        }
    }

    /// What was known of a market before a gap says nothing about it after.
    pub(super) fn fold_gap(&mut self, gap: &Gap) {
        if let Some(conduct) = self.conduct.get_mut(gap.instrument.index()) {
            conduct.reading = None;
            conduct.decision = None;
        }
    }

    pub(super) fn fold_question(&mut self, question: &Question) {
        self.is_conducted = true;
        if let Some(conduct) = self.conduct.get_mut(question.instrument.index()) {
            conduct.asked = question.id.0;
            conduct.pending = Some(Pending { question: question.id, answer_by: question.answer_by });
        }
    }

    /// An answer counts only while its question waits; a late one is on record and changes nothing.
    pub(super) fn fold_decision(&mut self, at: Timestamp, decision: &ConductorDecision) {
        let Some(conduct) = self.conduct.get_mut(decision.instrument.index()) else { return };
        let waits = |pending: Pending| pending.question == decision.question && at <= pending.answer_by;
        if conduct.pending.is_some_and(waits) {
            let decision = lawful(decision);
            conduct.pending = None;
            conduct.risk_scale = Some(decision.risk_scale);
            conduct.decision = Some(decision);
        }
    }

    pub(super) fn fold_missed(&mut self, missed: &MissedAnswer) {
        let Some(conduct) = self.conduct.get_mut(missed.instrument.index()) else { return };
        conduct.pending = None;
        conduct.risk_scale = Some(conduct.risk_scale.unwrap_or(Ratio::ONE).min(missed.risk_scale));
        if let Some(decision) = &mut conduct.decision {
            decision.risk_scale = decision.risk_scale.min(missed.risk_scale);
        }
    }
}

/// The decision as it may act: no weight or scale outside 0 to 1, and no more than everything given out.
fn lawful(decision: &ConductorDecision) -> ConductorDecision {
    let mut left = Ratio::ONE.units();
    let weights = decision.weights.iter().map(|weight| {
        let given = weight.units().clamp(0, left);
        left -= given;
        Ratio::from_units(given)
    });
    ConductorDecision {
        weights: weights.collect(),
        risk_scale: decision.risk_scale.clamp(Ratio::ZERO, Ratio::ONE),
        ..decision.clone()
    }
}
