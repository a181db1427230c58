//! Amounts of money as doubles.

use engine_core::num::{MONEY_DECIMALS, Money};

/// Units of money in one of the settlement currency.
const MONEY_UNIT: u64 = 1_000_000_000_000_000_000;
const _: () = assert!(MONEY_DECIMALS == 18);

/// The same, with a sign.
const STEP: i64 = MONEY_UNIT as i64;

/// Bits of a double behind its leading one.
const MANTISSA_BITS: u32 = 52;

/// What one in the upper half of 128 bits is worth.
const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

/// The leading one of a mantissa.
const LEADING: u64 = 1 << MANTISSA_BITS;

/// The double nearest to an amount of money (halves to even), for ratios and reports.
#[must_use]
#[inline]
pub fn money_f64(amount: Money) -> f64 {
    // This is done for every bar, so it does not divide 128 bits: three roundings bring it within two steps, and one
    // multiplication says how many.
    let size = amount.units().unsigned_abs();
    let [high, low] = [(size >> 64) as u64, size as u64].map(|half| half as f64);
    let near = (high * TWO_TO_64 + low) / MONEY_UNIT as f64;
    let found = neighbour(size, near).unwrap_or_else(|| nearest(size, size as f64 / MONEY_UNIT as f64));
    if amount.units() < 0 { -found } else { found }
}

/// What [`nearest`] answers, from a double within two steps of it, where a step is a small power of two and neither a
/// half nor a power of two lies near, which is nearly always.
#[inline]
fn neighbour(size: u128, near: f64) -> Option<f64> {
    let bits = near.to_bits();
    let fraction = bits & (LEADING - 1);
    // near = mantissa ÷ 2^down, and both sides are compared in units of 2^-down.
    let down = (1_023 + u64::from(MANTISSA_BITS)).checked_sub(bits >> MANTISSA_BITS)?;
    if down > 62 || !(4..LEADING - 4).contains(&fraction) {
        return None;
    }
    let there = u128::from(fraction | LEADING) * u128::from(MONEY_UNIT);
    // Both lie below 2^114, and their difference within three steps.
    let off = (size << down).wrapping_sub(there) as i64;
    let (steps, rest) = (off.div_euclid(STEP), off.rem_euclid(STEP));
    if rest == STEP / 2 {
        return None;
    }
    let steps = steps + i64::from(rest > STEP / 2);
    Some(f64::from_bits(bits.wrapping_add_signed(steps)))
}

/// The double nearest to `size` units, which `near` or one of its neighbours is.
#[cold]
fn nearest(size: u128, near: f64) -> f64 {
    if size == 0 {
        return 0.0;
    }
    let bits = near.to_bits();
    let mantissa = (bits & (LEADING - 1)) | LEADING;
    // near = mantissa × 2^exponent; both sides below are compared in units of 2^exponent ÷ 10^18 or whole ones.
    let exponent = i64::try_from(bits >> MANTISSA_BITS).unwrap_or(0) - 1_023 - i64::from(MANTISSA_BITS);
    let (up, down) = (exponent.max(0), (-exponent).max(0));
    let (size, step) = (size << down, u128::from(MONEY_UNIT) << up);
    let there = u128::from(mantissa) * step;
    // Below a power of two doubles lie twice as dense.
    let step_down = if mantissa == LEADING { step / 2 } else { step };
    let is_odd = mantissa % 2 == 1;
    let (above, below) = (size.saturating_sub(there) * 2, there.saturating_sub(size) * 2);
    if above > step || (above == step && is_odd) {
        f64::from_bits(bits + 1)
    } else if below > step_down || (below == step_down && is_odd) {
        f64::from_bits(bits - 1)
    } else {
        near
    }
}

#[cfg(test)]
mod tests {
    use engine_core::num::Decimal;
    use proptest::prelude::*;

    use super::*;

    /// Rust reads every decimal text to the nearest double.
    fn read(units: i128) -> f64 {
        Decimal { units, decimals: MONEY_DECIMALS }.to_string().parse().unwrap()
    }

    #[test]
    fn round_amounts_stay_round() {
        for whole in [1_i128, 25_000, 10_000_000, 9_007_199_254_740_993, 9_007_199_254_740_995, -25_000, 0] {
            let units = whole * 10_i128.pow(18);
            assert_eq!(money_f64(Money::from_units(units)).to_bits(), read(units).to_bits(), "{whole}");
        }
        assert_eq!(
            serde_json::to_string(&money_f64(Money::from_units(25_000 * 10_i128.pow(18)))).unwrap(),
            "25000.0"
        );
        for units in [1, -1, i128::MAX, i128::MIN + 1, i128::MIN] {
            assert_eq!(money_f64(Money::from_units(units)).to_bits(), read(units).to_bits(), "{units}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn every_amount_is_the_nearest_double(units in any::<i128>(), shift in 0_u32..127, cents in any::<i64>()) {
            // Of every size, and such as people write.
            for units in [units >> shift, i128::from(cents) * 10_i128.pow(16), i128::from(cents >> (shift % 64)) * 10_i128.pow(12)] {
                prop_assert_eq!(money_f64(Money::from_units(units)).to_bits(), read(units).to_bits(), "{}", units);
            }
        }

        #[test]
        fn halves_go_to_the_even_neighbour(mantissa in 1_u64 << 52..1_u64 << 53, exponent in -17_i32..10, off in -1_i128..=1) {
            // An amount exactly between two doubles, and its neighbours.
            let twice = i128::from(2 * mantissa + 1) * 10_i128.pow(18);
            let units = if exponent >= 1 { twice.checked_shl(exponent.unsigned_abs() - 1) } else { Some(twice >> (1 - exponent).unsigned_abs()) };
            let Some(units) = units.and_then(|units| units.checked_add(off)) else { return Ok(()) };
            prop_assert_eq!(money_f64(Money::from_units(units)).to_bits(), read(units).to_bits(), "{}", units);
        }
    }
}
