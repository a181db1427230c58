//! The published run inside the real engine: imported, traded through the core, booked by the ledger.

use std::path::Path;

use engine_core::market::Side;
use replay_history::import::VolumeUnit;
use replay_statistics::money_f64;
use system_tests::{Played, import_file, play, project_file, shared};

use super::{near, number, table};

const HEADLINE: f64 = 28_936.105_484_585_027;

fn preset() -> String {
    std::fs::read_to_string(project_file("fixtures/config/seed-3d.toml")).unwrap()
}

fn imported(dir: &Path, file: &Path) {
    let imported = import_file(dir, "BTCUSD", file, |request| {
        (request.price_decimals, request.qty_decimals) = (Some(8), Some(10));
        request.volume_unit = VolumeUnit::Quote;
    });
    assert_eq!(imported.rows, 4056);
}

fn played(toml: &str) -> Option<Played> {
    let file = shared("data/seed/btc_1d.csv")?;
    let dir = tempfile::tempdir().unwrap();
    imported(dir.path(), &file);
    Some(play(toml, &[dir.path()]))
}

#[test]
fn the_engines_own_books_reach_the_headline() {
    let Some(played) = played(&preset()) else { return };
    let state = played.core.state();
    let final_capital = money_f64(state.ledger().cash());
    println!("final capital {final_capital:.9}, relative {:+.3e}", final_capital / HEADLINE - 1.0);
    near(final_capital, HEADLINE, 1e-8, "final capital");
    assert!(state.ledger().positions()[0].qty.is_zero() && state.ledger().fees().is_zero());
    assert_eq!(played.trades.len(), 77);
    assert_eq!((played.counts.orders, played.counts.refusals.len()), (154, 0));
    near(played.max_drawdown * 100.0, -11.006_039_028_497_598, 1e-8, "drawdown");
}

#[test]
fn every_golden_trade_is_a_round_trip_of_the_engine() {
    let (Some(played), Some(golden)) = (played(&preset()), table("golden_trades.csv")) else { return };
    let rules = &played.config.instruments[0];
    for (trade, rows) in played.trades.iter().zip(golden.chunks(2)) {
        let cell = |row: usize, name: &str| number(&rows[row][name]).unwrap();
        assert_eq!(trade.side, Side::Buy);
        // Fills are at closes, a day after the opening times of the golden rows.
        let day = |nanos: i64| nanos / 86_400_000_000_000 - 1;
        let golden_day = |row: usize| {
            let moment = engine_application::moment::parse_moment(&rows[row]["time"]).unwrap();
            moment.nanos() / 86_400_000_000_000
        };
        assert_eq!(
            (day(trade.entry_at.nanos()), day(trade.exit_at.nanos())),
            (golden_day(0), golden_day(1)),
            "{}",
            rows[0]["time"]
        );
        near(rules.price_f64(trade.entry_price), cell(0, "price"), 1e-8, "entry price");
        near(rules.price_f64(trade.exit_price), cell(1, "price"), 1e-8, "exit price");
        near(rules.qty_decimal(trade.qty).to_f64(), cell(0, "qty"), 1e-8, "quantity");
        near(money_f64(trade.profit(rules)), cell(1, "pnl"), 1e-7, "profit");
    }
}

#[test]
fn a_fee_in_the_engine_gives_the_golden_result_with_a_fee() {
    let with_fee = preset().replace("[risk]", "[costs]\ntaker_fee = \"0.1%\"\n[risk]");
    let (Some(played), Some(golden)) = (played(&with_fee), super::json("golden_ensemble.json")) else {
        return;
    };
    let golden = &golden["audit"]["fee_10bps"];
    let ledger = played.core.state().ledger();
    near(money_f64(ledger.cash()), golden["final_capital"].as_f64().unwrap(), 1e-8, "final capital");
    near(money_f64(ledger.fees()), golden["total_cost"].as_f64().unwrap(), 1e-6, "fees");
}

#[test]
fn the_next_open_in_the_engine_gives_the_golden_result_at_the_next_open() {
    let honest = preset().replace("\"same-close\"", "\"next-open\"");
    let (Some(played), Some(golden)) = (played(&honest), super::json("golden_ensemble.json")) else { return };
    let golden = &golden["audit"]["next_open_no_cost"];
    near(
        money_f64(played.core.state().ledger().cash()),
        golden["final_capital"].as_f64().unwrap(),
        1e-8,
        "final capital",
    );
}

#[test]
fn a_gap_closes_the_position_and_starts_the_detector_anew() {
    let Some(file) = shared("data/seed/btc_1d.csv") else { return };
    let dir = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    // In the middle of the second round trip, 2015-02-04 to 2015-02-05, and of the last, which is held for years.
    let rows = text.lines().filter(|line| !line.starts_with("2023-05-0"));
    let cut = dir.path().join("cut.csv");
    std::fs::write(&cut, rows.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let data = dir.path().join("data");
    let _ = import_file(&data, "BTCUSD", &cut, |request| {
        (request.price_decimals, request.qty_decimals) = (Some(8), Some(10));
        request.volume_unit = VolumeUnit::Quote;
    });
    let played = play(&preset(), &[&data]);
    let last = played.trades.last().unwrap();
    let closed = engine_application::moment::moment_text(last.exit_at);
    assert_eq!(closed, "2023-05-11T00:00:00Z", "the first close after the gap");
    assert_eq!(played.trades.len(), 77);
}
