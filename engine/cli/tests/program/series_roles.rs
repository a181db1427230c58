//! Bars that are decided on beside the ticks that fill: in a backtest and on paper, with one table of the strategy.

use std::fmt::Write as _;

use fake_exchange::{Dialect, Fault, Running};
use serde_json::Value;

use crate::folder::Folder;
use crate::paper::{begun, compare, count, exchange, ground, plays_again, until};

/// 2024-01-01.
const BEGIN_MS: i64 = 1_704_067_200_000;
const HOUR_MS: i64 = 3_600_000;
const HOURS: i64 = 96;

/// Trades of four days, every twenty seconds, and the bars of their hours.
fn write_market(folder: &Folder) {
    let (mut trades, mut bars) = (String::new(), String::from("timestamp,open,high,low,close,volume\n"));
    trades.push_str("timestamp,price,size\n");
    let mut state = 7_u64;
    let mut price = 100_000_i64;
    for hour in 0..HOURS {
        let (mut open, mut high, mut low) = (0, i64::MIN, i64::MAX);
        let mut volume = 0;
        for tick in 0..180 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            price += i64::try_from((state >> 33) % 401).unwrap() - 200;
            let qty = 1 + i64::try_from((state >> 50) % 9).unwrap();
            open = if tick == 0 { price } else { open };
            (high, low, volume) = (high.max(price), low.min(price), volume + qty);
            let at = BEGIN_MS + hour * HOUR_MS + tick * 20_000;
            writeln!(trades, "{at},{}.{:02},{qty}", price / 100, price % 100).unwrap();
        }
        let row = [open, high, low, price].map(|units| format!("{}.{:02}", units / 100, units % 100));
        // Nothing says that the first hour was seen whole, and nothing that the last is over: those bars are not built.
        if (1..HOURS - 1).contains(&hour) {
            writeln!(bars, "{},{},{volume}", BEGIN_MS + hour * HOUR_MS, row.join(",")).unwrap();
        }
    }
    folder.write("trades.csv", &trades);
    folder.write("bars.csv", &bars);
    folder.text("import --dataset data --venue v --instrument S --kind trades trades.csv");
    folder.text("import --dataset data --venue v --instrument S --kind bars --interval 1h bars.csv");
}

fn config(series: &[&str], rest: &str) -> String {
    let table = |kind: &&str| format!("[[data]]\nvenue = \"v\"\nsymbol = \"S\"\nkind = \"{kind}\"\n");
    let data: String = series.iter().map(table).collect();
    format!(
        "[run]\ncapital = \"10000\"\n{data}{rest}[regime]\n[latency]\nfeed = \"50ms\"\nentry = \"20ms\"\n\
         [costs]\ntaker_fee = \"0.1%\"\n[strategy]\nname = \"ema-cross\"\nfast = 2\nslow = 5\n\
         direction = \"long-short\"\nsize = {{ units = \"3\" }}\nstop_loss = \"1%\"\n"
    )
}

/// Kind, moment and words of every event about orders and regimes.
fn decisions(folder: &Folder, run: &str) -> Vec<(String, String, Value)> {
    folder.text(&format!("export {run} --format jsonl --out events.jsonl"));
    let text = std::fs::read_to_string(folder.path("events.jsonl")).unwrap();
    std::fs::remove_file(folder.path("events.jsonl")).unwrap();
    let kinds =
        ["order_submitted", "order_refused", "filled", "execution", "cancel_requested", "regime_changed"];
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let wanted = events.filter(|event| kinds.contains(&event["kind"].as_str().unwrap()));
    wanted
        .map(|event| {
            let word = |key: &str| event[key].as_str().unwrap().to_owned();
            (word("kind"), word("at"), event["event"].clone())
        })
        .collect()
}

/// Side, quantity and reason of every order; the moments differ by the delay of the feed, which bars that are built do not have.
fn orders(folder: &Folder, run: &str) -> Vec<[String; 3]> {
    let submitted = decisions(folder, run).into_iter().filter(|(kind, ..)| kind == "order_submitted");
    let part = |event: &Value, key: &str| event[key].as_str().unwrap_or_else(|| panic!("{event}")).to_owned();
    submitted.map(|(.., event)| ["side", "qty", "because"].map(|key| part(&event, key))).collect()
}

