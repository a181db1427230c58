//! The default ensemble on real days of three markets, played fast, killed and cut off over closes: what it signals is what
//! the backtest signals that saw everything.
//!
//! The short run is part of every test run. The long one, at 10 000 times the speed of the wall clock:
//!
//! ```text
//! PAPER_ENSEMBLE_SEED=7 cargo test -p engine-cli --test program -- --ignored --nocapture paper_ensemble
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fake_exchange::{Bar, Dialect, FakeExchange, Fault, Running, Settings, Symbol, Time};
use serde_json::Value;

use crate::folder::Folder;
use crate::paper::{Random, begun, count, plays_again, variable};

const DAY_NS: i64 = 86_400_000_000_000;
/// 2023-01-01, when the youngest of the markets has 873 days behind it.
const ORIGIN_NS: i64 = 19_358 * DAY_NS;
/// The days before, from which both begin.
const PAST_DAYS: i64 = 800;

const MARKETS: [&str; 3] = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

const STRATEGY: &str = r#"
[costs]
taker_fee = "0.1%"
[risk]
account = "cash"
drawdown_max = "40%"
[regime]
detector = "two-axis"
[strategy]
name = "rg-ens12"
target = "40%"
drawdown_limit = "25%"
band = "20%"
cost = "15bps"
history_min = 60
"#;

fn file(symbol: &str) -> Option<PathBuf> {
    let name = format!("../../../shared/data/market/bars/binance_spot_{symbol}_1d_to_2024.csv.zst");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if !path.exists() {
        println!("skipped: shared data not found: {symbol} daily bars");
        return None;
    }
    Some(path)
}

