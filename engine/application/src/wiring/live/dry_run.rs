//! A run with real orders that sends none: it asks the venue everything, and says what it would have sent.

use engine_core::asset::AssetPair;
use engine_core::instrument::Instrument;
use engine_core::market::Side;
use engine_core::num::{Decimal, Price, Qty};
use engine_core::order::{Order, OrderId, OrderKind};
use engine_runtime::order_route::{OrderRoute, RouteBeginning};
use engine_runtime::ports::{EffectFailure, EnvironmentError, Inlet};
use engine_venues::market_venue::Notices;

/// The way of orders that ends before the venue.
pub(super) struct DryRun {
    route: Box<dyn OrderRoute>,
    instruments: Vec<Instrument>,
    notices: Notices,
}

impl DryRun {
    /// `route`, which reads and is handed nothing; what would have gone over it is told to `notices`.
    pub(super) fn new(route: Box<dyn OrderRoute>, instruments: &[Instrument], notices: Notices) -> Self {
        Self { route, instruments: instruments.to_vec(), notices }
    }

    fn say(&self, words: &str) -> EffectFailure {
        (self.notices)(&format!("dry run: {words}"));
        EffectFailure { reason: "dry run: not sent".to_owned() }
    }

    fn words_of(&self, order: &Order) -> Option<String> {
        let rules = self.instruments.get(order.instrument.index())?;
        let side = match order.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        };
        let qty = Decimal { units: order.qty.units(), decimals: rules.qty_decimals };
        let price =
            |price: Price| Decimal { units: i128::from(price.units()), decimals: rules.price_decimals };
        let kind = match order.kind {
            OrderKind::Market => "at the market".to_owned(),
            OrderKind::Limit(limit) => format!("at {} or better", price(limit)),
            OrderKind::StopMarket(trigger) => format!("at the market once {} is touched", price(trigger)),
            OrderKind::StopLimit(stop) => {
                format!("at {} or better once {} is touched", price(stop.limit), price(stop.trigger))
            }
            OrderKind::TrailingStop(_) => "behind the price".to_owned(),
        };
        Some(format!("would send order {}: {side} {qty} {} {kind}", order.id.number(), rules.symbol))
    }
}

impl OrderRoute for DryRun {
    fn pairs(&self) -> Vec<AssetPair> {
        self.route.pairs()
    }

    fn begin(&mut self, beginning: RouteBeginning, inlet: Inlet) -> Result<(), EnvironmentError> {
        self.route.begin(beginning, inlet)
    }

    fn place(&mut self, order: &Order) -> Result<(), EffectFailure> {
        let words = self.words_of(order).unwrap_or_else(|| format!("would send order {}", order.id.number()));
        Err(self.say(&words))
    }

    fn cancel(&mut self, order: OrderId) -> Result<(), EffectFailure> {
        Err(self.say(&format!("would cancel order {}", order.number())))
    }

    fn amend(&mut self, order: OrderId, _qty: Qty) -> Result<(), EffectFailure> {
        Err(self.say(&format!("would amend order {}", order.number())))
    }
}
