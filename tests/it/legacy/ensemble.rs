//! The published backtest in plain numbers: every trade, every day, every cost variant and the audit.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use strategies_legacy::audit::{Audit, CurveFigures, audit, figures};
use strategies_legacy::ensemble::{Day, EnsembleRun, FREE, Fill, Terms, Trade, backtest, decisions};
use strategies_legacy::specialist::{PUBLISHED, Specialists, Target};

use super::specialists::genome;
use super::{bitcoin, candles, json, near, number, regime, table};

const HEADLINE: f64 = 28_936.105_484_585_027;

fn run_of(history: &[Candle], specialists: &Specialists, terms: Terms) -> EnsembleRun {
    backtest(history, &decisions(history, specialists), terms)
}

#[test]
fn the_headline_is_reproduced() {
    let (Some((_, history)), Some(golden)) = (bitcoin(), json("golden_ensemble.json")) else { return };
    let run = run_of(&history, &PUBLISHED, FREE);
    let figures = figures(&run);
    near(run.final_capital, HEADLINE, 1e-12, "final capital");
    near(figures.max_drawdown_pct, -11.006_039_028_497_598, 1e-12, "drawdown");
    near(figures.sharpe_252, 1.009_160_538_897_045_3, 1e-12, "Sharpe");
    assert_eq!((run.trades.len(), run.days.len()), (77, 3996));
    let usage = &golden["reproduced"]["regime_usage"];
    for regime in Regime::ALL {
        let days = run.days.iter().filter(|day| day.decision.regime == regime).count();
        assert_eq!(usage[regime.name()], days, "{regime:?}");
    }
}

#[test]
fn every_golden_trade_is_made() {
    let (Some((times, history)), Some(golden)) = (bitcoin(), table("golden_trades.csv")) else { return };
    let run = run_of(&history, &PUBLISHED, FREE);
    assert_eq!(golden.len(), run.trades.len() * 2);
    for (trade, rows) in run.trades.iter().zip(golden.chunks(2)) {
        let (entry, exit) = (&rows[0], &rows[1]);
        let cell = |row: &std::collections::BTreeMap<String, String>, name: &str| number(&row[name]).unwrap();
        assert_eq!((&entry["side"][..], &exit["side"][..]), ("buy", "sell"));
        assert_eq!((&times[trade.entry_bar], &times[trade.exit_bar]), (&entry["time"], &exit["time"]));
        assert_eq!(
            (Some(trade.regime), Some(trade.specialist)),
            (regime(&entry["regime"]), regime(&entry["used_specialist"]))
        );
        match trade.exit {
            Some((at, by)) => {
                assert_eq!((Some(at), Some(by)), (regime(&exit["regime"]), regime(&exit["used_specialist"])));
            }
            None => assert_eq!(exit["used_specialist"], "final"),
        }
        near(trade.entry_price, cell(entry, "price"), 1e-15, "entry price");
        near(trade.size, cell(entry, "size"), 1e-15, "size");
        near(trade.qty, cell(entry, "qty"), 1e-12, "quantity");
        near(trade.qty * trade.entry_price, cell(entry, "notional"), 1e-12, "notional");
        near(trade.cash_after_entry, cell(entry, "cash_after"), 1e-12, "cash after entry");
        near(trade.exit_price, cell(exit, "price"), 1e-15, "exit price");
        near(trade.qty * trade.exit_price, cell(exit, "notional"), 1e-12, "proceeds");
        near(trade.profit, cell(exit, "pnl"), 1e-11, "profit");
        near(trade.cash_after_exit, cell(exit, "cash_after"), 1e-12, "cash after exit");
        assert_eq!(exit["bars_held"], held(trade).to_string());
    }
}

fn held(trade: &Trade) -> usize {
    trade.exit_bar - trade.entry_bar
}

fn answered(day: &Day) -> (&'static str, f64) {
    match day.decision.answer {
        Some((Target::Long, size)) => ("1", size),
        Some((Target::Short, size)) => ("-1", size),
        Some((Target::Flat, _)) | None => ("0", 0.0),
    }
}

#[test]
fn every_golden_day_is_lived() {
    let (Some((times, history)), Some(golden)) = (bitcoin(), table("golden_equity.csv")) else { return };
    let run = run_of(&history, &PUBLISHED, FREE);
    assert_eq!(golden.len(), run.days.len());
    for (day, row) in run.days.iter().zip(&golden) {
        assert_eq!(times[day.bar], row["time"]);
        assert_eq!(Some(day.decision.regime), regime(&row["regime"]));
        assert_eq!(Some(day.decision.specialist), regime(&row["used_specialist"]));
        let (signal, size) = answered(day);
        assert_eq!(signal, row["signal"], "{}", row["time"]);
        near(size, number(&row["size"]).unwrap(), 1e-12, "size");
        near(day.decision.prediction, number(&row["prediction"]).unwrap(), 1e-12, "prediction");
        near(day.equity, number(&row["equity"]).unwrap(), 1e-12, "equity");
        near(day.qty, number(&row["qty"]).unwrap(), 1e-12, "quantity");
    }
}

fn audited() -> Option<(Audit, serde_json::Value)> {
    let ((_, history), golden) = (bitcoin()?, json("golden_ensemble.json")?);
    Some((audit(&history, &PUBLISHED).unwrap(), golden["audit"].clone()))
}

