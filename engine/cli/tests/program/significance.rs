//! `significance` and `walk-forward` as their users meet them.

use std::path::Path;

use engine_application::wiring::recording::Recording;
use engine_core::envelope::Seq;
use engine_core::time::{Span, Timestamp};
use replay_replayer::trace::{Trace, trace};
use replay_simulation::series_feed::OpenDatasets;
use serde_json::Value;

use crate::folder::Folder;

const STRATEGY: &str = "\
[strategy]
name = \"sma-cross\"
fast = 5
slow = 20
size = { equity_share = \"60%\" }
";

const WALK: &str = "\
[walk_forward]
train = \"1y\"
test = \"6mo\"
purge = \"10d\"
embargo = \"1d\"
[walk_forward.grid]
fast = [3, 10, 20]
slow = [20, 40]
";

/// A folder with the dataset `data`, made as `market` says.
fn folder(market: &str) -> Folder {
    let folder = Folder::new();
    folder.text(&format!("synth --dataset data --seed 3 {market}"));
    folder
}

fn daily() -> Folder {
    folder("--bars 900 --interval 1d")
}

fn config(run: &str, costs: &str) -> String {
    format!("[run]\ncapital = \"10000\"\n{run}[costs]\n{costs}[risk]\ndrawdown_max = 1\n{STRATEGY}")
}

fn trace_of(run: &Path) -> Trace {
    let recording = Recording::open(run).unwrap();
    let mut source = recording.source(&[], &mut OpenDatasets::default()).unwrap();
    let bought_at = recording.all_have_prices_at(&source).unwrap();
    let envelopes = recording.reader.envelopes(Seq::FIRST).unwrap();
    trace(recording.opening_state().unwrap(), (0.0, bought_at), &mut source, envelopes).unwrap()
}

fn close(ours: &Value, theirs: f64) -> bool {
    (ours.as_f64().unwrap() - theirs).abs() <= 1e-9 * theirs.abs().max(1.0)
}

#[test]
fn a_run_read_back_has_the_figures_it_had_when_it_was_made() {
    let markets = ["--bars 900 --interval 1d", "--bars 3000 --interval 1h", "--ticks 60000"];
    let runs =
        ["end = \"flatten\"\n", "fill = \"same-close\"\n", "[bars]\nrule = \"time\"\ninterval = \"5m\"\n"];
    for (market, run) in markets.iter().zip(runs) {
        let folder = folder(market);
        folder.write("c.toml", &config(run, "taker_fee = \"10bps\"\nslippage = \"5bps\"\n"));
        let made = folder.answer("backtest c.toml --dataset data --run a");
        let trace = trace_of(&folder.path("a"));
        let returns = trace.equity.daily_returns();
        assert_eq!(made["statistics"]["period"]["daily_returns"], returns.len());
        assert_eq!(made["statistics"]["period"]["samples"], trace.equity.samples(), "{market}");
        assert!(close(&made["final_equity"], trace.equity.final_equity()), "{market}");
        let falls = trace.equity.falls().deepest.map_or(0.0, |fall| fall.depth() * 100.0);
        assert!(close(&made["max_drawdown_pct"], falls), "{market}");
        let held = trace.holding.final_equity() / trace.holding.capital() - 1.0;
        let there = made["statistics"]["performance"]["buy_and_hold_return_pct"].as_f64().unwrap() / 100.0;
        assert!((held - there).abs() < 0.005, "{market}: {held} {there}: without the fee here");
    }
}

#[test]
fn exposures_earn_what_the_run_earned_where_nothing_else_did() {
    // Filled at the close that decided, without costs: all profit is exposure times return.
    let folder = daily();
    folder.write("c.toml", &config("fill = \"same-close\"\n", "taker_fee = 0\n"));
    folder.text("backtest c.toml --dataset data --run a");
    let trace = trace_of(&folder.path("a"));
    let earned: Vec<f64> = trace.exposures.earned(0).collect();
    let returns = trace.equity.daily_returns();
    assert_eq!(earned.len() + 1, returns.len());
    assert!(returns.iter().filter(|value| value.abs() > 1e-6).count() > 200, "it was in the market");
    for (day, (ours, theirs)) in earned.iter().zip(&returns[1..]).enumerate() {
        assert!((ours - theirs).abs() < 1e-9, "day {day}: {ours} {theirs}");
    }
    // At the next open the exposure of a bar is what was held through it, not what its close decided.
    folder.write("n.toml", &config("", "taker_fee = 0\n"));
    folder.text("backtest n.toml --dataset data --run n");
    let next = trace_of(&folder.path("n"));
    let gap = next.exposures.earned(0).sum::<f64>() - next.equity.daily_returns()[1..].iter().sum::<f64>();
    assert!(gap.abs() < 0.02, "opens lie near the closes before them: {gap}");
}

#[test]
fn significance_answers_what_scripts_rely_on() {
    let folder = daily();
    folder.write("c.toml", &config("", "taker_fee = \"20bps\"\n"));
    let made = folder.answer("backtest c.toml --dataset data --run a");
    let line = "significance a --draws 200";
    let said = folder.answer(line);
    assert!(close(&said["assessment"]["sharpe"]["estimate"], made["sharpe"].as_f64().unwrap()));
    assert_eq!(said["repeated"], true);
    assert_eq!((&said["trials_from"], &said["deflation"]["trials"]), (&"assumed".into(), &1.into()));
    let psr = said["assessment"]["probabilistic_sharpe"].as_f64().unwrap() * 100.0;
    assert!(close(&made["statistics"]["risk"]["probabilistic_sharpe_pct"], psr));
    let p = said["timing"]["circular_shift"]["p_value"].as_f64().unwrap();
    assert!(p > 0.0 && p <= 1.0);
    let names: Vec<&str> =
        said["stress"].as_array().unwrap().iter().filter_map(|stress| stress["name"].as_str()).collect();
    assert_eq!(names, ["as_it_was", "one_bar_late", "doubled_costs"]);
    let cagr = |place: usize| said["stress"][place]["cagr"].as_f64().unwrap();
    assert!(close(&said["assessment"]["cagr"]["estimate"], cagr(0)));
    assert!(cagr(2) < cagr(0), "twice the costs earn less");
    assert_ne!(said["stress"][1]["sharpe"], said["stress"][0]["sharpe"], "a bar later is another run");
    assert!(said["stress"][1]["trades"].as_u64().unwrap() > 3);
    assert_eq!(folder.answer(line), said, "the same seed says the same");

    let deflated = folder.answer(&format!("{line} --trials 500 --trial-sd 0.5"));
    assert_eq!(deflated["trials_from"], "given");
    let probability = |said: &Value| said["deflation"]["deflated_sharpe"].as_f64().unwrap();
    assert!(probability(&deflated) < probability(&said));
    let text = folder.text(line);
    assert!(text.starts_with("SYNTHETIC DATA") && text.contains("assumed"), "{text}");

    assert!(folder.refusal("significance nowhere").contains("nowhere"));
    assert!(folder.refusal("significance a --draws 5").contains("100 to 1000000"));
    folder.write("s.toml", &config("to = 2024-01-11\n", "taker_fee = 0\n"));
    folder.text("backtest s.toml --dataset data --run short");
    assert!(folder.refusal("significance short").contains("10 daily returns, at least 30"));
}

#[test]
fn a_self_contained_run_is_judged_without_its_dataset() {
    let folder = daily();
    let text =
        format!("{}[journal]\nself_contained = true\n", config("end = \"flatten\"\n", "taker_fee = 0\n"));
    folder.write("c.toml", &text);
    folder.text("backtest c.toml --dataset data --run a");
    std::fs::remove_dir_all(folder.path("data")).unwrap();
    let said = folder.answer("significance a --draws 100");
    let figure = |of: &Value, key: &str| of[key].as_f64().unwrap();
    let again = figure(&said["stress"][0], "cagr");
    assert!(close(&said["assessment"]["cagr"]["estimate"], again), "played again it earns the same");
}

#[test]
fn a_walk_forward_counts_every_try_and_repeats_itself() {
    let folder = daily();
    folder.write("w.toml", &format!("{}{WALK}", config("", "taker_fee = \"10bps\"\n")));
    let said = folder.answer("walk-forward w.toml --dataset data --out one --draws 200");
    assert_eq!((&said["combinations"], said["left_out"].as_array().unwrap().len()), (&5.into(), 1));
    let folds = said["folds"].as_array().unwrap();
    assert_eq!(folds.len(), 3, "{folds:?}");
    assert_eq!(said["trials_run"], 15);
    assert_eq!(said["deflation"]["trials"], 15);
    for fold in folds {
        let moment = |part: &str, end: &str| {
            let text = fold[part][end].as_str().unwrap();
            engine_application::moment::parse_moment(text).unwrap()
        };
        let gap = moment("test", "from").since(moment("train", "to"));
        assert_eq!(gap.nanos(), 11 * Span::DAY.nanos());
        assert!(moment("train", "from") < moment("train", "to"));
    }
    let trials = std::fs::read_to_string(folder.path("one/trials.jsonl")).unwrap();
    assert_eq!(trials.lines().count(), 3 * 5 * 2 + 5, "trainings, tests, and each trial over all tests");
    let stitched = std::fs::read_to_string(folder.path("one/stitched.csv")).unwrap();
    assert_eq!(said["stitched"]["days"], stitched.lines().count() - 1);
    assert!(said["overfitting"]["probability"].is_number() && said["reality_check"]["p_value"].is_number());

    let best = folds[0]["trial"].as_u64().unwrap();
    let scored = trials.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let trained = scored.filter(|trial| trial["fold"] == 1 && trial["part"] == "train");
    let ranked =
        trained.max_by(|a, b| a["sharpe"].as_f64().unwrap().total_cmp(&b["sharpe"].as_f64().unwrap()));
    assert_eq!(ranked.unwrap()["trial"], best, "the best in training was chosen");

    folder.answer("walk-forward w.toml --dataset data --out two --draws 200");
    let again = std::fs::read_to_string(folder.path("two/trials.jsonl")).unwrap();
    assert_eq!(again, trials, "figures and heads repeat to the last digit");
    assert!(folder.refusal("walk-forward w.toml --dataset data --out one").contains("--out"));

    folder.text("backtest w.toml --dataset data --run one/run");
    let judged = folder.answer("significance one/run --draws 100");
    assert_eq!(judged["deflation"]["trials"], 15, "a run beside trials is one of them");
    assert!(judged["trials_from"]["recorded"].as_str().unwrap().ends_with("trials.jsonl"));
}

#[test]
fn one_trial_is_its_own_average_and_trades_only_in_its_tests() {
    let folder = daily();
    let walk = WALK.replace("[3, 10, 20]", "[5]").replace("[20, 40]", "[20]");
    folder.write("w.toml", &format!("{}{walk}", config("", "taker_fee = \"10bps\"\n")));
    let said = folder.answer("walk-forward w.toml --dataset data --draws 100");
    assert_eq!(said["stitched"], said["equal_weight"]);
    assert_eq!(said["overfitting"], Value::Null);
    assert_eq!(said["less_equal_weight"]["p_value"], 1.0);

    // The last test, run by hand from its first day without history before it, knows its averages only later.
    let cold = {
        let from = &said["folds"][2]["test"]["from"].as_str().unwrap()[..10];
        folder.write(
            "cold.toml",
            &config(&format!("from = {from}\nend = \"flatten\"\n"), "taker_fee = \"10bps\"\n"),
        );
        folder.text("backtest cold.toml --dataset data --run cold");
        trace_of(&folder.path("cold")).equity.daily_returns()
    };
    let stitched = std::fs::read_to_string(folder.path("walk-forward-run/stitched.csv")).unwrap();
    let warm: Vec<f64> = stitched
        .lines()
        .filter(|line| line.starts_with("3,"))
        .map(|line| line.split(',').nth(2).unwrap().parse().unwrap())
        .collect();
    assert_eq!(warm.len(), cold.len());
    assert!(cold[..20].iter().all(|value| *value == 0.0) && warm.iter().any(|value| *value != 0.0));
}

/// Daily bars of real markets, when they lie beside the project.
fn markets(folder: &Folder) -> Option<()> {
    let bars = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/market/bars");
    for symbol in ["BTCUSDT", "ETHUSDT", "SOLUSDT"] {
        let file = bars.join(format!("binance_spot_{symbol}_1d_to_2024.csv.zst"));
        if !file.exists() {
            println!("skipped: shared data not found: {symbol} daily bars");
            return None;
        }
        let line = format!("import --dataset real --venue binance --instrument {symbol} --interval 1d");
        folder.text(&format!("{line} {}", file.display()));
    }
    Some(())
}

#[test]
fn the_study_of_the_ensemble_shows_the_figures_of_its_reference() {
    let folder = Folder::new();
    let Some(()) = markets(&folder) else { return };
    let said = folder.answer("study ensemble --dataset real --draws 200 --html study.html");
    let rows = said["rows"].as_array().unwrap();
    // models/golden_default_*.json: CAGR, Sharpe, drawdown of the book filled at the close, to 2024-12-30.
    let golden = [
        (3, 0.2142, 1.423, 0.1274),
        (4, 0.2562, 1.590, 0.1274),
        (5, 0.1297, 1.055, 0.1274),
        (6, 0.2582, 1.713, 0.1272),
        (7, 0.3205, 1.984, 0.1272),
        (8, 0.1612, 1.279, 0.1179),
    ];
    for (place, cagr, sharpe, drawdown) in golden {
        let row = &rows[place];
        for figures in [&row["same_close_optimistic"], &honest(&row["ensemble"])] {
            let near = |key: &str, expected: f64, within: f64| {
                let ours = figures[key].as_f64().unwrap();
                assert!((ours - expected).abs() < within, "row {place}: {key} {ours} is not {expected}");
            };
            near("cagr", cagr, 0.003);
            near("sharpe", sharpe, 0.02);
            near("max_drawdown", -drawdown, 0.002);
        }
        let probability = |key: &str| row[key]["deflated_sharpe"].as_f64().unwrap();
        assert!(probability("deflation") > probability("deflation_against_worthless_trials"));
        assert_eq!(row["deflation"]["trials"], 200);
        assert!(row["buy_and_hold"]["max_drawdown"].as_f64().unwrap() < -0.6);
        assert!(
            row["original"]["cagr"].as_f64().unwrap() < row["ensemble"]["cagr"]["estimate"].as_f64().unwrap()
        );
    }
    let html = std::fs::read_to_string(folder.path("study.html")).unwrap();
    assert!(html.contains("OPTIMISTIC") && html.contains("BTC + ETH + SOL") && !html.contains("<script"));
    assert!(folder.refusal("study ensemble --dataset nowhere").contains("nowhere"));
    folder.text("synth --dataset hourly --seed 1 --bars 100 --venue binance --instrument BTCUSDT");
    assert!(folder.refusal("study ensemble --dataset hourly").contains("ETHUSDT"));
}

fn honest(assessment: &Value) -> Value {
    let keys = ["cagr", "sharpe", "max_drawdown"];
    keys.iter().map(|key| ((*key).to_owned(), assessment[*key]["estimate"].clone())).collect()
}

#[test]
fn plans_and_data_that_do_not_fit_get_one_line() {
    let folder = daily();
    let base = config("", "taker_fee = 0\n");
    for (walk, wanted) in [
        (String::new(), "missing key `walk_forward`"),
        (WALK.replace("1y", "9y"), "leave nothing to test on"),
        (WALK.replace("fast =", "fsat ="), "line 18: unknown key `walk_forward.grid.fsat`"),
        (WALK.replace("6mo", "half a year"), "`walk_forward.test`"),
    ] {
        folder.write("w.toml", &format!("{base}{walk}"));
        let line = folder.refusal("walk-forward w.toml --dataset data --out never");
        assert!(line.contains(wanted), "{line}");
    }
    folder.write("w.toml", &format!("{base}{WALK}"));
    assert!(folder.refusal("walk-forward w.toml --dataset nowhere --out never").contains("nowhere"));
    assert!(!folder.path("never").exists(), "nothing is made before everything fits");
    let help = folder.text("help CONFIG");
    assert!(help.contains("[walk_forward]"));
}

#[test]
fn nothing_is_traded_before_the_window() {
    use engine_application::config::{Available, RunSettings, policy_of, resolve};
    use replay_simulation::backtest::recorder::Silent;
    let folder = daily();
    let mut datasets = OpenDatasets::default();
    let data = folder.path("data");
    let available = [Available::of(&data, datasets.reader(&data).unwrap()).unwrap()];
    let text = "[run]\ncapital = 1000\n[risk]\ndrawdown_max = 1\n[strategy]\nname = \"buy-and-hold\"\n";
    let settings = RunSettings::read_toml("c.toml", text).unwrap();
    let mut config = resolve(&settings, &available).unwrap();
    config.feeds.iter_mut().for_each(|feed| feed.dataset = folder.path("data"));
    let data = replay_simulation::series_feed::open(&config, &mut datasets).unwrap();
    let first = data.source;
    let manifest = engine_core::event::Manifest {
        datasets: data.datasets.clone(),
        ..replay_simulation::backtest::manifest(
            &config,
            &replay_simulation::series_feed::open(&config, &mut datasets).unwrap(),
        )
    };
    let from = engine_application::moment::parse_moment("2024-06-01").unwrap();
    let policy = policy_of(
        &engine_application::wiring::backtest::resolved_settings(&config).unwrap(),
        &config.instruments,
    )
    .unwrap();
    let strategy = Box::new(strategies::trading_window::TradingWindow::new(policy, from));
    let cast = replay_simulation::backtest::Participants {
        strategy,
        conductor: None,
        operator: replay_simulation::operator::Operator::default(),
    };
    let ran =
        engine_research::trial_run::play_trial(&config, cast, (first, manifest, data.records), &mut Silent)
            .unwrap();
    let all = ran.equity.daily_returns();
    let inside = ran.equity.daily_returns_from(from);
    let before = all.len() - inside.len();
    assert_eq!(
        Timestamp::from_nanos(from.nanos()).since(ran.equity.started_at().unwrap()).nanos(),
        before as i64 * Span::DAY.nanos()
    );
    assert!(all[..before].iter().all(|value| *value == 0.0));
    assert!(inside.iter().all(|value| *value != 0.0), "from its first day on it holds");
    assert_eq!(all[before..], inside);
}
