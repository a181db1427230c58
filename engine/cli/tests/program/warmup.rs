//! A run on paper that warms up from a dataset, and from its venue for what the dataset leaves out.

use std::fmt::Write as _;

use fake_exchange::{Dialect, FakeExchange, Running, Settings, Time};

use crate::folder::Folder;
use crate::paper::{ground, plays_again};

const MINUTE_NS: i64 = 60_000_000_000;
/// 2026-01-01, where the fake exchange begins.
const BEGIN_NS: i64 = 1_767_225_600_000_000_000;

fn exchange() -> Running {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    settings.origin_ns = BEGIN_NS;
    settings.time = Time::Speed(2);
    settings.rate = 20;
    settings.past_bars = 200;
    FakeExchange::start(settings).unwrap()
}

/// Bars of the minutes before the exchange begins, from the 60th to the 11th before, without three of them.
fn write_bars(folder: &Folder) {
    let mut bars = String::from("timestamp,open,high,low,close,volume\n");
    for minute in (11..=60).rev().filter(|minute| !(30..33).contains(minute)) {
        let at_ms = (BEGIN_NS - minute * MINUTE_NS) / 1_000_000;
        writeln!(bars, "{at_ms},50000.12345678,50001,49999,50000,1.123456789").unwrap();
    }
    folder.write("bars.csv", &bars);
    folder.text(
        "import --dataset past --venue binance --instrument BTCUSDT --interval 1m --gaps missing bars.csv",
    );
    let hour = bars.lines().take(2).collect::<Vec<_>>().join("\n");
    folder.write("hour.csv", &hour);
    folder.text("import --dataset hours --venue binance --instrument BTCUSDT --interval 1h hour.csv");
    folder.text("import --dataset other --venue binance --instrument ETHUSDT --interval 1m bars.csv");
}

#[test]
fn a_dataset_tells_the_past_and_the_venue_what_it_leaves_out() {
    let exchange = exchange();
    let folder = ground(&exchange, "binance", "BTCUSDT");
    write_bars(&folder);
    let refused = |from: &str| folder.refusal(&format!("paper paper.toml --run P --set warmup.from={from}"));
    let length = refused("hours");
    assert!(length.contains("its bars last 1h, those of the run 1m"), "{length}");
    let other = refused("other");
    assert!(other.contains("it holds binance:ETHUSDT:bars and no binance:BTCUSDT:bars"), "{other}");
    assert!(refused("nowhere").contains("nowhere"));
    assert!(!folder.path("P").exists());
    let examined = folder.answer("doctor paper.toml --set warmup.from=past --set warmup.bars=60").to_string();
    assert!(examined.contains("60 of BTCUSDT (47 of a dataset)"), "{examined}");
    folder.answer("paper paper.toml --run P --for 3s --set warmup.from=past --set warmup.bars=60");
    exchange.stop().unwrap();
    let shown = folder.answer("show P --kind history");
    let events = shown["events"].as_array().unwrap();
    let told: Vec<(&str, &str)> = events
        .iter()
        .map(|event| {
            let word = |value: &'static str| event["event"][value].as_str();
            (word("source").unwrap(), event["event"]["bar"]["open_at"].as_str().unwrap())
        })
        .collect();
    let of = |source: &str| told.iter().filter(|(from, _)| *from == source).count();
    assert_eq!((told.len(), of("dataset"), of("venue")), (60, 47, 13), "{told:?}");
    assert!(told.windows(2).all(|pair| pair[0].1 < pair[1].1), "oldest first, each once: {told:?}");
    let first = &events[0]["event"]["bar"];
    assert_eq!(first["open"].as_str(), Some("50000.12"), "at the digits of now: {first}");
    plays_again(&folder);
}
