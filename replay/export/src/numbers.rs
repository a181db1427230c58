//! Amounts, moments and hashes as text.

use engine_core::num::{Decimal, MONEY_DECIMALS, Money, RATIO_DECIMALS, Ratio};
use engine_core::time::Timestamp;
use replay_history::quality::rfc3339;
use serde::Serialize;
use serde_json::Value;

pub(super) fn money(money: Money) -> String {
    Decimal { units: money.units(), decimals: MONEY_DECIMALS }.to_string()
}

pub(super) fn moment(at: Timestamp) -> String {
    rfc3339(at)
}

/// The word by which serde knows a value without numbers in it.
pub(super) fn word(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

pub(super) fn ratio(ratio: Ratio) -> String {
    Decimal { units: i128::from(ratio.units()), decimals: RATIO_DECIMALS }.to_string()
}

pub(super) fn hex(bytes: [u8; 32]) -> String {
    blake3::Hash::from(bytes).to_hex().to_string()
}
