//! The gate every order passes, check by check, cheapest first.
//!
//! An order is sized and judged at one price, by one rule that [`valuation`](super::valuation) writes down: a limit at
//! its limit, a stop at its trigger or the mark beyond it, anything else at the mark. What is held counts at the mark.

use super::valuation::{order_price, outlook};
use super::{Account, RiskLimits};
use crate::feed::FeedCondition;
use crate::instrument::{Instrument, InstrumentId};
use crate::intent::{OrderIntent, Size};
use crate::market::Side;
use crate::num::{Money, Price, Qty, Ratio};
use crate::order::{Bracket, OpenOrder, Order, OrderId, OrderKind, Reach, StopLimit};
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
        if state.feed(intent.instrument) != FeedCondition::Connected && intent.reach == Reach::Any {
            return Err(Refusal::FeedDown);
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
            Account::Cash => Some(free.min(self.cash_left(state)?)),
        }
    }

    /// Cash that no working buy has reserved; `None` on overflow.
    fn cash_left(&self, state: &State) -> Option<Money> {
        let mut left = state.ledger().cash();
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
            return if short { Err(Refusal::ShortSale(Breach { limit: 0, observed })) } else { Ok(()) };
        }
        let left = self.cash_left(state).ok_or(Refusal::Overflow)?;
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
mod tests {
    use super::*;
    use crate::conductor::{Answerer, ConductorDecision, Question, QuestionId};
    use crate::event::{Event, Execution, ExecutionReport, Gap, Input, MissedAnswer, Output, Submission};
    use crate::feature::FeatureVector;
    use crate::fill::{Fill, Liquidity, TradeId};
    use crate::intent::Rationale;
    use crate::market::{Aggressor, MarketUpdate, Trade};
    use crate::regime::Regime;
    use crate::state::Opening;

    const ONLY: InstrumentId = InstrumentId::new(0);
    const NOW: Timestamp = Timestamp::from_nanos(1);

    fn price(units: i64) -> Price {
        Price::from_units(units)
    }

    /// One instrument with ticks of 0.05 and lots of 0.002, marked at `mark`; 1 000 in cash.
    fn state(mark: i64) -> State {
        let rules = Instrument {
            venue: "test".into(),
            symbol: "X".into(),
            price_decimals: 2,
            qty_decimals: 3,
            tick: price(5),
            lot: Qty::from_units(2),
            notional_min: Money::ZERO,
        };
        let capital = Money::from_units(1_000 * 10_i128.pow(18));
        let opening = Opening { instruments: vec![rules], capital, bars: None, drawdown_max: Ratio::ONE };
        let mut state = State::new(opening);
        let trade = Trade {
            instrument: ONLY,
            venue_at: NOW,
            price: price(mark),
            qty: Qty::from_units(1),
            aggressor: Aggressor::Unknown,
        };
        state.apply(NOW, &Event::Input(Input::Market(MarketUpdate::Trade(trade))));
        state
    }

    fn gate(limits: RiskLimits) -> RiskGate {
        RiskGate::new(RiskLimits { leverage_max: Ratio::from_units(10_000_000_000), ..limits })
    }

    fn intent(side: Side, qty: i128, kind: OrderKind) -> OrderIntent {
        let size = Size::Units(Qty::from_units(qty));
        OrderIntent { kind, ..OrderIntent::market(ONLY, side, size, "test") }
    }

    fn review(gate: &RiskGate, state: &State, intent: &OrderIntent) -> Result<Order, Refusal> {
        gate.review(NOW, state, state.next_order_id(), intent).map(Approved::into_order)
    }

    fn submit(state: &mut State, order: Order) {
        let submission = Submission { order, because: Rationale::default() };
        state.apply(NOW, &Event::Output(Output::OrderSubmitted(Box::new(submission))));
    }

    /// Buys or sells at 100.00, as if the order had passed a gate without limits.
    fn trade(state: &mut State, side: Side, qty: i128) {
        let order =
            review(&gate(RiskLimits::default()), state, &intent(side, qty, OrderKind::Market)).unwrap();
        let fill = Fill {
            trade: TradeId::default(),
            price: price(10_000),
            qty: order.qty,
            fee: Money::ZERO,
            liquidity: Liquidity::Taker,
        };
        let report = ExecutionReport { order: order.id, venue_at: NOW, execution: Execution::Filled(fill) };
        submit(state, order);
        state.apply(NOW, &Event::Input(Input::Execution(report)));
    }

