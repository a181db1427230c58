//! Kraken's checksum of a book.

use core::fmt::Write as _;

use engine_core::num::{Price, Qty};

/// Levels of each side that the checksum covers.
const CHECKED_LEVELS: usize = 10;

/// CRC32 over the best asks, then the best bids, each as price and quantity without point and leading zeros.
///
/// Both must count in the decimals the venue prints: then those digits are the whole number of smallest units.
/// Source: Kraken's guide "Book checksum (v2)".
pub(super) fn checksum(
    bids: impl Iterator<Item = (Price, Qty)>,
    asks: impl Iterator<Item = (Price, Qty)>,
) -> u32 {
    let mut digits = String::with_capacity(512);
    for (price, qty) in asks.take(CHECKED_LEVELS).chain(bids.take(CHECKED_LEVELS)) {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{}{}", price.units(), qty.units());
    }
    crc32fast::hash(digits.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_one_behind_the_other_asks_first() {
        let level = |price: i64, qty: i64| (Price::from_units(price), Qty::from(qty));
        let sum = checksum([level(99, 5)].into_iter(), [level(101, 7), level(102, 30)].into_iter());
        assert_eq!(sum, crc32fast::hash(b"101710230995"));
    }

    #[test]
    fn only_ten_levels_of_each_side_count() {
        let levels = |count: i64| (1..=count).map(|at| (Price::from_units(at), Qty::from(at)));
        assert_eq!(checksum(levels(10), levels(10)), checksum(levels(40), levels(25)));
        assert_ne!(checksum(levels(10), levels(10)), checksum(levels(9), levels(10)));
    }
}
