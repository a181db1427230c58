//! Bars of a venue beside the trades that it told.

use engine_core::bars::{BarBuilder, BarRule};
use engine_core::event::{ContradictedBar, DataFinding, Input};
use engine_core::feed::FeedCondition;
use engine_core::market::{Bar, MarketUpdate, Trade};
use engine_core::time::{Span, Timestamp};

/// Builds bars of the trades of one instrument as they are told, by the venue's time, and sets them beside those that its
/// venue streams.
///
/// Only bars all of whose trades are known are compared: a bar during which trades went missing, or one was not told because
/// it lay too far out, says nothing.
#[derive(Debug)]
pub(super) struct BarCheck {
    interval: Span,
    builder: BarBuilder,
    /// When the last trade was made.
    last_at: Timestamp,
    /// The last bar that trades have left behind.
    built: Option<Bar>,
    /// The last closed bar of the venue.
    streamed: Option<Bar>,
    /// Whether trades are missing between the last one told and the next.
    misses: bool,
}

impl BarCheck {
    /// Compares bars of `interval`; the first is not whole.
    pub(super) const fn new(interval: Span) -> Self {
        let builder = BarBuilder::new(BarRule::Time(interval));
        Self { interval, builder, last_at: Timestamp::MIN, built: None, streamed: None, misses: false }
    }

    /// Takes note of what is told; answers a bar of the venue that its trades contradict.
    pub(super) fn learn_of(&mut self, input: &Input) -> Option<DataFinding> {
        if let Input::Market(MarketUpdate::Trade(trade)) = input {
            return self.take(trade);
        }
        self.misses |= matches!(input, Input::Feed(status) if status.condition == FeedCondition::Connected)
            || matches!(input, Input::DataFault(fault) if matches!(fault.finding, DataFinding::Discarded(_)));
        None
    }

    /// Takes a bar that the venue has closed.
    pub(super) fn streamed(&mut self, bar: Bar) -> Option<DataFinding> {
        self.streamed = Some(bar);
        self.compared()
    }

    fn take(&mut self, trade: &Trade) -> Option<DataFinding> {
        let at = trade.venue_at;
        // One that belongs to a bar which others have left is missing there.
        let is_late = at.floor(self.interval) < self.last_at.floor(self.interval);
        if core::mem::take(&mut self.misses) || is_late {
            self.builder.connect(self.last_at, FeedCondition::Gap);
            self.builder.connect(at.max(self.last_at), FeedCondition::Connected);
        }
        if is_late {
            return None;
        }
        self.last_at = at;
        self.misses = self.builder.take(at, trade).is_err();
        let mut found = None;
        while let Some(bar) = self.builder.completed() {
            self.built = Some(bar);
            found = found.or(self.compared());
            self.builder.announce();
        }
        found
    }

    fn compared(&mut self) -> Option<DataFinding> {
        let (built, told) = (self.built?, self.streamed?);
        if (built.open_at, built.close_at) != (told.open_at, told.close_at) {
            return None;
        }
        (self.built, self.streamed) = (None, None);
        let numbers = |bar: &Bar| (bar.open, bar.high, bar.low, bar.close, bar.volume);
        (numbers(&built) != numbers(&told))
            .then_some(DataFinding::Contradicted(ContradictedBar { told, built }))
    }
}

#[cfg(test)]
mod tests {
    use engine_core::event::{DataFault, NumberedTrade};
    use engine_core::feed::FeedStatus;
    use engine_core::instrument::InstrumentId;
    use engine_core::market::Aggressor;
    use engine_core::num::{Price, Qty};

    use super::*;

    const ONLY: InstrumentId = InstrumentId::new(0);

    fn trade(second: i64, price: i64) -> Trade {
        Trade {
            instrument: ONLY,
            venue_at: Timestamp::from_nanos(second * 1_000_000_000),
            price: Price::from_units(price),
            qty: Qty::from_units(2),
            aggressor: Aggressor::Unknown,
        }
    }

    fn traded(second: i64, price: i64) -> Input {
        Input::Market(MarketUpdate::Trade(trade(second, price)))
    }

