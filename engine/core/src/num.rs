//! Price, quantity, money and ratio as integers with checked arithmetic.
//!
//! A price or quantity is a whole number of its instrument's smallest decimals; money has one scale,
//! [`MONEY_DECIMALS`], wide enough that price × quantity is exact. Nothing here wraps: an operation that
//! would overflow answers `None`.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

use core::fmt;

/// Decimals of [`Money`]: 10⁻¹⁸ of the settlement currency, so the largest amount is 1.7 × 10²⁰.
pub const MONEY_DECIMALS: u8 = 18;

/// Decimals of [`Ratio`]: parts per billion.
pub const RATIO_DECIMALS: u8 = 9;

const RATIO_ONE: i64 = 1_000_000_000;

macro_rules! whole_number {
    ($(#[$doc:meta])* $name:ident, $int:ty) => {
        $(#[$doc])*
        #[derive(
            serde::Serialize, serde::Deserialize, Clone, Copy, Debug,
            Default, PartialEq, Eq, PartialOrd, Ord, Hash,
        )]
        #[serde(transparent)]
        pub struct $name($int);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The largest value that can be written.
            pub const MAX: Self = Self(<$int>::MAX);

            /// The value of `units` smallest units.
            #[must_use]
            pub const fn from_units(units: $int) -> Self {
                Self(units)
            }

            /// How many smallest units this is.
            #[must_use]
            pub const fn units(self) -> $int {
                self.0
            }

            /// The sum, or `None` on overflow.
            #[must_use]
            pub const fn plus(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) => Some(Self(sum)),
                    None => None,
                }
            }

            /// The difference, or `None` on overflow.
            #[must_use]
            pub const fn minus(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) => Some(Self(difference)),
                    None => None,
                }
            }

            /// The same size with the other sign, or `None` on overflow.
            #[must_use]
            pub const fn negated(self) -> Option<Self> {
                match self.0.checked_neg() {
                    Some(negated) => Some(Self(negated)),
                    None => None,
                }
            }

            /// The size without its sign; the most negative value becomes the largest.
            #[must_use]
            pub const fn magnitude(self) -> Self {
                Self(self.0.saturating_abs())
            }

            /// Whether it is more than nothing.
            #[must_use]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// Whether it is nothing.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }
    };
}

whole_number!(
    /// Units of quote currency for one unit of base, in the instrument's price decimals.
    Price,
    i64
);
whole_number!(
    /// An amount of base currency or contracts, in the instrument's quantity decimals; signed where it names
    /// a position (negative is short).
    Qty,
    i64
);
whole_number!(
    /// An amount of the settlement currency, in 10⁻¹⁸.
    Money,
    i128
);
whole_number!(
    /// A dimensionless factor in parts per billion: 1 000 000 is 0.1 %.
    Ratio,
    i64
);

impl Ratio {
    /// Exactly one.
    pub const ONE: Self = Self(RATIO_ONE);

    /// The ratio of `bps` basis points (hundredths of a per cent), or `None` on overflow.
    #[must_use]
    pub const fn from_bps(bps: i64) -> Option<Self> {
        match bps.checked_mul(100_000) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }
}

impl Money {
    /// `self × ratio`, rounded half to even, or `None` on overflow.
    #[must_use]
    pub fn times(self, ratio: Ratio) -> Option<Self> {
        let one = i128::from(RATIO_ONE);
        let factor = i128::from(ratio.0);
        let whole = self.0.checked_div(one)?.checked_mul(factor)?;
        let rest = divide_half_even(self.0.checked_rem(one)?.checked_mul(factor)?, one)?;
        whole.checked_add(rest).map(Self)
    }

    /// `self × part / whole`, rounded toward zero, for splitting an amount; `None` on overflow or `whole` of
    /// nothing.
    #[must_use]
    pub fn share(self, part: Qty, whole: Qty) -> Option<Self> {
        let (part, whole) = (i128::from(part.0), i128::from(whole.0));
        let quotient = self.0.checked_div(whole)?.checked_mul(part)?;
        let rest = self.0.checked_rem(whole)?.checked_mul(part)?.checked_div(whole)?;
        quotient.checked_add(rest).map(Self)
    }
}

