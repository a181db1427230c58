//! Whoever answers the core's questions: here after a time in simulated time, or outside at whatever time it takes.

use engine_core::conductor::{InferenceSetup, Question};
use engine_core::event::Input;
use engine_core::time::{Span, Timestamp};
use engine_runtime::conductor::Conductor;
use replay_history::market_source::MarketSource;

use super::SimEnvironment;
use super::message_queue::Message;

/// A conductor, and where its answers come from.
pub(super) enum DelayedConductor {
    /// It answers here; this is the time between its question and its answer.
    Here(Box<dyn Conductor>, Span),
    /// The source is asked and tells the answer; inference is set up so.
    Outside(InferenceSetup),
}

impl core::fmt::Debug for DelayedConductor {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Here(_, delay) => out.debug_tuple("Here").field(delay).finish(),
            Self::Outside(setup) => out.debug_tuple("Outside").field(setup).finish(),
        }
    }
}

impl DelayedConductor {
    pub(super) const fn new(conductor: Box<dyn Conductor>, delay: Span) -> Self {
        Self::Here(conductor, delay)
    }

    /// How inference is set up, as the input that a session begins with.
    pub(super) fn setup(&self) -> Input {
        let setup = match self {
            Self::Here(conductor, _) => conductor.setup(),
            Self::Outside(setup) => setup.clone(),
        };
        Input::Inference(Box::new(setup))
    }
}

impl<S: MarketSource> SimEnvironment<S> {
    /// The same environment whose source is asked and tells the answers, set up so.
    #[must_use]
    pub fn conducted_outside(self, setup: InferenceSetup) -> Self {
        Self { conductor: Some(DelayedConductor::Outside(setup)), ..self }
    }

    /// Asks the conductor; a run without one leaves the question unanswered, and the core gives it up in time.
    pub(super) fn consult(&mut self, at: Timestamp, question: &Question) {
        match &mut self.conductor {
            Some(DelayedConductor::Here(conductor, delay)) => {
                let (decision, due) = (conductor.answer(question), at.plus(*delay));
                self.messages.send(due, Message::Tell(Box::new(Input::Conductor(Box::new(decision)))));
            }
            Some(DelayedConductor::Outside(_)) => self.source.ask(at, question),
            None => {}
        }
    }
}
