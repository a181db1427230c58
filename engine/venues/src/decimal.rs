//! Numbers of exchanges as exact decimals, before anybody knows in which decimals an instrument counts.
//!
//! A message is read without knowing the instruments of a run, so its numbers keep the digits the venue wrote; they become
//! prices and quantities where the instrument is known. Nothing is rounded on the way and nothing passes through a double.

use engine_core::num::{Decimal, Price, Qty, power_of_ten};

/// The most digits a number may have: more than any market needs, and few enough that rescaling is exact.
pub const DIGITS_MAX: usize = 28;

/// How many characters of an unreadable number an error repeats.
const SHOWN_CHARS_MAX: usize = 40;

/// Why a text of a venue is not a number we can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It is something other than digits with at most one point between them: no sign, exponent, `NaN`, space or nothing.
    #[error("{0:?} is not a plain decimal number: digits, and at most one point between them")]
    Malformed(String),
    /// It has more than [`DIGITS_MAX`] digits.
    #[error("{0:?} has more than {DIGITS_MAX} digits")]
    TooLong(String),
    /// It is finer than its instrument counts.
    #[error(
        "{number} is finer than the {decimals} decimals of its instrument; read the instrument's rules again"
    )]
    TooFine {
        /// The number.
        number: String,
        /// Decimals of the instrument.
        decimals: u8,
    },
    /// It does not fit a price of its instrument.
    #[error("{number} does not fit in a price of {decimals} decimals")]
    TooLarge {
        /// The number.
        number: String,
        /// Decimals of the instrument.
        decimals: u8,
    },
}

/// The beginning of a text, for an error.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

/// The number a venue wrote, with the digits it wrote.
///
/// # Errors
/// [`NumberError::Malformed`] for what does not match `^\d+(\.\d+)?$`, [`NumberError::TooLong`] beyond [`DIGITS_MAX`].
pub fn decimal(text: &str) -> Result<Decimal, NumberError> {
    let bytes = text.as_bytes();
    let point = bytes.iter().position(|byte| *byte == b'.');
    let behind = point.map_or(0, |at| bytes.len() - at - 1);
    let digits = bytes.len() - usize::from(point.is_some());
    if digits == 0 || point == Some(0) || (point.is_some() && behind == 0) {
        return Err(NumberError::Malformed(shown(text)));
    }
    if digits > DIGITS_MAX {
        let is_number = bytes.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
        let refused = if is_number { NumberError::TooLong } else { NumberError::Malformed };
        return Err(refused(shown(text)));
    }
    let units = whole_units(bytes, point).ok_or_else(|| NumberError::Malformed(shown(text)))?;
    // At most 28 digits, so the count of those behind the point fits.
    let decimals = u8::try_from(behind).map_err(|_| NumberError::TooLong(shown(text)))?;
    Ok(Decimal { units, decimals })
}

/// The digits as one whole number; nothing where a byte is no digit.
fn whole_units(bytes: &[u8], point: Option<usize>) -> Option<i128> {
    let mut units: i128 = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if Some(at) == point {
            continue;
        }
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        units = units.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    Some(units)
}

/// `number` in whole units of 10^-`decimals`.
fn rescaled(number: Decimal, decimals: u8) -> Result<i128, NumberError> {
    let written = || number.to_string();
    if let Some(more) = decimals.checked_sub(number.decimals) {
        let scaled = power_of_ten(more).and_then(|scale| number.units.checked_mul(scale));
        return scaled.ok_or_else(|| NumberError::TooLarge { number: written(), decimals });
    }
    let too_fine = || NumberError::TooFine { number: written(), decimals };
    let scale = power_of_ten(number.decimals - decimals).ok_or_else(too_fine)?;
    if number.units % scale == 0 { Ok(number.units / scale) } else { Err(too_fine()) }
}

/// The number of at most `decimals` that is nearest to `number`, the even one of two.
#[must_use]
pub fn nearest(number: Decimal, decimals: u8) -> Decimal {
    let Some(more) = number.decimals.checked_sub(decimals).filter(|more| *more > 0) else { return number };
    // More digits than a number has are all behind the point, and nearest to nothing.
    let Some(scale) = power_of_ten(more) else { return Decimal { units: 0, decimals } };
    let (whole, rest) = (number.units / scale, number.units % scale);
    let is_up = rest > scale - rest || (rest == scale - rest && whole % 2 != 0);
    Decimal { units: whole + i128::from(is_up), decimals }
}

