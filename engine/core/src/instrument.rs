//! What can be traded: decimals, filters and settlement of an instrument.

use crate::num::{Decimal, MONEY_DECIMALS, Money, Price, Qty, power_of_ten};

/// The dense number of an instrument within one run: an index, not a name.
#[derive(
    serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(transparent)]
pub struct InstrumentId(u16);

impl InstrumentId {
    /// The instrument at place `index` of the run's list.
    #[must_use]
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// Its place in the run's list.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Smallest units and limits of an instrument, as its venue states them.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Instrument {
    /// Name of the venue, as in `binance`.
    pub venue: String,
    /// The venue's own symbol, as in `BTCUSDT`.
    pub symbol: String,
    /// Decimals of every [`Price`] of this instrument.
    pub price_decimals: u8,
    /// Decimals of every [`Qty`] of this instrument.
    pub qty_decimals: u8,
    /// Smallest step of an order's price.
    pub tick: Price,
    /// Smallest step of an order's quantity.
    pub lot: Qty,
    /// Smallest notional an order may have; zero for no minimum.
    pub notional_min: Money,
}

/// Why an instrument cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstrumentError {
    /// Price and quantity decimals together exceed the decimals of money.
    #[error("price and quantity decimals together are {0}, at most 18 keep price × quantity exact")]
    TooManyDecimals(u8),
    /// The tick or the lot is zero or negative.
    #[error("tick and lot must be more than zero")]
    NoStep,
    /// The minimum notional is negative.
    #[error("the minimum notional must not be negative")]
    NegativeMinimum,
}

impl Instrument {
    /// Checks the decimals and steps once, so that later arithmetic need not.
    ///
    /// # Errors
    /// [`InstrumentError`] naming the first rule broken.
    pub fn validated(self) -> Result<Self, InstrumentError> {
        let decimals = self.price_decimals.saturating_add(self.qty_decimals);
        if decimals > MONEY_DECIMALS {
            return Err(InstrumentError::TooManyDecimals(decimals));
        }
        if !self.tick.is_positive() || !self.lot.is_positive() {
            return Err(InstrumentError::NoStep);
        }
        if self.notional_min.units() < 0 {
            return Err(InstrumentError::NegativeMinimum);
        }
        Ok(self)
    }

    /// Money units in one price unit × one quantity unit.
    #[must_use]
    pub fn money_factor(&self) -> i128 {
        let spare = MONEY_DECIMALS.saturating_sub(self.price_decimals.saturating_add(self.qty_decimals));
        power_of_ten(spare).unwrap_or(1)
    }

    /// `price × qty` in money, exact and signed as `qty`; `None` on overflow.
    #[must_use]
    pub fn notional(&self, price: Price, qty: Qty) -> Option<Money> {
        let product = i128::from(price.units()).checked_mul(i128::from(qty.units()))?;
        product.checked_mul(self.money_factor()).map(Money::from_units)
    }

    /// The largest whole number of lots that `money` buys at `price`; zero when nothing.
    #[must_use]
    pub fn qty_for(&self, money: Money, price: Price) -> Qty {
        let unit = i128::from(price.units()).saturating_mul(self.money_factor());
        if unit <= 0 || !money.is_positive() {
            return Qty::ZERO;
        }
        let units = i64::try_from(money.units() / unit).unwrap_or(i64::MAX);
        self.lots_down(Qty::from_units(units))
    }

    /// `qty` rounded toward zero to whole lots.
    #[must_use]
    pub fn lots_down(&self, qty: Qty) -> Qty {
        Qty::from_units(qty.units() - qty.units() % self.lot.units())
    }

    /// `price` rounded to the nearest tick, halves up.
    #[must_use]
    pub fn ticks_nearest(&self, price: Price) -> Price {
        let tick = self.tick.units();
        let rest = price.units().rem_euclid(tick);
        let down = price.units().saturating_sub(rest);
        let nearest = if rest.saturating_mul(2) >= tick { down.saturating_add(tick) } else { down };
        Price::from_units(nearest)
    }

    /// The price as a double, for indicators and reports.
    #[must_use]
    pub fn price_f64(&self, price: Price) -> f64 {
        Decimal { units: i128::from(price.units()), decimals: self.price_decimals }.to_f64()
    }

    /// The price as text shows it.
    #[must_use]
    pub fn price_decimal(&self, price: Price) -> Decimal {
        Decimal { units: i128::from(price.units()), decimals: self.price_decimals }
    }

    /// The quantity as text shows it.
    #[must_use]
    pub fn qty_decimal(&self, qty: Qty) -> Decimal {
        Decimal { units: i128::from(qty.units()), decimals: self.qty_decimals }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitcoin() -> Instrument {
        Instrument {
            venue: "test".into(),
            symbol: "BTCUSDT".into(),
            price_decimals: 2,
            qty_decimals: 3,
            tick: Price::from_units(50),
            lot: Qty::from_units(5),
            notional_min: Money::ZERO,
        }
    }

    #[test]
    fn notional_is_exact_and_signed() {
        let notional = bitcoin().notional(Price::from_units(6_543_210), Qty::from_units(-18)).unwrap();
        assert_eq!(notional.units(), -1_177_777_800_000_000_000_000);
    }

    #[test]
    fn money_buys_whole_lots_only() {
        let hundred = Money::from_units(100 * 10_i128.pow(18));
        assert_eq!(bitcoin().qty_for(hundred, Price::from_units(70_000)).units(), 140);
        assert_eq!(bitcoin().qty_for(hundred, Price::from_units(0)).units(), 0);
    }

    #[test]
    fn prices_go_to_the_nearest_tick() {
        let nearest = |units| bitcoin().ticks_nearest(Price::from_units(units)).units();
        assert_eq!((nearest(124), nearest(125), nearest(149)), (100, 150, 150));
    }

    #[test]
    fn too_many_decimals_are_refused() {
        let wide = Instrument { price_decimals: 10, qty_decimals: 9, ..bitcoin() };
        assert_eq!(wide.validated(), Err(InstrumentError::TooManyDecimals(19)));
    }
}
