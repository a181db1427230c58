//! The way of orders, over which none goes that its venue is not sent.

use engine_core::asset::AssetPair;
use engine_core::num::Qty;
use engine_core::order::{Order, OrderId};
use engine_runtime::order_route::{OrderRoute, RouteBeginning};
use engine_runtime::ports::{EffectFailure, EnvironmentError, Inlet};
use engine_venues::order_types::OrderType;

use super::key_lease::KeyLease;

/// A route behind the table of order types. Settings show most of what they refuse before a run begins; a strategy of one's own
/// shows it when it orders.
pub(super) struct CheckedRoute {
    venue: String,
    route: Box<dyn OrderRoute>,
    // Held for as long as orders may go.
    _lease: Option<KeyLease>,
}

impl CheckedRoute {
    /// `route` to `venue`, checked, with what its process holds meanwhile.
    pub(super) fn new(venue: &str, route: Box<dyn OrderRoute>, lease: Option<KeyLease>) -> Self {
        Self { venue: venue.to_owned(), route, _lease: lease }
    }

    fn unless_refused(&self, asked: &[OrderType]) -> Result<(), EffectFailure> {
        match asked.iter().find_map(|asked| asked.refusal(&self.venue)) {
            Some(reason) => Err(EffectFailure { reason }),
            None => Ok(()),
        }
    }
}

impl OrderRoute for CheckedRoute {
    fn pairs(&self) -> Vec<AssetPair> {
        self.route.pairs()
    }

    fn begin(&mut self, beginning: RouteBeginning, inlet: Inlet) -> Result<(), EnvironmentError> {
        self.route.begin(beginning, inlet)
    }

    fn place(&mut self, order: &Order) -> Result<(), EffectFailure> {
        self.unless_refused(&OrderType::of(order))?;
        self.route.place(order)
    }

    fn cancel(&mut self, order: OrderId) -> Result<(), EffectFailure> {
        self.route.cancel(order)
    }

    fn amend(&mut self, order: OrderId, qty: Qty) -> Result<(), EffectFailure> {
        self.unless_refused(&[OrderType::Amendment])?;
        self.route.amend(order, qty)
    }
}
