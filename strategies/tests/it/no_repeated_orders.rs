//! A policy does not repeat an order that works or was refused.

use engine_core::event::{Execution, Input, Output, RejectReason};
use engine_core::machine::{Step, Timing};
use engine_core::market::{Bar, MarketUpdate, Side};
use engine_core::num::{Price, Qty, Ratio};
use engine_core::order::Reach;
use engine_core::risk::RiskLimits;
use engine_core::time::{Span, Timestamp};
use serde_json::json;

use crate::benchmark_workloads::{Bench, ONLY, wide_limits};

const UP: i64 = 200;
const DOWN: i64 = 100;

fn bench(limits: RiskLimits) -> Bench {
    let strategy = json!({
        "name": "ema-cross", "fast": 1, "slow": 2, "direction": "long-short", "size": { "units": 1 },
    });
    Bench::new(&strategy, Timing::Immediate, 1_000_000, limits)
}

/// One close; nothing is filled unless the test says so.
fn close(bench: &mut Bench, price: i64) -> Step {
    let at = Timestamp::from_nanos(0);
    let price = Price::from_units(price * 100_000_000);
    let bar = Bar {
        instrument: ONLY,
        open_at: at,
        close_at: at.plus(Span::ZERO),
        open: price,
        high: price,
        low: price,
        close: price,
        volume: Qty::ZERO,
        trades: 0,
    };
    bench.step(Input::Market(MarketUpdate::Bar(bar)))
}

fn submitted(step: &Step) -> Vec<(Side, Reach)> {
    let orders = step.outputs.iter().filter_map(|output| {
        let Output::OrderSubmitted(submission) = output else { return None };
        Some((submission.order.side, submission.order.reach))
    });
    orders.collect()
}

fn fill_all(bench: &mut Bench, price: i64) {
    bench.fill_market(Price::from_units(price * 100_000_000));
}

#[test]
fn a_flip_is_one_close_and_one_entry() {
    let mut bench = bench(wide_limits(Ratio::ZERO));
    close(&mut bench, DOWN);
    assert_eq!(submitted(&close(&mut bench, UP)), [(Side::Buy, Reach::Any)]);
    fill_all(&mut bench, UP);
    let flip = [(Side::Sell, Reach::ReduceOnly), (Side::Sell, Reach::Any)];
    assert_eq!(submitted(&close(&mut bench, DOWN)), flip);
    fill_all(&mut bench, DOWN);
    assert_eq!(bench.core.state().ledger().position(ONLY).qty, Qty::from_units(-100_000_000));
    assert_eq!(submitted(&close(&mut bench, DOWN)), []);
}

#[test]
fn nothing_is_repeated_while_an_order_is_on_the_way() {
    let mut bench = bench(wide_limits(Ratio::ZERO));
    close(&mut bench, DOWN);
    assert_eq!(submitted(&close(&mut bench, UP)).len(), 1);
    for _ in 0..5 {
        assert!(close(&mut bench, UP).outputs.is_empty());
    }
}

#[test]
fn an_entry_that_is_no_longer_wanted_is_ended_before_the_next_is_made() {
    let mut bench = bench(wide_limits(Ratio::ZERO));
    close(&mut bench, DOWN);
    close(&mut bench, UP);
    let step = close(&mut bench, DOWN);
    assert!(matches!(step.outputs.as_slice(), [Output::CancelRequested(_)]), "{step:?}");
    assert!(bench.orders().is_empty());
    assert_eq!(submitted(&close(&mut bench, DOWN)), [(Side::Sell, Reach::Any)]);
}

#[test]
fn a_refused_entry_waits_for_the_next_call_and_a_rejected_close_is_made_again() {
    let limits = RiskLimits { order_qty_max: Some(Qty::from_units(1)), ..wide_limits(Ratio::ZERO) };
    let mut refused = bench(limits);
    close(&mut refused, DOWN);
    assert!(matches!(close(&mut refused, UP).outputs.as_slice(), [Output::OrderRefused(_)]));
    assert!(close(&mut refused, UP).outputs.is_empty());

    let mut rejected = bench(wide_limits(Ratio::ZERO));
    close(&mut rejected, DOWN);
    close(&mut rejected, UP);
    fill_all(&mut rejected, UP);
    close(&mut rejected, DOWN);
    let orders: Vec<_> = rejected.orders().iter().map(|order| order.id).collect();
    for order in orders {
        rejected.report(order, Execution::Rejected(RejectReason::NoLiquidity));
    }
    assert_eq!(submitted(&close(&mut rejected, DOWN)), [(Side::Sell, Reach::ReduceOnly)]);
}

#[test]
fn after_its_stop_a_position_is_not_entered_again_until_the_next_call() {
    let strategy = json!({
        "name": "ema-cross", "fast": 1, "slow": 2, "size": { "units": 1 }, "stop_loss": "2%",
    });
    let mut bench = Bench::new(&strategy, Timing::Immediate, 1_000_000, wide_limits(Ratio::ZERO));
    close(&mut bench, DOWN);
    close(&mut bench, UP);
    fill_all(&mut bench, UP);
    let stop = bench.orders()[0].clone();
    bench.fill(&stop, Price::from_units(196 * 100_000_000));
    assert!(bench.core.state().ledger().position(ONLY).qty.is_zero());
    assert!(close(&mut bench, UP).outputs.is_empty());
}
