//! What a venue is asked about orders and an account, in words that all venues share.
//!
//! Symbols are spelled as the venue spells them, numbers are exact decimals. A dialect writes a request in its venue's words,
//! or says that the venue does not serve it.

use engine_core::market::Side;
use engine_core::num::Decimal;
use engine_core::order::{Posting, TimeInForce};
use engine_core::time::Timestamp;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderRequest {
    /// Take a new order.
    Place(NewOrder),
    /// End an order.
    Cancel {
        /// What it trades.
        symbol: String,
        /// Which order.
        order: OrderName,
    },
    /// End every order that works.
    CancelAll {
        /// Of this symbol alone; of all where there is none.
        symbol: Option<String>,
    },
    /// Say where an order stands.
    Query {
        /// What it trades.
        symbol: String,
        /// Which order.
        order: OrderName,
    },
    /// Say which orders work.
    OpenOrders {
        /// Of this symbol alone; of all where there is none.
        symbol: Option<String>,
    },
    /// Say what was traded.
    Fills {
        /// Of this symbol.
        symbol: String,
        /// Which trades.
        since: FillsSince,
    },
    /// Say what the account holds.
    Balances,
    /// Say what the key may do.
    Permissions,
}

impl OrderRequest {
    /// What kind of request it is, which decides what an error means.
    #[must_use]
    pub const fn asked(&self) -> Asked {
        match self {
            Self::Place(_) => Asked::Place,
            Self::Cancel { .. } | Self::CancelAll { .. } => Asked::Cancel,
            Self::Query { .. } => Asked::Query,
            Self::OpenOrders { .. } | Self::Fills { .. } | Self::Balances | Self::Permissions => Asked::Read,
        }
    }
}

/// A kind of request, as far as the meaning of an error hangs on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A new order.
    Place,
    /// The end of an order.
    Cancel,
    /// The end of an order and a new one in its place.
    Replace,
    /// Where an order stands.
    Query,
    /// Anything else that changes nothing.
    Read,
}

impl Asked {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 5] = [Self::Place, Self::Cancel, Self::Replace, Self::Query, Self::Read];
}

/// By what name an order is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderName {
    /// The client id we gave it.
    Client(String),
    /// The id the venue gave it.
    Venue(String),
}

/// Which trades of ours are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FillsSince {
    /// Those of the order that the venue calls so.
    Order(String),
    /// Those from this moment on.
    Moment(Timestamp),
    /// Those from the trade of this number on.
    Trade(u64),
}

/// An order to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// The client id, under which the order is found again; never given twice.
    pub client_id: String,
    /// What is traded.
    pub symbol: String,
    /// Buy or sell.
    pub side: Side,
    /// How much, in base currency.
    pub qty: Decimal,
    /// At what price.
    pub kind: NewOrderKind,
    /// How long it works.
    pub tif: TimeInForce,
    /// Whether it may take liquidity.
    pub posting: Posting,
}

/// At what price an order to be placed trades; a stop wakes when the market touches its trigger from the better side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewOrderKind {
    /// At the best price there is.
    Market,
    /// At this price or better.
    Limit {
        /// The price.
        limit: Decimal,
    },
    /// As a market order once the market touches the trigger.
    Stop {
        /// The price that wakes it.
        trigger: Decimal,
    },
    /// As a limit order once the market touches the trigger.
    StopLimit {
        /// The price that wakes it.
        trigger: Decimal,
        /// The worst price it then accepts.
        limit: Decimal,
    },
}
