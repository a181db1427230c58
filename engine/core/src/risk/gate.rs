//! The gate every order passes, check by check, cheapest first.
//!
//! An order is sized and judged at one price, by one rule that [`valuation`](super::valuation) writes down: a limit at
//! its limit, a stop at its trigger or the mark beyond it, anything else at the mark. What is held counts at the mark.

use super::account::{cash_held, check_coins};
use super::valuation::{order_price, outlook};
use super::{Account, RiskLimits};
use crate::instrument::{Instrument, InstrumentId};
use crate::intent::{OrderIntent, Size};
use crate::listing::TradingStatus;
use crate::market::Side;
use crate::num::{Money, Price, Qty, Ratio};
use crate::order::{Bracket, BracketStop, OpenOrder, Order, OrderId, OrderKind, Reach, StopLimit};
use crate::refusal::{Breach, Refusal};
use crate::state::State;
use crate::time::{Span, Timestamp};

/// An order that passed the gate. Only the gate can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    order: Order,
}

impl Approved {
    /// The order as approved.
    #[must_use]
    pub fn into_order(self) -> Order {
        self.order
    }
}

/// The only limits on exposure. A type, not a trait: it cannot be swapped for one that says yes.
#[derive(Debug, Clone)]
pub struct RiskGate {
    limits: RiskLimits,
}

/// What the checks share: the order in lots and ticks, and the price it is judged at.
struct Draft<'a> {
    rules: &'a Instrument,
    mark: Price,
    price: Price,
    order: Order,
}

impl RiskGate {
    /// A gate that holds `limits`.
    #[must_use]
    pub const fn new(limits: RiskLimits) -> Self {
        Self { limits }
    }

    /// The limits it holds.
    #[must_use]
    pub const fn limits(&self) -> &RiskLimits {
        &self.limits
    }

    /// Turns an intent into an order within every limit, or says which limit it breaks.
    ///
    /// Quantities go down to whole lots and prices to the nearest tick before they are judged.
    ///
    /// # Errors
    /// The first [`Refusal`] in the order of this function.
    pub fn review(
        &self,
        at: Timestamp,
        state: &State,
        id: OrderId,
        intent: &OrderIntent,
    ) -> Result<Approved, Refusal> {
        let draft = self.draft(state, id, intent)?;
        // A halt that this very step will record counts already.
        let halted = state.is_halted() || state.impossible().is_some();
        if halted && draft.order.reach != Reach::ReduceOnly {
            return Err(Refusal::Halted);
        }
        if state.is_wanted_flat(intent.instrument) && draft.order.reach != Reach::ReduceOnly {
            return Err(Refusal::FlatWanted);
        }
        self.check_filters(&draft)?;
        self.check_collar(&draft)?;
        if draft.order.reach == Reach::Any {
            self.check_position(state, &draft)?;
        }
        self.check_rates(at, state, &draft)?;
        let mut order = draft.order;
        if self.limits.account == Account::Cash && order.side == Side::Sell {
            // Whatever else fills before it, a cash account never sells what it does not hold.
            order.reach = Reach::ReduceOnly;
        }
        Ok(Approved { order })
    }

