//! A run made anew, each step compared with its record instead of being written down.

use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Output};
use engine_core::machine::{Core, CoreSnapshot};
use engine_core::time::Timestamp;
use engine_runtime::ports::{Environment, JournalError};
use engine_runtime::runner::{Observer, RunError, SyncPolicy, run};

use super::comparison::{Comparison, stopped};
use super::{About, CheckReport, Difference, ReplayError};

/// A run as it stands before it is played again.
pub(crate) struct Played<E> {
    pub(crate) core: Core,
    pub(crate) environment: E,
    /// The last event before.
    pub(crate) behind: Seq,
}

impl<E: Environment> Played<E> {
    /// Compares the run with `record`, and what it comes to with the states that were `kept`.
    ///
    /// # Errors
    /// [`ReplayError`] when run or data cannot be read; a difference is a verdict, not an error.
    pub(crate) fn again<R, K>(self, mut record: Comparison<R>, kept: K) -> Result<CheckReport, ReplayError>
    where
        R: Iterator<Item = Result<Envelope, JournalError>>,
        K: Iterator<Item = Result<(Seq, CoreSnapshot), JournalError>>,
    {
        let Self { mut core, mut environment, behind } = self;
        let read_before = core.state().records_read();
        let mut states = KeptStates { kept: kept.peekable(), difference: None, error: None };
        let played = run(&mut core, &mut environment, &mut record, &mut states, SyncPolicy::AtEnd);
        if let Some(error) = record.error.take().or(states.error.take()) {
            return Err(error.into());
        }
        let records_read = core.state().records_read().saturating_sub(read_before);
        let found = record.difference.take().or(states.difference.take());
        let difference = match (found, played) {
            (Some(difference), _) => Some(difference),
            (None, Ok(())) => match record.left_over(&core)? {
                Some(more) => Some(more),
                None => states.left_over()?,
            },
            // The record was cut short: all of it is as it must be, and more would have followed.
            (None, Err(RunError::Journal(JournalError::Poisoned { .. }))) if record.ended => None,
            (None, Err(RunError::Journal(error))) => return Err(error.into()),
            (None, Err(RunError::Environment(error))) => return Err(error.into()),
        };
        let events = record.events.saturating_sub(behind.number());
        if events == 0 && difference.is_none() {
            return Err(ReplayError::Empty);
        }
        Ok(CheckReport { events, records_read, difference, complete: record.complete, venue: false })
    }
}

/// Compares the states that were kept on the way with those the run comes to again.
struct KeptStates<K: Iterator> {
    kept: std::iter::Peekable<K>,
    difference: Option<Difference>,
    error: Option<JournalError>,
}

impl<K> KeptStates<K>
where
    K: Iterator<Item = Result<(Seq, CoreSnapshot), JournalError>>,
{
    fn differs(seq: Seq, at: Timestamp) -> Difference {
        let (recorded, recomputed) = (Vec::new(), Vec::new());
        Difference { seq: seq.number(), at, cause: None, about: About::State, recorded, recomputed }
    }

    /// A state kept for an event that no step of the run ends with.
    fn left_over(&mut self) -> Result<Option<Difference>, JournalError> {
        let left = self.kept.next().transpose()?;
        Ok(left.map(|(seq, kept)| Self::differs(seq, kept.state.now())))
    }
}

impl<K> Observer for KeptStates<K>
where
    K: Iterator<Item = Result<(Seq, CoreSnapshot), JournalError>>,
{
    fn observe(&mut self, _core: &Core, _at: Timestamp, _event: &Event, _outputs: &[Output]) {}

    fn recorded(&mut self, core: &Core, last: Seq) -> Result<(), JournalError> {
        let due = |kept: &Result<(Seq, CoreSnapshot), JournalError>| match kept {
            Ok((seq, _)) => *seq <= last,
            Err(_) => true,
        };
        while let Some(kept) = self.kept.next_if(due) {
            match kept {
                Ok((seq, kept)) if seq == last && is_as_kept(core, &kept) => {}
                Ok((seq, _)) => {
                    self.difference = Some(Self::differs(seq, core.state().now()));
                    return Err(stopped());
                }
                Err(error) => {
                    self.error = Some(error);
                    return Err(stopped());
                }
            }
        }
        Ok(())
    }
}

/// Whether `core` is what was kept: its state, and what watch and strategy know, where that was kept too.
fn is_as_kept(core: &Core, kept: &CoreSnapshot) -> bool {
    if kept.state != *core.state() {
        return false;
    }
    let now = core.snapshot();
    (kept.watch.is_none() || kept.watch == now.watch)
        && (kept.strategy.is_none() || kept.strategy == now.strategy)
}