    fn feed(condition: FeedCondition) -> Input {
        Input::Feed(FeedStatus { instrument: ONLY, condition })
    }

    /// The bar of the venue for the minute of trades at 100, 103 and 101.
    fn streamed(high: i64) -> Bar {
        let minute = 60_000_000_000;
        Bar {
            instrument: ONLY,
            open_at: Timestamp::from_nanos(minute),
            close_at: Timestamp::from_nanos(2 * minute),
            open: Price::from_units(100),
            high: Price::from_units(high),
            low: Price::from_units(100),
            close: Price::from_units(101),
            volume: Qty::from_units(6),
            trades: 3,
        }
    }

    /// What is found where the minute's trades are told with `between` among them, and the bar of the venue comes before or
    /// behind the first trade of the next.
    fn found(high: i64, between: &[Input], is_early: bool) -> Option<DataFinding> {
        let mut check = BarCheck::new(Span::MINUTE);
        let mut told = vec![traded(30, 90), traded(60, 100), traded(70, 103)];
        told.extend_from_slice(between);
        told.push(traded(119, 101));
        for input in &told {
            assert_eq!(check.learn_of(input), None);
        }
        if is_early {
            assert_eq!(check.streamed(streamed(high)), None);
            return check.learn_of(&traded(121, 99));
        }
        assert_eq!(check.learn_of(&traded(121, 99)), None);
        check.streamed(streamed(high))
    }

    #[test]
    fn a_bar_that_its_trades_contradict_is_named_with_both() {
        for is_early in [false, true] {
            assert_eq!(found(103, &[], is_early), None);
            let Some(DataFinding::Contradicted(bars)) = found(104, &[], is_early) else {
                panic!("it is not found")
            };
            assert_eq!((bars.told.high.units(), bars.built.high.units()), (104, 103));
        }
    }

    #[test]
    fn a_quiet_minute_is_compared_too_and_a_late_trade_makes_no_bar_of_its_own() {
        let quiet = |high| Bar {
            open_at: Timestamp::from_nanos(120_000_000_000),
            close_at: Timestamp::from_nanos(180_000_000_000),
            high: Price::from_units(high),
            ..streamed(high)
        };
        let quiet = |high| Bar {
            open: Price::from_units(101),
            low: Price::from_units(101),
            volume: Qty::ZERO,
            ..quiet(high)
        };
        for (high, late, is_found) in [(101, None, false), (105, None, true), (105, Some(119), true)] {
            let mut check = BarCheck::new(Span::MINUTE);
            for input in [traded(30, 90), traded(60, 100), traded(119, 101)] {
                assert_eq!(check.learn_of(&input), None);
            }
            assert_eq!(check.streamed(quiet(high)), None);
            assert_eq!(check.learn_of(&traded(400, 99)).is_some(), is_found, "{high}");
            if let Some(late) = late {
                assert_eq!(check.learn_of(&traded(late, 99)), None);
                assert_eq!(check.learn_of(&traded(500, 99)), None);
            }
        }
    }

    #[test]
    fn a_bar_whose_trades_are_not_all_known_says_nothing() {
        let discarded = NumberedTrade { number: 7, trade: trade(80, 9_000) };
        let discarded = DataFault { instrument: ONLY, finding: DataFinding::Discarded(discarded) };
        let hole = [feed(FeedCondition::Gap), feed(FeedCondition::Connected)];
        assert_eq!(found(104, &hole, true), None);
        assert_eq!(found(104, &[Input::DataFault(Box::new(discarded))], true), None);
        let filled = [feed(FeedCondition::Gap), feed(FeedCondition::Restored)];
        assert!(found(104, &filled, true).is_some(), "everything that was missed has been told");
        let mut check = BarCheck::new(Span::MINUTE);
        for input in [traded(61, 100), traded(70, 103), traded(119, 101)] {
            assert_eq!(check.learn_of(&input), None);
        }
        assert_eq!(check.streamed(streamed(104)), None);
        assert_eq!(check.learn_of(&traded(121, 99)), None, "nobody knows how the first bar began");
    }
}
