//! The gate: whatever a strategy asks for, no approved order takes a run beyond a limit.
//!
//! What is measured, and when: an order is judged once, at its review, at the mark, equity, cash and working
//! orders of that moment. An order that may enlarge a position is approved only if
//!
//! - its own quantity, notional (at the price it names, else at the mark) and collar are within their limits;
//! - the position in its instrument, if everything that works on its side filled in the worst order (reduce-only
//!   orders and bracket legs first, as far as they can close), is within the position limit: what is held at the
//!   mark, every order at the price it names (a stop that the mark has passed at the mark), what orders open after
//!   closing the other side at the dearest of their prices;
//! - the gross exposure, with every instrument at the worse of its two sides, is within leverage × equity, or the
//!   order does not raise it;
//! - in a cash account nothing could be sold that is not held, and cash covers every working buy, taker fee
//!   included, each at its limit, at its stop if that lies above the mark, else at the mark;
//! - it is not one working order, or one order a minute, too many.
//!
//! Orders that only reduce pass all of these: they must be able to close whatever there is. The one thing this
//! leaves open is a reduce-only order placed while an order on its side that crosses through nothing is at work;
//! it can let that one go farther than was measured. Marks move after a review: what holds then is the drawdown
//! limit, which is judged at every event.

use std::collections::BTreeMap;

use engine_core::event::{Event, Output};
use engine_core::instrument::InstrumentId;
use engine_core::machine::Core;
use engine_core::market::Side;
use engine_core::num::{Money, Price, Qty, Ratio};
use engine_core::order::{OpenOrder, Order, OrderKind, Reach};
use engine_core::risk::{Account, HaltAction, RiskLimits};
use engine_core::state::State;
use engine_core::time::{Span, Timestamp};
use engine_runtime::runner::Observer;
use journal_store::memory_journal::DigestJournal;
use proptest::prelude::*;
use replay_simulation::config::FillModel;

use crate::laws::{Case, MODELS, cases, law, market, samples, script};

mod obligation;
mod still_market;

fn limits() -> impl Strategy<Value = RiskLimits> {
    let money = |low: i128, high: i128| {
        prop::option::weighted(0.3, (low..high).prop_map(|whole| Money::from_units(whole * 10_i128.pow(18))))
    };
    let ratio = |low: i64, high: i64| (low..=high).prop_map(|mills| Ratio::from_units(mills * 1_000_000));
    let sizes = (
        prop::option::weighted(0.2, (1_i64..5_000).prop_map(Qty::from)),
        money(10, 400),
        money(50, 800),
        ratio(50, 2_000),
        ratio(0, 50),
    );
    let counts = (1_u32..8, 1_u32..8, prop_oneof![ratio(1, 100), Just(Ratio::ONE)]);
    let kinds = (any::<bool>(), any::<bool>());
    (sizes, counts, kinds).prop_map(|(sizes, counts, (cash, flatten))| RiskLimits {
        account: if cash { Account::Cash } else { Account::Margin },
        order_qty_max: sizes.0,
        order_notional_max: sizes.1,
        position_notional_max: sizes.2,
        leverage_max: sizes.3,
        price_collar: sizes.4,
        open_orders_max: counts.0,
        orders_per_minute_max: counts.1,
        drawdown_max: counts.2,
        halt_action: if flatten { HaltAction::Flatten } else { HaltAction::Hold },
        taker_cost: Ratio::ZERO,
    })
}

/// Random runs under random limits, with so many orders that the limits bind.
fn limited_cases(models: &'static [FillModel]) -> impl Strategy<Value = Case> {
    let market = (1_u16..=2).prop_flat_map(|instruments| {
        (Just(instruments), market::moves(instruments, 1..60), script::lines(instruments, 30, 0..40))
    });
    (cases(models), limits(), market).prop_map(|(case, limits, (instruments, moves, lines))| Case {
        limits,
        instruments,
        moves,
        lines,
        ..case
    })
}

fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn money(state: &State, instrument: InstrumentId, price: Price, qty: i128) -> i128 {
    i128::from(price.units()) * qty * state.instrument(instrument).unwrap().money_factor()
}

/// The farthest position on `side`, as a quantity on that side, if all that works there filled with `more`.
fn farthest(state: &State, instrument: InstrumentId, side: Side, more: i128) -> i128 {
    let held = side.signed(state.ledger().position(instrument).qty).units();
    let working = |reach: Reach| -> i128 {
        let of_side = state.open_orders().filter(|open| {
            open.order.instrument == instrument && open.order.side == side && open.order.reach == reach
        });
        of_side.map(|open| open.remaining().units()).sum()
    };
    let closing = working(Reach::ReduceOnly).min(held.min(0).abs());
    held + closing + working(Reach::Any) + more
}

