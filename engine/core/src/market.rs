//! What a market says: trades, quotes, bar opens and bars.

use crate::instrument::InstrumentId;
use crate::num::{Price, Qty};
use crate::time::{Span, Timestamp};

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

impl Bar {
    /// Whether nothing traded while it lasted: one price, no volume and no trades.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let is_flat = self.high == self.low && self.open == self.close && self.high == self.close;
        is_flat && self.volume.is_zero() && self.trades == 0
    }

    /// How long it lasts.
    #[must_use]
    pub const fn length(&self) -> Span {
        self.close_at.since(self.open_at)
    }

    /// How many bars of the length `usual` are missing between `before`, when the bar before it ended, and its beginning.
    /// A part of a bar counts as one; zero where it follows directly or overlaps. The bar itself may be a short one, as
    /// after an outage, and says nothing about those that are missing.
    #[must_use]
    pub fn missing_since(&self, before: Timestamp, usual: Span) -> u32 {
        let gap_ns = self.open_at.since(before).nanos();
        if gap_ns <= 0 {
            return 0;
        }
        let missing = gap_ns.unsigned_abs().div_ceil(usual.nanos().max(1).unsigned_abs());
        // More than four billion bars is longer than any window, which is all that is asked of it.
        u32::try_from(missing).unwrap_or(u32::MAX)
    }
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
    /// A bar has closed in a run whose prices are trades or quotes: it is decided on, and neither moves a mark nor fills.
    SignalBar(Bar),
}

impl MarketUpdate {
    /// What it is about.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        match self {
            Self::Trade(trade) => trade.instrument,
            Self::Quote(quote) => quote.instrument,
            Self::Open(open) => open.instrument,
            Self::Bar(bar) | Self::SignalBar(bar) => bar.instrument,
        }
    }
}
