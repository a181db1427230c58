//! Trading on paper against the fake exchange: killed, taken up, played again, and compared with what the exchange sent.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fake_exchange::{Dialect, FakeExchange, Fault, Running, Settings, Symbol, Time};
use serde_json::Value;

use crate::folder::Folder;

const CONFIG: &str = r#"
[run]
capital = "100000"
[[data]]
venue = "VENUE"
symbol = "SYMBOL"
kind = "trades"
[bars]
rule = "time"
interval = "1m"
[journal]
snapshot_every = 100
[latency]
entry = "20ms"
response = "20ms"
[risk]
orders_per_minute_max = 1000
[warmup]
bars = 30
[live]
ws_url = "ws://ADDRESS"
rest_url = "http://ADDRESS"
clock = "venue"
segment_kib = 16
[strategy]
name = "ema-cross"
fast = 1
slow = 2
direction = "long-short"
size = { equity_share = "10%" }
"#;

/// Numbers that follow from a seed; a failure names it.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// From zero to below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// A setting of a long run from the environment.
pub(crate) fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// A market that is sixty times as fast as the clock on the wall: a bar of a minute lasts a second.
pub(crate) fn exchange(dialect: Dialect, symbol: &str) -> Running {
    let mut settings = Settings::new(dialect, &[symbol]).unwrap();
    settings.ping_every = Duration::from_secs(2);
    settings.time = Time::Speed(60);
    settings.rate = 5;
    settings.past_bars = 800;
    FakeExchange::start(settings).unwrap()
}

pub(crate) fn ground(exchange: &Running, venue: &str, symbol: &str) -> Folder {
    let folder = Folder::new();
    let address = exchange.address().to_string();
    let config = CONFIG.replace("VENUE", venue).replace("SYMBOL", symbol).replace("ADDRESS", &address);
    // Kraken's streams have a version in their path.
    let path = if venue == "kraken" { "/v2\"" } else { "\"" };
    folder
        .write("paper.toml", &config.replace(&format!("ws://{address}\""), &format!("ws://{address}{path}")));
    folder
}

