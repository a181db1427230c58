//! A feed that is told once and in order, whatever connections break, repeat or leave out.

use engine_core::market::Aggressor;
use engine_core::num::{Price, Qty};
use proptest::prelude::*;

use super::*;

fn trade(number: u64) -> Trade {
    Trade {
        instrument: InstrumentId::new(0),
        venue_at: Timestamp::from_nanos(i64::try_from(number).unwrap() * Span::MILLISECOND.nanos()),
        price: Price::from_units(i64::try_from(number).unwrap()),
        qty: Qty::from(1),
        aggressor: Aggressor::Unknown,
    }
}

fn words(told: &[Input]) -> Vec<String> {
    let word = |input: &Input| match input {
        Input::Feed(status) => format!("{:?}", status.condition),
        Input::Market(MarketUpdate::Trade(trade)) => trade.price.units().to_string(),
        Input::Market(MarketUpdate::Open(open)) => format!("open {}", open.open_at.nanos()),
        Input::Market(MarketUpdate::Bar(bar)) => format!("bar {}", bar.open_at.nanos()),
        Input::Market(MarketUpdate::SignalBar(bar)) => format!("signal {}", bar.open_at.nanos()),
        Input::Market(MarketUpdate::Quote(_))
        | Input::Session(_)
        | Input::Execution(_)
        | Input::Operator(_)
        | Input::Deadline
        | Input::Inference(_)
        | Input::Conductor(_)
        | Input::EffectFailed(_)
        | Input::Clock(_)
        | Input::DataFault(_)
        | Input::Account(_)
        | Input::Listing(_)
        | Input::History(_) => panic!("{input:?}"),
    };
    // What is missing is told beside its gap.
    let is_missing = |input: &&Input| matches!(input, Input::DataFault(_));
    told.iter().filter(|input| !is_missing(input)).map(word).collect()
}

fn played(numbers: &[Option<u64>]) -> Vec<String> {
    let (mut feed, mut told) = (InstrumentFeed::new(InstrumentId::new(0)), Vec::new());
    for number in numbers {
        match number {
            Some(number) => {
                let numbers = TradeNumbers { first: *number, last: *number };
                assert_eq!(feed.trade(numbers, trade(*number), &mut told), None, "nobody can be asked");
            }
            None => feed.lost(&mut told),
        }
    }
    words(&told)
}

#[test]
fn trades_are_told_once_and_a_number_left_out_is_a_gap() {
    assert_eq!(played(&[Some(5), Some(6), Some(6), Some(5)]), ["Connected", "5", "6"]);
    assert_eq!(played(&[Some(5), Some(8), Some(9)]), ["Connected", "5", "Gap", "Connected", "8", "9"]);
}

#[test]
fn trades_of_the_past_are_what_was_missed_once_anything_was_told() {
    let (mut feed, mut told) = (InstrumentFeed::new(InstrumentId::new(0)), Vec::new());
    let numbers = |number| TradeNumbers { first: number, last: number };
    let past = |feed: &mut InstrumentFeed, number, told: &mut Vec<Input>| {
        assert_eq!(feed.past_trade(numbers(number), trade(number), told), None);
    };
    (3..=5).for_each(|number| past(&mut feed, number, &mut told));
    assert_eq!(words(&told), [""; 0], "they are the past of the run");
    feed.trade(numbers(6), trade(6), &mut told);
    feed.lost(&mut told);
    (4..=8).for_each(|number| past(&mut feed, number, &mut told));
    feed.trade(numbers(9), trade(9), &mut told);
    assert_eq!(words(&told), ["Connected", "6", "Lost", "7", "Restored", "8", "9"]);
}

fn numbered(number: u64) -> (TradeNumbers, Trade) {
    (TradeNumbers { first: number, last: number }, trade(number))
}

/// A feed that can ask, what it was told, and what it asked for.
struct Asking {
    feed: InstrumentFeed,
    told: Vec<Input>,
    missing: Option<Missing>,
}

impl Asking {
    fn behind(recent: &[u64]) -> Self {
        let mut feed = InstrumentFeed::new(InstrumentId::new(0));
        feed.asks(&recent.iter().copied().map(trade).collect::<Vec<_>>());
        Self { feed, told: Vec::new(), missing: None }
    }