#[test]
fn bars_beside_trades_are_decided_on_as_bars_built_from_them_are() {
    let folder = Folder::new();
    write_market(&folder);
    folder.write("built.toml", &config(&["trades"], "[bars]\nrule = \"time\"\ninterval = \"1h\"\n"));
    folder.write("beside.toml", &config(&["bars", "trades"], ""));
    let built = folder.answer("backtest built.toml --dataset data --run B");
    let beside = folder.answer("backtest beside.toml --dataset data --run S");
    assert!(count(&beside, "fills") > 20, "{beside}");
    assert_eq!(count(&built["counts"], "bars_built"), HOURS.unsigned_abs() - 2, "{built}");
    let (ours, theirs) = (orders(&folder, "S"), orders(&folder, "B"));
    assert_eq!((ours.len() as u64, &ours), (count(&beside, "orders"), &theirs), "{built}");
    assert!(
        beside["assumptions"].to_string().contains("Bars are decided on once they are closed"),
        "{beside}"
    );
    for run in ["S", "B"] {
        assert_eq!(folder.answer(&format!("verify {run}"))["sound"], true);
        let checked = folder.answer(&format!("replay {run} --check --dataset data"));
        assert_eq!((&checked["same"], &checked["venue_played"]), (&true.into(), &true.into()), "{checked}");
    }
    let shown = folder.answer("show S --kind signal_bar");
    assert!(shown["events"].as_array().unwrap().is_empty(), "records lie in the dataset");
    folder.text("backtest beside.toml --dataset data --run E --set journal.self_contained=true");
    assert_eq!(count(&folder.answer("show E --kind signal_bar"), "shown"), HOURS.unsigned_abs() - 2);
    assert_eq!(decisions(&folder, "E"), decisions(&folder, "S"));
    assert_eq!(folder.answer("replay E --check")["same"], true);
}

#[test]
fn a_run_in_which_an_instrument_cannot_be_decided_on_or_filled_is_refused() {
    let folder = Folder::new();
    write_market(&folder);
    let refused = |text: &str| {
        folder.write("refused.toml", text);
        folder.refusal("backtest refused.toml --dataset data --run R")
    };
    let both = ["bars", "trades"];
    let twice = refused(&config(&both, "[bars]\nrule = \"time\"\ninterval = \"1h\"\n"));
    assert!(twice.contains("runs without a series of bars"), "{twice}");
    let model = refused(&config(&both, "").replace("[run]\n", "[run]\nfill = \"next-open\"\n"));
    assert!(model.contains("trades for the data of this run"), "{model}");
    let mark = refused(&config(&both, "").replace("[run]\n", "[run]\nmark = \"mid\"\n"));
    assert!(mark.contains("`run.mark` = \"mid\"") && mark.contains("has no quotes"), "{mark}");
    folder.text("import --dataset data --venue v --instrument T --kind bars --interval 1h bars.csv");
    let lacking = format!("{}[[data]]\nvenue = \"v\"\nsymbol = \"T\"\nkind = \"bars\"\n", config(&both, ""));
    let lacking = refused(&lacking);
    assert!(lacking.contains("of T it has bars and no trades; add a series of trades"), "{lacking}");
    assert!(!folder.path("R").exists());
}

/// The ground of a run over bars of a minute that the venue tells beside its trades.
fn ground_of_both(exchange: &Running, venue: &str, symbol: &str) -> Folder {
    let folder = ground(exchange, venue, symbol);
    let config = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
    let bars =
        format!("[[data]]\nvenue = \"{venue}\"\nsymbol = \"{symbol}\"\nkind = \"bars\"\ninterval = \"1m\"\n");
    folder.write("paper.toml", &config.replace("[bars]\nrule = \"time\"\ninterval = \"1m\"\n", &bars));
    folder
}

fn killed_and_taken_up(dialect: Dialect, venue: &str, symbol: &str, market: &str) {
    let exchange = exchange(dialect, market);
    let folder = ground_of_both(&exchange, venue, symbol);
    let mut ticks = 0;
    for fills in [1, 3] {
        let mut child = begun(&folder);
        until(&folder, |status| {
            status["pid"] == child.id()
                && count(status, "fills") >= fills
                && count(status, "ticks") > ticks + 50
        });
        child.kill().unwrap();
        child.wait().unwrap();
        ticks = count(&plays_again(&folder), "ticks");
    }
    exchange.fault(Fault::from_json(r#"{"verb":"drop_conn","how":"reset"}"#).unwrap()).unwrap();
    let answer = folder.answer("paper paper.toml --run P --for 5s");
    assert_eq!(plays_again(&folder)["head"], answer["head"]);
    compare(&exchange, market, &folder);
    exchange.stop().unwrap();
    assert!(count(&folder.answer("show P --kind signal_bar"), "shown") >= 5);
    let faults = folder.text("show P --kind data_fault");
    assert!(!faults.contains("not what its trades make"), "{faults}");
    assert_eq!(count(&folder.answer("show P --kind bar"), "shown"), 0);
    assert_eq!(count(&folder.answer("show P --kind bar_open"), "shown"), 0);
}

#[test]
fn on_paper_bars_of_the_venue_are_decided_on_and_its_trades_fill() {
    killed_and_taken_up(Dialect::Binance, "binance", "BTCUSDT", "BTCUSDT");
}

#[test]
fn so_they_are_on_kraken_which_does_not_say_when_a_bar_is_closed() {
    killed_and_taken_up(Dialect::Kraken, "kraken", "BTC/USD", "BTCUSD");
}
