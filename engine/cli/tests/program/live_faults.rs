//! Faults about orders and kills at random moments of a run with real orders: books and exchange agree to the last unit, no
//! order stands twice, and the record plays again.
//!
//! The short run is part of every test run. The long one:
//!
//! ```text
//! LIVE_FAULTS_SEED=7 LIVE_FAULTS_SECONDS=600 cargo test -p engine-cli --test program -- --ignored --nocapture live_faults
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fake_exchange::{AccountSettings, ApiKey, Dialect, FakeExchange, Permission, Running, Secret, Settings};
use serde_json::Value;

use super::paper::{Random, count, until, variable};
use super::paper_faults::set_off;
use crate::folder::Folder;

const CONFIG: &str = r#"
[run]
capital = "10000"
[[data]]
venue = "VENUE"
symbol = "SYMBOL"
kind = "trades"
[bars]
BARS
[costs]
maker_fee = "0.1%"
taker_fee = "0.1%"
[risk]
account = "cash"
drawdown_max = "90%"
orders_per_minute_max = 100000
[live]
ws_url = "ws://ADDRESSPATH"
rest_url = "http://ADDRESS"
orders_url = "ws://ADDRESSPATH"
credentials = "key.toml"
clock = "venue"
segment_kib = 64
[strategy]
name = "ema-cross"
fast = 1
slow = 2
direction = "long-only"
size = { equity_share = "20%" }
"#;

/// What goes wrong with orders, with the account's stream, and with connections.
const FAULTS: [&str; 16] = [
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
    r#"{"verb":"drop_conn","how":"reset"}"#,
    r#"{"verb":"drop_conn","how":"no_close"}"#,
    r#"{"verb":"gap","stream":"STREAM","k":2}"#,
    r#"{"verb":"duplicate","p":0.3}"#,
    r#"{"verb":"duplicate","p":0}"#,
];

/// How a venue calls what the tests need.
pub(super) struct House {
    venue: &'static str,
    dialect: Dialect,
    symbol: &'static str,
    /// The name of the symbol's market in the log of the exchange.
    market: &'static str,
    quote: &'static str,
    /// What makes a bar of about a second.
    bars: &'static str,
    /// Where connections are behind the address.
    path: &'static str,
    /// The stream that tells what happens to orders.
    stream: &'static str,
    secret: &'static str,
    signed: fn(String) -> Secret,
}

pub(super) const BINANCE: House = House {
    venue: "binance",
    dialect: Dialect::Binance,
    symbol: "BTCUSDT",
    market: "BTCUSDT",
    quote: "USDT",
    bars: "rule = \"time\"\ninterval = \"1s\"",
    path: "",
    stream: "userData",
    secret: "secret",
    signed: Secret::Hmac,
};

const KRAKEN: House = House {
    venue: "kraken",
    dialect: Dialect::Kraken,
    symbol: "BTC/USD",
    market: "BTCUSD",
    quote: "USD",
    // It tells no bars of the past that are shorter than a minute.
    bars: "rule = \"ticks\"\ncount = 40",
    path: "/v2",
    stream: "executions",
    secret: "c2VjcmV0",
    signed: Secret::HmacSha512,
};

pub(super) fn exchange(house: &House) -> Running {
    let mut settings = Settings::new(house.dialect, &[house.symbol]).unwrap();
    settings.ping_every = Duration::from_secs(2);
    settings.rate = 40;
    let permissions = vec![Permission::Read, Permission::Trade];
    let key = ApiKey { name: "test".into(), secret: (house.signed)(house.secret.into()), permissions };
    let account = AccountSettings::new(key, &[(house.quote, "10000"), ("BTC", "0.5")]);
    settings.account =
        Some(AccountSettings { orders_per_10s: 10_000, weight_per_minute: 1_000_000, ..account });
    FakeExchange::start(settings).unwrap()
}

pub(super) fn ground(house: &House, exchange: &Running) -> Folder {
    let folder = Folder::new();
    let config = CONFIG.replace("ADDRESS", &exchange.address().to_string()).replace("PATH", house.path);
    let config = config.replace("VENUE", house.venue).replace("SYMBOL", house.symbol);
    folder.write("live.toml", &config.replace("BARS", house.bars));
    folder.write("key.toml", &format!("api_key = \"test\"\nsecret = \"{}\"\n", house.secret));
    std::fs::set_permissions(folder.path("key.toml"), std::fs::Permissions::from_mode(0o600)).unwrap();
    folder
}

pub(super) fn begun(folder: &Folder) -> Child {
    let mut command = folder.command("live live.toml --run P --json");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
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
pub(super) fn held(exchange: &Running) -> BTreeMap<String, i128> {
    let balances = exchange.truth().balances().unwrap();
    balances.iter().map(|(asset, held)| (asset.to_string(), (held.free + held.locked).units())).collect()
}

/// `0.5` as units of 10⁻⁸; what is finer is none.
fn units(text: &str) -> i128 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(part.len() <= 8, "{text}");
    format!("{whole}{part:0<8}").parse().unwrap()
}

fn lives_through(house: &House, seconds: u64, kills: u64, settling: u64) {
    let seed = variable("LIVE_FAULTS_SEED", 20_261_130).max(1);
    println!("LIVE_FAULTS_SEED={seed}");
    let mut random = Random(seed);
    let exchange = exchange(house);
    let folder = ground(house, &exchange);
    let started = Instant::now();
    for life in 1..=kills {
        let mut child = begun(&folder);
        until(&folder, |status| status["pid"] == child.id() && count(status, "ticks") > 0);
        while started.elapsed() < Duration::from_secs(seconds * life / kills) {
            let fault = FAULTS[usize::try_from(random.below(FAULTS.len() as u64)).unwrap()];
            set_off(&exchange, &fault.replace("MARKET", house.market).replace("STREAM", house.stream));
            std::thread::sleep(Duration::from_millis(200 + random.below(1_500)));
            assert_eq!(child.try_wait().unwrap(), None, "no fault ends a run");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    set_off(&exchange, r#"{"verb":"duplicate","p":0}"#);
    let answer = settled(&folder, settling);
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
    assert_eq!(
        exchange.truth().requests_in_bans().unwrap(),
        0,
        "nothing is asked while the venue wants a pause"
    );
    assert!(ids.len() > 5, "{} orders", ids.len());
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
    lives_through(&BINANCE, 24, 2, 35);
}

#[test]
fn faults_of_orders_at_kraken_and_a_kill_leave_books_that_agree() {
    lives_through(&KRAKEN, 14, 1, 20);
}

#[test]
#[ignore = "takes ten minutes"]
fn minutes_of_faults_of_orders_and_kills_leave_books_that_agree() {
    lives_through(&BINANCE, variable("LIVE_FAULTS_SECONDS", 600), 5, 35);
}

#[test]
#[ignore = "takes ten minutes"]
fn minutes_of_faults_of_orders_at_kraken_and_kills_leave_books_that_agree() {
    lives_through(&KRAKEN, variable("LIVE_FAULTS_SECONDS", 600), 5, 35);
}