impl Price {
    /// `self × (1 + ratio)` rounded half to even, or `None` on overflow.
    #[must_use]
    pub fn moved_by(self, ratio: Ratio) -> Option<Self> {
        let factor = i128::from(RATIO_ONE).checked_add(i128::from(ratio.0))?;
        let moved = i128::from(self.0).checked_mul(factor)?;
        i64::try_from(divide_half_even(moved, i128::from(RATIO_ONE))?).ok().map(Self)
    }
}

/// `numerator / denominator` rounded half to even, or `None` when the denominator is nothing or on overflow.
#[must_use]
pub fn divide_half_even(numerator: i128, denominator: i128) -> Option<i128> {
    let quotient = numerator.checked_div(denominator)?;
    let rest = numerator.checked_rem(denominator)?;
    let twice = rest.checked_abs()?.checked_mul(2)?;
    let size = denominator.checked_abs()?;
    let away = twice > size || (twice == size && quotient & 1 == 1);
    if !away {
        return Some(quotient);
    }
    let step = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
    quotient.checked_add(step)
}

/// 10 to the power `exponent`, or `None` above 10³⁸.
#[must_use]
pub const fn power_of_ten(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(exponent as u32)
}

/// A decimal number as text shows it: `units` × 10^-`decimals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// The digits as one whole number.
    pub units: i128,
    /// How many of the digits stand behind the point.
    pub decimals: u8,
}

impl Decimal {
    /// The nearest double, for reports and indicators, never for money.
    #[must_use]
    #[expect(clippy::float_arithmetic, clippy::as_conversions, reason = "leaves the fixed-point world")]
    pub fn to_f64(self) -> f64 {
        // One correctly rounded division: both sides are exact below 2^53 and 10^22.
        match power_of_ten(self.decimals) {
            Some(scale) => self.units as f64 / scale as f64,
            None => 0.0,
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.units.unsigned_abs().to_string();
        let places = usize::from(self.decimals);
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
pub fn parse_decimal(text: &[u8], decimals: u8) -> Result<Parsed, DecimalError> {
    let (negative, body) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
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
    Ok(Parsed { units: if negative { units.saturating_neg() } else { units }, rounded })
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
#[expect(clippy::arithmetic_side_effects, reason = "a test may compute plainly")]
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
    fn halves_go_to_the_even_neighbour() {
        for (numerator, expected) in [(5, 0), (15, 2), (25, 2), (-5, 0), (-15, -2), (35, 4), (14, 1), (16, 2)]
        {
            assert_eq!(divide_half_even(numerator, 10), Some(expected), "{numerator}/10");
        }
    }

    proptest! {
        #[test]
        fn a_number_reads_back_what_it_prints(units in any::<i64>(), decimals in 0_u8..=12) {
            let text = Decimal { units: i128::from(units), decimals }.to_string();
            prop_assume!(units != i64::MIN);
            prop_assert_eq!(parsed(&text, decimals), Ok(units));
        }

        #[test]
        fn a_share_and_its_rest_make_the_whole(
            amount in any::<i64>(), part in 0_i64..1_000_000, rest in 1_i64..1_000_000,
        ) {
            let whole = Qty::from_units(part + rest);
            let amount = Money::from_units(i128::from(amount) * 1_000_000_000);
            let first = amount.share(Qty::from_units(part), whole).unwrap();
            prop_assert!(first.magnitude() <= amount.magnitude());
            prop_assert_eq!(first.plus(amount.minus(first).unwrap()), Some(amount));
        }

        #[test]
        fn times_agrees_with_plain_division(amount in any::<i64>(), ratio in any::<i32>()) {
            let exact = divide_half_even(i128::from(amount) * i128::from(ratio), 1_000_000_000);
            let ours = Money::from_units(i128::from(amount)).times(Ratio::from_units(i64::from(ratio)));
            prop_assert_eq!(ours.map(Money::units), exact);
        }
    }
}
