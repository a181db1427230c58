//! `[walk_forward]`: how history is cut, and which settings of the strategy are tried.
//!
//! The file is a configuration like any other; `engine backtest` reads past this table.

use std::path::Path;

use engine_core::time::Span;
use replay_statistics::walk_forward::fold::{Plan, Training};
use replay_statistics::walk_forward::length::Length;
use replay_statistics::walk_forward::verdict::Metric;
use serde_json::{Map, Value};
use strategies::settings::{SettingError, Settings};

use super::document::{read_file, read_toml};
use super::{ConfigError, RunSettings};

/// Purge and embargo are gaps, not spans of history.
const GAP_MAX: Span = Span::from_nanos(3_660 * Span::DAY.nanos());
/// More trials than this are a mistaken grid.
const TRIALS_MAX: usize = 10_000;

const TRAININGS: [(&str, Training); 2] = [("anchored", Training::Anchored), ("rolling", Training::Rolling)];
const METRICS: [(&str, Metric); 3] =
    [("sharpe", Metric::Sharpe), ("calmar", Metric::Calmar), ("cagr", Metric::Cagr)];

/// A configuration with everything to try.
#[derive(Debug, Clone)]
pub struct WalkForward {
    /// How history is cut.
    pub plan: Plan,
    /// What the best trial is chosen by.
    pub metric: Metric,
    /// The settings without any of the grid.
    pub base: RunSettings,
    /// The same capital in every instrument, bought at once and held; never halted.
    pub holding: RunSettings,
    /// The trials, in the order of the grid's keys by name, the first changing slowest.
    pub trials: Vec<Trial>,
    /// Combinations of the grid that cannot be, with why.
    pub left_out: Vec<String>,
}

/// One combination of the grid.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The keys of the grid with their values.
    pub values: Map<String, Value>,
    /// The settings it runs with.
    pub settings: RunSettings,
}

impl WalkForward {
    /// Reads a configuration file with a table `[walk_forward]`.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line and key.
    pub fn read_file(path: &Path) -> Result<Self, ConfigError> {
        read_file(path, Self::read_toml)
    }

    /// Reads the same from TOML text; errors name it `path`.
    ///
    /// # Errors
    /// [`ConfigError`] with line and key.
    pub fn read_toml(path: &str, text: &str) -> Result<Self, ConfigError> {
        read_toml(path, text, read)
    }
}

fn read(table: &Map<String, Value>) -> Result<WalkForward, SettingError> {
    let base = RunSettings::read(table)?;
    let mut top = Settings::new("", table);
    let Some(mut walk) = top.table("walk_forward")? else {
        return Err(top.missing("walk_forward", "a table [walk_forward] with `train`, `test` and a grid"));
    };
    let nothing = Span::ZERO;
    let plan = Plan {
        train: length(&mut walk, "train")?,
        test: length(&mut walk, "test")?,
        purge: walk.span("purge", nothing..=GAP_MAX)?.unwrap_or(nothing),
        embargo: walk.span("embargo", nothing..=GAP_MAX)?.unwrap_or(nothing),
        training: walk.choice("training", &TRAININGS)?.unwrap_or_default(),
    };
    let metric = walk.choice("metric", &METRICS)?.unwrap_or_default();
    let combinations = match walk.value("grid") {
        Some(Value::Object(grid)) => combinations(grid)?,
        Some(other) => return Err(wrong("walk_forward.grid", other, "a table of lists")),
        None => {
            return Err(walk.missing("grid", "a table [walk_forward.grid] with lists, as in fast = [10, 20]"));
        }
    };
    walk.finish()?;
    let (trials, left_out) = trials(table, combinations)?;
    Ok(WalkForward { plan, metric, holding: holding(table)?, base, trials, left_out })
}

fn length(walk: &mut Settings<'_>, key: &'static str) -> Result<Length, SettingError> {
    let expected = "a length, as in \"3y\", \"6mo\" or \"90d\"";
    let Some(text) = walk.text(key)? else { return Err(walk.missing(key, expected)) };
    text.parse().map_err(|_| walk.out_of_range(key, text, expected))
}

fn wrong(path: &str, found: &Value, expected: &str) -> SettingError {
    let (path, expected) = (path.to_owned(), expected.to_owned());
    SettingError::WrongType { path, found: found.to_string(), expected }
}

/// Every combination of the lists of a grid, the first key by name changing slowest.
fn combinations(grid: &Map<String, Value>) -> Result<Vec<Map<String, Value>>, SettingError> {
    let mut combinations = vec![Map::new()];
    for (key, values) in grid {
        let path = format!("walk_forward.grid.{key}");
        let Some(values) = values.as_array().filter(|values| !values.is_empty()) else {
            return Err(wrong(&path, values, "a list with at least one value, as in [10, 20]"));
        };
        if key == "name" {
            return Err(wrong(&path, &Value::from(key.as_str()), "settings of one strategy, not its name"));
        }
        if combinations.len().saturating_mul(values.len()) > TRIALS_MAX {
            let allowed = format!("at most {TRIALS_MAX} combinations");
            let value = format!("{} values", values.len());
            return Err(SettingError::OutOfRange { path, value, allowed, nearest: None });
        }
        let with = |combination: &Map<String, Value>, value: &Value| {
            let mut combination = combination.clone();
            combination.insert(key.clone(), value.clone());
            combination
        };
        combinations =
            combinations.iter().flat_map(|old| values.iter().map(move |value| with(old, value))).collect();
    }
    Ok(combinations)
}

