//! External truth, to the last digit: published and generated results of other engines on the same data.
//!
//! Each test goes the whole way of a user: import the file, read a configuration, play, compare.

use engine_core::market::Side;
use engine_core::num::{Decimal, MONEY_DECIMALS, Money};
use replay_history::import::{Format, ImportRequest};
use replay_statistics::{RoundTrip, money_f64};
use system_tests::{Played, import_file, play, project_file, shared};

fn decimal(amount: Money) -> String {
    Decimal { units: amount.units(), decimals: MONEY_DECIMALS }.to_string()
}

fn near(ours: f64, theirs: f64) {
    let scale = theirs.abs().max(1e-12);
    assert!((ours - theirs).abs() / scale < 1e-9, "{ours} is not {theirs}");
}

fn config(name: &str) -> String {
    std::fs::read_to_string(project_file("fixtures/config").join(name)).unwrap()
}

#[test]
fn ema_cross_on_btc_perp_has_902_orders_and_their_cash_to_the_last_digit() {
    let Some(file) = shared("data/market/oracle/nautilus_btc-perp-20211231-20220201_1m.csv.zst") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let imported = import_file(dir.path(), "BTC-PERP", &file, |_| {});
    assert_eq!(imported.rows, 45_031);
    let played = play(&config("ema-cross-btcperp.toml"), &[dir.path()]);
    assert_eq!(played.counts.records_read, 10_000);
    assert_eq!(played.counts.orders, 902);
    assert_eq!(decimal(played.core.state().ledger().cash()), "9999954.943133");
    assert_eq!(decimal(played.core.state().ledger().fees()), "41.115867");
    assert!(played.core.state().ledger().positions()[0].qty.is_zero());
}

#[test]
fn sma_cross_on_goog_has_the_published_trades_equity_drawdown_and_win_rate() {
    let Some(file) = shared("data/market/oracle/backtestingpy_GOOG.csv") else { return };
    let dir = tempfile::tempdir().unwrap();
    let imported = import_file(dir.path(), "GOOG", &file, |_| {});
    assert_eq!(imported.rows, 2_148);
    let played = play(&config("sma-cross-goog.toml"), &[dir.path()]);
    assert_eq!(played.trades.len(), 66);
    near(money_f64(played.core.state().equity()), 51_422.989_999_999_96);
    near(played.max_drawdown * 100.0, -47.980_127_050_075_89);
    let rules = &played.config.instruments[0];
    let won = played.trades.iter().filter(|trade| trade.profit(rules).is_positive()).count();
    near(won as f64 / 66.0 * 100.0, 46.969_696_969_696_97);
}

#[test]
fn sma_cross_with_a_millionth_of_a_coin_has_42_trades_and_their_equity() {
    let Some(file) = shared("data/market/oracle/backtestingpy_BTCUSD.csv") else { return };
    let dir = tempfile::tempdir().unwrap();
    // Monthly bars have no fixed length; the data is from 2015 on as in the reference.
    let text = std::fs::read_to_string(file).unwrap();
    let rows = text.lines().enumerate().filter(|(number, line)| *number == 0 || *line >= "2015");
    let cut = dir.path().join("BTCUSD.csv");
    std::fs::write(&cut, rows.map(|(_, line)| format!("{line}\n")).collect::<String>()).unwrap();
    let daily = |request: &mut ImportRequest| {
        request.format = Format::BacktestingPy;
        request.interval = Some("1d".parse().unwrap());
    };
    let data = dir.path().join("data");
    let _ = import_file(&data, "BTCUSD", &cut, daily);
    let played = play(
        r#"
        [run]
        capital = "100"
        fill = "next-open"
        end = "flatten-at-last-open"
        max_wait = 31   # monthly bars, called daily because months differ in length
        [instrument.BTCUSD]
        lot = "0.000001"
        [risk]
        drawdown_max = 1
        [strategy]
        name = "sma-cross"
        fast = 2
        slow = 3
        direction = "long-short"
        size = { equity_share = 1 }
        "#,
        &[&data],
    );
    assert_eq!(played.trades.len(), 42);
    assert_eq!(
        played.config.instruments[0].price_decimal(played.trades[0].entry_price).to_string(),
        "236.69"
    );
    near(money_f64(played.core.state().equity()), 2_577.449_817_699_998_7);
}

/// One row of a trade list of the reference engine.
struct Row {
    size: f64,
    entry_bar: usize,
    exit_bar: usize,
    entry_price: f64,
    exit_price: f64,
    profit: f64,
    commission: f64,
    return_share: f64,
}

fn rows(name: &str) -> Vec<Row> {
    let path = shared("data/market/oracle").unwrap().join(format!("{name}.trades.csv"));
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let field: Vec<&str> = line.split(',').collect();
        let number = |index: usize| field[index].parse::<f64>().unwrap();
        Row {
            size: number(0),
            entry_bar: field[1].parse().unwrap(),
            exit_bar: field[2].parse().unwrap(),
            entry_price: number(3),
            exit_price: number(4),
            profit: number(7),
            commission: number(8),
            return_share: number(9),
        }
    };
    text.lines().skip(1).map(row).collect()
}

