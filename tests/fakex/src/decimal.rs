//! Decimal text as whole units of its last place, and back; no floating point on the way.

/// The most places after the point that any price or quantity may have.
pub(crate) const DECIMALS_MAX: u32 = 12;

/// `64250.01` with two decimals is 6 425 001 units.
///
/// Nothing but digits with at most one point is read: no sign, no exponent, no blank. More places than `decimals` are
/// read only when they are zeros.
pub(crate) fn units(text: &str, decimals: u32) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || decimals > DECIMALS_MAX {
        return None;
    }
    let kept = fraction.len().min(decimals as usize);
    let (places, beyond) = fraction.split_at(kept);
    if beyond.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let places: u64 = if places.is_empty() { 0 } else { places.parse().ok()? };
    let missing = 10_u64.checked_pow(decimals - u32::try_from(kept).ok()?)?;
    whole.checked_mul(10_u64.checked_pow(decimals)?)?.checked_add(places.checked_mul(missing)?)
}

/// Whether text is digits with at most one point between them.
pub(crate) fn is_plain(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').map_or_else(|| digits(text), |(whole, fraction)| digits(whole) && digits(fraction))
}

/// Units as text with all `decimals` places.
pub(crate) fn text(units: impl Into<u128>, decimals: u32) -> String {
    let units: u128 = units.into();
    if decimals == 0 {
        return units.to_string();
    }
    // Nearly every number is of 64 bits, whose division is many times faster.
    if let (Ok(units), Some(scale)) = (u64::try_from(units), 10_u64.checked_pow(decimals)) {
        return format!("{}.{:0width$}", units / scale, units % scale, width = decimals as usize);
    }
    let scale = 10_u128.pow(decimals);
    format!("{}.{:0width$}", units / scale, units % scale, width = decimals as usize)
}

/// Units as text with at least `places` places: zeros are added, nothing is cut.
pub(crate) fn text_padded(units: impl Into<u128>, decimals: u32, places: u32) -> String {
    let units: u128 = units.into();
    if places <= decimals {
        return text(units, decimals);
    }
    text(units * 10_u128.pow(places - decimals), places)
}

/// A product of price and quantity, which has the places of both, cut to `places`.
pub(crate) fn text_cut(units: u128, decimals: u32, places: u32) -> String {
    if decimals <= places {
        return text_padded(units, decimals, places);
    }
    text(units / 10_u128.pow(decimals - places), places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_plain_decimals_are_read() {
        let read = [("64250.01", 2, 6_425_001), ("0.00150000", 8, 150_000), ("7", 0, 7), ("1.500", 1, 15)];
        for (written, decimals, expected) in read {
            assert_eq!(units(written, decimals), Some(expected), "{written}");
        }
        let thirty_digits = "9".repeat(30);
        for refused in ["", "-1", "+1", "1e5", "NaN", "inf", ".5", "5.", "1.5.1", " 1", "1,5", &thirty_digits]
        {
            assert_eq!(units(refused, 4), None, "{refused}");
        }
        assert_eq!(units("1.23", 1), None, "a place that does not fit is refused, not cut");
    }

    proptest! {
        #[test]
        fn text_reads_back_as_the_same_units(value in any::<u64>(), decimals in 0..=DECIMALS_MAX) {
            prop_assert_eq!(units(&text(value, decimals), decimals), Some(value));
            prop_assert_eq!(text_padded(value, decimals, decimals), text(value, decimals));
        }
    }
}
