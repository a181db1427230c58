//! Faulty data of a run on paper: named in its record, and nothing is decided on it.

use fake_exchange::Dialect;
use serde_json::Value;

use super::folder::Folder;
use super::paper::{begun, compare, count, exchange, ground, plays_again, until};
use super::paper_faults::set_off;

/// Every event of the run.
fn events(folder: &Folder) -> Vec<Value> {
    folder.text("export P --format jsonl --out events.jsonl");
    let text = std::fs::read_to_string(folder.path("events.jsonl")).unwrap();
    std::fs::remove_file(folder.path("events.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was found in the data, one after the other.
fn found(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|event| event["kind"] == "data_fault").collect()
}

fn of<'a>(found: &[&'a Value], finding: &str) -> Vec<&'a Value> {
    found.iter().copied().filter(|event| event["event"]["finding"] == finding).collect()
}

#[test]
fn a_trade_far_out_is_withheld_and_named_and_a_stream_that_freezes_closes_the_gate() {
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let mut child = begun(&folder);
    until(&folder, |status| count(status, "ticks") > 200);
    for (number, percent) in [(1, 40), (2, -60), (3, 100_000)] {
        set_off(&exchange, &format!(r#"{{"verb":"price_spike","symbol":"BTCUSDT","percent":{percent}}}"#));
        until(&folder, |status| count(status, "trades_discarded") >= number);
    }
    set_off(&exchange, r#"{"verb":"freeze","stream":"btcusdt@trade"}"#);
    until(&folder, |status| count(status, "feeds_lost_now") == 1);
    set_off(&exchange, r#"{"verb":"thaw","stream":"btcusdt@trade"}"#);
    let ticks = until(&folder, |status| count(status, "feeds_lost_now") == 0)["ticks"].as_u64().unwrap();
    until(&folder, |status| count(status, "ticks") > ticks + 100);
    child.kill().unwrap();
    child.wait().unwrap();
    plays_again(&folder);
    let answer = folder.answer("paper paper.toml --run P --for 2s");
    assert!(count(&answer, "trades_discarded") >= 3 && count(&answer, "data_faults") >= 8, "{answer}");
    assert_eq!(plays_again(&folder)["head"], answer["head"]);
    // Told and named together they are what the exchange sent.
    compare(&exchange, "BTCUSDT", &folder);

    let events = events(&folder);
    let found = found(&events);
    let prices = |finding: &str| {
        let numbers = of(&found, finding).into_iter().map(|event| event["event"]["price"].clone());
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(prices("discarded").len(), 3, "{found:?}");
    assert_eq!(prices("withheld"), prices("discarded"));
    let [stale] = of(&found, "stale")[..] else { panic!("{found:?}") };
    assert_eq!(stale["event"]["stream"], "trades");
    assert_eq!(of(&found, "spoke").len(), 1);
    // Nothing follows from what was found, and no bar knows of a price that was withheld.
    let seqs: Vec<&Value> = found.iter().map(|event| &event["seq"]).collect();
    let others = events.iter().filter(|event| event["kind"] != "data_fault");
    let follow: Vec<&Value> = others.filter(|event| seqs.contains(&&event["cause"]["seq"])).collect();
    assert!(follow.is_empty(), "{follow:?}");
    let highest = prices("discarded").iter().map(number).fold(0.0, f64::max);
    let bars: Vec<f64> = events
        .iter()
        .filter(|event| event["kind"] == "bar_closed")
        .map(|event| number(&event["event"]["high"]))
        .collect();
    assert!(bars.len() > 3 && bars.iter().all(|high| *high * 10.0 < highest), "{bars:?} {highest}");
    let shown = folder.text("show P --kind data_fault");
    for words in ["waits: farther than", "is not told: nothing confirmed it", "the stream is stale"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(folder.text("status P").contains("trades left out"));
    exchange.stop().unwrap();
}

#[test]
fn a_crossed_quote_is_named_and_not_told() {
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let config = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
    let quotes = config.replace("kind = \"trades\"", "kind = \"quotes\"");
    let bars =
        "[[data]]\nvenue = \"binance\"\nsymbol = \"BTCUSDT\"\nkind = \"bars\"\ninterval = \"1m\"\n[journal]";
    let quotes =
        quotes.replace("[bars]\nrule = \"time\"\ninterval = \"1m\"\n", "").replace("[journal]", bars);
    folder.write("paper.toml", &quotes);
    let mut child = begun(&folder);
    until(&folder, |status| count(status, "ticks") > 50);
    set_off(&exchange, r#"{"verb":"cross_book","symbol":"BTCUSDT"}"#);
    let ticks = until(&folder, |status| count(status, "data_faults") == 1)["ticks"].as_u64().unwrap();
    until(&folder, |status| count(status, "ticks") > ticks + 50);
    child.kill().unwrap();
    child.wait().unwrap();
    plays_again(&folder);
    let events = events(&folder);
    let [crossed] = found(&events)[..] else { panic!("{:?}", found(&events)) };
    assert_eq!(crossed["event"]["finding"], "crossed");
    assert!(number(&crossed["event"]["bid"]) >= number(&crossed["event"]["ask"]), "{crossed}");
    let quotes = events.iter().filter(|event| event["kind"] == "quote");
    assert!(quotes.clone().count() > 50);
    for quote in quotes {
        assert!(number(&quote["event"]["bid"]) < number(&quote["event"]["ask"]), "{quote}");
    }
    exchange.stop().unwrap();
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}
