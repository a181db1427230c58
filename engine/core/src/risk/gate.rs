//! The gate every order passes, check by check, cheapest first.

use super::{Account, Breach, Refusal, RiskLimits};
use crate::event::FeedCondition;
use crate::instrument::{Instrument, InstrumentId};
use crate::market::Side;
use crate::num::{Money, Price, Qty, Ratio};
use crate::order::{Bracket, Order, OrderId, OrderKind, Reach, StopLimit};
use crate::state::State;
use crate::strategy::{OrderIntent, Size};
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

/// The house's only law on exposure. A type, not a trait: it cannot be swapped for one that says yes.
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
        if state.is_halted() && draft.order.reach != Reach::ReduceOnly {
            return Err(Refusal::Halted);
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
        if state.feed(intent.instrument) != FeedCondition::Connected {
            return Err(Refusal::FeedDown);
        }
        let kind = on_ticks(rules, intent.kind)?;
        let price = working_price(kind, intent.side, mark);
        let held = state.ledger().position(intent.instrument).qty;
        let asked = self.resolve(state, rules, intent.size, price, held)?;
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
        size: Size,
        price: Price,
        held: Qty,
    ) -> Result<Qty, Refusal> {
        match size {
            Size::Units(qty) => Ok(qty),
            Size::Notional(amount) => Ok(rules.qty_for(amount, price)),
            Size::Position => Ok(held.magnitude()),
            Size::EquityShare(share) => {
                let budget = state.equity().times(share).ok_or(Refusal::Overflow)?;
                Ok(self.affordable(rules, budget, price))
            }
        }
    }

    /// The most lots whose notional and taker fee together stay within `budget`.
    fn affordable(&self, rules: &Instrument, budget: Money, price: Price) -> Qty {
        let fee = self.limits.taker_cost;
        if !fee.is_positive() {
            return rules.qty_for(budget, price);
        }
        let one = i128::from(Ratio::ONE.units());
        let without_fee =
            budget.units().checked_mul(one).map(|scaled| scaled / (one + i128::from(fee.units())));
        // Beyond 10^29 money units the product overflows; dividing first loses nothing that matters there.
        let without_fee = without_fee
            .unwrap_or_else(|| (budget.units() / (one + i128::from(fee.units()))).saturating_mul(one));
        rules.qty_for(Money::from_units(without_fee), price)
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
            let (limit, observed) = (i128::from(limit.units()), i128::from(draft.order.qty.units()));
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
        let worst = worst_position(state, &draft.order).ok_or(Refusal::Overflow)?;
        let notional = draft.rules.notional(draft.mark, worst.magnitude()).ok_or(Refusal::Overflow)?;
        if let Some(limit) = self.limits.position_notional_max
            && notional > limit
        {
            return Err(Refusal::Position(breach(limit, notional)));
        }
        match self.limits.account {
            Account::Margin => self.check_exposure(state, draft, notional),
            Account::Cash => self.check_cash(state, draft, worst),
        }
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
            let observed = i128::from(worst.units());
            return if short { Err(Refusal::ShortSale(Breach { limit: 0, observed })) } else { Ok(()) };
        }
        let mut left = state.ledger().cash();
        for open in state.open_orders().filter(|open| open.order.side == Side::Buy) {
            let reserved = self.cost(state, &open.order, open.remaining()).ok_or(Refusal::Overflow)?;
            left = left.minus(reserved).ok_or(Refusal::Overflow)?;
        }
        let cost = self.cost(state, &draft.order, draft.order.qty).ok_or(Refusal::Overflow)?;
        if cost > left { Err(Refusal::Balance(breach(left, cost))) } else { Ok(()) }
    }

    fn cost(&self, state: &State, order: &Order, qty: Qty) -> Option<Money> {
        let price = working_price(order.kind, order.side, state.mark(order.instrument)?);
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
    let price = rules.ticks_nearest(price);
    if price.is_positive() { Ok(price) } else { Err(Refusal::PriceNotPositive) }
}

/// The exits of an entry never come to the gate again, so their prices are put right with it.
fn bracket_on_ticks(rules: &Instrument, bracket: Bracket) -> Result<Bracket, Refusal> {
    let tick = |price| on_tick(rules, price);
    let stop_loss = bracket.stop_loss.map(tick).transpose()?;
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
        OrderKind::TrailingStop(share) if share.is_positive() && share < Ratio::ONE => {
            OrderKind::TrailingStop(share)
        }
        OrderKind::TrailingStop(_) => return Err(Refusal::PriceNotPositive),
    })
}

/// The price an order names, else the mark; a stop that the mark has already passed trades there.
fn working_price(kind: OrderKind, side: Side, mark: Price) -> Price {
    match (kind, side) {
        (OrderKind::Limit(price), _) => price,
        (OrderKind::StopMarket(trigger), Side::Buy) => trigger.max(mark),
        (OrderKind::StopMarket(trigger), Side::Sell) => trigger.min(mark),
        (OrderKind::StopLimit(prices), _) => prices.limit,
        (OrderKind::Market | OrderKind::TrailingStop(_), _) => mark,
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

/// The position if this order and every working order on its side filled.
///
/// Reduce-only orders, the legs of brackets too, count for what they can close: once they have, an order that
/// was to bring the position back opens the other side instead.
fn worst_position(state: &State, order: &Order) -> Option<Qty> {
    worst_side(state, order.instrument, order.side)?.plus(order.side.signed(order.qty))
}

fn worst_side(state: &State, instrument: InstrumentId, side: Side) -> Option<Qty> {
    let held = state.ledger().position(instrument).qty;
    let (mut adding, mut reducing) = (Qty::ZERO, Qty::ZERO);
    for open in state.open_orders() {
        if open.order.instrument != instrument || open.order.side != side {
            continue;
        }
        match open.order.reach {
            Reach::Any => adding = adding.plus(open.remaining())?,
            Reach::ReduceOnly => reducing = reducing.plus(open.remaining())?,
        }
    }
    let against = side.signed(held).units() < 0;
    let reducing = if against { reducing.min(held.magnitude()) } else { Qty::ZERO };
    held.plus(side.signed(adding))?.plus(side.signed(reducing))
}

fn worst_exposure(state: &State, instrument: InstrumentId) -> Option<Money> {
    let Some(mark) = state.mark(instrument) else { return Some(Money::ZERO) };
    let long = worst_side(state, instrument, Side::Buy)?.magnitude();
    let short = worst_side(state, instrument, Side::Sell)?.magnitude();
    state.instrument(instrument)?.notional(mark, long.max(short))
}
