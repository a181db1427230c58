//! Bars of the past: told by REST before the origin, played after it, and the same for the same seed.

use std::time::Duration;

use fake_exchange::{Bar, Dialect, Kline, Settings};

use crate::client::{Client, by_hand, digits, get, start};

const DAY_NS: i64 = 86_400_000_000_000;

/// Four days with a day without trades after the second.
const DAYS: &str = "time,open,high,low,close,volume\n\
    1766966400000,100.00,110.00,90.00,105.00,12.345\n\
    1767052800000,105.00,106.00,80.00,81.00,0.00000007\n\
    1767225600000,81.00,99.50,81.00,99.50,5\n\
    1767312000000,99.50,99.50,99.50,99.50,1\n";

fn of_history() -> Settings {
    let mut settings = by_hand(Dialect::Binance, &["BTCUSDT"]);
    settings.rate = 0;
    settings.symbols[0].bars = Bar::from_csv(DAYS, DAY_NS, 2, 8).unwrap();
    settings
}

#[test]
fn days_are_past_before_the_origin_and_played_after_it() {
    let running = start(of_history());
    let klines = "/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=10&startTime=0";
    let past = get(&running, klines).json();
    let past = past.as_array().unwrap();
    let column = |row: &serde_json::Value, at: usize| digits(row[at].as_str().unwrap());
    assert_eq!(past.len(), 4, "two days, one without trades, and the one that forms");
    assert_eq!((column(&past[0], 2), column(&past[0], 5)), (11_000_000_000, 1_234_500_000));
    assert_eq!((column(&past[1], 4), column(&past[1], 5), &past[1][8]), (8_100_000_000, 7, &4.into()));
    assert_eq!((column(&past[2], 1), &past[2][8]), (8_100_000_000, &0.into()));

    let mut client = Client::connect(&running, "/ws/btcusdt@kline_1d");
    client.binance_texts();
    running.advance(Duration::from_secs(3 * 86_400));
    let texts = client.binance_texts();
    let closed: Vec<&String> = texts.iter().filter(|text| text.contains("\"x\":true")).collect();
    assert_eq!(closed.len(), 3, "two days and one in which nothing was traded");
    assert!(
        closed[0].contains("\"h\":\"99.50000000\"") && closed[0].contains("\"v\":\"5.00000000\""),
        "{}",
        closed[0]
    );
    assert!(closed[2].contains("\"f\":-1,\"L\":-1"), "{}", closed[2]);
    let bars: Vec<Kline> = running.truth().bars("BTCUSDT", "1d").unwrap();
    assert_eq!(
        bars.iter().map(|bar| bar.volume).collect::<Vec<_>>(),
        [1_234_500_000, 7, 500_000_000, 100_000_000]
    );
    assert_eq!(running.truth().trades("BTCUSDT").unwrap().first().map(|trade| trade.id), Some(1));
}

#[test]
fn the_same_seed_is_the_same_market_and_another_is_not() {
    let market = |seed: u64, steps: u32| {
        let mut settings = by_hand(Dialect::Binance, &["BTCUSDT", "ETHUSDT"]);
        settings.seed = seed;
        let running = start(settings);
        for _ in 0..steps {
            running.advance(Duration::from_secs(120) / steps);
        }
        let truth = running.truth();
        (
            truth.trades("BTCUSDT").unwrap(),
            truth.trades("ETHUSDT").unwrap(),
            truth.bars("ETHUSDT", "1m").unwrap(),
        )
    };
    let one = market(7, 1);
    assert_eq!(one, market(7, 24));
    assert_ne!(one.0, market(8, 1).0);
    assert!(one.0.iter().enumerate().all(|(at, trade)| trade.id == at as u64 + 1), "numbers without gaps");
}

#[test]
fn a_seeded_market_has_a_past_that_its_present_goes_on_from() {
    let mut settings = by_hand(Dialect::Binance, &["BTCUSDT"]);
    settings.past_bars = 300;
    settings.past_interval = fake_exchange::Interval::DAY;
    let running = start(settings);
    running.advance(Duration::from_secs(1));
    let past = get(&running, "/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=1000").json();
    let past = past.as_array().unwrap();
    assert_eq!(past.len(), 301, "and the bar that forms");
    let close = |row: &serde_json::Value| digits(row[4].as_str().unwrap()) / 1_000_000;
    let (before, now) = (close(&past[299]), close(&past[300]));
    assert!(before.abs_diff(now) * 1_000 < before, "{before} then {now}");
    let trades = running.truth().trades("BTCUSDT").unwrap();
    assert!(trades.iter().enumerate().all(|(at, trade)| trade.id == at as u64 + 1));
}
