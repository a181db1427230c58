//! Snapshots of a run on real time: all of what it is made of, so that it is taken up without its whole record.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine_core::envelope::Seq;
use engine_core::knowledge::{Forgotten, Knowledge};
use engine_core::machine::Core;
use engine_runtime::commit_gate::CommitGate;
use engine_runtime::ports::JournalError;
use engine_venues::market_venue::Notices;
use journal_store::run::RunReader;
use journal_store::snapshot::{self, EventCounts, Snapshot};
use replay_replayer::recorded_inputs::RecordedInputs;

use super::run_environment::RunEnvironment;
use crate::wiring::error::ApplicationError;

/// How many are kept: the last may be damaged.
const KEPT: usize = 3;

/// Where and how often a run is kept.
#[derive(Debug)]
pub(super) struct LiveSnapshots {
    dir: PathBuf,
    /// Events between two; none are made for zero.
    every: u64,
    next: Option<u64>,
    gate: CommitGate,
    /// Those after the last events of segments, which are kept for good.
    pinned: BTreeSet<Seq>,
}

impl LiveSnapshots {
    /// In `dir`, each `every` events behind the first `recorded` ones, wherever no step is held back by `gate`.
    pub(super) fn new(dir: &Path, every: u64, recorded: u64, gate: CommitGate) -> Self {
        let next = recorded.checked_add(every).filter(|_| every > 0);
        Self { dir: dir.to_path_buf(), every, next, gate, pinned: BTreeSet::new() }
    }

    /// Keeps the one after event `last`, once it is there, for good.
    pub(super) fn pin(&mut self, last: Seq) {
        self.pinned.insert(last);
    }

    pub(super) fn is_due(&self, core: &Core, last: Seq, is_segment_full: bool) -> bool {
        let is_time = is_segment_full || self.next.is_some_and(|next| last.number() >= next);
        is_time && core.state().is_open() && !self.gate.is_held()
    }

    /// Keeps `core` and what its environment knows after event `last`.
    pub(super) fn keep(
        &mut self,
        core: &Core,
        environment: Knowledge,
        counts: EventCounts,
        last: Seq,
    ) -> Result<(), JournalError> {
        self.next = last.number().checked_add(self.every);
        let kept =
            Snapshot { environment: Some(environment), counts, ..Snapshot::new(last, core.snapshot()) };
        snapshot::put(&self.dir, &kept)?;
        snapshot::keep_last(&self.dir, KEPT, &self.pinned)
    }
}

/// Where a run goes on: behind which event, and what had happened by then. A new run goes on behind none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Behind {
    pub(super) last: Seq,
    pub(super) counts: EventCounts,
}

/// Makes `core` and `environment`, which are new, stand as they stood at the last snapshot of the run behind `reader`
/// that holds everything, and lets what was recorded behind it be played again first. Without such a snapshot, all of
/// the record is; `notices` says why one could not be used.
///
/// # Errors
/// [`ApplicationError`] when the run cannot be read.
pub(super) fn take_up(
    reader: &RunReader,
    core: &mut Core,
    environment: &mut RunEnvironment,
    notices: &Notices,
) -> Result<Behind, ApplicationError> {
    let Some(kept) = last_whole(reader)? else {
        environment.play_first(RecordedInputs::new(reader.envelopes(Seq::FIRST)?));
        return Ok(Behind::default());
    };
    let Snapshot { seq, records_read, counts, .. } = kept;
    let at = kept.state.now();
    match stand_as(kept, core, environment) {
        Ok(()) => {
            let rest = reader.envelopes(seq.next())?;
            environment.play_first(RecordedInputs::behind(rest, records_read, at));
            Ok(Behind { last: seq, counts })
        }
        Err(because) => {
            notices(&format!("the snapshot after event {} is not used: {because}", seq.number()));
            environment.play_first(RecordedInputs::new(reader.envelopes(Seq::FIRST)?));
            Ok(Behind::default())
        }
    }
}

/// Both are as new as they were where this fails.
fn stand_as(mut kept: Snapshot, core: &mut Core, environment: &mut RunEnvironment) -> Result<(), Forgotten> {
    let knowledge = kept.environment.take().ok_or(Forgotten::NotKept)?;
    let fresh = core.snapshot();
    core.recall(kept.into_core())?;
    environment.take_up(&knowledge).or_else(|because| core.recall(fresh).and(Err(because)))
}

/// The last snapshot of the run behind `reader` that holds everything.
fn last_whole(reader: &RunReader) -> Result<Option<Snapshot>, JournalError> {
    let mut seq = reader.head().count;
    while let Some(kept) = reader.nearest_snapshot(Seq::new(seq))? {
        if kept.environment.is_some() {
            return Ok(Some(kept));
        }
        let Some(before) = kept.seq.number().checked_sub(1) else { break };
        seq = before;
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
