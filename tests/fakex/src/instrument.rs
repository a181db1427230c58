//! What is traded, and how each venue calls it.

use std::sync::Arc;

use crate::decimal;

/// The highest price of an order, in whole ones of the quote asset.
pub(crate) const PRICE_MAX: u64 = 1_000_000;
/// The largest quantity of an order, in whole ones of the base asset.
pub(crate) const QUANTITY_MAX: u64 = 9_000;
/// The largest price × quantity of an order with a limit, in whole ones of the quote asset.
pub(crate) const NOTIONAL_MAX: u64 = 9_000_000;

/// Whether a market trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Trading,
    Halted,
    CancelOnly,
    Delisted,
}

/// Which quantities an order may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantities {
    /// Whole numbers of steps.
    InSteps,
    /// From one step on with every decimal, as Kraken has it: its `ordermin` is no step.
    FromOneStepOn,
}

/// One market and its rules; prices and quantities are whole units of their last decimal.
#[derive(Clone, Debug)]
pub(crate) struct Instrument {
    /// The name in the log, as Binance writes it.
    pub(crate) name: Arc<str>,
    pub(crate) base: String,
    pub(crate) quote: String,
    pub(crate) price_decimals: u32,
    pub(crate) quantity_decimals: u32,
    pub(crate) tick: u64,
    pub(crate) step: u64,
    pub(crate) quantities: Quantities,
    /// The least price × quantity of an order, as text in the quote currency.
    pub(crate) min_notional: String,
    pub(crate) status: Status,
}

impl Instrument {
    /// The Binance name, such as `BTCUSDT`; also how the log names the market.
    pub(crate) fn joined(&self) -> &str {
        &self.name
    }

    /// Whether this is its name at any venue.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.joined() == name || self.dashed() == name || self.slashed() == name
    }

    /// The Coinbase name, such as `BTC-USD`.
    pub(crate) fn dashed(&self) -> String {
        format!("{}-{}", self.base, self.quote)
    }

    /// The Kraken WebSocket v2 name, such as `BTC/USD`.
    pub(crate) fn slashed(&self) -> String {
        format!("{}/{}", self.base, self.quote)
    }

    /// The Kraken REST name, such as `XBTUSD`.
    pub(crate) fn kraken_alt(&self) -> String {
        format!("{}{}", kraken_asset(&self.base), kraken_asset(&self.quote))
    }

    /// The name under which Kraken's REST interface lists it: `XXBTZUSD` of two assets that have older names.
    pub(crate) fn kraken_key(&self) -> String {
        let (base, quote) = (kraken_old_asset(&self.base), kraken_old_asset(&self.quote));
        let are_old = base != kraken_asset(&self.base) && quote != kraken_asset(&self.quote);
        if are_old { format!("{base}{quote}") } else { self.kraken_alt() }
    }

    /// The Kraken v1 name, such as `XBT/USD`, that REST answers as `wsname`.
    pub(crate) fn kraken_ws(&self) -> String {
        format!("{}/{}", kraken_asset(&self.base), kraken_asset(&self.quote))
    }

    pub(crate) fn price(&self, units: u64) -> String {
        decimal::text(units, self.price_decimals)
    }

    pub(crate) fn quantity(&self, units: impl Into<u128>) -> String {
        decimal::text(units, self.quantity_decimals)
    }

    /// A price with the eight places Binance writes.
    pub(crate) fn price8(&self, units: u64) -> String {
        decimal::text_padded(units, self.price_decimals, 8)
    }

    /// A quantity with the eight places Binance writes.
    pub(crate) fn quantity8(&self, units: impl Into<u128>) -> String {
        decimal::text_padded(units, self.quantity_decimals, 8)
    }

    /// A turnover in quote currency with eight places.
    pub(crate) fn turnover8(&self, units: u128) -> String {
        decimal::text_cut(units, self.price_decimals + self.quantity_decimals, 8)
    }
}

/// Kraken's REST interface keeps two names of its own.
pub(crate) fn kraken_asset(asset: &str) -> &str {
    match asset {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    }
}

/// Kraken's older name of an asset: `XXBT`, `ZUSD`.
pub(crate) fn kraken_old_asset(asset: &str) -> String {
    match asset {
        "BTC" | "DOGE" | "ETH" | "LTC" | "XRP" | "XLM" => format!("X{}", kraken_asset(asset)),
        "USD" | "EUR" | "GBP" | "CAD" | "JPY" => format!("Z{asset}"),
        other => other.to_owned(),
    }
}
