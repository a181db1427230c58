//! Binance's streams, answers and REST against the truth.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_exchange::{Dialect, Trade};
use serde_json::Value;

use crate::client::{Client, by_hand, digits, get, start};

const STREAMS: &str = "/stream?streams=btcusdt@trade/btcusdt@aggTrade/btcusdt@bookTicker/btcusdt@kline_1m/\
                       btcusdt@depth@100ms/btcusdt@depth5/ethusdt@trade";

fn of(texts: &[String], stream: &str) -> Vec<Value> {
    let messages = texts.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
    messages.filter(|message| message["stream"] == stream).map(|message| message["data"].clone()).collect()
}

/// Open, high, low, close, volume, trades of each minute in units, by folding trades and nothing else.
fn minutes(trades: &[Trade]) -> BTreeMap<i64, [u128; 6]> {
    let mut minutes: BTreeMap<i64, [u128; 6]> = BTreeMap::new();
    for trade in trades {
        let price = u128::from(trade.price);
        let bar = minutes.entry(trade.time_ns / 60_000_000_000).or_insert([price, price, price, price, 0, 0]);
        bar[1] = bar[1].max(price);
        bar[2] = bar[2].min(price);
        bar[3] = price;
        bar[4] += u128::from(trade.quantity);
        bar[5] += 1;
    }
    minutes
}

/// The same of a message's fields; prices have two places and are sent with eight.
fn bar_of(kline: &Value) -> [u128; 6] {
    let price = |name: &str| digits(kline[name].as_str().unwrap()) / 1_000_000;
    let trades = u128::from(kline["n"].as_u64().unwrap());
    [price("o"), price("h"), price("l"), price("c"), digits(kline["v"].as_str().unwrap()), trades]
}

#[test]
fn streams_tell_the_truth_and_the_log_is_what_was_received() {
    let running = start(by_hand(Dialect::Binance, &["BTCUSDT", "ETHUSDT"]));
    let mut client = Client::connect(&running, STREAMS);
    client.binance_texts();
    running.advance(Duration::from_secs(185));
    let texts = client.binance_texts();
    let truth = running.truth().trades("BTCUSDT").unwrap();
    assert!(truth.len() > 700, "{}", truth.len());

    for (stream, id) in [("btcusdt@trade", "t"), ("btcusdt@aggTrade", "a")] {
        let trades = of(&texts, stream);
        assert_eq!(trades.len(), truth.len());
        for (sent, trade) in trades.iter().zip(&truth) {
            assert_eq!(sent[id], trade.id);
            assert_eq!(digits(sent["p"].as_str().unwrap()) / 1_000_000, u128::from(trade.price));
            assert_eq!(digits(sent["q"].as_str().unwrap()), u128::from(trade.quantity));
            assert_eq!(
                (&sent["m"], &sent["T"]),
                (&trade.buyer_is_maker.into(), &(trade.time_ns / 1_000_000).into())
            );
        }
    }
    assert_eq!(of(&texts, "ethusdt@trade").len(), running.truth().trades("ETHUSDT").unwrap().len());

    let klines = of(&texts, "btcusdt@kline_1m");
    let closed: Vec<&Value> =
        klines.iter().map(|message| &message["k"]).filter(|kline| kline["x"] == true).collect();
    let naive = minutes(&truth);
    assert_eq!(closed.len(), 3);
    for kline in closed {
        assert_eq!(bar_of(kline), naive[&(kline["t"].as_i64().unwrap() / 60_000)]);
    }
    assert!(klines.len() > 60, "a bar that forms is pushed every two seconds: {}", klines.len());
    assert_eq!(running.truth().bars("BTCUSDT", "1m").unwrap().len(), 3);

    let logged = running.truth().sent(1).unwrap();
    let mut received: Vec<&str> = texts.iter().map(String::as_str).collect();
    received.retain(|text| !text.contains("\"id\":987"));
    let logged: Vec<&str> =
        logged.iter().map(|text| &**text).filter(|text| !text.contains("\"id\":987")).collect();
    assert_eq!(logged, received);
}

#[test]
fn diffs_on_a_snapshot_are_the_book() {
    let running = start(by_hand(Dialect::Binance, &["BTCUSDT"]));
    running.advance(Duration::from_secs(5));
    let mut client = Client::connect(&running, "/ws/btcusdt@depth@100ms");
    client.binance_texts();
    running.advance(Duration::from_secs(5));
    let snapshot = get(&running, "/api/v3/depth?symbol=BTCUSDT&limit=5000").json();
    // Somewhere before the end of a window: the rest of it comes after the snapshot.
    running.advance(Duration::from_millis(20_050));
    let texts = client.binance_texts();
    let mut local = snapshot["lastUpdateId"].as_u64().unwrap();
    let mut sides: [BTreeMap<u128, String>; 2] = Default::default();
    let apply = |side: &mut BTreeMap<u128, String>, levels: &Value| {
        for level in levels.as_array().unwrap() {
            let (price, quantity) = (digits(level[0].as_str().unwrap()), level[1].as_str().unwrap());
            if digits(quantity) == 0 {
                side.remove(&price)
            } else {
                side.insert(price, quantity.to_owned())
            };
        }
    };
    apply(&mut sides[0], &snapshot["bids"]);
    apply(&mut sides[1], &snapshot["asks"]);
    let mut applied = 0;
    for text in texts {
        let diff: Value = serde_json::from_str(&text).unwrap();
        let (first, last) = (diff["U"].as_u64().unwrap(), diff["u"].as_u64().unwrap());
        if last <= local {
            continue;
        }
        assert!(first <= local + 1, "gap: {first} after {local}");
        apply(&mut sides[0], &diff["b"]);
        apply(&mut sides[1], &diff["a"]);
        local = last;
        applied += 1;
    }
    assert!(applied > 50, "{applied}");
    running.advance(Duration::from_millis(100));
    let bids: Vec<u128> = sides[0].keys().rev().copied().collect();
    assert_eq!((bids.len(), sides[1].len()), (20, 20));
    assert!(bids[0] < *sides[1].keys().next().unwrap());
}

