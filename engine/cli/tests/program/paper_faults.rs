//! Faults and kills at random moments of a run on paper: its record holds every trade that was made, and plays again.
//!
//! The short run is part of every test run. The long ones, five minutes on each dialect:
//!
//! ```text
//! PAPER_FAULTS_SEED=7 PAPER_FAULTS_SECONDS=300 cargo test -p engine-cli --test program -- --ignored paper_faults
//! ```

use std::time::{Duration, Instant};

use fake_exchange::{Dialect, Fault, Running};

use super::paper::{Random, begun, compare, count, exchange, ground, plays_again, segments, until, variable};

/// What breaks connections and what breaks frames; `STREAM` is the stream of trades.
const FAULTS: [&str; 14] = [
    r#"{"verb":"drop_conn","how":"reset"}"#,
    r#"{"verb":"drop_conn","how":"fin"}"#,
    r#"{"verb":"drop_conn","how":"no_close"}"#,
    r#"{"verb":"refuse_connect","n":2}"#,
    r#"{"verb":"server_shutdown","ms":500}"#,
    r#"{"verb":"gap","stream":"STREAM","k":7}"#,
    r#"{"verb":"duplicate","p":0.1}"#,
    r#"{"verb":"reorder","window":4}"#,
    r#"{"verb":"corrupt","p":0.02}"#,
    r#"{"verb":"bad_utf8"}"#,
    r#"{"verb":"binary_frame"}"#,
    r#"{"verb":"fragment","n":3}"#,
    r#"{"verb":"delay","ms":30}"#,
    r#"{"verb":"http","status":500,"retry_after":0,"n":1}"#,
];

/// A run that begins while the venue refuses connections says so and ends.
const REACHABLE: &str = r#"{"verb":"refuse_connect","n":0}"#;

/// What ends the lasting ones of them.
const PEACE: [&str; 6] = [
    REACHABLE,
    r#"{"verb":"duplicate","p":0}"#,
    r#"{"verb":"reorder","window":0}"#,
    r#"{"verb":"corrupt","p":0}"#,
    r#"{"verb":"fragment","n":0}"#,
    r#"{"verb":"delay","ms":0}"#,
];

pub(crate) fn set_off(exchange: &Running, text: &str) {
    exchange.fault(Fault::from_json(text).unwrap()).unwrap();
}

/// A venue and its words for one market.
pub(crate) struct Place {
    pub(crate) dialect: Dialect,
    pub(crate) venue: &'static str,
    pub(crate) symbol: &'static str,
    pub(crate) market: &'static str,
    stream: &'static str,
}

pub(crate) const PLACES: [Place; 3] = [
    Place {
        dialect: Dialect::Binance,
        venue: "binance",
        symbol: "BTCUSDT",
        market: "BTCUSDT",
        stream: "btcusdt@trade",
    },
    Place {
        dialect: Dialect::Coinbase,
        venue: "coinbase",
        symbol: "BTC-USD",
        market: "BTCUSD",
        stream: "market_trades:BTC-USD",
    },
    Place {
        dialect: Dialect::Kraken,
        venue: "kraken",
        symbol: "BTC/USD",
        market: "BTCUSD",
        stream: "trade:BTC/USD",
    },
];

fn lives_through(place: &Place, seconds: u64, kills: u64) {
    let seed = variable("PAPER_FAULTS_SEED", 20_261_129).max(1);
    println!("PAPER_FAULTS_SEED={seed}");
    let mut random = Random(seed);
    let exchange = exchange(place.dialect, place.market);
    let folder = ground(&exchange, place.venue, place.symbol);
    let started = Instant::now();
    for life in 1..=kills {
        set_off(&exchange, REACHABLE);
        let mut child = begun(&folder);
        until(&folder, |status| status["pid"] == child.id() && count(status, "ticks") > 0);
        while started.elapsed() < Duration::from_secs(seconds * life / kills) {
            let fault = FAULTS[usize::try_from(random.below(FAULTS.len() as u64)).unwrap()];
            set_off(&exchange, &fault.replace("STREAM", place.stream));
            std::thread::sleep(Duration::from_millis(200 + random.below(1_500)));
            PEACE.iter().for_each(|text| set_off(&exchange, text));
            assert_eq!(child.try_wait().unwrap(), None, "no fault ends a run");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        plays_again(&folder);
    }
    PEACE.iter().for_each(|text| set_off(&exchange, text));
    let answer = folder.answer("paper paper.toml --run P --for 5s");
    assert_eq!(plays_again(&folder)["head"], answer["head"]);
    let losses = compare(&exchange, place.market, &folder);
    // Each start calls it lost once; the faults have to break it as well.
    assert!(losses as u64 > kills + 1, "{losses} losses");
    println!(
        "{}: {} events in {} segments, the feed broke {losses} times, killed {kills} times",
        place.venue,
        answer["events"],
        segments(&folder) + 1
    );
    exchange.stop().unwrap();
}

#[test]
fn faults_and_kills_leave_no_hole_in_a_record() {
    lives_through(&PLACES[0], 8, 2);
}

#[test]
#[ignore = "takes minutes"]
fn minutes_of_faults_and_kills_leave_no_hole_on_any_venue() {
    let seconds = variable("PAPER_FAULTS_SECONDS", 300);
    for place in &PLACES {
        lives_through(place, seconds, (seconds / 60).max(2));
    }
}