/// The days of a market from the first of the past on, with the columns that the fake exchange reads.
fn days(symbol: &str) -> Option<Vec<Bar>> {
    let text = zstd::decode_all(std::fs::File::open(file(symbol)?).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    // Volumes of old days are finer than the steps of now, which nothing is traded in.
    let columns = |line: &str| {
        let columns: Vec<&str> = line.split(',').take(6).collect();
        let cut = columns[5].find('.').map_or(columns[5].len(), |point| columns[5].len().min(point + 6));
        format!("{},{}", columns[..5].join(","), &columns[5][..cut])
    };
    let text: Vec<String> = text.lines().map(columns).collect();
    let bars = Bar::from_csv(&text.join("\n"), DAY_NS, 8, 5).unwrap();
    Some(bars.into_iter().filter(|bar| bar.open_time_ns >= ORIGIN_NS - PAST_DAYS * DAY_NS).collect())
}

fn exchange(speed: u32) -> Option<Running> {
    let symbol = |name: &&str| {
        Some(Symbol {
            price_decimals: 8,
            quantity_decimals: 5,
            tick: "0.00000001".to_owned(),
            bars: days(name)?,
            ..Symbol::named(name).unwrap()
        })
    };
    let symbols = MARKETS.iter().map(symbol).collect::<Option<Vec<Symbol>>>()?;
    let mut settings = Settings::new(Dialect::Binance, &MARKETS).unwrap();
    settings.symbols = symbols;
    settings.time = Time::Speed(speed);
    settings.origin_ns = ORIGIN_NS;
    settings.rate = 0;
    settings.past_bars = 0;
    Some(FakeExchange::start(settings).unwrap())
}

fn data(extra: &str) -> String {
    let table = |symbol: &&str| {
        format!("[[data]]\nvenue = \"binance\"\nsymbol = \"{symbol}\"\nkind = \"bars\"\n{extra}")
    };
    MARKETS.iter().map(table).collect()
}

fn ground(exchange: &Running) -> Folder {
    let (folder, address) = (Folder::new(), exchange.address());
    let live = format!(
        "[live]\nws_url = \"ws://{address}\"\nrest_url = \"http://{address}\"\nclock = \"venue\"\nsegment_kib = 16\n"
    );
    let warmup = format!("[warmup]\nbars = {PAST_DAYS}\n[journal]\nsnapshot_every = 50\n");
    let run = "[run]\ncapital = \"100000\"\n";
    folder.write("paper.toml", &format!("{run}{}{warmup}{live}{STRATEGY}", data("interval = \"1d\"\n")));
    let run = format!("{run}fill = \"next-open\"\nfrom = \"2020-10-23\"\n");
    folder.write("whole.toml", &format!("{run}{}{STRATEGY}", data("")));
    for symbol in MARKETS {
        let line = format!("import --dataset data --venue binance --instrument {symbol} --interval 1d");
        folder.text(&format!("{line} {}", file(symbol).unwrap().display()));
    }
    folder
}

/// A day and a market.
type Close = (i64, String);

/// Why something was signalled, by the close it follows: target, regime, scale and signal to the last digit shown. What
/// only follows from how the account stands is left out, for the accounts begin on different days. The close is that of
/// the market's last bar in the run, or for a run that keeps no bars the moment itself: a busy machine signals late.
fn signals(folder: &Folder, run: &str) -> BTreeMap<Close, String> {
    let closes = closes(folder, run);
    let mut signals = BTreeMap::new();
    for event in shown(folder, run, "signalled") {
        let because = event["event"]["because"].as_str().unwrap();
        let parts: Vec<&str> = because.split(", ").filter(|part| !part.starts_with("held")).collect();
        if !parts.contains(&"account strayed") {
            let market = event["event"]["instrument"].as_str().unwrap().to_owned();
            let seq = event["seq"].as_u64().unwrap();
            let last = closes.get(&market).and_then(|of_market| of_market.range(..seq).next_back());
            let day = last.map_or_else(|| day(&event["at"]), |(_, day)| *day);
            let before = signals.insert((day, market), parts.join(", "));
            assert_eq!(before, None, "signalled twice: {event}");
        }
    }
    signals
}

/// The closes of the bars that a run keeps, by market and event.
fn closes(folder: &Folder, run: &str) -> BTreeMap<String, BTreeMap<u64, i64>> {
    let mut closes: BTreeMap<String, BTreeMap<u64, i64>> = BTreeMap::new();
    for event in shown(folder, run, "bar") {
        let market = event["event"]["instrument"].as_str().unwrap().to_owned();
        closes
            .entry(market)
            .or_default()
            .insert(event["seq"].as_u64().unwrap(), day(&event["event"]["close_at"]));
    }
    closes
}

fn shown(folder: &Folder, run: &str, kind: &str) -> Vec<Value> {
    folder.answer(&format!("show {run} --kind {kind}"))["events"].as_array().unwrap().clone()
}

/// The first close behind the beginning of the run, which a busy machine begins late.
fn first_close(folder: &Folder) -> i64 {
    let opened = shown(folder, "P", "opened");
    moment_ns(&opened[0]["at"]).div_euclid(DAY_NS) + 1
}

fn moment_ns(moment: &Value) -> i64 {
    let moment = chrono::DateTime::parse_from_rfc3339(moment.as_str().unwrap()).unwrap();
    moment.timestamp_nanos_opt().unwrap()
}

/// The day that begins at a moment.
fn day(moment: &Value) -> i64 {
    let ns = moment_ns(moment);
    assert_eq!(ns % DAY_NS, 0, "{moment} begins no day");
    ns / DAY_NS
}

/// The closes whose next open a cut hid: what is decided there waits for another open, and holds back what is decided
/// meanwhile.
fn without_open(folder: &Folder, days: std::ops::RangeInclusive<i64>) -> BTreeSet<Close> {
    let opens = shown(folder, "P", "bar_open").into_iter();
    let close = |open: Value| {
        (day(&open["event"]["open_at"]), open["event"]["instrument"].as_str().unwrap().to_owned())
    };
    let opened: BTreeSet<Close> = opens.map(close).collect();
    let all = days.flat_map(|day| MARKETS.map(|market| (day, format!("binance:{market}"))));
    all.filter(|close| !opened.contains(close)).collect()
}

/// The first close that a market told in another round than the others, as a bar of the past or behind a later close: the
/// policy decides such a round without that market. It takes a machine that needs a day of this speed to begin a run anew.
fn told_apart(folder: &Folder, days: std::ops::RangeInclusive<i64>) -> Option<Close> {
    let mut told: BTreeMap<i64, BTreeMap<String, u64>> = BTreeMap::new();
    for (market, of_market) in closes(folder, "P") {
        for (seq, day) in of_market {
            let before = told.entry(day).or_default().insert(market.clone(), seq);
            assert_eq!(before, None, "{market} told the bar of {day} twice");
        }
    }
    let all = days.flat_map(|day| MARKETS.map(|market| (day, format!("binance:{market}"))));
    let mut all = all.filter(|(day, market)| {
        let later = told.range(day + 1..).flat_map(|(_, markets)| markets.values()).min();
        let here = told.get(day).and_then(|markets| markets.get(market));
        here.is_none_or(|here| later.is_some_and(|later| later < here))
    });
    all.next()
}

/// Plays `days` days at `speed`, killed and cut off so many times at random, and has so many signals at least. Where the
/// machine is too slow for that speed, it is played slower, twice at most.
fn lives_through(speed: u32, days: i64, kills: u64, cuts: u64, wanted: usize) {
    let slow = [speed, speed / 2].into_iter().all(|speed| {
        let late = lived_through(speed, days, kills, cuts, wanted);
        late.inspect(|late| println!("at {speed} times: {late}; slower")).is_some()
    });
    if slow {
        assert_eq!(lived_through(speed / 4, days, kills, cuts, wanted), None);
    }
}

/// So much of the market's time by the wall.
fn wall(speed: u32, market_ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(market_ns / i64::from(speed)).unwrap())
}

