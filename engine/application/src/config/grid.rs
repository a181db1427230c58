//! Several values for keys of a configuration, and every combination of them.

use super::assignment::{Assignment, AssignmentError};

/// More combinations than this are a mistaken grid.
const COMBINATIONS_MAX: usize = 10_000;

/// Why keys and values make no grid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GridError {
    /// A text is no assignment.
    #[error("{0}, or several values, as in strategy.fast=10,20,50")]
    Assignment(#[from] AssignmentError),
    /// A key stands twice.
    #[error("{0} is given twice; give all of its values at once, as in {0}=10,20")]
    Twice(String),
    /// A value of a key stands twice.
    #[error("{0} stands twice among its values; give each value once")]
    Again(String),
    /// There are too many combinations.
    #[error("the values make more than {COMBINATIONS_MAX} combinations; give fewer")]
    TooMany,
}

/// Reads `KEY=a,b,c` as one assignment for each value; commas in brackets and quotes divide nothing.
///
/// # Errors
/// [`GridError::Assignment`] for a text that is none.
pub fn alternatives(text: &str) -> Result<Vec<Assignment>, GridError> {
    let (key, values) = text.split_once('=').ok_or(AssignmentError::NoKey)?;
    let (mut depth, mut quote, mut begin) = (0_u32, None, 0);
    let mut parts = Vec::new();
    for (at, letter) in values.char_indices() {
        match (quote, letter) {
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(values.get(begin..at).unwrap_or_default());
                begin = at + 1;
            }
            (None, _) => {}
        }
    }
    parts.push(values.get(begin..).unwrap_or_default());
    let values: Vec<Assignment> = parts
        .into_iter()
        .map(|value| format!("{key}={value}").parse())
        .collect::<Result<_, AssignmentError>>()?;
    // The same run twice would count as two trials.
    match values.iter().enumerate().find(|(at, value)| values.iter().take(*at).any(|before| before == *value))
    {
        Some((_, again)) => Err(GridError::Again(again.to_string())),
        None => Ok(values),
    }
}

/// Every combination of the alternatives of each key, the first key changing slowest.
///
/// # Errors
/// [`GridError`] for a key that stands twice or more combinations than anyone means.
pub fn combinations(keys: &[Vec<Assignment>]) -> Result<Vec<Vec<Assignment>>, GridError> {
    let names: Vec<String> = keys.iter().filter_map(|values| values.first()).map(Assignment::key).collect();
    for (place, name) in names.iter().enumerate() {
        if names.iter().skip(place + 1).any(|other| other == name) {
            return Err(GridError::Twice(name.clone()));
        }
    }
    let mut combinations: Vec<Vec<Assignment>> = vec![Vec::new()];
    for values in keys {
        if combinations.len().checked_mul(values.len()).is_none_or(|count| count > COMBINATIONS_MAX) {
            return Err(GridError::TooMany);
        }
        let with = |combination: &Vec<Assignment>, value: &Assignment| {
            combination.iter().chain([value]).cloned().collect::<Vec<_>>()
        };
        combinations =
            combinations.iter().flat_map(|old| values.iter().map(move |value| with(old, value))).collect();
    }
    Ok(combinations)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Vec<String> {
        alternatives(text).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn commas_divide_values_but_not_what_is_in_brackets_or_quotes() {
        assert_eq!(said("a.b=1,2"), ["a.b=1", "a.b=2"]);
        assert_eq!(said("a=x"), ["a=x"]);
        assert_eq!(said("a=[1,2],[3]"), ["a=[1,2]", "a=[3]"]);
        assert_eq!(said("a=\"x,y\",z"), ["a=x,y", "a=z"]);
        assert!(alternatives("fast").is_err());
        assert_eq!(alternatives("a=1,2,1"), Err(GridError::Again("a=1".to_owned())));
    }

    #[test]
    fn a_key_given_twice_or_too_many_values_are_refused() {
        let one = alternatives("a=1,2").unwrap();
        assert_eq!(combinations(&[one.clone(), one]), Err(GridError::Twice("a".to_owned())));
        let many = |key: &str| {
            let values: Vec<String> = (0..101).map(|value| value.to_string()).collect();
            alternatives(&format!("{key}={}", values.join(","))).unwrap()
        };
        assert_eq!(combinations(&[many("a"), many("b")]), Err(GridError::TooMany));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn every_combination_is_there_once(counts in prop::collection::vec(1_usize..5, 0..4)) {
            let keys: Vec<Vec<Assignment>> = counts.iter().enumerate().map(|(key, count)| {
                let values: Vec<String> = (0..*count).map(|value| value.to_string()).collect();
                alternatives(&format!("k{key}={}", values.join(","))).unwrap()
            }).collect();
            let all: Vec<String> = combinations(&keys).unwrap().iter()
                .map(|one| one.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")).collect();
            let mut once = all.clone();
            once.sort();
            once.dedup();
            prop_assert_eq!(all.len(), counts.iter().product::<usize>());
            prop_assert_eq!(once.len(), all.len());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}") {
            let _ = alternatives(&text);
        }
    }
}
