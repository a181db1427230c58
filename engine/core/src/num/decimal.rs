//! Decimal numbers as text and doubles show them, read and written without losing a digit.

use core::fmt;

use super::{divide_half_even, power_of_ten};

/// Up to here every whole number is a double.
const EXACT_MAX: u64 = 1 << 53;

/// Up to here a scaled number of 128 bits divided by the scale keeps 64 bits or more.
const SCALE_DECIMALS_MAX: u8 = 19;

/// The exponent of 1.0 as a double stores it.
const EXPONENT_OF_ONE: u32 = 1_023;

/// The powers of ten that are doubles.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// The powers of ten that 64 bits hold.
const POWERS_OF_TEN_U64: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// Without a sign a text of this length has at most 19 digits.
const SHORT_BYTES_MAX: usize = 19;

/// A decimal number as text shows it: `units` × 10^-`decimals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// The digits as one whole number.
    pub units: i128,
    /// How many of the digits stand behind the point.
    pub decimals: u8,
}

impl Decimal {
    /// The nearest double (halves to even), for reports and indicators, never for money.
    #[must_use]
    #[inline]
    #[expect(clippy::float_arithmetic, clippy::as_conversions, reason = "leaves the fixed-point world")]
    pub fn to_f64(self) -> f64 {
        // Both sides are exact below 2^53 and 10^22, and one division rounds once.
        match (i64::try_from(self.units), POWERS_OF_TEN.get(usize::from(self.decimals))) {
            (Ok(units), Some(scale)) if units.unsigned_abs() <= EXACT_MAX => units as f64 / scale,
            _ => self.nearest_double(),
        }
    }

    /// Divides with more bits than a double holds and lets one conversion round.
    #[expect(clippy::float_arithmetic, clippy::as_conversions, reason = "leaves the fixed-point world")]
    fn nearest_double(self) -> f64 {
        let units = self.units.unsigned_abs();
        let scale = power_of_ten(self.decimals).filter(|_| self.decimals <= SCALE_DECIMALS_MAX);
        let Some(scale) = scale.map(i128::unsigned_abs).filter(|_| units > 0) else {
            // Rust reads every decimal text to the nearest double.
            return format!("{}e-{}", self.units, self.decimals).parse().unwrap_or(f64::NAN);
        };
        let shift = units.leading_zeros();
        let shifted = units.wrapping_shl(shift);
        let quotient = shifted.checked_div(scale).unwrap_or_default();
        let has_rest = quotient.wrapping_mul(scale) != shifted;
        // The quotient has 64 bits or more, so its last stands for all that follow it. Then back by a power of two.
        let back = f64::from_bits(u64::from(EXPONENT_OF_ONE.saturating_sub(shift)) << 52);
        let size = (quotient | u128::from(has_rest)) as f64 * back;
        if self.units < 0 { -size } else { size }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.units.unsigned_abs().to_string();
        let places = usize::from(self.decimals);
        // A count of digits: nothing here comes near the end of its range.
        let padded = format!("{digits:0>width$}", width = places.saturating_add(1));
        let (whole, part) = padded.split_at(padded.len().saturating_sub(places));
        let sign = if self.units < 0 { "-" } else { "" };
        let part = part.trim_end_matches('0');
        if part.is_empty() { write!(out, "{sign}{whole}") } else { write!(out, "{sign}{whole}.{part}") }
    }
}

/// Why a text is not a number we can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text is empty or has something other than digits, one point, a sign and an exponent.
    #[error("not a finite decimal number")]
    Malformed,
    /// More digits than the type holds.
    #[error("too large for 64 bits at this many decimals")]
    TooLarge,
}

/// A number read from text at a fixed count of decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// The value in units of 10^-decimals.
    pub units: i64,
    /// Whether digits were rounded away (half to even).
    pub rounded: bool,
}

/// Reads a plain or scientific decimal (`-12.5`, `1e-7`) at `decimals` places, rounding half to even.
///
/// # Errors
/// [`DecimalError::Malformed`] for anything else, `NaN` and `inf` included; [`DecimalError::TooLarge`] beyond
/// 64 bits.
#[inline]
pub fn parse_decimal(text: &[u8], decimals: u8) -> Result<Parsed, DecimalError> {
    short_decimal(text, decimals)
        .map_or_else(|| long_decimal(text, decimals), |units| Ok(Parsed { units, rounded: false }))
}

fn without_sign(text: &[u8]) -> (bool, &[u8]) {
    match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    }
}

/// The numbers of nearly every file, in 64 bits: up to 19 digits, no exponent, nothing to round. `None` for others.
fn short_decimal(text: &[u8], decimals: u8) -> Option<i64> {
    let (negative, body) = without_sign(text);
    let mut units: u64 = 0;
    let mut point = None;
    if body.len() > SHORT_BYTES_MAX {
        return None;
    }
    for (place, byte) in body.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            // At most 19 digits: below 10^19, which 64 bits hold.
            units = units.wrapping_mul(10).wrapping_add(u64::from(digit));
        } else if *byte == b'.' && point.is_none() {
            point = Some(place);
        } else {
            return None;
        }
    }
    let behind_point = point.map_or(0, |place| body.len().wrapping_sub(place).wrapping_sub(1));
    let digits = body.len().wrapping_sub(usize::from(point.is_some()));
    let shift = usize::from(decimals).checked_sub(behind_point).filter(|_| digits > 0)?;
    let units = i64::try_from(units.checked_mul(*POWERS_OF_TEN_U64.get(shift)?)?).ok()?;
    Some(if negative { units.wrapping_neg() } else { units })
}