    #[test]
    fn quantities_go_to_lots_and_every_price_to_a_tick_exits_too() {
        let bracket = Bracket { stop_loss: Some(price(9_502)), take_profit: Some(price(10_503)) };
        let wish = OrderIntent {
            bracket: Some(bracket),
            ..intent(Side::Buy, 1_001, OrderKind::Limit(price(9_998)))
        };
        let order = review(&gate(RiskLimits::default()), &state(10_000), &wish).unwrap();
        let on_ticks = Bracket { stop_loss: Some(price(9_500)), take_profit: Some(price(10_505)) };
        assert_eq!((order.qty.units(), order.kind), (1_000, OrderKind::Limit(price(10_000))));
        assert_eq!(order.bracket, Some(on_ticks));
        let below = OrderIntent { bracket: Some(Bracket { stop_loss: Some(price(-9)), ..bracket }), ..wish };
        let refused = review(&gate(RiskLimits::default()), &state(10_000), &below);
        assert_eq!(refused, Err(Refusal::PriceNotPositive));
    }

    #[test]
    fn the_collar_is_exact_on_the_taking_side_and_open_on_the_other() {
        let limits = RiskLimits { price_collar: Ratio::from_units(10_000_000), ..RiskLimits::default() };
        let at = |units: i64| intent(Side::Buy, 1_000, OrderKind::Limit(price(units)));
        assert!(review(&gate(limits.clone()), &state(10_500), &at(10_605)).is_ok());
        let refused = review(&gate(limits.clone()), &state(10_500), &at(10_610));
        assert!(matches!(refused, Err(Refusal::PriceCollar(Breach { limit, observed })) if observed > limit));
        // 2 000 001 on 200 000 099 is less than a billionth more than one in a hundred, and still more.
        let barely = intent(Side::Buy, 2, OrderKind::Limit(price(202_000_100)));
        let refused = review(&gate(limits.clone()), &state(200_000_099), &barely);
        let breach = Breach { limit: 10_000_000, observed: 10_000_001 };
        assert_eq!(refused, Err(Refusal::PriceCollar(breach)));
        assert!(review(&gate(limits), &state(10_500), &at(5_000)).is_ok());
    }

    #[test]
    fn a_stop_that_the_mark_has_passed_is_paid_at_the_mark() {
        let cash = RiskLimits { account: Account::Cash, ..RiskLimits::default() };
        let stop = |units: i64| OrderKind::StopMarket(price(units));
        let refused = review(&gate(cash.clone()), &state(10_000), &intent(Side::Buy, 10_500, stop(9_000)));
        assert!(matches!(refused, Err(Refusal::Balance(_))), "{refused:?}");
        assert!(review(&gate(cash), &state(10_000), &intent(Side::Buy, 9_000, stop(11_000))).is_ok());
    }

    #[test]
    fn a_cash_account_sells_what_it_holds_and_only_to_reduce() {
        let cash = gate(RiskLimits { account: Account::Cash, ..RiskLimits::default() });
        let mut state = state(10_000);
        trade(&mut state, Side::Buy, 2_000);
        let order = review(&cash, &state, &intent(Side::Sell, 2_000, OrderKind::Market)).unwrap();
        assert_eq!(order.reach, Reach::ReduceOnly);
        submit(&mut state, order);
        let again = review(&cash, &state, &intent(Side::Sell, 2, OrderKind::Market));
        assert_eq!(again, Err(Refusal::ShortSale(Breach { limit: 0, observed: -2 })));
    }

    /// The conductor is asked about the only market and answers with `scale`.
    fn conducted(state: &mut State, scale: Ratio) {
        let id = state.next_question_id(ONLY);
        let question = Question {
            id,
            instrument: ONLY,
            regime: Regime::Crisis,
            features: FeatureVector { set: state.digest(), values: Vec::new() },
            answer_by: NOW,
        };
        let decision = ConductorDecision {
            question: id,
            instrument: ONLY,
            weights: vec![Ratio::ONE],
            risk_scale: scale,
            confidence: Ratio::ONE,
            answered_by: Answerer::Rule,
        };
        state.apply(NOW, &Event::Output(Output::ConductorConsulted(Box::new(question))));
        state.apply(NOW, &Event::Input(Input::Conductor(Box::new(decision))));
    }

