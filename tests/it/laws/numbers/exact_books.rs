//! The books of a run once more, in fractions of whole numbers without end.

#![allow(clippy::wildcard_enum_match_arm, reason = "what happens besides is of no interest here")]

use std::collections::BTreeMap;

use engine_core::event::{Event, Execution, Input, Output, RejectReason};
use engine_core::fill::Fill;
use engine_core::halt::{HaltReason, TooLarge};
use engine_core::intent::Size;
use engine_core::machine::Core;
use engine_core::market::{MarketUpdate, Side};
use engine_core::num::{MONEY_DECIMALS, Money, Price, Ratio};
use engine_core::order::Order;
use engine_core::refusal::Refusal;
use engine_core::time::Timestamp;
use engine_runtime::runner::Observer;
use num_bigint::BigInt;
use num_rational::BigRational;

use super::{Case, ONLY};

/// How often something was met.
pub(super) type Met = BTreeMap<&'static str, usize>;

type Exact = BigRational;

fn whole(units: impl Into<BigInt>) -> Exact {
    Exact::from_integer(units.into())
}

fn ten_to(decimals: u8) -> Exact {
    whole(10_i64).pow(i32::from(decimals))
}

fn exact(units: impl Into<BigInt>, decimals: u8) -> Exact {
    whole(units) / ten_to(decimals)
}

fn money(amount: Money) -> Exact {
    exact(amount.units(), MONEY_DECIMALS)
}

fn ratio(share: Ratio) -> Exact {
    whole(share.units()) / whole(Ratio::ONE.units())
}

fn size_of(amount: &Exact) -> Exact {
    if *amount < whole(0) { -amount } else { amount.clone() }
}

/// Whether an amount of money can be written in 128 bits.
fn fits(amount: &Exact) -> bool {
    size_of(amount) * ten_to(MONEY_DECIMALS) <= whole(i128::MAX)
}

/// The nearest whole number, of two the even one.
fn half_even(number: &Exact) -> Exact {
    let (below, half) = (number.floor(), Exact::new(1.into(), 2.into()));
    let rest = number - &below;
    let is_odd = below.to_integer() % BigInt::from(2) != BigInt::from(0);
    if rest > half || (rest == half && is_odd) { below + whole(1) } else { below }
}

/// The nearest amount of money.
fn nearest_money(amount: &Exact) -> Exact {
    half_even(&(amount * ten_to(MONEY_DECIMALS))) / ten_to(MONEY_DECIMALS)
}

/// Cash, position and sums of one run, and what was met on the way.
pub(super) struct ExactBooks<'a> {
    case: &'a Case,
    bars: usize,
    cash: Exact,
    held: Exact,
    mark: Exact,
    mark_units: i64,
    fees: Exact,
    turnover: Exact,
    order: Option<Order>,
    halted: bool,
    unfit: bool,
    pub(super) met: Met,
}

/// An order as it must be, and what the gate weighs of it.
struct Expected {
    qty: Exact,
    notional: Exact,
    worst_value: Exact,
    limit: Exact,
    lowers: bool,
    overflows: bool,
}

impl<'a> ExactBooks<'a> {
    pub(super) fn new(case: &'a Case) -> Self {
        Self {
            case,
            bars: 0,
            cash: money(case.capital),
            held: whole(0),
            mark: whole(0),
            mark_units: 0,
            fees: whole(0),
            turnover: whole(0),
            order: None,
            halted: false,
            unfit: false,
            met: Met::new(),
        }
    }

    fn meet(&mut self, what: &'static str) {
        *self.met.entry(what).or_default() += 1;
    }

    fn equity(&self) -> Exact {
        &self.cash + &self.held * &self.mark
    }

