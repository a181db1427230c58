//! The way of orders to a real venue, and what goes over it first.

use engine_core::asset::AssetPair;
use engine_core::client_id::RunId;
use engine_core::epoch::Epoch;
use engine_core::num::Qty;
use engine_core::order::{Order, OrderId};
use engine_core::time::Timestamp;

use crate::ports::{EffectFailure, EnvironmentError, Inlet};

/// An order of the run that is not known to be over.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StandingOrder {
    /// As it was sent.
    pub order: Order,
    /// The epoch that its client id carries.
    pub epoch: Epoch,
    /// The venue's name of it, where that is known.
    pub name: Option<String>,
    /// How much of it has traded, as far as that was told.
    pub filled: Qty,
}

/// Where a process takes the orders of a run up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteBeginning {
    /// Which run.
    pub run: RunId,
    /// Which process; its orders carry it.
    pub epoch: Epoch,
    /// The orders that are not known to be over, oldest first.
    pub orders: Vec<StandingOrder>,
    /// What the venue said of the account before this moment has been told; nothing for a run that begins.
    pub since: Option<Timestamp>,
    /// Until when the venue wants to be asked nothing, where it has asked for a pause.
    pub paused_until: Option<Timestamp>,
}

/// Hands orders to a real venue. What becomes of them comes back through the inlet of the feed, as inputs: reports, what is
/// in the account, and orders that were not answered.
///
/// An error of one of these says that nothing has left the process.
pub trait OrderRoute: Send {
    /// What each instrument of the run exchanges, in the order of their numbers.
    fn pairs(&self) -> Vec<AssetPair>;

    /// Begins to talk to the venue: asks first what became of the orders in `beginning` and what is in the account, and tells
    /// that through `inlet`.
    ///
    /// # Errors
    /// [`EnvironmentError`] where it cannot be begun at all.
    fn begin(&mut self, beginning: RouteBeginning, inlet: Inlet) -> Result<(), EnvironmentError>;

    /// Hands a new order over.
    ///
    /// # Errors
    /// [`EffectFailure`]; the order has not left.
    fn place(&mut self, order: &Order) -> Result<(), EffectFailure>;

    /// Asks for the end of an order.
    ///
    /// # Errors
    /// [`EffectFailure`]; nothing was asked.
    fn cancel(&mut self, order: OrderId) -> Result<(), EffectFailure>;

    /// Asks to work an order on with another whole quantity.
    ///
    /// # Errors
    /// [`EffectFailure`]; nothing was asked.
    fn amend(&mut self, order: OrderId, qty: Qty) -> Result<(), EffectFailure>;
}