#[test]
fn subscriptions_are_answered_in_binances_words() {
    let running = start(by_hand(Dialect::Binance, &["BTCUSDT"]));
    let mut client = Client::connect(&running, "/ws");
    let mut ask = |question: &str| {
        client.send(question);
        client.text()
    };
    let asked = r#"{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":7}"#;
    assert_eq!(ask(asked), r#"{"result":null,"id":7}"#);
    assert_eq!(
        ask(r#"{"method":"LIST_SUBSCRIPTIONS","id":"a1"}"#),
        r#"{"result":["btcusdt@trade"],"id":"a1"}"#
    );
    let refused = ask(r#"{"method":"SUBSCRIB","params":[],"id":3}"#);
    assert!(refused.starts_with(r#"{"code":2,"msg":"Invalid request: unknown variant"#), "{refused}");
    assert!(ask("{").starts_with(r#"{"code":3,"msg":"Invalid JSON"#));

    let mut client = Client::connect(&running, "/ws");
    for number in 1..=6 {
        client.send(&format!("{{\"method\":\"GET_PROPERTY\",\"params\":[\"combined\"],\"id\":{number}}}"));
    }
    let answers: Vec<String> = (0..5).map(|_| client.text()).collect();
    assert_eq!(answers[4], r#"{"result":false,"id":5}"#);
    assert!(client.end().contains("Too many requests"), "the sixth message within a second ends it");
}

#[test]
fn rest_answers_what_was_published() {
    let running = start(by_hand(Dialect::Binance, &["BTCUSDT"]));
    running.advance(Duration::from_secs(185));
    let truth = running.truth();
    let trades = truth.trades("BTCUSDT").unwrap();
    let origin_ms = 1_767_225_600_000_i64;
    assert_eq!(get(&running, "/api/v3/time").json()["serverTime"], origin_ms + 185_000);

    let info = get(&running, "/api/v3/exchangeInfo?symbol=BTCUSDT").json();
    let filters = &info["symbols"][0]["filters"];
    assert_eq!(
        (&filters[0]["tickSize"], &filters[1]["stepSize"]),
        (&"0.01000000".into(), &"0.00001000".into())
    );

    let query = format!("/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={}&limit=2", origin_ms + 1);
    let klines = get(&running, &query).json();
    let naive = minutes(&trades);
    let rows = klines.as_array().unwrap();
    assert_eq!((rows.len(), &rows[0][0]), (2, &(origin_ms + 60_000).into()));
    for row in rows {
        let bar = naive[&(row[0].as_i64().unwrap() / 60_000)];
        let price = |at: usize| digits(row[at].as_str().unwrap()) / 1_000_000;
        let told = [price(1), price(2), price(3), price(4), digits(row[5].as_str().unwrap())];
        assert_eq!((told.as_slice(), &row[8]), (&bar[..5], &(bar[5] as u64).into()));
    }
    let all = get(&running, "/api/v3/klines?symbol=BTCUSDT&interval=1m").json();
    assert_eq!(all.as_array().unwrap().len(), 4, "the bar that forms is the last");

    for path in ["aggTrades", "historicalTrades"] {
        let told = get(&running, &format!("/api/v3/{path}?symbol=BTCUSDT&fromId=100&limit=3")).json();
        let ids: Vec<u64> = told
            .as_array()
            .unwrap()
            .iter()
            .map(|trade| trade.get("a").unwrap_or(&trade["id"]).as_u64().unwrap())
            .collect();
        assert_eq!(ids, [100, 101, 102]);
    }
    for (target, status, words) in [
        ("/api/v3/klines?symbol=NOPE&interval=1m", 400, "-1121"),
        ("/api/v3/klines?symbol=BTCUSDT&interval=7m", 400, "-1120"),
        ("/api/v3/klines?interval=1m", 400, "-1102"),
        ("/api/v3/depth?symbol=BTCUSDT&limit=x", 400, "-1100"),
        ("/api/v9/x", 404, "404"),
    ] {
        let answer = get(&running, target);
        assert_eq!(answer.status, status, "{target}");
        assert!(answer.body.contains(words), "{target}: {}", answer.body);
    }
}
