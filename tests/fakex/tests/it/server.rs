//! Starting, settings that cannot be, the clock, the log and the control interface.

use std::time::Duration;

use fake_exchange::{Dialect, Entry, FakeExchange, Plan, Record, Settings, Time};

use crate::client::{Client, by_hand, get, request, start};

#[test]
fn settings_that_cannot_be_are_named() {
    let settings = || by_hand(Dialect::Binance, &["BTCUSDT"]);
    type Spoil = fn(&mut Settings);
    let spoiled: [(&str, Spoil); 8] = [
        ("symbols: at least one", |settings| settings.symbols.clear()),
        ("speed: must be", |settings| settings.time = Time::Speed(0)),
        ("rate: at most", |settings| settings.rate = 2_000_000),
        ("tick: \"NaN\"", |settings| settings.symbols[0].tick = "NaN".to_owned()),
        ("first_price: \"-1\"", |settings| settings.symbols[0].first_price = "-1".to_owned()),
        ("base: \"a\\\"b\"", |settings| settings.symbols[0].base = "a\"b".to_owned()),
        ("price_decimals: 9", |settings| settings.symbols[0].price_decimals = 9),
        ("symbols: a market is named twice", |settings| settings.symbols.push(settings.symbols[0].clone())),
    ];
    for (words, spoil) in spoiled {
        let mut settings = settings();
        spoil(&mut settings);
        let error = FakeExchange::start(settings).unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
    let running = start(settings());
    let mut taken = settings();
    taken.port = running.address().port();
    let error = FakeExchange::start(taken).unwrap_err().to_string();
    assert!(error.contains("could not listen on 127.0.0.1:"), "{error}");
    assert!(Settings::new(Dialect::Binance, &["NOPE"]).unwrap_err().to_string().contains("NOPE"));
}

#[test]
fn a_fast_clock_is_told_and_followed() {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    settings.time = Time::Speed(1_000);
    settings.rate = 1;
    let running = start(settings);
    let mut client = Client::connect(&running, "/ws/btcusdt@trade");
    let (one, _) = (client.json(), client.json());
    let clock = get(&running, "/fakex/clock").json();
    assert_eq!(clock["speed"], 1_000);
    assert!(clock["now_ns"].as_i64().unwrap() / 1_000_000 >= one["E"].as_i64().unwrap());
}

#[test]
fn the_log_is_paged_written_to_its_file_and_readable_after_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = by_hand(Dialect::Binance, &["BTCUSDT"]);
    settings.log = Some(folder.path().join("log.jsonl"));
    settings.log_records_in_memory = 16;
    let path = settings.log.clone().unwrap();
    let running = start(settings);
    let mut client = Client::connect(&running, "/ws/btcusdt@trade");
    client.binance_texts();
    running.advance(Duration::from_secs(30));
    let texts = client.binance_texts();
    let page: Vec<Record> = serde_json::from_str(&get(&running, "/fakex/log?from=3").body).unwrap();
    assert_eq!(page[0].number, 3);
    assert!(page.len() > 200, "{}", page.len());
    let truth = running.truth();
    running.stop().unwrap();
    let mut records = Vec::new();
    truth.for_each(|record| records.push(record)).unwrap();
    let file = std::fs::read_to_string(path).unwrap();
    let lines: Vec<Record> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, records);
    let sent = records
        .iter()
        .filter(|record| matches!(&record.entry, Entry::Sent { stream, .. } if !stream.is_empty()));
    assert_eq!(sent.count(), texts.len());
}

#[test]
fn faults_by_hand_and_by_plan_and_unknown_ones() {
    let mut settings = by_hand(Dialect::Binance, &["BTCUSDT"]);
    let lines =
        "{\"at_ms\":5000,\"verb\":\"clock_skew\",\"ms\":700}\n{\"after_messages\":20,\"verb\":\"bad_utf8\"}";
    settings.plan = Plan::from_json_lines(lines).unwrap();
    let running = start(settings);
    running.advance(Duration::from_secs(6));
    assert_eq!(get(&running, "/api/v3/time").json()["serverTime"], 1_767_225_606_700_i64);
    let post = |body: &str| request(&running, "POST /fakex/fault", body);
    assert_eq!(post(r#"{"verb":"clock_jump","ms":-300}"#).status, 200);
    assert_eq!(get(&running, "/api/v3/time").json()["serverTime"], 1_767_225_606_400_i64);
    for (body, words) in [
        (r#"{"verb":"freez","stream":"x"}"#, "did you mean \\\"freeze\\\""),
        (r#"{"verb":"late_fill_after_cancel"}"#, "there is no account"),
        (r#"{"verb":"halt","symbol":"NOPE"}"#, "there is no market NOPE"),
    ] {
        let answer = post(body);
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    assert_eq!(get(&running, "/fakex/nothing").status, 404);
    let mut client = Client::connect(&running, "/ws/btcusdt@trade");
    client.binance_texts();
    running.advance(Duration::from_secs(10));
    assert!(client.end().contains("UTF-8"), "the plan counts messages");
}
