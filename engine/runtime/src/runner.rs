//! The loop, complete.

use std::collections::VecDeque;

use engine_core::effect::Effect;
use engine_core::envelope::Seq;
use engine_core::event::{Event, FailedEffect, Input, Output};
use engine_core::knowledge::Knowledge;
use engine_core::machine::{Core, Step};
use engine_core::time::Timestamp;

use crate::ports::{EffectFailure, Environment, EnvironmentError, Journal, JournalError, Origin, Stamped};

/// When the journal is made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncPolicy {
    /// Before every effect that leaves the process: none leaves before its event is on disk.
    BeforeEffects,
    /// Once, at the end. Only for a backtest, whose effects reach nobody and which can be made again.
    AtEnd,
}

/// Sees every input and what follows from it; for statistics and progress, never for
/// decisions.
pub trait Observer {
    /// One input with its outputs, and the core as it stands after them; a trade reported twice is not shown again. What is kept of them has been appended to the
    /// journal before.
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]);

    /// Everything up to event `last` has been recorded, and `core` stands right after it.
    ///
    /// # Errors
    /// What keeping a snapshot of it may meet; the run ends then.
    fn recorded(&mut self, core: &Core, last: Seq) -> Result<(), JournalError> {
        let _ = (core, last);
        Ok(())
    }

    /// Whether everything the run is made of is to be kept after event `last`, which led to `core`. Where a segment of the
    /// journal is full, it is wanted as soon as it can be had.
    fn wants_snapshot(&self, core: &Core, last: Seq, is_segment_full: bool) -> bool {
        let _ = (core, last, is_segment_full);
        false
    }

    /// Keeps everything the run is made of after event `last`, which is durable; for good where a segment of the journal
    /// ends there.
    ///
    /// # Errors
    /// What keeping it may meet; the run ends then.
    fn keep(
        &mut self,
        core: &Core,
        environment: Knowledge,
        last: Seq,
        ends_segment: bool,
    ) -> Result<(), JournalError> {
        let _ = (core, environment, last, ends_segment);
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
/// An effect that fails is an input of its own, decided at the same moment: the core knows what never left.
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
    let keeps_records = journal.keeps_records();
    // A run that is taken up counts on.
    let mut last = journal.head().count;
    while let Some(stamped) = environment.next(core.deadline())? {
        let Stamped { at, event, origin } = stamped;
        let at = *at;
        let is_news = !core.is_repeated(event);
        let outputs = core.decide(at, event);
        let is_kept = keeps_records || matches!(origin, Origin::Own);
        let (Event::Input(input), true) = (event, is_kept || !outputs.is_empty()) else {
            observer.observe(core, at, event, &outputs);
            continue;
        };
        let step = Step { at, input: input.clone(), outputs };
        journal.append(*origin, core.state().records_read(), &step)?;
        if is_news {
            observer.observe(core, at, event, &step.outputs);
        }
        last += u64::from(is_kept) + step.outputs.len() as u64;
        observer.recorded(core, Seq::new(last))?;
        let mut failed = perform(environment, journal, policy, &step)?;
        while let Some(input) = failed.pop_front() {
            let event = Event::Input(input.clone());
            let step = Step { at, outputs: core.decide(at, &event), input };
            journal.append(Origin::Own, core.state().records_read(), &step)?;
            observer.observe(core, at, &event, &step.outputs);
            last += 1 + step.outputs.len() as u64;
            observer.recorded(core, Seq::new(last))?;
            failed.extend(perform(environment, journal, policy, &step)?);
        }
        let is_segment_full = journal.is_segment_full();
        if observer.wants_snapshot(core, Seq::new(last), is_segment_full)
            && let Some(knowledge) = environment.snapshot()
        {
            journal.sync()?;
            observer.keep(core, knowledge, Seq::new(last), is_segment_full)?;
            if is_segment_full {
                journal.end_segment()?;
            }
        }
    }
    journal.sync()?;
    Ok(())
}

/// Performs the effects of a recorded step; answers what the core is to be told of those that failed.
fn perform(
    environment: &mut impl Environment,
    journal: &mut impl Journal,
    policy: SyncPolicy,
    step: &Step,
) -> Result<VecDeque<Input>, RunError> {
    let mut failed = VecDeque::new();
    let mut is_synced = policy == SyncPolicy::AtEnd;
    for effect in step.outputs.iter().filter_map(Effect::of) {
        if !is_synced && effect.leaves_the_process() {
            journal.sync()?;
            is_synced = true;
        }
        let act = effect.failed();
        if let Err(EffectFailure { reason }) = environment.perform(step.at, effect) {
            failed.push_back(Input::EffectFailed(Box::new(FailedEffect { act, reason })));
        }
    }
    Ok(failed)
}
