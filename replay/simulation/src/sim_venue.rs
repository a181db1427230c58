//! The simulated venue: working orders, and how market data fills them.
//!
//! Three kinds of data fill orders by three rules, each in its own module: bars by a worst-case path
//! ([`bar_matching`]), trades and quotes by data later than the order's arrival ([`tick_matching`]). The
//! venue answers with execution reports and decides nothing else.

use std::sync::Arc;

use engine_core::event::{Execution, ExecutionReport, RejectReason};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::knowledge::Forgotten;
use engine_core::listing::TradingStatus;
use engine_core::market::{Quote, Side};
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{Order, OrderId, OrderKind, Reach, TimeInForce};
use engine_core::time::Timestamp;

use crate::config::{Costs, FillModel, LimitFill, VenueRules};
use crate::impact::{ImpactModel, Taking};

mod amendment;
mod arrival;
mod bar_matching;
#[cfg(test)]
mod impact_pricing;
#[cfg(test)]
mod out_of_range;
mod relisting;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
pub(crate) mod scenario_tests;
mod tick_matching;

/// Where in its bar an instrument stands; decides which resting orders the rest of the bar can fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Phase {
    /// Between two bars, or at an open.
    Outside,
    /// On the path between a bar's open and close.
    Inside,
}

/// An order that works at the venue.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Working {
    order: Order,
    /// When it reached the venue; only later data can fill it.
    arrived_at: Timestamp,
    filled: Qty,
    /// A stop whose trigger was touched.
    triggered: bool,
    /// Whether it has waited in the book, so that its fill makes liquidity.
    rests: bool,
    /// Whether it came while its bar was already under way.
    born: Phase,
    /// Best price since arrival, for trailing stops.
    best: Option<Price>,
}

impl Working {
    fn remaining(&self) -> Qty {
        // No fill exceeds what remains, so the difference is there.
        self.order.qty.minus(self.filled).unwrap_or_default()
    }
}

/// One instrument at the venue.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Listing {
    rules: Instrument,
    status: TradingStatus,
    working: Vec<Working>,
    /// The price of the last message; inside a bar, where its path stands.
    last: Option<Price>,
    quote: Option<Quote>,
    /// How much the market traded last, where an impact model asks for it.
    traded: Option<Qty>,
    held: Qty,
    phase: Phase,
    /// When its last bar ended.
    closed_at: Timestamp,
}

/// The simulated venue of a run.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct SimVenue {
    model: FillModel,
    costs: Costs,
    /// Part of the settings: [`Self::with_impact`] gives it to a venue that was read back.
    #[serde(skip)]
    impact: Option<Arc<dyn ImpactModel>>,
    rules: VenueRules,
    listings: Vec<Listing>,
    /// How many orders work, over all listings: the fast path of a tick asks only this.
    working_count: usize,
    /// Trades of ours so far; each is named by its number.
    trades: u64,
}

/// Where reports go.
pub(crate) type Reports = Vec<ExecutionReport>;

/// A fill about to be made.
#[derive(Debug, Clone, Copy)]
struct Match {
    price: Price,
    qty: Qty,
    liquidity: Liquidity,
}

impl SimVenue {
    pub(crate) fn new(model: FillModel, costs: Costs, rules: VenueRules, instruments: &[Instrument]) -> Self {
        let listing = |rules: &Instrument| Listing {
            rules: rules.clone(),
            status: TradingStatus::Trading,
            working: Vec::new(),
            last: None,
            quote: None,
            traded: None,
            held: Qty::ZERO,
            phase: Phase::Outside,
            closed_at: Timestamp::MIN,
        };
        // Where orders fill at one price without a far side, half the spread is part of what taking costs.
        let slippage = match model {
            FillModel::NextOpen | FillModel::SameClose | FillModel::AtSignal => costs.taking(),
            FillModel::Trades | FillModel::Quotes => costs.slippage,
        };
        let costs = Costs { slippage, ..costs };
        Self {
            model,
            costs,
            impact: None,
            rules,
            listings: instruments.iter().map(listing).collect(),
            working_count: 0,
            trades: 0,
        }
    }

