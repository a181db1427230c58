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
    asked: Vec<&'static str>,
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
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.table.get(key)
    }

    /// A text.
    ///
    /// # Errors
    /// [`SettingError::WrongType`] for anything else.
    pub fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, SettingError> {
        match self.value(key) {
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
        match self.value(key) {
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
        let number = match self.value(key) {
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
        let Some(given) = self.text(key)? else { return Ok(None) };
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == given) {
            return Ok(Some(*choice));
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
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
        let Some(value) = self.value(key) else { return Ok(None) };
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
        let Some(value) = self.value(key) else { return Ok(None) };
        let expected = "a share such as 0.001, \"0.1%\" or \"10bps\"";
        let Some(text) = number_text(value) else { return Err(self.wrong_type(key, value, expected)) };
        let Some(ratio) = ratio_of(&text) else { return Err(self.wrong_type(key, value, expected)) };
        if range.contains(&ratio) {
            return Ok(Some(ratio));
        }
        let (low, high) = (ratio_text(*range.start()), ratio_text(*range.end()));
        Err(self.out_of_range(key, &text, &format!("a share from {low} to {high}")))
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
        let Some(text) = self.text(key)? else { return Ok(None) };
        let Ok(span) = text.parse::<Span>() else {
            let expected = "a whole number and one of ns, us, ms, s, m, h, d, w, as in \"5ms\"";
            return Err(self.wrong_type(key, &Value::from(text), expected));
        };
        if range.contains(&span) {
            return Ok(Some(span));
        }
        Err(self.out_of_range(key, text, &format!("a span from {} to {}", range.start(), range.end())))
    }

    /// A list of texts.
    ///
    /// # Errors
    /// [`SettingError::WrongType`] for anything else.
    pub fn texts(&mut self, key: &'static str) -> Result<Option<Vec<String>>, SettingError> {
        let Some(value) = self.value(key) else { return Ok(None) };
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
        match self.value(key) {
            None => Ok(None),
            Some(Value::Object(table)) => Ok(Some(Settings::new(&self.path_of(key), table))),
            Some(other) => Err(self.wrong_type(key, other, "a table")),
        }
    }

    /// Answers an absent `key` with an error: the key itself, or the mistyped one that was meant for it.
    #[must_use]
    pub fn missing(&self, key: &'static str, expected: &str) -> SettingError {
        let strangers = self.table.keys().map(String::as_str).filter(|name| !self.asked.contains(name));
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
        let Some(stranger) = self.table.keys().find(|key| !self.asked.contains(&key.as_str())) else {
            return Ok(());
        };
        // A key that is there already was not the one that was meant.
        let absent = self.asked.iter().copied().filter(|key| !self.table.contains_key(*key));
        let near = nearest_name(stranger, absent).map(str::to_owned);
        Err(SettingError::UnknownKey { path: self.path_of(stranger), nearest: near, valid: self.asked })
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
mod tests {
    use super::*;

    fn table(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn shares_are_read_exactly_in_three_forms() {
        let json = table(r#"{"a": 0.001, "b": "0.1%", "c": "10bps", "d": "10 bps"}"#);
        let mut settings = Settings::new("", &json);
        for key in ["a", "b", "c", "d"] {
            let ratio = settings.ratio(key, Ratio::ZERO..=Ratio::ONE).unwrap().unwrap();
            assert_eq!(ratio.units(), 1_000_000, "{key}");
        }
    }

    #[test]
    fn each_error_names_key_value_and_what_is_allowed() {
        let json = table(r#"{"fast": 0, "slow": "many", "sise": 1, "side": "lnog"}"#);
        let mut settings = Settings::new("strategy", &json);
        let error = settings.whole("fast", 1..=100).unwrap_err();
        assert_eq!(error.to_string(), "`strategy.fast` = 0: allowed is a whole number from 1 to 100");
        let error = settings.whole("slow", 1..=100).unwrap_err();
        assert_eq!(error.to_string(), "`strategy.slow` = \"many\": expected a whole number from 1 to 100");
        let error = settings.choice("side", &[("long", 1), ("short", 2)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`strategy.side` = \"lnog\": allowed is long, short; did you mean `long`?"
        );
        let error = settings.missing("size", "a number");
        assert_eq!(error.to_string(), "unknown key `strategy.sise`; did you mean `size`?");
        assert!(settings.positive("size").unwrap().is_none());
        let error = settings.finish().unwrap_err();
        assert_eq!(error.to_string(), "unknown key `strategy.sise`; did you mean `size`?");
    }

    #[test]
    fn numbers_keep_every_digit_they_were_written_with() {
        let json = table(r#"{"a": "10000000", "b": 0.1, "c": "-1", "d": "1e400"}"#);
        let mut settings = Settings::new("", &json);
        assert_eq!(settings.positive("a").unwrap().unwrap().to_string(), "10000000");
        assert_eq!(settings.positive("b").unwrap().unwrap(), Decimal { units: 1, decimals: 1 });
        assert!(settings.positive("c").is_err());
        assert!(settings.positive("d").is_err());
    }
}
