//! The settings of every policy with meaning, bounds and default.
//!
//! Names, bounds and defaults come from the reader of the policy itself; only the meanings are written here, and a test
//! finds a setting without one.

use engine_core::regime::Regime;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::genome::TABLE;
use crate::settings::{SettingError, Settings};

/// One setting of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// The key below `[strategy]`.
    pub key: String,
    /// What it means.
    pub meaning: String,
    /// Kind and bounds.
    pub allowed: String,
    /// What holds when it is absent; null when that is nothing, or follows from the run.
    pub default: Value,
    /// Whether the policy cannot do without it.
    pub required: bool,
}

/// Settings without which a policy cannot be read, with values that serve as an example.
const REQUIRED: [(&str, &str, &str); 2] =
    [("rules", "enter_long", "cross_up(ema(20), ema(50))"), ("signals", "file", "signals.csv")];

/// What a key means, for the policies named or for all where none is.
const MEANINGS: [(&[&str], &str, &str); 36] = [
    (&["seed-3d"], "instruments", "the one symbol to trade; the run's when absent"),
    (
        &[],
        "instruments",
        "symbols to trade, as in [\"BTCUSDT\"] or [\"binance:BTCUSDT\"]; all of the run when absent",
    ),
    (&[], "source", "what it learns from; bars where the run has them"),
    (
        &[],
        "size",
        "how much one entry trades: { units = \"0.1\" }, { notional = \"1000\" } or { equity_share = \"50%\" }, above 0 to \
         10000 %; \"equal\" divides all equity evenly over the instruments traded",
    ),
    (
        &[],
        "stop_loss",
        "exit this far against the entry, as a share of the close that gave the signal; none when absent",
    ),
    (
        &[],
        "trailing_stop",
        "exit this far behind the best price since the entry opened, as a share of that price; not beside stop_loss; none when \
         absent",
    ),
    (
        &[],
        "take_profit",
        "exit this far in favour of the entry, as a share of the close that gave the signal; below 1 where shorts are \
         taken; none when absent",
    ),
    (&[], "direction", "which sides it may take"),
    (&[], "fast", "length of the fast average in samples; less than `slow`"),
    (&[], "slow", "length of the slow average in samples"),
    (&[], "warmup", "the first sample that may decide, counted from 1"),
    (&[], "skip_flat_bars", "bars with four equal prices move the averages and decide nothing"),
    (&[], "tie", "what equal averages mean: the fast one above, below, or no news"),
    (&["donchian"], "entry", "bars in the channel whose break enters"),
    (&["donchian"], "exit", "bars in the channel whose break leaves"),
    (&["limit-dip"], "offset", "how far below the close the limit lies"),
    (&["limit-dip"], "hold", "bars from the entry bar to the one whose close decides the exit"),
    (&["random"], "probability", "how likely a sample changes its mind"),
    (&["random"], "seed", "seed of its coin; run.seed when absent"),
    (
        &["rules"],
        "enter_long",
        "the condition that enters a long position, needed unless enter_short is given; strategies/RULES.md has the language",
    ),
    (&["rules"], "exit_long", "the condition that leaves a long position; never when absent"),
    (&["rules"], "enter_short", "the condition that enters a short position; never when absent"),
    (&["rules"], "exit_short", "the condition that leaves a short position; never when absent"),
    (
        &["signals"],
        "file",
        "CSV or Parquet with the columns time, target (a share of equity, negative for short) and, for single \
         instruments, symbol",
    ),
    (&["signals"], "hash", "BLAKE3 the file must have; that of the file when absent"),
    (&["rg-ens12"], "target", "volatility aimed at, a year"),
    (&["rg-ens12"], "drawdown_limit", "drawdown of the model book at which it holds nothing"),
    (&["rg-ens12"], "band", "a weight is kept while it lies within this share of its target"),
    (&["rg-ens12"], "history_min", "an instrument is held once it has more bars than this"),
    (&[], "cost", "what one unit of turnover is expected to cost"),
    (&[], "cash_reserve", "share of the cash that purchases leave untouched"),
    (&["regime-specialists"], "funded", "the regimes whose specialists may enter"),
    (&["regime-specialists"], "cap", "largest share of its part of equity that one position may be"),
    (&["regime-specialists"], "on_change", "what becomes of a position when the regime changes"),
    (&["regime-specialists"], "in_crisis", "what becomes of a position when a crisis begins"),
    (&["regime-specialists"], "genome", "the genes by regime; each is a setting of its own below"),
];

