//! The stages between a closed bar and the strategy: judge the regime, consult the conductor, time it out.

use super::watch::Watch;
use super::{BarsClosed, Core, wakes_strategy};
use crate::conductor::Question;
use crate::event::{Input, MissedAnswer, Output, RegimeChange};
use crate::instrument::InstrumentId;
use crate::time::Timestamp;

impl Core {
    /// Answers the bars that closed in this step and the questions whose time is over. Says whether the strategy
    /// is asked now: not before the conductor has answered, or let its time pass.
    pub(super) fn follow_markets(
        &mut self,
        at: Timestamp,
        input: &Input,
        closed: BarsClosed,
        outputs: &mut Vec<Output>,
    ) -> bool {
        while let Some(instrument) = self.watch.as_mut().and_then(Watch::take_due) {
            self.judge_market(at, instrument, outputs);
        }
        match input {
            Input::Market(update) => {
                wakes_strategy(input, closed) && self.state.pending_question(update.instrument()).is_none()
            }
            Input::Conductor(decision) => self.state.pending_question(decision.instrument).is_none(),
            Input::Deadline => {
                let gave_up = self.time_out(at, outputs);
                let asked = outputs.iter().any(|output| matches!(output, Output::ConductorConsulted(_)));
                gave_up || (closed == BarsClosed::Some && !asked)
            }
            Input::Session(_)
            | Input::Feed(_)
            | Input::Execution(_)
            | Input::Operator(_)
            | Input::EffectFailed(_)
            | Input::Clock(_)
            | Input::DataFault(_)
            | Input::Listing(_)
            | Input::Account(_)
            | Input::History(_)
            | Input::Inference(_) => false,
        }
    }

    /// What a closed bar says about its market: a gap, a change of regime, a question.
    fn judge_market(&mut self, at: Timestamp, instrument: InstrumentId, outputs: &mut Vec<Output>) {
        if let Some(gap) = self.watch.as_ref().and_then(|watch| watch.gap(instrument)) {
            self.conclude(at, Output::GapFound(gap), outputs);
        }
        self.judge_regime(at, instrument, outputs);
        self.consult(at, instrument, outputs);
    }

    fn judge_regime(&mut self, at: Timestamp, instrument: InstrumentId, outputs: &mut Vec<Output>) {
        let Some(reading) = self.watch.as_ref().and_then(|watch| watch.reading(instrument)).copied() else {
            return;
        };
        let from = self.state.regime(instrument).map(|known| known.regime);
        if from != Some(reading.regime) {
            let change = RegimeChange { instrument, from, reading };
            self.conclude(at, Output::RegimeChanged(Box::new(change)), outputs);
        }
    }

    fn consult(&mut self, at: Timestamp, instrument: InstrumentId, outputs: &mut Vec<Output>) {
        let Some(watch) = &self.watch else { return };
        let Some(rule) = watch.conductor else { return };
        let question = Question {
            id: self.state.next_question_id(instrument),
            instrument,
            regime: watch.reading(instrument).map(|reading| reading.raw).unwrap_or_default(),
            features: watch.features(instrument),
            answer_by: at.plus(rule.answer_within),
        };
        self.conclude(at, Output::ConductorConsulted(Box::new(question)), outputs);
    }

    /// Gives up the questions whose time is over.
    fn time_out(&mut self, at: Timestamp, outputs: &mut Vec<Output>) -> bool {
        let Some(rule) = self.watch.as_ref().and_then(|watch| watch.conductor) else { return false };
        let mut missed_any = false;
        while let Some((instrument, question)) = self.state.overdue_question(at) {
            let missed = MissedAnswer { question, instrument, risk_scale: rule.floor };
            self.conclude(at, Output::ConductorMissed(missed), outputs);
            missed_any = true;
        }
        missed_any
    }
}
