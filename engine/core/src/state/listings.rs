//! What venues have changed about instruments since the run began.

use core::hash::{Hash, Hasher};

use crate::event::ListingChange;
use crate::instrument::InstrumentId;
use crate::listing::TradingStatus;

use super::State;

/// Whether each instrument is traded. It is written to a fingerprint only where one of them is not, so that the
/// fingerprints of runs without such a change are what they always were.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub(super) struct Statuses(Vec<TradingStatus>);

impl Statuses {
    pub(super) fn new(instruments: usize) -> Self {
        Self(vec![TradingStatus::Trading; instruments])
    }
}

impl Hash for Statuses {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        if self.0.iter().any(|status| *status != TradingStatus::Trading) {
            self.0.hash(hasher);
        }
    }
}

impl State {
    /// Whether the venue of `instrument` takes orders for it; unknown, for one the run does not have.
    #[must_use]
    pub fn status(&self, instrument: InstrumentId) -> TradingStatus {
        self.statuses.0.get(instrument.index()).copied().unwrap_or(TradingStatus::Unknown)
    }

    pub(super) fn fold_listing(&mut self, change: &ListingChange) {
        let place = change.instrument.index();
        if let Some(status) = self.statuses.0.get_mut(place) {
            *status = change.status;
        }
        if let Some(rules) = self.instruments.get_mut(place) {
            change.apply_to(rules);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Input};
    use crate::num::{Money, Price, Qty, Ratio};
    use crate::state::Opening;
    use crate::time::Timestamp;

    const FIRST: InstrumentId = InstrumentId::new(0);

    fn state() -> State {
        let instruments = vec![crate::sample::instrument([2, 3], 50, 5)];
        let (capital, drawdown_max) = (Money::ZERO, Ratio::ONE);
        State::new(Opening {
            instruments,
            capital,
            bars: None,
            drawdown_max,
            mark: crate::mark::MarkRule::Newest,
        })
    }

    fn told(state: &mut State, change: ListingChange) {
        state.apply(Timestamp::from_nanos(1), &Event::Input(Input::Listing(Box::new(change))));
    }

    #[test]
    fn what_a_venue_changed_counts_from_now_on_and_is_in_the_fingerprint() {
        let (mut state, before) = (state(), state());
        let change = ListingChange {
            instrument: FIRST,
            tick: Price::from_units(10),
            lot: Qty::from_units(1),
            notional_min: Money::from_units(7),
            status: TradingStatus::Halted,
        };
        told(&mut state, change);
        let rules = state.instrument(FIRST).unwrap();
        assert_eq!((rules.tick.units(), rules.lot.units(), rules.notional_min.units()), (10, 1, 7));
        assert_eq!(
            (before.status(FIRST), state.status(FIRST)),
            (TradingStatus::Trading, TradingStatus::Halted)
        );
        let halted = state.digest();
        told(&mut state, ListingChange { status: TradingStatus::Delisted, ..change });
        assert_ne!(state.digest(), halted);
    }

    #[test]
    fn steps_of_nothing_and_an_instrument_that_is_not_there_change_nothing() {
        let mut state = state();
        let rules = state.instrument(FIRST).cloned();
        let nothing = ListingChange {
            instrument: FIRST,
            tick: Price::from_units(0),
            lot: Qty::ZERO,
            notional_min: Money::from_units(-1),
            status: TradingStatus::Trading,
        };
        told(&mut state, nothing);
        told(&mut state, ListingChange { instrument: InstrumentId::new(9), ..nothing });
        assert_eq!(state.instrument(FIRST), rules.as_ref());
        assert_eq!(state.status(InstrumentId::new(9)), TradingStatus::Unknown);
    }
}
