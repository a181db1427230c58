//! The digits of a number as its text shows them: how many decimals it needs, and what a rounded one loses.

use engine_core::num::{divide_half_even, power_of_ten};

/// Significant digits that a double keeps whatever the number. What a program prints behind them, as in
/// 0.09946999000000001, is left over from binary arithmetic.
pub(crate) const DOUBLE_DIGITS: u32 = 15;

/// Digits that are held; those behind them are far below any error that could matter.
const HELD_DIGITS: u32 = 30;

/// The most decimals a price or quantity can have.
pub(crate) const DECIMALS_MAX: u8 = 18;

/// A finite decimal number: `units` × 10^`exponent`, without zeros at the end of `units`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digits {
    units: i128,
    exponent: i32,
    count: u32,
}

impl Digits {
    /// The digits of `text`; `None` for anything but a plain or scientific decimal number.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let (negative, body) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, text),
        };
        let at = body.iter().position(|byte| matches!(byte, b'e' | b'E'));
        let (digits, power) = match at {
            None => (body, 0),
            Some(at) => {
                let (digits, power) = body.split_at(at);
                (digits, str::from_utf8(power.get(1..)?).ok()?.parse::<i32>().ok()?)
            }
        };
        let mut number = Self { units: 0, exponent: power, count: 0 };
        let (mut seen, mut point) = (false, false);
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    number.push(i128::from(byte - b'0'), point)?;
                    seen = true;
                }
                b'.' if !point => point = true,
                _ => return None,
            }
        }
        if !seen {
            return None;
        }
        let number = number.stripped();
        Some(if negative { Self { units: -number.units, ..number } } else { number })
    }

    fn push(&mut self, digit: i128, behind_point: bool) -> Option<()> {
        let held = self.count < HELD_DIGITS;
        if held {
            self.units = self.units * 10 + digit;
            self.count += u32::from(self.units != 0);
        }
        // A digit that is not held counts only in front of the point, where it moves it.
        let step = i32::from(!held) - i32::from(behind_point);
        self.exponent = self.exponent.checked_add(step)?;
        Some(())
    }

    fn stripped(mut self) -> Self {
        if self.units == 0 {
            return Self { units: 0, exponent: 0, count: 0 };
        }
        while self.units % 10 == 0 {
            self.units /= 10;
            self.exponent = self.exponent.saturating_add(1);
            self.count -= 1;
        }
        self
    }

    /// Whether it is written with more digits than a double keeps.
    pub(crate) const fn is_written_in_full(&self) -> bool {
        self.count > DOUBLE_DIGITS
    }

    /// The number at 15 significant digits, half to even.
    pub(crate) fn without_dust(self) -> Self {
        let Some(dropped) = self.count.checked_sub(DOUBLE_DIGITS).filter(|dropped| *dropped > 0) else {
            return self;
        };
        let scale = u8::try_from(dropped).ok().and_then(power_of_ten);
        let Some(units) = scale.and_then(|scale| divide_half_even(self.units, scale)) else { return self };
        let exponent = self.exponent.saturating_add(i32::try_from(dropped).unwrap_or_default());
        // Rounding up may add a digit: 999… becomes 1000…
        let count = DOUBLE_DIGITS + u32::from(units.abs() >= 1_000_000_000_000_000);
        Self { units, exponent, count }.stripped()
    }

    /// Decimals that show all its digits.
    pub(crate) fn decimals(&self) -> u32 {
        self.exponent.checked_neg().and_then(|decimals| u32::try_from(decimals).ok()).unwrap_or(0)
    }

    /// The number in units of 10^-`decimals`, half to even; `None` beyond 64 bits.
    pub(crate) fn at(&self, decimals: u8) -> Option<i64> {
        let shift = self.exponent.checked_add(i32::from(decimals))?;
        let places = u8::try_from(shift.unsigned_abs()).ok();
        let scale = places.and_then(power_of_ten);
        let units = if shift >= 0 {
            if self.units == 0 { 0 } else { self.units.checked_mul(scale?)? }
        } else {
            scale.map_or(Some(0), |scale| divide_half_even(self.units, scale))?
        };
        i64::try_from(units).ok()
    }

    /// The most decimals, up to 18, at which it fits 64 bits; `None` when it fits at none.
    pub(crate) fn decimals_max(&self) -> Option<u8> {
        (0..=DECIMALS_MAX).rev().find(|decimals| self.at(*decimals).is_some())
    }

    /// How far `units` of 10^-`decimals` are from the number, in 10⁻¹⁸ of it.
    pub(crate) fn error_atto(&self, units: i64, decimals: u8) -> u64 {
        const WHOLE_ATTO: u64 = 1_000_000_000_000_000_000;
        let lost = self.exponent.checked_add(i32::from(decimals)).filter(|shift| *shift < 0);
        let Some(shift) = lost.filter(|_| self.units != 0) else { return 0 };
        let scale = u8::try_from(shift.unsigned_abs()).ok().and_then(power_of_ten);
        let kept = scale.and_then(|scale| i128::from(units).checked_mul(scale));
        let Some(kept) = kept else { return WHOLE_ATTO };
        let share = (self.units - kept).abs() as f64 / self.units.abs() as f64;
        // A number rounded to a unit twice its size is wrong by its whole: no share is larger than one.
        (share * WHOLE_ATTO as f64) as u64
    }

    /// The number as a double, for estimates.
    pub(crate) fn estimate(&self) -> f64 {
        self.units as f64 * libm::pow(10.0, f64::from(self.exponent))
    }
}