    fn hears(&mut self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            let (numbers, trade) = numbered(number);
            self.missing = self.feed.trade(numbers, trade, &mut self.told).or(self.missing);
        }
    }

    fn is_answered(&mut self, found: impl IntoIterator<Item = u64>) {
        let before = self.missing.take().unwrap().before;
        self.missing = self.feed.missed(before, found.into_iter().map(numbered).collect(), &mut self.told);
    }

    fn words(&self) -> String {
        words(&self.told).join(" ")
    }
}

#[test]
fn what_a_connection_left_out_is_told_before_what_came_behind_it() {
    let mut asking = Asking::behind(&[]);
    asking.hears([5, 8, 9]);
    let missing = asking.missing.unwrap();
    assert_eq!((missing.after, missing.before), (Some(5), 8));
    asking.hears([10]);
    assert_eq!(asking.words(), "Connected 5 Gap");
    asking.feed.flows(&mut asking.told);
    asking.is_answered([9, 7, 6, 5]);
    asking.hears([11]);
    assert_eq!(asking.words(), "Connected 5 Gap 6 7 8 9 10 Restored 11");
}

#[test]
fn a_hole_behind_one_that_is_asked_about_is_asked_about_next() {
    let mut asking = Asking::behind(&[]);
    asking.hears([5, 8, 9, 12, 14]);
    asking.is_answered([6, 7]);
    assert_eq!(asking.words(), "Connected 5 Gap 6 7 8 9 Restored Gap");
    let missing = asking.missing.unwrap();
    assert_eq!((missing.after, missing.before), (Some(9), 12));
    asking.hears([15]);
    asking.is_answered([10, 11, 12, 13]);
    assert_eq!(asking.words(), "Connected 5 Gap 6 7 8 9 Restored Gap 10 11 12 13 14 15 Restored");
    assert_eq!(asking.missing, None);
    asking.hears([17, 20]);
    asking.is_answered([]);
    assert!(asking.words().ends_with("15 Restored Gap Connected 17 Gap"), "{}", asking.words());
    assert_eq!(asking.missing.unwrap().before, 20);
}

#[test]
fn what_cannot_be_had_stays_a_hole() {
    let mut asking = Asking::behind(&[]);
    asking.hears([5, 9]);
    asking.is_answered([6]);
    assert_eq!(asking.words(), "Connected 5 Gap 6 Connected 9");
    asking.hears([12]);
    asking.is_answered([]);
    assert_eq!(asking.words(), "Connected 5 Gap 6 Connected 9 Gap Connected 12");
}

#[test]
fn a_break_while_an_answer_is_awaited_loses_nothing() {
    let mut asking = Asking::behind(&[]);
    asking.hears([5, 8]);
    let earlier = asking.missing.take().unwrap();
    asking.feed.lost(&mut asking.told);
    let late = asking.feed.missed(earlier.before, vec![numbered(6), numbered(7)], &mut asking.told);
    assert_eq!(late, None);
    asking.hears([11]);
    // The answer to the question of before is none to this one.
    let late = asking.feed.missed(earlier.before, vec![numbered(6), numbered(7)], &mut asking.told);
    assert_eq!(late, None);
    asking.is_answered(6..=10);
    assert_eq!(asking.words(), "Connected 5 Gap 6 7 8 9 10 11 Restored");
}

#[test]
fn a_run_that_is_taken_up_is_told_what_it_missed_while_it_was_not_there() {
    let mut asking = Asking::behind(&[3, 4, 5]);
    asking.hears([9]);
    assert_eq!(asking.missing.unwrap().after, None);
    asking.is_answered(1..=8);
    assert_eq!(asking.words(), "6 7 8 9 Restored");

    let mut asking = Asking::behind(&[3, 4, 5]);
    asking.hears([4, 5, 6]);
    asking.is_answered(1..=5);
    assert_eq!(asking.words(), "6 Restored", "what it was told is not told again");

    let mut asking = Asking::behind(&[3, 4, 5]);
    asking.hears([9]);
    asking.is_answered(6..=8);
    assert_eq!(asking.words(), "Connected 9", "its place is not found: nobody knows what is missing");

    let mut asking = Asking::behind(&[3, 4, 5]);
    asking.hears([1, 2, 3, 4, 5, 6, 9]);
    asking.is_answered([]);
    assert_eq!(
        asking.words(),
        "Connected 6 Gap",
        "what is no later than the last that it was told is no news"
    );
    assert_eq!(asking.missing.map(|missing| missing.after), Some(Some(6)));
}