    fn revalue(&mut self, close: Price, outputs: &[Output]) {
        let mark = exact(close.units(), self.case.rules.price_decimals);
        let value = &self.held * &mark;
        let holds = self.held != whole(0);
        if holds && !(fits(&value) && fits(&(&self.cash + &value))) {
            let expected = TooLarge::Position { instrument: ONLY, mark: close };
            let found = halt_of(outputs);
            assert!(self.unfit || found == Some(HaltReason::AmountTooLarge(expected)), "{outputs:?}");
            (self.halted, self.unfit) = (true, true);
            return self.meet("halted: too large");
        }
        (self.mark, self.mark_units) = (mark, close.units());
        match halt_of(outputs) {
            None => {}
            Some(HaltReason::Drawdown(_)) => {
                assert!(self.equity() <= whole(0), "a halt for ruin with something left");
                self.halted = true;
                self.meet("halted: ruin");
            }
            Some(other) => panic!("everything fits, and still {other:?}"),
        }
    }

    /// The order that `size` asks for at the present mark.
    fn expected(&self, side: Side, size: Size) -> Expected {
        let rules = &self.case.rules;
        let equity = self.equity();
        let budget = match size {
            Size::EquityShare(share) => nearest_money(&(&equity * ratio(share))),
            Size::Units(_) | Size::Notional(_) | Size::Position => whole(0),
            Size::FreeShare(_) => unreachable!("no wish of this law"),
        };
        let fee = whole(1) + ratio(self.case.costs.reserve());
        let asked = match size {
            Size::Units(qty) => exact(qty.units(), rules.qty_decimals),
            Size::Notional(amount) => money(amount) / &self.mark,
            Size::EquityShare(_) => &budget / fee / &self.mark,
            Size::Position => size_of(&self.held),
            Size::FreeShare(_) => unreachable!("no wish of this law"),
        };
        let lot = exact(rules.lot.units(), rules.qty_decimals);
        let qty = (asked / &lot).floor().max(whole(0)) * lot;
        let notional = &qty * &self.mark;
        let sign = if side == Side::Buy { whole(1) } else { whole(-1) };
        let worst = &self.held + &sign * &qty;
        let worst_value = size_of(&worst) * &self.mark;
        let limit = nearest_money(&(&equity * ratio(self.case.leverage)));
        let lowers = &worst * &sign <= whole(0);
        let worst_units = size_of(&worst) * ten_to(rules.qty_decimals);
        let overflows = !fits(&budget)
            || !fits(&notional)
            || !fits(&worst_value)
            || worst_units > whole(i128::MAX)
            || (!lowers && !fits(&limit));
        Expected { qty, notional, worst_value, limit, lowers, overflows }
    }

    fn judge(&mut self, side: Side, size: Size, outputs: &[Output]) {
        let expected = self.expected(side, size);
        let least = money(self.case.rules.notional_min);
        let exceeds = !expected.lowers && expected.worst_value > expected.limit;
        for output in outputs {
            match output {
                Output::OrderSubmitted(submission) => {
                    let order = &submission.order;
                    let qty = exact(order.qty.units(), self.case.rules.qty_decimals);
                    assert_eq!(qty, expected.qty, "an order is the one that was asked for");
                    assert!(order.qty.is_positive() && !self.halted && !expected.overflows && !exceeds);
                    assert!(expected.notional >= least);
                    self.order = Some(order.clone());
                    self.meet("submitted");
                    if order.qty.units() > i128::from(i64::MAX) {
                        self.meet("submitted beyond 64 bits");
                    }
                    return;
                }
                Output::OrderRefused(refused) => {
                    let (holds, name) = match refused.reason {
                        Refusal::BelowLot => (expected.qty == whole(0), "refused: below lot"),
                        Refusal::NotionalTooSmall(_) => (expected.notional < least, "refused: notional"),
                        Refusal::Overflow => (expected.overflows, "refused: overflow"),
                        Refusal::Exposure(_) => (exceeds, "refused: exposure"),
                        Refusal::Halted => (self.halted, "refused: halted"),
                        other => panic!("refused for {other:?}"),
                    };
                    assert!(holds, "refused without need: {:?}", refused.reason);
                    return self.meet(name);
                }
                _ => {}
            }
        }
        panic!("{size:?} got no answer: {outputs:?}");
    }

    /// Where a taker's order fills; nothing where there is no such price.
    fn fill_price(&self, side: Side) -> Option<i64> {
        let slippage = self.case.costs.taking().units();
        let against = if side == Side::Buy { slippage } else { -slippage };
        let factor = ratio(Ratio::from_units(Ratio::ONE.units() + against));
        let price = half_even(&(whole(self.mark_units) * factor)).to_integer();
        i64::try_from(price).ok().filter(|price| *price > 0)
    }

