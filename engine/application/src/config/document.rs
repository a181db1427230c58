//! A TOML text as JSON values, which remembers on which line each key stands.

use std::path::Path;

use journal_store::small_file::{self, SMALL_BYTES_MAX};
use serde_json::{Map, Value};
use strategies::settings::SettingError;
use strategies::spelling::nearest_name;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::assignment::Assignment;
use super::toml_value::table_of;

/// A parsed configuration file.
#[derive(Debug)]
pub(super) struct Document<'t> {
    text: &'t str,
    parsed: DeTable<'t>,
    table: Map<String, Value>,
}

impl<'t> Document<'t> {
    pub(super) fn parse(path: &str, text: &'t str) -> Result<Self, ConfigError> {
        let parsed = DeTable::parse(text).map_err(|error| ConfigError::NotToml {
            path: path.to_owned(),
            line: line_at(text, error.span().map_or(0, |span| span.start)),
            reason: error.message().lines().collect::<Vec<_>>().join("; "),
        })?;
        let parsed = parsed.into_inner();
        let table = table_of(&parsed);
        Ok(Self { text, parsed, table })
    }

    /// The keys and values.
    pub(super) const fn table(&self) -> &Map<String, Value> {
        &self.table
    }

    /// The line of the key that `path` names, or of the nearest table around it.
    pub(super) fn line_of(&self, path: &str) -> Option<usize> {
        let start = place_in(&self.parsed, path)?;
        Some(line_at(self.text, start))
    }
}

/// Reads the file at `path` with `read`, which is given its name and its text.
///
/// # Errors
/// [`ConfigError::Unreadable`], and those of `read`.
pub(super) fn read_file<T>(
    path: &Path,
    read: impl FnOnce(&str, &str) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let shown = path.display().to_string();
    match small_file::read_text(path, SMALL_BYTES_MAX) {
        Ok(text) => read(&shown, &text),
        Err(source) => Err(ConfigError::Unreadable { path: shown, source }),
    }
}

/// Reads TOML text with `read`; errors name it `path` and say on which line.
///
/// # Errors
/// [`ConfigError::NotToml`], and those of `read`.
pub(super) fn read_toml<T>(
    path: &str,
    text: &str,
    read: impl FnOnce(&Map<String, Value>) -> Result<T, SettingError>,
) -> Result<T, ConfigError> {
    read_toml_with(path, text, &[], read)
}

/// The same with settings that take the place of those in the text; an error about one of them names it instead of a
/// line.
///
/// # Errors
/// As [`read_toml`], and [`ConfigError::Assigned`].
pub(super) fn read_toml_with<T>(
    path: &str,
    text: &str,
    assignments: &[Assignment],
    read: impl FnOnce(&Map<String, Value>) -> Result<T, SettingError>,
) -> Result<T, ConfigError> {
    let document = Document::parse(path, text)?;
    let mut table = document.table().clone();
    let assigned = assignments.iter().try_for_each(|assignment| assignment.apply(&mut table));
    assigned.and_then(|()| read(&table)).map_err(|mut error| {
        // A key of the file may well be the one that was meant beside it.
        if let SettingError::UnknownKey { path, nearest: nearest @ None, valid } = &mut error
            && !assignments.is_empty()
        {
            let name = path.rsplit('.').next().unwrap_or_default();
            *nearest = nearest_name(name, valid.iter().copied()).map(str::to_owned);
        }
        placed(path, Some(&document), assignments, error)
    })
}

/// Whose fault `error` is: that of an assignment that is about its setting, or of a line of the document `path`.
pub(super) fn placed(
    path: &str,
    document: Option<&Document<'_>>,
    assignments: &[Assignment],
    error: SettingError,
) -> ConfigError {
    let error = Box::new(error);
    match assignments.iter().rev().find(|assignment| assignment.is_about(error.path())) {
        Some(assignment) => ConfigError::Assigned { assignment: assignment.to_string(), error },
        None => {
            let line = document.and_then(|document| document.line_of(error.path()));
            ConfigError::Setting { path: path.to_owned(), line, error }
        }
    }
}

/// Where the key at `path` begins. Keys may hold dots themselves, so each level tries its own keys.
fn place_in(table: &DeTable<'_>, path: &str) -> Option<usize> {
    table.iter().find_map(|(key, value)| {
        let rest = path.strip_prefix(key.get_ref().as_ref())?;
        let here = key.span().start;
        if rest.is_empty() {
            return Some(here);
        }
        Some(place_below(value, rest.strip_prefix('.')?).unwrap_or(here))
    })
}

fn place_below(value: &Spanned<DeValue<'_>>, path: &str) -> Option<usize> {
    match value.get_ref() {
        DeValue::Table(table) => place_in(table, path),
        DeValue::Array(items) => {
            let (index, rest) = path.split_once('.').unwrap_or((path, ""));
            let item = items.get(index.parse::<usize>().ok()?)?;
            place_below(item, rest).or(Some(item.span().start))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

fn line_at(text: &str, start: usize) -> usize {
    let before = text.as_bytes().get(..start).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
