//! What a market said last before moments that are known, found in one pass over its record.
//!
//! Moments are the venue's own. Records may come in any order, as they do behind a lost connection.

use engine_core::instrument::InstrumentId;
use engine_core::market::{MarketUpdate, Quote, Side};
use engine_core::num::Price;
use engine_core::time::{Span, Timestamp};

/// A price older than this says nothing of the moment.
const STALE: Span = Span::MINUTE;

/// What was last traded, and what was last quoted, before a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The price of the last trade.
    pub(crate) trade: Option<Price>,
    /// The last best bid and offer.
    pub(crate) quote: Option<Quote>,
}

impl Standing {
    /// What an order on `side` faced: the far side of the quote.
    pub(crate) fn facing(&self, side: Side) -> Option<Price> {
        self.quote.map(|quote| match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        })
    }
}

/// A moment that was asked for, and the latest records found between it and the moment before it.
#[derive(Debug, Clone, Copy)]
struct Slot {
    before: Timestamp,
    trade: Option<(Timestamp, Price)>,
    quote: Option<Quote>,
}

/// The moments of each instrument, in their order.
#[derive(Debug, Default)]
pub(crate) struct MarketTape {
    slots: Vec<Vec<Slot>>,
}

impl MarketTape {
    /// A tape that will know what stood before each of `moments`.
    pub(crate) fn before(moments: impl IntoIterator<Item = (InstrumentId, Timestamp)>) -> Self {
        let mut slots: Vec<Vec<Slot>> = Vec::new();
        for (instrument, before) in moments {
            if slots.len() <= instrument.index() {
                slots.resize_with(instrument.index() + 1, Vec::new);
            }
            if let Some(slots) = slots.get_mut(instrument.index()) {
                slots.push(Slot { before, trade: None, quote: None });
            }
        }
        for slots in &mut slots {
            slots.sort_by_key(|slot| slot.before);
            slots.dedup_by_key(|slot| slot.before);
        }
        Self { slots }
    }

    /// Sees a record of the market.
    pub(crate) fn see(&mut self, update: &MarketUpdate) {
        match update {
            MarketUpdate::Trade(trade) => {
                if let Some(slot) = self.slot(trade.instrument, trade.venue_at)
                    && slot.trade.is_none_or(|(at, _)| at <= trade.venue_at)
                {
                    slot.trade = Some((trade.venue_at, trade.price));
                }
            }
            MarketUpdate::Quote(quote) => {
                if let Some(slot) = self.slot(quote.instrument, quote.venue_at)
                    && slot.quote.is_none_or(|known| known.venue_at <= quote.venue_at)
                {
                    slot.quote = Some(*quote);
                }
            }
            MarketUpdate::Open(_) | MarketUpdate::Bar(_) | MarketUpdate::SignalBar(_) => {}
        }
    }

    /// The first moment behind `at`, whose last record one of `at` may be.
    fn slot(&mut self, instrument: InstrumentId, at: Timestamp) -> Option<&mut Slot> {
        let slots = self.slots.get_mut(instrument.index())?;
        let first = slots.partition_point(|slot| slot.before <= at);
        slots.get_mut(first)
    }

    /// Hands what stood before one moment on to those behind it that saw nothing since; once, when all was seen.
    pub(crate) fn finished(mut self) -> Self {
        for slots in &mut self.slots {
            let (mut trade, mut quote) = (None, None);
            for slot in slots {
                slot.trade = slot.trade.or(trade);
                slot.quote = slot.quote.or(quote);
                (trade, quote) = (slot.trade, slot.quote);
            }
        }
        self
    }

    /// What stood before `moment`, which was asked for.
    pub(crate) fn standing(&self, instrument: InstrumentId, moment: Timestamp) -> Standing {
        let slots = self.slots.get(instrument.index()).map_or(&[][..], Vec::as_slice);
        let slot = slots.binary_search_by_key(&moment, |slot| slot.before);
        let Some(slot) = slot.ok().and_then(|place| slots.get(place)) else { return Standing::default() };
        let is_fresh = |at: Timestamp| moment.since(at) <= STALE;
        Standing {
            trade: slot.trade.filter(|(at, _)| is_fresh(*at)).map(|(_, price)| price),
            quote: slot.quote.filter(|quote| is_fresh(quote.venue_at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_core::market::{Aggressor, Trade};
    use engine_core::num::Qty;
    use proptest::prelude::*;

    use super::*;

    fn trade(second: i64, price: i64) -> MarketUpdate {
        MarketUpdate::Trade(Trade {
            instrument: InstrumentId::new(1),
            venue_at: at(second),
            price: Price::from_units(price),
            qty: Qty::from(1),
            aggressor: Aggressor::Unknown,
        })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_nanos(second * Span::SECOND.nanos())
    }

    proptest! {
        #[test]
        fn it_says_what_a_look_at_every_record_says(
            records in prop::collection::vec((0_i64..400, 1_i64..1_000), 0..60),
            moments in prop::collection::vec(0_i64..420, 1..20),
        ) {
            let only = InstrumentId::new(1);
            let mut tape = MarketTape::before(moments.iter().map(|moment| (only, at(*moment))));
            records.iter().for_each(|(second, price)| tape.see(&trade(*second, *price)));
            let tape = tape.finished();
            for moment in moments {
                let earlier = records.iter().filter(|(second, _)| *second < moment && moment - second <= 60);
                let last = earlier.max_by_key(|(second, _)| *second).map(|(_, price)| Price::from_units(*price));
                prop_assert_eq!(tape.standing(only, at(moment)).trade, last, "before {}", moment);
            }
            prop_assert_eq!(tape.standing(InstrumentId::new(0), at(1)), Standing::default());
        }
    }
}
