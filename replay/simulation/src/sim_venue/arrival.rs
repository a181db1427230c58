//! What happens when an order reaches the venue.

use engine_core::event::{Execution, ExecutionReport, RejectReason};
use engine_core::fill::Liquidity;
use engine_core::instrument::InstrumentId;
use engine_core::market::Side;
use engine_core::num::{Price, Qty};
use engine_core::order::{Order, OrderKind, Posting, StopLimit, TimeInForce};
use engine_core::time::Timestamp;

use super::{Match, Reports, SimVenue, Working, is_marketable, rejected, touches};
use crate::config::FillModel;

impl SimVenue {
    /// Takes an order in. Under the bar and at-signal models it may fill at once at the last price; under the
    /// others it waits for later data.
    pub(crate) fn arrive(&mut self, at: Timestamp, order: Order, reports: &mut Reports) {
        let Some(listing) = self.listings.get(order.instrument.index()) else {
            reports.push(rejected(order.id, at, RejectReason::UnknownInstrument));
            return;
        };
        let (last, born) = (listing.last, listing.phase);
        // With quotes an order would trade against the far side, not against the middle.
        let facing = match (self.model, &listing.quote, order.side) {
            (FillModel::Quotes, Some(quote), Side::Buy) => Some(quote.ask),
            (FillModel::Quotes, Some(quote), Side::Sell) => Some(quote.bid),
            _ => last,
        };
        let working = Working {
            arrived_at: at,
            filled: Qty::ZERO,
            triggered: false,
            rests: false,
            born,
            best: last,
            order,
        };
        if matches!(working.order.tif, TimeInForce::Gtd(until) if at >= until) {
            let (order, execution) = (working.order.id, Execution::Expired);
            reports.push(ExecutionReport { order, venue_at: at, execution });
            return;
        }
        if !listing.takes(&working.order, facing) {
            reports.push(rejected(working.order.id, at, RejectReason::NotTrading));
            return;
        }
        if would_take(&working.order, facing) {
            reports.push(rejected(working.order.id, at, RejectReason::WouldTake));
            return;
        }
        match self.model {
            FillModel::NextOpen | FillModel::SameClose | FillModel::AtSignal => {
                self.arrive_at_once(at, working, last, reports);
            }
            FillModel::Trades | FillModel::Quotes => {
                reports.push(accepted(&working, at));
                let rests = match working.order.kind {
                    OrderKind::Limit(limit) => {
                        facing.is_some_and(|price| !is_marketable(working.order.side, limit, price))
                    }
                    OrderKind::Market
                    | OrderKind::StopMarket(_)
                    | OrderKind::StopLimit(_)
                    | OrderKind::TrailingStop(_) => false,
                };
                self.rest(Working { rests, ..working });
            }
        }
    }

    fn arrive_at_once(
        &mut self,
        at: Timestamp,
        working: Working,
        last: Option<Price>,
        reports: &mut Reports,
    ) {
        let Some(last) = last else {
            reports.push(rejected(working.order.id, at, RejectReason::NoLiquidity));
            return;
        };
        let side = working.order.side;
        let fills = match working.order.kind {
            OrderKind::Market => true,
            OrderKind::Limit(limit) => is_marketable(side, limit, last),
            OrderKind::StopMarket(trigger) => touches(side, trigger, last),
            OrderKind::StopLimit(StopLimit { trigger, limit }) => {
                touches(side, trigger, last) && is_marketable(side, limit, last)
            }
            OrderKind::TrailingStop(_) => false,
        };
        if fills {
            let found = Match { price: last, qty: Qty::MAX, liquidity: Liquidity::Taker };
            self.fill(working, at, found, reports);
            return;
        }
        match working.order.tif {
            TimeInForce::Ioc | TimeInForce::Fok => reports.push(ExecutionReport {
                order: working.order.id,
                venue_at: at,
                execution: Execution::Expired,
            }),
            TimeInForce::Gtc | TimeInForce::Gtd(_) => {
                reports.push(accepted(&working, at));
                let triggered = match working.order.kind {
                    OrderKind::StopLimit(prices) => touches(side, prices.trigger, last),
                    OrderKind::Market
                    | OrderKind::Limit(_)
                    | OrderKind::StopMarket(_)
                    | OrderKind::TrailingStop(_) => false,
                };
                self.rest(Working { rests: true, triggered, ..working });
            }
        }
    }

    /// Ends every order of `instrument` whose time is over at `at`.
    pub(crate) fn expire(&mut self, instrument: InstrumentId, at: Timestamp, reports: &mut Reports) {
        if self.working_count == 0 {
            return;
        }
        let Some(listing) = self.listing(instrument) else { return };
        let before = listing.working.len();
        listing.working.retain(|working| {
            let over = matches!(working.order.tif, TimeInForce::Gtd(until) if at >= until);
            if over {
                let (order, execution) = (working.order.id, Execution::Expired);
                reports.push(ExecutionReport { order, venue_at: at, execution });
            }
            !over
        });
        let ended = before - listing.working.len();
        self.working_count -= ended;
    }
}

fn accepted(working: &Working, venue_at: Timestamp) -> ExecutionReport {
    ExecutionReport { order: working.order.id, venue_at, execution: Execution::Accepted }
}

/// Whether a post-only order would trade at once, now or when it wakes: only a plain limit order can promise
/// not to take.
fn would_take(order: &Order, last: Option<Price>) -> bool {
    let takes = match order.kind {
        OrderKind::Limit(limit) => last.is_some_and(|last| is_marketable(order.side, limit, last)),
        OrderKind::Market
        | OrderKind::StopMarket(_)
        | OrderKind::StopLimit(_)
        | OrderKind::TrailingStop(_) => true,
    };
    takes && order.posting == Posting::PostOnly
}
