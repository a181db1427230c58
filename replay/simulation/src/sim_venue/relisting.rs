//! What the simulated venue takes once the real one has changed its rules.

use engine_core::event::ListingChange;
use engine_core::listing::TradingStatus;
use engine_core::num::Price;
use engine_core::order::{Order, OrderKind};

use super::{Listing, SimVenue, is_marketable};

impl SimVenue {
    /// The rules of an instrument from now on. Orders that work stay as they are.
    pub(crate) fn relist(&mut self, change: &ListingChange) {
        let Some(listing) = self.listing(change.instrument) else { return };
        listing.status = change.status;
        change.apply_to(&mut listing.rules);
    }

    /// Whether both list the same instruments in the same decimals; steps and minimums may have changed since.
    pub(super) fn lists_like(&self, other: &Self) -> bool {
        let name = |listing: &Listing| {
            let rules = &listing.rules;
            (rules.venue.clone(), rules.symbol.clone(), rules.price_decimals, rules.qty_decimals)
        };
        self.listings.iter().map(name).eq(other.listings.iter().map(name))
    }
}

impl Listing {
    /// Whether an order is taken in; `facing` is the price that it would trade at.
    pub(super) fn takes(&self, order: &Order, facing: Option<Price>) -> bool {
        match self.status {
            TradingStatus::Trading => true,
            // Only what waits in the book.
            TradingStatus::Restricted => match order.kind {
                OrderKind::Limit(limit) => {
                    facing.is_some_and(|price| !is_marketable(order.side, limit, price))
                }
                OrderKind::Market
                | OrderKind::StopMarket(_)
                | OrderKind::StopLimit(_)
                | OrderKind::TrailingStop(_) => false,
            },
            TradingStatus::CancelOnly
            | TradingStatus::Halted
            | TradingStatus::Delisted
            | TradingStatus::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_core::event::{Execution, RejectReason};
    use engine_core::instrument::InstrumentId;
    use engine_core::market::{Aggressor, Side, Trade};
    use engine_core::num::{Money, Qty};
    use engine_core::order::{OrderId, Posting, Reach, TimeInForce};
    use engine_core::time::Timestamp;

    use super::*;
    use crate::config::FillModel;
    use crate::sim_venue::scenario_tests::config;

    const ONLY: InstrumentId = InstrumentId::new(0);

    /// What becomes of an order to buy while the instrument, last traded at 100, has this status.
    fn arrived(status: TradingStatus, kind: OrderKind) -> Execution {
        let config = config(FillModel::Trades);
        let mut venue = SimVenue::new(config.fill, config.costs, config.venue, &config.instruments);
        let at = Timestamp::from_nanos(1);
        let (price, qty) = (Price::from_units(100), Qty::from_units(1));
        let trade = Trade { instrument: ONLY, venue_at: at, price, qty, aggressor: Aggressor::Unknown };
        venue.on_quiet_trade(&trade);
        venue.relist(&ListingChange {
            instrument: ONLY,
            tick: Price::from_units(1),
            lot: Qty::from_units(1),
            notional_min: Money::ZERO,
            status,
        });
        let order = Order {
            id: OrderId::new(1),
            instrument: ONLY,
            side: Side::Buy,
            qty,
            kind,
            tif: TimeInForce::Gtc,
            posting: Posting::Any,
            reach: Reach::Any,
            bracket: None,
            parent: None,
            sibling: None,
            decided_price: price,
        };
        let mut reports = Vec::new();
        venue.arrive(at, order, &mut reports);
        reports.first().unwrap().execution
    }

    #[test]
    fn orders_are_taken_as_far_as_the_status_allows() {
        let refused = Execution::Rejected(RejectReason::NotTrading);
        let (waits, takes) =
            (OrderKind::Limit(Price::from_units(90)), OrderKind::Limit(Price::from_units(110)));
        for kind in [OrderKind::Market, waits, takes] {
            assert_eq!(arrived(TradingStatus::Trading, kind), Execution::Accepted);
            for status in [
                TradingStatus::CancelOnly,
                TradingStatus::Halted,
                TradingStatus::Delisted,
                TradingStatus::Unknown,
            ] {
                assert_eq!(arrived(status, kind), refused);
            }
        }
        let restricted =
            [OrderKind::Market, waits, takes].map(|kind| arrived(TradingStatus::Restricted, kind));
        assert_eq!(restricted, [refused, Execution::Accepted, refused]);
    }
}
