//! Whoever answers the core's questions, and how long an answer travels in simulated time.

use engine_core::conductor::Question;
use engine_core::event::Input;
use engine_core::time::{Span, Timestamp};
use engine_runtime::conductor::Conductor;
use replay_history::market_source::MarketSource;

use super::SimEnvironment;
use super::message_queue::Message;

/// A conductor and the time between its question and its answer.
pub(super) struct DelayedConductor {
    conductor: Box<dyn Conductor>,
    delay: Span,
}

impl core::fmt::Debug for DelayedConductor {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("DelayedConductor").field("delay", &self.delay).finish_non_exhaustive()
    }
}

impl DelayedConductor {
    pub(super) const fn new(conductor: Box<dyn Conductor>, delay: Span) -> Self {
        Self { conductor, delay }
    }

    /// How inference is set up, as the input that a session begins with.
    pub(super) fn setup(&self) -> Input {
        Input::Inference(Box::new(self.conductor.setup()))
    }
}

impl<S: MarketSource> SimEnvironment<S> {
    /// Asks the conductor; a run without one leaves the question unanswered, and the core gives it up in time.
    pub(super) fn consult(&mut self, at: Timestamp, question: &Question) {
        let Some(delayed) = &mut self.conductor else { return };
        let decision = delayed.conductor.answer(question);
        let due = at.plus(delayed.delay);
        self.messages.send(due, Message::Tell(Box::new(Input::Conductor(Box::new(decision)))));
    }
}
