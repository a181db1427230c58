//! Faults about orders and kills at random moments of a run with real orders: books and exchange agree to the last unit, no
//! order stands twice, and the record plays again.
//!
//! The short run is part of every test run. The long one:
//!
//! ```text
//! LIVE_FAULTS_SEED=7 LIVE_FAULTS_SECONDS=600 cargo test -p engine-cli --test program -- --ignored --nocapture live_faults
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fake_exchange::{Entry, Record, Running};
use serde_json::Value;

use super::live_venue::{BINANCE, COINBASE, KRAKEN, LiveVenue};
use super::paper::{Random, count, until, variable};
use super::paper_faults::set_off;
use crate::folder::Folder;

/// What goes wrong with orders, with the account's stream, and with connections.
const FAULTS: [&str; 20] = [
    r#"{"verb":"ack_lost"}"#,
    r#"{"verb":"request_lost"}"#,
    r#"{"verb":"ack_delay","ms":1200,"on":"any"}"#,
    r#"{"verb":"request_delay","ms":900}"#,
    r#"{"verb":"fill_before_ack"}"#,
    r#"{"verb":"partial","n":3}"#,
    r#"{"verb":"outcome_unknown","done":true}"#,
    r#"{"verb":"outcome_unknown","done":false}"#,
    r#"{"verb":"reject","code":-2010}"#,
    r#"{"verb":"order_ban","secs":2}"#,
    r#"{"verb":"phantom_order","symbol":"MARKET","side":"BUY","quantity":"0.00100"}"#,
    r#"{"verb":"late_fill_after_cancel"}"#,
    r#"{"verb":"stp_expire"}"#,
    r#"{"verb":"foreign_usage","weight":100000}"#,
    r#"{"verb":"balance_drift","asset":"QUOTE","amount":"1.25"}"#,
    r#"{"verb":"drop_conn","how":"reset"}"#,
    r#"{"verb":"drop_conn","how":"no_close"}"#,
    r#"{"verb":"gap","stream":"STREAM","k":2}"#,
    r#"{"verb":"duplicate","p":0.3}"#,
    r#"{"verb":"duplicate","p":0}"#,
];

