//! The name under which a venue knows an order of ours: unique across runs, and distinguishable from anyone else's.
//!
//! A client id is a UUID of version 8 (RFC 9562, section 5.8), the one form that Binance, Coinbase and Kraken all take:
//!
//! ```text
//!   xxxxxxxx-xxxx-8xxx-yxxx-xxxxxxxxxxxx
//!   66 bits of the run, 16 of the epoch, 40 of the order, around 4 bits of version and 2 of variant
//! ```

use core::fmt;
use core::str::FromStr;

use crate::epoch::Epoch;
use crate::event::Manifest;
use crate::order::OrderId;
use crate::time::Timestamp;

/// Bits of the run in a client id.
const RUN_BITS: u32 = 66;

const EPOCH_BITS: u32 = 16;

const ORDER_BITS: u32 = 40;

/// Bits below the variant.
const LOW_BITS: u32 = 62;

/// Bits between version and variant.
const MIDDLE_BITS: u32 = 12;

const VERSION: u128 = 8;

const VARIANT: u128 = 0b10;

/// Where the hyphens of a UUID stand.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// Characters of a UUID.
const LENGTH: usize = 36;

/// The number of a run: a digest of its manifest and the moment it was opened.
///
/// Two runs of one configuration differ by their moments. Of 66 bits, two of a million runs are the same with a chance of
/// 7 × 10⁻⁹.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(transparent)]
pub struct RunId(u128);

impl RunId {
    /// The number of the run that `manifest` opened at `opened_at`.
    #[must_use]
    pub fn of(manifest: &Manifest, opened_at: Timestamp) -> Self {
        let [high, low] = crate::digest::digest_hashed(&(manifest, opened_at)).0;
        let both = (u128::from(high) << 64) | u128::from(low);
        Self(both >> (128 - RUN_BITS))
    }
}

/// The client id of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId {
    run: RunId,
    epoch: Epoch,
    order: OrderId,
}

impl ClientId {
    /// The id of `order`, submitted in `epoch` of `run`; nothing for an order beyond the 10¹²th (2⁴⁰).
    #[must_use]
    pub fn new(run: RunId, epoch: Epoch, order: OrderId) -> Option<Self> {
        (order.number() >> ORDER_BITS == 0).then_some(Self { run, epoch, order })
    }

    /// Which run.
    #[must_use]
    pub const fn run(self) -> RunId {
        self.run
    }

    /// The epoch it was submitted in.
    #[must_use]
    pub const fn epoch(self) -> Epoch {
        self.epoch
    }

    /// Which order of the run.
    #[must_use]
    pub const fn order(self) -> OrderId {
        self.order
    }

    /// As the 128 bits of a UUID.
    fn bits(self) -> u128 {
        let (epoch, order) = (u128::from(self.epoch.number()), u128::from(self.order.number()));
        let all = (self.run.0 << (EPOCH_BITS + ORDER_BITS)) | (epoch << ORDER_BITS) | order;
        let low = all & mask(LOW_BITS);
        let middle = (all >> LOW_BITS) & mask(MIDDLE_BITS);
        let high = all >> (LOW_BITS + MIDDLE_BITS);
        (high << 80) | (VERSION << 76) | (middle << 64) | (VARIANT << LOW_BITS) | low
    }

    /// The id of these bits, where they have version and variant of ours.
    fn of_bits(bits: u128) -> Option<Self> {
        let (version, variant) = ((bits >> 76) & mask(4), (bits >> LOW_BITS) & mask(2));
        if (version, variant) != (VERSION, VARIANT) {
            return None;
        }
        let (high, middle, low) = (bits >> 80, (bits >> 64) & mask(MIDDLE_BITS), bits & mask(LOW_BITS));
        let all = (high << (LOW_BITS + MIDDLE_BITS)) | (middle << LOW_BITS) | low;
        Some(Self {
            run: RunId(all >> (EPOCH_BITS + ORDER_BITS)),
            epoch: Epoch::new(u16::try_from((all >> ORDER_BITS) & mask(EPOCH_BITS)).ok()?),
            order: OrderId::new(u64::try_from(all & mask(ORDER_BITS)).ok()?),
        })
    }
}

