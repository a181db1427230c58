//! How much may still be asked of the venue: a fifth of every limit is kept for the ends of orders.
//!
//! What is used up is what the venue said last, and the orders that went out since. A window that is over counts for nothing.

use engine_core::time::Timestamp;

use crate::request_limit::{LimitUse, Limited};

/// So many fifths of a limit are for new orders and questions.
const FIFTHS: u64 = 4;

/// What is known of the limits.
#[derive(Debug, Default)]
pub(super) struct RequestBudget {
    /// Each limit with the number of the window that its use is of.
    uses: Vec<(LimitUse, i64)>,
}

impl RequestBudget {
    /// The venue says at `at`, by its own clock, how much is used.
    pub(super) fn learn(&mut self, at: Timestamp, told: &[LimitUse]) {
        for one in told.iter().filter(|one| one.window.is_positive()) {
            let place = self.uses.iter().position(|(known, _)| is_same(known, one));
            let entry = (*one, window_of(one, at));
            match place.and_then(|place| self.uses.get_mut(place)) {
                Some(known) => *known = entry,
                None => self.uses.push(entry),
            }
        }
    }

    /// A new order went out at `at`.
    pub(super) fn count_order(&mut self, at: Timestamp) {
        for (known, window) in self.uses.iter_mut().filter(|(known, _)| known.limited == Limited::Orders) {
            let now = window_of(known, at);
            if now != *window {
                (known.used, *window) = (0, now);
            }
            known.used = known.used.saturating_add(1);
        }
    }

    /// The limit of that kind of which no more is to be used at `at`.
    pub(super) fn spent(&self, limited: Limited, at: Timestamp) -> Option<&LimitUse> {
        let here = self
            .uses
            .iter()
            .filter(|(known, window)| known.limited == limited && window_of(known, at) == *window);
        here.map(|(known, _)| known)
            .find(|known| known.used.saturating_mul(5) >= known.limit.saturating_mul(FIFTHS))
    }
}

fn is_same(one: &LimitUse, other: &LimitUse) -> bool {
    one.limited == other.limited && one.window == other.window
}

fn window_of(limit: &LimitUse, at: Timestamp) -> i64 {
    at.nanos().div_euclid(limit.window.nanos())
}

#[cfg(test)]
mod tests {
    use engine_core::time::Span;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * Span::MILLISECOND.nanos())
    }

    fn limit(limited: Limited, seconds: i64, limit: u64, used: u64) -> LimitUse {
        LimitUse { limited, window: Span::from_nanos(seconds * Span::SECOND.nanos()), limit, used }
    }

    #[test]
    fn a_fifth_of_a_window_is_kept_and_the_next_begins_with_nothing() {
        let mut budget = RequestBudget::default();
        assert_eq!(budget.spent(Limited::Orders, at(0)), None, "nothing is known of any limit");
        budget.learn(at(1), &[limit(Limited::Orders, 10, 50, 38), limit(Limited::Weight, 60, 6_000, 4_799)]);
        assert_eq!(budget.spent(Limited::Orders, at(2)), None);
        budget.count_order(at(2));
        assert_eq!(budget.spent(Limited::Orders, at(2)), None, "39 of 50");
        budget.count_order(at(9_999));
        assert_eq!(budget.spent(Limited::Orders, at(9_999)).map(|one| one.used), Some(40));
        assert_eq!(budget.spent(Limited::Orders, at(10_000)), None);
        budget.count_order(at(10_001));
        budget.learn(at(10_002), &[limit(Limited::Weight, 60, 6_000, 4_800)]);
        assert!(budget.spent(Limited::Weight, at(10_002)).is_some());
        assert_eq!(budget.spent(Limited::Weight, at(60_000)), None);
        assert_eq!(budget.spent(Limited::Orders, at(10_002)), None, "the window is another");
    }

    #[test]
    fn of_two_windows_the_fuller_one_counts() {
        let mut budget = RequestBudget::default();
        budget.learn(at(1), &[limit(Limited::Orders, 10, 50, 1), limit(Limited::Orders, 86_400, 100, 79)]);
        assert_eq!(budget.spent(Limited::Orders, at(5)), None);
        budget.count_order(at(20_000));
        assert_eq!(budget.spent(Limited::Orders, at(20_000)).map(|one| one.limit), Some(100));
    }
}
