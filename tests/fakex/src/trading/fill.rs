//! A part of an order that was traded, and what it cost.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::order::Side;

/// The first number of a fill, far above the numbers of the streamed trades, which do not show the account's own.
pub(crate) const FIRST_FILL_ID: u64 = 1_000_000_001;

/// One trade of the account; price and quantity are whole units of the market's last decimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The number of the trade; never one of a streamed trade.
    pub id: u64,
    /// The venue's number of the order.
    pub order: u64,
    /// The client's name of the order.
    pub client_id: Arc<str>,
    /// The market, such as `BTCUSDT`.
    pub market: Arc<str>,
    /// The order's side.
    pub side: Side,
    /// Its price.
    pub price: u64,
    /// Its quantity of the base asset.
    pub quantity: u64,
    /// Price × quantity in quote currency.
    pub quote: Amount,
    /// What was charged.
    pub fee: Amount,
    /// In which asset.
    pub fee_asset: Arc<str>,
    /// Whether the order rested.
    pub is_maker: bool,
    /// When, in nanoseconds since 1970.
    pub time_ns: i64,
}
