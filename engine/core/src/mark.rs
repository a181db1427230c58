//! Which prices positions are valued at.

use core::hash::{Hash, Hasher};

/// What moves the mark of an instrument of which both trades and quotes are read. Opens and closes of bars that are prices
/// always move it.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MarkRule {
    /// A trade or the middle of a quote, whichever was told last.
    #[default]
    Newest,
    /// Trades only.
    Trade,
    /// The middle between bid and ask only.
    Mid,
}

/// The usual rule writes nothing, so that the fingerprints of runs that name none are what they always were.
impl Hash for MarkRule {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        match self {
            Self::Newest => {}
            Self::Trade => hasher.write_u8(1),
            Self::Mid => hasher.write_u8(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Input};
    use crate::instrument::InstrumentId;
    use crate::market::{Aggressor, MarketUpdate, Quote, Trade};
    use crate::num::{Money, Price, Qty, Ratio};
    use crate::state::{Opening, State};
    use crate::time::Timestamp;

    const FIRST: InstrumentId = InstrumentId::new(0);

    /// The mark after a trade at 100, a quote around 105, and a trade at 101.
    fn marks(mark: MarkRule) -> Vec<Option<i64>> {
        let instruments = vec![crate::sample::instrument([2, 3], 1, 1)];
        let (capital, drawdown_max) = (Money::ZERO, Ratio::ONE);
        let mut state = State::new(Opening { instruments, capital, bars: None, drawdown_max, mark });
        let at = Timestamp::from_nanos(1);
        let qty = Qty::from_units(1);
        let trade = |price| {
            let (price, aggressor) = (Price::from_units(price), Aggressor::Unknown);
            MarketUpdate::Trade(Trade { instrument: FIRST, venue_at: at, price, qty, aggressor })
        };
        let quote = MarketUpdate::Quote(Quote {
            instrument: FIRST,
            venue_at: at,
            bid: Price::from_units(104),
            ask: Price::from_units(106),
            bid_qty: qty,
            ask_qty: qty,
        });
        let told = [trade(100), quote, trade(101)].map(|update| {
            state.apply(at, &Event::Input(Input::Market(update)));
            state.mark(FIRST).map(Price::units)
        });
        told.to_vec()
    }

    #[test]
    fn the_mark_is_moved_by_what_the_rule_names() {
        assert_eq!(marks(MarkRule::Newest), [100, 105, 101].map(Some));
        assert_eq!(marks(MarkRule::Trade), [100, 100, 101].map(Some));
        assert_eq!(marks(MarkRule::Mid), [None, Some(105), Some(105)]);
    }
}
