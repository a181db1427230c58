//! What an account holds: coins and currencies by their names at the venue.

use core::fmt;

use crate::num::Amount;

/// The name of an asset as its venue writes it, as in `BTC`.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(transparent)]
pub struct Asset(Box<str>);

impl Asset {
    /// The asset that the venue calls `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Asset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What an instrument exchanges for what.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssetPair {
    /// What is bought and sold.
    pub base: Asset,
    /// What it is paid with.
    pub quote: Asset,
}

/// How much of an asset there is, or how much comes (positive) or goes.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct AssetAmount {
    /// Of what.
    pub asset: Asset,
    /// How much.
    pub amount: Amount,
}
