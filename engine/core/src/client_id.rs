//! The name under which a venue knows an order of ours: unique across runs, and distinguishable from anyone else's.

use core::fmt;
use core::str::FromStr;

use crate::event::Manifest;
use crate::order::OrderId;
use crate::time::Timestamp;

/// Digits of the run in a client id, in base 16.
const RUN_DIGITS: usize = 22;

/// Digits of the order in base 36; 13 hold every order number.
const ORDER_DIGITS_MAX: usize = 13;

/// The number of a run: a digest of its manifest and the moment it was opened.
///
/// Two runs of one configuration differ by their moments. Of 88 bits, a million runs share one with a chance of
/// 2 × 10⁻¹⁵.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(transparent)]
pub struct RunId(u128);

impl RunId {
    /// The number of the run that `manifest` opened at `opened_at`.
    #[must_use]
    pub fn of(manifest: &Manifest, opened_at: Timestamp) -> Self {
        let [high, low] = crate::digest::digest_hashed(&(manifest, opened_at)).0;
        let both = (u128::from(high) << 64) | u128::from(low);
        Self(both >> (128 - 4 * RUN_DIGITS))
    }
}

/// The client id of an order: 22 digits of the run in base 16, a hyphen, the order in base 36; at most 36 letters,
/// digits and one hyphen, which the venues at hand all take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    /// Which run.
    pub run: RunId,
    /// Which order of it.
    pub order: OrderId,
}

impl fmt::Display for ClientId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut number, mut digits) = (self.order.number(), [b'0'; ORDER_DIGITS_MAX]);
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            let value = u8::try_from(number % 36).unwrap_or_default();
            *digit = if value < 10 { b'0' + value } else { b'a' + value - 10 };
            number /= 36;
            used += 1;
            if number == 0 {
                break;
            }
        }
        write!(out, "{:0width$x}-", self.run.0, width = RUN_DIGITS)?;
        digits
            .iter()
            .skip(ORDER_DIGITS_MAX - used)
            .try_for_each(|digit| write!(out, "{}", char::from(*digit)))
    }
}

/// Why a text is no client id of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {text:?} as a client id: it is not 22 digits in base 16, a hyphen and an order in base 36")]
pub struct NotOurs {
    /// The text.
    pub text: String,
}

impl FromStr for ClientId {
    type Err = NotOurs;

    /// Reads back what [`fmt::Display`] writes and nothing else: another program's orders stay another program's.
    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let read = || {
            let (run, order) = text.split_once('-')?;
            let id = Self {
                run: RunId(u128::from_str_radix(run, 16).ok()?),
                order: OrderId::new(u64::from_str_radix(order, 36).ok()?),
            };
            (id.to_string() == text).then_some(id)
        };
        read().ok_or_else(|| NotOurs { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::num::Money;

    fn manifest(strategy: &str) -> Manifest {
        Manifest {
            engine_version: "1".into(),
            mode: "live".into(),
            config_json: "{}".into(),
            strategy: strategy.into(),
            instruments: Vec::new(),
            datasets: Vec::new(),
            seed: 0,
            capital: Money::ZERO,
            synthetic: false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_client_id_reads_back_and_names_run_and_order(
            moments in (any::<i64>(), any::<i64>()), orders in (any::<u64>(), any::<u64>()), other in any::<bool>(),
        ) {
            let run = |nanos, strategy| RunId::of(&manifest(strategy), Timestamp::from_nanos(nanos));
            let first = ClientId { run: run(moments.0, "a"), order: OrderId::new(orders.0) };
            let strategy = if other { "b" } else { "a" };
            let second = ClientId { run: run(moments.1, strategy), order: OrderId::new(orders.1) };
            let text = first.to_string();
            prop_assert!(text.len() <= 36 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
            prop_assert_eq!(text.parse(), Ok(first));
            let same = moments.0 == moments.1 && orders.0 == orders.1 && !other;
            prop_assert_eq!(text == second.to_string(), same);
        }

        #[test]
        fn a_foreign_id_is_not_ours(text in "[0-9a-zA-Z_-]{0,36}") {
            if let Ok(id) = text.parse::<ClientId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn the_largest_order_of_a_run_fits() {
        let run = RunId::of(&manifest("a"), Timestamp::from_nanos(1));
        assert_eq!(ClientId { run, order: OrderId::new(u64::MAX) }.to_string().len(), 36);
        assert_eq!(ClientId { run, order: OrderId::new(0) }.to_string().len(), 24);
        for text in ["", "-", "00-1", "0000000000000000000000-01", "0000000000000000000000-A"] {
            assert!(text.parse::<ClientId>().is_err(), "{text}");
        }
    }
}
