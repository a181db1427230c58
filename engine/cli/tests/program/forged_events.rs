//! Runs as a forger makes them: whatever events are given, with checksums, links and digests that fit, closed and
//! signed with a key of his own.

use std::path::Path;

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Input};
use engine_core::machine::Step;
use engine_runtime::ports::{Journal as _, Origin};
use journal_store::checkpoint::CheckpointKey;
use journal_store::run::{Closing, RunJournal, RunOptions, RunReader, read_side, write_side};

/// The events of a run.
pub(crate) fn events(dir: &Path) -> Vec<Envelope> {
    RunReader::open(dir).unwrap().envelopes(Seq::FIRST).unwrap().map(Result::unwrap).collect()
}

/// Writes `events` as the run `to`, with the notes that lie beside the run `from`. Numbers and causes are given
/// anew, so that events may be taken out, doubled and moved.
pub(crate) fn write(events: &[Envelope], from: &Path, to: &Path, key: Option<&CheckpointKey>) {
    let options = RunOptions { page_bytes: 2_048, ..RunOptions::default() };
    let mut journal = RunJournal::create(to, options).unwrap();
    for (origin, records_read, step) in steps(events) {
        journal.append(origin, records_read, &step).unwrap();
    }
    journal.close(Closing { core: None, key, signed_at: 1 }).unwrap();
    if let Some(side) = read_side(from).unwrap() {
        write_side(to, &side).unwrap();
    }
}

fn steps(events: &[Envelope]) -> Vec<(Origin, u64, Step)> {
    let mut steps: Vec<(Origin, u64, Step)> = Vec::new();
    let mut before: Option<&Envelope> = None;
    for envelope in events {
        let Envelope { at, records_read, cause, event, .. } = envelope;
        match event {
            Event::Input(input) => {
                let step = Step { at: *at, input: input.clone(), outputs: Vec::new() };
                steps.push((Origin::Own, *records_read, step));
            }
            Event::Output(output) => {
                let same = before.is_some_and(|before| {
                    (before.cause, before.records_read, before.at) == (*cause, *records_read, *at)
                });
                match (steps.last_mut().filter(|_| same), cause) {
                    (Some((_, _, step)), _) => step.outputs.push(output.clone()),
                    (None, Cause::Record(tick)) => {
                        let step = Step { at: *at, input: Input::Deadline, outputs: vec![output.clone()] };
                        steps.push((Origin::Record(*tick), *records_read, step));
                    }
                    // An output that lost its input stands behind one of the forger's.
                    (None, Cause::Event(_)) => {
                        let step = Step { at: *at, input: Input::Deadline, outputs: vec![output.clone()] };
                        steps.push((Origin::Own, *records_read, step));
                    }
                }
            }
        }
        before = Some(envelope);
    }
    steps
}
