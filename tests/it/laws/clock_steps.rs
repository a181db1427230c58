//! Runs on real time whose wall clock is set, or whose machine sleeps: nothing is concluded from time that nobody saw.

use engine_core::bars::BarRule;
use engine_core::envelope::Envelope;
use engine_core::event::{ClockStep, Event, Input, Output};
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::instrument::InstrumentId;
use engine_core::time::{Span, Timestamp};

use super::living::{End, LIVE_MODELS, ScriptedFeed, coming, live, played_again, until_its_data_ends};
use super::{Case, cases, loose, samples};

/// What a feed tells of `case` where an hour is passed over in the middle: as a step of the clock that `is_told`, or without
/// a word.
fn with_a_step(case: &Case, is_told: bool) -> Vec<(Timestamp, Input)> {
    let mut coming = coming(case);
    let mut behind = coming.split_off(coming.len() / 2);
    let Some((at, _)) = coming.last().cloned() else { return behind };
    behind.iter_mut().for_each(|(at, _)| *at = at.plus(Span::HOUR));
    if is_told {
        coming.push((at, Input::Clock(ClockStep { by: Span::HOUR, followed: Span::HOUR })));
        let back_at = behind.first().map_or(at, |(at, _)| *at);
        coming.extend((0..case.instruments).map(|number| {
            let (instrument, condition) = (InstrumentId::new(number), FeedCondition::Connected);
            (back_at, Input::Feed(FeedStatus { instrument, condition }))
        }));
    }
    coming.extend(behind);
    coming
}

/// Bars that closed, and orders that were made, by anything but a market record or a report, once the hour was passed over.
fn concluded(envelopes: &[Envelope], from: Timestamp) -> usize {
    let mut by_time = false;
    let mut count = 0;
    for envelope in envelopes.iter().filter(|envelope| envelope.at >= from) {
        match &envelope.event {
            Event::Input(input) => {
                by_time = matches!(input, Input::Clock(_) | Input::Feed(_) | Input::Deadline);
                if matches!(input, Input::Market(_)) && envelope.at > from {
                    break;
                }
            }
            Event::Output(Output::BarClosed(_) | Output::OrderSubmitted(_)) => count += usize::from(by_time),
            Event::Output(_) => {}
        }
    }
    count
}

#[test]
fn an_hour_that_is_passed_over_closes_no_bar_and_makes_no_order() {
    let built = |case: &Case| matches!(case.bars, Some(BarRule::Time(_)));
    let (mut steps, mut unheeded) = (0, 0);
    for case in samples(cases(&LIVE_MODELS)).into_iter().filter(built).map(until_its_data_ends) {
        let case = Case { limits: loose(), answers_take: None, ..case };
        let half = coming(&case).len() / 2;
        let Some(from) = half.checked_sub(1).and_then(|place| coming(&case).get(place).map(|(at, _)| *at))
        else {
            continue;
        };
        let ran = |is_told| {
            let feed = ScriptedFeed::new(with_a_step(&case, is_told), End::Interrupted, Span::ZERO);
            live(&case, None, feed, case.instruments).envelopes
        };
        let told = ran(true);
        let is_step = |envelope: &&Envelope| matches!(envelope.event, Event::Input(Input::Clock(_)));
        let step = told.iter().find(is_step).unwrap();
        assert_eq!(concluded(&told, step.at), 0, "{case:?}");
        steps += 1;
        let report = played_again(&case, &told);
        assert_eq!((report.difference, report.events), (None, told.len() as u64), "{case:?}");
        unheeded += usize::from(concluded(&ran(false), from) > 0);
    }
    assert!(steps > 20 && unheeded * 4 > steps, "{unheeded} of {steps} would have concluded something");
}
