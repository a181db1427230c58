//! How little of a run is read to answer from its middle: a bound on pages, not on time.

use engine_core::envelope::Seq;
use engine_core::machine::CoreSnapshot;
use engine_core::mark::MarkRule;
use engine_core::num::{Money, Ratio};
use engine_core::state::{Opening, State};
use engine_core::time::Timestamp;

use super::{Closing, RunJournal, RunOptions, RunReader};
use crate::sample::{Sampler, append_all, append_closed};
use crate::snapshot::{self, Snapshot};

fn closed_run(dir: &std::path::Path) -> RunReader {
    let options = RunOptions { page_bytes: 512, ..RunOptions::default() };
    let mut journal = RunJournal::create(dir, options).unwrap();
    let calls = Sampler::calls(7, 4_000);
    append_all(&mut journal, &calls);
    append_closed(&mut journal, &calls);
    journal.close(Closing::default()).unwrap();
    let reader = RunReader::open(dir).unwrap();
    assert!(reader.page_count() > 500, "{} pages", reader.page_count());
    reader
}

#[test]
fn opening_a_closed_run_and_reading_from_any_event_reads_a_page_each() {
    let dir = tempfile::tempdir().unwrap();
    let reader = closed_run(&dir.path().join("run"));
    // Its last page says whether it was closed as planned, its first what it is made of.
    assert_eq!(reader.pages_read(), 2);
    for seq in [1, reader.head().count / 2, reader.head().count] {
        let before = reader.pages_read();
        let first = reader.envelopes(Seq::new(seq)).unwrap().next().unwrap().unwrap();
        assert_eq!((first.seq.number(), reader.pages_read() - before), (seq, 1));
    }
}

#[test]
fn the_last_event_by_a_moment_is_found_without_reading() {
    let dir = tempfile::tempdir().unwrap();
    let reader = closed_run(&dir.path().join("run"));
    let events: Vec<_> = reader.envelopes(Seq::FIRST).unwrap().map(Result::unwrap).collect();
    let before = reader.pages_read();
    for event in events.iter().step_by(37) {
        let found = reader.last_seq_by(event.at);
        let last = events.iter().rev().find(|other| other.at <= event.at).unwrap();
        assert!(found >= last.seq, "{} is known by then, {} was answered", last.seq.number(), found.number());
    }
    assert_eq!(reader.last_seq_by(Timestamp::MAX).number(), reader.head().count);
    assert_eq!(reader.pages_read(), before);
}

#[test]
fn a_snapshot_is_taken_for_its_event_alone_and_costs_a_page() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let reader = closed_run(&run);
    let seq = Seq::new(reader.head().count / 2);
    let event = reader.envelopes(seq).unwrap().next().unwrap().unwrap();
    let opening = Opening {
        instruments: Vec::new(),
        capital: Money::ZERO,
        bars: None,
        drawdown_max: Ratio::ONE,
        mark: MarkRule::Newest,
    };
    let fresh = serde_json::to_value(State::new(opening)).unwrap();
    let put = |at: Timestamp, records_read: u64| {
        let mut document = fresh.clone();
        document["now"] = serde_json::to_value(at).unwrap();
        document["ticks"] = records_read.into();
        let state: State = serde_json::from_value(document).unwrap();
        snapshot::put(&run, &Snapshot { records_read, ..Snapshot::new(seq, CoreSnapshot::of_state(state)) })
            .unwrap();
    };
    let nearest = || {
        let before = reader.pages_read();
        let found = reader.nearest_snapshot(Seq::new(reader.head().count)).unwrap();
        assert_eq!(reader.pages_read() - before, 1);
        found.map(|found| found.seq)
    };
    put(event.at, event.records_read);
    assert_eq!(nearest(), Some(seq));
    put(event.at, event.records_read + 1);
    assert_eq!(nearest(), None);
    put(Timestamp::from_nanos(event.at.nanos() + 1), event.records_read);
    assert_eq!(nearest(), None);
}