/// Any decimal, in 128 bits.
fn long_decimal(text: &[u8], decimals: u8) -> Result<Parsed, DecimalError> {
    let (negative, body) = without_sign(text);
    let (digits, exponent) = split_exponent(body)?;
    let mut units: i128 = 0;
    let mut seen: usize = 0;
    let mut behind_point: i32 = 0;
    let mut point = false;
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                let digit = i128::from(byte.wrapping_sub(b'0'));
                let next = units.checked_mul(10).and_then(|tens| tens.checked_add(digit));
                units = next.ok_or(DecimalError::TooLarge)?;
                seen = seen.saturating_add(1);
                behind_point = behind_point.saturating_add(i32::from(point));
            }
            b'.' if !point => point = true,
            _ => return Err(DecimalError::Malformed),
        }
    }
    if seen == 0 {
        return Err(DecimalError::Malformed);
    }
    let shift = i32::from(decimals).saturating_add(exponent).saturating_sub(behind_point);
    let (units, rounded) = shifted(units, shift)?;
    let units = i64::try_from(units).map_err(|_| DecimalError::TooLarge)?;
    // Never the smallest integer, which alone has no opposite: what was read is not negative.
    Ok(Parsed { units: if negative { units.wrapping_neg() } else { units }, rounded })
}

fn split_exponent(body: &[u8]) -> Result<(&[u8], i32), DecimalError> {
    let Some(at) = body.iter().position(|byte| matches!(byte, b'e' | b'E')) else {
        return Ok((body, 0));
    };
    let (digits, exponent) = body.split_at(at);
    let exponent = exponent.get(1..).unwrap_or_default();
    let text = core::str::from_utf8(exponent).map_err(|_| DecimalError::Malformed)?;
    Ok((digits, text.parse().map_err(|_| DecimalError::Malformed)?))
}

fn shifted(units: i128, shift: i32) -> Result<(i128, bool), DecimalError> {
    if units == 0 || shift == 0 {
        return Ok((units, false));
    }
    let places = u8::try_from(shift.unsigned_abs()).ok();
    let scale = places.and_then(power_of_ten);
    if shift > 0 {
        let scaled = scale.and_then(|scale| units.checked_mul(scale));
        return scaled.map(|units| (units, false)).ok_or(DecimalError::TooLarge);
    }
    let Some(scale) = scale else { return Ok((0, true)) };
    let exact = units.checked_rem(scale) == Some(0);
    let quotient = divide_half_even(units, scale).ok_or(DecimalError::TooLarge)?;
    Ok((quotient, !exact))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str, decimals: u8) -> Result<i64, DecimalError> {
        parse_decimal(text.as_bytes(), decimals).map(|parsed| parsed.units)
    }

    #[test]
    fn text_becomes_units_at_the_asked_decimals() {
        assert_eq!(parsed("46856.1753", 8), Ok(4_685_617_530_000));
        assert_eq!(parsed("-0.5", 1), Ok(-5));
        assert_eq!(parsed("1e-3", 5), Ok(100));
        assert_eq!(parsed("2.5E2", 0), Ok(250));
        assert_eq!(parsed("7.", 0), Ok(7));
        let rounded = parse_decimal(b"0.09946999000000001", 8).unwrap();
        assert_eq!((rounded.units, rounded.rounded), (9_946_999, true));
    }

    #[test]
    fn what_is_not_a_finite_number_is_refused() {
        for text in ["", "-", ".", "NaN", "inf", "1,5", "1.2.3", "0x10", "1e", " 1", "1 "] {
            assert_eq!(parsed(text, 2), Err(DecimalError::Malformed), "{text:?}");
        }
        for text in ["92233720368547758.08", "1e400", "99999999999999999999999999999999999999999"] {
            assert_eq!(parsed(text, 2), Err(DecimalError::TooLarge), "{text:?}");
        }
    }

    #[test]
    fn a_double_of_many_digits_is_the_nearest() {
        let double = |units: i128, decimals| Decimal { units, decimals }.to_f64();
        // Rounding numerator and quotient each gives 24 999.999 999 999 996.
        assert_eq!(double(25_000 * 10_i128.pow(18), 18).to_bits(), 25_000.0_f64.to_bits());
        assert_eq!(double(0, 18).to_bits(), 0.0_f64.to_bits());
        assert_eq!(double(-i128::MAX, 0).to_bits(), (-1.701_411_834_604_692_3e38_f64).to_bits());
        assert_eq!(double(5, 60).to_bits(), 5e-60_f64.to_bits());
    }

    proptest! {
        #[test]
        fn a_number_reads_back_what_it_prints(units in any::<i64>(), decimals in 0_u8..=12) {
            let text = Decimal { units: i128::from(units), decimals }.to_string();
            prop_assume!(units != i64::MIN);
            prop_assert_eq!(parsed(&text, decimals), Ok(units));
        }

        #[test]
        fn the_fast_path_reads_what_the_general_one_reads(
            text in prop_oneof![
                "[+-]?[0-9]{0,20}(\\.[0-9]{0,12})?",
                "[+-]?[0-9.eE+-]{0,24}",
                "[0-9]{17,19}",
            ],
            decimals in 0_u8..=21,
        ) {
            let text = text.as_bytes();
            prop_assert_eq!(parse_decimal(text, decimals), long_decimal(text, decimals));
        }

        #[test]
        fn a_double_is_the_one_its_text_reads_as(
            units in prop_oneof![any::<i128>(), any::<i64>().prop_map(i128::from)],
            small in 0_u32..127,
            decimals in 0_u8..=40,
        ) {
            let decimal = Decimal { units: units >> small, decimals };
            let text: f64 = format!("{}e-{decimals}", decimal.units).parse().unwrap();
            prop_assert_eq!(decimal.to_f64().to_bits(), text.to_bits(), "{:?}", decimal);
        }
    }
}
