//! Bars of a minute that a run missed, told once and in order.

use std::sync::{Arc, Mutex};

use engine_core::event::HistorySource;
use engine_core::feed::FeedStatus;
use engine_core::knowledge::Knowledge;
use engine_core::market::{Aggressor, Trade};
use engine_core::num::{Price, Qty};

use super::*;

const MINUTE: i64 = 60;

fn second(second: i64) -> Timestamp {
    Timestamp::from_nanos(second * Span::SECOND.nanos())
}

fn bar(minute: i64) -> Bar {
    let price = Price::from_units(minute + 1);
    Bar {
        instrument: InstrumentId::new(0),
        open_at: second(minute * MINUTE),
        close_at: second((minute + 1) * MINUTE),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Qty::from(1),
        trades: 1,
    }
}

/// A venue that knows every minute that has ended, unless it is down; counts how often it is asked.
#[derive(Default)]
struct Venue {
    down: bool,
    /// Answers that are held back.
    slow: bool,
    asked: u32,
    open: Vec<PastQuestion>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Venue>>);

impl AskPast for Shared {
    fn ask(&mut self, question: PastQuestion) {
        let mut venue = self.0.lock().unwrap();
        venue.asked += 1;
        venue.open.push(question);
    }

    fn answer(&mut self) -> Option<(PastQuestion, Option<Vec<PastBar>>)> {
        let mut venue = self.0.lock().unwrap();
        let question = if venue.slow { None } else { venue.open.pop() }?;
        let first = question.from.nanos().max(0).div_euclid(Span::MINUTE.nanos());
        let last = question.until.nanos().div_euclid(Span::MINUTE.nanos());
        let past = |minute| PastBar { bar: bar(minute), source: HistorySource::Venue };
        Some((question, (!venue.down).then(|| (first..last).map(past).collect())))
    }
}

fn past(own: OwnBars, warmup_bars: u32) -> (PastBars, Arc<Mutex<Venue>>) {
    let venue = Shared::default();
    let rule = PastRule { interval: Span::MINUTE, warmup_bars, own };
    (PastBars::new(rule, 1, Box::new(venue.clone())), venue.0)
}

/// What is told at `now`: minutes of the past, and of bars that count as told by the venue as negative ones.
fn told(past: &mut PastBars, now: i64) -> Vec<i64> {
    let mut minutes = Vec::new();
    past.ask_if_due(second(now));
    while let Some((at, input)) = past.take() {
        assert_eq!(at, second(now));
        if let Input::History(past) = input {
            minutes.push(past.bar.open_at.nanos() / Span::MINUTE.nanos());
        } else if let Input::Market(MarketUpdate::Bar(bar)) = input {
            minutes.push(-(bar.open_at.nanos() / Span::MINUTE.nanos()));
        } else {
            panic!("{input:?}");
        }
    }
    minutes
}

fn feed(condition: FeedCondition) -> Input {
    Input::Feed(FeedStatus { instrument: InstrumentId::new(0), condition })
}

fn trade(at: i64) -> Input {
    Input::Market(MarketUpdate::Trade(Trade {
        instrument: InstrumentId::new(0),
        venue_at: second(at),
        price: Price::from_units(1),
        qty: Qty::from(1),
        aggressor: Aggressor::Unknown,
    }))
}

#[test]
fn a_new_run_learns_as_many_bars_as_it_wants_and_the_one_that_forms_once_it_has_ended() {
    let (mut past, _) = past(OwnBars::Built, 3);
    past.begin(second(10 * MINUTE + 30));
    assert_eq!(told(&mut past, 10 * MINUTE + 30), [7, 8, 9]);
    assert_eq!(past.next_at(), Some(second(11 * MINUTE + 2)));
    past.learn_of(second(10 * MINUTE + 40), &trade(10 * MINUTE + 40));
    assert_eq!(told(&mut past, 11 * MINUTE + 1), [0; 0]);
    assert_eq!(told(&mut past, 11 * MINUTE + 2), [10]);
    assert_eq!(past.next_at(), None);
}

