//! Recording the fake exchange: what it said is in the files, whatever ends the recorder, and comes out of them again.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fake_exchange::{Dialect, FakeExchange, Fault, Running, Settings};
use serde_json::Value;

use crate::folder::Folder;
use crate::full_disk::Disk;
use crate::paper::{count, exchange, ground, truth};

type Trades = Vec<(i64, String, String)>;

/// Every trade of the dataset, as (milliseconds, price, quantity).
fn stored(folder: &Folder, data: &str) -> Trades {
    folder.text(&format!("export {data} --format csv --out files"));
    let mut trades = Vec::new();
    for entry in std::fs::read_dir(folder.path("files")).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with("trades.csv") {
            continue;
        }
        for line in std::fs::read_to_string(path).unwrap().lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let at = chrono::DateTime::parse_from_rfc3339(fields[0]).unwrap().timestamp_millis();
            trades.push((at, fields[1].to_owned(), fields[2].to_owned()));
        }
    }
    std::fs::remove_dir_all(folder.path("files")).unwrap();
    trades
}

/// Where in `all` the trades of `part` stand in one piece.
#[track_caller]
fn in_one_piece(all: &Trades, part: &Trades) {
    assert!(part.len() > 10, "only {} trades", part.len());
    let begin = all.windows(part.len()).position(|window| window == part.as_slice());
    assert!(begin.is_some(), "{} trades are not in one piece among {}", part.len(), all.len());
}

