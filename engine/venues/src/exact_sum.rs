//! Differences, products and quotients of exact decimals; what does not fit is nothing, and nothing is rounded.

use engine_core::num::{Decimal, power_of_ten};

/// The most decimals of a quotient: more than any market needs.
const DECIMALS_MAX: i16 = 18;

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
pub(crate) fn product(a: Decimal, b: Decimal) -> Option<Decimal> {
    let decimals = a.decimals.checked_add(b.decimals)?;
    Some(Decimal { units: a.units.checked_mul(b.units)?, decimals })
}

/// `a` divided by `b`, where that is a number of at most [`DECIMALS_MAX`] decimals.
pub(crate) fn quotient(a: Decimal, b: Decimal) -> Option<Decimal> {
    let mut units = a.units;
    let mut decimals = i16::from(a.decimals) - i16::from(b.decimals);
    loop {
        if decimals >= 0 && units.checked_rem(b.units)? == 0 {
            return Some(Decimal { units: units / b.units, decimals: u8::try_from(decimals).ok()? });
        }
        if decimals >= DECIMALS_MAX {
            return None;
        }
        (units, decimals) = (units.checked_mul(10)?, decimals + 1);
    }
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
        assert_eq!(shown(quotient(number("128"), number("0.002"))), Some("64000".to_owned()));
        assert_eq!(shown(quotient(number("1"), number("8"))), Some("0.125".to_owned()));
        assert_eq!(shown(quotient(number("-0.30"), number("0.2"))), Some("-1.5".to_owned()));
        assert_eq!((quotient(number("1"), number("3")), quotient(number("1"), number("0"))), (None, None));
        let long = number(&"9".repeat(28));
        assert_eq!(product(long, long), None);
        assert_eq!(difference(long, number(&format!("0.{}", "1".repeat(27)))), None);
    }
}
