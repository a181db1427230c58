//! Settings given beside the file: `KEY=VALUE`, with the key in dots and the value as TOML writes it.

use std::str::FromStr;

use serde_json::{Map, Value};
use strategies::settings::SettingError;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::toml_value::value_of;

/// One setting that takes the place of the file's.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    path: Vec<String>,
    value: Value,
}

/// Why a text is no assignment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// There is no `=`, or no key before it.
    #[error("give KEY=VALUE, as in strategy.fast=20 or costs.taker_fee=10bps")]
    NoKey,
    /// What stands before `=` is no key.
    #[error("{0:?} is no key; give it in dots, as in strategy.fast")]
    NotAKey(String),
}

impl Assignment {
    /// The assignment of `value` to the key `path`, from the outermost table inwards.
    #[must_use]
    pub fn new(path: &[&str], value: Value) -> Self {
        Self { path: path.iter().map(|key| (*key).to_owned()).collect(), value }
    }

    /// The key in dots.
    #[must_use]
    pub fn key(&self) -> String {
        self.path.join(".")
    }

    /// The value.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// Whether an error about the setting at `path` is about this one.
    pub(super) fn is_about(&self, path: &str) -> bool {
        let key = self.key();
        key == path || path.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.'))
    }

    /// Puts the value in its place; tables on the way are made.
    ///
    /// # Errors
    /// [`SettingError::WrongType`] where something on the way is no table.
    pub(super) fn apply(&self, table: &mut Map<String, Value>) -> Result<(), SettingError> {
        let Some((last, way)) = self.path.split_last() else { return Ok(()) };
        let mut place = table;
        for (depth, key) in way.iter().enumerate() {
            let wrong = |found: &Value| SettingError::WrongType {
                path: self.path.get(..=depth).unwrap_or_default().join("."),
                found: found.to_string(),
                expected: "a table".to_owned(),
            };
            let entry = place.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
            if !entry.is_object() {
                return Err(wrong(entry));
            }
            let Value::Object(inner) = entry else { return Ok(()) };
            place = inner;
            // A size has one form: the one given takes the place of the one written.
            if key == "size" {
                place.clear();
            }
        }
        place.insert(last.clone(), self.value.clone());
        Ok(())
    }
}

/// Two assignments that cannot both hold, by their places among those given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clash {
    /// The first of the two.
    pub one: usize,
    /// The one that would take its place.
    pub other: usize,
}

/// The first two of `assignments` that are about one setting: the same key, a key inside the other's, or two forms of a
/// size.
#[must_use]
pub fn clash(assignments: &[Assignment]) -> Option<Clash> {
    let forms_of_one_size = |one: &Assignment, other: &Assignment| {
        let sized = one.path.iter().position(|key| key == "size").map(|place| place + 1);
        sized.is_some_and(|end| one.path.get(..end) == other.path.get(..end))
    };
    let clashes = |one: &Assignment, other: &Assignment| {
        one.path.starts_with(&other.path)
            || other.path.starts_with(&one.path)
            || forms_of_one_size(one, other)
    };
    assignments.iter().enumerate().find_map(|(other, later)| {
        let one = assignments.iter().take(other).position(|earlier| clashes(earlier, later))?;
        Some(Clash { one, other })
    })
}

impl std::fmt::Display for Assignment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.value.as_str() {
            Some(text) => write!(out, "{}={text}", self.key()),
            None => write!(out, "{}={}", self.key(), self.value),
        }
    }
}

impl FromStr for Assignment {
    type Err = AssignmentError;

    /// Reads `KEY=VALUE`. A value that is no TOML is text, so that quotes are not needed: `costs.taker_fee=10bps`.
    fn from_str(text: &str) -> Result<Self, AssignmentError> {
        let (key, value) = text.split_once('=').ok_or(AssignmentError::NoKey)?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(AssignmentError::NoKey);
        }
        Ok(Self { path: path_of(key)?, value: read_value(value) })
    }
}

/// A value as TOML writes it; anything else is text.
pub(super) fn read_value(text: &str) -> Value {
    let line = format!("value = {text}");
    let parsed = DeTable::parse(&line).ok().filter(|table| table.get_ref().len() == 1);
    let value = parsed.and_then(|table| table.get_ref().get("value").map(|value| value_of(value.get_ref())));
    value.unwrap_or_else(|| Value::from(text))
}

