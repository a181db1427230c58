//! Which trades of a market were told, by the venue's numbers: each once, and where some are missing.

use std::collections::BTreeMap;

use engine_core::time::Timestamp;

/// Trades that a recording lacks, between two that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeHole {
    /// Of which symbol.
    pub symbol: String,
    /// The number of the last trade before it.
    pub after: u64,
    /// The number of the first trade behind it.
    pub before: u64,
    /// When the one was made.
    pub since: Timestamp,
    /// When the other was made.
    pub until: Timestamp,
}

/// Numbers that follow each other.
#[derive(Debug, Clone, Copy)]
struct Range {
    last: u64,
    first_at: Timestamp,
    last_at: Timestamp,
}

/// The numbers that were told, as ranges: as many as there are holes, and one more.
#[derive(Debug, Default)]
pub(crate) struct TradeRanges(BTreeMap<u64, Range>);

impl TradeRanges {
    /// Takes the trades `first` to `last` in; says whether they are new.
    pub(crate) fn add(&mut self, first: u64, last: u64, at: Timestamp) -> bool {
        let mut begin = first;
        let mut told = Range { last, first_at: at, last_at: at };
        if let Some((start, before)) = self.0.range_mut(..=last).next_back() {
            if before.last >= first {
                return false;
            }
            if before.last + 1 == first {
                (before.last, before.last_at) = (last, at);
                (begin, told) = (*start, *before);
            }
        }
        // Nothing lies between, so that what follows begins behind `last`.
        if let Some(next) = last.checked_add(1)
            && let Some(behind) = self.0.remove(&next)
        {
            (told.last, told.last_at) = (behind.last, behind.last_at);
        }
        self.0.insert(begin, told);
        true
    }

    /// The first number that was told.
    pub(crate) fn first(&self) -> Option<u64> {
        self.0.keys().next().copied()
    }

    /// What is missing between the first and the last, of `symbol`.
    pub(crate) fn holes(&self, symbol: &str) -> Vec<TradeHole> {
        let behind = self.0.iter().skip(1);
        let hole = |((_, known), (before, next)): ((&u64, &Range), (&u64, &Range))| TradeHole {
            symbol: symbol.to_owned(),
            after: known.last,
            before: *before,
            since: known.last_at,
            until: next.first_at,
        };
        self.0.iter().zip(behind).map(hole).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(number: u64) -> Timestamp {
        Timestamp::from_nanos(i64::try_from(number).unwrap())
    }

    #[test]
    fn numbers_in_any_order_are_told_once_and_what_is_missing_is_named() {
        let mut ranges = TradeRanges::default();
        for (number, is_new) in
            [(5, true), (6, true), (5, false), (9, true), (8, true), (3, true), (9, false)]
        {
            assert_eq!(ranges.add(number, number, at(number)), is_new, "{number}");
        }
        assert!(!ranges.add(6, 8, at(6)), "part of an aggregate was told");
        let holes: Vec<_> = ranges.holes("X").iter().map(|hole| (hole.after, hole.before)).collect();
        assert_eq!((holes, ranges.first()), (vec![(3, 5), (6, 8)], Some(3)));
        assert_eq!(ranges.holes("X")[0].until, at(5));
        assert!(ranges.add(7, 7, at(7)) && ranges.add(4, 4, at(4)));
        assert!(ranges.holes("X").is_empty());
        assert!(ranges.add(u64::MAX, u64::MAX, at(1)) && !ranges.add(u64::MAX, u64::MAX, at(1)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn ranges_are_the_set_of_numbers(numbers in proptest::collection::vec(0_u64..60, 0..120)) {
            let (mut ranges, mut set) = (TradeRanges::default(), std::collections::BTreeSet::new());
            for number in numbers {
                prop_assert_eq!(ranges.add(number, number, at(number)), set.insert(number));
            }
            let told: Vec<u64> = set.into_iter().collect();
            let expected: Vec<(u64, u64)> =
                told.windows(2).filter(|pair| pair[1] > pair[0] + 1).map(|pair| (pair[0], pair[1])).collect();
            let holes: Vec<(u64, u64)> = ranges.holes("X").iter().map(|hole| (hole.after, hole.before)).collect();
            prop_assert_eq!(holes, expected);
        }
    }
}
