//! The words of each venue for what its market does.

pub(crate) mod binance;
pub(crate) mod coinbase;
pub(crate) mod kraken;
