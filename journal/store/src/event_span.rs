//! A part of a run, by the numbers of its events.

use engine_core::envelope::Seq;

/// The events of a run behind one of them, up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSpan {
    /// The event before its first; zero where it begins the run.
    pub behind: Seq,
    /// Its last event; none where it goes as far as the run does.
    pub last: Option<Seq>,
}

impl EventSpan {
    /// All of a run.
    pub const WHOLE: Self = Self { behind: Seq::new(0), last: None };

    /// Its first event.
    #[must_use]
    pub const fn first(self) -> Seq {
        self.behind.next()
    }

    /// Whether no event came before it.
    #[must_use]
    pub const fn begins_the_run(self) -> bool {
        self.behind.number() == 0
    }

    /// Whether event `seq` is one of it.
    #[must_use]
    pub fn holds(self, seq: Seq) -> bool {
        seq > self.behind && self.last.is_none_or(|last| seq <= last)
    }

    /// What it has in common with `other`; nothing where no event is in both.
    #[must_use]
    pub fn common_with(self, other: Self) -> Option<Self> {
        let behind = self.behind.max(other.behind);
        let last = [self.last, other.last].into_iter().flatten().min();
        last.is_none_or(|last| last > behind).then_some(Self { behind, last })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span() -> impl Strategy<Value = EventSpan> {
        (0_u64..30, prop::option::of(1_u64..15)).prop_map(|(behind, len)| EventSpan {
            behind: Seq::new(behind),
            last: len.map(|len| Seq::new(behind + len)),
        })
    }

    proptest! {
        #[test]
        fn what_two_spans_have_in_common_is_what_both_hold(one in span(), other in span(), seq in 1_u64..60) {
            let seq = Seq::new(seq);
            let common = one.common_with(other);
            prop_assert_eq!(common, other.common_with(one));
            prop_assert_eq!(common.is_some_and(|common| common.holds(seq)), one.holds(seq) && other.holds(seq));
            prop_assert_eq!(one.common_with(EventSpan::WHOLE), Some(one));
        }
    }

    #[test]
    fn a_run_begins_with_its_first_event() {
        assert!(EventSpan::WHOLE.begins_the_run() && EventSpan::WHOLE.first() == Seq::FIRST);
        let later = EventSpan { behind: Seq::new(7), last: Some(Seq::new(9)) };
        assert!(!later.begins_the_run() && later.first().number() == 8);
        assert!(!later.holds(Seq::new(7)) && later.holds(Seq::new(9)) && !later.holds(Seq::new(10)));
    }
}