/// The settings of each combination; those whose values do not go together are left out and named.
fn trials(
    table: &Map<String, Value>,
    combinations: Vec<Map<String, Value>>,
) -> Result<(Vec<Trial>, Vec<String>), SettingError> {
    let (mut trials, mut left_out) = (Vec::new(), Vec::new());
    let mut first = None;
    for values in combinations {
        let mut table = table.clone();
        if let Some(Value::Object(strategy)) = table.get_mut("strategy") {
            strategy.extend(values.clone());
        }
        match RunSettings::read(&table) {
            Ok(settings) => trials.push(Trial { values, settings }),
            Err(error @ SettingError::OutOfRange { .. }) => {
                left_out.push(format!("{}: {error}", Value::Object(values)));
                first.get_or_insert(error);
            }
            Err(error) => return Err(in_grid(error)),
        }
    }
    match first {
        Some(error) if trials.is_empty() => Err(in_grid(error)),
        Some(_) | None => Ok((trials, left_out)),
    }
}

/// The same error, about the key of the grid: the strategy without it read well.
fn in_grid(mut error: SettingError) -> SettingError {
    let (SettingError::UnknownKey { path, .. }
    | SettingError::Missing { path, .. }
    | SettingError::WrongType { path, .. }
    | SettingError::OutOfRange { path, .. }
    | SettingError::Rule { path, .. }
    | SettingError::File { path, .. }) = &mut error;
    *path = path.replacen("strategy.", "walk_forward.grid.", 1);
    error
}

/// The settings of buying and holding on the same data and at the same costs.
fn holding(table: &Map<String, Value>) -> Result<RunSettings, SettingError> {
    let mut table = table.clone();
    table.insert("strategy".to_owned(), serde_json::json!({ "name": "buy-and-hold" }));
    table.remove("regime");
    table.remove("conductor");
    let mut settings = RunSettings::read(&table)?;
    settings.risk.drawdown_max = engine_core::num::Ratio::ONE;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "[run]\ncapital = 1000\n[strategy]\nname = \"sma-cross\"\n";

    fn read(text: &str) -> Result<WalkForward, String> {
        WalkForward::read_toml("w.toml", text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_grid_becomes_trials_in_its_order() {
        let walk = "[walk_forward]\ntrain = \"3y\"\ntest = \"1y\"\npurge = \"10d\"\n\
                    [walk_forward.grid]\nfast = [10, 20, 50]\nslow = [50, 100]\n";
        let read = read(&format!("{BASE}{walk}")).unwrap();
        let said: Vec<String> =
            read.trials.iter().map(|trial| Value::Object(trial.values.clone()).to_string()).collect();
        assert_eq!(
            said,
            [
                "{\"fast\":10,\"slow\":50}",
                "{\"fast\":10,\"slow\":100}",
                "{\"fast\":20,\"slow\":50}",
                "{\"fast\":20,\"slow\":100}",
                "{\"fast\":50,\"slow\":100}",
            ]
        );
        assert_eq!(read.left_out.len(), 1, "{:?}", read.left_out);
        assert!(read.left_out[0].contains("less than slow = 50"), "{:?}", read.left_out);
        assert_eq!(read.holding.policy.name(), "buy-and-hold");
        assert_eq!((read.plan.training, read.metric), (Training::Anchored, Metric::Sharpe));
    }

    #[test]
    fn wrong_plans_get_one_line_that_says_where_and_what() {
        let cases: [(&str, &[&str]); 9] = [
            ("", &["missing key `walk_forward`"]),
            ("[walk_forward]\ntest = \"1y\"", &["missing key `walk_forward.train`", "3y"]),
            (
                "[walk_forward]\ntrain = \"soon\"\ntest = \"1y\"",
                &["line 6", "`walk_forward.train` = soon", "90d"],
            ),
            ("[walk_forward]\ntrain = \"1y\"\ntest = \"1y\"", &["missing key `walk_forward.grid`"]),
            (
                "[walk_forward]\ntrain = \"1y\"\ntest = \"1y\"\n[walk_forward.grid]\nfast = 5",
                &["line 9", "`walk_forward.grid.fast` = 5", "a list"],
            ),
            (
                "[walk_forward]\ntrain = \"1y\"\ntest = \"1y\"\n[walk_forward.grid]\nfsat = [5]",
                &["line 9", "`walk_forward.grid.fsat`", "did you mean `fast`"],
            ),
            (
                "[walk_forward]\ntrain = \"1y\"\ntest = \"1y\"\n[walk_forward.grid]\nfast = [0]",
                &["line 9", "`walk_forward.grid.fast` = 0"],
            ),
            (
                "[walk_forward]\ntrian = \"1y\"\ntest = \"1y\"\n[walk_forward.grid]\nfast = [5]",
                &["line 6", "`walk_forward.trian`", "did you mean `train`"],
            ),
            (
                "[walk_forward]\ntrain = \"1y\"\ntest = \"1y\"\nmetric = \"luck\"\n[walk_forward.grid]\nfast = [5]",
                &["line 8", "sharpe, calmar, cagr"],
            ),
        ];
        for (text, wanted) in cases {
            let error = read(&format!("{BASE}{text}")).unwrap_err();
            assert_eq!(error.lines().count(), 1, "{error}");
            for part in wanted {
                assert!(error.contains(part), "{text:?} gave {error:?} without {part:?}");
            }
        }
    }

    #[test]
    fn a_backtest_reads_past_the_plan() {
        let walk = "[walk_forward]\ntrain = \"3y\"\ntest = \"1y\"\n[walk_forward.grid]\nfast = [10]\n";
        let with = RunSettings::read_toml("w.toml", &format!("{BASE}{walk}")).unwrap();
        assert_eq!(with, RunSettings::read_toml("w.toml", BASE).unwrap());
    }
}