/// The parts of a dotted key, quotes and all as TOML reads them.
fn path_of(key: &str) -> Result<Vec<String>, AssignmentError> {
    let refused = || AssignmentError::NotAKey(key.to_owned());
    let line = format!("{key} = true");
    let parsed = DeTable::parse(&line).map_err(|_| refused())?;
    let mut path = Vec::new();
    let mut table = parsed.get_ref();
    loop {
        let mut entries = table.iter();
        let (Some((name, value)), None) = (entries.next(), entries.next()) else { return Err(refused()) };
        path.push(name.get_ref().to_string());
        match Spanned::get_ref(value) {
            DeValue::Table(inner) => table = inner,
            DeValue::Boolean(_) => return Ok(path),
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => return Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::RunSettings;
    use super::*;

    const BASE: &str =
        "[run]\ncapital = 1000\n[strategy]\nname = \"sma-cross\"\nfast = 5\nsize = { units = 1 }\n";

    fn set(words: &[&str]) -> Result<RunSettings, String> {
        let assignments: Vec<Assignment> = words.iter().map(|word| word.parse().unwrap()).collect();
        RunSettings::read_toml_with("c.toml", BASE, &assignments).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_set_takes_the_place_of_what_is_written() {
        let settings = set(&[
            "strategy.fast=7",
            "strategy.size.notional=250.5",
            "costs.taker_fee=10bps",
            "run.from=2024-01-31",
            "instrument.\"v:A.B\".lot=0.001",
        ])
        .unwrap();
        let text = super::super::canonical(&settings);
        for part in [
            "\"fast\":7",
            "\"size\":{\"notional\":\"250.5",
            "\"taker_fee\":\"0.001\"",
            "\"from\":\"2024-01-31T00:00:00Z\"",
            "\"v:A.B\":{\"lot\":\"0.001\"}",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn what_cannot_be_set_is_named_as_it_was_given() {
        let cases: [(&str, &[&str]); 4] = [
            ("strategy.fsat=7", &["--set strategy.fsat=7", "did you mean `fast`"]),
            ("strategy.fast=many", &["--set strategy.fast=many", "whole number from 1 to 100000"]),
            ("strategy.name.x=1", &["`strategy.name` = \"sma-cross\"", "a table"]),
            ("rsik.drawdown_max=1", &["`rsik`", "did you mean `risk`"]),
        ];
        for (word, parts) in cases {
            let error = set(&[word]).unwrap_err();
            assert_eq!(error.lines().count(), 1, "{error}");
            for part in parts {
                assert!(error.contains(part), "{word} gave {error:?} without {part:?}");
            }
        }
    }

    #[test]
    fn two_assignments_about_one_setting_are_found() {
        let found = |words: &[&str]| {
            let assignments: Vec<Assignment> = words.iter().map(|word| word.parse().unwrap()).collect();
            clash(&assignments).map(|Clash { one, other }| (one, other))
        };
        assert_eq!(found(&["a.b=1", "a.c=1", "a.bc=1", "b.a=1"]), None);
        assert_eq!(found(&["a.c=2", "a.b=1", "a.b=1"]), Some((1, 2)));
        assert_eq!(found(&["a={ b = 1 }", "a.b.c=1"]), Some((0, 1)));
        assert_eq!(found(&["s.size.units=1", "s.size.notional=5"]), Some((0, 1)));
        assert_eq!(found(&["s.size.units=1", "t.size.notional=5"]), None);
    }

    #[test]
    fn what_is_no_assignment_is_refused() {
        for word in ["", "fast", "=3", " = 3"] {
            assert_eq!(word.parse::<Assignment>(), Err(AssignmentError::NoKey), "{word}");
        }
        for word in ["a b=1", "a..b=1", "a.=1", "[run]=1", "a\nb=1"] {
            assert!(matches!(word.parse::<Assignment>(), Err(AssignmentError::NotAKey(_))), "{word}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}", key in "[a-z.\"\n ]{0,8}") {
            let _ = text.parse::<Assignment>();
            let _ = format!("{key}={text}").parse::<Assignment>();
        }

        #[test]
        fn what_is_assigned_is_found_at_its_key(
            path in prop::collection::vec("[a-z_]{1,6}", 1..4), number in any::<i64>(),
        ) {
            let assignment: Assignment = format!("{}={number}", path.join(".")).parse().unwrap();
            let mut table = Map::new();
            assignment.apply(&mut table).unwrap();
            let pointer = format!("/{}", path.join("/"));
            let table = Value::Object(table);
            prop_assert_eq!(table.pointer(&pointer), Some(&json!(number)));
            prop_assert_eq!(assignment.to_string(), format!("{}={number}", path.join(".")));
        }
    }
}
