//! The state of a recorded run as of an event or moment.

use std::path::PathBuf;

use engine_core::envelope::Seq;
use engine_core::time::Timestamp;
use journal_store::snapshot::Snapshot;
use replay_replayer::fold::{Start, Until, fold, skip};
use replay_simulation::series_feed::OpenDatasets;

use super::error::ApplicationError;
use super::recording::Recording;

/// The state as of an event or moment, folded from the nearest snapshot before it; datasets lie in `given`, or where
/// the run noted them.
///
/// # Errors
/// [`ApplicationError::Request`] for an event that the run does not have, and when run or datasets cannot be read.
pub fn state_at(recording: &Recording, until: Until, given: &[PathBuf]) -> Result<Start, ApplicationError> {
    let last = recording.reader.head().count;
    if let Until::Seq(seq) = until
        && (seq == 0 || seq > last)
    {
        return Err(ApplicationError::Request(format!(
            "show the state at event {seq}: the run has events 1 to {last}"
        )));
    }
    if let Until::Seq(seq) = until
        && seq < recording.reader.span_of(None).behind.number()
    {
        // What was dropped, the reader says so of.
        recording.reader.envelopes(Seq::new(seq))?;
    }
    let snapshot = match until {
        Until::Seq(seq) => recording.reader.nearest_snapshot(Seq::new(seq))?,
        Until::Time(moment) => snapshot_before(recording, moment)?,
        Until::End => recording.reader.nearest_snapshot(Seq::new(last))?,
    };
    let start = match snapshot {
        Some(snapshot) => Start { state: snapshot.state, seq: snapshot.seq.number() },
        None => Start { state: recording.opening_state()?, seq: 0 },
    };
    let mut datasets = OpenDatasets::default();
    let mut source = recording.source(given, &mut datasets)?;
    let recorded = recording.reader.envelopes(Seq::new(start.seq + 1))?;
    skip(&mut source, &start.state)?;
    Ok(fold(start, &mut source, recorded, until)?)
}

/// The last snapshot not later than `moment`: snapshots are tried backwards from the last event known then.
fn snapshot_before(recording: &Recording, moment: Timestamp) -> Result<Option<Snapshot>, ApplicationError> {
    let mut seq = recording.reader.last_seq_by(moment);
    while let Some(snapshot) = recording.reader.nearest_snapshot(seq)? {
        if snapshot.state.now() <= moment {
            return Ok(Some(snapshot));
        }
        let Some(before) = snapshot.seq.number().checked_sub(1).filter(|before| *before > 0) else { break };
        seq = Seq::new(before);
    }
    Ok(None)
}
