//! The program as its users meet it: commands, exit codes, answers in both languages.

use std::path::Path;

use serde_json::Value;

use crate::configuration::SMA_CROSS_LONG_SHORT;
use crate::folder::Folder;

/// A small synthetic market and a run on it.
fn with_run() -> Folder {
    let folder = Folder::new();
    folder.write("c.toml", SMA_CROSS_LONG_SHORT);
    folder.text("synth --dataset data --seed 3 --bars 3000 --interval 1h");
    folder.text("backtest c.toml --run a --dataset data");
    folder
}

/// Digest and count of the head that `pointer` names in the head file of `dir`.
fn golden(folder: &Folder, dir: &str, pointer: &str) -> (u64, String) {
    let head: Value =
        serde_json::from_slice(&std::fs::read(folder.path(dir).join("head.json")).unwrap()).unwrap();
    let head = head.pointer(pointer).unwrap();
    (head["count"].as_u64().unwrap(), head["digest"].as_str().unwrap().to_owned())
}

/// The market, every decision about it and the bytes of both: whoever changes one of them on purpose writes a
/// decision, and new digests here. Another engine version is another manifest, and so another run.
#[test]
fn a_known_market_and_run_have_the_bytes_they_always_had() {
    let folder = with_run();
    let market = "bff5313a31ef05a46a4caeb1588a32f62a6cd69fa7aedfbadfc109d284e8aa0c";
    assert_eq!(golden(&folder, "data", "/content/series/0/head"), (3_000, market.to_owned()));
    let run = "bcc284787ff95d0f626bbd4011fefe296b678ebaac8608ccbc1494417d2ed51e";
    assert_eq!(golden(&folder, "a", "/content/head"), (1_259, run.to_owned()));
}

#[test]
fn the_demo_shows_everything_and_replaces_only_an_earlier_demo() {
    let folder = Folder::new();
    let demo = folder.json("demo", 0);
    assert_eq!(demo["replay"]["same"], true);
    assert_eq!(demo["verify"]["sound"], true);
    assert_eq!(demo["synthetic"], true);
    let html = std::fs::read_to_string(folder.path("demo-run/report.html")).unwrap();
    assert!(html.to_lowercase().contains("synthetic"));
    let head = demo["backtest"]["head"].clone();
    assert_eq!(folder.json("demo", 0)["backtest"]["head"], head, "the demo is the same every time");
    std::fs::create_dir(folder.path("mine")).unwrap();
    folder.write("mine/letter.txt", "keep me");
    assert!(folder.refusal("demo --out mine").contains("no demo made"));
    assert!(folder.path("mine/letter.txt").is_file());
}

#[test]
fn the_demo_takes_the_users_own_file() {
    let folder = Folder::new();
    folder.text("synth --dataset data --seed 5 --ticks 20000");
    folder.text("export data --format csv --out files");
    let file = std::fs::read_dir(folder.path("files")).unwrap().next().unwrap().unwrap().path();
    let demo = folder.json(&format!("demo --data {}", file.display()), 0);
    assert_eq!(demo["records"], 20_000);
    assert_eq!(demo["synthetic"], false, "a user's file is not ours to judge");
    assert!(demo["backtest"]["counts"]["bars_built"].as_u64().unwrap() > 10);
}

#[test]
fn a_backtest_answers_what_scripts_rely_on() {
    let folder = with_run();
    let done = folder.json("backtest c.toml --run b --dataset data --report b.html", 0);
    for key in [
        "return_pct",
        "sharpe",
        "max_drawdown_pct",
        "trades",
        "orders",
        "fills",
        "final_equity",
        "fees",
        "events",
        "ticks",
        "ticks_per_s",
        "head",
        "manifest",
    ] {
        assert!(!done[key].is_null(), "{key} is missing");
    }
    assert_eq!(done["ticks"], 3_000);
    assert_eq!(done["synthetic"], true);
    assert!(folder.path("b.html").is_file());
    let same = folder.json("diff a b", 0);
    assert_eq!(same["equal"], true, "the same command gives the same run");
    assert_eq!(same["heads"][0], done["head"]);
}