const fn mask(bits: u32) -> u128 {
    (1 << bits) - 1
}

impl fmt::Display for ClientId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.bits();
        let group = |from: u32, digits: u32| (bits >> from) & mask(4 * digits);
        let [first, second, third] = [group(96, 8), group(80, 4), group(64, 4)];
        let [fourth, fifth] = [group(48, 4), group(0, 12)];
        write!(out, "{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{fifth:012x}")
    }
}

/// Why a text is no client id of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {text:?} as a client id: it is not a UUID of version 8 in lower case")]
pub struct NotOurs {
    /// The text.
    pub text: String,
}

impl FromStr for ClientId {
    type Err = NotOurs;

    /// Reads back what [`fmt::Display`] writes and nothing else. Another program may use such UUIDs too: an order is ours
    /// only where the run is the one that asks.
    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let read = || {
            let is_form = text.len() == LENGTH
                && text.bytes().enumerate().all(|(at, byte)| HYPHENS.contains(&at) == (byte == b'-'));
            let digits: String = text.chars().filter(|letter| *letter != '-').collect();
            let id = Self::of_bits(u128::from_str_radix(&digits, 16).ok().filter(|_| is_form)?)?;
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

    const LAST_ORDER: u64 = (1 << 40) - 1;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_client_id_reads_back_and_names_run_epoch_and_order(
            moments in (any::<i64>(), any::<i64>()), epochs in (any::<u16>(), any::<u16>()),
            orders in (0..=LAST_ORDER, 0..=LAST_ORDER), other in any::<bool>(),
        ) {
            let run = |nanos, strategy| RunId::of(&manifest(strategy), Timestamp::from_nanos(nanos));
            let id = |run, epoch, order| ClientId::new(run, Epoch::new(epoch), OrderId::new(order)).unwrap();
            let first = id(run(moments.0, "a"), epochs.0, orders.0);
            let strategy = if other { "b" } else { "a" };
            let second = id(run(moments.1, strategy), epochs.1, orders.1);
            let text = first.to_string();
            prop_assert_eq!((text.len(), text.as_bytes()[14]), (36, b'8'));
            prop_assert!(b"89ab".contains(&text.as_bytes()[19]));
            prop_assert_eq!(text.parse(), Ok(first));
            prop_assert_eq!((first.epoch().number(), first.order().number()), (epochs.0, orders.0));
            let same = moments.0 == moments.1 && epochs.0 == epochs.1 && orders.0 == orders.1 && !other;
            prop_assert_eq!(text == second.to_string(), same);
        }

        #[test]
        fn a_foreign_id_is_not_ours(text in "[0-9a-fA-F-]{0,37}|[0-9a-zA-Z_-]{36}") {
            if let Ok(id) = text.parse::<ClientId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn any_id_has_the_form_that_every_venue_takes(order in any::<u64>(), epoch in any::<u16>()) {
            let run = RunId::of(&manifest("a"), Timestamp::from_nanos(1));
            let id = ClientId::new(run, Epoch::new(epoch), OrderId::new(order));
            prop_assert_eq!(id.is_some(), order <= LAST_ORDER);
        }
    }

    #[test]
    fn ids_of_other_forms_are_not_ours() {
        let run = RunId::of(&manifest("a"), Timestamp::from_nanos(1));
        let ours = ClientId::new(run, Epoch::new(3), OrderId::new(5)).unwrap().to_string();
        assert!(ours.ends_with("030000000005"), "{ours}");
        let moved = format!("-{}", ours.replacen('-', "", 1));
        for text in
            ["", "-", &ours.to_uppercase(), &ours.replace('-', ""), &moved, &ours.replacen("-8", "-4", 1)]
        {
            assert!(text.parse::<ClientId>().is_err(), "{text}");
        }
        assert_eq!(Epoch::new(u16::MAX).next(), None);
    }
}