    fn fill(&mut self, fill: &Fill, outputs: &[Output]) {
        let rules = &self.case.rules;
        let order = self.order.take().expect("a fill of an order");
        assert_eq!((Some(fill.price.units()), fill.qty), (self.fill_price(order.side), order.qty));
        let price = exact(fill.price.units(), rules.price_decimals);
        let qty = exact(fill.qty.units(), rules.qty_decimals);
        let signed = if order.side == Side::Buy { qty.clone() } else { -qty.clone() };
        let notional = &qty * &price;
        let fee = nearest_money(&(&notional * ratio(self.case.costs.taker_fee)));
        assert_eq!(money(fill.fee), fee, "a fee is the nearest amount of money");
        let cash = &self.cash - &signed * &price - &fee;
        let held = &self.held + &signed;
        let (fees, turnover) = (&self.fees + &fee, &self.turnover + &notional);
        let gain = (&self.mark - &price) * &signed;
        let value = &held * &self.mark;
        let equity = &cash + &value;
        let amounts = [&cash, &fees, &turnover, &gain, &value, &equity];
        if amounts.into_iter().all(fits) {
            (self.cash, self.held, self.fees, self.turnover) = (cash, held, fees, turnover);
            self.meet("filled");
            match halt_of(outputs) {
                None => {}
                Some(HaltReason::Drawdown(_)) => {
                    assert!(self.equity() <= whole(0), "a halt for ruin with something left");
                    self.halted = true;
                    self.meet("halted: ruin");
                }
                Some(other) => panic!("everything fits, and still {other:?}"),
            }
        } else {
            let expected = TooLarge::Fill { order: order.id, price: fill.price, qty: fill.qty };
            assert_eq!(halt_of(outputs), Some(HaltReason::AmountTooLarge(expected)));
            (self.halted, self.unfit) = (true, true);
            self.meet("halted: too large");
        }
    }

    fn reject(&mut self, reason: RejectReason) {
        assert_eq!(reason, RejectReason::OutOfRange);
        let order = self.order.take().expect("a rejection of an order");
        let qty = exact(order.qty.units(), self.case.rules.qty_decimals);
        let price = self.fill_price(order.side).map(|units| exact(units, self.case.rules.price_decimals));
        assert!(price.is_none_or(|price| !fits(&(price * qty))), "rejected without need");
        self.meet("rejected: out of range");
    }

    fn compare(&self, core: &Core) {
        let (state, ledger) = (core.state(), core.state().ledger());
        assert_eq!(ledger.imbalance(), Money::ZERO);
        assert_eq!(money(ledger.cash()), self.cash, "cash");
        assert_eq!(money(ledger.fees()), self.fees, "fees");
        assert_eq!(money(ledger.turnover()), self.turnover, "turnover");
        let held = exact(ledger.position(ONLY).qty.units(), self.case.rules.qty_decimals);
        assert_eq!(held, self.held, "position");
        assert_eq!(money(state.equity()), self.equity(), "equity");
        assert_eq!(state.equity_from_books(), Some(state.equity()));
    }
}

/// The first halt among `outputs`.
fn halt_of(outputs: &[Output]) -> Option<HaltReason> {
    outputs.iter().find_map(|output| match output {
        Output::TradingHalted(reason) => Some(*reason),
        _ => None,
    })
}

impl Observer for ExactBooks<'_> {
    fn observe(&mut self, core: &Core, _at: Timestamp, event: &Event, outputs: &[Output]) {
        match event {
            Event::Input(Input::Market(MarketUpdate::Bar(bar))) => {
                self.revalue(bar.close, outputs);
                self.bars += 1;
                if let Some((side, size)) = self.case.wishes[self.bars - 1] {
                    self.judge(side, size, outputs);
                }
            }
            Event::Input(Input::Execution(report)) => match report.execution {
                Execution::Filled(fill) => self.fill(&fill, outputs),
                Execution::Rejected(reason) => self.reject(reason),
                other => panic!("a market order was {other:?}"),
            },
            _ => {}
        }
        self.compare(core);
    }
}