/// `number` as a price of an instrument with `decimals`.
///
/// # Errors
/// [`NumberError::TooFine`] for digits the instrument has not, [`NumberError::TooLarge`] beyond 64 bits.
pub fn price(number: Decimal, decimals: u8) -> Result<Price, NumberError> {
    let units = i64::try_from(rescaled(number, decimals)?).ok().map(Price::from_units);
    // The largest integer stands for what lies beyond every price.
    units
        .filter(|price| *price != Price::BEYOND)
        .ok_or_else(|| NumberError::TooLarge { number: number.to_string(), decimals })
}

/// `number` as a quantity of an instrument with `decimals`.
///
/// # Errors
/// [`NumberError::TooFine`] for digits the instrument has not, [`NumberError::TooLarge`] beyond 128 bits.
pub fn qty(number: Decimal, decimals: u8) -> Result<Qty, NumberError> {
    rescaled(number, decimals).map(Qty::from_units)
}

/// The decimals a step needs: those of `0.01000000` are 2.
#[must_use]
pub fn decimals_of(step: Decimal) -> u8 {
    let (mut units, mut decimals) = (step.units, step.decimals);
    while decimals > 0 && units % 10 == 0 {
        units /= 10;
        decimals -= 1;
    }
    decimals
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_digits_with_one_point_between_them_are_a_number() {
        let wrong = [
            "", ".", "1.", ".5", "-1", "+1", "1e5", "1E-7", "NaN", "inf", "Infinity", "null", " 1", "1 ",
            "1,5", "1.2.3", "0x10", "１", "1_000", "1..2", "--",
        ];
        for text in wrong {
            assert_eq!(decimal(text), Err(NumberError::Malformed(text.to_owned())), "{text:?}");
        }
        assert_eq!(decimal("64250.0100"), Ok(Decimal { units: 642_500_100, decimals: 4 }));
        assert_eq!(decimal("0"), Ok(Decimal { units: 0, decimals: 0 }));
    }

    #[test]
    fn numbers_of_thirty_digits_are_refused_and_errors_stay_short() {
        assert!(matches!(decimal(&"9".repeat(29)), Err(NumberError::TooLong(_))));
        assert!(matches!(decimal(&format!("0.{}", "0".repeat(28))), Err(NumberError::TooLong(_))));
        assert_eq!(decimal(&"9".repeat(28)).unwrap().units, 10_i128.pow(28) - 1);
        let Err(NumberError::Malformed(shown)) = decimal(&"x".repeat(1_000_000)) else {
            panic!("not a number")
        };
        assert_eq!(shown.len(), 40);
    }

    #[test]
    fn a_price_takes_every_digit_or_refuses() {
        let read = |text: &str, decimals| price(decimal(text).unwrap(), decimals).map(Price::units);
        assert_eq!(read("64250.01000000", 2), Ok(6_425_001));
        assert_eq!(read("64250", 2), Ok(6_425_000));
        assert_eq!(
            read("64250.011", 2),
            Err(NumberError::TooFine { number: "64250.011".into(), decimals: 2 })
        );
        assert!(
            matches!(read("92233720368547758.07", 2), Err(NumberError::TooLarge { .. })),
            "it means beyond"
        );
        assert_eq!(read("92233720368547758.06", 2), Ok(i64::MAX - 1));
        assert!(matches!(read(&"9".repeat(28), 18), Err(NumberError::TooLarge { .. })));
        assert_eq!(qty(decimal("1000000000000.00000001").unwrap(), 8).unwrap().units(), 10_i128.pow(20) + 1);
    }

    #[test]
    fn the_nearest_number_of_fewer_digits_is_the_even_one_of_two() {
        let near = |text: &str, decimals| nearest(decimal(text).unwrap(), decimals).to_string();
        let cases = [
            ("50386.999841", 5, "50386.99984"),
            ("0.125", 2, "0.12"),
            ("0.135", 2, "0.14"),
            ("0.1251", 2, "0.13"),
            ("2.5", 0, "2"),
            ("3.5", 0, "4"),
            ("7", 3, "7"),
            ("0.4999999999999999999999999", 0, "0"),
        ];
        for (text, decimals, expected) in cases {
            assert_eq!(near(text, decimals), expected, "{text}");
        }
    }

    #[test]
    fn a_step_names_its_decimals() {
        let of = |text: &str| decimals_of(decimal(text).unwrap());
        assert_eq!((of("0.01000000"), of("1.00"), of("10"), of("0.00000001")), (2, 0, 0, 8));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_number_reads_back_what_it_prints(units in 0_i128..10_i128.pow(27), decimals in 0_u8..=18) {
            let printed = Decimal { units, decimals }.to_string();
            let back = decimal(&printed).unwrap();
            prop_assert_eq!(qty(back, decimals).unwrap().units(), units);
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}", decimals in 0_u8..=255) {
            if let Ok(number) = decimal(&text) {
                let _ = (price(number, decimals), qty(number, decimals), decimals_of(number));
            }
        }
    }
}
