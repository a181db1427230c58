//! Numbers of venues, exactly as they are written.

use engine_core::num::{Price, Qty, parse_decimal};

/// Why a number of a venue cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It is no plain number: digits, and at most one point between them.
    #[error("`{0}` is no plain decimal number")]
    NotPlain(String),
    /// It has more decimals than the instrument.
    #[error("`{0}` has more than {1} decimals")]
    TooFine(String, u8),
    /// It does not fit.
    #[error("`{0}` is too large")]
    TooLarge(String),
    /// A price of nothing.
    #[error("`{0}` is no price")]
    NotPositive(String),
}

/// The most characters of a number that a message repeats.
const SHOWN_MAX: usize = 40;

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

/// Whole units of 10^-`decimals`: no sign, no exponent, nothing rounded.
///
/// # Errors
/// [`NumberError`].
pub fn units(text: &str, decimals: u8) -> Result<i64, NumberError> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return Err(NumberError::NotPlain(shown(text)));
    }
    match parse_decimal(text.as_bytes(), decimals) {
        Ok(parsed) if parsed.rounded => Err(NumberError::TooFine(shown(text), decimals)),
        Ok(parsed) => Ok(parsed.units),
        Err(_) => Err(NumberError::TooLarge(shown(text))),
    }
}

/// A price above zero.
///
/// # Errors
/// [`NumberError`].
pub fn price(text: &str, decimals: u8) -> Result<Price, NumberError> {
    let price = Price::from_units(units(text, decimals)?);
    if price.is_positive() { Ok(price) } else { Err(NumberError::NotPositive(shown(text))) }
}

/// A quantity, zero included.
///
/// # Errors
/// [`NumberError`].
pub fn qty(text: &str, decimals: u8) -> Result<Qty, NumberError> {
    Ok(Qty::from(units(text, decimals)?))
}

/// How many decimals a step has, as in `0.01000000`; `None` for what is no step.
#[must_use]
pub fn decimals_of(step: &str) -> Option<u8> {
    let part = step.split_once('.').map_or("", |(_, part)| part).trim_end_matches('0');
    let decimals = u8::try_from(part.len()).ok().filter(|decimals| *decimals <= 18)?;
    units(step, decimals).ok().filter(|units| *units > 0)?;
    Some(decimals)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_plain_number_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e5", "NaN", "inf", "1,5", " 1", "0x1", "1.2.3", "１"]
        {
            assert!(matches!(units(text, 8), Err(NumberError::NotPlain(_))), "{text}");
        }
        assert_eq!(units("64250.01000000", 2), Ok(6_425_001));
        assert_eq!(units("64250.011", 2), Err(NumberError::TooFine("64250.011".into(), 2)));
        assert!(matches!(units(&"9".repeat(30), 2), Err(NumberError::TooLarge(_))));
        assert!(matches!(price("0.00", 2), Err(NumberError::NotPositive(_))));
        assert_eq!(qty("0.00000000", 5), Ok(Qty::ZERO));
        assert_eq!(
            (decimals_of("0.01000000"), decimals_of("1.00"), decimals_of("0.00")),
            (Some(2), Some(0), None)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_number_reads_back_as_it_was_written(units_in in 0_i64..i64::MAX, decimals in 0_u8..=18) {
            let scale = 10_u128.pow(u32::from(decimals));
            let (whole, part) = (units_in as u128 / scale, units_in as u128 % scale);
            let text = match decimals {
                0 => whole.to_string(),
                _ => format!("{whole}.{part:0>width$}", width = usize::from(decimals)),
            };
            prop_assert_eq!(units(&text, decimals), Ok(units_in));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}", decimals in 0_u8..=18) {
            let _ = units(&text, decimals);
            let _ = decimals_of(&text);
        }
    }
}
