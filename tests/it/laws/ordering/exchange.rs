//! A tiny exchange in virtual time, which outlives the processes that trade on it and loses requests and answers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use engine_core::asset::{Asset, AssetAmount, AssetPair};
use engine_core::event::{
    AccountEvent, AccountStatement, Execution, ExecutionReport, Input, RejectReason, SessionMark, VenueOrder,
};
use engine_core::fill::{Fill, Liquidity, TradeId};
use engine_core::instrument::Instrument;
use engine_core::market::{MarketUpdate, Side};
use engine_core::num::{Amount, Money, Price, Qty};
use engine_core::order::{Order, OrderId, OrderKind, Posting, TimeInForce};
use engine_core::time::{Span, Timestamp};
use engine_runtime::order_route::{OrderRoute, RouteBeginning};
use engine_runtime::ports::{EffectFailure, EnvironmentError, Fed, Inlet, InputFeed};

/// An order as the exchange has it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) order: Order,
    pub(super) fills: Vec<Fill>,
    pub(super) filled: Qty,
    /// How it ended, other than by its fills.
    pub(super) over: Option<Execution>,
}

impl Held {
    pub(super) fn works(&self) -> bool {
        self.over.is_none() && self.filled < self.order.qty
    }
}

/// Where a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kill {
    Never,
    /// Before so many inputs have come.
    AfterInputs(usize),
    /// After an effect of this number was recorded, and before it was performed.
    AtEffect(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Exchange {
    rules: Vec<Instrument>,
    now: Timestamp,
    pub(super) orders: BTreeMap<OrderId, Held>,
    /// Every order that was ever handed over.
    handed: BTreeSet<OrderId>,
    prices: Vec<Option<Price>>,
    pub(super) balances: BTreeMap<Asset, Amount>,
    trades: u128,
    dice: u64,
    market: VecDeque<(Timestamp, Input)>,
    told: VecDeque<(Timestamp, Input)>,
    kill: Kill,
    inputs: usize,
    effects: usize,
    is_dead: bool,
    is_over: bool,
}

/// An exchange that several can reach.
#[derive(Debug, Clone)]
pub(super) struct World(Arc<Mutex<Exchange>>);

impl World {
    pub(super) fn new(rules: Vec<Instrument>, market: Vec<(Timestamp, Input)>, dice: u64) -> Self {
        let now = market.first().map_or(Timestamp::from_nanos(0), |(at, _)| *at);
        let money = Amount::of_money(Money::from_units(10_000 * 10_i128.pow(18)));
        Self(Arc::new(Mutex::new(Exchange {
            prices: vec![None; rules.len()],
            rules,
            now,
            orders: BTreeMap::new(),
            handed: BTreeSet::new(),
            balances: BTreeMap::from([(Asset::new("Q"), money)]),
            trades: 0,
            dice: dice | 1,
            market: market.into(),
            told: VecDeque::new(),
            kill: Kill::Never,
            inputs: 0,
            effects: 0,
            is_dead: false,
            is_over: false,
        })))
    }

    pub(super) fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.0.lock().unwrap()
    }

    /// The same exchange as it stands, of its own from here on.
    pub(super) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.exchange().clone())))
    }

    /// A new process trades here: what was under way to the last one is lost.
    pub(super) fn begin_process(&self, kill: Kill) {
        let mut exchange = self.exchange();
        exchange.told.clear();
        (exchange.kill, exchange.inputs, exchange.effects) = (kill, 0, 0);
        (exchange.is_dead, exchange.is_over) = (false, false);
    }

    pub(super) fn feed(&self) -> Box<dyn InputFeed> {
        Box::new(ExchangeFeed(self.clone()))
    }

    pub(super) fn route(&self) -> Box<dyn OrderRoute> {
        Box::new(ExchangeRoute(self.clone()))
    }
}

impl Exchange {
    fn roll(&mut self, end: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % end
    }

    /// One stream of words, each behind the one before.
    fn tell(&mut self, input: Input) {
        let delay = Span::from_nanos(i64::try_from(self.roll(4)).unwrap() * 400_000_000);
        let last = self.told.back().map_or(self.now, |(at, _)| *at);
        self.told.push_back((last.max(self.now.plus(delay)), input));
    }

    fn tell_account(&mut self, event: AccountEvent) {
        self.tell(Input::Account(Box::new(event)));
    }

    fn report(&mut self, order: OrderId, execution: Execution) {
        let report = ExecutionReport { order, venue_at: self.now, execution };
        self.tell(Input::Execution(report));
    }

    /// Whether the process is killed before this effect is performed.
    fn dies(&mut self) -> bool {
        self.effects += 1;
        self.is_dead |= self.kill == Kill::AtEffect(self.effects);
        self.is_dead
    }

