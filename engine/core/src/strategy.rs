//! What a trading policy is: it learns from events and proposes intents.
//!
//! `&mut self` learns, `&self` proposes: the receiver proves that a proposal changes nothing. A strategy
//! cannot act, wait or look ahead; everything it sees has already been recorded.

use std::borrow::Cow;

use crate::event::{Event, Rationale};
use crate::instrument::{Instrument, InstrumentId};
use crate::market::Side;
use crate::num::{Money, Price, Qty, Ratio};
use crate::order::{Bracket, OpenOrder, OrderId, OrderKind, Posting, Reach, TimeInForce};
use crate::state::State;
use crate::time::Timestamp;

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

/// What a strategy sees when it proposes: the folded state and the moment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The moment of the input being answered.
    pub at: Timestamp,
    /// Everything folded so far, that input included.
    pub state: &'a State,
}

impl<'a> View<'a> {
    /// The signed position in `instrument`.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> Qty {
        self.state.ledger().position(instrument).qty
    }

    /// The price positions in `instrument` are valued at, once there is one.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId) -> Option<Price> {
        self.state.mark(instrument)
    }

    /// Capital plus all profit, fees paid, open positions at their mark.
    #[must_use]
    pub fn equity(&self) -> Money {
        self.state.equity()
    }

    /// The rules of `instrument`, or `None` when the run has no such instrument.
    #[must_use]
    pub fn instrument(&self, instrument: InstrumentId) -> Option<&'a Instrument> {
        self.state.instrument(instrument)
    }

    /// Working orders in `instrument`, oldest first.
    pub fn open_orders(&self, instrument: InstrumentId) -> impl Iterator<Item = &'a OpenOrder> + use<'a> {
        self.state.open_orders().filter(move |open| open.order.instrument == instrument)
    }
}

/// A trading policy.
///
/// Every event of the run is shown to [`observe`](Strategy::observe), in order, live and on replay alike.
/// After each market input [`propose`](Strategy::propose) is asked for intents; the same view must give the
/// same intents. On bars of history with the `next-open` convention the orders follow at the next open.
pub trait Strategy: Send {
    /// Learns from one event.
    fn observe(&mut self, at: Timestamp, event: &Event);

    /// What it would do now. An empty vector costs nothing.
    fn propose(&self, view: &View<'_>) -> Vec<Intent>;
}