/// Moments of the whole: of kills at random, of cuts over the closes of days with their length.
fn acts(
    random: &mut Random,
    (speed, days): (u32, i64),
    (kills, cuts): (u64, u64),
) -> Vec<(Duration, Option<Duration>)> {
    let whole = wall(speed, days * DAY_NS);
    let mut acts: Vec<(Duration, Option<Duration>)> = Vec::new();
    for _ in 0..kills {
        acts.push((whole.mul_f64(random.below(1_000_000) as f64 / 1e6), None));
    }
    for _ in 0..cuts {
        let day = 1 + i64::try_from(random.below(days.unsigned_abs() - 1)).unwrap();
        let minutes = 1 + i64::try_from(random.below(300)).unwrap();
        let length = wall(speed, minutes * 60_000_000_000);
        acts.push((wall(speed, day * DAY_NS).saturating_sub(length / 2), Some(length)));
    }
    acts.sort_unstable();
    acts
}

/// What came too late, where the machine was too slow.
fn lived_through(speed: u32, days: i64, kills: u64, cuts: u64, wanted: usize) -> Option<String> {
    let seed = variable("PAPER_ENSEMBLE_SEED", 20_261_129).max(1);
    println!("PAPER_ENSEMBLE_SEED={seed}");
    let mut random = Random(seed);
    let exchange = exchange(speed)?;
    let folder = ground(&exchange);
    let started = Instant::now();
    let whole = wall(speed, days * DAY_NS);
    let acts = acts(&mut random, (speed, days), (kills, cuts));
    let fault = |text: &str| exchange.fault(Fault::from_json(text).unwrap()).unwrap();
    let mut child = begun(&folder);
    for (moment, cut) in acts {
        std::thread::sleep(moment.saturating_sub(started.elapsed()));
        match cut {
            Some(length) => {
                fault(r#"{"verb":"drop_conn","how":"reset"}"#);
                fault(r#"{"verb":"refuse_connect","n":100000}"#);
                std::thread::sleep(length);
                fault(r#"{"verb":"refuse_connect","n":0}"#);
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                child = begun(&folder);
            }
        }
        assert_eq!(child.try_wait().unwrap(), None, "nothing ends a run");
    }
    std::thread::sleep(whole.saturating_sub(started.elapsed()));
    child.kill().unwrap();
    child.wait().unwrap();
    let lived = folder.answer("paper paper.toml --run P --for 3s");
    exchange.stop().unwrap();
    assert_eq!(plays_again(&folder)["head"], lived["head"]);
    folder.answer("backtest whole.toml --run W --dataset data");
    let (lived, mut expected) = (signals(&folder, "P"), signals(&folder, "W"));
    let Some((last, _)) = lived.keys().next_back().cloned() else {
        return Some("nothing was signalled".to_owned());
    };
    let first = first_close(&folder);
    expected.retain(|(day, _), _| (first..=last).contains(day));
    if let Some(close) = told_apart(&folder, first..=last) {
        return Some(format!("{close:?} was told apart from its moment"));
    }
    let hidden = without_open(&folder, first..=last);
    let missing: Vec<&Close> = expected.keys().filter(|close| !lived.contains_key(*close)).collect();
    println!(
        "{} of {} signals over {} days, behind opens that were cut off: {:?}; {} events",
        expected.len() - missing.len(),
        expected.len(),
        last - first + 1,
        missing,
        count(&folder.answer("verify P"), "events")
    );
    for (close, because) in &lived {
        assert_eq!(Some(because), expected.get(close), "{close:?}");
    }
    for (day, market) in missing {
        let is_hidden = (*day - 2..=*day).any(|day| hidden.contains(&(day, market.clone())));
        assert!(is_hidden, "{day} {market}: {:?}", expected.get(&(*day, market.clone())));
    }
    assert!(lived.len() >= wanted, "{} of {}", lived.len(), expected.len());
    None
}

#[test]
fn the_ensemble_signals_what_the_backtest_does_though_it_is_killed_and_cut_off() {
    // A busy machine misses opens at this speed: they are a price of now for 14 ms.
    lives_through(60_000, 14, 3, 2, 3);
}

#[test]
#[ignore = "takes a quarter of an hour"]
fn the_same_over_a_hundred_days_with_fifty_kills_and_twenty_cuts() {
    lives_through(10_000, 100, 50, 20, 93);
}
