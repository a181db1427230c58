//! Runs on real time whose data is found faulty: what is said of it is recorded, and changes nothing else.

use engine_core::envelope::{Cause, Envelope};
use engine_core::event::{Event, Input};
use engine_core::time::{Span, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::codec::data_fault;
use super::living::{End, LIVE_MODELS, ScriptedFeed, coming, live, played_again, until_its_data_ends};
use super::{Case, cases, samples};

/// What a feed tells of `case`, with a fault of its data behind each few inputs.
fn with_faults(case: &Case, runner: &mut TestRunner) -> Vec<(Timestamp, Input)> {
    let mut faulty = Vec::new();
    for (place, (at, input)) in coming(case).into_iter().enumerate() {
        faulty.push((at, input));
        if place % 3 == 0 {
            faulty.push((at, data_fault().new_tree(runner).unwrap().current()));
        }
    }
    faulty
}

/// What happened, without the faults, and without numbers of events, which they shift.
fn otherwise(envelopes: &[Envelope]) -> Vec<(Timestamp, u64, bool, &Event)> {
    let told = envelopes.iter().filter(|envelope| !is_fault(envelope));
    told.map(|envelope| {
        let is_record = matches!(envelope.cause, Cause::Record(_));
        (envelope.at, envelope.records_read, is_record, &envelope.event)
    })
    .collect()
}

fn is_fault(envelope: &Envelope) -> bool {
    matches!(envelope.event, Event::Input(Input::DataFault(_)))
}

#[test]
fn what_is_found_wrong_in_data_is_recorded_and_decides_nothing() {
    let mut runner = TestRunner::deterministic();
    let mut faults = 0;
    for case in samples(cases(&LIVE_MODELS)).into_iter().map(until_its_data_ends) {
        let case = Case { answers_take: None, ..case };
        let ran = |coming| {
            let feed = ScriptedFeed::new(coming, End::Interrupted, Span::ZERO);
            live(&case, None, feed, case.instruments).envelopes
        };
        let (plain, faulty) = (ran(coming(&case)), ran(with_faults(&case, &mut runner)));
        faults += faulty.iter().filter(|envelope| is_fault(envelope)).count();
        assert_eq!(otherwise(&faulty), otherwise(&plain), "{case:?}");
        let report = played_again(&case, &faulty);
        assert_eq!((report.difference, report.events), (None, faulty.len() as u64), "{case:?}");
    }
    assert!(faults > 1_000, "{faults} faults");
}
