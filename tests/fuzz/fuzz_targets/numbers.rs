//! Decimals as text: what is read prints as text that reads as the same.
#![no_main]

use engine_core::num::{Decimal, parse_decimal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((decimals, text)) = data.split_first() else { return };
    let decimals = decimals % 40;
    if let Ok(parsed) = parse_decimal(text, decimals) {
        let printed = Decimal { units: i128::from(parsed.units), decimals }.to_string();
        let again = parse_decimal(printed.as_bytes(), decimals);
        assert_eq!(again.map(|parsed| parsed.units), Ok(parsed.units), "{printed}");
    }
});