#[test]
fn what_is_asked_for_once_more_waits_for_the_answer_that_is_under_way() {
    let (mut past, venue) = past(OwnBars::Built, 3);
    venue.lock().unwrap().slow = true;
    past.begin(second(630));
    assert_eq!(told(&mut past, 630), [0; 0]);
    past.learn_of(second(640), &feed(FeedCondition::Lost));
    past.learn_of(second(700), &feed(FeedCondition::Restored));
    assert_eq!(told(&mut past, 700), [0; 0]);
    // Whoever is woken at once and can do nothing is woken without end.
    assert!(past.next_at().is_some_and(|next| next > second(700)), "{:?}", past.next_at());
    venue.lock().unwrap().slow = false;
    assert_eq!(told(&mut past, 701), [7, 8, 9]);
    assert_eq!(told(&mut past, 702), [10]);
}

#[test]
fn bars_built_while_data_flowed_are_not_asked_for_and_those_of_a_break_are() {
    let (mut past, venue) = past(OwnBars::Built, 0);
    past.begin(second(0));
    assert_eq!(told(&mut past, 0), [0; 0]);
    for at in [1, 70, 130, 190] {
        past.learn_of(second(at), &trade(at));
        told(&mut past, at);
    }
    past.learn_of(second(200), &feed(FeedCondition::Lost));
    assert_eq!(past.next_at(), None);
    // Minute 3 had begun when the feed broke; minutes 4 and 5 were missed.
    past.learn_of(second(370), &feed(FeedCondition::Connected));
    assert_eq!(told(&mut past, 370), [3, 4, 5]);
    assert_eq!(told(&mut past, 422), [6], "it had begun when the feed came back");
    let asked = venue.lock().unwrap().asked;
    past.learn_of(second(430), &feed(FeedCondition::Lost));
    past.learn_of(second(440), &feed(FeedCondition::Restored));
    assert_eq!((past.next_at(), venue.lock().unwrap().asked), (None, asked), "nothing was missed");
}

#[test]
fn of_bars_the_venue_tells_the_last_one_missed_is_told_late_and_those_before_are_past() {
    let (mut past, _) = past(OwnBars::Streamed, 2);
    past.begin(second(5 * MINUTE));
    assert_eq!(told(&mut past, 5 * MINUTE), [3, 4], "before a run begins everything is past");
    past.learn_of(second(6 * MINUTE), &Input::Market(MarketUpdate::Bar(bar(5))));
    past.learn_of(second(6 * MINUTE + 10), &feed(FeedCondition::Lost));
    past.learn_of(second(9 * MINUTE + 10), &feed(FeedCondition::Connected));
    assert_eq!(told(&mut past, 9 * MINUTE + 10), [6, 7, -8]);
    assert_eq!(told(&mut past, 20 * MINUTE), [0; 0]);
}

#[test]
fn a_bar_that_was_read_as_missing_is_known_when_its_stream_tells_it_too() {
    let (mut past, _) = past(OwnBars::Streamed, 2);
    past.begin(second(5 * MINUTE));
    assert_eq!(told(&mut past, 5 * MINUTE), [3, 4]);
    let streamed = |minute| MarketUpdate::Bar(bar(minute));
    assert!(past.has_told(&streamed(4)) && !past.has_told(&streamed(5)));
    past.learn_of(second(5 * MINUTE + 10), &feed(FeedCondition::Lost));
    past.learn_of(second(6 * MINUTE), &feed(FeedCondition::Connected));
    past.ask_if_due(second(6 * MINUTE));
    assert!(past.has_told(&streamed(5)), "it waits to be told");
    assert_eq!(told(&mut past, 6 * MINUTE), [-5]);
    assert!(past.has_told(&streamed(5)) && !past.has_told(&streamed(6)));
}

