//! Products of 256 bits, on their way to a quotient of 128.

/// `left × right / divisor` rounded down, exact whatever the size of the product; `None` when the quotient does not
/// fit or the divisor is nothing.
pub(super) fn multiply_divide(left: u128, right: u128, divisor: u128) -> Option<u128> {
    if let Some(product) = left.checked_mul(right) {
        return product.checked_div(divisor);
    }
    let (low, high) = left.carrying_mul(right, 0);
    divide(high, low, divisor)
}

/// `(high × 2^128 + low) / divisor` rounded down, bit by bit as on paper.
fn divide(high: u128, low: u128, divisor: u128) -> Option<u128> {
    if high >= divisor {
        return None;
    }
    let (mut rest, mut quotient) = (high, 0_u128);
    for place in (0..u128::BITS).rev() {
        let bit = low.checked_shr(place)? & 1;
        let carried = rest >> 127 == 1;
        rest = rest << 1 | bit;
        quotient <<= 1;
        // The rest is below twice the divisor, so what is left after taking it off once fits again.
        if carried || rest >= divisor {
            rest = rest.wrapping_sub(divisor);
            quotient |= 1;
        }
    }
    Some(quotient)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_does_not_fit_or_has_no_divisor_is_no_quotient() {
        assert_eq!(multiply_divide(u128::MAX, 2, 1), None);
        assert_eq!(multiply_divide(u128::MAX, u128::MAX, 0), None);
        assert_eq!(multiply_divide(7, 3, 0), None);
        assert_eq!(multiply_divide(u128::MAX, u128::MAX, u128::MAX), Some(u128::MAX));
        assert_eq!(multiply_divide(u128::MAX, 2, 4), Some(u128::MAX / 2));
    }

    proptest! {
        /// `quotient × divisor ≤ left × right < (quotient + 1) × divisor`, in 256 bits.
        #[test]
        fn the_quotient_encloses_the_product(
            left in any::<u128>(), right in any::<u128>(), divisor in any::<u128>(), small in 0_u32..128,
        ) {
            let divisor = (divisor >> small).max(1);
            let (low, high) = left.carrying_mul(right, 0);
            match multiply_divide(left, right, divisor) {
                Some(quotient) => {
                    let (product, over) = quotient.carrying_mul(divisor, 0);
                    prop_assert!((over, product) <= (high, low));
                    let (next, next_over) = quotient.carrying_mul(divisor, divisor);
                    // One divisor more can reach 2^256 only where every bit of the product is below.
                    prop_assert!((next_over, next) > (high, low));
                }
                None => prop_assert!(high >= divisor),
            }
        }
    }
}
