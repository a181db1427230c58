//! Bars of a venue beside the trades that it told.

use engine_core::event::{ContradictedBar, DataFinding, Input};
use engine_core::feed::FeedCondition;
use engine_core::market::{Bar, MarketUpdate, Trade};
use engine_core::num::Price;
use engine_core::time::{Span, Timestamp};

/// Builds bars of the trades of one instrument as they are told, and sets them beside those that its venue streams.
///
/// Only bars all of whose trades are known are compared: a bar during which trades went missing, or one was not told because
/// it lay too far out, says nothing.
#[derive(Debug)]
pub(super) struct BarCheck {
    interval: Span,
    forming: Option<Built>,
    /// The last bar that trades have left behind.
    built: Option<Built>,
    /// The last closed bar of the venue.
    streamed: Option<Bar>,
    /// Whether trades are missing between the last one told and the next.
    misses: bool,
}

#[derive(Debug, Clone, Copy)]
struct Built {
    bar: Bar,
    is_whole: bool,
}

impl BarCheck {
    /// Compares bars of `interval`; the first is not whole.
    pub(super) const fn new(interval: Span) -> Self {
        Self { interval, forming: None, built: None, streamed: None, misses: true }
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
        let misses = core::mem::take(&mut self.misses);
        let open_at = trade.venue_at.floor(self.interval);
        if let Some(forming) = &mut self.forming
            && open_at <= forming.bar.open_at
        {
            forming.is_whole &=
                !misses && open_at == forming.bar.open_at && extended(&mut forming.bar, trade);
            return None;
        }
        self.built =
            self.forming.replace(Built { bar: begun(open_at, self.interval, trade), is_whole: !misses });
        self.compared()
    }

    fn compared(&mut self) -> Option<DataFinding> {
        let (built, streamed) = (self.built?, self.streamed?);
        if built.bar.open_at != streamed.open_at || built.bar.close_at != streamed.close_at {
            return None;
        }
        (self.built, self.streamed) = (None, None);
        let numbers = |bar: &Bar| (bar.open, bar.high, bar.low, bar.close, bar.volume);
        let is_contradicted = built.is_whole && numbers(&built.bar) != numbers(&streamed);
        is_contradicted
            .then_some(DataFinding::Contradicted(ContradictedBar { told: streamed, built: built.bar }))
    }
}

const fn begun(open_at: Timestamp, interval: Span, trade: &Trade) -> Bar {
    let Trade { instrument, price, qty, .. } = *trade;
    Bar {
        instrument,
        open_at,
        close_at: open_at.plus(interval),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: qty,
        trades: 1,
    }
}

/// Adds a trade; answers whether its amounts fit.
fn extended(bar: &mut Bar, trade: &Trade) -> bool {
    let highest = |one: Price, other: Price| if one >= other { one } else { other };
    let lowest = |one: Price, other: Price| if one <= other { one } else { other };
    bar.high = highest(bar.high, trade.price);
    bar.low = lowest(bar.low, trade.price);
    bar.close = trade.price;
    match (bar.volume.plus(trade.qty), bar.trades.checked_add(1)) {
        (Some(volume), Some(trades)) => {
            (bar.volume, bar.trades) = (volume, trades);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use engine_core::event::{DataFault, NumberedTrade};
    use engine_core::feed::FeedStatus;
    use engine_core::instrument::InstrumentId;
    use engine_core::market::Aggressor;
    use engine_core::num::Qty;

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
            high: Price::from_units(high),
            low: Price::from_units(100),
            close: Price::from_units(101),
            volume: Qty::from_units(6),
            ..begun(Timestamp::from_nanos(minute), Span::MINUTE, &trade(60, 100))
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
