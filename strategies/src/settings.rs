//! A table of named settings as a user wrote it, read one key at a time.
//!
//! Every key is asked for exactly once, with its kind and range; what was never asked for is unknown, so the
//! list of valid keys can never differ from the keys that are read.

use std::ops::RangeInclusive;

use engine_core::num::{Decimal, Ratio};
use engine_core::time::Span;
use serde_json::{Map, Value};

use crate::spelling::nearest_name;

mod rule_error;
mod setting_error;
mod text;

pub use rule_error::RuleError;
pub use setting_error::SettingError;
pub use text::{decimal_of, ratio_of, ratio_text};

/// One table of settings, with the keys asked for so far.
#[derive(Debug)]
pub struct Settings<'a> {
    path: String,
    table: &'a Map<String, Value>,
    asked: Vec<Asked>,
}

/// A key that was asked for, and what it may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The key, without the table it stands in.
    pub key: &'static str,
    /// Kind and bounds in words; empty where they depend on more than the key.
    pub allowed: String,
}

impl<'a> Settings<'a> {
    /// Reads `table`, whose keys errors name under `path`; an empty path is the top.
    #[must_use]
    pub fn new(path: &str, table: &'a Map<String, Value>) -> Self {
        Self { path: path.to_owned(), table, asked: Vec::new() }
    }

