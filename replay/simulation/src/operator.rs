//! The operator of a run, who may end it before its data ends.
//!
//! Asked before every input, so that a run ends with the next input, however long its pages and however slow its model
//! are; where a bar fills orders or orders wait for the other bars of a moment, right behind those bars. The end is an input like any other; a run that is played again ends after the same input.

use engine_core::effect::Effect;
use engine_core::event::{Event, Input, SessionMark};
use engine_core::time::Timestamp;
use engine_runtime::interruption::Interruption;
use engine_runtime::ports::{EffectFailure, Environment, EnvironmentError, Origin, Stamped};

use crate::sim_environment::SimEnvironment;
use replay_history::market_source::MarketSource;

/// When the operator ends the run, if at all.
#[derive(Debug, Clone)]
pub enum Operator {
    /// As soon as it is asked for.
    Listening(Interruption),
    /// After so many inputs, as a record says.
    Recorded {
        /// Inputs of every kind before the end, market records among them.
        inputs: u64,
    },
}

impl Default for Operator {
    /// Nobody ends the run.
    fn default() -> Self {
        Self::Listening(Interruption::default())
    }
}

impl Operator {
    /// Whether the run ends once it has had so many inputs.
    #[must_use]
    #[inline]
    pub fn ends_after(&self, inputs: u64) -> bool {
        match self {
            Self::Listening(interruption) => interruption.is_asked_for(),
            Self::Recorded { inputs: wanted } => inputs >= *wanted,
        }
    }
}

/// The environment of a backtest whose operator may end it. Once its data has ended it closes as planned, whatever the
/// operator asks for.
#[derive(Debug)]
pub struct OperatedEnvironment<S> {
    environment: SimEnvironment<S>,
    operator: Operator,
    inputs: u64,
    /// The input that ended the run early.
    end: Option<Stamped>,
}

impl<S: MarketSource> OperatedEnvironment<S> {
    /// `environment`, ended early by `operator`.
    #[must_use]
    pub const fn new(environment: SimEnvironment<S>, operator: Operator) -> Self {
        Self { environment, operator, inputs: 0, end: None }
    }

    /// When the operator ended the run, if that came before the end of its data.
    #[must_use]
    pub fn interrupted_at(&self) -> Option<Timestamp> {
        self.end.as_ref().map(|end| end.at)
    }

    #[cold]
    fn interrupt(&mut self) -> Option<&Stamped> {
        if self.end.is_some() {
            return None;
        }
        let event = Event::Input(Input::Session(SessionMark::Interrupted));
        Some(self.end.insert(Stamped { at: self.environment.now(), event, origin: Origin::Own }))
    }
}

impl<S: MarketSource> Environment for OperatedEnvironment<S> {
    #[inline]
    fn next(&mut self, until: Option<Timestamp>) -> Result<Option<&Stamped>, EnvironmentError> {
        if self.operator.ends_after(self.inputs) && self.environment.can_be_interrupted() {
            return Ok(self.interrupt());
        }
        self.inputs += 1;
        self.environment.next(until)
    }

    fn perform(&mut self, at: Timestamp, effect: Effect) -> Result<(), EffectFailure> {
        self.environment.perform(at, effect)
    }
}
