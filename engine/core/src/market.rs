//! What a market says: trades, quotes, bar opens and bars.

use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::time::Timestamp;

/// Which side of an order or of a trade.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// To buy.
    Buy,
    /// To sell.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// `qty` with the sign it has in a position: negative for a sale.
    #[must_use]
    pub const fn signed(self, qty: Qty) -> Qty {
        match self {
            Self::Buy => qty,
            // Saturates for the one integer without an opposite, which no operation on quantities answers.
            Self::Sell => Qty::from_units(qty.units().saturating_neg()),
        }
    }
}

/// Who took liquidity in a trade.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[serde(rename_all = "lowercase")]
pub enum Aggressor {
    /// The source does not say.
    #[default]
    Unknown,
    /// A buyer took an offer.
    Buyer,
    /// A seller hit a bid.
    Seller,
}

/// One print on the tape.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trade {
    /// What was traded.
    pub instrument: InstrumentId,
    /// When the venue says it happened.
    pub venue_at: Timestamp,
    /// At what price.
    pub price: Price,
    /// How much.
    pub qty: Qty,
    /// Who took liquidity.
    pub aggressor: Aggressor,
}

/// The best bid and offer.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quote {
    /// What is quoted.
    pub instrument: InstrumentId,
    /// When the venue says it was so.
    pub venue_at: Timestamp,
    /// Best price to sell at.
    pub bid: Price,
    /// Quantity bid for at the best price.
    pub bid_qty: Qty,
    /// Best price to buy at.
    pub ask: Price,
    /// Quantity offered at the best price.
    pub ask_qty: Qty,
}

/// The first price of a bar, known when the bar opens.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BarOpen {
    /// What opens.
    pub instrument: InstrumentId,
    /// When the bar begins.
    pub open_at: Timestamp,
    /// Its first price.
    pub open: Price,
}

/// Open, high, low and close over an interval, known when the bar closes.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bar {
    /// What was traded.
    pub instrument: InstrumentId,
    /// When the bar begins.
    pub open_at: Timestamp,
    /// When the bar ends; the moment it becomes known.
    pub close_at: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Quantity traded.
    pub volume: Qty,
    /// Number of trades; zero when the source does not say.
    pub trades: u32,
}

/// One message of a market.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum MarketUpdate {
    /// A print on the tape.
    Trade(Trade),
    /// A new best bid or offer.
    Quote(Quote),
    /// A bar of history begins.
    Open(BarOpen),
    /// A bar of history has closed.
    Bar(Bar),
}

impl MarketUpdate {
    /// What it is about.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        match self {
            Self::Trade(trade) => trade.instrument,
            Self::Quote(quote) => quote.instrument,
            Self::Open(open) => open.instrument,
            Self::Bar(bar) => bar.instrument,
        }
    }
}
