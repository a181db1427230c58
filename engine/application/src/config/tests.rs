//! What a configuration may say, and what is answered when it says something else.

use proptest::prelude::*;

use super::*;

const BASE: &str = "[run]\ncapital = \"10000\"\n[strategy]\nname = \"ema-cross\"\n";

fn read(text: &str) -> Result<RunSettings, String> {
    RunSettings::read_toml("x.toml", text).map_err(|error| error.to_string())
}

/// Text that cannot be used, and what the one line about it must say.
const WRONG: [(&str, &[&str]); 28] = [
    ("", &["missing key `run`"]),
    ("[run]\n", &["line 1", "missing key `run.capital`"]),
    ("[run\ncapital = 1", &["x.toml line 1"]),
    ("[run]\ncapital = 1\ncapital = 2", &["x.toml line 3", "duplicate"]),
    ("[run]\ncaptial = \"1\"\n", &["x.toml line 2", "`run.captial`", "did you mean `capital`"]),
    ("[run]\ncapital = \"1\"\n[stratgy]\nname = \"random\"", &["line 3", "`stratgy`", "`strategy`"]),
    ("[run]\ncapital = -5\n[strategy]\nname = \"random\"", &["line 2", "`run.capital` = -5", "above 0"]),
    ("[run]\ncapital = \"lots\"\n", &["line 2", "`run.capital` = \"lots\"", "decimal number"]),
    (
        "[run]\ncapital = 1\nfill = \"next-opne\"",
        &["line 3", "next-open, same-close", "did you mean `next-open`"],
    ),
    ("[run]\ncapital = 1\nfrom = \"soon\"", &["line 3", "2024-01-31"]),
    ("[run]\ncapital = 1\nfrom = 2024-02-01\nto = 2024-01-01", &["line 4", "after `run.from`"]),
    (
        "[run]\ncapital = 1\nmode = \"shadow\"",
        &["line 3", "`run.mode` = \"shadow\"", "allowed is backtest, paper"],
    ),
    ("[strategy]\nname = \"ema-cros\"\n[run]\ncapital = 1", &["line 2", "did you mean `ema-cross`"]),
    ("[strategy]\nname = \"ema-cross\"\nfast = 50\n[run]\ncapital = 1", &["line 3", "less than slow = 20"]),
    (
        "[strategy]\nname = \"random\"\nsize = { unit = 1 }\n[run]\ncapital = 1",
        &["line 3", "did you mean `units`"],
    ),
    ("[costs]\ntaker_fee = \"11%\"\n[run]\ncapital = 1", &["line 2", "a share from 0 to 0.1"]),
    (
        "[costs]\ntaker_fee = \"5%%\"\n[run]\ncapital = 1",
        &["line 2", "`costs.taker_fee` = \"5%%\"", "such as 0.001"],
    ),
    (
        "[costs]\nslippage = \"50%\"\n[costs.impact]\nmodel = \"square-root\"\ncoefficient = 0.1\nmax = \"50%\"\n\
         [strategy]\nname = \"random\"\n[run]\ncapital = 1",
        &["`costs.impact` = 0.5", "less than all of the price"],
    ),
    ("[costs]\nspread = \"5bpsbps\"\n[run]\ncapital = 1", &["line 2", "`costs.spread`", "\"10bps\""]),
    (
        "[run]\ncapital = 1\n[strategy]\nname = \"random\"\ntake_profit = \"20000%\"",
        &["line 5", "a share from 0.000000001 to 100"],
    ),
    (
        "[run]\ncapital = 1\n[strategy]\nname = \"random\"\nstop_loss = 1",
        &["line 5", "a share from 0.000000001 to 0.999999999"],
    ),
    ("[run]\ncapital = 1\n[venue]\nlimit_at_open = \"auction\"", &["line 4", "allowed is limit, open"]),
    (
        "[live]\nkeep_size = \"20 GB\"\n[run]\ncapital = 1",
        &["line 2", "`live.keep_size` = \"20 GB\"", "GiB", "as in 20GiB"],
    ),
    ("[live]\nkeep_days = 0\n[run]\ncapital = 1", &["line 2", "`live.keep_days` = 0", "1 to 36500"]),
    ("[latency]\nentry = \"5 ms\"\n[run]\ncapital = 1", &["line 2", "as in \"5ms\""]),
    ("[bars]\nrule = \"time\"\n[run]\ncapital = 1", &["missing key `bars.interval`"]),
    ("[[data]]\nsymbol = 5\n[run]\ncapital = 1", &["line 2", "`data.0.symbol` = 5", "text in quotes"]),
    ("[instrument.\"A.B\"]\ntikc = 1\n[run]\ncapital = 1", &["line 2", "`instrument.A.B.tikc`", "`tick`"]),
];

