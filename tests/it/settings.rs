//! Configurations changed by chance: they are read or refused, and what was read is what a manifest would say of it.
//!
//! Every test run tries 20 000. More, and from another seed:
//!
//! ```text
//! MUTATED_SETTINGS=1000000 MUTATED_SETTINGS_SEED=7 cargo test --workspace --test it -- --nocapture settings::
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use engine_application::config::{RunSettings, canonical};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Values that stand where none of their kind belong.
const POISON: [&str; 22] = [
    "nan",
    "-inf",
    "inf",
    "\"NaN\"",
    "\"Infinity\"",
    "1e400",
    "\"1e400\"",
    "-1",
    "0",
    "\"\"",
    "null",
    "true",
    "[]",
    "{}",
    "{ equity_share = \"0%\" }",
    "\"123456789012345678901234567890\"",
    "123456789012345678901234567890",
    "-9223372036854775808",
    "\"\\u0000\"",
    "1979-05-27T07:32:00Z",
    "\"9223372036854775807s\"",
    "'''\n'''",
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

fn below(dice: &mut ChaCha8Rng, end: usize) -> usize {
    usize::try_from(dice.next_u64() % end.max(1) as u64).unwrap()
}

fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/config");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// A value of great length or depth.
fn huge(dice: &mut ChaCha8Rng) -> String {
    let times = 1 << below(dice, 12);
    match below(dice, 4) {
        0 => format!("\"{}\"", "x".repeat(times)),
        1 => "9".repeat(times),
        2 => format!("{}{}", "[".repeat(times), "]".repeat(times)),
        _ => "{ a = ".repeat(times),
    }
}

/// One change of a text.
fn change(bytes: &mut Vec<u8>, texts: &[String], dice: &mut ChaCha8Rng) {
    if bytes.is_empty() {
        bytes.push(b'[');
    }
    let at = below(dice, bytes.len());
    let line = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end);
    let value = bytes[line..end].iter().position(|byte| *byte == b'=').map_or(at, |equals| line + equals + 1);
    let other = texts[below(dice, texts.len())].as_bytes();
    match below(dice, 9) {
        0 => bytes[at] = dice.next_u32().to_le_bytes()[0],
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(line..end)),
        3 | 4 => drop(bytes.splice(value..end.max(value), POISON[below(dice, POISON.len())].bytes())),
        5 => drop(bytes.splice(value..end.max(value), huge(dice).into_bytes())),
        6 => {
            // A line of elsewhere, or this one once more.
            let lines: Vec<&[u8]> = other.split(|byte| *byte == b'\n').collect();
            let line_of_other = [b"\n", lines[below(dice, lines.len())], b"\n"].concat();
            drop(bytes.splice(end..end, line_of_other));
        }
        7 => drop(bytes.splice(at..at, [0xff, 0xfe, 0xed, 0xa0, 0x80])),
        _ => {
            bytes.truncate(at);
            bytes.extend_from_slice(&other[below(dice, other.len())..]);
        }
    }
}

/// Reads a configuration; answers whether that was possible.
fn read(text: &str) -> bool {
    let Ok(settings) = RunSettings::read_toml("x.toml", text) else { return false };
    let said = canonical(&settings);
    let again = RunSettings::read_canonical(&said);
    assert_eq!(again.map(|settings| canonical(&settings)), Some(said), "it does not read back");
    true
}

#[test]
fn a_configuration_changed_in_any_way_is_read_or_refused() {
    let texts = fixtures();
    let (cases, seed) = (setting("MUTATED_SETTINGS", 20_000), setting("MUTATED_SETTINGS_SEED", 1));
    let first = setting("MUTATED_SETTINGS_FIRST", 0);
    let mut were_read = 0_u64;
    for case in first..first + cases {
        let mut dice = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1_000_000_007).wrapping_add(case));
        let mut bytes = texts[below(&mut dice, texts.len())].clone().into_bytes();
        for _ in 0..=below(&mut dice, 4) {
            change(&mut bytes, &texts, &mut dice);
        }
        let text = String::from_utf8_lossy(&bytes);
        match catch_unwind(AssertUnwindSafe(|| read(&text))) {
            Ok(is_read) => were_read += u64::from(is_read),
            Err(panic) => {
                println!(
                    "MUTATED_SETTINGS=1 MUTATED_SETTINGS_FIRST={case} MUTATED_SETTINGS_SEED={seed} cargo test \
                     --workspace --test it -- --nocapture settings::\n{text:.2000}"
                );
                resume_unwind(panic);
            }
        }
    }
    println!("{cases} configurations from {} of the fixtures, of which {were_read} are read", texts.len());
    assert!(
        cases < 1_000 || (were_read > cases / 50 && were_read < cases * 19 / 20),
        "{were_read} of {cases}"
    );
}