pub(crate) fn begun(folder: &Folder) -> Child {
    let mut command = folder.command("live live.toml --run P --json");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A person accepts what came to the account while nobody listened, once books and venue stand still. A venue that tells of it
/// leaves nothing to accept.
fn accepted(folder: &Folder) {
    let mut child = begun(folder);
    let waited = Instant::now();
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let out = folder.run("reconcile P --json");
        let told: Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
        match told["standing"].as_str() {
            Some("agrees") => break,
            // It is another difference by now, or none: looked at again.
            Some("differs") => drop(folder.run("reconcile P --accept drift --by test --json")),
            Some(_) | None => {}
        }
        assert!(waited.elapsed() < Duration::from_secs(150), "{told}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Ends the run once its books and the venue's statement say the same with nothing in doubt.
fn settled(folder: &Folder, seconds: u64) -> Value {
    let waited = Instant::now();
    loop {
        let answer = folder.answer(&format!("live live.toml --run P --for {seconds}s"));
        let out = folder.run("balances P --json");
        let balances: Value = serde_json::from_slice(&out.stdout).unwrap();
        if balances["standing"] == "agrees" || waited.elapsed() > Duration::from_secs(150) {
            assert_eq!(balances["standing"], "agrees", "{balances}");
            return answer;
        }
    }
}

/// What the exchange holds for the account, by asset, in its own decimals.
pub(crate) fn held(exchange: &Running) -> BTreeMap<String, i128> {
    let balances = exchange.truth().balances().unwrap();
    balances.iter().map(|(asset, held)| (asset.to_string(), (held.free + held.locked).units())).collect()
}

/// How many requests were asked in a ban, later than a quarter of a second behind the word of it: what was on its way when it
/// began was asked before.
fn asked_in_bans(exchange: &Running) -> usize {
    let (mut count, mut told_ms) = (0, 0);
    let judge = |record: Record| {
        if let Entry::OrderRequest(request) = record.entry {
            let at_ms = record.venue_ns / 1_000_000;
            count += usize::from(request.banned && at_ms - told_ms >= 250);
            if !request.banned && request.status == 429 {
                told_ms = at_ms;
            }
        }
    };
    exchange.truth().for_each(judge).unwrap();
    count
}

/// `0.5` as units of 10⁻⁸; what is finer is none.
pub(crate) fn units(text: &str) -> i128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(part.len() <= 8, "{text}");
    format!("{whole}{part:0<8}").parse().unwrap()
}

/// Faults for so many seconds with so many kills in them; then quiet, each time for so many seconds, until books and venue agree.
/// There must be so many orders for it to say something.
fn lives_through(at: &LiveVenue, (seconds, kills): (u64, u64), (quiet, orders_min): (u64, usize)) {
    let seed = variable("LIVE_FAULTS_SEED", 20_261_130).max(1);
    println!("LIVE_FAULTS_SEED={seed}");
    let mut random = Random(seed);
    let exchange = at.exchange();
    let folder = at.ground(&exchange);
    let started = Instant::now();
    for life in 1..=kills {
        let mut child = begun(&folder);
        until(&folder, |status| status["pid"] == child.id() && count(status, "ticks") > 0);
        while started.elapsed() < Duration::from_secs(seconds * life / kills) {
            let fault = FAULTS[usize::try_from(random.below(FAULTS.len() as u64)).unwrap()];
            set_off(&exchange, &at.written(fault));
            std::thread::sleep(Duration::from_millis(200 + random.below(1_500)));
            // What came to the account while nobody listened closes the gate until a person accepts it.
            drop(folder.run("reconcile P --accept drift --by test --json"));
            assert_eq!(child.try_wait().unwrap(), None, "no fault ends a run");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    set_off(&exchange, r#"{"verb":"duplicate","p":0}"#);
    accepted(&folder);
    let answer = settled(&folder, quiet);
    let verified = folder.answer("verify P");
    assert_eq!(verified["sound"], true, "{verified}");
    let checked = folder.answer("replay P --check");
    assert_eq!((&checked["same"], &checked["head"]), (&true.into(), &answer["head"]), "{checked}");
    let balances = folder.answer("balances P");
    let rows = balances["balances"].as_array().unwrap();
    let ours = rows.iter().map(|row| (row["asset"].as_str().unwrap(), row["amount"].as_str().unwrap()));
    let ours: BTreeMap<String, i128> = ours.map(|(asset, text)| (asset.to_owned(), units(text))).collect();
    assert_eq!(ours, held(&exchange), "every asset to the last unit");
    let mut ids = BTreeSet::new();
    let orders = exchange.truth().orders().unwrap();
    for order in orders.iter().filter(|order| !order.by_hand) {
        assert!(ids.insert(order.client_id.clone()), "{order:?} stands twice");
    }
    assert_eq!(asked_in_bans(&exchange), 0, "nothing is asked while the venue wants a pause");
    assert!(ids.len() >= orders_min, "{} orders", ids.len());
    println!(
        "{} events, {} orders, {} by hand, killed {kills} times",
        answer["events"],
        ids.len(),
        orders.len() - ids.len()
    );
    exchange.stop().unwrap();
}

#[test]
fn faults_of_orders_and_kills_leave_books_that_agree() {
    lives_through(&BINANCE, (24, 2), (35, 6));
}

#[test]
fn faults_of_orders_and_kills_leave_books_that_agree_at_coinbase() {
    lives_through(&COINBASE, (18, 1), (20, 2));
}

#[test]
fn faults_of_orders_and_kills_leave_books_that_agree_at_kraken() {
    lives_through(&KRAKEN, (14, 1), (20, 2));
}

#[test]
#[ignore = "takes ten minutes"]
fn minutes_of_faults_of_orders_and_kills_leave_books_that_agree() {
    lives_through(&BINANCE, (variable("LIVE_FAULTS_SECONDS", 600), 5), (35, 6));
}

#[test]
#[ignore = "takes ten minutes"]
fn minutes_of_faults_of_orders_and_kills_leave_books_that_agree_at_coinbase() {
    lives_through(&COINBASE, (variable("LIVE_FAULTS_SECONDS", 600), 5), (35, 6));
}

#[test]
#[ignore = "takes ten minutes"]
fn minutes_of_faults_of_orders_and_kills_leave_books_that_agree_at_kraken() {
    lives_through(&KRAKEN, (variable("LIVE_FAULTS_SECONDS", 600), 5), (35, 6));
}