#[test]
fn each_wrong_file_gets_one_line_that_says_where_and_what() {
    for (text, wanted) in WRONG {
        let error = read(text).unwrap_err();
        assert_eq!(error.lines().count(), 1, "{error}");
        for part in wanted {
            assert!(error.contains(part), "{text:?} gave {error:?} without {part:?}");
        }
    }
}

#[test]
fn every_example_reads_and_reads_back_from_its_canonical_form() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/config");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let settings = RunSettings::read_file(&path).unwrap();
            assert_eq!(again(&settings), kept(&settings), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen} examples");
}

/// What a manifest keeps of settings: the kind of run in words, and nothing of where a run on real time gets its data.
fn kept(settings: &RunSettings) -> RunSettings {
    let mode = settings.run.mode.or(Some(RunMode::Backtest));
    let run = RunSection { mode, ..settings.run.clone() };
    let fresh = read(BASE).unwrap();
    RunSettings { run, live: LiveSection::default(), warmup_bars: fresh.warmup_bars, ..settings.clone() }
}

/// Settings as a manifest gives them back.
fn again(settings: &RunSettings) -> RunSettings {
    let table: Map<String, Value> = serde_json::from_str(&canonical(settings)).unwrap();
    RunSettings::read(&table).unwrap()
}

#[test]
fn the_order_of_keys_and_the_size_of_pages_do_not_reach_the_canonical_form() {
    let first = read(&format!("{BASE}[journal]\npage_bytes = 4096\n[costs]\nslippage = \"5bps\"")).unwrap();
    let second = read(&format!("[costs]\nslippage = 0.0005\n{BASE}")).unwrap();
    assert_eq!(canonical(&first), canonical(&second));
    assert!(!canonical(&first).contains("page_bytes"));
}

#[test]
fn the_rule_of_the_mark_is_kept_where_it_is_not_the_usual_one() {
    let read_with = |words: &str| read(&BASE.replace("[run]\n", &format!("[run]\n{words}"))).unwrap();
    let (usual, mid) = (read_with("mark = \"newest\"\n"), read_with("mark = \"mid\"\n"));
    assert_eq!(canonical(&usual), canonical(&read(BASE).unwrap()));
    assert_eq!(again(&mid).run.mark, MarkRule::Mid);
}

#[test]
fn help_names_every_key_the_reader_asks_for() {
    // The reader lists its keys when it meets one that resembles none of them.
    let help = explain();
    for section in
        ["run", "costs", "costs.impact", "latency", "venue", "risk", "journal", "warmup", "live", "strategy"]
    {
        let text = match section {
            "run" => "[run]\ncapital = 1\nzzzzzzzzzzzz = 1\n[strategy]\nname = \"random\"".to_owned(),
            "strategy" => format!("{BASE}zzzzzzzzzzzz = 1"),
            "costs.impact" => format!(
                "{BASE}[costs.impact]\nmodel = \"square-root\"\ncoefficient = 0.1\nmax = 0.05\nzzzzzzzzzzzz = 1"
            ),
            other => format!("{BASE}[{other}]\nzzzzzzzzzzzz = 1"),
        };
        let error = read(&text).unwrap_err();
        let keys = error.split("valid keys are ").nth(1).unwrap().split(" (`engine").next().unwrap();
        for key in keys.split(", ") {
            assert!(help.contains(&format!("\n  {key:<22} ")), "{section}.{key} is not explained");
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_read_reads_back(
        capital in 1_u64..1_000_000_000, fee in 0_i64..100_000_000, leverage in 10_000_000_i64..9_000_000_000,
        entry in 0_u64..3_600_000, orders in 1_u32..1_000_000, day in 1_u32..28, volume in 1_u64..1_000_000,
    ) {
        use strategies::settings::ratio_text;
        let text = format!(
            "{BASE}[bars]\nrule = \"volume\"\nvolume = {volume}.5\n[costs]\ntaker_fee = {fee}\n\
             [risk]\nleverage_max = {leverage}\norders_per_minute_max = {orders}\norder_qty_max = 0.{capital}\n\
             [latency]\nentry = \"{entry}ms\"\n[instrument.X]\nlot = 0.01",
            fee = ratio_text(Ratio::from_units(fee)),
            leverage = ratio_text(Ratio::from_units(leverage)),
        );
        let text = text.replace("\"10000\"", &format!("{capital}\nfrom = 2024-01-{day:02}"));
        let settings = read(&text).map_err(TestCaseError::fail)?;
        prop_assert_eq!(again(&settings), kept(&settings));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]a-z_=\"0-9.{}\\n -]{0,120}") {
        let _ = RunSettings::read_toml("x.toml", &text);
    }
}