#[test]
fn a_run_can_be_replayed_verified_and_looked_at() {
    let folder = with_run();
    let replay = folder.json("replay a --check", 0);
    assert_eq!((&replay["same"], &replay["complete"]), (&Value::Bool(true), &Value::Bool(true)));
    let proof = folder.json("verify a --against a/checkpoint.json", 0);
    assert_eq!(proof["sound"], true);
    assert_eq!(folder.json("verify data", 0)["sound"], true);
    let events = proof["events"].as_u64().unwrap();

    let last = folder.json(&format!("state a --at {events}"), 0);
    let done = folder.json("backtest c.toml --run b --dataset data", 0);
    assert_eq!(last["equity"], done["exact"]["final_equity"]);
    let late = folder.json("state a --at 2030-01-01", 0);
    assert_eq!((&late["equity"], &late["seq"]), (&last["equity"], &last["seq"]));
    let early = folder.json("state a --at 2024-01-05T00:30:00Z", 0);
    assert_eq!(early["at"], "2024-01-05T00:00:00Z");

    let trades = folder.json("trades a", 0);
    assert_eq!(trades["count"], done["trades"]);
    assert!(trades["trades"][0]["mae_pct"].as_f64().unwrap() <= 0.0);

    let shown = folder.json("show a --kind filled", 0);
    assert_eq!(shown["shown"], done["fills"]);
    assert_eq!(folder.json("show a --from 2 --to 4", 0)["events"].as_array().unwrap().len(), 3);
    assert!(folder.text("show a").lines().next().unwrap().contains("SYNTHETIC"));

    let runs = folder.json("runs .", 0);
    let names: Vec<&str> =
        runs["runs"].as_array().unwrap().iter().filter_map(|run| run["name"].as_str()).collect();
    assert_eq!(names, ["a", "b"], "a dataset is no run");
}

#[test]
fn a_run_travels_as_pages_and_its_events_as_lines() {
    let folder = with_run();
    let head = folder.json("verify a", 0)["heads"]["run"].clone();
    folder.text("export a --format pages --out a.pages");
    let restored = folder.json("rebuild copy --pages a.pages", 0);
    assert_eq!(restored["heads"]["run"], head);
    assert_eq!(folder.json("verify copy", 0)["heads"]["run"], head);
    let lines = folder.text("export a --format jsonl");
    assert_eq!(u64::try_from(lines.lines().count()).unwrap(), head["count"].as_u64().unwrap());
    for line in lines.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    assert_eq!(folder.text("export data --format csv").lines().count(), 3_001);
    assert_eq!(folder.json("export a --format csv", 0)["events"], head["count"]);
    assert!(folder.path("a.csv").is_file());
    folder.text("export data --format csv --out csv");
    folder.text("import --dataset again --venue synthetic --instrument SYNUSD --synthetic --interval 1h csv/synthetic-SYNUSD-bars.csv");
    let digest = |dir: &str| {
        folder.json(&format!("verify {dir}"), 0)["heads"]["synthetic:SYNUSD:bars"]["digest"].clone()
    };
    assert_eq!(digest("data"), digest("again"), "what was exported imports as the same series");
}

#[test]
fn findings_end_with_code_one_and_say_where() {
    let folder = with_run();
    folder.write("d.toml", &SMA_CROSS_LONG_SHORT.replace("fast = 5", "fast = 6"));
    folder.text("backtest d.toml --run b --dataset data");
    let differ = folder.json("diff a b", 1);
    assert_eq!(differ["same_manifest"], false);
    assert!(differ["divergence"]["seq"].as_u64().unwrap() > 1);

    folder.text("export data --format csv --out csv");
    let rows = std::fs::read_to_string(folder.path("csv/synthetic-SYNUSD-bars.csv")).unwrap();
    let kept: Vec<&str> = rows.lines().take(50).chain(rows.lines().skip(60)).collect();
    folder.write("gap.csv", &kept.join("\n"));
    folder.text("import --dataset gap --venue v --instrument S --interval 1h gap.csv");
    let check = folder.json("data check gap", 1);
    assert_eq!(check["clean"], false);
    assert!(check["series"][0]["violations"][0].as_str().unwrap().contains("10 missing bars"));
    assert_eq!(folder.json("data check data", 0)["clean"], true);

    let db = folder.path("a/store/db");
    let mut bytes = std::fs::read(&db).unwrap();
    let middle = bytes.len() / 4;
    bytes[middle] ^= 1;
    std::fs::write(&db, bytes).unwrap();
    let proof = folder.json("verify a", 1);
    assert!(!proof["findings"].as_array().unwrap().is_empty());
}

