//! The loop, complete.

use engine_core::effect::Effect;
use engine_core::event::Input;
use engine_core::machine::{Core, Step};

use crate::ports::{Environment, EnvironmentError, Journal, JournalError, Origin, Stamped};

/// When the journal is made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Before every effect: nothing leaves the house before its event is on disk.
    BeforeEffects,
    /// Once, at the end. Only for a backtest, whose effects reach nobody and which can be made again.
    AtEnd,
}

/// Sees every step after it was recorded; for statistics and progress, never for decisions.
pub trait Observer {
    /// One step, with the core as it stands after it.
    fn observe(&mut self, core: &Core, step: &Step);
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The environment failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Runs until the environment ends the session; everything recorded is durable when it returns.
///
/// # Errors
/// [`RunError`] at the first failure of environment or journal; what was synced before stays.
pub fn run(
    core: &mut Core,
    environment: &mut impl Environment,
    journal: &mut impl Journal,
    observer: &mut impl Observer,
    policy: SyncPolicy,
) -> Result<(), RunError> {
    while let Some(Stamped { at, input, origin }) = environment.next(core.deadline())? {
        let step = core.step(at, input);
        let silent = step.outputs.is_empty() && matches!(origin, Origin::Tick(_));
        if !silent {
            record(core, environment, journal, policy, origin, &step)?;
        }
        observer.observe(core, &step);
    }
    journal.sync()?;
    Ok(())
}

fn record(
    core: &Core,
    environment: &mut impl Environment,
    journal: &mut impl Journal,
    policy: SyncPolicy,
    origin: Origin,
    step: &Step,
) -> Result<(), RunError> {
    journal.append(origin, core.state().ticks(), step)?;
    let mut effects = step.outputs.iter().filter_map(Effect::of).peekable();
    if effects.peek().is_some() && policy == SyncPolicy::BeforeEffects {
        journal.sync()?;
    }
    for effect in effects {
        environment.perform(step.at, effect)?;
    }
    Ok(())
}

/// Whether an input is a market record, which a dataset may keep instead of the run.
#[must_use]
pub fn is_market(input: &Input) -> bool {
    matches!(input, Input::Market(_))
}