/// Opening times of the bars of a file, in nanoseconds.
fn openings(file: &std::path::Path) -> Vec<i64> {
    let bytes = std::fs::read(file).unwrap();
    let text = zstd::decode_all(bytes.as_slice()).unwrap();
    let text = String::from_utf8(text).unwrap();
    let first = |line: &str| line.split(',').next().unwrap().parse::<i64>().unwrap() * 1_000_000;
    text.lines().skip(1).map(first).collect()
}

/// The bar a fill belongs to: the one that opens at its moment, or the one its moment lies inside.
fn bar_of(openings: &[i64], at: i64) -> usize {
    openings.partition_point(|open| *open <= at) - 1
}

fn compare(played: &Played, expected: &[Row], openings: &[i64], final_equity: f64) {
    assert_eq!(played.trades.len(), expected.len());
    let rules = &played.config.instruments[0];
    // The reference lists trades by exit; ours are booked in the same order.
    for (index, (ours, theirs)) in played.trades.iter().zip(expected).enumerate() {
        let sign = if ours.side == Side::Buy { 1.0 } else { -1.0 };
        let what = |name: &str| format!("trade {index}: {name}");
        near(rules.qty_decimal(ours.qty).to_f64() * sign, theirs.size);
        assert_eq!(bar_of(openings, ours.entry_at.nanos()), theirs.entry_bar, "{}", what("entry bar"));
        assert_eq!(last_bar(openings, ours), theirs.exit_bar, "{}", what("exit bar"));
        near(rules.price_f64(ours.entry_price), theirs.entry_price);
        near(rules.price_f64(ours.exit_price), theirs.exit_price);
        near(money_f64(ours.fees), theirs.commission);
        assert!((money_f64(ours.profit(rules)) - theirs.profit).abs() < 1e-6, "{}", what("profit"));
        assert!((ours.return_share(rules) - theirs.return_share).abs() < 1e-9, "{}", what("return"));
    }
    near(money_f64(played.core.state().equity()), final_equity);
}

/// The close made at the end of data has the moment of the last bar's end.
fn last_bar(openings: &[i64], trade: &RoundTrip) -> usize {
    bar_of(openings, trade.exit_at.nanos()).min(openings.len() - 1)
}

fn reference(name: &str, bars: &str, strategy: &str) {
    let Some(file) = shared(&format!("data/market/bars/{bars}")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let imported = import_file(dir.path(), "REF", &file, |_| {});
    let openings = openings(&file);
    assert_eq!(imported.rows as usize, openings.len());
    let toml = format!(
        r#"
        [run]
        capital = "1000000"
        fill = "next-open"
        end = "flatten-at-last-open"
        [costs]
        maker_fee = "0.1%"
        taker_fee = "0.1%"
        [venue]
        limit_fill = "touch"
        limit_at_open = "open"
        [risk]
        drawdown_max = 1
        [strategy]
        {strategy}
        "#
    );
    let json = shared("data/market/oracle").unwrap().join(format!("{name}.json"));
    let json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let played = play(&toml, &[dir.path()]);
    compare(&played, &rows(name), &openings, json["stats"]["Equity Final [$]"].as_f64().unwrap());
}

const CROSS: &str = r#"
    name = "sma-cross"
    fast = 10
    slow = 30
    direction = "long-short"
    size = { units = "1" }
"#;

#[test]
fn every_trade_of_sma_cross_on_daily_bitcoin_equals_the_reference() {
    reference("bt_smacross_unit_BTCUSDT_1d", "binance_spot_BTCUSDT_1d_to_2024.csv.zst", CROSS);
}

#[test]
fn every_trade_of_sma_cross_on_hourly_bitcoin_equals_the_reference() {
    reference("bt_smacross_unit_BTCUSDT_1h", "binance_spot_BTCUSDT_1h_2022_2024.csv.zst", CROSS);
}

#[test]
fn every_trade_of_sma_cross_with_stop_and_target_equals_the_reference() {
    let strategy = format!("{CROSS}\nstop_loss = \"2%\"\ntake_profit = \"4%\"");
    reference("bt_smacross_bracket_ETHUSDT_1h", "binance_spot_ETHUSDT_1h_2022_2024.csv.zst", &strategy);
}

#[test]
fn every_trade_of_limit_dip_equals_the_reference() {
    let strategy = r#"
        name = "limit-dip"
        offset = "1%"
        hold = 24
        size = { units = "1" }
    "#;
    reference("bt_limitdip_BTCUSDT_1h", "binance_spot_BTCUSDT_1h_2022_2024.csv.zst", strategy);
}
