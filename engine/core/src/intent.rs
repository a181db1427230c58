//! What a strategy wants done, before the risk gate has judged it, and why.

use std::borrow::Cow;

use crate::instrument::InstrumentId;
use crate::market::Side;
use crate::num::{Money, Price, Qty, Ratio};
use crate::order::{Bracket, OrderId, OrderKind, Posting, Reach, TimeInForce};

/// Why something was done, in the words of the strategy or of the engine.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rationale {
    /// As in `fast average crossed above slow`. Most reasons are fixed texts, passed on without a copy.
    pub reason: Cow<'static, str>,
}

impl Rationale {
    /// A reason in words.
    #[must_use]
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into() }
    }
}

/// How much an intent wants; the gate turns it into whole lots.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// This quantity.
    Units(Qty),
    /// As much as this amount buys at the reference price.
    Notional(Money),
    /// As much as this share of equity buys at the reference price, taker fee included.
    EquityShare(Ratio),
    /// As much as this share of equity buys at the reference price, taker fee included, and no more than other
    /// positions leave free: of the exposure that leverage allows, in a cash account of the cash.
    FreeShare(Ratio),
    /// Whatever position there is when the order is made.
    Position,
}

/// A wish to place an order, before the gate.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderIntent {
    /// What to trade.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How much.
    pub size: Size,
    /// At what price.
    pub kind: OrderKind,
    /// How long.
    pub tif: TimeInForce,
    /// Whether it may take liquidity.
    pub posting: Posting,
    /// Whether it may enlarge the position.
    pub reach: Reach,
    /// Exits to place when it fills.
    pub bracket: Option<Bracket>,
    /// Why.
    pub because: Rationale,
}

impl OrderIntent {
    /// A market order, good till cancelled, without exits.
    #[must_use]
    pub fn market(
        instrument: InstrumentId,
        side: Side,
        size: Size,
        because: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            instrument,
            side,
            size,
            kind: OrderKind::Market,
            tif: TimeInForce::Gtc,
            posting: Posting::Any,
            reach: Reach::Any,
            bracket: None,
            because: Rationale::new(because),
        }
    }

    /// A limit order, good till cancelled, without exits.
    #[must_use]
    pub fn limit(
        instrument: InstrumentId,
        side: Side,
        size: Size,
        price: Price,
        because: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind: OrderKind::Limit(price), ..Self::market(instrument, side, size, because) }
    }

    /// A market order that closes the whole position held on the other side of `side`.
    #[must_use]
    pub fn close(instrument: InstrumentId, side: Side, because: impl Into<Cow<'static, str>>) -> Self {
        Self { reach: Reach::ReduceOnly, ..Self::market(instrument, side, Size::Position, because) }
    }
}

/// A wish to end an order.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct CancelIntent {
    /// Which order.
    pub order: OrderId,
    /// Why.
    pub because: Rationale,
}

/// What a strategy may wish for.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Place an order.
    Place(Box<OrderIntent>),
    /// End an order.
    Cancel(CancelIntent),
}

impl From<OrderIntent> for Intent {
    fn from(intent: OrderIntent) -> Self {
        Self::Place(Box::new(intent))
    }
}
