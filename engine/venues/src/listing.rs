//! What a venue lists: a symbol's steps, limits and whether it trades.

use engine_core::instrument::{Instrument, InstrumentError};
use engine_core::num::{Decimal, MONEY_DECIMALS, Money};

use crate::decimal::{self, NumberError};

/// Whether orders can be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradingStatus {
    /// As usual.
    Trading,
    /// Orders can be cancelled but not placed.
    CancelOnly,
    /// Only some orders can be placed, such as those that wait in the book.
    Restricted,
    /// Nothing can be placed for now.
    Halted,
    /// Not traded any more.
    Delisted,
    /// A word this program does not know: nothing should be traded on it.
    Unknown,
}

/// The rules of a symbol as the venue states them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The symbol as streams spell it.
    pub symbol: String,
    /// Another symbol under which the venue tells this one's market data, where it has one.
    pub alias: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(tick: &str, lot: &str, decimals: [u8; 2]) -> Listing {
        let zero = Decimal { units: 0, decimals: 0 };
        Listing {
            symbol: "BTCUSDT".to_owned(),
            alias: None,
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
