//! An exact quantity of an asset with eight places after the point.

use core::fmt;
use core::iter::Sum;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::decimal;

/// Places after the point of every amount.
pub(crate) const PLACES: u32 = 8;

/// A signed amount of an asset in units of 0.00000001.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i128);

/// How the places beyond the eighth are dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    Down,
    Up,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many units of 0.00000001.
    pub const fn of_units(units: i128) -> Self {
        Self(units)
    }

    /// Units of 0.00000001.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// Reads `1.5` or `-0.00000001`: digits with at most one point and eight places, nothing else.
    pub fn read(text: &str) -> Option<Self> {
        match text.strip_prefix('-') {
            Some(digits) => decimal::units(digits, PLACES).map(|units| Self(-i128::from(units))),
            None => decimal::units(text, PLACES).map(|units| Self(i128::from(units))),
        }
    }

    /// A product of whole numbers that together have `decimals` places.
    pub(crate) fn of_product(one: u64, other: u64, decimals: u32, rounding: Rounding) -> Self {
        Self::scaled(u128::from(one) * u128::from(other), decimals, rounding)
    }

    /// A number of units of the last of `decimals` places.
    pub(crate) fn of_quantity(units: u64, decimals: u32) -> Self {
        Self::scaled(u128::from(units), decimals, Rounding::Down)
    }

    fn scaled(units: u128, decimals: u32, rounding: Rounding) -> Self {
        let scaled = if decimals <= PLACES {
            units.saturating_mul(10_u128.pow(PLACES - decimals))
        } else {
            let divisor = 10_u128.pow(decimals - PLACES);
            match rounding {
                Rounding::Down => units / divisor,
                Rounding::Up => units.div_ceil(divisor),
            }
        };
        Self(i128::try_from(scaled).unwrap_or(i128::MAX / 4))
    }

    /// A part in millionths, cut to eight places.
    pub(crate) fn part(self, millionths: u32) -> Self {
        Self(self.0 * i128::from(millionths) / 1_000_000)
    }

    /// A part in millionths, rounded up.
    pub(crate) fn part_up(self, millionths: u32) -> Self {
        let product = self.0 * i128::from(millionths);
        Self(product / 1_000_000 + i128::from(product % 1_000_000 > 0))
    }

    /// What it is worth in an asset of which one costs `price`, cut to eight places; nothing for no price.
    pub(crate) fn divided_by(self, price: Self) -> Self {
        Self((self.0 * 100_000_000).checked_div(price.0).unwrap_or(0))
    }

    /// Whole units of the last of `decimals` places that this pays for at `price` a piece, in units of `price_decimals`.
    pub(crate) fn pays_for(self, price: u64, price_decimals: u32, decimals: u32) -> u64 {
        let Ok(units) = u128::try_from(self.0) else { return 0 };
        let scaled = units.saturating_mul(10_u128.pow(price_decimals + decimals)) / 10_u128.pow(PLACES);
        let affordable = scaled.checked_div(u128::from(price)).unwrap_or(0);
        u64::try_from(affordable).unwrap_or(u64::MAX)
    }

    /// Whether it is less than nothing.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(out, "{sign}{}", decimal::text(self.0.unsigned_abs(), PLACES))
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Amount {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::add)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is no amount")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn products_are_cut_or_rounded_up_and_never_in_between() {
        let product = |rounding| Amount::of_product(3, 7, 10, rounding);
        assert_eq!((product(Rounding::Down), product(Rounding::Up)), (Amount(0), Amount(1)));
        assert_eq!(Amount::of_product(6_400_000, 200_000, 10, Rounding::Up).to_string(), "128.00000000");
        assert_eq!(Amount(12_345).part(1_000).to_string(), "0.00000012");
        assert_eq!(Amount::read("-1.5").map(|amount| amount.to_string()), Some("-1.50000000".to_owned()));
        assert_eq!(Amount::read("100").unwrap().pays_for(6_400_000, 2, 8), 156_250);
        for none in ["", "-", "+1", "1e3", "0.000000001", "NaN"] {
            assert_eq!(Amount::read(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn text_reads_back(units in i128::from(i64::MIN)..=i128::from(i64::MAX)) {
            prop_assert_eq!(Amount::read(&Amount(units).to_string()), Some(Amount(units)));
        }

        #[test]
        fn what_can_be_paid_costs_no_more(money in 0_i128..1 << 60, price in 1_u64..1 << 30) {
            let quantity = Amount(money).pays_for(price, 2, 8);
            prop_assert!(Amount::of_product(price, quantity, 10, Rounding::Down) <= Amount(money));
            prop_assert!(Amount::of_product(price, quantity + 1, 10, Rounding::Up) > Amount(money));
        }
    }
}
