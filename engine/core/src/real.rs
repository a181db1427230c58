//! Finite floating-point numbers: what indicators, features and model answers are made of.

/// A floating-point number that is never NaN, infinite or negative zero, so that equal numbers have equal bits
/// and a record of one compares, hashes and replays exactly.
#[derive(serde::Serialize, Clone, Copy, Debug, Default)]
#[serde(transparent)]
pub struct Real(f64);

impl Real {
    /// Nothing.
    pub const ZERO: Self = Self(0.0);
    /// One.
    pub const ONE: Self = Self(1.0);

    /// `value`, unless it is NaN or infinite.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        // Adding zero turns negative zero into zero and changes nothing else.
        value.is_finite().then_some(Self(value + 0.0))
    }

    /// `value`, or zero where it is NaN or infinite.
    #[must_use]
    pub fn or_zero(value: f64) -> Self {
        Self::new(value).unwrap_or(Self::ZERO)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Real {}

impl core::hash::Hash for Real {
    fn hash<H: core::hash::Hasher>(&self, hasher: &mut H) {
        self.0.to_bits().hash(hasher);
    }
}

impl PartialOrd for Real {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Real {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl core::fmt::Display for Real {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(out)
    }
}

impl<'de> serde::Deserialize<'de> for Real {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = <f64 as serde::Deserialize>::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| serde::de::Error::custom("a finite number is expected"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_finite_is_refused_and_negative_zero_is_zero() {
        assert_eq!(Real::new(f64::NAN), None);
        assert_eq!(Real::new(f64::INFINITY), None);
        assert_eq!(Real::new(-0.0), Some(Real::ZERO));
        assert_eq!(Real::or_zero(f64::NEG_INFINITY), Real::ZERO);
    }

    proptest! {
        #[test]
        fn order_and_equality_are_those_of_numbers(left in -1e12_f64..1e12, right in -1e12_f64..1e12) {
            let (a, b) = (Real::new(left).unwrap(), Real::new(right).unwrap());
            prop_assert_eq!(a < b, left < right);
            prop_assert_eq!(a == b, left.total_cmp(&right).is_eq());
        }
    }
}