    fn draft<'a>(&self, state: &'a State, id: OrderId, intent: &OrderIntent) -> Result<Draft<'a>, Refusal> {
        let rules = state.instrument(intent.instrument).ok_or(Refusal::UnknownInstrument)?;
        let mark =
            state.mark(intent.instrument).filter(|mark| mark.is_positive()).ok_or(Refusal::NoMarket)?;
        // Without data nobody may add to a position, and everybody may still leave it.
        if !state.feed(intent.instrument).is_flowing() && intent.reach == Reach::Any {
            return Err(Refusal::FeedDown);
        }
        // What its venue makes of an order that only reduces, it says itself.
        if state.status(intent.instrument) != TradingStatus::Trading && intent.reach == Reach::Any {
            return Err(Refusal::NotTrading);
        }
        if let Some(refusal) = state.account_refusal(intent.instrument, intent.reach) {
            return Err(refusal);
        }
        let kind = on_ticks(rules, intent.kind)?;
        let price = order_price(kind, intent.side, mark);
        let held = state.ledger().position(intent.instrument).qty;
        let asked = self.resolve(state, rules, intent, price, held)?;
        let qty = rules.lots_down(reducible(intent, held, asked)?);
        if !qty.is_positive() {
            return Err(Refusal::BelowLot);
        }
        let order = Order {
            id,
            instrument: intent.instrument,
            side: intent.side,
            qty,
            kind,
            tif: intent.tif,
            posting: intent.posting,
            reach: intent.reach,
            bracket: intent.bracket.map(|bracket| bracket_on_ticks(rules, bracket)).transpose()?,
            parent: None,
            sibling: None,
            decided_price: price,
        };
        Ok(Draft { rules, mark, price, order })
    }

    fn resolve(
        &self,
        state: &State,
        rules: &Instrument,
        intent: &OrderIntent,
        price: Price,
        held: Qty,
    ) -> Result<Qty, Refusal> {
        match intent.size {
            Size::Units(qty) => Ok(qty),
            Size::Notional(amount) => Ok(rules.qty_for(amount, price)),
            Size::Position => Ok(held.magnitude()),
            Size::EquityShare(share) => {
                let budget = state.equity().times(share).ok_or(Refusal::Overflow)?;
                self.affordable(rules, budget, price)
            }
            Size::FreeShare(share) => {
                let budget = state.equity().times(share).ok_or(Refusal::Overflow)?;
                let free = self.free(state, intent.instrument).ok_or(Refusal::Overflow)?;
                self.affordable(rules, budget.min(free), price)
            }
        }
    }

    /// What the positions and orders of every other instrument leave for a new one; `None` on overflow.
    fn free(&self, state: &State, instrument: InstrumentId) -> Option<Money> {
        let mut free = state.equity().times(self.limits.leverage_max)?;
        for other in state.instrument_ids().filter(|id| *id != instrument) {
            free = free.minus(worst_exposure(state, other)?)?;
        }
        match self.limits.account {
            Account::Margin => Some(free),
            Account::Cash => Some(free.min(self.cash_left(state, instrument)?)),
        }
    }

    /// Cash that no working buy has reserved; `None` on overflow.
    fn cash_left(&self, state: &State, instrument: InstrumentId) -> Option<Money> {
        let mut left = cash_held(state, instrument)?;
        for open in state.open_orders().filter(|open| open.order.side == Side::Buy) {
            left = left.minus(self.cost(state, &open.order, open.remaining())?)?;
        }
        Some(left)
    }

    /// The most lots whose notional and taker fee together stay within `budget`.
    fn affordable(&self, rules: &Instrument, budget: Money, price: Price) -> Result<Qty, Refusal> {
        let fee = self.limits.taker_cost;
        let notional = if fee.is_positive() { budget.without(fee) } else { Some(budget) };
        Ok(rules.qty_for(notional.ok_or(Refusal::Overflow)?, price))
    }

    fn check_filters(&self, draft: &Draft<'_>) -> Result<(), Refusal> {
        let notional = draft.rules.notional(draft.price, draft.order.qty).ok_or(Refusal::Overflow)?;
        let reducing = draft.order.reach == Reach::ReduceOnly;
        if notional < draft.rules.notional_min && !reducing {
            return Err(Refusal::NotionalTooSmall(breach(draft.rules.notional_min, notional)));
        }
        if let Some(limit) = self.limits.order_qty_max
            && draft.order.qty > limit
            && !reducing
        {
            let (limit, observed) = (limit.units(), draft.order.qty.units());
            return Err(Refusal::OrderQty(Breach { limit, observed }));
        }
        match self.limits.order_notional_max {
            Some(limit) if notional > limit && !reducing => {
                Err(Refusal::OrderNotional(breach(limit, notional)))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_collar(&self, draft: &Draft<'_>) -> Result<(), Refusal> {
        let limit = match draft.order.kind {
            OrderKind::Limit(price) => price,
            OrderKind::StopLimit(prices) => prices.limit,
            OrderKind::Market | OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => return Ok(()),
        };
        // A limit beyond the market on the passive side can never hurt at once; only the taking side can.
        let toward = match draft.order.side {
            Side::Buy => limit.minus(draft.mark),
            Side::Sell => draft.mark.minus(limit),
        };
        let toward = i128::from(toward.ok_or(Refusal::Overflow)?.units()) * i128::from(Ratio::ONE.units());
        let (mark, limit) = (i128::from(draft.mark.units()), i128::from(self.limits.price_collar.units()));
        if toward > limit * mark {
            // Rounded up, so that what is reported is more than the limit too.
            let observed = toward / mark + i128::from(toward % mark > 0);
            return Err(Refusal::PriceCollar(Breach { limit, observed }));
        }
        Ok(())
    }

    fn check_position(&self, state: &State, draft: &Draft<'_>) -> Result<(), Refusal> {
        let Order { instrument, side, .. } = draft.order;
        let worst =
            outlook(state, draft.rules, instrument, side, Some(&draft.order)).ok_or(Refusal::Overflow)?;
        // An order that cannot even bring the position to flat only lowers it, however large it has become.
        let lowers = !side.signed(worst.qty).is_positive();
        if let Some(limit) = self.limits.position_notional_max
            && worst.value > limit
            && !lowers
        {
            return Err(Refusal::Position(breach(limit, worst.value)));
        }
        self.check_risk_left(state, draft)?;
        match self.limits.account {
            Account::Margin if lowers => Ok(()),
            Account::Margin => self.check_exposure(state, draft, worst.value),
            Account::Cash => self.check_cash(state, draft, worst.qty),
        }
    }

    /// A market whose risk the conductor has taken away altogether takes no new exposure, whatever the strategy makes
    /// of the answer. A scale above zero is a share of what the strategy would do, which only the strategy knows.
    fn check_risk_left(&self, state: &State, draft: &Draft<'_>) -> Result<(), Refusal> {
        let Order { instrument, side, qty, .. } = draft.order;
        if state.risk_scale(instrument) != Some(Ratio::ZERO) {
            return Ok(());
        }
        let held = state.ledger().position(instrument).qty;
        let against = side.signed(held).units() < 0;
        // Exits end with the position they belong to; only orders that could go on count.
        let left = held.magnitude().minus(entering(state, instrument, side).ok_or(Refusal::Overflow)?);
        let reduces = against && left.is_some_and(|left| qty <= left);
        if reduces { Ok(()) } else { Err(Refusal::NoRiskLeft) }
    }

    fn check_exposure(&self, state: &State, draft: &Draft<'_>, here: Money) -> Result<(), Refusal> {
        let mut gross = here;
        for other in state.instrument_ids().filter(|id| *id != draft.order.instrument) {
            let exposure = worst_exposure(state, other).ok_or(Refusal::Overflow)?;
            gross = gross.plus(exposure).ok_or(Refusal::Overflow)?;
        }
        let limit = state.equity().times(self.limits.leverage_max).ok_or(Refusal::Overflow)?;
        if gross > limit { Err(Refusal::Exposure(breach(limit, gross))) } else { Ok(()) }
    }

    fn check_cash(&self, state: &State, draft: &Draft<'_>, worst: Qty) -> Result<(), Refusal> {
        if draft.order.side == Side::Sell {
            let short = worst.units() < 0;
            let observed = worst.units();
            if short {
                return Err(Refusal::ShortSale(Breach { limit: 0, observed }));
            }
            return check_coins(state, &draft.order);
        }
        let left = self.cash_left(state, draft.order.instrument).ok_or(Refusal::Overflow)?;
        let cost = self.cost(state, &draft.order, draft.order.qty).ok_or(Refusal::Overflow)?;
        if cost > left { Err(Refusal::Balance(breach(left, cost))) } else { Ok(()) }
    }

    fn cost(&self, state: &State, order: &Order, qty: Qty) -> Option<Money> {
        let price = order_price(order.kind, order.side, state.mark(order.instrument)?);
        let notional = state.instrument(order.instrument)?.notional(price, qty)?;
        notional.plus(notional.times(self.limits.taker_cost)?)
    }

    fn check_rates(&self, at: Timestamp, state: &State, draft: &Draft<'_>) -> Result<(), Refusal> {
        // An order that only reduces is never kept in by a counter.
        if draft.order.reach == Reach::ReduceOnly {
            return Ok(());
        }
        let open = i128::try_from(state.open_order_count()).unwrap_or(i128::MAX);
        let limit = i128::from(self.limits.open_orders_max);
        if open >= limit {
            return Err(Refusal::OpenOrders(Breach { limit, observed: open + 1 }));
        }
        let recent = i128::from(state.orders_within(at, Span::MINUTE));
        let limit = i128::from(self.limits.orders_per_minute_max);
        if recent >= limit {
            return Err(Refusal::OrderRate(Breach { limit, observed: recent + 1 }));
        }
        Ok(())
    }
}

fn breach(limit: Money, observed: Money) -> Breach {
    Breach { limit: limit.units(), observed: observed.units() }
}

fn on_tick(rules: &Instrument, price: Price) -> Result<Price, Refusal> {
    let price = rules.ticks_nearest(price).ok_or(Refusal::Overflow)?;
    if price.is_positive() { Ok(price) } else { Err(Refusal::PriceNotPositive) }
}

/// The exits of an entry never come to the gate again, so their prices are put right with it.
fn bracket_on_ticks(rules: &Instrument, bracket: Bracket) -> Result<Bracket, Refusal> {
    let tick = |price| on_tick(rules, price);
    let stop_loss = match bracket.stop_loss {
        BracketStop::None => BracketStop::None,
        BracketStop::At(price) => BracketStop::At(tick(price)?),
        BracketStop::Trailing(share) => BracketStop::Trailing(trail(share)?),
    };
    let take_profit = bracket.take_profit.map(tick).transpose()?;
    Ok(Bracket { stop_loss, take_profit })
}

fn on_ticks(rules: &Instrument, kind: OrderKind) -> Result<OrderKind, Refusal> {
    let tick = |price| on_tick(rules, price);
    Ok(match kind {
        OrderKind::Market => OrderKind::Market,
        OrderKind::Limit(price) => OrderKind::Limit(tick(price)?),
        OrderKind::StopMarket(trigger) => OrderKind::StopMarket(tick(trigger)?),
        OrderKind::StopLimit(prices) => {
            OrderKind::StopLimit(StopLimit { trigger: tick(prices.trigger)?, limit: tick(prices.limit)? })
        }
        OrderKind::TrailingStop(share) => OrderKind::TrailingStop(trail(share)?),
    })
}

/// A stop that follows by all of a price or more lies at no price, one that follows by nothing at the price itself.
fn trail(share: Ratio) -> Result<Ratio, Refusal> {
    match share.is_positive() && share < Ratio::ONE {
        true => Ok(share),
        false => Err(Refusal::PriceNotPositive),
    }
}

fn reducible(intent: &OrderIntent, held: Qty, asked: Qty) -> Result<Qty, Refusal> {
    let away = match intent.side {
        Side::Buy => held.units() < 0,
        Side::Sell => held.is_positive(),
    };
    match intent.reach {
        Reach::Any => Ok(asked),
        Reach::ReduceOnly if away => Ok(asked.min(held.magnitude())),
        Reach::ReduceOnly => Err(Refusal::NothingToReduce),
    }
}

/// What working orders of `side` that may enlarge a position have left to fill.
fn entering(state: &State, instrument: InstrumentId, side: Side) -> Option<Qty> {
    working(state, instrument, side, Reach::Any)
}

fn working(state: &State, instrument: InstrumentId, side: Side, reach: Reach) -> Option<Qty> {
    let orders = state.open_orders().filter(|open| {
        open.order.instrument == instrument && open.order.side == side && open.order.reach == reach
    });
    orders.map(OpenOrder::remaining).try_fold(Qty::ZERO, Qty::plus)
}

fn worst_exposure(state: &State, instrument: InstrumentId) -> Option<Money> {
    if state.mark(instrument).is_none() {
        return Some(Money::ZERO);
    }
    let rules = state.instrument(instrument)?;
    let long = outlook(state, rules, instrument, Side::Buy, None)?.value;
    let short = outlook(state, rules, instrument, Side::Sell, None)?.value;
    Some(long.max(short))
}

#[cfg(test)]
mod tests;