    fn place(&mut self, order: &Order) -> Result<(), EffectFailure> {
        if self.dies() {
            return Ok(());
        }
        assert!(self.handed.insert(order.id), "order {:?} was handed over twice", order.id);
        match self.roll(8) {
            0 => return Err(EffectFailure { reason: "the connection is down".to_owned() }),
            1 => {
                self.tell_account(AccountEvent::Unanswered(order.id));
                self.tell_account(AccountEvent::NeverPlaced(order.id));
                return Ok(());
            }
            2 => self.tell_account(AccountEvent::Unanswered(order.id)),
            _ => {}
        }
        let held = Held { order: order.clone(), fills: Vec::new(), filled: Qty::ZERO, over: None };
        self.orders.insert(order.id, held);
        if order.kind == OrderKind::Market && self.prices[order.instrument.index()].is_none() {
            return self.end(order.id, Execution::Rejected(RejectReason::NoLiquidity));
        }
        self.tell_account(AccountEvent::Named(VenueOrder {
            order: order.id,
            name: format!("V{}", order.id.number()),
        }));
        self.report(order.id, Execution::Accepted);
        self.work(order.id);
        let is_brief = matches!(order.tif, TimeInForce::Ioc | TimeInForce::Fok);
        if is_brief && self.orders[&order.id].works() {
            self.end(order.id, Execution::Expired)?;
        }
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it answers for its caller")]
    fn end(&mut self, order: OrderId, execution: Execution) -> Result<(), EffectFailure> {
        self.orders.get_mut(&order).unwrap().over = Some(execution);
        self.report(order, execution);
        Ok(())
    }

    fn cancel(&mut self, order: OrderId) -> Result<(), EffectFailure> {
        if self.dies() {
            return Ok(());
        }
        if self.roll(6) == 0 {
            return Err(EffectFailure { reason: "the connection is down".to_owned() });
        }
        match self.orders.get(&order).is_some_and(Held::works) {
            true => self.end(order, Execution::Cancelled),
            false => Ok(()),
        }
    }

    fn amend(&mut self, order: OrderId, qty: Qty) -> Result<(), EffectFailure> {
        if self.dies() {
            return Ok(());
        }
        if let Some(held) = self.orders.get_mut(&order).filter(|held| held.works() && qty > held.filled) {
            held.order.qty = qty;
            self.report(order, Execution::Amended(qty));
        }
        Ok(())
    }

    /// Fills what can be filled of an order at the price there is.
    fn work(&mut self, id: OrderId) {
        let held = &self.orders[&id];
        let (order, left) = (held.order.clone(), held.order.qty.minus(held.filled).unwrap());
        let Some(price) = self.prices[order.instrument.index()] else { return };
        let is_worse = |limit: Price| match order.side {
            Side::Buy => price > limit,
            Side::Sell => price < limit,
        };
        let at = match order.kind {
            OrderKind::Market => price,
            OrderKind::Limit(limit) if !is_worse(limit) => limit,
            OrderKind::StopMarket(trigger) if is_worse(trigger) || price == trigger => price,
            OrderKind::Limit(_)
            | OrderKind::StopMarket(_)
            | OrderKind::StopLimit(_)
            | OrderKind::TrailingStop(_) => return,
        };
        let half = Qty::from_units(left.units() / 2);
        match half.is_positive() && self.roll(3) == 0 {
            true => {
                self.fill(id, half, at);
                self.fill(id, left.minus(half).unwrap(), at);
            }
            false => self.fill(id, left, at),
        }
    }

    fn fill(&mut self, id: OrderId, qty: Qty, price: Price) {
        self.trades += 1;
        let held = self.orders.get_mut(&id).unwrap();
        let liquidity = match held.order.posting {
            Posting::PostOnly => Liquidity::Maker,
            Posting::Any => Liquidity::Taker,
        };
        let fee = Money::from_units(qty.units() * 10_i128.pow(12));
        let fill = Fill { trade: TradeId::new(self.trades), price, qty, fee, liquidity };
        held.fills.push(fill);
        held.filled = held.filled.plus(qty).unwrap();
        let (side, number) = (held.order.side, held.order.instrument.index());
        let (rules, signed) = (&self.rules[number], side.signed(qty));
        let paid = rules.notional(price, signed).unwrap().plus(fee).unwrap();
        let base = Amount::of_qty(signed, rules.qty_decimals).unwrap();
        let quote = Amount::of_money(paid).negated().unwrap();
        for (asset, amount) in [(Asset::new(&format!("B{number}")), base), (Asset::new("Q"), quote)] {
            let balance = self.balances.entry(asset).or_default();
            *balance = balance.plus(amount).unwrap();
        }
        self.report(id, Execution::Filled(fill));
    }

    fn see(&mut self, update: &MarketUpdate) {
        let price = match update {
            MarketUpdate::Trade(trade) => trade.price,
            MarketUpdate::Quote(quote) => quote.ask,
            MarketUpdate::Open(open) => open.open,
            MarketUpdate::Bar(bar) => bar.close,
            MarketUpdate::SignalBar(_) => return,
        };
        let instrument = update.instrument();
        self.prices[instrument.index()] = Some(price);
        let working: Vec<OrderId> = self
            .orders
            .iter()
            .filter(|(_, held)| held.works() && held.order.instrument == instrument)
            .map(|(id, _)| *id)
            .collect();
        working.into_iter().for_each(|id| self.work(id));
    }

    /// Says what became of the orders of `beginning`, and then what is in the account.
    fn take_up(&mut self, beginning: &RouteBeginning) {
        let standing: BTreeMap<OrderId, Qty> =
            beginning.orders.iter().map(|standing| (standing.order.id, standing.order.qty)).collect();
        let orphans: Vec<OrderId> = self
            .orders
            .iter()
            .filter(|(id, held)| held.works() && !standing.contains_key(id))
            .map(|(id, _)| *id)
            .collect();
        assert!(orphans.is_empty(), "{orphans:?} work and are not known to");
        for (id, qty) in standing {
            self.handed.insert(id);
            let Some(held) = self.orders.get(&id).cloned() else {
                self.tell_account(AccountEvent::Unanswered(id));
                self.tell_account(AccountEvent::NeverPlaced(id));
                continue;
            };
            if !matches!(held.over, Some(Execution::Rejected(_))) {
                let name = format!("V{}", id.number());
                self.tell_account(AccountEvent::Named(VenueOrder { order: id, name }));
                self.report(id, Execution::Accepted);
                if held.order.qty != qty {
                    self.report(id, Execution::Amended(held.order.qty));
                }
            }
            for fill in &held.fills {
                self.report(id, Execution::Filled(*fill));
            }
            held.over.into_iter().for_each(|over| self.report(id, over));
        }
        let held = |(asset, amount): (&Asset, &Amount)| AssetAmount { asset: asset.clone(), amount: *amount };
        let balances =
            self.balances.iter().filter(|(_, amount)| **amount != Amount::default()).map(held).collect();
        self.tell_account(AccountEvent::Stated(AccountStatement { venue_at: self.now, balances }));
    }
}

struct ExchangeFeed(World);

impl InputFeed for ExchangeFeed {
    fn wait(&mut self, until: Option<Timestamp>) -> Result<Fed, EnvironmentError> {
        let exchange = &mut *self.0.exchange();
        if exchange.is_dead || exchange.kill == Kill::AfterInputs(exchange.inputs) {
            return Err(EnvironmentError::SourceBroken { reason: "killed".into() });
        }
        let told = exchange.told.front().map(|(at, _)| *at);
        let market = exchange.market.front().map(|(at, _)| *at);
        let is_told = told.is_some_and(|told| market.is_none_or(|market| told <= market));
        let Some(at) = (if is_told { told } else { market }) else {
            return Ok(match core::mem::replace(&mut exchange.is_over, true) {
                false => Fed::Input(exchange.now, Input::Session(SessionMark::Interrupted)),
                true => Fed::End,
            });
        };
        let at = at.max(exchange.now);
        if let Some(until) = until.filter(|until| at > *until) {
            exchange.now = exchange.now.max(until);
            return Ok(Fed::Nothing(exchange.now));
        }
        (exchange.now, exchange.inputs) = (at, exchange.inputs + 1);
        let next = if is_told { exchange.told.pop_front() } else { exchange.market.pop_front() };
        let (_, input) = next.unwrap();
        if let Input::Market(update) = &input {
            exchange.see(update);
        }
        Ok(Fed::Input(at, input))
    }

    fn ready(&mut self) -> Result<Option<(Timestamp, MarketUpdate)>, EnvironmentError> {
        Ok(None)
    }
}

struct ExchangeRoute(World);

impl OrderRoute for ExchangeRoute {
    fn pairs(&self) -> Vec<AssetPair> {
        let pair =
            |number: usize| AssetPair { base: Asset::new(&format!("B{number}")), quote: Asset::new("Q") };
        (0..self.0.exchange().rules.len()).map(pair).collect()
    }

    fn begin(&mut self, beginning: RouteBeginning, _inlet: Inlet) -> Result<(), EnvironmentError> {
        self.0.exchange().take_up(&beginning);
        Ok(())
    }

    fn place(&mut self, order: &Order) -> Result<(), EffectFailure> {
        self.0.exchange().place(order)
    }

    fn cancel(&mut self, order: OrderId) -> Result<(), EffectFailure> {
        self.0.exchange().cancel(order)
    }

    fn amend(&mut self, order: OrderId, qty: Qty) -> Result<(), EffectFailure> {
        self.0.exchange().amend(order, qty)
    }
}
