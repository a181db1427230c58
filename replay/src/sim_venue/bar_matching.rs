//! How a bar fills working orders: a worst-case path, one execution at a time.
//!
//! A bar tells four prices and not their order, so the path is chosen against us:
//!
//! 1. At the open, every working order that the open price satisfies fills there: a stop that was jumped
//!    over fills at the open, a limit order at the open if that is better.
//! 2. Then stops whose trigger lies between low and high, nearest to the open first, each at its trigger.
//! 3. Then limit orders inside the range, nearest to the open first, each at its limit.
//!
//! So when a protecting stop and a profit target lie in the same bar, the stop wins. An order that comes to
//! life on the path (the exits of an entry that filled inside the bar) can be stopped out in that bar, but its
//! limit counts only from the next one. After each execution the house may answer before the path goes on.

use engine_core::event::{Execution, ExecutionReport, Liquidity};
use engine_core::instrument::InstrumentId;
use engine_core::market::{Bar, Side};
use engine_core::num::{Price, Qty, Ratio};
use engine_core::order::{OrderKind, StopLimit};
use engine_core::time::Timestamp;

use super::{
    Match, Phase, Reports, SimVenue, Working, better, fills_limit, is_marketable, touches, trailing_trigger,
};
use crate::backtest::config::LimitFill;

impl SimVenue {
    /// The price of an open becomes known.
    pub(crate) fn on_open(&mut self, instrument: InstrumentId, open: Price) {
        if let Some(listing) = self.listing(instrument) {
            listing.last = Some(open);
            listing.phase = Phase::Outside;
        }
    }

    /// Fills one working order that the open satisfies; answers whether there was one.
    pub(crate) fn fill_at_open(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        open: Price,
        reports: &mut Reports,
    ) -> bool {
        let rule = self.rules.limit_fill;
        self.execute_first(at, instrument, reports, |working| {
            // What came to life on the path was not there when the bar opened.
            if working.born == Phase::Inside {
                return None;
            }
            let side = working.order.side;
            let maker = if working.rests { Liquidity::Maker } else { Liquidity::Taker };
            match working.order.kind {
                OrderKind::Market => Some((0, open, Liquidity::Taker)),
                // One that waited fills at an open exactly at its limit only where a touch is enough.
                OrderKind::Limit(limit) if working.rests => {
                    fills_limit(rule, side, limit, open).then_some((0, open, maker))
                }
                OrderKind::Limit(limit) => is_marketable(side, limit, open).then_some((0, open, maker)),
                OrderKind::StopMarket(trigger) => {
                    touches(side, trigger, open).then_some((0, open, Liquidity::Taker))
                }
                OrderKind::StopLimit(StopLimit { trigger, limit }) => {
                    let awake = working.triggered || touches(side, trigger, open);
                    (awake && is_marketable(side, limit, open)).then_some((0, open, Liquidity::Taker))
                }
                OrderKind::TrailingStop(share) => {
                    let trigger = working.best.and_then(|best| trailing_trigger(side, best, share))?;
                    touches(side, trigger, open).then_some((0, open, Liquidity::Taker))
                }
            }
        })
    }

    /// Fills the next working order on the path through `bar`; answers whether there was one.
    pub(crate) fn fill_inside(&mut self, at: Timestamp, bar: &Bar, reports: &mut Reports) -> bool {
        if let Some(listing) = self.listing(bar.instrument) {
            listing.phase = Phase::Inside;
        }
        let stopped = |working: &Working| stop_inside(working, bar);
        if self.execute_first(at, bar.instrument, reports, stopped) {
            return true;
        }
        if self.wake_stop_limits(at, bar, reports) {
            return true;
        }
        let rule = self.rules.limit_fill;
        self.execute_first(at, bar.instrument, reports, |working| limit_inside(rule, working, bar))
    }

    /// The bar is over: trailing stops learn its extremes, and every order may fill in the next one.
    pub(crate) fn on_bar(&mut self, bar: &Bar) {
        let Some(listing) = self.listing(bar.instrument) else { return };
        listing.last = Some(bar.close);
        listing.phase = Phase::Outside;
        for working in &mut listing.working {
            working.born = Phase::Outside;
            let extreme = match working.order.side {
                Side::Buy => bar.low,
                Side::Sell => bar.high,
            };
            working.best = Some(better(working.order.side, working.best, extreme));
        }
    }

