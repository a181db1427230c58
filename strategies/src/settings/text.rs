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
