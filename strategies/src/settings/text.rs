//! Numbers to and from their shortest exact text.

use engine_core::num::{Decimal, RATIO_DECIMALS, Ratio, parse_decimal};

/// The shortest exact decimal of `text`; `None` when it is no number or needs more than 18 digits.
#[must_use]
pub fn decimal_of(text: &str) -> Option<Decimal> {
    // The fewest decimals that lose nothing, so that equal numbers have equal form.
    (0..=18).find_map(|decimals| {
        let parsed = parse_decimal(text.as_bytes(), decimals).ok()?;
        (!parsed.rounded).then_some(Decimal { units: i128::from(parsed.units), decimals })
    })
}

/// A ratio as plain decimal text, as in `0.001`.
#[must_use]
pub fn ratio_text(ratio: Ratio) -> String {
    Decimal { units: i128::from(ratio.units()), decimals: RATIO_DECIMALS }.to_string()
}

/// A share of `text`: a plain number, per cent (`0.1%`) or basis points (`10bps`), one blank before the unit allowed.
///
/// `None` when it is anything else, a unit written twice included, or needs more than nine decimals.
#[must_use]
pub fn ratio_of(text: &str) -> Option<Ratio> {
    let units = [("%", 2), ("bps", 4)];
    let with_unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
    let (number, shift) = match with_unit {
        Some((number, shift)) => (number.strip_suffix(' ').unwrap_or(number), shift),
        None => (text, 0),
    };
    let parsed = parse_decimal(number.as_bytes(), RATIO_DECIMALS - shift).ok()?;
    (!parsed.rounded).then_some(Ratio::from_units(parsed.units))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_unit_is_written_once() {
        for wrong in
            ["5%%", "5bpsbps", "5%bps", "5bps%", "5 % %", "%", "bps", "", " ", "5  %", "5% ", "1e", "0x5"]
        {
            assert_eq!(ratio_of(wrong), None, "{wrong:?}");
        }
        for right in ["5%", "5 %", "500bps", "500 bps", "0.05", ".05", "5e-2", "+5%"] {
            assert_eq!(ratio_of(right), Some(Ratio::from_units(50_000_000)), "{right:?}");
        }
    }

    /// A sign, digits around at most one point, a whole exponent: read letter by letter.
    fn is_number(text: &str) -> bool {
        let signless = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
        let is_whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, Some(signless(exponent))),
            None => (text, None),
        };
        let digits = signless(digits);
        let points = digits.matches('.').count();
        points <= 1
            && is_whole(&digits.replace('.', ""))
            && exponent.is_none_or(|exponent| is_whole(&exponent))
    }

    fn is_share(text: &str) -> bool {
        let bare = text.strip_suffix('%').or_else(|| text.strip_suffix("bps"));
        bare.map_or_else(|| is_number(text), |bare| is_number(bare.strip_suffix(' ').unwrap_or(bare)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn nothing_but_a_share_is_read_as_one(text in "[-+]?[0-9]{0,3}[.]?[0-9]{0,2}[e%bps .]{0,4}[0-9]?(%|bps|x| )?") {
            if !is_share(&text) {
                prop_assert_eq!(ratio_of(&text), None, "{:?}", text);
            }
        }

        #[test]
        fn a_share_is_read_exactly(
            whole in 0_i64..10_000, part in 0_i64..100_000, negative in any::<bool>(), blank in any::<bool>(),
            unit in prop::sample::select(vec![("", 0_u32), ("%", 2), ("bps", 4)]),
        ) {
            let (sign, blank) = (if negative { "-" } else { "" }, if blank && unit.1 > 0 { " " } else { "" });
            let text = format!("{sign}{whole}.{part:05}{blank}{}", unit.0);
            prop_assert!(is_share(&text));
            // In parts of 10^-5 of the unit, which is 10^-shift.
            let units = (whole * 100_000 + part) * 10_i64.pow(9 - 5 - unit.1);
            let units = if negative { -units } else { units };
            prop_assert_eq!(ratio_of(&text).map(Ratio::units), Some(units), "{}", text);
        }
    }
}
