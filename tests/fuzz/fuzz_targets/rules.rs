//! Conditions of the `rules` strategy: one that reads prints as text that reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strategies::rules::parser::parse;

fuzz_target!(|text: &str| {
    if let Ok(rule) = parse(text) {
        let printed = rule.to_string();
        let again = parse(&printed);
        assert_eq!(again.as_ref(), Ok(&rule), "{printed}");
    }
});
