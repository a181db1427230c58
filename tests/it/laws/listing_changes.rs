//! Runs on real time whose venue changes its rules: they go on by the new ones, killed or not, and play again.

use engine_core::event::{Event, Execution, Input, ListingChange, Output, RejectReason};
use engine_core::instrument::InstrumentId;
use engine_core::listing::TradingStatus;
use engine_core::num::{Money, Price, Qty};
use engine_core::refusal::Refusal;
use engine_core::time::{Span, Timestamp};

use super::living::{End, LIVE_MODELS, ScriptedFeed, coming, live, played_again, until_its_data_ends};
use super::{Case, cases, samples};

const STATUSES: [TradingStatus; 4] =
    [TradingStatus::Halted, TradingStatus::Trading, TradingStatus::Restricted, TradingStatus::Trading];

/// What a feed tells of `case`, with another status and other steps behind each forty inputs.
fn with_changes(case: &Case) -> Vec<(Timestamp, Input)> {
    let (mut told, markets) = (Vec::new(), usize::from(case.instruments));
    for (place, (at, input)) in coming(case).into_iter().enumerate() {
        told.push((at, input));
        if place % 40 == 39 {
            let turn = place / 40;
            let change = ListingChange {
                instrument: InstrumentId::new(u16::try_from(turn % markets).unwrap()),
                tick: Price::from_units([5, 10, 1][turn % 3]),
                lot: Qty::from_units([2, 20, 1][turn % 3]),
                notional_min: Money::from_units([1, 2, 5][turn % 3] * 10_i128.pow(18)),
                status: STATUSES[turn / markets % 4],
            };
            told.push((at, Input::Listing(Box::new(change))));
        }
    }
    told
}

#[test]
fn a_run_whose_venue_changes_its_rules_goes_on_by_them_and_plays_again() {
    let (mut changes, mut refused, mut rejected) = (0, 0, 0);
    for case in samples(cases(&LIVE_MODELS)).into_iter().map(until_its_data_ends) {
        let case = Case { answers_take: None, ..case };
        let feed = ScriptedFeed::new(with_changes(&case), End::Interrupted, Span::ZERO);
        let envelopes = live(&case, None, feed, case.instruments).envelopes;
        for envelope in &envelopes {
            match &envelope.event {
                Event::Input(Input::Listing(_)) => changes += 1,
                Event::Output(Output::OrderRefused(what)) if what.reason == Refusal::NotTrading => {
                    refused += 1
                }
                Event::Input(Input::Execution(report))
                    if report.execution == Execution::Rejected(RejectReason::NotTrading) =>
                {
                    rejected += 1;
                }
                Event::Input(_) | Event::Output(_) => {}
            }
        }
        let report = played_again(&case, &envelopes);
        assert_eq!((report.difference, report.events), (None, envelopes.len() as u64), "{case:?}");
    }
    assert!(changes > 500 && refused > 50, "{changes} changes, {refused} refused, {rejected} rejected");
}