    /// The full name of `key`.
    #[must_use]
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The raw value of `key`, asked for and so known from here on.
    pub fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.ask(key, String::new)
    }

    /// Every key asked for so far, in the order of asking.
    #[must_use]
    pub fn asked(&self) -> &[Asked] {
        &self.asked
    }

    fn ask(&mut self, key: &'static str, allowed: impl FnOnce() -> String) -> Option<&'a Value> {
        if !self.has_asked(key) {
            self.asked.push(Asked { key, allowed: allowed() });
        }
        self.table.get(key)
    }

    fn has_asked(&self, key: &str) -> bool {
        self.asked.iter().any(|asked| asked.key == key)
    }

    /// A text.
    ///
    /// # Errors
    /// [`SettingError::WrongType`] for anything else.
    pub fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, SettingError> {
        self.text_of(key, "a text")
    }

    fn text_of(&mut self, key: &'static str, allowed: &str) -> Result<Option<&'a str>, SettingError> {
        match self.ask(key, || allowed.to_owned()) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(key, other, "a text in quotes")),
        }
    }

    /// A yes or no.
    ///
    /// # Errors
    /// [`SettingError::WrongType`] for anything else.
    pub fn flag(&mut self, key: &'static str) -> Result<Option<bool>, SettingError> {
        match self.ask(key, || "true or false".to_owned()) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong_type(key, other, "true or false")),
        }
    }

    /// A whole number in `range`.
    ///
    /// # Errors
    /// [`SettingError`] for another type or a number outside.
    pub fn whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, SettingError> {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        let number = match self.ask(key, || allowed.clone()) {
            None => return Ok(None),
            Some(Value::Number(number)) => number,
            Some(other) => return Err(self.wrong_type(key, other, &allowed)),
        };
        match number.as_u64().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.out_of_range(key, &number.to_string(), &allowed)),
        }
    }

    /// One of the named choices.
    ///
    /// # Errors
    /// [`SettingError`] naming every choice and the nearest.
    pub fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&'static str, T)],
    ) -> Result<Option<T>, SettingError> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let Some(given) = self.text_of(key, &names.join(", "))? else { return Ok(None) };
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == given) {
            return Ok(Some(*choice));
        }
        Err(SettingError::OutOfRange {
            path: self.path_of(key),
            value: format!("\"{given}\""),
            allowed: names.join(", "),
            nearest: nearest_name(given, names.iter().copied()).map(str::to_owned),
        })
    }

    /// A positive decimal number, exactly as written: `"0.001"` or `0.001`.
    ///
    /// # Errors
    /// [`SettingError`] for another type or a number that is zero, negative or too long.
    pub fn positive(&mut self, key: &'static str) -> Result<Option<Decimal>, SettingError> {
        self.ask(key, || "a number above 0".to_owned());
        match self.decimal(key)? {
            Some(number) if number.units <= 0 => {
                Err(self.out_of_range(key, &number.to_string(), "a number above 0"))
            }
            number => Ok(number),
        }
    }

    /// A decimal number, exactly as written.
    ///
    /// # Errors
    /// [`SettingError::WrongType`] for anything else.
    pub fn decimal(&mut self, key: &'static str) -> Result<Option<Decimal>, SettingError> {
        let Some(value) = self.ask(key, || "a decimal number".to_owned()) else { return Ok(None) };
        match number_text(value).as_deref().and_then(decimal_of) {
            Some(number) => Ok(Some(number)),
            None => {
                Err(self.wrong_type(key, value, "a decimal number of at most 18 digits, as in \"0.001\""))
            }
        }
    }

    /// A share in `range`: a plain number, per cent (`"0.1%"`) or basis points (`"10bps"`).
    ///
    /// # Errors
    /// [`SettingError`] for another form or a share outside.
    pub fn ratio(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Ratio>,
    ) -> Result<Option<Ratio>, SettingError> {
        let (low, high) = (ratio_text(*range.start()), ratio_text(*range.end()));
        let allowed = format!("a share from {low} to {high}");
        let Some(value) = self.ask(key, || allowed.clone()) else { return Ok(None) };
        let expected = "a share such as 0.001, \"0.1%\" or \"10bps\"";
        let Some(text) = number_text(value) else { return Err(self.wrong_type(key, value, expected)) };
        let Some(ratio) = ratio_of(&text) else { return Err(self.wrong_type(key, value, expected)) };
        if range.contains(&ratio) {
            return Ok(Some(ratio));
        }
        Err(self.out_of_range(key, &text, &allowed))
    }

    /// A span of time, as in `"5ms"`, in `range`.
    ///
    /// # Errors
    /// [`SettingError`] for another form or a span outside.
    pub fn span(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Span>,
    ) -> Result<Option<Span>, SettingError> {
        let allowed = format!("a span from {} to {}", range.start(), range.end());
        let Some(text) = self.text_of(key, &allowed)? else { return Ok(None) };
        let Ok(span) = text.parse::<Span>() else {
            let expected = "a whole number and one of ns, us, ms, s, m, h, d, w, as in \"5ms\"";
            return Err(self.wrong_type(key, &Value::from(text), expected));
        };
        if range.contains(&span) {
            return Ok(Some(span));
        }
        Err(self.out_of_range(key, text, &allowed))
    }

    /// A list of texts.
    ///
    /// # Errors
    /// [`SettingError::WrongType`] for anything else.
    pub fn texts(&mut self, key: &'static str) -> Result<Option<Vec<String>>, SettingError> {
        let Some(value) = self.ask(key, || "a list of texts".to_owned()) else { return Ok(None) };
        let list = value.as_array().and_then(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        list.map(Some).ok_or_else(|| self.wrong_type(key, value, "a list of texts, as in [\"BTCUSDT\"]"))
    }

    /// A table within this one.
    ///
    /// # Errors
    /// [`SettingError::WrongType`] for anything else.
    pub fn table(&mut self, key: &'static str) -> Result<Option<Settings<'a>>, SettingError> {
        match self.ask(key, || "a table".to_owned()) {
            None => Ok(None),
            Some(Value::Object(table)) => Ok(Some(Settings::new(&self.path_of(key), table))),
            Some(other) => Err(self.wrong_type(key, other, "a table")),
        }
    }

    /// Answers an absent `key` with an error: the key itself, or the mistyped one that was meant for it.
    #[must_use]
    pub fn missing(&self, key: &'static str, expected: &str) -> SettingError {
        let strangers = self.table.keys().map(String::as_str).filter(|name| !self.has_asked(name));
        if let Some(stranger) = nearest_name(key, strangers) {
            let nearest = Some(key.to_owned());
            return SettingError::UnknownKey { path: self.path_of(stranger), nearest, valid: Vec::new() };
        }
        SettingError::Missing { path: self.path_of(key), expected: expected.to_owned() }
    }

    /// A value of the right kind that is not allowed.
    #[must_use]
    pub fn out_of_range(&self, key: &str, value: &str, allowed: &str) -> SettingError {
        SettingError::OutOfRange {
            path: self.path_of(key),
            value: value.to_owned(),
            allowed: allowed.to_owned(),
            nearest: None,
        }
    }

    fn wrong_type(&self, key: &str, found: &Value, expected: &str) -> SettingError {
        SettingError::WrongType {
            path: self.path_of(key),
            found: found.to_string(),
            expected: expected.to_owned(),
        }
    }

    /// Ends the reading: a key that was never asked for is unknown.
    ///
    /// # Errors
    /// [`SettingError::UnknownKey`] for the first such key.
    pub fn finish(self) -> Result<(), SettingError> {
        let Some(stranger) = self.table.keys().find(|key| !self.has_asked(key)) else {
            return Ok(());
        };
        // A key that is there already was not the one that was meant.
        let valid: Vec<&'static str> = self.asked.iter().map(|asked| asked.key).collect();
        let absent = valid.iter().copied().filter(|key| !self.table.contains_key(*key));
        let nearest = nearest_name(stranger, absent).map(str::to_owned);
        Err(SettingError::UnknownKey { path: self.path_of(stranger), nearest, valid })
    }
}

/// A number written plainly or in quotes, as its text.
fn number_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