    /// Executes the working order with the smallest distance that `wants` names, ties by age.
    fn execute_first(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        reports: &mut Reports,
        wants: impl Fn(&Working) -> Option<(i64, Price, Liquidity)>,
    ) -> bool {
        let Some(listing) = self.listing(instrument) else { return false };
        let wanted = listing.working.iter().filter_map(|working| {
            let (distance, price, liquidity) = wants(working)?;
            Some((distance, working.order.id, price, liquidity))
        });
        let Some((_, id, price, liquidity)) = wanted.min_by_key(|(distance, id, _, _)| (*distance, *id))
        else {
            return false;
        };
        let Some(working) = self.remove(id) else { return false };
        let found = Match { price, qty: Qty::MAX, liquidity };
        if let Some(rest) = self.fill(working, at, found, reports) {
            self.rest(rest);
        }
        true
    }

    /// Wakes stop-limit orders whose trigger lies in the bar but whose limit does not fill there.
    fn wake_stop_limits(&mut self, at: Timestamp, bar: &Bar, reports: &mut Reports) -> bool {
        let Some(listing) = self.listing(bar.instrument) else { return false };
        for working in &mut listing.working {
            let OrderKind::StopLimit(prices) = working.order.kind else { continue };
            if !working.triggered && reaches(working.order.side, prices.trigger, bar) {
                working.triggered = true;
                working.born = Phase::Inside;
                let (order, execution) = (working.order.id, Execution::Triggered);
                reports.push(ExecutionReport { order, venue_at: at, execution });
                return true;
            }
        }
        false
    }
}

/// Whether the path of a bar reaches a stop on `side`.
fn reaches(side: Side, trigger: Price, bar: &Bar) -> bool {
    match side {
        Side::Buy => bar.high >= trigger,
        Side::Sell => bar.low <= trigger,
    }
}

fn distance(bar: &Bar, price: Price) -> i64 {
    // Only the order of distances counts, and prices of orders are positive.
    bar.open.units().saturating_sub(price.units()).saturating_abs()
}

fn stop_inside(working: &Working, bar: &Bar) -> Option<(i64, Price, Liquidity)> {
    let side = working.order.side;
    let trigger = match working.order.kind {
        OrderKind::StopMarket(trigger) => trigger,
        OrderKind::StopLimit(StopLimit { trigger, .. }) => (!working.triggered).then_some(trigger)?,
        OrderKind::TrailingStop(share) => trailing_inside(working, share, bar)?,
        OrderKind::Market | OrderKind::Limit(_) => return None,
    };
    // A trigger the open has already passed belongs to an order born on the path: it fills where the path is.
    let price = match side {
        Side::Buy => trigger.max(bar.low),
        Side::Sell => trigger.min(bar.high),
    };
    // A stop-limit fills on waking if its limit allows it there; else it waits at its limit.
    let allowed = match working.order.kind {
        OrderKind::StopLimit(prices) => is_marketable(side, prices.limit, price),
        OrderKind::Market | OrderKind::Limit(_) | OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => {
            true
        }
    };
    (allowed && reaches(side, trigger, bar)).then_some((distance(bar, price), price, Liquidity::Taker))
}

/// A trailing stop follows the bar's own extreme only when the close proves that the market came back.
fn trailing_inside(working: &Working, share: Ratio, bar: &Bar) -> Option<Price> {
    let side = working.order.side;
    let known = working.best.and_then(|best| trailing_trigger(side, best, share));
    if let Some(trigger) = known
        && reaches(side, trigger, bar)
    {
        return Some(trigger);
    }
    let extreme = match side {
        Side::Buy => bar.low,
        Side::Sell => bar.high,
    };
    let moved = trailing_trigger(side, better(side, working.best, extreme), share)?;
    touches(side, moved, bar.close).then_some(moved)
}

fn limit_inside(rule: LimitFill, working: &Working, bar: &Bar) -> Option<(i64, Price, Liquidity)> {
    let limit = match working.order.kind {
        OrderKind::Limit(limit) => limit,
        OrderKind::StopLimit(prices) if working.triggered => prices.limit,
        OrderKind::StopLimit(_)
        | OrderKind::Market
        | OrderKind::StopMarket(_)
        | OrderKind::TrailingStop(_) => return None,
    };
    let extreme = match working.order.side {
        Side::Buy => bar.low,
        Side::Sell => bar.high,
    };
    let fills = working.born == Phase::Outside && fills_limit(rule, working.order.side, limit, extreme);
    fills.then_some((distance(bar, limit), limit, Liquidity::Maker))
}
