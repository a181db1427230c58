//! `regimes eval` and `regimes show` as their users meet them.

use std::path::Path;

use serde_json::Value;

use crate::configuration::ENSEMBLE;
use crate::folder::Folder;

/// Imports daily bars that close at `closes`; days in `missing` are left out.
fn import(folder: &Folder, dataset: &str, closes: impl Iterator<Item = f64>, missing: &[usize]) {
    let mut csv = String::from("open_time_ms,open,high,low,close,volume\n");
    for (day, close) in closes.enumerate().filter(|(day, _)| !missing.contains(day)) {
        let at = 1_420_070_400_000 + day as u64 * 86_400_000;
        csv.push_str(&format!("{at},{close:.4},{:.4},{:.4},{close:.4},1\n", close * 1.001, close * 0.999));
    }
    let file = format!("{dataset}.csv");
    folder.write(&file, &csv);
    folder.text(&format!(
        "import --dataset {dataset} --venue test --instrument X --kind bars --interval 1d --columns \
         time=open_time_ms:ms,open=open,high=high,low=low,close=close,volume=volume {file}"
    ));
}

/// A price that walks without randomness.
fn walk(bars: usize) -> impl Iterator<Item = f64> {
    let mut price = 100.0;
    (0..bars).map(move |bar| {
        let size = if bar / 40 % 4 == 0 { 0.03 } else { 0.01 };
        let up = bar * 7919 % 13 < 7;
        price *= if up { 1.0 + size } else { 1.0 - size };
        price
    })
}

#[test]
fn a_made_up_market_is_judged_beside_baselines_and_nulls() {
    let folder = Folder::new();
    folder.text("synth --dataset d --seed 3 --bars 1500 --interval 1d");
    let line = "regimes eval --dataset d --nulls 3 --detector all";
    let told = folder.answer(line);
    assert_eq!((told["synthetic"].as_bool(), told["gaps"].as_u64()), (Some(true), Some(0)));
    let judged = &told["judged"];
    assert_eq!(judged["baselines"].as_array().unwrap().len(), 2);
    let detectors = judged["detectors"].as_array().unwrap();
    let names: Vec<&str> = detectors.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["two-axis", "hmm", "jump", "change-point", "legacy"]);
    for one in detectors {
        let nulls: Vec<&str> =
            one["nulls"].as_array().unwrap().iter().map(|null| null["market"].as_str().unwrap()).collect();
        assert_eq!(nulls, ["shuffled", "random-sign"]);
    }
    assert!(detectors[0]["reliability_refitted"].is_object());
    assert_eq!(folder.answer(line), told, "equal seeds give equal figures");
    let text = folder.text("regimes eval --dataset d --nulls 3");
    for word in ["SYNTHETIC", "always the majority", "last final label", "legacy", "shuffled", "random signs"]
    {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn changes_are_listed_and_drawn() {
    let folder = Folder::new();
    import(&folder, "d", walk(900), &[]);
    let told = folder.answer("regimes show --dataset d --html r.html");
    let changes = told["transitions"].as_array().unwrap();
    assert!(changes.len() > 3 && changes[0]["from"].is_null());
    assert!(changes[1]["reading"]["volatility_ratio"].is_number());
    let html = std::fs::read_to_string(folder.path("r.html")).unwrap();
    assert!(
        html.contains("<rect class=\"volatile\"") && !html.contains("http://") && !html.contains("https://")
    );
    assert!(
        folder.text("regimes show --dataset d --detector change-point").contains("change-point detector")
    );
}

#[test]
fn gaps_are_counted_and_begin_everything_anew() {
    let folder = Folder::new();
    import(&folder, "d", walk(1_600), &[700, 701]);
    let told = folder.answer("regimes eval --dataset d --nulls 0");
    assert_eq!((told["gaps"].as_u64(), told["missing_bars"].as_u64()), (Some(1), Some(2)));
    assert!(folder.text("regimes eval --dataset d --nulls 0").contains("begins anew where more than half"));
    let shown = folder.answer("regimes show --dataset d");
    let first = |change: &&Value| change["from"].is_null();
    assert_eq!(shown["transitions"].as_array().unwrap().iter().filter(first).count(), 2);
}

#[test]
fn what_cannot_be_judged_is_refused_in_one_line() {
    let folder = Folder::new();
    import(&folder, "short", walk(150), &[]);
    import(&folder, "still", std::iter::repeat_n(50.0, 900), &[]);
    folder.text("synth --dataset ticks --seed 1 --ticks 500");
    let refused = [
        ("eval --dataset short", "are needed"),
        ("show --dataset short", "too few"),
        ("eval --dataset still", "prices never move"),
        ("eval --dataset ticks", "holds no bars"),
        ("eval --dataset short --instrument Y", "holds bars of test:X"),
        ("eval --dataset short --to 2001-01-01", "no bars in the asked period"),
        ("eval --dataset short --from soon", "write a day or moment"),
        (
            "eval --dataset short --detector oracle",
            "two-axis, two-axis-scaled, legacy, hmm, jump, change-point, all",
        ),
        ("eval --dataset nowhere", "nowhere"),
    ];
    for (line, reason) in refused {
        let said = folder.refusal(&format!("regimes {line}"));
        assert!(said.contains(reason), "{line}: {said}");
    }
}

/// Daily Bitcoin from 2018, through the program: the figures of models.md 1.4.
#[test]
fn the_published_figures_of_daily_bitcoin_come_out() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/seed/btc_1d.csv");
    if !file.is_file() {
        println!("skipped: shared data not found");
        return;
    }
    let folder = Folder::new();
    folder.text(&format!(
        "import --dataset d --venue seed --instrument BTC --qty-decimals 0 {}",
        file.display()
    ));
    // The reference leaves out the last, possibly unfinished, day.
    let told = folder.answer("regimes eval --dataset d --from 2018-01-01 --to 2025-10-24 --nulls 4");
    let scores = &told["judged"]["detectors"][0]["raw"];
    let near = |value: &Value, expected: f64| {
        assert!((value.as_f64().unwrap() - expected).abs() < 5e-5, "{value} is not {expected}");
    };
    assert_eq!(scores["bars"], 2_843);
    near(&scores["accuracy_after"][0], 0.6799);
    near(&scores["accuracy_after"][3], 0.7460);
    near(&scores["balanced_accuracy"], 0.5911);
    near(&scores["macro_f1"], 0.5989);
    near(&scores["kappa"], 0.4285);
}

