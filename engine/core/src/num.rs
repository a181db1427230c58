//! Price, quantity, money and ratio as integers with checked arithmetic.
//!
//! A price or quantity is a whole number of its instrument's smallest decimals; money has one scale,
//! [`MONEY_DECIMALS`], wide enough that price × quantity is exact. A price has 64 bits, as dataset columns have;
//! quantities and money have 128, because a position or a sum outgrows 64 in markets with many decimals.
//! Nothing here wraps or is cut off: an operation whose result does not fit answers `None`.
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects)]

use core::fmt;
use core::hash::{Hash, Hasher};

mod decimal;
mod wide;

pub use decimal::{Decimal, DecimalError, Parsed, parse_decimal};
use wide::multiply_divide;

/// Decimals of [`Money`]: 10⁻¹⁸ of the settlement currency, so the largest amount is 1.7 × 10²⁰.
pub const MONEY_DECIMALS: u8 = 18;

/// Decimals of [`Amount`], enough to be exact for whatever a venue counts and a run trades.
pub const AMOUNT_DECIMALS: u8 = 18;

/// Decimals of [`Ratio`]: parts per billion.
pub const RATIO_DECIMALS: u8 = 9;

const RATIO_ONE: i64 = 1_000_000_000;

macro_rules! whole_number {
    ($(#[$doc:meta])* $name:ident, $int:ty) => {
        $(#[$doc])*
        #[derive(
            serde::Serialize, serde::Deserialize, Clone, Copy, Debug,
            Default, PartialEq, Eq, PartialOrd, Ord,
        )]
        #[serde(transparent)]
        pub struct $name($int);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// The largest value that can be written.
            pub const MAX: Self = Self(<$int>::MAX);

            /// The value of `units` smallest units.
            #[must_use]
            pub const fn from_units(units: $int) -> Self {
                Self(units)
            }

            /// How many smallest units this is.
            #[must_use]
            pub const fn units(self) -> $int {
                self.0
            }

            /// The sum, or `None` on overflow: every result lies between minus [`MAX`](Self::MAX) and it.
            #[must_use]
            pub const fn plus(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(sum) if sum >= -<$int>::MAX => Some(Self(sum)),
                    Some(_) | None => None,
                }
            }

            /// The difference, or `None` on overflow.
            #[must_use]
            pub const fn minus(self, other: Self) -> Option<Self> {
                match self.0.checked_sub(other.0) {
                    Some(difference) if difference >= -<$int>::MAX => Some(Self(difference)),
                    Some(_) | None => None,
                }
            }

            /// The same size with the other sign, or `None` on overflow.
            #[must_use]
            pub const fn negated(self) -> Option<Self> {
                match self.0.checked_neg() {
                    Some(negated) => Some(Self(negated)),
                    None => None,
                }
            }

            /// The size without its sign.
            #[must_use]
            pub const fn magnitude(self) -> Self {
                // Saturates for the one integer without an opposite, which no operation here answers.
                Self(self.0.saturating_abs())
            }

            /// Whether it is more than nothing.
            #[must_use]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// Whether it is nothing.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }
        }
    };
}

whole_number!(
    /// Units of quote currency for one unit of base, in the instrument's price decimals.
    #[derive(Hash)]
    Price,
    i64
);
whole_number!(
    /// An amount of base currency or contracts, in the instrument's quantity decimals; signed where it names
    /// a position (negative is short).
    Qty,
    i128
);
whole_number!(
    /// An amount of the settlement currency, in 10⁻¹⁸.
    #[derive(Hash)]
    Money,
    i128
);
whole_number!(
    /// An amount of any asset, in 10⁻¹⁸ of it; signed where it names a change.
    #[derive(Hash)]
    Amount,
    i128
);
whole_number!(
    /// A dimensionless factor in parts per billion: 1 000 000 is 0.1 %.
    #[derive(Hash)]
    Ratio,
    i64
);

/// A quantity of 64 bits, as nearly all are, has the fingerprint of those 64 bits.
impl Hash for Qty {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        match i64::try_from(self.0) {
            Ok(narrow) => narrow.hash(hasher),
            Err(_) => self.0.hash(hasher),
        }
    }
}

impl From<i64> for Qty {
    fn from(units: i64) -> Self {
        Self(i128::from(units))
    }
}

impl Price {
    /// Stands for a price that does not fit; the gate refuses every order that names it.
    pub const BEYOND: Self = Self::MAX;
}

