//! What `engine live` refuses before anything is sent, each with its reason.

#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;

use crate::folder::Folder;

const CONFIG: &str = r#"
[run]
capital = "1000"
[[data]]
venue = "binance"
symbol = "BTCUSDT"
kind = "trades"
[risk]
account = "cash"
[live]
ws_url = "ws://127.0.0.1:1"
rest_url = "http://127.0.0.1:1"
orders_url = "ws://127.0.0.1:1/ws-api/v3"
credentials = "key.toml"
[strategy]
name = "buy-and-hold"
"#;

fn ground(mode: u32) -> Folder {
    let folder = Folder::new();
    folder.write("live.toml", CONFIG);
    folder.write("key.toml", "api_key = \"name\"\nsecret = \"*hidden*\"\n");
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(folder.path("key.toml"), permissions).unwrap();
    folder
}

#[test]
fn settings_that_no_real_venue_serves_are_refused_with_the_reason() {
    let folder = ground(0o600);
    let cases = [
        ("live.orders_url=wss://ws-api.binance.com/ws-api/v3", "--i-accept-no-kill-switch"),
        ("live.rest_url=https://api.binance.com", "--i-accept-no-kill-switch"),
        ("live.ws_url=ws://127.0.0.1.example.com", "--i-accept-no-kill-switch"),
        ("risk.account=margin", "spot"),
        ("run.mode=paper", "run.mode"),
        ("live.credentials=nowhere.toml", "nowhere.toml"),
        ("live.secret=x", "live.secret"),
    ];
    for (setting, reason) in cases {
        let refused = folder.refusal(&format!("live live.toml --run L --set {setting}"));
        assert!(refused.contains(reason), "{setting}: {refused}");
        assert!(!folder.path("L").exists(), "{setting}");
    }
    // On paper the same settings are no concern: there is no venue at the other end.
    let refused = folder.refusal("paper live.toml --run P");
    assert!(refused.contains("127.0.0.1:1") && !refused.contains("kill-switch"), "{refused}");
}

#[test]
fn a_key_that_others_can_read_is_refused_and_nothing_of_a_key_is_said() {
    for mode in [0o640, 0o604, 0o644] {
        let refused = ground(mode).refusal("live live.toml --run L --dry-run");
        assert!(refused.contains("others can read it") && !refused.contains("hidden"), "{refused}");
    }
}

#[test]
fn a_run_without_a_real_account_has_no_balances_and_no_orders() {
    let folder = Folder::new();
    folder.text("synth --dataset data --seed 7 --bars 50 --interval 1h");
    let config = "[run]\ncapital = \"1000\"\n[strategy]\nname = \"buy-and-hold\"\n";
    folder.write("buy.toml", config);
    folder.text("backtest buy.toml --dataset data --run R");
    for command in ["balances", "orders"] {
        let refused = folder.refusal(&format!("{command} R"));
        assert!(refused.contains("no account at a real venue"), "{refused}");
    }
}