#[test]
fn a_venue_that_does_not_answer_is_asked_again() {
    let (mut past, venue) = past(OwnBars::Streamed, 2);
    venue.lock().unwrap().down = true;
    past.begin(second(5 * MINUTE));
    assert_eq!(told(&mut past, 5 * MINUTE), [0; 0]);
    venue.lock().unwrap().down = false;
    assert_eq!(told(&mut past, 5 * MINUTE + 4), [0; 0]);
    assert_eq!(told(&mut past, 5 * MINUTE + 5), [3, 4]);
}

#[test]
fn a_slow_venue_is_asked_once_and_its_answer_taken_when_it_comes() {
    let (mut past, venue) = past(OwnBars::Streamed, 2);
    venue.lock().unwrap().slow = true;
    past.begin(second(5 * MINUTE));
    for tenth in 0..100 {
        past.ask_if_due(second(5 * MINUTE).plus(Span::from_nanos(tenth * 100_000_000)));
        assert!(!past.has_more() && past.next_at().is_some(), "it is looked for");
    }
    assert_eq!(venue.lock().unwrap().asked, 1);
    venue.lock().unwrap().slow = false;
    assert_eq!(told(&mut past, 5 * MINUTE + 20), [3, 4]);
    assert_eq!(past.next_at(), None);
}

#[test]
fn what_was_missing_before_a_bar_that_was_built_whole_is_not_told_behind_it() {
    let (mut past, venue) = past(OwnBars::Built, 3);
    venue.lock().unwrap().slow = true;
    past.begin(second(10 * MINUTE + 30));
    past.learn_of(second(10 * MINUTE + 30), &feed(FeedCondition::Connected));
    // Minute 11 is built whole before the venue answers.
    for at in [10 * MINUTE + 40, 11 * MINUTE + 5, 12 * MINUTE + 5] {
        past.learn_of(second(at), &trade(at));
        assert_eq!(told(&mut past, at), [0; 0]);
    }
    venue.lock().unwrap().slow = false;
    assert_eq!(told(&mut past, 12 * MINUTE + 10), [0; 0]);
    assert_eq!(told(&mut past, 13 * MINUTE + 2), [0; 0]);
}

#[test]
fn a_run_taken_up_asks_for_what_it_missed_and_no_more() {
    let inputs = [
        (30, feed(FeedCondition::Lost)),
        (31, feed(FeedCondition::Connected)),
        (70, trade(70)),
        (130, trade(130)),
        (190, trade(190)),
        (200, feed(FeedCondition::Lost)),
        (370, feed(FeedCondition::Connected)),
        (430, trade(430)),
        (490, trade(490)),
        (550, trade(550)),
    ];
    for kept_after in 0..inputs.len() {
        let (mut first, _) = past(OwnBars::Built, 0);
        for (at, input) in &inputs[..kept_after] {
            first.learn_of(second(*at), input);
        }
        let (mut again, _) = past(OwnBars::Built, 0);
        Knowledge::of(&first).unwrap().recall(&mut again).unwrap();
        for (at, input) in &inputs[kept_after..] {
            again.learn_of(second(*at), input);
        }
        again.learn_of(second(560), &feed(FeedCondition::Lost));
        again.begin(second(740));
        assert_eq!(told(&mut again, 740), [9, 10, 11], "kept after {kept_after}");
    }
}

#[test]
fn bars_without_a_trade_while_data_flowed_are_not_told_when_a_run_is_taken_up() {
    let (mut first, _) = past(OwnBars::Built, 0);
    first.learn_of(second(30), &feed(FeedCondition::Connected));
    first.learn_of(second(70), &trade(70));
    // Nothing is traded in minutes 2 to 4, and the run ends in minute 5.
    first.learn_of(second(310), &feed(FeedCondition::Lost));
    first.begin(second(430));
    assert_eq!(told(&mut first, 430), [5, 6]);
}