impl Ratio {
    /// Exactly one.
    pub const ONE: Self = Self(RATIO_ONE);

    /// The ratio of `bps` basis points (hundredths of a per cent), or `None` on overflow.
    #[must_use]
    pub const fn from_bps(bps: i64) -> Option<Self> {
        match bps.checked_mul(100_000) {
            Some(units) => Some(Self(units)),
            None => None,
        }
    }
}

impl Money {
    /// `self × ratio`, rounded half to even, or `None` on overflow.
    #[must_use]
    pub fn times(self, ratio: Ratio) -> Option<Self> {
        let one = i128::from(RATIO_ONE);
        let factor = i128::from(ratio.0);
        let whole = self.0.checked_div(one)?.checked_mul(factor)?;
        let product = self.0.checked_rem(one)?.checked_mul(factor)?;
        let below = whole.checked_add(product.checked_div(one)?)?;
        let twice = product.checked_rem(one)?.checked_mul(2)?;
        // Which neighbour is even is a question to the whole result, not to the part behind the split.
        let away = twice.checked_abs()? > one || (twice.checked_abs()? == one && below & 1 == 1);
        let step = if away { twice.signum() } else { 0 };
        below.checked_add(step).map(Self)
    }

    /// `self / (1 + ratio)`, rounded toward zero: what is left of a budget once a fee of `ratio` is set aside;
    /// `None` on overflow or a ratio of minus one.
    #[must_use]
    pub fn without(self, ratio: Ratio) -> Option<Self> {
        let one = i128::from(RATIO_ONE);
        let divisor = one.checked_add(i128::from(ratio.0))?;
        self.scaled(one, divisor)
    }

    /// `self × part / whole`, rounded toward zero, for splitting an amount; `None` on overflow or `whole` of
    /// nothing.
    #[must_use]
    pub fn share(self, part: Qty, whole: Qty) -> Option<Self> {
        self.scaled(part.0, whole.0)
    }

    /// `self × factor / divisor`, rounded toward zero and exact whatever the size of the product.
    fn scaled(self, factor: i128, divisor: i128) -> Option<Self> {
        let size = multiply_divide(self.0.unsigned_abs(), factor.unsigned_abs(), divisor.unsigned_abs())?;
        let size = i128::try_from(size).ok()?;
        let is_negative = (self.0 < 0) != ((factor < 0) != (divisor < 0));
        Some(Self(if is_negative { size.checked_neg()? } else { size }))
    }
}

impl Price {
    /// `self × (1 + ratio)` rounded half to even, or `None` on overflow.
    #[must_use]
    pub fn moved_by(self, ratio: Ratio) -> Option<Self> {
        let factor = i128::from(RATIO_ONE).checked_add(i128::from(ratio.0))?;
        let moved = i128::from(self.0).checked_mul(factor)?;
        i64::try_from(divide_half_even(moved, i128::from(RATIO_ONE))?).ok().map(Self)
    }
}

impl fmt::Display for Amount {
    /// As a plain decimal without needless zeros.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal { units: self.0, decimals: AMOUNT_DECIMALS }.fmt(out)
    }
}

impl Amount {
    /// A quantity of `decimals` as an amount of its asset, exact; `None` on overflow or beyond 18 decimals.
    #[must_use]
    pub fn of_qty(qty: Qty, decimals: u8) -> Option<Self> {
        let factor = power_of_ten(AMOUNT_DECIMALS.checked_sub(decimals)?)?;
        qty.0.checked_mul(factor).map(Self)
    }

    /// An amount of the settlement currency as one of its asset.
    #[must_use]
    pub const fn of_money(money: Money) -> Self {
        Self(money.0)
    }

    /// The quantity of `decimals` that is not less than it, and nearest to it; `None` beyond 18 decimals.
    #[must_use]
    pub fn qty_up(self, decimals: u8) -> Option<Qty> {
        let factor = power_of_ten(AMOUNT_DECIMALS.checked_sub(decimals)?)?;
        let down = self.0.checked_div_euclid(factor)?;
        let rest = self.0.checked_rem_euclid(factor)?;
        down.checked_add(i128::from(rest > 0)).map(Qty)
    }

    /// What it is worth at `price` for one of it, toward zero; `None` on overflow.
    #[must_use]
    pub fn worth(self, price: Price, price_decimals: u8) -> Option<Money> {
        let factor = u128::from(price.0.unsigned_abs());
        let size =
            multiply_divide(self.0.unsigned_abs(), factor, power_of_ten(price_decimals)?.unsigned_abs())?;
        let size = i128::try_from(size).ok()?;
        let is_negative = (self.0 < 0) != (price.0 < 0);
        Some(Money(if is_negative { size.checked_neg()? } else { size }))
    }
}

