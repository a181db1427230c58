//! What a venue said of one instrument, told once and in order.

use engine_core::event::Input;
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::instrument::InstrumentId;
use engine_core::market::{Bar, BarOpen, MarketUpdate, Trade};
use engine_core::time::{Span, Timestamp};

/// The feed of one instrument: whether data flows, and how far its trades and bars have come.
///
/// Several connections may tell of one instrument; what was told is not told again. Numbers that are left out are a gap.
#[derive(Debug)]
pub(crate) struct InstrumentFeed {
    instrument: InstrumentId,
    condition: FeedCondition,
    last_trade: Option<u64>,
    /// Whether a trade was told; before, what the venue tells of the past is the past of the run.
    has_told: bool,
    /// The bar that is forming, by the moment it opened.
    opened: Option<Timestamp>,
    closed: Option<Timestamp>,
}

/// An open is a price of now for so long, or for so small a share of its bar: venues push a forming bar every two seconds.
const FRESH: Span = Span::from_nanos(5_000_000_000);
const FRESH_SHARE: i64 = 100;

/// Which trades of a venue one message holds, by the venue's numbers, which grow by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TradeNumbers {
    /// The first trade of the message.
    pub(crate) first: u64,
    /// The last.
    pub(crate) last: u64,
}

impl InstrumentFeed {
    /// A feed that has not begun: it is lost until data flows.
    pub(crate) const fn new(instrument: InstrumentId) -> Self {
        Self {
            instrument,
            condition: FeedCondition::Lost,
            last_trade: None,
            has_told: false,
            opened: None,
            closed: None,
        }
    }

    /// Whose feed it is.
    pub(crate) const fn instrument(&self) -> InstrumentId {
        self.instrument
    }

    fn turn(&mut self, condition: FeedCondition, told: &mut Vec<Input>) {
        self.condition = condition;
        told.push(Input::Feed(FeedStatus { instrument: self.instrument, condition }));
    }

    /// A trade that the venue tells of the past, as it does when a connection begins. What was traded before anything was
    /// told only says where the next one follows; behind a break it is what was missed.
    pub(crate) fn past_trade(&mut self, numbers: TradeNumbers, trade: Trade, told: &mut Vec<Input>) {
        if self.has_told {
            return self.trade(numbers, trade, told);
        }
        self.last_trade = self.last_trade.max(Some(numbers.last));
    }

    /// Data flows.
    pub(crate) fn flows(&mut self, told: &mut Vec<Input>) {
        if !self.condition.is_flowing() {
            self.turn(FeedCondition::Connected, told);
        }
    }

    /// No data flows any more.
    pub(crate) fn lost(&mut self, told: &mut Vec<Input>) {
        if self.condition.is_flowing() {
            self.turn(FeedCondition::Lost, told);
        }
    }

    /// A trade of a venue that numbers its trades.
    ///
    /// The first behind a break says by its number whether any was missed in between.
    pub(crate) fn trade(&mut self, numbers: TradeNumbers, trade: Trade, told: &mut Vec<Input>) {
        if self.last_trade.is_some_and(|last| numbers.last <= last) {
            return;
        }
        let follows = self.last_trade.is_none_or(|last| last.checked_add(1) == Some(numbers.first));
        let is_first = !self.has_told;
        (self.last_trade, self.has_told) = (Some(numbers.last), true);
        let flowing = self.condition.is_flowing();
        if follows && !flowing && !is_first {
            told.push(Input::Market(MarketUpdate::Trade(trade)));
            self.turn(FeedCondition::Restored, told);
            return;
        }
        if !follows && flowing {
            self.turn(FeedCondition::Gap, told);
        }
        self.flows(told);
        told.push(Input::Market(MarketUpdate::Trade(trade)));
    }

    /// A bar as it stands `at` this moment: its open is told with the first word of it, unless that comes too late to be a
    /// price of now; the bar itself once it is closed.
    pub(crate) fn bar(&mut self, at: Timestamp, bar: Bar, is_closed: bool, told: &mut Vec<Input>) {
        if self.closed.is_some_and(|closed| bar.open_at < closed) {
            return;
        }
        self.flows(told);
        if self.opened != Some(bar.open_at) {
            self.opened = Some(bar.open_at);
            let Bar { instrument, open_at, close_at, open, .. } = bar;
            let fresh = Span::from_nanos((close_at.since(open_at).nanos() / FRESH_SHARE).max(FRESH.nanos()));
            if at.since(open_at) <= fresh {
                told.push(Input::Market(MarketUpdate::Open(BarOpen { instrument, open_at, open })));
            }
        }
        if is_closed {
            self.closed = Some(bar.close_at);
            told.push(Input::Market(MarketUpdate::Bar(bar)));
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_core::market::Aggressor;
    use engine_core::num::{Price, Qty};
    use proptest::prelude::*;

    use super::*;

    fn trade(number: u64) -> Trade {
        Trade {
            instrument: InstrumentId::new(0),
            venue_at: Timestamp::MIN,
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
            Input::Market(MarketUpdate::Quote(_))
            | Input::Session(_)
            | Input::Execution(_)
            | Input::Operator(_)
            | Input::Deadline
            | Input::Inference(_)
            | Input::Conductor(_)
            | Input::EffectFailed(_)
            | Input::History(_) => panic!("{input:?}"),
        };
        told.iter().map(word).collect()
    }

    fn played(numbers: &[Option<u64>]) -> Vec<String> {
        let (mut feed, mut told) = (InstrumentFeed::new(InstrumentId::new(0)), Vec::new());
        for number in numbers {
            match number {
                Some(number) => {
                    feed.trade(TradeNumbers { first: *number, last: *number }, trade(*number), &mut told)
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
        (3..=5).for_each(|number| feed.past_trade(numbers(number), trade(number), &mut told));
        assert_eq!(words(&told), [""; 0], "they are the past of the run");
        feed.trade(numbers(6), trade(6), &mut told);
        feed.lost(&mut told);
        (4..=8).for_each(|number| feed.past_trade(numbers(number), trade(number), &mut told));
        feed.trade(numbers(9), trade(9), &mut told);
        assert_eq!(words(&told), ["Connected", "6", "Lost", "7", "Restored", "8", "9"]);
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
            close: Price::from_units(1),
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
        let late = Timestamp::from_nanos(30 + FRESH.nanos() + 1);
        feed.bar(late, bar(30), false, &mut told);
        feed.bar(late, bar(30), true, &mut told);
        assert_eq!(words(&told), ["bar 30"], "an open of long ago is no price to trade at");
    }

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
}
