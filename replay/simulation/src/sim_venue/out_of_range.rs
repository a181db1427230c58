//! What has no price or no fee that fits is rejected with its reason, and never filled at another price.

use engine_core::event::{Execution, RejectReason};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Aggressor, Side, Trade};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{Order, OrderId, OrderKind, Posting, Reach, TimeInForce};
use engine_core::time::Timestamp;

use super::SimVenue;
use crate::config::{Costs, FillModel, VenueRules};

const ONLY: InstrumentId = InstrumentId::new(0);

pub(super) fn at(nanos: i64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

pub(super) fn trade(nanos: i64, price: i64) -> Trade {
    let (price, qty) = (Price::from_units(price), Qty::from_units(1_000));
    Trade { instrument: ONLY, venue_at: at(nanos), price, qty, aggressor: Aggressor::Unknown }
}

pub(super) fn order(side: Side, kind: OrderKind) -> Order {
    Order {
        id: OrderId::new(1),
        instrument: ONLY,
        side,
        qty: Qty::from_units(10),
        kind,
        tif: TimeInForce::Gtc,
        posting: Posting::Any,
        reach: Reach::Any,
        bracket: None,
        parent: None,
        sibling: None,
        decided_price: Price::from_units(1),
    }
}

/// What becomes of `order` when a trade at `price` follows it, with a spread and a slippage of one half each.
fn told(model: FillModel, order: Order, price: i64) -> Vec<Execution> {
    let rules = Instrument {
        venue: "test".into(),
        symbol: "X".into(),
        price_decimals: 18,
        qty_decimals: 0,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    };
    let half = Ratio::from_units(500_000_000);
    let costs = Costs { slippage: half, spread: half, ..Costs::default() };
    let mut venue = SimVenue::new(model, costs, VenueRules::default(), &[rules]);
    let mut reports = Vec::new();
    venue.on_trade(&trade(1, price), &mut reports);
    venue.arrive(at(2), order, &mut reports);
    venue.on_trade(&trade(3, price), &mut reports);
    reports.iter().map(|report| report.execution).collect()
}

#[test]
fn an_order_without_a_price_that_fits_is_rejected() {
    let rejected = Execution::Rejected(RejectReason::OutOfRange);
    let far = i64::MAX - 1;
    let buy = || order(Side::Buy, OrderKind::Market);
    assert_eq!(told(FillModel::Trades, buy(), far), [Execution::Accepted, rejected]);
    assert_eq!(told(FillModel::AtSignal, buy(), far), [rejected]);
    // Half of one unit rounds to nothing: no slippage would be too good a price.
    assert_eq!(told(FillModel::AtSignal, order(Side::Sell, OrderKind::Market), 1), [rejected]);
}

#[test]
fn a_limit_below_a_price_that_does_not_fit_waits() {
    let limit = OrderKind::Limit(Price::from_units(i64::MAX / 2));
    assert_eq!(told(FillModel::Trades, order(Side::Buy, limit), i64::MAX - 1), [Execution::Accepted]);
}
