//! Kraken's channels, checksums and REST against the truth.

use std::collections::BTreeMap;
use std::time::Duration;

use fake_exchange::Dialect;
use serde_json::Value;

use crate::client::{Client, by_hand, digits, get, start};

/// The text of every `"name":number` in order: numbers as they were written, which a float would lose.
fn numbers<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let key = format!("\"{name}\":");
    text.split(&key).skip(1).map(|rest| rest.split([',', '}']).next().unwrap()).collect()
}

/// A book by price in units, with price and quantity as written.
type Side = BTreeMap<u128, (String, String)>;

fn apply(side: &mut Side, levels: &str) {
    for (price, quantity) in numbers(levels, "price").into_iter().zip(numbers(levels, "qty")) {
        if digits(quantity) == 0 {
            side.remove(&digits(price));
        } else {
            side.insert(digits(price), (price.to_owned(), quantity.to_owned()));
        }
    }
}

fn checksum(bids: &Side, asks: &Side) -> u32 {
    let levels = asks.values().take(10).chain(bids.values().rev().take(10));
    let mut covered = String::new();
    for (price, quantity) in levels {
        covered.push_str(price.replace('.', "").trim_start_matches('0'));
        covered.push_str(quantity.replace('.', "").trim_start_matches('0'));
    }
    // The bitwise definition of CRC-32, so that no library is trusted twice.
    let mut crc = u32::MAX;
    for byte in covered.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[test]
fn every_checksum_is_the_one_of_the_book_that_was_sent() {
    let running = start(by_hand(Dialect::Kraken, &["BTC/USD", "ETH/USD"]));
    running.advance(Duration::from_secs(2));
    let mut client = Client::connect(&running, "/v2");
    assert!(client.text().starts_with(r#"{"channel":"status""#));
    let asked =
        r#"{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10},"req_id":1}"#;
    let (_, answer) = client.until(asked, |text| text.contains("\"method\":\"subscribe\""));
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answer["success"], &answer["req_id"]), (&true.into(), &1.into()));
    assert_eq!(answer["result"]["symbol"], "BTC/USD");
    running.advance(Duration::from_secs(60));
    let (texts, _) =
        client.until(r#"{"method":"ping","req_id":2}"#, |text| text.contains("\"method\":\"pong\""));
    let (mut bids, mut asks) = (Side::new(), Side::new());
    let mut books = 0;
    for text in texts.iter().filter(|text| text.contains("\"channel\":\"book\"")) {
        let (bid_text, rest) = text.split_once("\"asks\":").unwrap();
        apply(&mut bids, bid_text);
        apply(&mut asks, rest.split("\"checksum\"").next().unwrap());
        while bids.len() > 10 {
            bids.pop_first();
        }
        while asks.len() > 10 {
            asks.pop_last();
        }
        assert_eq!(
            numbers(text, "checksum")[0],
            checksum(&bids, &asks).to_string(),
            "message {books}: {text}"
        );
        books += 1;
    }
    assert!(books > 200, "{books}");
}

#[test]
fn channels_and_refusals_are_in_krakens_words() {
    let running = start(by_hand(Dialect::Kraken, &["BTC/USD"]));
    let mut client = Client::connect(&running, "/v2");
    let mut refusals = Vec::new();
    for channel in [
        r#""channel":"trade","symbol":["BTC/USD"]"#,
        r#""channel":"ohlc","interval":1,"symbol":["BTC/USD"]"#,
        r#""channel":"ticker","symbol":["BTC/USD"]"#,
        r#""channel":"trade","symbol":["NO/PE"]"#,
        r#""channel":"book","depth":7,"symbol":["BTC/USD"]"#,
        r#""channel":"executions","symbol":["BTC/USD"]"#,
    ] {
        let asked = format!(r#"{{"method":"subscribe","params":{{{channel}}}}}"#);
        let (_, answer) = client.until(&asked, |text| text.contains("\"method\":\"subscribe\""));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        refusals.extend(answer.get("error").map(|error| error.as_str().unwrap().to_owned()));
    }
    assert_eq!(
        refusals,
        [
            "Currency pair not supported NO/PE",
            "Book depth not supported",
            "Channel executions is not supported by this exchange"
        ]
    );
    running.advance(Duration::from_secs(125));
    let (texts, _) = client.until(r#"{"method":"ping"}"#, |text| text.contains("\"method\":\"pong\""));
    let truth = running.truth().trades("BTCUSD").unwrap();
    let told = texts.iter().filter(|text| text.contains(r#""channel":"trade","type":"update""#));
    let ids: Vec<String> = told.flat_map(|text| numbers(text, "trade_id")).map(str::to_owned).collect();
    assert_eq!(ids, truth.iter().map(|trade| trade.id.to_string()).collect::<Vec<_>>());
    assert!(texts.iter().any(|text| text.contains(r#""channel":"ohlc","type":"update""#)));
    assert!(texts.iter().any(|text| text.contains(r#""channel":"ticker","type":"update""#)));
}

#[test]
fn rest_answers_in_krakens_words() {
    let running = start(by_hand(Dialect::Kraken, &["BTC/USD"]));
    running.advance(Duration::from_secs(185));
    let trades = running.truth().trades("BTCUSD").unwrap();
    assert_eq!(get(&running, "/0/public/Time").json()["result"]["unixtime"], 1_767_225_785);
    let pairs = get(&running, "/0/public/AssetPairs").json();
    assert_eq!(pairs["result"]["XXBTZUSD"]["wsname"], "XBT/USD");
    let bars = get(&running, "/0/public/OHLC?pair=XBTUSD&interval=1&since=1767225600").json();
    let rows = bars["result"]["XXBTZUSD"].as_array().unwrap();
    assert_eq!((rows.len(), &bars["result"]["last"]), (4, &1_767_225_720.into()));
    let count: u64 = rows.iter().map(|row| row[7].as_u64().unwrap()).sum();
    assert_eq!(count, trades.len() as u64);
    let since = trades[9].time_ns;
    let told = get(&running, &format!("/0/public/Trades?pair=XBTUSD&since={since}&count=5")).json();
    let rows = told["result"]["XXBTZUSD"].as_array().unwrap();
    let ids: Vec<u64> = rows.iter().map(|row| row[6].as_u64().unwrap()).collect();
    assert_eq!(ids, [11, 12, 13, 14, 15]);
    assert_eq!(told["result"]["last"], trades[14].time_ns.to_string());
    for (target, words) in [
        ("/0/public/OHLC?pair=NOPE", "EQuery:Unknown asset pair"),
        ("/0/public/OHLC?pair=XBTUSD&interval=7", "EGeneral:Invalid arguments"),
        ("/0/public/Nothing", "EGeneral:Unknown method"),
    ] {
        assert!(get(&running, target).body.contains(words), "{target}");
    }
}
