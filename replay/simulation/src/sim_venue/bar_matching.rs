//! How a bar fills working orders: a worst-case path, one execution at a time.
//!
//! A bar tells four prices and not their order, so the path is chosen against us:
//!
//! 1. At the open: a stop that was jumped over fills at the open; a resting limit order that was jumped over
//!    fills at its limit, or at the open where the venue has sessions ([`LimitAtOpen`]).
//! 2. Then the path goes to the nearest stop whose trigger lies between low and high, which fills at its trigger.
//!    A limit order that lies on the way there is passed first and fills at its limit.
//! 3. When no stop is left, it goes to the nearest limit order inside the range, which fills at its limit.
//!
//! Where the path stands is part of the listing ([`Listing::last`](super::Listing)): it begins at the open and
//! moves with each execution. So when a protecting stop and a profit target lie in the same bar, the stop wins; and
//! a stop that is born beyond the price the path has reached is passed already and fills there. An order that comes
//! to life on the path (the exits of an entry that filled inside the bar) can be stopped out in that bar, but its
//! limit counts only from the next one. After each execution the engine may answer before the path goes on.

use engine_core::event::{Execution, ExecutionReport};
use engine_core::fill::Liquidity;
use engine_core::instrument::InstrumentId;
use engine_core::market::{Bar, Side};
use engine_core::num::{Price, Qty, Ratio};
use engine_core::order::{OrderId, OrderKind, StopLimit};
use engine_core::time::Timestamp;

use super::{
    Match, Phase, Reports, SimVenue, Working, better, fills_limit, is_marketable, touches, trailing_trigger,
};
use crate::config::{LimitAtOpen, LimitFill, VenueRules};

/// What the path meets next.
#[derive(Debug, Clone, Copy)]
struct Encounter {
    order: OrderId,
    /// How far the path goes to meet it; the least comes first.
    distance: u128,
    price: Price,
    effect: Effect,
    reach: Reached,
}

/// What meeting the path does to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Fill(Liquidity),
    /// A stop-limit order wakes, and its limit does not let it trade there.
    Wake,
}

/// The lowest and the highest price on a way.
#[derive(Debug, Clone, Copy)]
struct Reached {
    low: Price,
    high: Price,
}

impl Reached {
    fn between(one: Price, other: Price) -> Self {
        Self { low: one.min(other), high: one.max(other) }
    }

    fn and(self, price: Price) -> Self {
        Self { low: self.low.min(price), high: self.high.max(price) }
    }

    /// The end that is bad news for a stop, and good news for a limit order, on `side`.
    const fn toward(self, side: Side) -> Price {
        match side {
            Side::Buy => self.low,
            Side::Sell => self.high,
        }
    }
}