/// The table `[strategy]` of a policy with nothing but what it needs.
#[must_use]
pub fn example(name: &str) -> Map<String, Value> {
    let needed = REQUIRED.iter().filter(|(policy, ..)| *policy == name);
    let needed = needed.map(|(_, key, value)| ((*key).to_owned(), Value::from(*value)));
    std::iter::once(("name".to_owned(), Value::from(name))).chain(needed).collect()
}

/// Every setting of the policy `name`, in the order it is read.
///
/// # Errors
/// [`SettingError`] when there is no such policy.
pub fn parameters(name: &str) -> Result<Vec<Parameter>, SettingError> {
    let table = example(name);
    let mut settings = Settings::new("strategy", &table);
    let policy = super::read_from(&mut settings, &[])?;
    let written = serde_json::to_value(policy).unwrap_or_default();
    let mut listed = Vec::new();
    for asked in settings.asked().iter().filter(|asked| asked.key != "name") {
        listed.push(Parameter {
            key: asked.key.to_owned(),
            meaning: meaning(name, asked.key).unwrap_or_default().to_owned(),
            allowed: allowed(asked.key, &asked.allowed),
            default: match asked.key {
                // Each gene is listed with its own.
                "genome" => Value::Null,
                key => written.get(key).cloned().unwrap_or_default(),
            },
            required: REQUIRED.iter().any(|(policy, key, _)| *policy == name && *key == asked.key),
        });
        if asked.key == "genome" {
            listed.extend(genes(&written));
        }
    }
    Ok(listed)
}

fn meaning(policy: &str, key: &str) -> Option<&'static str> {
    let fits = |(policies, named, _): &&(&[&str], &str, &'static str)| {
        *named == key && (policies.is_empty() || policies.contains(&policy))
    };
    MEANINGS.iter().find(fits).map(|(.., meaning)| *meaning)
}

fn allowed(key: &str, found: &str) -> String {
    match key {
        "funded" => format!("a list of {}", Regime::ALL.map(Regime::name).join(", ")),
        "size" => "a table with one of units, notional, equity_share".to_owned(),
        _ => found.to_owned(),
    }
}

/// The genes of every regime, as settings of their own.
fn genes(written: &Value) -> Vec<Parameter> {
    let of_regime = |regime: Regime| {
        TABLE.iter().map(move |gene| {
            let path = format!("/genome/{}/{}", regime.name(), gene.name);
            Parameter {
                key: format!("genome.{}.{}", regime.name(), gene.name),
                meaning: gene.unit.to_owned(),
                allowed: format!("a share from {} to {}", gene.low, gene.high),
                default: written.pointer(&path).cloned().unwrap_or_default(),
                required: false,
            }
        })
    };
    Regime::ALL.into_iter().flat_map(of_regime).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{POLICIES, read};
    use super::*;

    #[test]
    fn every_setting_of_every_policy_is_explained() {
        for (name, _) in POLICIES {
            for parameter in parameters(name).unwrap() {
                assert!(!parameter.meaning.is_empty(), "{name}: say what `{}` means", parameter.key);
                assert!(!parameter.allowed.is_empty(), "{name}: `{}` has no bounds", parameter.key);
            }
        }
    }

    #[test]
    fn a_default_that_is_written_out_changes_nothing() {
        for (name, _) in POLICIES {
            let mut table = example(name);
            let plain = read(&table).unwrap();
            for parameter in parameters(name).unwrap() {
                if !parameter.default.is_null() && !parameter.key.contains('.') {
                    table.insert(parameter.key, parameter.default);
                }
            }
            assert_eq!(read(&table).unwrap(), plain, "{name}");
        }
    }

    #[test]
    fn an_unknown_policy_names_the_nearest() {
        assert!(parameters("donchain").unwrap_err().to_string().contains("did you mean `donchian`"));
    }

    /// The table of the policies beside the code names each with every setting of its own.
    #[test]
    fn the_table_of_the_policies_is_complete() {
        let text = include_str!("../../README.md");
        let shared = ["instruments", "source", "size", "stop_loss", "trailing_stop", "take_profit"];
        for (name, _) in POLICIES {
            let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("strategies/README.md has no row for `{name}`"));
            let own = parameters(name).unwrap().into_iter().map(|parameter| parameter.key);
            for key in own.filter(|key| !shared.contains(&key.as_str()) && !key.contains('.')) {
                assert!(row.contains(&format!("`{key}`")), "the row of `{name}` does not name `{key}`");
            }
        }
        for key in shared {
            assert!(text.contains(&format!("`{key}`")), "{key}");
        }
        let rows = text.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, POLICIES.len(), "the table has rows that the catalogue has not");
    }
}