#[test]
fn every_detector_a_run_can_name_names_regimes_in_it_and_replays() {
    let folder = Folder::new();
    folder.text("synth --dataset data --seed 5 --bars 4000 --interval 1h");
    let mut heads = Vec::new();
    for detector in ["two-axis", "two-axis-hourly", "change-point"] {
        let config = format!("{ENSEMBLE}[regime]\ndetector = \"{detector}\"\n");
        std::fs::write(folder.path("c.toml"), config).unwrap();
        let run = folder.answer(&format!("backtest c.toml --run {detector} --dataset data"));
        assert!(run["counts"]["regime_changes"].as_u64().unwrap() > 3, "{detector}: {run}");
        folder.text(&format!("replay {detector} --check"));
        heads.push(run["head"].to_string());
    }
    heads.sort_unstable();
    heads.dedup();
    assert_eq!(heads.len(), 3, "another detector, other events");
    std::fs::write(folder.path("c.toml"), format!("{ENSEMBLE}[regime]\ndetector = \"hmm\"\n")).unwrap();
    let refusal = folder.refusal("backtest c.toml --run hmm --dataset data");
    assert!(refusal.contains("two-axis-hourly") && refusal.contains("change-point"), "{refusal}");
}

#[test]
fn an_ensemble_over_bars_of_two_lengths_is_refused_before_anything_is_written() {
    let folder = Folder::new();
    folder.text("synth --dataset data --seed 5 --bars 400 --interval 1d --instrument DAYS");
    folder.text("synth --dataset data --seed 6 --bars 400 --interval 1h --instrument HOURS");
    let series =
        "[[data]]\nsymbol = \"DAYS\"\nkind = \"bars\"\n[[data]]\nsymbol = \"HOURS\"\nkind = \"bars\"\n";
    std::fs::write(folder.path("c.toml"), format!("{ENSEMBLE}{series}")).unwrap();
    let refusal = folder.refusal("backtest c.toml --run a --dataset data");
    assert!(refusal.contains("last 1h") && refusal.contains("last 1d"), "{refusal}");
    assert!(!folder.path("a").exists(), "{refusal}");
    std::fs::write(folder.path("c.toml"), format!("{ENSEMBLE}{series}").replace("rg-ens12", "buy-and-hold"))
        .unwrap();
    folder.text("backtest c.toml --run b --dataset data");
}

#[test]
fn a_portfolio_is_named_by_what_its_markets_do_together() {
    let folder = Folder::new();
    folder.text("synth --dataset data --seed 5 --bars 900 --interval 1d --instrument ONE");
    let refusal = folder.refusal("regimes portfolio --dataset data");
    assert!(refusal.contains("two markets"), "{refusal}");
    folder.text("synth --dataset data --seed 6 --bars 700 --interval 1d --instrument TWO");
    let told = folder.answer("regimes portfolio --dataset data");
    assert_eq!(told["series"].as_array().unwrap().len(), 2);
    let (bars, said) = (told["bars"].as_u64().unwrap(), told["bars_with_reading"].as_u64().unwrap());
    assert!(bars == 900 && (600..800).contains(&said), "{bars} {said}");
    let last = &told["last"];
    assert!(last["absorption"].is_null(), "one market of two has no bar any more: {last}");
    let middle = folder.answer("regimes portfolio --dataset data --instrument TWO --instrument ONE");
    let shares: f64 = middle["share_of_bars"].as_object().unwrap().values().filter_map(Value::as_f64).sum();
    assert!((shares - 1.0).abs() < 1e-12 && middle["transitions"].as_array().unwrap().len() > 2, "{middle}");
    assert!(folder.text("regimes portfolio --dataset data").contains("SYNTHETIC"));
    let later = folder.answer("regimes portfolio --dataset data --from 2025-06-01");
    assert!(later["transitions"][0]["from"].is_string(), "what stood before is known: {later}");
    assert!(
        folder
            .refusal("regimes portfolio --dataset data --instrument ONE --instrument ONE")
            .contains("twice")
    );
    folder.text("synth --dataset data --seed 7 --bars 300 --interval 1h --instrument HOURS");
    assert!(folder.refusal("regimes portfolio --dataset data").contains("one length"));
}