pub(crate) fn begun(folder: &Folder) -> Child {
    let mut command = folder.command("paper paper.toml --run P --json");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The status beside the run, once `is_reached` holds for it.
pub(crate) fn until(folder: &Folder, is_reached: impl Fn(&Value) -> bool) -> Value {
    let waited = Instant::now();
    loop {
        let text = std::fs::read_to_string(folder.path("P/status.json")).unwrap_or_default();
        if let Ok(status) = serde_json::from_str(&text)
            && is_reached(&status)
        {
            return status;
        }
        assert!(waited.elapsed() < Duration::from_secs(90), "it does not come so far: {text}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn count(status: &Value, key: &str) -> u64 {
    status[key].as_u64().unwrap_or_default()
}

/// Every trade that the run's record tells or names as not told, as (milliseconds, price, quantity), and how often its feed
/// was lost.
fn recorded(folder: &Folder) -> (Vec<(i64, String, String)>, usize) {
    folder.text("export P --format jsonl --out events.jsonl");
    let text = std::fs::read_to_string(folder.path("events.jsonl")).unwrap();
    std::fs::remove_file(folder.path("events.jsonl")).unwrap();
    let (mut trades, mut losses) = (Vec::new(), 0);
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        if event["kind"] == "trade" || event["event"]["finding"] == "discarded" {
            let at =
                chrono::DateTime::parse_from_rfc3339(event["event"]["venue_at"].as_str().unwrap()).unwrap();
            let number = |key: &str| event["event"][key].as_str().unwrap().to_owned();
            trades.push((at.timestamp_millis(), number("price"), number("qty")));
        }
        losses += usize::from(event["kind"] == "feed" && line.contains("\"lost\""));
    }
    (trades, losses)
}

/// The trades of the market, as it tells them.
pub(crate) fn truth(exchange: &Running, symbol: &str) -> Vec<(i64, String, String)> {
    let decimal = |units: u64, scale: u32| {
        let (whole, part) = (units / 10_u64.pow(scale), units % 10_u64.pow(scale));
        let text = format!("{whole}.{part:0>width$}", width = scale as usize);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let rules = Symbol::named(symbol).unwrap();
    let trades = exchange.truth().trades(symbol).unwrap();
    trades
        .iter()
        .map(|trade| {
            (
                trade.time_ns / 1_000_000,
                decimal(trade.price, rules.price_decimals),
                decimal(trade.quantity, rules.quantity_decimals),
            )
        })
        .collect()
}

/// The record holds every trade that was made from its first to its last, none of them twice, whatever broke meanwhile;
/// answers how often the feed was lost.
pub(crate) fn compare(exchange: &Running, symbol: &str, folder: &Folder) -> usize {
    let (recorded, losses) = recorded(folder);
    let truth = truth(exchange, symbol);
    let first = truth.iter().position(|made| made == recorded.first().unwrap()).unwrap();
    let told = &truth[first..truth.len().min(first + recorded.len())];
    let differs = recorded.iter().zip(told).position(|(told, made)| told != made);
    assert_eq!(
        (differs, told.len()),
        (None, recorded.len()),
        "of {} trades, with the feed lost {losses} times: {:?}",
        recorded.len(),
        differs
            .map(|place| (&recorded[place.saturating_sub(2)..recorded.len().min(place + 3)], &told[place]))
    );
    losses
}

/// How many segments of the run were put away.
pub(crate) fn segments(folder: &Folder) -> usize {
    std::fs::read_dir(folder.path("P/segments")).map_or(0, |entries| entries.count())
}

/// The record is sound, and plays again to the same events.
pub(crate) fn plays_again(folder: &Folder) -> Value {
    let verified = folder.answer("verify P");
    assert_eq!(verified["sound"], true, "{verified}");
    let checked = folder.answer("replay P --check");
    assert_eq!((&checked["same"], &checked["venue_played"]), (&true.into(), &true.into()), "{checked}");
    checked
}

fn killed_and_taken_up(dialect: Dialect, venue: &str, symbol: &str, market: &str) {
    let exchange = exchange(dialect, market);
    let folder = ground(&exchange, venue, symbol);
    let (mut events, mut ticks) = (0, 0);
    for fills in [1, 3] {
        let mut child = begun(&folder);
        let status = until(&folder, |status| {
            status["pid"] == child.id()
                && count(status, "fills") >= fills
                && count(status, "ticks") > ticks + 50
        });
        assert_eq!(folder.answer("status P")["running"], true, "{status}");
        child.kill().unwrap();
        let left = String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr).into_owned();
        assert!(!left.contains("engine:"), "{left}");
        let checked = plays_again(&folder);
        assert!(count(&checked, "events") > events, "{checked}");
        (events, ticks) = (count(&checked, "events"), count(&checked, "ticks"));
        assert_eq!((&checked["complete"], &checked["state"]), (&false.into(), &"open".into()));
    }
    exchange.fault(Fault::from_json(r#"{"verb":"drop_conn","how":"reset"}"#).unwrap()).unwrap();
    let answer = folder.answer("paper paper.toml --run P --for 4s");
    assert_eq!(count(&answer, "taken_up_behind"), events, "{answer}");
    // From its last snapshot, however long its record is.
    assert!(count(&answer, "played_again") < 300 && events > 300, "{answer}");
    assert!(count(&answer, "events") > events && count(&answer, "fills") >= 3, "{answer}");
    assert_eq!(answer["signature"]["signed"], true, "{answer}");
    let checked = plays_again(&folder);
    assert_eq!(checked["head"], answer["head"]);
    assert!(compare(&exchange, market, &folder) >= 3, "killed twice and disconnected once");
    // A run that its operator ended goes on as one that was killed does, and is signed anew.
    let signed = count(&answer, "events");
    std::fs::copy(folder.path("P/checkpoint.json"), folder.path("earlier.json")).unwrap();
    let answer = folder.answer("paper paper.toml --run P --for 2s");
    assert_eq!(count(&answer, "taken_up_behind"), signed, "{answer}");
    assert!(count(&answer, "played_again") < 300 && count(&answer, "events") > signed + 50, "{answer}");
    assert_eq!(plays_again(&folder)["head"], answer["head"]);
    assert_eq!(folder.answer("verify P")["signature"]["status"], "trusted");
    assert_eq!(folder.answer("verify P --against earlier.json")["sound"], true, "it was only gone on with");
    compare(&exchange, market, &folder);
    assert_eq!(folder.text("show P").matches("the operator goes on").count(), 1);
    assert_eq!(folder.answer("show P --kind resumed")["shown"], 1);
    assert!(count(&folder.answer("show P --kind history"), "shown") >= 30, "it learned from the past");
    assert!(segments(&folder) >= 2, "what is full is put away");
    let parity = folder.command("parity P --json").output().unwrap();
    let parity: Value = serde_json::from_slice(&parity.stdout).unwrap();
    assert!(count(&parity, "orders") >= 3, "{parity}");
    exchange.stop().unwrap();
}

#[test]
fn a_run_on_binance_that_is_killed_goes_on_and_its_record_is_what_the_exchange_sent() {
    killed_and_taken_up(Dialect::Binance, "binance", "BTCUSDT", "BTCUSDT");
}

#[test]
fn the_same_on_coinbase() {
    killed_and_taken_up(Dialect::Coinbase, "coinbase", "BTC-USD", "BTCUSD");
}

#[test]
fn the_same_on_kraken() {
    killed_and_taken_up(Dialect::Kraken, "kraken", "BTC/USD", "BTCUSD");
}

#[test]
fn a_signal_closes_a_run_on_paper_and_gives_its_exit_code() {
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let child = begun(&folder);
    until(&folder, |status| count(status, "ticks") > 20);
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(143), "{}", String::from_utf8_lossy(&ended.stderr));
    let answer: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(answer["error"]["kind"], "interrupted");
    plays_again(&folder);
    let verified = folder.answer("verify P");
    assert_eq!(
        (&verified["state"], &verified["signature"]["status"]),
        (&"interrupted".into(), &"trusted".into())
    );
    exchange.stop().unwrap();
}

#[test]
fn what_cannot_be_traded_on_paper_is_refused_before_anything_is_written() {
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let refused = |set: &str| folder.refusal(&format!("paper paper.toml --run P --set {set}"));
    assert!(refused("run.fill=at-signal").contains("on paper there are none"));
    assert!(refused("run.mode=backtest").contains("remove that"));
    assert!(refused("live.rest_url=http://10.0.0.1:9").contains("loopback"));
    assert!(refused("live.clock=noon").contains("system, venue"));
    assert!(refused("warmup.bars=-1").contains("warmup.bars"));
    let other = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
    folder.write("other.toml", &other.replace("\"BTCUSDT\"", "\"DOGE\""));
    assert!(folder.refusal("paper other.toml --run P").contains("it has no such symbol"));
    folder.write("other.toml", &other.replace("\"binance\"", "\"bitmex\""));
    assert!(folder.refusal("paper other.toml --run P").contains("market data can be had from"));
    assert!(!folder.path("P").exists());
    exchange.stop().unwrap();
    assert!(folder.refusal("paper paper.toml --run P").contains("/fakex/clock"), "nobody is there");
    assert!(folder.refusal("status P").contains("read the status of P"));
}

#[test]
fn what_a_run_would_lack_is_found_before_it_begins() {
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let health = |answer: &Value, name: &str| {
        let checks = answer["checks"].as_array().unwrap();
        let found = checks.iter().find(|check| check["name"] == name);
        found.map_or_else(|| Value::Null, |check| check["health"].clone())
    };
    let answer = folder.answer("doctor paper.toml");
    for name in ["key", "clock", "instruments", "conductor", "past bars", "streams"] {
        assert_eq!(health(&answer, name), "sound", "{name}: {answer}");
    }
    assert!(answer.to_string().contains("30 of BTCUSDT") && health(&answer, "disk") != "broken", "{answer}");
    let few = folder.answer("doctor paper.toml --set warmup.bars=5000");
    assert_eq!(health(&few, "past bars"), "doubtful", "{few}");
    let refused = folder.json("doctor paper.toml --set live.ws_url=ws://127.0.0.1:1", 1);
    assert_eq!(health(&refused, "streams"), "broken", "{refused}");
    assert!(refused.to_string().contains("no connection to ws://127.0.0.1:1"), "{refused}");
    let other = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
    folder.write("other.toml", &other.replace("\"BTCUSDT\"", "\"DOGE\""));
    let none = folder.json("doctor other.toml", 1);
    assert_eq!(
        (health(&none, "configuration"), &none["can_begin"]),
        ("broken".into(), &false.into()),
        "{none}"
    );
    exchange.stop().unwrap();
    let gone = folder.json("doctor paper.toml --set live.clock=system", 1);
    assert_eq!(health(&gone, "clock"), "broken", "{gone}");
    assert!(!folder.path("P").exists() && std::fs::read_dir(folder.dir.path()).unwrap().count() < 6);
}

#[test]
fn an_undisturbed_run_has_the_orders_of_the_backtest_over_what_it_saw() {
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let folder = ground(&exchange, "binance", "BTCUSDT");
    // Latencies of a moment: what is under way when the operator ends the run is filled in the backtest alone.
    let live =
        folder.answer("paper paper.toml --run P --for 8s --set latency.entry=1ns --set latency.response=1ns");
    exchange.stop().unwrap();
    assert!(count(&live, "orders") > 2, "{live}");
    let parity = folder.answer("parity P");
    assert_eq!(
        (parity["score"].as_f64(), count(&parity, "orders")),
        (Some(1.0), count(&live, "orders")),
        "{parity}"
    );
}

#[test]
fn frames_that_were_recorded_play_back_to_the_same_trades_and_orders() {
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let folder = ground(&exchange, "binance", "BTCUSDT");
    // Bars of trades, not of time: the venue has no past of those, so nothing but frames tells the run of them.
    let config = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
    folder.write("paper.toml", &config.replace("\"time\"\ninterval = \"1m\"", "\"ticks\"\ncount = 40"));
    let live = folder.answer("paper paper.toml --run P --frames F --for 5s");
    exchange.stop().unwrap();
    assert!(count(&live, "fills") > 0, "{live}");
    let (told, _) = recorded(&folder);
    std::fs::rename(folder.path("P"), folder.path("LIVE")).unwrap();
    // Nobody is there to ask: not for the time, not for the rules, not for the past.
    let line = "paper paper.toml --run P --playback F --set live.clock=system --json";
    let played = folder.command(line).output().unwrap();
    assert_eq!(played.status.code(), Some(0), "{}", String::from_utf8_lossy(&played.stderr));
    let (again, _) = recorded(&folder);
    // The end of the one came while a frame was on its way to its record.
    let common = told.len().min(again.len());
    assert_eq!(told[..common], again[..common]);
    assert!(told.len().max(again.len()) - common < 20, "{} of {}", again.len(), told.len());
    let orders = |run: &str| {
        folder.text(&format!("export {run} --what orders --format csv --out orders.csv"));
        let text = std::fs::read_to_string(folder.path("orders.csv")).unwrap();
        std::fs::remove_file(folder.path("orders.csv")).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (lived, replayed) = (orders("LIVE"), orders("P"));
    assert!(replayed.len() > 3 && lived.len().abs_diff(replayed.len()) <= 1, "{lived:?} {replayed:?}");
    // What had not been answered at the end may have no end in either.
    let answered = replayed.len().min(lived.len()) - 1;
    assert_eq!(lived[..answered], replayed[..answered]);
    plays_again(&folder);
    let refused = folder.refusal("paper paper.toml --run LIVE --playback F --set live.clock=system");
    assert!(refused.contains("played from its beginning"), "{refused}");
    let refused = folder.refusal("paper paper.toml --run Q --playback nowhere --set live.clock=system");
    assert!(refused.contains("nowhere"), "{refused}");
}