    #[test]
    fn a_market_without_risk_left_takes_no_new_exposure_and_every_reduction() {
        for account in [Account::Margin, Account::Cash] {
            let gate = gate(RiskLimits { account, ..RiskLimits::default() });
            let mut state = state(10_000);
            let buy = intent(Side::Buy, 2, OrderKind::Market);
            let sell = |qty| intent(Side::Sell, qty, OrderKind::Market);
            trade(&mut state, Side::Buy, 5_000);
            conducted(&mut state, Ratio::from_units(1));
            assert!(review(&gate, &state, &buy).is_ok(), "{account:?}: a share of what the strategy does");
            conducted(&mut state, Ratio::ZERO);
            assert_eq!(review(&gate, &state, &buy), Err(Refusal::NoRiskLeft), "{account:?}");
            let mut stop = review(&gate, &state, &sell(5_000)).unwrap();
            stop.reach = Reach::ReduceOnly;
            stop.kind = OrderKind::StopMarket(price(9_000));
            if account == Account::Margin {
                submit(&mut state, stop);
                assert!(
                    review(&gate, &state, &sell(2_000)).is_ok(),
                    "an exit that works keeps no reduction in"
                );
                assert_eq!(
                    review(&gate, &state, &sell(5_002)),
                    Err(Refusal::NoRiskLeft),
                    "a short is new risk"
                );
                let half = review(&gate, &state, &sell(3_000)).unwrap();
                submit(&mut state, half);
                assert_eq!(review(&gate, &state, &sell(2_002)), Err(Refusal::NoRiskLeft), "together a short");
            }
        }
    }

    #[test]
    fn a_missed_answer_leaves_the_floor_of_the_risk_and_a_gap_what_there_was() {
        let gate = gate(RiskLimits::default());
        let buy = intent(Side::Buy, 2, OrderKind::Market);
        let mut state = state(10_000);
        let missed = MissedAnswer { question: QuestionId(1), instrument: ONLY, risk_scale: Ratio::ZERO };
        state.apply(NOW, &Event::Output(Output::ConductorMissed(missed)));
        assert_eq!(review(&gate, &state, &buy), Err(Refusal::NoRiskLeft), "no answer has ever come");
        conducted(&mut state, Ratio::ONE);
        assert!(review(&gate, &state, &buy).is_ok());
        conducted(&mut state, Ratio::ZERO);
        let gap = Gap { instrument: ONLY, after: NOW, until: NOW };
        state.apply(NOW, &Event::Output(Output::GapFound(gap)));
        assert_eq!(review(&gate, &state, &buy), Err(Refusal::NoRiskLeft), "nothing is known behind a gap");
    }

    #[test]
    fn an_exit_that_fills_first_makes_a_later_order_cross() {
        let limit = Money::from_units(200 * 10_i128.pow(18));
        let bounded = gate(RiskLimits { position_notional_max: Some(limit), ..RiskLimits::default() });
        let mut state = state(10_000);
        trade(&mut state, Side::Sell, 2_000);
        let turn = intent(Side::Buy, 4_000, OrderKind::Market);
        let entry = review(&bounded, &state, &turn).unwrap();
        let stop = OrderKind::StopMarket(price(10_500));
        let exit = Order {
            kind: stop,
            qty: Qty::from_units(2_000),
            reach: Reach::ReduceOnly,
            parent: Some(OrderId::new(1)),
            ..entry
        };
        submit(&mut state, exit);
        // Alone it would bring the position from -2 to 2; after the exit, from 0 to 4.
        assert!(matches!(review(&bounded, &state, &turn), Err(Refusal::Position(_))));
    }

    #[test]
    fn an_order_that_only_lowers_a_position_passes_limits_that_the_market_has_broken() {
        let limit = Money::from_units(10_i128.pow(18));
        let leverage_max = Ratio::from_units(1);
        let bounded =
            gate(RiskLimits { position_notional_max: Some(limit), leverage_max, ..RiskLimits::default() });
        let mut state = state(10_000);
        trade(&mut state, Side::Buy, 2_000);
        let sell = |qty| review(&bounded, &state, &intent(Side::Sell, qty, OrderKind::Market));
        assert!(sell(500).is_ok() && sell(2_000).is_ok());
        assert!(matches!(sell(4_500), Err(Refusal::Position(_))), "it would turn the position");
        let more = review(&bounded, &state, &intent(Side::Buy, 500, OrderKind::Market));
        assert!(matches!(more, Err(Refusal::Position(_))), "{more:?}");
    }

    #[test]
    fn a_market_without_a_positive_price_is_no_market() {
        let refused =
            review(&gate(RiskLimits::default()), &state(0), &intent(Side::Buy, 1_000, OrderKind::Market));
        assert_eq!(refused, Err(Refusal::NoMarket));
    }
}
