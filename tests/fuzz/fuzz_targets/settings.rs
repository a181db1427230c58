//! Configurations: what is read reads back as what a manifest says of it.
#![no_main]

use engine_application::config::{RunSettings, canonical};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(settings) = RunSettings::read_toml("x.toml", text) {
        let said = canonical(&settings);
        let again = RunSettings::read_canonical(&said);
        assert_eq!(again.map(|settings| canonical(&settings)), Some(said));
    }
});
