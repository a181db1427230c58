//! The loop, complete.

use engine_core::effect::Effect;
use engine_core::envelope::Seq;
use engine_core::event::{Event, Output};
use engine_core::machine::{Core, Step};
use engine_core::time::Timestamp;

use crate::ports::{Environment, EnvironmentError, Journal, JournalError, Origin, Stamped};

/// When the journal is made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Before every effect: nothing leaves the house before its event is on disk.
    BeforeEffects,
    /// Once, at the end. Only for a backtest, whose effects reach nobody and which can be made again.
    AtEnd,
}

/// Sees every input and what follows from it; for statistics and progress, never for
/// decisions.
pub trait Observer {
    /// One input with its outputs, and the core as it stands after them.
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]);

    /// Everything up to event `last` has been recorded, and `core` stands right after it.
    ///
    /// # Errors
    /// What keeping a snapshot of it may meet; the run ends then.
    fn recorded(&mut self, core: &Core, last: Seq) -> Result<(), JournalError> {
        let _ = (core, last);
        Ok(())
    }
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
    let keeps_ticks = journal.keeps_ticks();
    let mut last = 0;
    while let Some(stamped) = environment.next(core.deadline())? {
        let Stamped { at, event, origin } = stamped;
        let outputs = core.decide(*at, event);
        observer.observe(core, *at, event, &outputs);
        let is_kept = keeps_ticks || *origin == Origin::Own;
        if outputs.is_empty() && !is_kept {
            continue;
        }
        if let Event::Input(input) = event {
            last += u64::from(is_kept) + outputs.len() as u64;
            let (origin, step) = (*origin, Step { at: *at, input: input.clone(), outputs });
            record(core, environment, journal, policy, origin, step)?;
            observer.recorded(core, Seq::new(last))?;
        }
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
    step: Step,
) -> Result<(), RunError> {
    let at = step.at;
    let effects: Vec<Effect> = step.outputs.iter().filter_map(Effect::of).collect();
    journal.append(origin, core.state().ticks(), step)?;
    if !effects.is_empty() && policy == SyncPolicy::BeforeEffects {
        journal.sync()?;
    }
    for effect in effects {
        environment.perform(at, effect)?;
    }
    Ok(())
}
