//! Coinbase's channels, counters and REST against the truth.

use std::time::Duration;

use fake_exchange::{Dialect, Fault, Settings, Time};
use serde_json::Value;

use crate::client::{Client, by_hand, digits, get, start};

const QUESTION: &str = r#"{"type":"unsubscribe","channel":"heartbeats"}"#;

fn is_answer(text: &str) -> bool {
    text.contains("\"channel\":\"subscriptions\"")
}

#[test]
fn channels_are_numbered_without_gaps_and_tell_the_truth() {
    let mut settings = by_hand(Dialect::Coinbase, &["BTC-USD", "ETH-USD"]);
    settings.rate = 20;
    let running = start(settings);
    running.advance(Duration::from_secs(3));
    let mut client = Client::connect(&running, "/");
    let mut texts = Vec::new();
    for channel in ["market_trades", "level2", "ticker", "candles"] {
        let asked = format!(r#"{{"type":"subscribe","product_ids":["BTC-USD"],"channel":"{channel}"}}"#);
        let (before, answer) = client.until(&asked, is_answer);
        texts.extend(before);
        texts.push(answer);
    }
    let known = running.truth().trades("BTCUSD").unwrap();
    running.advance(Duration::from_secs(20));
    let (before, answer) = client.until(QUESTION, is_answer);
    texts.extend(before);
    texts.push(answer);
    let messages: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    for (number, message) in messages.iter().enumerate() {
        assert_eq!(message["sequence_num"], number, "one count for all channels of a connection");
        assert!(message["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    let of = |channel: &str| -> Vec<&Value> {
        messages
            .iter()
            .filter(|message| message["channel"] == channel)
            .map(|message| &message["events"][0])
            .collect()
    };
    let truth = running.truth().trades("BTCUSD").unwrap();
    let trades = of("market_trades");
    assert_eq!(trades[0]["type"], "snapshot");
    let updates = trades[1..].iter().flat_map(|event| event["trades"].as_array().unwrap());
    let told: Vec<String> = updates.map(|trade| trade["trade_id"].as_str().unwrap().to_owned()).collect();
    let last: u64 = told.last().unwrap().parse().unwrap();
    let expected = truth.iter().filter(|trade| trade.id > known.len() as u64 && trade.id <= last);
    assert_eq!(told, expected.map(|trade| trade.id.to_string()).collect::<Vec<_>>());
    assert!(trades.len() < 90, "trades of a quarter of a second come together: {}", trades.len());
    let books = of("l2_data");
    assert_eq!((&books[0]["type"], books[0]["updates"].as_array().unwrap().len()), (&"snapshot".into(), 40));
    assert!(books.len() > 100 && of("ticker").len() > 100 && of("candles").len() > 5);
    assert_eq!(of("ticker").last().unwrap()["tickers"][0]["product_id"], "BTC-USD");
}

#[test]
fn heartbeats_count_and_silence_ends_the_connection() {
    let mut settings = Settings::new(Dialect::Coinbase, &["BTC-USD"]).unwrap();
    settings.time = Time::ByHand;
    settings.subscribe_within = Duration::from_millis(300);
    let running = start(settings);
    let mut silent = Client::connect(&running, "/");
    let mut client = Client::connect(&running, "/");
    client.send(r#"{"type":"subscribe","channel":"heartbeats"}"#);
    assert_eq!(client.json()["events"][0]["subscriptions"]["heartbeats"][0], "heartbeats");
    assert!(silent.end().contains("no subscribe in time"));
    for counter in 0..2 {
        let beat = client.json();
        assert_eq!(
            (&beat["channel"], &beat["events"][0]["heartbeat_counter"]),
            (&"heartbeats".into(), &counter.into())
        );
        assert_eq!(beat["sequence_num"], counter + 1);
    }
    client.send(r#"{"type":"subscribe","channel":"level2","product_ids":["NO-PE"]}"#);
    loop {
        let message = client.json();
        if message["type"] == "error" {
            assert_eq!(message["message"], "product NO-PE not found");
            break;
        }
    }
}

#[test]
fn rest_answers_in_coinbases_words() {
    let running = start(by_hand(Dialect::Coinbase, &["BTC-USD"]));
    running.advance(Duration::from_secs(185));
    let trades = running.truth().trades("BTCUSD").unwrap();
    assert_eq!(get(&running, "/api/v3/brokerage/time").json()["epochSeconds"], "1767225785");
    let products = get(&running, "/api/v3/brokerage/market/products").json();
    assert_eq!(products["products"][0]["price_increment"], "0.01");
    let base = "/api/v3/brokerage/market/products/BTC-USD";
    let told = get(&running, &format!("{base}/ticker?limit=2")).json();
    assert_eq!(told["trades"][0]["trade_id"], trades.last().unwrap().id.to_string());
    let range = "start=1767225600&end=1767225719&granularity=ONE_MINUTE";
    let candles = get(&running, &format!("{base}/candles?{range}")).json();
    let candles = candles["candles"].as_array().unwrap();
    assert_eq!((candles.len(), &candles[0]["start"]), (2, &"1767225660".into()), "newest first");
    let first_minute = trades.iter().filter(|trade| trade.time_ns < 1_767_225_660_000_000_000);
    let volume: u128 = first_minute.map(|trade| u128::from(trade.quantity)).sum();
    assert_eq!(digits(candles[1]["volume"].as_str().unwrap()), volume);
    for (target, status, words) in [
        ("/api/v3/brokerage/market/products/NO-PE", 404, "NOT_FOUND"),
        ("/api/v3/brokerage/market/products/BTC-USD/candles?granularity=X", 400, "INVALID_ARGUMENT"),
        ("/api/v3/brokerage/nothing", 404, "Not Found"),
    ] {
        let answer = get(&running, target);
        assert_eq!(answer.status, status);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
}

#[test]
fn a_gap_is_a_jump_in_the_numbers_of_the_connection() {
    let running = start(by_hand(Dialect::Coinbase, &["BTC-USD"]));
    let mut client = Client::connect(&running, "/");
    let asked = r#"{"type":"subscribe","product_ids":["BTC-USD"],"channel":"level2"}"#;
    client.until(asked, is_answer);
    let gap = r#"{"verb":"gap","stream":"level2:BTC-USD","k":4}"#;
    running.fault(Fault::from_json(gap).unwrap()).unwrap();
    running.advance(Duration::from_secs(10));
    let (before, _) = client.until(QUESTION, is_answer);
    let number =
        |text: &String| serde_json::from_str::<Value>(text).unwrap()["sequence_num"].as_u64().unwrap();
    let numbers: Vec<u64> = before.iter().map(number).collect();
    assert_eq!(numbers[0], 6, "0 and 1 came before, 2 to 5 never");
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]));
}
