//! Opens that wait for the bars before them.
//!
//! Behind a break the first word of the bar that forms comes at once, and the bar that was missed comes when the venue has
//! answered. What is decided on that bar is to be ordered at the open behind it, so the open waits.

use engine_core::event::Input;
use engine_core::instrument::InstrumentId;
use engine_core::market::{BarOpen, MarketUpdate};
use engine_core::time::{Span, Timestamp};
use engine_venues::market_venue::fresh_for;

/// Opens that wait, at most one of each instrument, and when they came.
#[derive(Debug, Default)]
pub(super) struct HeldOpens {
    held: Vec<(Timestamp, BarOpen)>,
}

impl HeldOpens {
    /// Whether none waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Holds back the open that `input` is, if it is one of an instrument that `waits`; answers anything else.
    pub(super) fn unless_held(
        &mut self,
        at: Timestamp,
        input: Input,
        waits: impl Fn(InstrumentId) -> bool,
    ) -> Option<Input> {
        let Input::Market(MarketUpdate::Open(open)) = input else { return Some(input) };
        if !waits(open.instrument) {
            return Some(input);
        }
        self.held.retain(|(_, held)| held.instrument != open.instrument);
        self.held.push((at, open));
        None
    }

    /// The next open that need not wait any more. One that is no price of `now` any more, where bars last `interval`, is let
    /// go: what waits for an open waits for the next one.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        interval: Span,
        waits: impl Fn(InstrumentId) -> bool,
    ) -> Option<Input> {
        self.held.retain(|(at, _)| now.since(*at) <= fresh_for(interval));
        let place = self.held.iter().position(|(_, open)| !waits(open.instrument))?;
        let (_, open) = self.held.remove(place);
        Some(Input::Market(MarketUpdate::Open(open)))
    }
}

#[cfg(test)]
mod tests {
    use engine_core::num::Price;

    use super::*;

    const DAY: Span = Span::DAY;

    fn open(instrument: u16, price: i64) -> Input {
        let (instrument, open) = (InstrumentId::new(instrument), Price::from_units(price));
        Input::Market(MarketUpdate::Open(BarOpen { instrument, open_at: Timestamp::from_nanos(0), open }))
    }

    #[test]
    fn an_open_waits_for_the_bar_before_it_and_no_longer_than_its_price_is_one_of_now() {
        let (first, second) = (InstrumentId::new(0), InstrumentId::new(1));
        let mut opens = HeldOpens::default();
        let came = Timestamp::from_nanos(1_000);
        assert_eq!(opens.unless_held(came, open(0, 7), |id| id == first), None);
        assert_eq!(opens.unless_held(came, open(0, 8), |id| id == first), None, "the later one stands");
        assert_eq!(opens.unless_held(came, open(1, 9), |id| id == first), Some(open(1, 9)));
        assert_eq!(opens.unless_held(came, Input::Deadline, |_| true), Some(Input::Deadline));
        assert_eq!(opens.take(came, DAY, |id| id == first), None);
        assert_eq!(opens.take(came, DAY, |id| id == second), Some(open(0, 8)));
        assert!(opens.is_empty());
        assert_eq!(opens.unless_held(came, open(0, 7), |_| true), None);
        assert_eq!(opens.take(came.plus(DAY), DAY, |_| false), None, "a price of yesterday");
        assert!(opens.is_empty());
    }
}