/// `numerator / denominator` rounded half to even, or `None` when the denominator is nothing or on overflow.
#[must_use]
pub fn divide_half_even(numerator: i128, denominator: i128) -> Option<i128> {
    let quotient = numerator.checked_div(denominator)?;
    let rest = numerator.checked_rem(denominator)?;
    let twice = rest.checked_abs()?.checked_mul(2)?;
    let size = denominator.checked_abs()?;
    let away = twice > size || (twice == size && quotient & 1 == 1);
    if !away {
        return Some(quotient);
    }
    let step = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
    quotient.checked_add(step)
}

/// 10 to the power `exponent`, or `None` above 10³⁸.
#[must_use]
pub const fn power_of_ten(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(exponent as u32)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test may compute plainly")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (numerator, expected) in [(5, 0), (15, 2), (25, 2), (-5, 0), (-15, -2), (35, 4), (14, 1), (16, 2)]
        {
            assert_eq!(divide_half_even(numerator, 10), Some(expected), "{numerator}/10");
        }
    }

    #[test]
    fn a_half_of_a_product_goes_to_the_even_neighbour_of_the_whole_result() {
        let least = Ratio::from_units(1);
        for (billions, expected) in
            [(15, 2), (25, 2), (-15, -2), (-25, -2), (35, 4), (14, 1), (16, 2), (5, 0)]
        {
            let amount = Money::from_units(billions * 100_000_000);
            assert_eq!(amount.times(least).map(Money::units), Some(expected), "{billions} tenths");
        }
    }

    proptest! {
        /// Halves come by chance once in a billion; these amounts are all of them halves.
        #[test]
        fn times_agrees_with_plain_division_on_halves(odd in any::<i32>(), twos in 0_u32..9, fives in 0_u32..9) {
            let ratio = 2_i64.pow(twos) * 5_i64.pow(fives);
            let amount = (i128::from(odd) * 2 + 1) * (500_000_000 / i128::from(ratio).min(500_000_000)).max(1);
            let exact = divide_half_even(amount * i128::from(ratio), 1_000_000_000);
            let ours = Money::from_units(amount).times(Ratio::from_units(ratio));
            prop_assert_eq!(ours.map(Money::units), exact);
        }

        #[test]
        fn a_share_and_its_rest_make_the_whole(
            amount in any::<i64>(), part in 0_i128..1_000_000, rest in 1_i128..1_000_000,
        ) {
            let whole = Qty::from_units(part + rest);
            let amount = Money::from_units(i128::from(amount) * 1_000_000_000);
            let first = amount.share(Qty::from_units(part), whole).unwrap();
            prop_assert!(first.magnitude() <= amount.magnitude());
            prop_assert_eq!(first.plus(amount.minus(first).unwrap()), Some(amount));
        }

        #[test]
        fn an_amount_is_what_its_quantity_was_and_never_less_than_what_it_is_read_as(
            units in any::<i64>(), decimals in 0_u8..=18, finer in 0_i128..1_000_000, price in any::<i32>(),
        ) {
            let qty = Qty::from(units);
            let Some(amount) = Amount::of_qty(qty, decimals) else {
                prop_assert!(decimals < 3, "only coarse quantities do not fit");
                return Ok(());
            };
            prop_assert_eq!(amount.qty_up(decimals), Some(qty));
            let step = power_of_ten(18 - decimals).unwrap();
            let finer = Amount::from_units(amount.units() + finer % step);
            let up = finer.qty_up(decimals).unwrap();
            prop_assert_eq!(up.units() - qty.units(), i128::from(finer != amount));
            let price = Price::from_units(i64::from(price));
            if let Some(exact) = amount.units().checked_mul(i128::from(price.units())) {
                prop_assert_eq!(amount.worth(price, 2).map(Money::units), Some(exact / 100));
            }
        }

        #[test]
        fn times_agrees_with_plain_division(amount in any::<i64>(), ratio in any::<i32>()) {
            let exact = divide_half_even(i128::from(amount) * i128::from(ratio), 1_000_000_000);
            let ours = Money::from_units(i128::from(amount)).times(Ratio::from_units(i64::from(ratio)));
            prop_assert_eq!(ours.map(Money::units), exact);
        }
    }
}
