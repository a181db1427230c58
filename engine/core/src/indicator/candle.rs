//! A bar as indicators read it: prices and volume as floating-point numbers.

use crate::instrument::Instrument;
use crate::market::Bar;

/// Open, high, low, close and volume of one closed bar, in units of the settlement currency and of the asset.
/// Prices are positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candle {
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Quantity traded.
    pub volume: f64,
}

impl Candle {
    /// The candle of `bar`, whose numbers are in the decimals of `rules`.
    #[must_use]
    pub fn of(bar: &Bar, rules: &Instrument) -> Self {
        let price = |units: i64| units as f64 / power_of_ten(rules.price_decimals);
        Self {
            open: price(bar.open.units()),
            high: price(bar.high.units()),
            low: price(bar.low.units()),
            close: price(bar.close.units()),
            volume: bar.volume.units() as f64 / power_of_ten(rules.qty_decimals),
        }
    }

    /// A candle of one price and no volume.
    #[must_use]
    pub const fn at(price: f64) -> Self {
        Self { open: price, high: price, low: price, close: price, volume: 0.0 }
    }
}

/// Ten to the `decimals`; exact for every number of decimals an instrument can have.
fn power_of_ten(decimals: u8) -> f64 {
    (0..decimals).fold(1.0, |power, _| power * 10.0)
}