/// A setting that suits neither the data nor another one is the fault of who gave it: the command line or a line of the file.
#[test]
fn a_setting_that_cannot_be_is_blamed_where_it_was_given() {
    let folder = with_run();
    folder.write("lot.toml", &format!("{SMA_CROSS_LONG_SHORT}[instrument.SYNUSD]\nlot = \"0.0000000001\"\n"));
    let refusals = [
        (
            "backtest c.toml --run x --dataset data --set instrument.SYNUSD.lot=0.0000000001",
            "use --set instrument.SYNUSD.lot=0.0000000001: `instrument.SYNUSD.lot`",
        ),
        (
            "backtest --example demo --run x --dataset data --set instrument.SYNUSD.lot=0.0000000001",
            "use --set instrument.SYNUSD.lot=0.0000000001: `instrument.SYNUSD.lot`",
        ),
        (
            "backtest lot.toml --run x --dataset data --set costs.slippage=0",
            "lot.toml line 15: `instrument.SY",
        ),
        (
            "sweep c.toml --out x --dataset data --set instrument.SYNUSD.lot=1,0.0000000001",
            "use --set instrument.SYNUSD.lot=0.0000000001: `instrument.SYNUSD.lot`",
        ),
        (
            "sweep lot.toml --out x --dataset data --set strategy.fast=5,6",
            "lot.toml line 15: `instrument.SYN",
        ),
        (
            "backtest c.toml --run x --dataset data --set strategy.fast=5 --set strategy.fast=6",
            "use --set strategy.fast=5 and --set strategy.fast=6: both are about one setting",
        ),
        (
            "backtest c.toml --run x --dataset data --from 2024-01-02 --set run.from=2024-01-03",
            "use --from 2024-01-02 and --set run.from=2024-01-03: both are about one setting",
        ),
        (
            "sweep c.toml --out x --dataset data --to 2024-01-02 --set run.to=2024-01-03,2024-01-04",
            "use --to 2024-01-02 and --set run.to=2024-01-03: both are about one setting",
        ),
    ];
    for (line, said) in refusals {
        let refusal = folder.refusal(line);
        assert!(refusal.contains(said), "{line}: {refusal}");
    }
    assert!(!folder.path("x").exists(), "nothing is stored");
}

#[test]
fn what_cannot_run_says_so_in_one_line_and_stores_nothing() {
    let folder = with_run();
    folder.write("typo.toml", &SMA_CROSS_LONG_SHORT.replace("fast", "fats"));
    folder.write("fill.toml", &SMA_CROSS_LONG_SHORT.replace("capital", "fill = \"at-signal\"\ncapital"));
    folder.write("symbol.toml", &format!("{SMA_CROSS_LONG_SHORT}[[data]]\nsymbol = \"SYNUSE\"\n"));
    folder.write("lot.toml", &format!("{SMA_CROSS_LONG_SHORT}[instrument.SYNUSD]\nlot = \"0.0000000001\"\n"));
    folder.write("empty.csv", "");
    let refusals = [
        (
            "backtest typo.toml --run x --dataset data",
            "typo.toml line 10: unknown key `strategy.fats`; did you mean `fast`?",
        ),
        (
            "backtest fill.toml --run x --dataset data",
            "fill.toml line 2: `run.fill` = \"at-signal\": allowed is next-open or same-close",
        ),
        ("backtest symbol.toml --run x --dataset data", "did you mean SYNUSD?"),
        ("backtest lot.toml --run x --dataset data", "lot.toml line 15: `instrument.SYNUSD.lot`"),
        ("new mine", "the following required arguments were not provided: <--engine-path"),
        ("backtest nothing.toml --run x --dataset data", "read nothing.toml: No such file"),
        ("backtest c.toml --run x", "--dataset DIR"),
        ("backtest c.toml --run x --dataset nowhere", "nowhere"),
        ("backtest c.toml --run a --dataset data", "create a: it exists already"),
        ("backtest c.toml --run x --datset data", "a similar argument exists: '--dataset'"),
        ("replay a", "--check"),
        ("replay data --check", "data"),
        ("state a --at 999999", "the run has events 1 to"),
        ("state a --at yesterday", "an event number or a moment"),
        ("show a --kind filed", "did you mean filled?"),
        ("trades nowhere", "open nowhere"),
        ("verify nowhere", "nowhere"),
        ("verify a --against nothing.json", "nothing.json"),
        ("diff a nowhere", "nowhere"),
        ("export a --format parquet --out p", "--what exports a table of it as parquet"),
        ("", "give a command"),
        ("export a --format xml", "possible values: jsonl, csv, parquet, pages"),
        ("import --dataset d --venue v --instrument s empty.csv", "empty.csv"),
        ("import --dataset d --venue v --instrument s nothing.csv", "nothing.csv"),
        ("import --dataset d --venue v --instrument s --format excel empty.csv", "not one of auto, binance"),
        ("synth --dataset d --seed 1 --ticks 0", "at least one"),
        ("synth --dataset data --seed 4 --bars 10", "holds other records already"),
        ("runs nowhere", "list nowhere"),
        ("help nonsense", "no such command"),
        ("bakctest", "'backtest'"),
    ];
    for (line, said) in refusals {
        let refusal = folder.refusal(line);
        assert!(refusal.contains(said), "{line}: {refusal}");
    }
    assert!(!folder.path("x").exists(), "a refused backtest leaves no run");
    assert!(!folder.path("p").exists(), "a refused export leaves no directory");
    let error = folder.json("replay nowhere --check", 2);
    assert_eq!((&error["error"]["kind"], &error["error"]["exit_code"]), (&"not_a_journal".into(), &2.into()));
    assert_eq!(folder.json("show", 2)["error"]["kind"], "request");
    assert_eq!(folder.json("replay a --check", 0)["same"], true, "what was stored is as it was");
}

