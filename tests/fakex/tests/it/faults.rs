//! Each fault verb does what it says, on a real socket, and the log tells it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fake_exchange::{Dialect, Entry, Fault, Running, Settings, VERBS};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use crate::client::{Client, by_hand, digits, get, start};

/// A verb as it is written, and what must follow from it.
type Case = (&'static str, fn(&Running, &mut Client));

const CASES: [Case; 34] = [
    (r#"{"verb":"drop_conn","how":"reset"}"#, |_, client| assert_ends(client, "reset")),
    (r#"{"verb":"drop_conn","how":"fin"}"#, |_, client| assert_ends(client, "close")),
    (r#"{"verb":"drop_conn","how":"no_close"}"#, |_, client| {
        assert_ends(client, "without closing handshake")
    }),
    (r#"{"verb":"drop_conn","how":"half_open"}"#, half_open),
    (r#"{"verb":"refuse_connect","n":2}"#, refuse_connect),
    (r#"{"verb":"delay","ms":150}"#, delay),
    (r#"{"verb":"slow_drip","bytes_per_second":2000}"#, slow_drip),
    (r#"{"verb":"duplicate","p":1}"#, duplicate),
    (r#"{"verb":"reorder","window":10}"#, reorder),
    (r#"{"verb":"gap","stream":"btcusdt@trade","k":3}"#, gap),
    (r#"{"verb":"freeze","stream":"btcusdt@trade"}"#, freeze),
    (r#"{"verb":"freeze","stream":"*"}"#, thaw),
    (r#"{"verb":"thaw","stream":"btcusdt@trade"}"#, |running, client| {
        assert!(!trade_ids(running, client).is_empty())
    }),
    (r#"{"verb":"corrupt","p":1}"#, corrupt),
    (r#"{"verb":"huge","bytes":1073741824}"#, |_, client| assert_ends(client, "Message too long")),
    (r#"{"verb":"huge","bytes":3000000}"#, huge),
    (r#"{"verb":"bad_utf8"}"#, |_, client| assert_ends(client, "UTF-8")),
    (r#"{"verb":"binary_frame"}"#, |_, client| assert!(matches!(client.read().unwrap(), Message::Binary(_)))),
    (r#"{"verb":"fragment","n":5}"#, fragment),
    (r#"{"verb":"ping","payload":"abc"}"#, |_, client| {
        assert_eq!(client.read().unwrap(), Message::Ping("abc".into()))
    }),
    (r#"{"verb":"no_pong_kill","ms":200}"#, no_pong_kill),
    (r#"{"verb":"server_shutdown","ms":100}"#, server_shutdown),
    (r#"{"verb":"expire_24h","ms":200}"#, |_, client| assert_ends(client, "24 hours")),
    (r#"{"verb":"http","status":429,"retry_after":3,"n":2}"#, http),
    (r#"{"verb":"ban","secs":60}"#, ban),
    (r#"{"verb":"clock_skew","ms":-5000}"#, clock_skew),
    (r#"{"verb":"clock_jump","ms":3600000}"#, clock_jump),
    (r#"{"verb":"halt","symbol":"BTCUSDT"}"#, |running, client| assert_stands(running, client, "HALT")),
    (r#"{"verb":"cancel_only","symbol":"BTCUSDT"}"#, |running, client| {
        assert_stands(running, client, "CANCEL_ONLY")
    }),
    (r#"{"verb":"delist","symbol":"BTCUSDT"}"#, delist),
    (r#"{"verb":"resume","symbol":"BTCUSDT"}"#, |running, client| {
        assert!(!trade_ids(running, client).is_empty())
    }),
    (
        r#"{"verb":"filters_change","symbol":"BTCUSDT","tick":"0.10","step":"0.001","min_notional":"10"}"#,
        filters_change,
    ),
    (r#"{"verb":"price_spike","symbol":"BTCUSDT","percent":50}"#, price_spike),
    (r#"{"verb":"cross_book","symbol":"BTCUSDT"}"#, cross_book),
];

#[test]
fn each_verb_does_what_it_says() {
    let mut seen = BTreeSet::new();
    for (written, check) in CASES {
        let running = start(by_hand(Dialect::Binance, &["BTCUSDT"]));
        let mut client = Client::connect(&running, "/ws/btcusdt@trade/btcusdt@bookTicker");
        client.binance_texts();
        let fault = Fault::from_json(written).unwrap();
        running.fault(fault).unwrap();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&running, &mut client)));
        assert!(outcome.is_ok(), "{written}");
        let value: Value = serde_json::from_str(written).unwrap();
        let verb = value["verb"].as_str().unwrap().to_owned();
        let noted = |entry: &Entry| matches!(entry, Entry::Fault { fault } if fault["verb"] == verb);
        let records = running.truth().records(0, usize::MAX).unwrap();
        assert!(records.iter().any(|record| noted(&record.entry)), "{verb} is in the log");
        seen.insert(verb);
    }
    assert_eq!(
        seen,
        VERBS.iter().map(|verb| (*verb).to_owned()).collect(),
        "one case for each verb at least"
    );
}

/// The trades that arrive in the next ten seconds of the venue.
fn trade_ids(running: &Running, client: &mut Client) -> Vec<u64> {
    running.advance(Duration::from_secs(10));
    let messages =
        client.binance_texts().into_iter().map(|text| serde_json::from_str::<Value>(&text).unwrap());
    messages.filter(|message| message["e"] == "trade").map(|message| message["t"].as_u64().unwrap()).collect()
}

fn assert_ends(client: &mut Client, how: &str) {
    let end = client.end();
    assert!(end.contains(how), "{end} instead of {how}");
}

fn half_open(running: &Running, client: &mut Client) {
    running.advance(Duration::from_secs(10));
    client.wait_at_most(Duration::from_millis(300));
    let end = client.end();
    assert!(
        end.contains("temporarily unavailable") || end.contains("timed out"),
        "nothing comes, no end either: {end}"
    );
}

fn refuse_connect(running: &Running, client: &mut Client) {
    let refused = (0..2).filter(|_| Client::try_connect(running.address(), "/ws").is_err()).count();
    assert_eq!((refused, Client::try_connect(running.address(), "/ws").is_ok()), (2, true));
    assert!(!trade_ids(running, client).is_empty(), "who is there already stays");
}

fn delay(running: &Running, client: &mut Client) {
    let began = Instant::now();
    running.advance(Duration::from_secs(3));
    client.text();
    assert!(began.elapsed() >= Duration::from_millis(150));
}

fn slow_drip(running: &Running, client: &mut Client) {
    let began = Instant::now();
    running.advance(Duration::from_secs(1));
    let bytes: usize = (0..4).map(|_| client.text().len()).sum();
    let least = Duration::from_millis(bytes as u64 / 4);
    assert!(began.elapsed() >= least, "{bytes} bytes at 2 000 a second took {:?}", began.elapsed());
}

fn duplicate(running: &Running, client: &mut Client) {
    let ids = trade_ids(running, client);
    assert!(ids.len() > 20 && ids.chunks(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
}

fn reorder(running: &Running, client: &mut Client) {
    let ids = trade_ids(running, client);
    assert!(!ids.is_sorted(), "{ids:?}");
    let all: BTreeSet<u64> = ids.iter().copied().collect();
    assert!(all.into_iter().eq(1..=ids.len() as u64), "none is missing");
    assert!(ids[10..].is_sorted(), "one window only");
}

fn gap(running: &Running, client: &mut Client) {
    let ids = trade_ids(running, client);
    assert_eq!(ids.first(), Some(&4));
    let mut dropped = 0;
    let count =
        |record: fake_exchange::Record| dropped += u32::from(matches!(record.entry, Entry::Dropped { .. }));
    running.truth().for_each(count).unwrap();
    assert_eq!(dropped, 3);
}

fn freeze(running: &Running, client: &mut Client) {
    running.advance(Duration::from_secs(10));
    let texts = client.binance_texts();
    assert!(texts.len() > 20 && texts.iter().all(|text| text.starts_with("{\"u\"")), "other streams go on");
    assert!(running.truth().trades("BTCUSDT").unwrap().len() > 20, "the market goes on");
}

fn thaw(running: &Running, client: &mut Client) {
    running.advance(Duration::from_secs(10));
    assert!(client.binance_texts().is_empty());
    running.fault(Fault::Thaw { stream: "*".to_owned() }).unwrap();
    assert!(!trade_ids(running, client).is_empty());
}

fn corrupt(running: &Running, client: &mut Client) {
    running.advance(Duration::from_secs(30));
    let texts = client.binance_texts();
    let broken = texts.iter().filter(|text| serde_json::from_str::<Value>(text).is_err()).count();
    assert!(
        broken > 10 && broken < texts.len(),
        "{broken} of {}: some are JSON and wrong all the same",
        texts.len()
    );
    assert!(texts.iter().any(|text| text.contains("\"1e400\"")));
}

fn huge(_: &Running, client: &mut Client) {
    assert_eq!(client.text().len(), 3_000_000);
}

fn fragment(running: &Running, client: &mut Client) {
    let ids = trade_ids(running, client);
    assert!(ids.iter().copied().eq(1..=ids.len() as u64), "put together it is what it was");
}

fn no_pong_kill(_: &Running, client: &mut Client) {
    // Not reading is not answering: the pong is written when the library reads.
    std::thread::sleep(Duration::from_millis(400));
    client.wait_at_most(Duration::from_secs(5));
    let end = client.end();
    assert!(!end.contains("temporarily"), "{end}");
}

fn server_shutdown(_: &Running, client: &mut Client) {
    assert_eq!(client.json()["e"], "serverShutdown");
    assert_ends(client, "server shutdown");
}

fn http(running: &Running, _: &mut Client) {
    let statuses: Vec<u16> = (0..3).map(|_| get(running, "/api/v3/time").status).collect();
    assert_eq!(statuses, [429, 429, 200]);
    running.fault(Fault::Http { status: 503, retry_after: 7, n: 1 }).unwrap();
    assert!(get(running, "/api/v3/time").head.contains("Retry-After: 7\r\n"));
}

fn ban(running: &Running, _: &mut Client) {
    for _ in 0..2 {
        let answer = get(running, "/api/v3/time");
        assert_eq!((answer.status, answer.json()["code"].as_i64()), (418, Some(-1_003)));
        assert!(answer.head.contains("Retry-After: "));
    }
    let mut banned = 0;
    let count = |record: fake_exchange::Record| {
        banned += u32::from(matches!(record.entry, Entry::Request { banned: true, .. }));
    };
    running.truth().for_each(count).unwrap();
    assert_eq!(banned, 2, "the log counts the requests of a banned client");
}

fn clock_skew(running: &Running, client: &mut Client) {
    running.advance(Duration::from_secs(10));
    assert_eq!(get(running, "/api/v3/time").json()["serverTime"], 1_767_225_605_000_i64);
    let texts = client.binance_texts();
    let trade: Value = texts
        .iter()
        .find(|text| text.contains("trade"))
        .map(|text| serde_json::from_str(text).unwrap())
        .unwrap();
    assert_eq!(trade["T"].as_i64().unwrap() - trade["E"].as_i64().unwrap(), 5_000);
}

fn clock_jump(running: &Running, _: &mut Client) {
    let told = || get(running, "/api/v3/time").json()["serverTime"].as_i64().unwrap() - 1_767_225_600_000;
    assert_eq!(told(), 3_600_000);
    running.fault(Fault::ClockJump { ms: -7_200_000 }).unwrap();
    assert_eq!(told(), -3_600_000);
}

fn assert_stands(running: &Running, client: &mut Client, status: &str) {
    assert!(trade_ids(running, client).is_empty());
    assert!(running.truth().trades("BTCUSDT").unwrap().is_empty());
    assert_eq!(get(running, "/api/v3/exchangeInfo").json()["symbols"][0]["status"], status);
    running.fault(Fault::Resume { symbol: "BTCUSDT".to_owned() }).unwrap();
    assert_eq!(trade_ids(running, client).first(), Some(&1), "numbers have no gap");
}

fn delist(running: &Running, client: &mut Client) {
    assert!(trade_ids(running, client).is_empty());
    assert_eq!(get(running, "/api/v3/exchangeInfo").json()["symbols"].as_array().unwrap().len(), 0);
    assert_eq!(get(running, "/api/v3/depth?symbol=BTCUSDT").status, 400);
}

fn filters_change(running: &Running, client: &mut Client) {
    let info = get(running, "/api/v3/exchangeInfo").json();
    let filters = &info["symbols"][0]["filters"];
    assert_eq!(
        (&filters[0]["tickSize"], &filters[1]["stepSize"]),
        (&"0.10000000".into(), &"0.00100000".into())
    );
    assert_eq!(filters[2]["minNotional"], "10");
    trade_ids(running, client);
    // The one that was drawn before the change stands on the old grid.
    let trades = running.truth().trades("BTCUSDT").unwrap();
    assert!(trades[1..].iter().all(|trade| trade.price % 10 == 0 && trade.quantity % 100_000 == 0));
}

fn price_spike(running: &Running, client: &mut Client) {
    trade_ids(running, client);
    let prices: Vec<u64> =
        running.truth().trades("BTCUSDT").unwrap().iter().map(|trade| trade.price).collect();
    let percent = prices[0] * 100 / prices[1];
    assert!((148..=152).contains(&percent), "{percent} %");
    assert!((99..=101).contains(&(prices[1] * 100 / prices[2])));
}

fn cross_book(running: &Running, client: &mut Client) {
    running.advance(Duration::from_secs(10));
    let texts = client.binance_texts();
    let quotes = texts.iter().filter(|text| text.starts_with("{\"u\"")).map(|text| {
        let quote: Value = serde_json::from_str(text).unwrap();
        digits(quote["b"].as_str().unwrap()) > digits(quote["a"].as_str().unwrap())
    });
    let crossed: Vec<bool> = quotes.collect();
    assert!(crossed[0] && crossed[1..].iter().all(|crossed| !crossed), "{crossed:?}");
}

#[test]
fn pings_come_in_time_and_whoever_does_not_answer_is_cut_off() {
    let mut settings: Settings = by_hand(Dialect::Binance, &["BTCUSDT"]);
    settings.ping_every = Duration::from_millis(100);
    settings.pong_within = Duration::from_millis(300);
    let running = start(settings);
    let mut client = Client::connect(&running, "/ws");
    for _ in 0..5 {
        assert!(matches!(client.read().unwrap(), Message::Ping(_)), "answered pings go on");
    }
    std::thread::sleep(Duration::from_millis(700));
    let mut why = None;
    let closed = |record: fake_exchange::Record| {
        if let Entry::Closed { why: closed, .. } = record.entry {
            why.get_or_insert(closed);
        }
    };
    running.truth().for_each(closed).unwrap();
    assert_eq!(why.as_deref(), Some("no pong in time"));
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_memory_stays_bounded() {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    settings.rate = 20_000;
    settings.outbox_messages = 1_000;
    let running = start(settings);
    let _client = Client::connect(&running, "/ws/btcusdt@trade");
    let began = Instant::now();
    let is_cut = || {
        let mut cut = false;
        let closed = |record: fake_exchange::Record| {
            cut |= matches!(record.entry, Entry::Closed { why, .. } if why.contains("too slowly"));
        };
        running.truth().for_each(closed).unwrap();
        cut
    };
    while !is_cut() {
        assert!(began.elapsed() < Duration::from_secs(30), "never cut off");
        std::thread::sleep(Duration::from_millis(200));
    }
}
