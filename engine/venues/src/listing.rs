//! What a venue lists: a symbol's steps, limits and whether it trades.

use engine_core::asset::{Asset, AssetPair};
use engine_core::event::ListingChange;
use engine_core::instrument::{Instrument, InstrumentError, InstrumentId};
pub use engine_core::listing::TradingStatus;
use engine_core::num::{Decimal, MONEY_DECIMALS, Money, Price, Qty, power_of_ten};

use crate::decimal::{self, NumberError};

/// The rules of a symbol as the venue states them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The symbol as streams spell it.
    pub symbol: String,
    /// Another symbol under which the venue tells this one's market data, where it has one.
    pub alias: Option<String>,
    /// What it exchanges, where that can be told.
    pub pair: Option<AssetPair>,
    /// Whether it trades.
    pub status: TradingStatus,
    /// The venue's word for that.
    pub status_word: String,
    /// Smallest step of a price.
    pub tick: Decimal,
    /// Smallest step of a quantity.
    pub lot: Decimal,
    /// Smallest quantity of an order; zero for no minimum.
    pub qty_min: Decimal,
    /// Smallest notional of an order; zero for no minimum.
    pub notional_min: Decimal,
    /// Decimals in which the venue prints prices, where it says; those of the tick otherwise.
    pub price_decimals: u8,
    /// Decimals in which the venue prints quantities, where it says; those of the lot otherwise.
    pub qty_decimals: u8,
}

/// What a symbol exchanges that has its two assets on both sides of `sign`, as in `BTC-USD`.
#[must_use]
pub(crate) fn pair_split(symbol: &str, sign: char) -> Option<AssetPair> {
    let (base, quote) = symbol.split_once(sign)?;
    Some(AssetPair { base: Asset::new(base), quote: Asset::new(quote) })
}

/// Why a listing makes no instrument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A number of it cannot be used.
    #[error("list {symbol}: {source}")]
    Number {
        /// The symbol.
        symbol: String,
        /// What is wrong.
        source: NumberError,
    },
    /// Its steps and decimals contradict each other or are too many.
    #[error("list {symbol}: {source}")]
    Rules {
        /// The symbol.
        symbol: String,
        /// What is wrong.
        source: InstrumentError,
    },
}

impl Listing {
    /// The instrument of a run, in the decimals the venue prints.
    ///
    /// # Errors
    /// [`ListingError`] for steps finer than its decimals, more than 18 decimals together, or a step of nothing.
    pub fn instrument(&self, venue: &str) -> Result<Instrument, ListingError> {
        let number = |source| ListingError::Number { symbol: self.symbol.clone(), source };
        let notional_min = decimal::qty(self.notional_min, MONEY_DECIMALS).map_err(number)?;
        let instrument = Instrument {
            venue: venue.to_owned(),
            symbol: self.symbol.clone(),
            price_decimals: self.price_decimals,
            qty_decimals: self.qty_decimals,
            tick: decimal::price(self.tick, self.price_decimals).map_err(number)?,
            lot: decimal::qty(self.lot, self.qty_decimals).map_err(number)?,
            notional_min: Money::from_units(notional_min.units()),
        };
        instrument.validated().map_err(|source| ListingError::Rules { symbol: self.symbol.clone(), source })
    }
}

impl Listing {
    /// What the venue says of an instrument that a run has traded by `rules`, in the decimals of that run; nothing where its
    /// steps are none, or do not fit.
    #[must_use]
    pub fn change(&self, instrument: InstrumentId, rules: &Instrument) -> Option<ListingChange> {
        let tick = i64::try_from(step(self.tick, rules.price_decimals)?).ok()?;
        let notional_min = decimal::qty(self.notional_min, MONEY_DECIMALS).ok()?;
        Some(ListingChange {
            instrument,
            tick: Price::from_units(tick),
            lot: Qty::from_units(step(self.lot, rules.qty_decimals)?),
            notional_min: Money::from_units(notional_min.units()),
            status: self.status,
        })
    }
}

/// The smallest multiple of `step` that has no more than so many decimals, in units of the last of them.
fn step(step: Decimal, decimals: u8) -> Option<i128> {
    if step.units <= 0 {
        return None;
    }
    match step.decimals.checked_sub(decimals) {
        None | Some(0) => step.units.checked_mul(power_of_ten(decimals - step.decimals)?),
        Some(finer) => Some(step.units / greatest_divisor(step.units, power_of_ten(finer)?)),
    }
}

const fn greatest_divisor(mut left: i128, mut right: i128) -> i128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_finer_than_a_run_can_write_are_the_next_that_it_can() {
        let step = |text: &str, decimals| step(decimal::decimal(text).unwrap(), decimals);
        assert_eq!(step("0.10", 2), Some(10));
        assert_eq!(step("5", 2), Some(500));
        assert_eq!(step("0.001", 2), Some(1), "ten of them are a hundredth");
        assert_eq!(step("0.0025", 2), Some(1));
        assert_eq!(step("0.015", 2), Some(3), "two of them are three hundredths");
        assert_eq!(step("0.00", 2), None);
        assert_eq!(step("9999999999999999999999999999", 18), None);
    }

    fn listing(tick: &str, lot: &str, decimals: [u8; 2]) -> Listing {
        let zero = Decimal { units: 0, decimals: 0 };
        Listing {
            symbol: "BTCUSDT".to_owned(),
            alias: None,
            pair: None,
            status: TradingStatus::Trading,
            status_word: "TRADING".to_owned(),
            tick: decimal::decimal(tick).unwrap(),
            lot: decimal::decimal(lot).unwrap(),
            qty_min: zero,
            notional_min: decimal::decimal("5.00000000").unwrap(),
            price_decimals: decimals[0],
            qty_decimals: decimals[1],
        }
    }

    #[test]
    fn steps_and_minimum_are_those_of_the_venue() {
        let instrument = listing("0.01000000", "0.00001000", [2, 5]).instrument("binance").unwrap();
        assert_eq!((instrument.tick.units(), instrument.lot.units()), (1, 1));
        assert_eq!(instrument.notional_min.units(), 5 * 10_i128.pow(18));
    }

    #[test]
    fn a_listing_that_contradicts_itself_is_refused() {
        let refused = |tick, lot, decimals| listing(tick, lot, decimals).instrument("binance").unwrap_err();
        assert!(matches!(refused("0.001", "1", [2, 5]), ListingError::Number { .. }));
        assert!(matches!(refused("0.00", "1", [2, 5]), ListingError::Rules { .. }));
        assert!(matches!(refused("1", "1", [10, 9]), ListingError::Rules { .. }));
    }
}
