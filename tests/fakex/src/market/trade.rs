//! One match of two orders.

use serde::{Deserialize, Serialize};

/// A print before it has a number: what a source of prices says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    pub(crate) time_ns: i64,
    pub(crate) price: u64,
    pub(crate) quantity: u64,
    pub(crate) buyer_is_maker: bool,
}

/// A trade of the market; prices and quantities are whole units of the symbol's last decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// Counts up by one a trade within its symbol.
    pub id: u64,
    /// When it happened, in nanoseconds since 1970.
    pub time_ns: i64,
    /// Its price in units.
    pub price: u64,
    /// Its quantity of the base asset in units.
    pub quantity: u64,
    /// Whether the resting order was the buy: then the aggressor sold.
    pub buyer_is_maker: bool,
}

impl Trade {
    /// Price times quantity, in units of both.
    pub(crate) fn turnover(&self) -> u128 {
        u128::from(self.price) * u128::from(self.quantity)
    }
}