impl SimVenue {
    /// The price of an open becomes known: the path of a bar begins there.
    pub(crate) fn on_open(&mut self, instrument: InstrumentId, open: Price) {
        let Some(listing) = self.listing(instrument) else { return };
        listing.last = Some(open);
        listing.phase = Phase::Outside;
        for working in &mut listing.working {
            working.best = Some(better(working.order.side, working.best, open));
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
        let rules = self.rules;
        let Some(listing) = self.listing(instrument) else { return false };
        // Once the path has left the open, nothing fills there any more.
        if listing.phase == Phase::Inside {
            return false;
        }
        let met = listing.working.iter().filter_map(|working| at_the_open(rules, working, open));
        let Some(first) = nearest(met) else { return false };
        self.meet(at, first, reports);
        true
    }

    /// Fills the next working order on the path through `bar`; answers whether there was one.
    pub(crate) fn fill_inside(&mut self, at: Timestamp, bar: &Bar, reports: &mut Reports) -> bool {
        let rule = self.rules.limit_fill;
        let Some(listing) = self.listing(bar.instrument) else { return false };
        listing.phase = Phase::Inside;
        let here = listing.last.unwrap_or(bar.open);
        let stop = nearest(listing.working.iter().filter_map(|working| stop_inside(working, here, bar)));
        let way = stop.map_or(Reached { low: bar.low, high: bar.high }, |stop| stop.reach);
        let limits = listing.working.iter().filter_map(|working| limit_inside(rule, working, here, way));
        let Some(next) = nearest(limits).or(stop) else { return false };
        let before = reports.len();
        self.meet(at, next, reports);
        let told = reports
            .iter()
            .skip(before)
            .any(|report| matches!(report.execution, Execution::Filled(_) | Execution::Triggered));
        // An order that ended there without a trade, as one with nothing to reduce, leaves the path where it was.
        if told && let Some(listing) = self.listing(bar.instrument) {
            listing.last = Some(next.price);
            for working in &mut listing.working {
                let side = working.order.side;
                working.best = Some(better(side, working.best, next.reach.toward(side)));
            }
        }
        true
    }

    /// The bar is over: trailing stops learn its extremes, and every order may fill in the next one.
    pub(crate) fn on_bar(&mut self, bar: &Bar) {
        let Some(listing) = self.listing(bar.instrument) else { return };
        listing.last = Some(bar.close);
        listing.closed_at = bar.close_at;
        listing.traded = Some(bar.volume);
        listing.phase = Phase::Outside;
        let range = Reached { low: bar.low, high: bar.high };
        for working in &mut listing.working {
            working.born = Phase::Outside;
            let side = working.order.side;
            working.best = Some(better(side, working.best, range.toward(side)));
        }
    }

    /// Does to an order what the path does to it.
    fn meet(&mut self, at: Timestamp, met: Encounter, reports: &mut Reports) {
        let Some(mut working) = self.remove(met.order) else { return };
        match met.effect {
            Effect::Fill(liquidity) => {
                let found = Match { price: met.price, qty: Qty::MAX, liquidity };
                if let Some(rest) = self.fill(working, at, found, reports) {
                    self.rest(rest);
                }
            }
            Effect::Wake => {
                working.triggered = true;
                working.born = Phase::Inside;
                let (order, execution) = (working.order.id, Execution::Triggered);
                reports.push(ExecutionReport { order, venue_at: at, execution });
                self.rest(working);
            }
        }
    }
}

/// The encounter with the smallest distance, ties by age.
fn nearest(met: impl Iterator<Item = Encounter>) -> Option<Encounter> {
    met.min_by_key(|met| (met.distance, met.order))
}

fn distance(from: Price, to: Price) -> u128 {
    u128::from(from.units().abs_diff(to.units()))
}

/// What an open does to a working order, if anything.
fn at_the_open(rules: VenueRules, working: &Working, open: Price) -> Option<Encounter> {
    let side = working.order.side;
    let (level, price, liquidity) = match working.order.kind {
        OrderKind::Market => (open, open, Liquidity::Taker),
        OrderKind::Limit(limit) => limit_at_open(rules, working, limit, open)?,
        OrderKind::StopMarket(trigger) => {
            touches(side, trigger, open).then_some((trigger, open, Liquidity::Taker))?
        }
        OrderKind::StopLimit(StopLimit { limit, .. })
            if working.triggered && rules.limit_at_open == LimitAtOpen::Limit =>
        {
            limit_at_open(rules, working, limit, open)?
        }
        OrderKind::StopLimit(StopLimit { trigger, limit }) => {
            let awake = working.triggered || touches(side, trigger, open);
            (awake && is_marketable(side, limit, open)).then_some((trigger, open, Liquidity::Taker))?
        }
        OrderKind::TrailingStop(share) => {
            let trigger = working.best.and_then(|best| trailing_trigger(side, best, share))?;
            touches(side, trigger, open).then_some((trigger, open, Liquidity::Taker))?
        }
    };
    // On its way to the open the market passed the farthest level first; an auction has no way.
    let distance = match rules.limit_at_open {
        LimitAtOpen::Limit => u128::MAX - distance(open, level),
        LimitAtOpen::Open => 0,
    };
    let reach = Reached::between(open, open);
    Some(Encounter { order: working.order.id, distance, price, effect: Effect::Fill(liquidity), reach })
}

/// The level, price and liquidity of a limit order that an open satisfies.
fn limit_at_open(
    rules: VenueRules,
    working: &Working,
    limit: Price,
    open: Price,
) -> Option<(Price, Price, Liquidity)> {
    let side = working.order.side;
    if !working.rests {
        return is_marketable(side, limit, open).then_some((limit, open, Liquidity::Taker));
    }
    // One that waited fills at an open exactly at its limit only where a touch is enough.
    let price = match rules.limit_at_open {
        LimitAtOpen::Limit => limit,
        LimitAtOpen::Open => open,
    };
    fills_limit(rules.limit_fill, side, limit, open).then_some((limit, price, Liquidity::Maker))
}

/// Whether the path of a bar that stands at `here` reaches a stop on `side`.
fn reaches(side: Side, trigger: Price, here: Price, bar: &Bar) -> bool {
    match side {
        Side::Buy => bar.high.max(here) >= trigger,
        Side::Sell => bar.low.min(here) <= trigger,
    }
}

/// The way of a path from `here` to a stop, if it can go there.
fn stop_inside(working: &Working, here: Price, bar: &Bar) -> Option<Encounter> {
    let side = working.order.side;
    let fixed = |trigger| reaches(side, trigger, here, bar).then(|| straight(side, trigger, here));
    let (distance, price, reach) = match working.order.kind {
        OrderKind::StopMarket(trigger) => fixed(trigger)?,
        OrderKind::StopLimit(StopLimit { trigger, .. }) if !working.triggered => fixed(trigger)?,
        OrderKind::TrailingStop(share) => {
            let known = working.best.and_then(|best| trailing_trigger(side, best, share));
            known.and_then(fixed).or_else(|| by_the_extreme(working, share, here, bar))?
        }
        OrderKind::StopLimit(_) | OrderKind::Market | OrderKind::Limit(_) => return None,
    };
    let effect = match working.order.kind {
        OrderKind::StopLimit(prices) if !is_marketable(side, prices.limit, price) => Effect::Wake,
        OrderKind::StopLimit(_)
        | OrderKind::Market
        | OrderKind::Limit(_)
        | OrderKind::StopMarket(_)
        | OrderKind::TrailingStop(_) => Effect::Fill(Liquidity::Taker),
    };
    Some(Encounter { order: working.order.id, distance, price, effect, reach })
}

/// Straight to the trigger; one that the path has passed already is met where the path stands.
fn straight(side: Side, trigger: Price, here: Price) -> (u128, Price, Reached) {
    let price = match side {
        Side::Buy => trigger.max(here),
        Side::Sell => trigger.min(here),
    };
    (distance(here, price), price, Reached::between(here, price))
}

/// A trailing stop follows the bar's own extreme only when the close proves that the market came back.
fn by_the_extreme(working: &Working, share: Ratio, here: Price, bar: &Bar) -> Option<(u128, Price, Reached)> {
    let side = working.order.side;
    let extreme = Reached { low: bar.low, high: bar.high }.toward(side);
    let moved = trailing_trigger(side, better(side, working.best, extreme), share)?;
    let way = distance(here, extreme) + distance(extreme, moved);
    touches(side, moved, bar.close).then(|| (way, moved, Reached::between(here, extreme).and(moved)))
}

/// A limit order that the path passes on a way from `here` that reaches so far.
fn limit_inside(rule: LimitFill, working: &Working, here: Price, way: Reached) -> Option<Encounter> {
    let limit = match working.order.kind {
        OrderKind::Limit(limit) => limit,
        OrderKind::StopLimit(prices) if working.triggered => prices.limit,
        OrderKind::StopLimit(_)
        | OrderKind::Market
        | OrderKind::StopMarket(_)
        | OrderKind::TrailingStop(_) => return None,
    };
    let side = working.order.side;
    let passed = working.born == Phase::Outside && fills_limit(rule, side, limit, way.toward(side));
    passed.then(|| Encounter {
        order: working.order.id,
        distance: distance(here, limit),
        price: limit,
        effect: Effect::Fill(Liquidity::Maker),
        reach: Reached::between(here, limit),
    })
}
