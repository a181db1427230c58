//! Orders to a venue over a connection of their own: the end of the port that a run hands its orders to.

use std::sync::Arc;
use std::time::Duration;

use engine_core::asset::AssetPair;
use engine_core::num::Qty;
use engine_core::order::{Order, OrderId};
use engine_runtime::order_route::{OrderRoute, RouteBeginning};
use engine_runtime::ports::{EffectFailure, EnvironmentError, Inlet};

use crate::clock::HouseClock;
use crate::dialect::Dialect;
use crate::http::Http;
use crate::market_venue::Notices;
use crate::order_gateway::{GatewayMarket, OrderGateway};
use crate::order_session::{Asking, OrderSession, OrderWords, Shared, VenueClock};
use crate::outside::Outside;
use crate::session::Manners;

/// The way of a run's orders over a socket.
pub(crate) struct SocketRoute {
    pub(crate) venue: &'static str,
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) url: String,
    /// Where its time is asked for.
    pub(crate) http: Http,
    pub(crate) markets: Vec<GatewayMarket>,
    /// How the venue speaks, until the route is begun.
    pub(crate) words: Option<Box<dyn OrderWords>>,
    pub(crate) clock: Arc<HouseClock>,
    pub(crate) outside: Arc<dyn Outside>,
    pub(crate) notices: Notices,
    pub(crate) shared: Option<Arc<Shared>>,
}

impl SocketRoute {
    fn shared(&self) -> Result<&Arc<Shared>, EffectFailure> {
        let reason = || EffectFailure { reason: "the way to the venue was not begun".to_owned() };
        self.shared.as_ref().ok_or_else(reason)
    }
}

impl OrderRoute for SocketRoute {
    fn pairs(&self) -> Vec<AssetPair> {
        self.markets.iter().map(|market| market.pair.clone()).collect()
    }

    fn begin(&mut self, beginning: RouteBeginning, inlet: Inlet) -> Result<(), EnvironmentError> {
        let broken = |reason: String| EnvironmentError::SourceBroken { reason };
        let words = self.words.take().ok_or_else(|| broken("orders were begun twice".to_owned()))?;
        if self.url.starts_with("wss://") {
            // Another part of the program may have chosen one already; any of them serves.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let shared = Arc::new(Shared::new(OrderGateway::new(beginning, self.markets.clone())));
        let session = OrderSession {
            venue: self.venue,
            manners: Manners {
                url: self.url.clone(),
                pace: Duration::ZERO,
                silence: words.silence(),
                rotate_after: Duration::MAX,
            },
            words,
            shared: Arc::clone(&shared),
            inlet,
            clock: Arc::clone(&self.clock),
            outside: Arc::clone(&self.outside),
            notices: Arc::clone(&self.notices),
            asking: Asking::new(Arc::clone(&self.outside)),
            venue_clock: VenueClock::new(
                Arc::clone(&self.clock),
                Arc::clone(&self.dialect),
                self.http.clone(),
            ),
        };
        let kept = self.outside.keep(&format!("{} orders", self.venue), Box::pin(session.keep()));
        kept.map_err(|error| broken(format!("no thread for orders: {error}")))?;
        self.shared = Some(shared);
        Ok(())
    }

    fn place(&mut self, order: &Order) -> Result<(), EffectFailure> {
        let (shared, now) = (self.shared()?, self.clock.now());
        shared.gateway().place(now, order)?;
        shared.wake();
        Ok(())
    }

    fn cancel(&mut self, order: OrderId) -> Result<(), EffectFailure> {
        let (shared, now) = (self.shared()?, self.clock.now());
        shared.gateway().cancel(now, order)?;
        shared.wake();
        Ok(())
    }

    fn amend(&mut self, order: OrderId, _: Qty) -> Result<(), EffectFailure> {
        self.shared()?.gateway().amend(order)
    }
}

impl Drop for SocketRoute {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.end();
        }
    }
}

#[cfg(test)]
mod tests;