#[cfg(test)]
mod tests {
    use engine_core::num::parse_decimal;
    use proptest::prelude::*;

    use super::*;

    fn digits(text: &str) -> Digits {
        Digits::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_digits_that_say_something_count() {
        let shown = |text: &str| (digits(text).decimals(), digits(text).without_dust().decimals());
        assert_eq!(shown("0.0000000123"), (10, 10));
        assert_eq!(shown("100.500"), (1, 1));
        assert_eq!(shown("1e-7"), (7, 7));
        assert_eq!(shown("2.50E2"), (0, 0));
        assert_eq!(shown("0.09946999000000001"), (17, 8));
        assert_eq!(shown("0.30000000000000004"), (17, 1));
        assert_eq!(shown("1234.5999999999999"), (13, 1));
        assert_eq!(shown("0"), (0, 0));
        for text in ["", "-", ".", "NaN", "1,5", "1.2.3", "1e", "0x1"] {
            assert_eq!(Digits::read(text.as_bytes()), None, "{text}");
        }
        let long = format!("0.{}", "123456789".repeat(9));
        assert_eq!(digits(&long).without_dust().decimals(), 15);
    }

    #[test]
    fn large_numbers_say_at_how_many_decimals_they_fit() {
        assert_eq!(digits("102989795103").decimals_max(), Some(7));
        assert_eq!(digits("30000000000000").decimals_max(), Some(5));
        assert_eq!(digits("1e19").decimals_max(), None);
        assert_eq!(digits("0.5").decimals_max(), Some(18));
    }

    #[test]
    fn the_error_is_a_share_of_the_number() {
        let error = |text: &str, decimals| {
            let number = digits(text);
            number.error_atto(number.at(decimals).unwrap(), decimals)
        };
        assert_eq!(error("0.0000000149", 10), 0);
        assert_eq!(error("0.0000000149", 8) / 1_000_000_000_000_000, 328);
        assert_eq!(error("0.000000001", 8), 1_000_000_000_000_000_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        #[test]
        fn digits_agree_with_the_parser_of_the_core(
            units in -1_000_000_000_000_000_000_i64..1_000_000_000_000_000_000, behind in 0_u8..20, decimals in 0_u8..12,
        ) {
            let text = engine_core::num::Decimal { units: i128::from(units), decimals: behind }.to_string();
            let parsed = parse_decimal(text.as_bytes(), decimals).ok();
            let number = digits(&text);
            prop_assert_eq!(number.at(decimals), parsed.map(|parsed| parsed.units));
            if let Some(parsed) = parsed {
                prop_assert_eq!(number.decimals() > u32::from(decimals), parsed.rounded);
                prop_assert_eq!(number.error_atto(parsed.units, decimals) > 0, parsed.rounded && units != 0);
            }
        }

        #[test]
        fn a_double_of_a_short_number_gives_it_back(units in 1_i64..1_000_000_000_000, decimals in 0_u8..14) {
            // Sums and products of short numbers end a few units beside the last digit of the nearest double.
            let short = engine_core::num::Decimal { units: i128::from(units), decimals };
            let text = format!("{:e}", short.to_f64());
            prop_assert_eq!(digits(&text).without_dust(), digits(&short.to_string()));
        }
    }
}