#[test]
fn formats_are_listed_and_a_folder_is_imported_by_its_names() {
    let folder = Folder::new();
    let listed = folder.json("import --list-formats", 0);
    let formats = listed["formats"].as_array().unwrap();
    let kraken = formats.iter().find(|format| format["name"] == "kraken").unwrap();
    assert!(kraken["recognised"].as_str().unwrap().contains("no header"));
    assert!(folder.text("import --list-formats").contains("kraken\n  recognised  no header"));
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        let folder = folder.path(&format!("data/spot/daily/klines/{symbol}/1h"));
        std::fs::create_dir_all(&folder).unwrap();
        let row = |hour: i64| {
            let at = 1_704_067_200_000 + hour * 3_600_000;
            format!("{at},100.5,103,99.25,{},7,{},700,3,1,1,0\n", 101 + hour % 2, at + 3_599_999)
        };
        let rows: String = (0..24).map(row).collect();
        std::fs::write(folder.join(format!("{symbol}-1h-2024-01-01.csv")), rows).unwrap();
    }
    let imported = folder.json("import --dataset set data", 0);
    let names: Vec<&str> = imported["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| series["series"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["binance:BTCUSDT:bars", "binance:ETHUSDT:bars"]);
    assert_eq!(imported["series"][0]["rows"], 24);
    assert!(folder.text("import --dataset set data/spot").contains("nothing new"));
    assert!(folder.refusal("import --dataset d empty.csv").contains("add --venue V and --instrument SYM"));
}

#[test]
fn help_explains_commands_and_every_key() {
    let folder = Folder::new();
    let help = folder.text("help CONFIG");
    for word in ["[run]", "capital", "next-open", "[strategy]", "skip_flat_bars", "donchian", "price_collar"]
    {
        assert!(help.contains(word), "{word}");
    }
    assert!(folder.text("help backtest").contains("--report"));
    assert!(folder.text("help data check").contains("gaps"));
    assert!(folder.text("--help").contains("Exit codes: 0 fine; 1 a finding"));
    assert!(folder.text("--version").starts_with("engine "));
}

/// The acceptance test of nautilus_trader, through the program and the shipped configuration.
#[test]
fn the_published_ema_cross_comes_out_to_the_last_digit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("../shared/data/market/oracle/nautilus_btc-perp-20211231-20220201_1m.csv.zst");
    if !file.is_file() {
        println!("skipped: shared data not found");
        return;
    }
    let folder = Folder::new();
    folder.text(&format!(
        "import --dataset d --venue ftx --instrument BTC-PERP --interval 1m {}",
        file.display()
    ));
    let config = root.join("fixtures/config/ema-cross-btcperp.toml");
    let done = folder.json(&format!("backtest {} --run r --dataset d", config.display()), 0);
    assert_eq!(done["orders"], 902);
    assert_eq!(done["exact"]["final_equity"], "9999954.943133");
    assert_eq!(done["exact"]["fees"], "41.115867");
    assert_eq!(folder.json("replay r --check", 0)["same"], true);
}
