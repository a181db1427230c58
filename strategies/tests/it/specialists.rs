//! The specialists through the core: the account never exceeds the cap, and what missing bars cost.

use engine_core::event::Output;
use engine_core::machine::{Step, Timing};
use engine_core::market::{Bar, Side};
use engine_core::num::{Price, Ratio};
use engine_core::strategy::Strategy;
use engine_core::time::Span;
use serde_json::json;

use crate::benchmark_workloads::{Bench, ONLY, bars, wide_limits};

const BTC: &str = "bars/binance_spot_BTCUSDT_1d_to_2024.csv.zst";

/// Daily bars of Bitcoin; the shared reader numbers rows as minutes.
fn daily() -> Option<Vec<Bar>> {
    let day = |(number, bar): (i64, Bar)| {
        let open_at = engine_core::time::Timestamp::from_nanos(number * Span::DAY.nanos());
        Bar { open_at, close_at: open_at.plus(Span::DAY), ..bar }
    };
    Some((0..).zip(bars(BTC, true)?).map(day).collect())
}

fn bench(settings: &serde_json::Value) -> Bench {
    Bench::new(settings, Timing::Immediate, 1_000_000, wide_limits(Ratio::ZERO))
}

/// Share of equity held.
fn share(bench: &Bench) -> f64 {
    let state = bench.core.state();
    let rules = state.instrument(ONLY).unwrap();
    let held = rules.qty_decimal(state.ledger().position(ONLY).qty).to_f64();
    let equity = state.equity().units() as f64 / 1e18;
    held * rules.price_f64(state.mark(ONLY).unwrap_or(Price::ZERO)) / equity
}

/// Reasons of the orders of a step, with their sides.
fn reasons(step: &Step) -> Vec<(Side, String)> {
    let submitted = step.outputs.iter().filter_map(|output| match output {
        Output::OrderSubmitted(submission) => {
            Some((submission.order.side, submission.because.reason.to_string()))
        }
        Output::BarClosed(_)
        | Output::Signalled(_)
        | Output::OrderRefused(_)
        | Output::CancelRequested(_)
        | Output::TradingHalted(_)
        | Output::AmendRequested(_)
        | Output::FlatWanted(_)
        | Output::TradingResumed
        | Output::CheckpointTaken(_)
        | Output::RegimeChanged(_)
        | Output::GapFound(_)
        | Output::ConductorConsulted(_)
        | Output::AccountDiffers(_)
        | Output::AccountAgrees
        | Output::OrderResolved(_)
        | Output::Postponed(_)
        | Output::ConductorMissed(_) => None,
    });
    submitted.collect()
}

#[test]
fn the_account_never_holds_more_than_the_cap_after_its_orders() {
    let Some(bars) = daily() else { return };
    let mut bench = bench(&json!({
        "name": "regime-specialists", "cap": "30%", "on_change": "hold", "in_crisis": "hold", "cash_reserve": 0,
    }));
    let (mut highest, mut reduced, mut said) = (0.0_f64, 0, Vec::new());
    for bar in bars {
        let step = bench.bar(bar);
        said.extend(reasons(&step));
        bench.fill_market(bar.close);
        highest = highest.max(share(&bench));
    }
    reduced += said.iter().filter(|(_, reason)| reason.contains("reduces")).count();
    assert!(highest <= 0.30 * (1.0 + 1e-6), "{highest}");
    assert!(highest > 0.29 && reduced > 20, "{highest} {reduced}");
    for exit in ["stop", "signal reversed", "signal faded", "held long enough"] {
        let sales = said.iter().filter(|(side, reason)| *side == Side::Sell && reason.contains(exit));
        assert!(sales.count() > 0, "nothing left for: {exit}");
    }
}

/// The step of the bar behind `missing` bars that came when a position had been held for three.
fn step_behind(missing: usize) -> Option<(Bench, Step, Bar)> {
    let bars = daily()?;
    let mut bench = bench(&json!({ "name": "regime-specialists", "on_change": "hold" }));
    let mut held_for = 0;
    for (number, bar) in bars.iter().enumerate() {
        if held_for == 3 {
            let late = bars[number + missing];
            let step = bench.bar(late);
            return Some((bench, step, late));
        }
        bench.bar(*bar);
        bench.fill_market(bar.close);
        held_for = if share(&bench) > 0.0 { held_for + 1 } else { 0 };
    }
    panic!("no position was held for three days");
}

#[test]
fn behind_many_missing_bars_a_position_is_sold_at_once() {
    let Some((mut bench, step, late)) = step_behind(31) else { return };
    let [(side, reason)] = reasons(&step).try_into().unwrap();
    assert_eq!(side, Side::Sell);
    assert!(reason.contains("leaves: bars missing"), "{reason}");
    bench.fill_market(late.close);
    assert!(share(&bench).abs() < 1e-12);
}

#[test]
fn behind_one_missing_bar_a_position_is_managed_as_before() {
    let Some((bench, step, _)) = step_behind(1) else { return };
    assert!(
        reasons(&step).iter().all(|(_, reason)| !reason.contains("bars missing")),
        "{:?}",
        reasons(&step)
    );
    assert!(share(&bench) > 0.0);
}

#[test]
fn the_strategy_is_one_to_hand_to_a_run() {
    let settings = json!({ "name": "regime-specialists", "genome": { "trending": { "stop_loss": "5%" } } });
    let boxed: Option<Box<dyn Strategy>> =
        strategies::catalogue::read(settings.as_object().unwrap()).ok().and_then(|policy| {
            let instruments = [crate::benchmark_workloads::instrument()];
            let facts = strategies::trading::RunFacts {
                instruments: &instruments,
                source: strategies::sample::Source::Bars,
                seed: 0,
                detector: engine_core::regime::DetectorKind::default(),
            };
            policy.build(&facts).ok()
        });
    assert!(boxed.is_some());
    let wrong = json!({ "name": "regime-specialists", "genome": { "trending": { "stop_loss": "90%" } } });
    let error = strategies::catalogue::read(wrong.as_object().unwrap()).unwrap_err().to_string();
    assert_eq!(error, "`strategy.genome.trending.stop_loss` = 90%: allowed is a share from 0.01 to 0.3");
}
