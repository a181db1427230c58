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
    TooManyDecimals(u16),
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
        if self.spare_decimals().is_none() {
            let decimals = u16::from(self.price_decimals) + u16::from(self.qty_decimals);
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

    /// Decimals of money beyond those of price × quantity; `None` where they are too many to be exact.
    fn spare_decimals(&self) -> Option<u8> {
        MONEY_DECIMALS.checked_sub(self.price_decimals.checked_add(self.qty_decimals)?)
    }

    /// Money units in one price unit × one quantity unit; nothing for an instrument that was never
    /// [`validated`](Self::validated) and has too many decimals.
    #[must_use]
    pub fn money_factor(&self) -> i128 {
        self.spare_decimals().and_then(power_of_ten).unwrap_or(0)
    }

    /// `price × qty` in money, exact and signed as `qty`; `None` on overflow or too many decimals.
    #[must_use]
    pub fn notional(&self, price: Price, qty: Qty) -> Option<Money> {
        let factor = power_of_ten(self.spare_decimals()?)?;
        let product = i128::from(price.units()).checked_mul(qty.units())?;
        product.checked_mul(factor).map(Money::from_units)
    }

    /// The largest whole number of lots that `money` buys at `price`; zero when nothing.
    #[must_use]
    pub fn qty_for(&self, money: Money, price: Price) -> Qty {
        // 64 bits × 10^18 always fit, and a quotient of money fits in a quantity.
        let unit = i128::from(price.units()) * self.money_factor();
        if unit <= 0 || !money.is_positive() {
            return Qty::ZERO;
        }
        self.lots_down(Qty::from_units(money.units() / unit))
    }

    /// `qty` rounded toward zero to whole lots.
    #[must_use]
    pub fn lots_down(&self, qty: Qty) -> Qty {
        Qty::from_units(qty.units() - qty.units() % self.lot.units())
    }

    /// `price` rounded to the nearest tick, halves up; `None` where that tick does not fit, and for
    /// [`Price::BEYOND`].
    #[must_use]
    pub fn ticks_nearest(&self, price: Price) -> Option<Price> {
        if price == Price::BEYOND {
            return None;
        }
        let (price, tick) = (i128::from(price.units()), i128::from(self.tick.units()));
        let rest = price.rem_euclid(tick);
        let nearest = if rest * 2 >= tick { price - rest + tick } else { price - rest };
        i64::try_from(nearest).ok().map(Price::from_units)
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
        Decimal { units: qty.units(), decimals: self.qty_decimals }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitcoin() -> Instrument {
        crate::sample::instrument([2, 3], 50, 5)
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
        let nearest = |units| bitcoin().ticks_nearest(Price::from_units(units)).map(Price::units);
        assert_eq!([124, 125, 149].map(nearest), [100, 150, 150].map(Some));
    }

    #[test]
    fn a_price_without_a_tick_that_fits_has_none() {
        let nearest = |units| bitcoin().ticks_nearest(Price::from_units(units));
        assert_eq!(nearest(i64::MAX), None, "it stands for all that lie beyond");
        assert_eq!(nearest(i64::MAX - 1), Some(Price::from_units(i64::MAX - 7)));
        let wide = Instrument { tick: Price::from_units(i64::MAX / 2), ..bitcoin() };
        assert_eq!(
            wide.ticks_nearest(Price::from_units(i64::MAX - 2)),
            Some(Price::from_units(i64::MAX - 1))
        );
    }

    #[test]
    fn more_coins_than_64_bits_count_are_bought_and_valued_in_full() {
        let cheap = crate::sample::instrument([8, 8], 1, 1);
        let budget = Money::from_units(1_425_000 * 10_i128.pow(18));
        let bought = cheap.qty_for(budget, Price::from_units(1_200));
        assert_eq!(bought.units(), 11_875_000_000_000_000_000, "118 750 000 000 of them, in 10^-8");
        assert_eq!(cheap.notional(Price::from_units(2_000), bought), Some(money(2_375_000)));
    }

    fn money(whole: i128) -> Money {
        Money::from_units(whole * 10_i128.pow(18))
    }

    #[test]
    fn too_many_decimals_are_refused_and_value_nothing() {
        let wide = Instrument { price_decimals: 10, qty_decimals: 9, ..bitcoin() };
        assert_eq!(wide.notional(Price::from_units(1), Qty::from_units(1)), None);
        assert_eq!(wide.validated(), Err(InstrumentError::TooManyDecimals(19)));
        let absurd = Instrument { price_decimals: 200, qty_decimals: 100, ..bitcoin() };
        assert_eq!(absurd.validated(), Err(InstrumentError::TooManyDecimals(300)));
    }
}
