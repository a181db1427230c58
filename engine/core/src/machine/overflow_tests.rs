//! An amount that does not fit halts the core, as an event, and is folded by nobody.

use super::*;
use crate::event::{Execution, ExecutionReport, Input};
use crate::fill::{Fill, Liquidity, TradeId};
use crate::halt::TooLarge;
use crate::instrument::InstrumentId;
use crate::intent::{Intent, OrderIntent, Size};
use crate::market::{Aggressor, BarOpen, Side, Trade};
use crate::num::{Price, Qty, Ratio};
use crate::refusal::Refusal;
use crate::time::Span;

const ONLY: InstrumentId = InstrumentId::new(0);

/// Wants to buy a million units at every tick.
struct Always;

impl Strategy for Always {
    fn observe(&mut self, _at: Timestamp, _event: &Event) {}

    fn propose(&self, view: &View<'_>) -> Vec<Intent> {
        let size = Size::Units(Qty::from_units(1_000_000));
        vec![OrderIntent::market(ONLY, Side::Buy, size, format!("at {}", view.at.nanos())).into()]
    }
}

/// Whole coins at whole prices: one unit of each is worth 10^18 units of money, and 1.7 × 10^20 of it all there is.
fn core(bars: Option<BarRule>, timing: Timing) -> Core {
    let rules = crate::sample::instrument([0, 0], 1, 1);
    let limits = RiskLimits { drawdown_max: Ratio::ONE, ..RiskLimits::default() };
    let capital = Money::from_units(1_000_000 * 10_i128.pow(18));
    let config = CoreConfig {
        instruments: vec![rules],
        capital,
        bars,
        mark: crate::mark::MarkRule::Newest,
        timing,
        wait_bars_max: 5,
        limits,
        watch: None,
    };
    Core::new(config, Box::new(Always))
}

fn tick(core: &mut Core, second: i64, price: i64, qty: i128) -> Vec<Output> {
    let at = Timestamp::from_nanos(second * 1_000_000_000);
    let (price, qty) = (Price::from_units(price), Qty::from_units(qty));
    let trade = Trade { instrument: ONLY, venue_at: at, price, qty, aggressor: Aggressor::Unknown };
    core.decide(at, &Event::Input(Input::Market(MarketUpdate::Trade(trade))))
}

fn fill(core: &mut Core, second: i64, order: u64, price: i64, fee: Money) -> Vec<Output> {
    let at = Timestamp::from_nanos(second * 1_000_000_000);
    let (price, qty) = (Price::from_units(price), Qty::from_units(1_000_000));
    let execution =
        Execution::Filled(Fill { trade: TradeId::default(), price, qty, fee, liquidity: Liquidity::Taker });
    let report = ExecutionReport { order: crate::order::OrderId::new(order), venue_at: at, execution };
    core.decide(at, &Event::Input(Input::Execution(report)))
}

fn halts(outputs: &[Output]) -> Vec<HaltReason> {
    let halt = |output: &Output| {
        let Output::TradingHalted(reason) = output else { return None };
        Some(*reason)
    };
    outputs.iter().filter_map(halt).collect()
}

fn refused(outputs: &[Output], with: Refusal) -> bool {
    outputs.iter().any(|output| matches!(output, Output::OrderRefused(refused) if refused.reason == with))
}

#[test]
fn a_mark_at_which_a_position_does_not_fit_halts_once_and_moves_nothing() {
    let mut core = core(None, Timing::Immediate);
    tick(&mut core, 1, 1, 1);
    fill(&mut core, 1, 1, 1, Money::ZERO);
    let before = core.state().equity();
    // A million coins at 2 × 10^14 are 2 × 10^20.
    let mark = 200_000_000_000_000;
    let what = TooLarge::Position { instrument: ONLY, mark: Price::from_units(mark) };
    let outputs = tick(&mut core, 2, mark, 1);
    assert_eq!(halts(&outputs), [HaltReason::AmountTooLarge(what)]);
    assert!(refused(&outputs, Refusal::Halted), "no new risk: {outputs:?}");
    assert_eq!((core.state().equity(), core.state().mark(ONLY)), (before, Some(Price::from_units(1))));
    assert_eq!(core.state().equity_from_books(), Some(before));
    assert_eq!(halts(&tick(&mut core, 3, mark + 1, 1)), [], "once is enough");
    tick(&mut core, 4, 2, 1);
    assert_eq!(core.state().equity().units() - before.units(), 1_000_000 * 10_i128.pow(18), "it fits again");
    assert!(core.state().is_halted(), "until somebody resumes");
}

#[test]
fn an_order_that_waited_for_an_open_at_which_the_position_does_not_fit_is_refused() {
    let mut core = core(None, Timing::NextOpen);
    let open = |core: &mut Core, second: i64, price: i64| {
        let at = Timestamp::from_nanos(second * 1_000_000_000);
        let open = BarOpen { instrument: ONLY, open_at: at, open: Price::from_units(price) };
        core.decide(at, &Event::Input(Input::Market(MarketUpdate::Open(open))))
    };
    tick(&mut core, 1, 1, 1);
    let submitted =
        |outputs: &[Output]| outputs.iter().any(|output| matches!(output, Output::OrderSubmitted(_)));
    assert!(submitted(&open(&mut core, 2, 1)));
    fill(&mut core, 2, 1, 1, Money::ZERO);
    let size = Size::Units(Qty::from_units(1));
    let waits = Output::Signalled(Box::new(OrderIntent::market(ONLY, Side::Buy, size, "one more")));
    core.decide(Timestamp::from_nanos(2_600_000_000), &Event::Output(waits));
    let outputs = open(&mut core, 3, 200_000_000_000_000);
    assert!(refused(&outputs, Refusal::Halted) && !submitted(&outputs), "{outputs:?}");
    assert!(matches!(halts(&outputs)[..], [HaltReason::AmountTooLarge(TooLarge::Position { .. })]));
}

#[test]
fn a_fill_that_does_not_fit_is_not_booked_and_halts() {
    let mut core = core(None, Timing::Immediate);
    tick(&mut core, 1, 1, 1);
    let before = core.state().ledger().clone();
    for (second, price, fee) in [(2, 200_000_000_000_000, Money::ZERO), (3, 1, Money::MAX)] {
        let outputs = fill(&mut core, second, 1, price, fee);
        let (price, qty) = (Price::from_units(price), Qty::from_units(1_000_000));
        let what = TooLarge::Fill { order: crate::order::OrderId::new(1), price, qty };
        assert_eq!(halts(&outputs), [HaltReason::AmountTooLarge(what)], "fee {fee:?}");
    }
    assert_eq!(*core.state().ledger(), before);
    assert_eq!(core.state().equity_from_books(), Some(core.state().equity()));
}

#[test]
fn a_bar_volume_that_does_not_fit_halts() {
    let mut core = core(Some(BarRule::Time(Span::MINUTE)), Timing::Immediate);
    let large = i128::MAX - 1;
    assert_eq!(halts(&tick(&mut core, 1, 1, large)), []);
    let outputs = tick(&mut core, 2, 1, large);
    let what = TooLarge::BarVolume { instrument: ONLY, qty: Qty::from_units(large) };
    assert_eq!(halts(&outputs), [HaltReason::AmountTooLarge(what)]);
}

#[test]
fn an_order_that_does_not_fit_is_refused_and_never_a_smaller_one() {
    let mut core = core(None, Timing::Immediate);
    let outputs = tick(&mut core, 1, i64::MAX - 1, 1);
    assert!(refused(&outputs, Refusal::Overflow), "{outputs:?}");
}