#[test]
fn a_feed_that_comes_back_says_whether_anything_was_missed() {
    assert_eq!(
        played(&[Some(5), None, None, Some(6), Some(7)]),
        ["Connected", "5", "Lost", "6", "Restored", "7"]
    );
    assert_eq!(played(&[Some(5), None, Some(7)]), ["Connected", "5", "Lost", "Connected", "7"]);
    assert_eq!(played(&[None, Some(7)]), ["Connected", "7"], "it was lost from the beginning");
}

#[test]
fn an_open_is_told_with_the_first_word_of_its_bar_and_a_bar_when_it_is_closed() {
    let bar = |open_at: i64| Bar {
        instrument: InstrumentId::new(0),
        open_at: Timestamp::from_nanos(open_at),
        close_at: Timestamp::from_nanos(open_at + 10),
        open: Price::from_units(1),
        high: Price::from_units(1),
        low: Price::from_units(1),
        close: Price::from_units(2),
        volume: Qty::from(1),
        trades: 1,
    };
    let (mut feed, mut told) = (InstrumentFeed::new(InstrumentId::new(0)), Vec::new());
    for (open_at, is_closed) in
        [(0, false), (0, false), (0, true), (0, true), (10, true), (0, true), (20, false)]
    {
        feed.bar(Timestamp::from_nanos(open_at), bar(open_at), is_closed, &mut told);
    }
    assert_eq!(words(&told), ["Connected", "open 0", "bar 0", "open 10", "bar 10", "open 20"]);
    told.clear();
    let late = Timestamp::from_nanos(30 + fresh_for(Span::ZERO).nanos() + 1);
    feed.bar(late, bar(30), false, &mut told);
    feed.bar(late, bar(30), true, &mut told);
    assert_eq!(words(&told), ["open 30", "bar 30"]);
    let Input::Market(MarketUpdate::Open(open)) = &told[0] else { panic!("{told:?}") };
    assert_eq!(
        open.open,
        Price::from_units(2),
        "an open of long ago is no price to trade at; that of now is"
    );
    told.clear();
    feed.bar(late.plus(fresh_for(Span::ZERO)), bar(40), true, &mut told);
    assert_eq!(words(&told), ["bar 40"], "a bar that is over opens to nobody");
}

#[test]
fn a_bar_beside_ticks_is_told_for_deciding_only_and_has_no_open() {
    let (mut feed, mut told) = (InstrumentFeed::new(InstrumentId::new(0)), Vec::new());
    feed.has_ticks();
    let bar = Bar {
        instrument: InstrumentId::new(0),
        open_at: Timestamp::from_nanos(0),
        close_at: Timestamp::from_nanos(10),
        open: Price::from_units(1),
        high: Price::from_units(1),
        low: Price::from_units(1),
        close: Price::from_units(1),
        volume: Qty::from(1),
        trades: 1,
    };
    feed.bar(bar.open_at, bar, false, &mut told);
    feed.bar(bar.close_at, bar, true, &mut told);
    assert_eq!(words(&told), ["Connected", "signal 0"]);
}

/// Feeds past a collar: what becomes of trades far out.
mod collared;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_two_connections_repeat_each_trade_is_told_once_and_in_order(
        mut numbers in prop::collection::vec(1_u64..60, 1..200), lost_at in 0_usize..200,
    ) {
        // Each connection tells in order; together they overlap.
        numbers.chunks_mut(50).for_each(<[u64]>::sort_unstable);
        let mut steps: Vec<Option<u64>> = numbers.iter().copied().map(Some).collect();
        steps.insert(lost_at.min(steps.len()), None);
        let told = played(&steps);
        let trades: Vec<u64> = told.iter().filter_map(|word| word.parse().ok()).collect();
        prop_assert!(trades.windows(2).all(|pair| pair[0] < pair[1]));
        // Wherever a number is left out between two trades, a gap or a loss was told.
        for pair in told.windows(2) {
            if let (Ok(one), Ok(next)) = (pair[0].parse::<u64>(), pair[1].parse::<u64>()) {
                prop_assert_eq!(next, one + 1);
            }
        }
    }
}