    /// Stands as `other` stood, which was read back.
    ///
    /// # Errors
    /// [`Forgotten::OtherSettings`] where that is a venue of other rules or other instruments.
    pub(crate) fn recall(&mut self, other: Self) -> Result<(), Forgotten> {
        let same = (self.model, self.costs, self.rules) == (other.model, other.costs, other.rules);
        if !same || !self.lists_like(&other) {
            return Err(Forgotten::OtherSettings);
        }
        *self = Self { impact: self.impact.take(), ..other };
        Ok(())
    }

    /// The venue at which the size of an order costs it something.
    pub(crate) fn with_impact(self, impact: Option<Arc<dyn ImpactModel>>) -> Self {
        Self { impact, ..self }
    }

    /// Whether any order works; a tick without one needs no matching.
    pub(crate) const fn has_work(&self) -> bool {
        self.working_count > 0
    }

    /// When the last bar of `instrument` ended.
    pub(crate) fn closed_at(&self, instrument: InstrumentId) -> Timestamp {
        self.listings.get(instrument.index()).map_or(Timestamp::MIN, |listing| listing.closed_at)
    }

    /// What the working order `id` trades.
    pub(crate) fn instrument_of(&self, id: OrderId) -> Option<InstrumentId> {
        let mut working = self.listings.iter().flat_map(|listing| &listing.working);
        working.find(|working| working.order.id == id).map(|working| working.order.instrument)
    }

    fn listing(&mut self, instrument: InstrumentId) -> Option<&mut Listing> {
        self.listings.get_mut(instrument.index())
    }

    /// Ends the order `id`, if it still works.
    pub(crate) fn cancel(&mut self, at: Timestamp, id: OrderId, reports: &mut Reports) {
        if self.remove(id).is_some() {
            reports.push(ExecutionReport { order: id, venue_at: at, execution: Execution::Cancelled });
        }
    }

    fn remove(&mut self, id: OrderId) -> Option<Working> {
        for listing in &mut self.listings {
            if let Some(place) = listing.working.iter().position(|working| working.order.id == id) {
                // A count of what lies in the listings.
                self.working_count = self.working_count.saturating_sub(1);
                return Some(listing.working.remove(place));
            }
        }
        None
    }

    fn rest(&mut self, working: Working) {
        if let Some(listing) = self.listing(working.order.instrument) {
            listing.working.push(working);
            self.working_count += 1;
        }
    }

    /// Fills a working order that is not in the book at the moment, and answers what is left of it.
    fn fill(
        &mut self,
        mut working: Working,
        at: Timestamp,
        found: Match,
        reports: &mut Reports,
    ) -> Option<Working> {
        let id = working.order.id;
        let Some(listing) = self.listings.get_mut(working.order.instrument.index()) else {
            reports.push(rejected(id, at, RejectReason::UnknownInstrument));
            return None;
        };
        let within_reach = reach(&working.order, listing.held);
        let qty = found.qty.min(working.remaining()).min(within_reach);
        let killed = working.order.tif == TimeInForce::Fok && qty < working.remaining();
        if !qty.is_positive() || killed {
            reports.push(ExecutionReport { order: id, venue_at: at, execution: Execution::Expired });
            return None;
        }
        let trade = TradeId::new(u128::from(self.trades + 1));
        let found = Match { qty, ..found };
        let settled = costs(self.impact.as_deref(), listing, &working.order, found, &self.costs)
            .and_then(|costs| settled(&listing.rules, &working.order, (trade, found), &costs));
        let held = listing.held.plus(working.order.side.signed(qty));
        let (Some(fill), Some(held), Some(filled)) = (settled, held, working.filled.plus(qty)) else {
            reports.push(rejected(id, at, RejectReason::OutOfRange));
            return None;
        };
        listing.held = held;
        working.filled = filled;
        self.trades += 1;
        reports.push(ExecutionReport { order: id, venue_at: at, execution: Execution::Filled(fill) });
        if working.remaining().is_positive() {
            if qty < within_reach {
                return Some(working);
            }
            // A reduce-only order that has closed the position has nothing left to do.
            reports.push(ExecutionReport { order: id, venue_at: at, execution: Execution::Expired });
        }
        if let Some(sibling) = working.order.sibling {
            self.cancel(at, sibling, reports);
        }
        None
    }
}

/// Whether a market at `price` fills a resting limit order.
fn fills_limit(rule: LimitFill, side: Side, limit: Price, price: Price) -> bool {
    match (rule, side) {
        (LimitFill::Touch, Side::Buy) => price <= limit,
        (LimitFill::Touch, Side::Sell) => price >= limit,
        (LimitFill::Through, Side::Buy) => price < limit,
        (LimitFill::Through, Side::Sell) => price > limit,
    }
}