fn same_curve(ours: &CurveFigures, golden: &serde_json::Value, what: &str) {
    let figures = [
        ("total_return_pct", ours.total_return_pct),
        ("sharpe_252", ours.sharpe_252),
        ("sharpe_365", ours.sharpe_365),
        ("max_drawdown_pct", ours.max_drawdown_pct),
        ("cagr_pct", ours.cagr_pct),
    ];
    for (name, ours) in figures {
        if let Some(golden) = golden[name].as_f64() {
            near(ours, golden, 1e-6, &format!("{what} {name}"));
        }
    }
}

#[test]
fn every_cost_variant_is_reproduced() {
    let Some((audit, golden)) = audited() else { return };
    let names = [
        "fee_10bps",
        "fee_10bps_slip_5bps",
        "fee_20bps_slip_10bps",
        "next_open_no_cost",
        "next_open_fee_10bps_slip_5bps",
    ];
    assert_eq!(audit.variants.len(), names.len() + 1);
    for (ours, name) in audit.variants.iter().skip(1).zip(names) {
        let golden = &golden[name];
        same_curve(&ours.curve, golden, name);
        near(ours.final_capital, golden["final_capital"].as_f64().unwrap(), 1e-6, name);
        near(ours.total_cost, golden["total_cost"].as_f64().unwrap(), 1e-6, name);
        near(ours.win_rate_pct, golden["win_rate_pct"].as_f64().unwrap(), 1e-6, name);
        assert_eq!(golden["round_trips"], ours.round_trips);
    }
    near(audit.variants[0].final_capital, HEADLINE, 1e-12, "as published");
}

#[test]
fn the_passive_holdings_and_the_shares_of_the_audit_are_reproduced() {
    let Some((audit, golden)) = audited() else { return };
    let names = ["buy_and_hold", "constant_mix_same_mean_exposure", "constant_mix_same_volatility"];
    for (ours, name) in audit.passive.iter().zip(names) {
        same_curve(&ours.curve, &golden[name], name);
        near(ours.weight, golden[name]["weight"].as_f64().unwrap_or(1.0), 1e-9, name);
    }
    let figures = [
        ("mean_exposure", audit.mean_exposure),
        ("max_exposure", audit.max_exposure),
        ("time_in_market", audit.time_in_market),
        ("top5_trades_share_of_profit", audit.top5_trades_share_of_profit),
        ("longest_hold_days", audit.longest_hold_bars as f64),
    ];
    for (name, ours) in figures {
        near(ours, golden[name].as_f64().unwrap(), 1e-9, name);
    }
}

#[test]
fn only_the_volatile_specialist_trades_and_only_one_of_its_thresholds_matters() {
    let Some((audit, _)) = audited() else { return };
    let entries: Vec<usize> = audit.regimes.iter().map(|used| used.entries).collect();
    assert_eq!(entries, [0, 0, 65, 12], "ranging, trending, volatile, crisis");
    assert_eq!(audit.regimes[0].days_answered + audit.regimes[1].days_answered, 0);
    assert!(audit.largest_prediction < audit.regimes[0].entry_threshold);
    near(audit.largest_prediction, 0.105, 1e-3, "largest prediction");
    assert!(audit.other_genes_are_idle);
    let published = [189.0, 188.0, 197.0, 172.0, 172.0, 160.0, 85.0, 15.0];
    for (ours, published) in audit.thresholds.iter().zip(published) {
        let off = (ours.total_return_pct - published).abs();
        assert!(off <= 0.5, "at threshold {}: {}", ours.entry_threshold, ours.total_return_pct);
    }
}

#[test]
fn other_stored_genomes_give_the_golden_results() {
    let (Some((_, history)), Some(stored)) = (bitcoin(), json("genomes.json")) else { return };
    let golden = json("golden_ensemble.json").unwrap();
    let sets = [
        (
            "phase2_genomes",
            ["volatile_20251107_004635", "trending_20251108_001047", "ranging_20251108_024640"],
        ),
        ("dann_genomes", ["volatile_20251108_174554", "trending_20251108_180319", "ranging_20251109_013035"]),
    ];
    for (name, files) in sets {
        let [volatile, trending, ranging] =
            files.map(|file| genome(&stored, &format!("outputs/conductor_enhanced_{file}.json")));
        let run = run_of(&history, &Specialists { volatile, trending, ranging }, FREE);
        same_curve(&figures(&run), &golden["audit"][name], name);
        assert_eq!(golden["audit"][name]["round_trips"], run.trades.len());
    }
}

#[test]
fn the_next_open_is_the_open_of_the_bar_after() {
    let Some((_, history)) = bitcoin() else { return };
    let run = run_of(&history, &PUBLISHED, Terms { fill: Fill::NextOpen, ..FREE });
    for trade in run.trades.iter().filter(|trade| trade.exit.is_some()) {
        near(trade.entry_price, history[trade.entry_bar].open, 1e-15, "entry");
        near(trade.exit_price, history[trade.exit_bar].open, 1e-15, "exit");
    }
}

/// The original's own code on two years of other coins, from the notes on it: +7.9 % and +3.7 %.
#[test]
fn on_other_coins_the_same_rules_earn_little() {
    for (file, expected) in [("eth_1d.csv", 7.9), ("sol_1d.csv", 3.7)] {
        let Some((_, history)) = candles(file) else { return };
        let earned = figures(&run_of(&history, &PUBLISHED, FREE)).total_return_pct;
        assert!((earned - expected).abs() < 0.05, "{file}: {earned}");
    }
}
