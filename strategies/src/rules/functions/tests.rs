//! Tests of the list of functions.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_reference_lists_every_function_as_it_is() {
    let reference = include_str!("../../../RULES.md");
    let rows: Vec<&str> =
        reference.lines().filter(|line| line.starts_with("| `") && line.contains('(')).collect();
    let expected: Vec<String> = FUNCTIONS
        .iter()
        .map(|signature| format!("| `{}` | {} |", signature.form(), signature.meaning))
        .collect();
    assert_eq!(rows, expected, "write these rows into RULES.md:\n{}", expected.join("\n"));
}

#[test]
fn every_indicator_of_the_core_is_a_function() {
    let source = include_str!("../../../../engine/core/src/indicator.rs");
    let named = source.lines().filter_map(|line| line.strip_prefix("pub use "));
    let named = named.flat_map(|line| {
        let (_, names) = line.split_once("::").unwrap();
        names
            .trim_matches(['{', '}', ';'])
            .split(',')
            .map(|name| name.trim().trim_end_matches("};"))
            .collect::<Vec<_>>()
    });
    // What indicators read and answer, and how they are weighted.
    let parts = ["Candle", "Channel", "DirectionalMovement", "Moments", "Momentum", "Weighting", "Window"];
    let indicators: BTreeSet<&str> = named.filter(|name| !parts.contains(name)).collect();
    assert!(indicators.contains("Rsi") && indicators.len() > 10, "{indicators:?}");
    // What a function becomes holds them by name.
    let (_, machine) = include_str!("../indicator.rs").split_once("pub(super) enum Indicator {").unwrap();
    let (held, _) = machine.split_once("\n}").unwrap();
    let used: BTreeSet<&str> = held.split(|char: char| !char.is_ascii_alphanumeric()).collect();
    let unused: Vec<_> = indicators.difference(&used).collect();
    assert!(unused.is_empty(), "no function uses {unused:?}");
}

#[test]
fn every_name_stands_for_one_function() {
    let names: BTreeSet<&str> = FUNCTIONS.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), FUNCTIONS.len());
    for row in &FUNCTIONS {
        if let Call::Number(function) = row.call {
            assert_eq!(function.signature(), Some(row));
        }
    }
}