fn rejected(order: OrderId, venue_at: Timestamp, reason: RejectReason) -> ExecutionReport {
    ExecutionReport { order, venue_at, execution: Execution::Rejected(reason) }
}

/// How much a reduce-only order may still trade; without limit for any other.
fn reach(order: &Order, held: Qty) -> Qty {
    let against = order.side.signed(held).units() < 0;
    match order.reach {
        Reach::Any => Qty::MAX,
        Reach::ReduceOnly if against => held.magnitude(),
        Reach::ReduceOnly => Qty::ZERO,
    }
}

/// Whether an order at `limit` could trade at once against `price`.
fn is_marketable(side: Side, limit: Price, price: Price) -> bool {
    match side {
        Side::Buy => limit >= price,
        Side::Sell => limit <= price,
    }
}

/// Whether a market at `price` has touched the trigger of a stop on `side`.
fn touches(side: Side, trigger: Price, price: Price) -> bool {
    match side {
        Side::Buy => price >= trigger,
        Side::Sell => price <= trigger,
    }
}

/// What a match costs with the impact of its size; `None` where the model answers outside its bounds.
fn costs(
    model: Option<&dyn ImpactModel>,
    listing: &Listing,
    order: &Order,
    found: Match,
    costs: &Costs,
) -> Option<Costs> {
    let Some(model) = model.filter(|_| found.liquidity == Liquidity::Taker) else { return Some(*costs) };
    let (instrument, traded) = (&listing.rules, listing.traded);
    let taking = Taking { instrument, side: order.side, qty: found.qty, price: found.price, traded };
    let impact = model.impact(&taking);
    if impact < Ratio::ZERO || impact > model.max() {
        return None;
    }
    let slippage = costs.slippage.units().checked_add(impact.units()).map(Ratio::from_units)?;
    Some(Costs { slippage, ..*costs })
}

/// The fill that a match comes to; `None` where its price or fee does not fit.
fn settled(
    rules: &Instrument,
    order: &Order,
    (trade, found): (TradeId, Match),
    costs: &Costs,
) -> Option<Fill> {
    let price = worsened(order, found, costs)?;
    let fee = fee(rules, price, found.qty, found.liquidity, costs)?;
    Some(Fill { trade, price, qty: found.qty, fee, liquidity: found.liquidity })
}

/// The price after slippage, which only takers pay and which never passes the order's own limit; `None` where there is
/// no such price.
fn worsened(order: &Order, found: Match, costs: &Costs) -> Option<Price> {
    if found.liquidity == Liquidity::Maker || costs.slippage.is_zero() {
        return Some(found.price);
    }
    let against = match order.side {
        Side::Buy => costs.slippage,
        Side::Sell => costs.slippage.negated()?,
    };
    let slipped = found.price.moved_by(against).filter(|price| price.is_positive())?;
    let limit = match order.kind {
        OrderKind::Limit(limit) => Some(limit),
        OrderKind::StopLimit(prices) => Some(prices.limit),
        OrderKind::Market | OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => None,
    };
    Some(match (limit, order.side) {
        (Some(limit), Side::Buy) => slipped.min(limit),
        (Some(limit), Side::Sell) => slipped.max(limit),
        (None, _) => slipped,
    })
}

fn fee(rules: &Instrument, price: Price, qty: Qty, liquidity: Liquidity, costs: &Costs) -> Option<Money> {
    let rate = match liquidity {
        Liquidity::Maker => costs.maker_fee,
        Liquidity::Taker => costs.taker_fee,
    };
    rules.notional(price, qty)?.times(rate)
}

/// The level at which a trailing stop wakes, given the best price since it arrived; none where it lies beyond every
/// price, which no market touches.
fn trailing_trigger(side: Side, best: Price, share: Ratio) -> Option<Price> {
    let moved = match side {
        Side::Buy => share,
        Side::Sell => share.negated()?,
    };
    best.moved_by(moved)
}

/// The better of two prices from the view of a trailing stop on `side`: lower for a buy, higher for a sell.
fn better(side: Side, first: Option<Price>, second: Price) -> Price {
    match (first, side) {
        (None, _) => second,
        (Some(first), Side::Buy) => first.min(second),
        (Some(first), Side::Sell) => first.max(second),
    }
}
