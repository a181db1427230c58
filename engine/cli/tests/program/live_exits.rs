//! A run with real orders whose policy has exits, killed once: stops rest at the exchange and follow the price where they
//! are to, targets are sold when they are touched, no more is ever for sale than is held, and books and exchange agree.
//!
//! The short run is part of every test run. The long one:
//!
//! ```text
//! LIVE_EXITS_SECONDS=300 cargo test -p engine-cli --test program -- --ignored --nocapture live_exits
//! ```

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fake_exchange::{Purpose, Running, Side};
use serde_json::Value;

use super::live_faults::{begun, held, units};
use super::live_venue::{BINANCE, CONFIG};
use super::paper::{count, until, variable};
use super::paper_faults::set_off;
use crate::folder::Folder;

const EXITS: &str = "stop_loss = \"0.01%\"\ntake_profit = \"0.01%\"\n";

/// In at every sample at which nothing is held, and out by the stop alone.
const FOLLOWING: &str = "[strategy]\nname = \"rules\"\nsource = \"bars\"\nenter_long = \"close > 0\"\n\
                         trailing_stop = \"0.05%\"\nsize = { equity_share = \"20%\" }\n";

/// Why orders of exits were placed, and why the end of orders was asked for.
fn reasons(events: &[Value]) -> BTreeMap<String, usize> {
    let mut reasons = BTreeMap::new();
    let is_exit = |event: &&Value| {
        event["kind"] == "cancel_requested"
            || (event["kind"] == "order_submitted" && !event["event"]["parent"].is_null())
    };
    for event in events.iter().filter(is_exit) {
        *reasons.entry(event["event"]["because"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    reasons
}

fn events(folder: &Folder) -> Vec<Value> {
    folder.text("export P --format jsonl --out events.jsonl");
    let text = std::fs::read_to_string(folder.path("events.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Ends the run once its books and the venue's statement say the same.
fn settled(folder: &Folder) -> Value {
    let waited = Instant::now();
    loop {
        let answer = folder.answer("live live.toml --run P --for 6s");
        let balances = folder.json("balances P", 0);
        if balances["standing"] == "agrees" {
            return answer;
        }
        assert!(waited.elapsed() < Duration::from_secs(90), "{balances}");
    }
}

/// What the run leaves at work is one stop for what it holds, no more.
fn judge_what_is_left(exchange: &Running) {
    let orders = exchange.truth().orders().unwrap();
    let sells = orders.iter().filter(|order| order.terms.side == Side::Sell && order.status.is_open());
    let stops: Vec<_> = sells.collect();
    assert!(stops.len() <= 1, "{stops:?}");
    let is_stop = |order: &&fake_exchange::Order| {
        order.terms.trigger.is_some_and(|trigger| trigger.purpose == Purpose::StopLoss)
    };
    assert!(stops.iter().all(is_stop), "{stops:?}");
}

fn lives(seconds: u64, config: &str, wanted: [&str; 2]) {
    let exchange = BINANCE.exchange_with(&[("USDT", "10000")]);
    let folder = BINANCE.ground_with(&exchange, config);
    let started = Instant::now();
    for life in 1..=2 {
        let mut child = begun(&folder);
        until(&folder, |status| status["pid"] == child.id() && count(status, "ticks") > 0);
        while started.elapsed() < Duration::from_secs(seconds * life / 2) {
            std::thread::sleep(Duration::from_millis(300));
            set_off(&exchange, r#"{"verb":"partial","n":2}"#);
            assert_eq!(child.try_wait().unwrap(), None);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let answer = settled(&folder);
    judge_what_is_left(&exchange);
    let checked = folder.answer("replay P --check");
    assert_eq!((&checked["same"], &checked["head"]), (&true.into(), &answer["head"]), "{checked}");
    let balances = folder.answer("balances P");
    let rows = balances["balances"].as_array().unwrap();
    let ours = rows.iter().map(|row| (row["asset"].as_str().unwrap(), row["amount"].as_str().unwrap()));
    let ours: BTreeMap<String, i128> = ours.map(|(asset, text)| (asset.to_owned(), units(text))).collect();
    assert_eq!(ours, held(&exchange), "every asset to the last unit");
    let events = events(&folder);
    let refused = |event: &&Value| event["kind"] == "execution" && event["event"]["reason"] == "no_balance";
    assert_eq!(events.iter().find(refused), None, "no more is sent than is held");
    let reasons = reasons(&events);
    println!("{} events, exits: {reasons:?}", events.len());
    assert!(wanted.iter().all(|reason| reasons.contains_key(*reason)), "{reasons:?}");
    exchange.stop().unwrap();
}

fn with_exits(seconds: u64) {
    lives(seconds, &format!("{CONFIG}{EXITS}"), ["stop loss", "its take-profit is touched"]);
}

fn following(seconds: u64) {
    let (before, _) = CONFIG.split_once("[strategy]").unwrap();
    lives(seconds, &format!("{before}{FOLLOWING}"), ["trailing stop", "its stop follows the price"]);
}

#[test]
fn a_policy_with_exits_trades_on_the_exchange_and_is_killed() {
    with_exits(16);
}

#[test]
fn a_policy_with_stops_that_follow_trades_on_the_exchange_and_is_killed() {
    following(30);
}

#[test]
#[ignore = "takes minutes"]
fn minutes_of_exits() {
    let seconds = variable("LIVE_EXITS_SECONDS", 300);
    with_exits(seconds);
    following(seconds);
}
