//! Values of TOML as JSON, with every digit they were written with.

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

/// A table of TOML as JSON.
pub(super) fn table_of(table: &DeTable<'_>) -> Map<String, Value> {
    table.iter().map(|(key, value)| (key.get_ref().to_string(), value_of(value.get_ref()))).collect()
}

/// A value of TOML as JSON.
pub(super) fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            let parsed = i128::from_str_radix(number.as_str(), number.radix()).ok();
            let number = parsed.and_then(Number::from_i128);
            number.map_or(Value::Null, Value::Number)
        }
        // A float stays the text it was written as, so that no digit is lost on the way.
        DeValue::Float(number) => Value::from(number.as_str()),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(moment) => Value::from(moment.to_string()),
        DeValue::Array(items) => items.iter().map(|item| value_of(item.get_ref())).collect(),
        DeValue::Table(table) => Value::Object(table_of(table)),
    }
}