/// The price an order names; the mark where it names none or the mark has passed it.
fn named(state: &State, order: &Order) -> Price {
    let mark = state.mark(order.instrument).unwrap();
    match order.kind {
        OrderKind::Market | OrderKind::TrailingStop(_) => mark,
        OrderKind::Limit(limit) => limit,
        OrderKind::StopMarket(trigger) if order.side == Side::Buy => trigger.max(mark),
        OrderKind::StopMarket(trigger) => trigger.min(mark),
        OrderKind::StopLimit(prices) => prices.limit,
    }
}

/// What the farthest position on `side` is worth, if all that works there filled with `more`.
fn worth(state: &State, instrument: InstrumentId, side: Side, more: Option<&Order>) -> i128 {
    let more = more.filter(|order| order.instrument == instrument && order.side == side);
    let held = side.signed(state.ledger().position(instrument).qty).units();
    let far = farthest(state, instrument, side, more.map_or(0, |order| order.qty.units()));
    let mark = state.mark(instrument).unwrap();
    let working = state.open_orders().filter(|open| {
        open.order.instrument == instrument && open.order.side == side && open.order.reach == Reach::Any
    });
    let working = working.map(|open| (&open.order, open.remaining().units()));
    let adding: Vec<(Price, i128)> = working
        .chain(more.map(|order| (order, order.qty.units())))
        .map(|(order, qty)| (named(state, order), qty))
        .collect();
    if held >= 0 {
        let added: i128 = adding.iter().map(|(price, qty)| money(state, instrument, *price, *qty)).sum();
        return money(state, instrument, mark, held) + added;
    }
    let dearest = adding.iter().map(|(price, _)| *price).max().unwrap_or(mark);
    if far > 0 { money(state, instrument, dearest, far) } else { money(state, instrument, mark, -far) }
}

fn exposure(state: &State, instrument: InstrumentId, order: Option<&Order>) -> i128 {
    if state.mark(instrument).is_none() {
        return 0;
    }
    worth(state, instrument, Side::Buy, order).max(worth(state, instrument, Side::Sell, order))
}

fn gross(state: &State, order: Option<&Order>) -> i128 {
    state.instrument_ids().map(|instrument| exposure(state, instrument, order)).sum()
}

/// What a buy can take from the cash, fee included.
fn cost(state: &State, fee: Ratio, order: &Order, qty: i128) -> i128 {
    let price = named(state, order);
    let notional = Money::from_units(money(state, order.instrument, price, qty));
    notional.plus(notional.times(fee).unwrap()).unwrap().units()
}

/// Follows a run event by event and judges every approved order with the state at its review.
struct Judge {
    limits: RiskLimits,
    state: State,
    submitted: Vec<Timestamp>,
    peak: Money,
    found: Result<(), String>,
    approved: usize,
    refused: BTreeMap<String, usize>,
}

impl Judge {
    fn new(case: &Case) -> Self {
        let limits = case.config().core().limits;
        let (submitted, peak) = (Vec::new(), case.config().capital);
        let (found, approved, refused) = (Ok(()), 0, BTreeMap::new());
        Self { limits, state: case.opening(), submitted, peak, found, approved, refused }
    }

    fn learn(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) -> Result<(), String> {
        self.state.apply(at, event);
        for output in outputs {
            if let Output::OrderSubmitted(submission) = output {
                if submission.order.parent.is_none() {
                    self.judge(at, &submission.order)
                        .map_err(|what| format!("{what}: {:?}", submission.order))?;
                }
                self.submitted.push(at);
            }
            if let Output::OrderRefused(refused) = output {
                let name = format!("{:?}", refused.reason);
                let name = name.split('(').next().unwrap_or_default();
                *self.refused.entry(name.to_owned()).or_default() += 1;
            }
            self.state.apply(at, &Event::Output(output.clone()));
        }
        ensure(self.state.digest() == core.digest(), "the judge has lost the state")?;
        self.peak = self.peak.max(self.state.equity());
        let fall = self.peak.times(self.limits.drawdown_max).and_then(|fall| self.peak.minus(fall)).unwrap();
        let fallen = self.state.equity() < self.peak && self.state.equity() <= fall;
        ensure(!fallen || self.state.is_halted(), "equity fell to the drawdown limit and trading goes on")
    }

    fn judge(&mut self, at: Timestamp, order: &Order) -> Result<(), String> {
        self.approved += 1;
        self.judge_steps(order)?;
        let held = self.state.ledger().position(order.instrument).qty;
        if order.reach == Reach::ReduceOnly {
            let against = order.side.signed(held).units() < 0;
            return ensure(against && order.qty <= held.magnitude(), "it reduces more than there is");
        }
        ensure(!self.state.is_halted(), "trading is halted")?;
        self.judge_size(order)?;
        self.judge_position(order)?;
        if self.limits.account == Account::Cash {
            self.judge_cash(order)?;
        }
        let working = self.state.open_orders().count();
        ensure(working < self.limits.open_orders_max as usize, "too many orders work")?;
        let minute = self.submitted.iter().filter(|before| at.since(**before) < Span::MINUTE).count();
        ensure(minute < self.limits.orders_per_minute_max as usize, "too many orders within a minute")
    }

