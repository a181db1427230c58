//! Books and venue that differ: trading waits for a person, who accepts what the venue says, and for nothing else.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::live_faults::begun;
use super::live_venue::BINANCE;
use super::paper::{count, until};
use super::paper_faults::set_off;
use crate::folder::Folder;

fn told(folder: &Folder) -> Value {
    serde_json::from_slice(&folder.run("reconcile P --json").stdout).unwrap()
}

/// Waits until books and venue stand so.
fn stands(folder: &Folder, standing: &str) -> Value {
    let waited = Instant::now();
    loop {
        let now = told(folder);
        if now["standing"] == standing {
            return now;
        }
        assert!(waited.elapsed() < Duration::from_secs(60), "{now}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn what_came_while_nobody_listened_is_a_difference_until_a_person_accepts_it() {
    let exchange = BINANCE.exchange();
    let folder = BINANCE.ground(&exchange);
    let mut child = begun(&folder);
    until(&folder, |status| status["pid"] == child.id() && count(status, "ticks") > 0);
    stands(&folder, "agrees");
    let refused = folder.refusal("reconcile P --accept nothing --by owner");
    assert!(refused.contains("there is nothing to accept"), "{refused}");
    child.kill().unwrap();
    child.wait().unwrap();
    set_off(&exchange, r#"{"verb":"balance_drift","asset":"USDT","amount":"250.5"}"#);
    let mut child = begun(&folder);
    let differs = stands(&folder, "differs");
    assert_eq!(differs["differences"][0]["asset"], "USDT", "{differs}");
    let found = folder.run("reconcile P");
    let said = String::from_utf8_lossy(&found.stderr).into_owned();
    assert_eq!(found.status.code(), Some(1), "a difference is a finding: {said}");
    let accepted = folder.answer("reconcile P --accept deposit --by owner");
    assert_eq!(accepted["accepted_by"], "owner");
    stands(&folder, "agrees");
    child.kill().unwrap();
    child.wait().unwrap();
    let refused = folder.refusal("reconcile P --accept again --by owner");
    assert!(refused.contains("there is nothing to accept"), "{refused}");
    let shown = folder.text("show P --kind account_accepted");
    assert!(shown.contains("owner accepts what the venue says (deposit): USDT"), "{shown}");
    folder.answer("live live.toml --run P --for 3s");
    let checked = folder.answer("replay P --check");
    assert_eq!(checked["same"], true, "{checked}");
    exchange.stop().unwrap();
}

#[test]
fn an_order_by_hand_is_on_record_and_what_it_may_spend_is_not_spent_by_the_run() {
    let exchange = BINANCE.exchange();
    let folder = BINANCE.ground(&exchange);
    let mut child = begun(&folder);
    until(&folder, |status| status["pid"] == child.id() && count(status, "ticks") > 0);
    stands(&folder, "agrees");
    set_off(
        &exchange,
        r#"{"verb":"phantom_order","symbol":"BTCUSDT","side":"BUY","quantity":"0.02000","price":"1000.00"}"#,
    );
    std::thread::sleep(Duration::from_secs(4));
    child.kill().unwrap();
    child.wait().unwrap();
    let orders = folder.answer("orders P");
    let foreign = &orders["foreign_orders"][0];
    assert_eq!((&foreign["side"], &foreign["left"]), (&"buy".into(), &"0.02".into()), "{orders}");
    assert!(folder.text("orders P").contains("not of this run"));
    let shown = folder.text("show P --kind foreign_orders");
    assert!(shown.contains("buys 0.02 at 1000"), "{shown}");
    folder.answer("live live.toml --run P --for 3s");
    let checked = folder.answer("replay P --check");
    assert_eq!(checked["same"], true, "{checked}");
    exchange.stop().unwrap();
}