fn begun(folder: &Folder, line: &str) -> Child {
    let before = files(folder).len();
    let child = folder.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let waited = Instant::now();
    // A file of its own and a second of frames.
    while files(folder).iter().skip(before).all(|file| std::fs::metadata(file).unwrap().len() < 1_000) {
        assert!(waited.elapsed() < Duration::from_secs(60), "it does not record");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn files(folder: &Folder) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder.path("F")) else { return Vec::new() };
    let all = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = all.filter(|path| path.to_string_lossy().ends_with(".zst")).collect();
    files.sort();
    files
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// A market in its own time, so that a second of recording is one of its own.
fn steady(rate: u32) -> Running {
    let mut settings = Settings::new(Dialect::Binance, &["BTCUSDT"]).unwrap();
    (settings.rate, settings.past_bars) = (rate, 10);
    FakeExchange::start(settings).unwrap()
}

#[test]
fn a_recording_of_each_venue_holds_exactly_the_trades_that_the_exchange_made() {
    let venues = [
        (Dialect::Binance, "binance", "BTCUSDT"),
        (Dialect::Coinbase, "coinbase", "BTC-USD"),
        (Dialect::Kraken, "kraken", "BTC/USD"),
    ];
    for (dialect, venue, symbol) in venues {
        let exchange = exchange(dialect, symbol);
        let folder = ground(&exchange, venue, symbol);
        let told = folder.answer("record paper.toml --out F --for 3s");
        let all = truth(&exchange, &symbol.replace(['-', '/'], ""));
        exchange.stop().unwrap();
        assert!(count(&told, "frames") > 50 && told["connections"] == 1, "{told}");
        let imported = folder.answer("import --dataset data --format frames F");
        assert_eq!(imported["frames"]["unread"], 0, "{venue}: {imported}");
        assert_eq!(imported["frames"]["missing_trades"], serde_json::json!([]), "{venue}");
        assert_eq!(imported["series"][0]["series"], format!("{venue}:{symbol}:trades"));
        in_one_piece(&all, &stored(&folder, "data"));
        let again = folder.answer("import --dataset data F");
        assert_eq!(again["series"][0]["nothing_new"], true, "the same recording twice changes nothing");
    }
}

#[test]
fn what_the_exchange_sent_is_imported_and_what_it_did_not_is_named_as_a_hole() {
    let exchange = steady(100);
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let recorder = begun(&folder, "record paper.toml --out F --for 5s --json");
    // It comes back at once, and between two trades misses none, unless it is refused.
    exchange.fault(Fault::from_json(r#"{"verb":"refuse_connect","n":1}"#).unwrap()).unwrap();
    exchange.fault(Fault::from_json(r#"{"verb":"drop_conn","how":"reset"}"#).unwrap()).unwrap();
    let ended = recorder.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&told["connections"], &told["connections_lost"]), (&2.into(), &1.into()), "{told}");
    let truth_log = exchange.truth();
    let sent: BTreeSet<u64> = (1..=2)
        .flat_map(|link| truth_log.sent(link).unwrap())
        .filter_map(|text| serde_json::from_str::<Value>(&text).unwrap()["data"]["t"].as_u64())
        .collect();
    let all = truth(&exchange, "BTCUSDT");
    let ids: Vec<u64> = truth_log.trades("BTCUSDT").unwrap().iter().map(|trade| trade.id).collect();
    exchange.stop().unwrap();
    let imported = folder.answer("import --dataset data --format frames F");
    let stored = stored(&folder, "data");
    // What was on its way when the recorder ended or its connection broke was sent and not heard.
    let hole = &imported["frames"]["missing_trades"][0];
    let (after, before) = (count(hole, "after"), count(hole, "before"));
    assert!(before > after + 1, "{imported}");
    let (first, heard) = (*sent.iter().next().unwrap(), stored.len() as u64);
    let last = first + heard + (before - after - 1) - 1;
    let expected: Trades = ids
        .iter()
        .zip(&all)
        .filter(|(id, _)| (first..=last).contains(*id) && !(after + 1..before).contains(*id))
        .map(|(_, trade)| trade.clone())
        .collect();
    assert_eq!(stored, expected);
    let unheard: Vec<&u64> = sent.iter().filter(|id| (after + 1..before).contains(*id)).collect();
    assert!(unheard.len() < 100, "sent and not recorded: {unheard:?}");
    assert!(sent.last().unwrap() - last < 100, "the last {last} of {:?}", sent.last());
    let why = imported["frames"]["holes"][0].clone();
    assert!(why["until"].is_string() && !why["why"].as_str().unwrap().is_empty(), "{why}");
}

#[test]
fn a_recorder_that_is_killed_loses_a_second_at_most_and_the_next_one_goes_on() {
    let exchange = steady(200);
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let mut recorder = begun(&folder, "record paper.toml --out F --for 60s");
    std::thread::sleep(Duration::from_millis(2_500));
    recorder.kill().unwrap();
    recorder.wait().unwrap();
    let made = truth(&exchange, "BTCUSDT");
    let imported = folder.answer("import --dataset data --format frames F");
    let kept = stored(&folder, "data");
    in_one_piece(&made, &kept);
    let lost_ms = made.last().unwrap().0 - kept.last().unwrap().0;
    assert!(lost_ms < 1_000 + 500, "{lost_ms} ms are lost: {imported}");
    let again = folder.answer("record paper.toml --out F --for 1s");
    assert!(count(&again, "frames") > 0);
    exchange.stop().unwrap();
    let grown = folder.answer("import --dataset data --format frames F");
    assert!(grown["series"][0]["rows"].as_u64().unwrap() > 50, "{grown}");
    assert_eq!(grown["frames"]["holes"][0]["why"], "the recorder was killed");
    assert!(stored(&folder, "data").starts_with(&kept), "what was imported before stays as it is");
}

#[test]
fn signals_end_a_recording_well_and_a_second_recorder_is_refused() {
    let exchange = steady(100);
    let folder = ground(&exchange, "binance", "BTCUSDT");
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let recorder = begun(&folder, "record paper.toml --out F --for 60s --json");
        let refused = folder.refusal("record paper.toml --out F --for 30s");
        assert!(refused.contains("another recorder writes there"), "{refused}");
        signal(&recorder, name);
        let ended = recorder.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{}", String::from_utf8_lossy(&ended.stderr));
        let told: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert_eq!((&told["error"]["exit_code"], count(&told, "frames") > 0), (&code.into(), true), "{told}");
        let last = files(&folder).pop().unwrap();
        let text = zstd::decode_all(std::fs::File::open(last).unwrap()).unwrap();
        let line = String::from_utf8(text).unwrap();
        assert!(line.trim_end().ends_with("\"event\":\"ended\"}"), "the file says that it was ended");
    }
    exchange.stop().unwrap();
}

#[test]
fn a_full_disk_is_one_error_and_what_was_recorded_before_is_whole() {
    let Some(disk) = Disk::new(200) else { return };
    let exchange = steady(3_000);
    let folder = ground(&exchange, "binance", "BTCUSDT");
    let out = disk.folder.path().join("F");
    let refused = folder.refusal(&format!("record paper.toml --for 60s --out {}", out.display()));
    exchange.stop().unwrap();
    assert!(refused.contains("o space left") && refused.contains("free space"), "{refused}");
    let imported = folder.answer(&format!("import --dataset data --format frames {}", out.display()));
    assert!(count(&imported["series"][0], "rows") > 100, "{imported}");
    assert_eq!(
        (&imported["frames"]["torn"], &imported["frames"]["unread"]),
        (&serde_json::json!([]), &0.into())
    );
}

#[test]
fn files_that_are_torn_changed_empty_or_foreign_are_one_clear_line_and_store_nothing() {
    let exchange = steady(200);
    let folder = ground(&exchange, "binance", "BTCUSDT");
    folder.answer("record paper.toml --out F --for 3s");
    exchange.stop().unwrap();
    let path = files(&folder).remove(0);
    let whole = std::fs::read(&path).unwrap();
    let with = |bytes: &[u8]| std::fs::write(&path, bytes).unwrap();
    let import = "import --dataset data --format frames F";
    for bytes in [&whole[..0], b"\n", b"{\"frames\":1}\n", &whole[..7]] {
        with(bytes);
        let refused = folder.refusal(import);
        assert!(refused.contains("frames-000001"), "{refused}");
    }
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    with(&changed);
    let refused = folder.refusal(import);
    assert!(refused.contains("damaged at byte"), "{refused}");
    assert!(!folder.path("data").exists(), "nothing is stored");
    with(&whole[..whole.len() - 5]);
    let torn = folder.answer(import);
    assert!(torn["frames"]["torn"][0].as_str().unwrap().contains("its end is torn"), "{torn}");
    folder.write("foreign.jsonl", "{\"a\":1}\n");
    assert!(folder.refusal("import --dataset data --format frames foreign.jsonl").contains("is not zstd"));
    std::fs::create_dir(folder.path("empty")).unwrap();
    assert!(
        folder.refusal("import --dataset data --format frames empty").contains("holds no recorded frames")
    );
}

#[test]
fn a_backtest_and_a_run_on_paper_trade_on_a_recording() {
    let exchange = exchange(Dialect::Binance, "BTCUSDT");
    let folder = ground(&exchange, "binance", "BTCUSDT");
    folder.answer("record paper.toml --out F --for 6s");
    exchange.stop().unwrap();
    let imported = folder.answer("import --dataset data F");
    let config = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
    let (before, rest) = config.split_once("[live]").unwrap();
    let (_, strategy) = rest.split_once("[strategy]").unwrap();
    folder.write("backtest.toml", &format!("{before}[strategy]{strategy}"));
    let tested = folder.answer("backtest backtest.toml --dataset data --run B");
    assert_eq!(tested["ticks"], imported["series"][0]["rows"]);
    let (fast, begun) =
        (folder.answer("paper paper.toml --run P --playback F --set live.clock=system"), Instant::now());
    assert_eq!(fast["ticks"], imported["series"][0]["rows"], "{fast}");
    // Recorded at sixty times the clock on the wall: played at the same, it lasts as long.
    let slow = folder.answer("paper paper.toml --run Q --playback F --speed 60 --set live.clock=system");
    assert!(begun.elapsed() > Duration::from_secs(4), "it took {:?}", begun.elapsed());
    assert_eq!(
        (&slow["ticks"], &slow["orders"], &slow["fills"]),
        (&fast["ticks"], &fast["orders"], &fast["fills"])
    );
}

#[test]
fn the_fake_exchange_sends_a_recording_again_and_it_says_the_same() {
    let venues = [
        (Dialect::Binance, "binance", "BTCUSDT"),
        (Dialect::Coinbase, "coinbase", "BTC-USD"),
        (Dialect::Kraken, "kraken", "BTC/USD"),
    ];
    for (dialect, venue, symbol) in venues {
        let exchange = exchange(dialect, symbol);
        let folder = ground(&exchange, venue, symbol);
        folder.answer("record paper.toml --out F --for 3s");
        let address = exchange.address().to_string();
        exchange.stop().unwrap();
        let mut again = folder.command("fakex --frames F --speed 60 --for 60 --json");
        let mut again = again.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told =
            serde_json::Deserializer::from_reader(again.stdout.take().unwrap()).into_iter::<Value>();
        let told = told.next().unwrap().unwrap();
        let config = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
        folder.write("paper.toml", &config.replace(&address, told["address"].as_str().unwrap()));
        folder.answer("record paper.toml --out G --for 5s");
        again.kill().unwrap();
        again.wait().unwrap();
        folder.answer("import --dataset first --format frames F");
        let second = folder.answer("import --dataset second --format frames G");
        assert_eq!(second["frames"]["left_out"], 0, "{venue}: {second}");
        let (first, second) = (stored(&folder, "first"), stored(&folder, "second"));
        assert!(first.len() > 10 && first == second, "{venue}: {} and {} trades", first.len(), second.len());
    }
}
