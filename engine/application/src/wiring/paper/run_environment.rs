//! The environment of a run on real time: a simulated venue behind live prices, or a real one.

use engine_core::effect::Effect;
use engine_core::event::Manifest;
use engine_core::knowledge::{Forgotten, Knowledge};
use engine_core::time::{Span, Timestamp};
use engine_runtime::conductor::Conductor;
use engine_runtime::order_route::OrderRoute;
use engine_runtime::ports::{EffectFailure, Environment, EnvironmentError, Inlet, Stamped};
use journal_store::run::Envelopes;
use replay_replayer::recorded_inputs::RecordedInputs;
use replay_simulation::config::BacktestConfig;
use replay_simulation::live_environment::LiveEnvironment;
use replay_simulation::sim_environment::SimEnvironment;

use super::LiveSource;
use crate::config::RunSettings;
use crate::wiring::conductor::conductor;
use crate::wiring::error::ApplicationError;

/// Where real orders go, and the way back from there.
pub(super) struct Route {
    pub(super) route: Box<dyn OrderRoute>,
    pub(super) inlet: Inlet,
    /// The way of what a person says of the account.
    pub(super) person: Inlet,
}

type Source = LiveSource<Envelopes>;

/// The environment of a run on real time.
#[derive(Debug)]
pub(super) enum RunEnvironment {
    /// Orders go to a simulated venue.
    Simulated(Box<SimEnvironment<Source>>),
    /// Orders go to a real one.
    Real(Box<LiveEnvironment<Source>>),
}

impl RunEnvironment {
    /// A simulated venue behind `source`, with whoever answers questions. A model may be slow, so it is asked outside of the
    /// loop; a rule is not, and answers in it as in a backtest.
    ///
    /// # Errors
    /// [`ApplicationError`] where the conductor cannot be used.
    pub(super) fn simulated(
        source: Source,
        settings: &RunSettings,
        config: &BacktestConfig,
        manifest: Manifest,
    ) -> Result<Self, ApplicationError> {
        let environment = match conductor(settings)? {
            None => SimEnvironment::new(source, config, manifest),
            Some((conductor, delay)) if !settings.is_conducted_by_a_model() => {
                SimEnvironment::new(source, config, manifest).conducted_by(conductor, delay)
            }
            Some(conductor) => {
                let source = asked_outside(source, conductor)?;
                let setup = source.inference().cloned();
                let environment = SimEnvironment::new(source, config, manifest);
                match setup {
                    Some(setup) => environment.conducted_outside(setup),
                    None => environment,
                }
            }
        };
        Ok(Self::Simulated(Box::new(environment)))
    }

    /// A real venue at the end of `route` behind `source`, with whoever answers questions outside of the loop.
    ///
    /// # Errors
    /// [`ApplicationError`] where the conductor cannot be used.
    pub(super) fn real(
        source: Source,
        settings: &RunSettings,
        manifest: Manifest,
        (route, inlet): (Box<dyn OrderRoute>, Inlet),
    ) -> Result<Self, ApplicationError> {
        let source = match conductor(settings)? {
            Some(conductor) => asked_outside(source, conductor)?,
            None => source,
        };
        let setup = source.inference().cloned();
        let environment = LiveEnvironment::new(source, manifest).over(route, inlet);
        Ok(Self::Real(Box::new(match setup {
            Some(setup) => environment.conducted_outside(setup),
            None => environment,
        })))
    }

    /// Plays what was `recorded` before anything of now.
    pub(super) fn play_first(&mut self, recorded: RecordedInputs<Envelopes>) {
        match self {
            Self::Simulated(environment) => environment.source_mut().play_first(recorded),
            Self::Real(environment) => environment.source_mut().play_first(recorded.with_reports()),
        }
    }

    /// Goes on from where another one wrote down what it knew.
    ///
    /// # Errors
    /// [`Forgotten`]; this environment is then as it was.
    pub(super) fn take_up(&mut self, knowledge: &Knowledge) -> Result<(), Forgotten> {
        match self {
            Self::Simulated(environment) => environment.take_up(knowledge),
            Self::Real(environment) => environment.take_up(knowledge),
        }
    }
}

/// `source` with `conductor` to ask outside of the loop; how long it takes is how long it takes.
fn asked_outside(
    source: Source,
    (conductor, _): (Box<dyn Conductor>, Span),
) -> Result<Source, ApplicationError> {
    source.conducted_by(conductor).map_err(|error| {
        ApplicationError::Request(format!("begin a thread for the model of the conductor: {error}"))
    })
}

impl Environment for RunEnvironment {
    fn next(&mut self, until: Option<Timestamp>) -> Result<Option<&Stamped>, EnvironmentError> {
        match self {
            Self::Simulated(environment) => environment.next(until),
            Self::Real(environment) => environment.next(until),
        }
    }

    fn perform(&mut self, at: Timestamp, effect: Effect) -> Result<(), EffectFailure> {
        match self {
            Self::Simulated(environment) => environment.perform(at, effect),
            Self::Real(environment) => environment.perform(at, effect),
        }
    }

    fn snapshot(&self) -> Option<Knowledge> {
        match self {
            Self::Simulated(environment) => environment.snapshot(),
            Self::Real(environment) => environment.snapshot(),
        }
    }
}
