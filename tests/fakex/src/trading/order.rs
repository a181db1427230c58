//! An order: what was asked for, and what has become of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::amount::Amount;

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Side {
    /// Base for quote.
    Buy,
    /// Quote for base.
    Sell,
}

/// How much of a market order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// So many units of the base asset.
    Base(u64),
    /// As much as this pays for, or brings, in quote currency.
    Quote(Amount),
}

/// How long a limit order lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Life {
    /// Until it is cancelled.
    Gtc,
    /// What is not filled at once expires.
    Ioc,
    /// Filled whole at once, or not at all.
    Fok,
}

/// What kind of order it is once it is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// At any price, at once.
    Market {
        /// How much.
        size: Size,
    },
    /// At its price or better.
    Limit {
        /// In units of the price.
        price: u64,
        /// In units of the quantity.
        quantity: u64,
        /// How long.
        life: Life,
    },
    /// At its price, and only if it can rest.
    PostOnly {
        /// In units of the price.
        price: u64,
        /// In units of the quantity.
        quantity: u64,
    },
}

/// Which way a trade goes that wakes an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To end a loss: a buy wakes when the price rises to it, a sell when it falls to it.
    StopLoss,
    /// To take a profit: the other way round.
    TakeProfit,
}

/// What an order waits for before it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// In units of the price.
    pub price: u64,
    /// Which way.
    pub purpose: Purpose,
}

impl Trigger {
    /// Whether a trade at `price` wakes an order of this side.
    pub(crate) fn wakes(self, side: Side, price: u64) -> bool {
        match (side, self.purpose) {
            (Side::Buy, Purpose::StopLoss) | (Side::Sell, Purpose::TakeProfit) => price >= self.price,
            (Side::Sell, Purpose::StopLoss) | (Side::Buy, Purpose::TakeProfit) => price <= self.price,
        }
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Buy or sell.
    pub side: Side,
    /// What kind.
    pub kind: Kind,
    /// What it waits for first.
    pub trigger: Option<Trigger>,
}

impl Terms {
    /// Units of the base asset that it is for; `None` where only an amount of quote currency is known.
    pub(crate) fn quantity(&self) -> Option<u64> {
        match self.kind {
            Kind::Market { size: Size::Base(quantity) }
            | Kind::Limit { quantity, .. }
            | Kind::PostOnly { quantity, .. } => Some(quantity),
            Kind::Market { size: Size::Quote(_) } => None,
        }
    }

    /// The worst price it takes.
    pub(crate) fn limit(&self) -> Option<u64> {
        match self.kind {
            Kind::Limit { price, .. } | Kind::PostOnly { price, .. } => Some(price),
            Kind::Market { .. } => None,
        }
    }
}

/// What has become of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Open, nothing filled.
    New,
    /// Open, some of it filled.
    PartiallyFilled,
    /// All of it filled.
    Filled,
    /// Ended by its owner.
    Canceled,
    /// Ended by the venue.
    Expired,
    /// Ended by the venue, which keeps an account from trading with itself.
    ExpiredInMatch,
}

impl Status {
    /// Whether it can still be filled.
    pub fn is_open(self) -> bool {
        match self {
            Self::New | Self::PartiallyFilled => true,
            Self::Filled | Self::Canceled | Self::Expired | Self::ExpiredInMatch => false,
        }
    }
}

/// An order that the venue accepted; prices and quantities are whole units of the market's last decimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The venue's number.
    pub id: u64,
    /// The client's name for it.
    pub client_id: Arc<str>,
    /// Its market, such as `BTCUSDT`.
    pub market: Arc<str>,
    /// What was asked for.
    pub terms: Terms,
    /// What has become of it.
    pub status: Status,
    /// Units of the base asset that it is for; those it was filled with where only quote currency was asked for.
    pub quantity: u64,
    /// Units of the base asset that were filled.
    pub filled: u64,
    /// What was paid, or came in, for them.
    pub filled_quote: Amount,
    /// What was charged for them, by asset.
    pub fees: BTreeMap<Arc<str>, Amount>,
    /// What it holds of the asset that it gives.
    pub held: Amount,
    /// Quantity of others that stands before it at its price.
    pub ahead: u64,
    /// When the venue accepted it, in nanoseconds since 1970.
    pub created_ns: i64,
    /// When it changed last.
    pub updated_ns: i64,
    /// When it came to stand on the book or took from it; none while it waits for its trigger.
    pub working_ns: Option<i64>,
    /// Placed by hand, not by a request of a client.
    pub by_hand: bool,
    /// Words of the dialect that belong to it, kept as they came.
    pub marks: Vec<(String, String)>,
}

impl Order {
    /// Units that are not filled.
    pub fn remaining(&self) -> u64 {
        self.quantity - self.filled
    }

    /// Whether it waits for its trigger.
    pub fn is_asleep(&self) -> bool {
        self.terms.trigger.is_some() && self.working_ns.is_none()
    }
}
