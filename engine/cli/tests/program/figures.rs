//! The figures of a run and what they rest on, from files to answers: small markets whose right values are known.

use serde_json::Value;

use crate::folder::Folder;

const HOLD: &str =
    "[run]\ncapital = \"25000\"\n[strategy]\nname = \"buy-and-hold\"\nsize = { units = \"1\" }\n";

/// Daily bars of `symbol` from (open, high, low, close), in the dataset `dir`.
fn import(folder: &Folder, dir: &str, venue: &str, symbol: &str, bars: &[[f64; 4]]) {
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    for (day, [open, high, low, close]) in (1..).zip(bars) {
        text.push_str(&format!("2024-01-{day:02},{open},{high},{low},{close},10\n"));
    }
    folder.write("bars.csv", &text);
    folder.text(&format!(
        "import --dataset {dir} --venue {venue} --instrument {symbol} --interval 1d bars.csv"
    ));
}

/// Moves by `share` in its first bar and stands still after it.
fn moved_once(share: f64) -> [[f64; 4]; 3] {
    let to = 100.0 * (1.0 + share);
    [[100.0, to.max(100.0), to.min(100.0), to], [to; 4], [to; 4]]
}

fn statements(document: &Value) -> Vec<&str> {
    document["assumptions"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

#[test]
fn holding_two_markets_counts_their_first_bar_whatever_they_are_called() {
    for (rises, falls) in [("AAA", "BBB"), ("BBB", "AAA")] {
        let folder = Folder::new();
        folder.write("c.toml", HOLD);
        import(&folder, "data", "test", rises, &moved_once(0.1));
        import(&folder, "data", "test", falls, &moved_once(-0.5));
        let (made, _) = folder.json_and_notes("backtest c.toml --run r --dataset data");
        let held = made["statistics"]["performance"]["buy_and_hold_return_pct"].as_f64().unwrap();
        assert!((held + 20.0).abs() < 1e-9, "{held} with {rises} rising");
        let parts = made["statistics"]["instruments"].as_array().unwrap();
        let risen = parts.iter().find(|part| part["instrument"] == format!("test:{rises}")).unwrap();
        assert!((risen["price_change_pct"].as_f64().unwrap() - 10.0).abs() < 1e-9);
    }
}

#[test]
fn one_dataset_in_two_spellings_is_read_once_and_two_with_one_series_are_not_mixed() {
    let folder = Folder::new();
    folder.write("c.toml", HOLD);
    import(&folder, "data/btc", "test", "BTC", &moved_once(0.1));
    import(&folder, "data/again", "test", "BTC", &moved_once(0.1));
    let (made, said) =
        folder.json_and_notes("backtest c.toml --run r --dataset data/btc --dataset ./data/../data/btc");
    assert_eq!(made["ticks"], 3);
    assert!(said.contains("data/btc and ./data/../data/btc are one dataset; it is read once"), "{said}");
    let said = folder.refusal("backtest c.toml --run s --dataset data/btc --dataset data/again");
    assert!(said.contains("both data/") && said.contains("hold it; choose one"), "{said}");
    assert!(!folder.path("s").exists());
    let chosen = format!("{HOLD}[[data]]\nsymbol = \"BTC\"\ndataset = \"./data/again\"\n");
    folder.write("d.toml", &chosen);
    let (made, said) = folder.json_and_notes("backtest d.toml --run t --dataset data/again");
    assert_eq!(made["ticks"], 3);
    assert!(said.contains("are one dataset"), "{said}");
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_run() {
    let folder = Folder::new();
    folder.write("c.toml", HOLD);
    folder.write("file", "not a folder");
    import(&folder, "data", "test", "BTC", &moved_once(0.1));
    std::fs::create_dir(folder.path("folder")).unwrap();
    for place in ["folder", "file/report.html", "/proc/nowhere/report.html"] {
        let said = folder.refusal(&format!("backtest c.toml --run r --dataset data --report {place}"));
        assert!(said.contains("write the report to") && said.contains(place), "{said}");
        assert!(!folder.path("r").exists(), "{place} was found after the run");
    }
    // In the folder of the run itself, which is made with the run, and in one that is made with the report.
    for (run, place) in [("r", "r/report.html"), ("s", "deep/er/report.html")] {
        folder.json_and_notes(&format!("backtest c.toml --run {run} --dataset data --report {place}"));
        assert!(folder.path(place).is_file());
    }
    assert!(!folder.path(".report.html.part").exists() && !folder.path("deep/er/report.html.part").exists());
}

#[test]
fn a_run_over_bars_that_cannot_be_says_so() {
    let folder = Folder::new();
    folder.write("c.toml", HOLD);
    import(
        &folder,
        "data",
        "test",
        "ODD",
        &[[100.0; 4], [100.0, 101.0, 99.0, 105.0], [105.0, 95.0, 120.0, 105.0]],
    );
    let (made, _) = folder.json_and_notes("backtest c.toml --run r --dataset data --report r.html");
    assert_eq!(made["counts"]["impossible_bars"], 2);
    assert!(statements(&made).iter().any(|line| line.contains("2 bars whose open or close lies outside")));
    let html = std::fs::read_to_string(folder.path("r.html")).unwrap();
    assert!(html.contains("IMPOSSIBLE DATA"));
    let text = String::from_utf8(folder.run("backtest c.toml --run s --dataset data").stdout).unwrap();
    assert!(text.contains("IMPOSSIBLE DATA: the run traded on 2 bars"), "{text}");
    import(&folder, "sound", "test", "FINE", &moved_once(0.1));
    let (made, _) = folder.json_and_notes("backtest c.toml --run t --dataset sound");
    assert_eq!(made["counts"]["impossible_bars"], 0);
    assert!(!statements(&made).iter().any(|line| line.contains("IMPOSSIBLE")));
}

#[test]
fn one_symbol_on_two_venues_has_rules_and_trades_of_its_own() {
    let folder = Folder::new();
    import(&folder, "data", "east", "BTC", &moved_once(0.1));
    import(&folder, "data", "west", "BTC", &moved_once(0.1));
    let ends = HOLD.replace("[strategy]", "end = \"flatten\"\n[risk]\nleverage_max = 2\n[strategy]");
    folder.write("bare.toml", &format!("{ends}[instrument.BTC]\nlot = \"1\"\n"));
    let said = folder.refusal("backtest bare.toml --run r --dataset data");
    assert!(said.contains("[instrument.\"east:BTC\"], [instrument.\"west:BTC\"]"), "{said}");
    let finer = "[instrument.\"west:BTC\"]\nlot = \"0.5\"\n[instrument.\"east:BTC\"]\nlot = \"1\"\n";
    folder.write("named.toml", &format!("{ends}{finer}"));
    let (made, _) = folder.json_and_notes("backtest named.toml --run r --dataset data");
    let lots = made["manifest"]["instruments"].as_array().unwrap();
    assert!(lots.iter().any(|rules| rules["name"] == "west:BTC" && rules["lot"] == "0.5"), "{lots:?}");
    let (trades, _) = folder.json_and_notes("trades r");
    let mut names: Vec<&str> =
        trades["trades"].as_array().unwrap().iter().map(|row| row["instrument"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["east:BTC", "west:BTC"]);
    let one = ends.replace("size =", "instruments = [\"west:BTC\"]\nsize =");
    folder.write("one.toml", &one);
    folder.json_and_notes("backtest one.toml --run s --dataset data");
    let (trades, _) = folder.json_and_notes("trades s");
    assert_eq!((&trades["count"], &trades["trades"][0]["instrument"]), (&1.into(), &"west:BTC".into()));
}

#[test]
fn a_list_of_no_instruments_and_a_target_no_short_can_reach_are_errors() {
    let folder = Folder::new();
    import(&folder, "data", "test", "BTC", &moved_once(0.1));
    folder.write("none.toml", &HOLD.replace("size =", "instruments = []\nsize ="));
    let said = folder.refusal("backtest none.toml --run r --dataset data");
    assert!(said.contains("line 5") && said.contains("at least one of BTC"), "{said}");
    let cross = |direction: &str| {
        format!(
            "[run]\ncapital = 1000\n[strategy]\nname = \"sma-cross\"\ndirection = \"{direction}\"\n\
             take_profit = \"150%\"\n"
        )
    };
    folder.write("short.toml", &cross("long-short"));
    let said = folder.refusal("backtest short.toml --run r --dataset data");
    assert!(said.contains("line 6") && said.contains("below 1 where shorts are taken"), "{said}");
    folder.write("long.toml", &cross("long-only"));
    folder.json_and_notes("backtest long.toml --run r --dataset data");
}

#[test]
fn what_a_run_takes_for_granted_names_the_rules_of_bars() {
    let folder = Folder::new();
    import(&folder, "data", "test", "BTC", &moved_once(0.1));
    folder.write("c.toml", HOLD);
    folder.write("auction.toml", &format!("{HOLD}[venue]\nlimit_at_open = \"open\"\n"));
    let (made, _) = folder.json_and_notes("backtest c.toml --run r --dataset data");
    for part in
        ["fills at its limit, as a maker", "without volume", "minimum notional is asked of entries only"]
    {
        assert!(statements(&made).iter().any(|line| line.contains(part)), "{part}");
    }
    let (made, _) = folder.json_and_notes("backtest auction.toml --run s --dataset data");
    let optimistic =
        |line: &&str| line.starts_with("OPTIMISTIC") && line.contains("jumps over fills at the open");
    assert!(statements(&made).iter().any(optimistic));
}
