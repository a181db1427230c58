//! Values that several commands read from the command line.

/// A number of draws that gives quantiles and ends.
///
/// # Errors
/// The allowed range, in words.
pub(in crate::commands) fn draws(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (100..=1_000_000).contains(number));
    number.ok_or_else(|| "a whole number from 100 to 1000000".to_owned())
}
