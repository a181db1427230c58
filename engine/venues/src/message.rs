//! What one text frame of a venue says, in words that all venues share.
//!
//! Symbols are spelled as the venue spells them, numbers keep the digits it wrote, times are exact. What shows that nothing
//! was left out, such as the numbers of trades and updates, counters and checksums, is part of the messages.

use engine_core::market::Aggressor;
use engine_core::num::Decimal;
use engine_core::time::{Span, Timestamp};

use crate::listing::{Listing, TradingStatus};

/// One thing a frame says; a frame may say several, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarketMessage {
    /// A trade, or the trades of one taker at one price.
    Trade(TradePrint),
    /// The best bid and ask.
    Quote(TopQuote),
    /// A bar as it stands.
    Kline(Kline),
    /// A whole book, which changes build on.
    BookSnapshot(BookSnapshot),
    /// The best levels of a book; complete in itself, changes do not build on it.
    BookTop(BookSnapshot),
    /// Levels that changed.
    BookChange(BookChange),
    /// The number of this frame on its connection, all channels together.
    Sequence {
        /// One more with each frame.
        number: u64,
    },
    /// The venue is alive.
    Heartbeat {
        /// One more with each heartbeat, where the venue counts them.
        counter: Option<u64>,
    },
    /// A request was carried out.
    Subscribed {
        /// The number of the request, where the venue repeats it.
        request: Option<String>,
        /// The channel, where it names one.
        channel: Option<String>,
        /// The symbols, where it names them.
        symbols: Vec<String>,
    },
    /// A request was refused.
    SubscriptionRefused {
        /// The number of the request, where the venue repeats it.
        request: Option<String>,
        /// The venue's code, where it has codes.
        code: Option<i64>,
        /// The venue's words.
        reason: String,
    },
    /// The venue will end this connection.
    ServerShutdown {
        /// When it said so.
        venue_at: Option<Timestamp>,
    },
    /// The venue as a whole trades, or does not.
    VenueStatus {
        /// What it means for trading.
        status: TradingStatus,
        /// The venue's word.
        word: String,
    },
    /// Whether a symbol can be traded.
    SymbolStatus {
        /// The symbol.
        symbol: String,
        /// What it means for trading.
        status: TradingStatus,
        /// The venue's word.
        word: String,
    },
    /// The rules of a symbol, which may have changed.
    Listing(Listing),
    /// Something this program does not know; counted by its kind and passed over.
    Unknown {
        /// The venue's name of it.
        kind: String,
    },
}

/// The venue's numbers of what was traded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TradeIds {
    /// One trade, numbered among all trades of its symbol.
    Single(u64),
    /// Several trades of one taker at one price.
    Aggregate {
        /// Its own number among aggregates.
        id: u64,
        /// The first of its trades.
        first: u64,
        /// The last of its trades.
        last: u64,
    },
    /// The venue gives none (Kraken's version 1): nothing shows what was left out or told twice.
    Unnumbered,
}

impl TradeIds {
    /// The numbers of its first and its last trade, where they have any.
    #[must_use]
    pub const fn range(self) -> Option<(u64, u64)> {
        match self {
            Self::Single(id) => Some((id, id)),
            Self::Aggregate { first, last, .. } => Some((first, last)),
            Self::Unnumbered => None,
        }
    }
}

/// Whether something happened just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Told as it happened.
    Live,
    /// Told to a new subscriber, or on request, about the past.
    Past,
}

/// A trade as the venue prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradePrint {
    /// What was traded.
    pub symbol: String,
    /// The venue's numbers of it.
    pub ids: TradeIds,
    /// When it happened.
    pub venue_at: Timestamp,
    /// At what price.
    pub price: Decimal,
    /// How much.
    pub qty: Decimal,
    /// Who took liquidity.
    pub aggressor: Aggressor,
    /// Whether it is news.
    pub delivery: Delivery,
}

/// A price and the quantity there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// The price.
    pub price: Decimal,
    /// The quantity; of a change, zero removes the level.
    pub qty: Decimal,
}

/// The best bid and ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopQuote {
    /// What is quoted.
    pub symbol: String,
    /// When it was so, where the venue says.
    pub venue_at: Option<Timestamp>,
    /// The number of the update, where the venue numbers them.
    pub update_id: Option<u64>,
    /// The best bid; nothing where nobody bids.
    pub bid: Option<Level>,
    /// The best ask; nothing where nobody offers.
    pub ask: Option<Level>,
}

/// Whether a bar may still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KlineState {
    /// It has ended; nothing else may become a bar of history.
    Closed,
    /// It is forming.
    Forming,
    /// The venue does not say; only its end in time tells.
    Unsaid,
}

/// A bar as the venue computes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kline {
    /// What was traded.
    pub symbol: String,
    /// Its length.
    pub interval: Span,
    /// When it begins.
    pub open_at: Timestamp,
    /// When it ends; the next begins there.
    pub close_at: Timestamp,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Quantity traded.
    pub volume: Decimal,
    /// Number of trades, where the venue says.
    pub trades: Option<u32>,
    /// First and last trade in it, where the venue says and there is one.
    pub trade_ids: Option<(u64, u64)>,
    /// Whether it may still change.
    pub state: KlineState,
}

/// What shows that a book has missed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookProof {
    /// A snapshot up to and including this update.
    UpTo(u64),
    /// The updates that a change holds.
    Updates {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
        /// The last of the change before, where the venue says (Binance's futures).
        previous: Option<u64>,
    },
    /// The number of the frame on its connection.
    Connection(u64),
    /// CRC32 of the ten best levels of each side once the message has been applied.
    Checksum(u32),
    /// The venue gives none.
    Unsaid,
}

/// Every level of a book, or of its best part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookSnapshot {
    /// Whose book it is.
    pub symbol: String,
    /// When it was so, where the venue says.
    pub venue_at: Option<Timestamp>,
    /// Up to where it is complete.
    pub proof: BookProof,
    /// Levels to sell at.
    pub bids: Vec<Level>,
    /// Levels to buy at.
    pub asks: Vec<Level>,
}

/// Levels that changed; quantities are what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookChange {
    /// Whose book it is.
    pub symbol: String,
    /// When it was so, where the venue says.
    pub venue_at: Option<Timestamp>,
    /// What follows what.
    pub proof: BookProof,
    /// Levels to sell at.
    pub bids: Vec<Level>,
    /// Levels to buy at.
    pub asks: Vec<Level>,
}
