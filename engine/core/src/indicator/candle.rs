//! A bar as indicators read it: prices and volume as floating-point numbers.

use crate::instrument::Instrument;
use crate::market::Bar;

/// Open, high, low, close and volume of one closed bar, in units of the settlement currency and of the asset.
/// Prices are positive.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
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
        Self {
            open: rules.price_f64(bar.open),
            high: rules.price_f64(bar.high),
            low: rules.price_f64(bar.low),
            close: rules.price_f64(bar.close),
            volume: rules.qty_decimal(bar.volume).to_f64(),
        }
    }

    /// A candle of one price and no volume.
    #[must_use]
    pub const fn at(price: f64) -> Self {
        Self { open: price, high: price, low: price, close: price, volume: 0.0 }
    }
}
