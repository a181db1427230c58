//! A run with real orders on an exchange whose delays, slippage and fees are known: `calibrate` finds them, a backtest takes
//! what it writes, and `parity` says what made the run's money another than its backtest's.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use fake_exchange::{AccountSettings, ApiKey, Dialect, FakeExchange, Permission, Running, Secret, Settings};
use serde_json::Value;

use super::paper_faults::set_off;
use crate::folder::Folder;

const CONFIG: &str = r#"
[run]
capital = "10000"
[[data]]
venue = "binance"
symbol = "BTCUSDT"
kind = "trades"
[bars]
rule = "ticks"
count = 12
[costs]
taker_fee = "0.1%"
[risk]
account = "cash"
orders_per_minute_max = 100000
[live]
ws_url = "ws://ADDRESS"
rest_url = "http://ADDRESS"
orders_url = "ws://ADDRESS"
credentials = "key.toml"
clock = "venue"
[strategy]
name = "ema-cross"
fast = 1
slow = 2
direction = "long-only"
size = { equity_share = "20%" }
"#;

/// Milliseconds: requests for orders are held back for the first, everything told is on its way for the second.
const ENTRY_MS: f64 = 60.0;
const TOLD_MS: f64 = 40.0;

/// What a machine that is busy with other tests may add to each.
const OVERHEAD_MS: f64 = 100.0;

fn exchange() -> Running {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    settings.ping_every = Duration::from_secs(2);
    settings.rate = 40;
    let permissions = vec![Permission::Read, Permission::Trade];
    let key = ApiKey { name: "test".into(), secret: Secret::Hmac("secret".into()), permissions };
    let account = AccountSettings::new(key, &[("USDT", "10000"), ("BTC", "0.5")]);
    settings.account = Some(AccountSettings {
        orders_per_10s: 10_000,
        weight_per_minute: 1_000_000,
        taker_fee: "0.00075".to_owned(),
        taker_slippage: "0.0005".to_owned(),
        ..account
    });
    FakeExchange::start(settings).unwrap()
}

fn figure<'a>(calibration: &'a Value, name: &str) -> &'a Value {
    let figures = calibration["figures"].as_array().unwrap();
    figures.iter().find(|figure| figure["name"] == name).unwrap()
}

fn interval(calibration: &Value, name: &str) -> [f64; 3] {
    let figure = figure(calibration, name);
    ["low", "value", "high"].map(|key| figure[key].as_f64().unwrap_or_else(|| panic!("{figure}")))
}

fn check_calibration(folder: &Folder) {
    let calibration = folder.answer("calibrate L --out fitted.toml");
    println!("{}", folder.text("calibrate L"));
    // What the machine adds to a delay is part of the latency, and is not known; it is never less than the delay.
    for (name, known) in [("sent_to_venue", ENTRY_MS), ("response", TOLD_MS), ("feed", TOLD_MS)] {
        let [low, value, high] = interval(&calibration, name).map(|nanos| nanos / 1e6);
        assert!(
            high >= known && value <= known + OVERHEAD_MS && low <= known + OVERHEAD_MS,
            "{name}: {low} {value} {high}"
        );
    }
    for (name, known) in [("slippage", 0.0005), ("taker_fee", 0.00075)] {
        let [low, _, high] = interval(&calibration, name);
        assert!((low..=high).contains(&known), "{name}: {low} to {high}, in truth {known}");
        assert!(high - low < known / 10.0, "{name}: {low} to {high}");
    }
    let maker = figure(&calibration, "maker_fee");
    assert!(
        maker["value"].is_null() && maker["why_not"].as_str().unwrap().contains("20 are needed"),
        "{maker}"
    );
    let refused = folder.refusal("calibrate L --out fitted.toml");
    assert!(refused.contains("stays as it is"), "{refused}");
}

/// The sections that were written are ones that a configuration takes.
fn check_backtest(folder: &Folder) {
    let fitted = std::fs::read_to_string(folder.path("fitted.toml")).unwrap();
    assert!(fitted.contains("slippage = \"0.000") && fitted.contains("# Left out: maker_fee: "), "{fitted}");
    folder.text("synth --dataset data --seed 7 --bars 50 --interval 1h");
    folder.write(
        "buy.toml",
        &format!("[run]\ncapital = \"1000\"\n[strategy]\nname = \"buy-and-hold\"\n{fitted}"),
    );
    folder.text("backtest buy.toml --dataset data --run B");
    let refused = folder.refusal("calibrate B");
    assert!(refused.contains("it is a backtest"), "{refused}");
}

fn check_parity(folder: &Folder) {
    let parity = folder.json("parity L", 1);
    assert_eq!(parity["unexplained"], "0", "{parity}");
    assert!(parity["orders"].as_u64().unwrap() >= 20, "{parity}");
    let money = |cause: &str| parity["causes"][cause]["money"].as_str().unwrap().parse::<f64>().unwrap();
    // Each order of about 2 000 pays a basis point of five that the backtest does not know of.
    assert!(money("slippage") < -5.0, "{}", parity["causes"]);
    // It is charged less than the 0.1 % of the configuration.
    assert!(money("fee") > 1.0, "{}", parity["causes"]);
    let sum: f64 = parity["causes"].as_object().unwrap().keys().map(|cause| money(cause)).sum();
    let difference: f64 = parity["difference"].as_str().unwrap().parse().unwrap();
    assert!((sum - difference).abs() < 1e-6, "{sum} {difference}");
    let text = folder.text_ending("parity L", 1);
    println!("{}", text.lines().take(12).collect::<Vec<_>>().join("\n"));
    assert!(text.contains("in real trading") && text.contains("slippage"), "{text}");
}

#[test]
fn known_delays_slippage_and_fees_are_found_in_a_run_with_real_orders() {
    let exchange = exchange();
    let folder = Folder::new();
    folder.write("live.toml", &CONFIG.replace("ADDRESS", &exchange.address().to_string()));
    folder.write("key.toml", "api_key = \"test\"\nsecret = \"secret\"\n");
    std::fs::set_permissions(folder.path("key.toml"), std::fs::Permissions::from_mode(0o600)).unwrap();
    set_off(&exchange, &format!(r#"{{"verb":"delay","ms":{TOLD_MS}}}"#));
    set_off(&exchange, &format!(r#"{{"verb":"request_delay","ms":{ENTRY_MS},"n":100000}}"#));
    folder.answer("live live.toml --run L --for 30s");
    for _ in 0..3 {
        if folder.json("parity L", 1)["orders"].as_u64().unwrap() >= 24 {
            break;
        }
        // A machine that is busy with other tests trades less.
        folder.answer("live live.toml --run L --for 15s");
    }
    check_calibration(&folder);
    check_backtest(&folder);
    check_parity(&folder);
    exchange.stop().unwrap();
}
