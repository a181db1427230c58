//! JSON objects as they are written to venues: fields in the order given, numbers with the digits they have.

use engine_core::num::Decimal;

/// An object that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct JsonObject(String);

impl JsonObject {
    /// The object and a field whose value is `json`.
    pub(crate) fn with_json(mut self, name: &str, json: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&quoted(name));
        self.0.push(':');
        self.0.push_str(json);
        self
    }

    /// The object and a text.
    pub(crate) fn with_text(self, name: &str, text: &str) -> Self {
        self.with_json(name, &quoted(text))
    }

    /// The object and a number.
    pub(crate) fn with_number(self, name: &str, number: Decimal) -> Self {
        self.with_json(name, &number.to_string())
    }

    /// The object and a whole number.
    pub(crate) fn with_whole(self, name: &str, number: i64) -> Self {
        self.with_json(name, &number.to_string())
    }

    /// The object and yes or no.
    pub(crate) fn with_flag(self, name: &str, flag: bool) -> Self {
        self.with_json(name, if flag { "true" } else { "false" })
    }

    /// The object and an array of texts.
    pub(crate) fn with_texts(self, name: &str, texts: &[&str]) -> Self {
        let quoted: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
        self.with_json(name, &format!("[{}]", quoted.join(",")))
    }

    /// The object as JSON.
    pub(crate) fn json(&self) -> String {
        format!("{{{}}}", self.0)
    }
}

/// `text` as a string of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_numbers_keep_their_digits() {
        let object = JsonObject::default()
            .with_text("a", "\"币\"\n")
            .with_number("b", Decimal { units: 123_456_789_012_345_678_901, decimals: 8 })
            .with_whole("c", -1)
            .with_flag("d", true)
            .with_texts("e", &["x", "\\"]);
        let text = r#"{"a":"\"币\"\n","b":1234567890123.45678901,"c":-1,"d":true,"e":["x","\\"]}"#;
        assert_eq!(object.json(), text);
        assert_eq!(JsonObject::default().json(), "{}");
    }
}
