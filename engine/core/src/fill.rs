//! Trades of ours, as venues report them.

use crate::num::{Money, Price, Qty};

/// A venue's own name of a trade: its number, or 16 bytes of the hash of its text where it uses texts.
///
/// A venue may report the same trade twice, after a lost connection for one; by its name it is booked once.
#[derive(
    serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(transparent)]
pub struct TradeId(u128);

impl TradeId {
    /// The trade that the venue calls `number`.
    #[must_use]
    pub const fn new(number: u128) -> Self {
        Self(number)
    }

    /// What the venue calls it.
    #[must_use]
    pub const fn number(self) -> u128 {
        self.0
    }
}

/// One trade of ours.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fill {
    /// The venue's name of it, never given twice to an order.
    pub trade: TradeId,
    /// At what price.
    pub price: Price,
    /// How much, always positive.
    pub qty: Qty,
    /// Fee charged in the settlement currency; negative is a rebate.
    pub fee: Money,
    /// Whether we made or took liquidity.
    pub liquidity: Liquidity,
}

/// Which side of a trade waited.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Liquidity {
    /// We waited.
    Maker,
    /// We took.
    Taker,
}
