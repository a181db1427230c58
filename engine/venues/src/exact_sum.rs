//! Sums, differences and products of exact decimals; what does not fit is nothing, and nothing is rounded.

use engine_core::num::{Decimal, power_of_ten};

/// Both numbers in the decimals of the finer one.
fn aligned(a: Decimal, b: Decimal) -> Option<(i128, i128, u8)> {
    let decimals = a.decimals.max(b.decimals);
    let units =
        |number: Decimal| number.units.checked_mul(power_of_ten(decimals.checked_sub(number.decimals)?)?);
    Some((units(a)?, units(b)?, decimals))
}

/// `a` less `b`.
pub(crate) fn difference(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (a, b, decimals) = aligned(a, b)?;
    Some(Decimal { units: a.checked_sub(b)?, decimals })
}

/// `a` times `b`.
#[cfg(test)]
pub(crate) fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let decimals = a.decimals.checked_add(b.decimals)?;
    Some(Decimal { units: a.units.checked_mul(b.units)?, decimals })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signed_decimal::signed_decimal;

    #[test]
    fn sums_are_exact_or_nothing() {
        let number = |text: &str| signed_decimal(text).unwrap();
        let shown = |number: Option<Decimal>| number.map(|number| number.to_string());
        assert_eq!(shown(difference(number("1"), number("0.000000001"))), Some("0.999999999".to_owned()));
        assert_eq!(shown(difference(number("-1.5"), number("2"))), Some("-3.5".to_owned()));
        assert_eq!(shown(product(number("64000.25"), number("-0.002"))), Some("-128.0005".to_owned()));
        let long = number(&"9".repeat(28));
        assert_eq!(product(long, long), None);
        assert_eq!(difference(long, number(&format!("0.{}", "1".repeat(27)))), None);
    }
}
