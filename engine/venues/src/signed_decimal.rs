//! Numbers of exchanges that may lie below zero: a fee that is a rebate, a change of a balance.

use engine_core::num::Decimal;

use crate::decimal::{NumberError, decimal, shown};

/// The number a venue wrote, with the digits it wrote; a hyphen before them makes it negative.
///
/// # Errors
/// [`NumberError`] for what does not match `^-?\d+(\.\d+)?$` or has too many digits.
pub fn signed_decimal(text: &str) -> Result<Decimal, NumberError> {
    let Some(size) = text.strip_prefix('-') else { return decimal(text) };
    let size = decimal(size).map_err(|error| match error {
        // The text is told whole.
        NumberError::Malformed(_) => NumberError::Malformed(shown(text)),
        NumberError::TooLong(_) => NumberError::TooLong(shown(text)),
        NumberError::TooFine { .. } | NumberError::TooLarge { .. } => error,
    })?;
    Ok(Decimal { units: -size.units, decimals: size.decimals })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sign_is_read_once_and_only_in_front() {
        let units = |text| signed_decimal(text).map(|number| (number.units, number.decimals));
        assert_eq!(units("-0.00012"), Ok((-12, 5)));
        assert_eq!(units("100.0"), Ok((1_000, 1)));
        assert_eq!(units("-0"), Ok((0, 0)));
        for wrong in ["", "-", "--1", "+1", "- 1", "-.5", "-1e-7", "1-", "-NaN", "−1"] {
            assert_eq!(units(wrong), Err(NumberError::Malformed(wrong.to_owned())), "{wrong:?}");
        }
        let long = format!("-{}", "9".repeat(29));
        assert_eq!(units(&long), Err(NumberError::TooLong(long.clone())));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_number_reads_back_what_it_prints(units in -(10_i128.pow(27))..10_i128.pow(27), decimals in 0_u8..=18) {
            let number = Decimal { units, decimals };
            let back = signed_decimal(&number.to_string()).unwrap();
            prop_assert_eq!(back.to_string(), number.to_string());
        }
    }
}