    fn judge_steps(&self, order: &Order) -> Result<(), String> {
        let rules = self.state.instrument(order.instrument).unwrap();
        let lots = order.qty.is_positive() && order.qty.units() % rules.lot.units() == 0;
        ensure(lots, "its quantity is not in whole lots")?;
        let mut prices: Vec<Price> = match order.kind {
            OrderKind::Market | OrderKind::TrailingStop(_) => Vec::new(),
            OrderKind::Limit(price) | OrderKind::StopMarket(price) => vec![price],
            OrderKind::StopLimit(prices) => vec![prices.trigger, prices.limit],
        };
        prices.extend(order.bracket.and_then(|bracket| bracket.stop_loss.price()));
        prices.extend(order.bracket.and_then(|bracket| bracket.take_profit));
        let ticks = prices.iter().all(|price| price.is_positive() && price.units() % rules.tick.units() == 0);
        ensure(ticks, "a price is not on a tick")
    }

    fn judge_size(&self, order: &Order) -> Result<(), String> {
        let rules = self.state.instrument(order.instrument).unwrap();
        let mark = self.state.mark(order.instrument).unwrap();
        let limit = match order.kind {
            OrderKind::Limit(price) => Some(price),
            OrderKind::StopLimit(prices) => Some(prices.limit),
            OrderKind::Market | OrderKind::StopMarket(_) | OrderKind::TrailingStop(_) => None,
        };
        let notional = rules.notional(named(&self.state, order), order.qty).unwrap();
        ensure(notional >= rules.notional_min, "its notional is too small")?;
        ensure(self.limits.order_qty_max.is_none_or(|most| order.qty <= most), "its quantity is too large")?;
        ensure(
            self.limits.order_notional_max.is_none_or(|most| notional <= most),
            "its notional is too large",
        )?;
        let Some(limit) = limit else { return Ok(()) };
        let toward = match order.side {
            Side::Buy => limit.units() - mark.units(),
            Side::Sell => mark.units() - limit.units(),
        };
        let one = i128::from(Ratio::ONE.units());
        let allowed = i128::from(self.limits.price_collar.units()) * i128::from(mark.units());
        ensure(i128::from(toward) * one <= allowed, "its limit lies beyond the collar")
    }

    fn judge_position(&self, order: &Order) -> Result<(), String> {
        let far = farthest(&self.state, order.instrument, order.side, order.qty.units());
        let notional = worth(&self.state, order.instrument, order.side, Some(order));
        let within =
            far <= 0 || self.limits.position_notional_max.is_none_or(|most| notional <= most.units());
        ensure(within, "the position could become too large")?;
        if self.limits.account == Account::Cash {
            return Ok(());
        }
        let most = self.state.equity().times(self.limits.leverage_max).unwrap().units();
        let (before, after) = (gross(&self.state, None), gross(&self.state, Some(order)));
        ensure(after <= most || after <= before, "exposure could become too large")
    }

    fn judge_cash(&self, order: &Order) -> Result<(), String> {
        if order.side == Side::Sell {
            let far = farthest(&self.state, order.instrument, Side::Sell, order.qty.units());
            return ensure(far <= 0, "it could sell what is not held");
        }
        let fee = self.limits.taker_cost;
        let buys = self.state.open_orders().filter(|open| open.order.side == Side::Buy);
        let reserved: i128 =
            buys.map(|open: &OpenOrder| cost(&self.state, fee, &open.order, open.remaining().units())).sum();
        let cost = cost(&self.state, fee, order, order.qty.units());
        ensure(reserved + cost <= self.state.ledger().cash().units(), "cash could fall below zero")
    }
}

impl Observer for Judge {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        if self.found.is_ok() {
            self.found = self.learn(core, at, event, outputs);
        }
    }
}

fn judged(case: &Case) -> Judge {
    let mut judge = Judge::new(case);
    case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut judge);
    judge
}

/// A law that is never tested holds too: these runs meet every limit, and approve orders all the same.
#[test]
fn the_random_runs_meet_every_limit() {
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    let mut approved = 0;
    for case in samples(limited_cases(&MODELS)) {
        let mut judge = Judge::new(&case);
        case.play_into(case.core(), case.source(), &mut DigestJournal::default(), &mut judge);
        approved += judge.approved;
        for (name, count) in judge.refused {
            *met.entry(name).or_default() += count;
        }
    }
    println!("{approved} orders approved, refusals by kind: {met:?}");
    let names = [
        "Halted",
        "BelowLot",
        "NotionalTooSmall",
        "OrderQty",
        "OrderNotional",
        "PriceCollar",
        "Position",
        "Exposure",
        "Balance",
        "ShortSale",
        "NothingToReduce",
        "OpenOrders",
        "OrderRate",
    ];
    for name in names {
        assert!(met.get(name).is_some_and(|count| *count >= 10), "{name} was met too seldom: {met:?}");
    }
    assert!(approved > 500, "{approved} orders approved");
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn no_approved_order_could_exceed_a_limit(case in limited_cases(&MODELS)) {
        prop_assert_eq!(judged(&case).found, Ok(()));
    }
}
