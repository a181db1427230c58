//! How much a client may ask for in a time, and how long it is shut out when it asks for more.

const SECOND_NS: i64 = 1_000_000_000;

/// How long something may be on its way that was sent before a client could know that it is shut out.
const ON_ITS_WAY_NS: i64 = 500_000_000;

/// The most of each kind within its window; windows begin where the clock is a multiple of their length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) orders_per_10s: u32,
    pub(crate) orders_per_day: u32,
    pub(crate) weight_per_minute: u32,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    length_ns: i64,
    number: i64,
    count: u32,
}

impl Window {
    fn of(seconds: i64) -> Self {
        Self { length_ns: seconds * SECOND_NS, number: 0, count: 0 }
    }

    /// The count of the window of `now_ns`.
    fn at(&mut self, now_ns: i64) -> &mut u32 {
        let number = now_ns.div_euclid(self.length_ns);
        if number != self.number {
            (self.number, self.count) = (number, 0);
        }
        &mut self.count
    }

    fn end_ns(&self) -> i64 {
        (self.number + 1) * self.length_ns
    }
}

/// Whether a request is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Heard,
    /// Shut out from now until a time, and told so for the first time.
    Told {
        until_ns: i64,
    },
    /// It was told, and asks all the same.
    Ignored {
        until_ns: i64,
    },
}

/// What was asked for, and whether the client is shut out.
#[derive(Debug)]
pub(crate) struct Quota {
    limits: Limits,
    orders_10s: Window,
    orders_day: Window,
    weight: Window,
    shut_until_ns: i64,
    is_told: bool,
    told_ns: i64,
}

/// How much was used, beside the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) orders_10s: u32,
    pub(crate) orders_day: u32,
    pub(crate) weight: u32,
    pub(crate) limits: Limits,
}

impl Quota {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            orders_10s: Window::of(10),
            orders_day: Window::of(86_400),
            weight: Window::of(60),
            shut_until_ns: i64::MIN,
            is_told: false,
            told_ns: i64::MIN,
        }
    }

    /// Shuts the client out; it is told with its next request.
    pub(crate) fn shut(&mut self, until_ns: i64) {
        (self.shut_until_ns, self.is_told) = (until_ns, false);
    }

    /// Whether a request is heard now.
    pub(crate) fn admit(&mut self, now_ns: i64) -> Admission {
        let until_ns = self.shut_until_ns;
        if now_ns >= until_ns {
            return Admission::Heard;
        }
        if std::mem::replace(&mut self.is_told, true) {
            Admission::Ignored { until_ns }
        } else {
            self.told_ns = now_ns;
            Admission::Told { until_ns }
        }
    }

    /// Whether a client that is shut out and asks now may not have heard of it yet: it asks by several ways at once.
    pub(crate) fn is_news(&self, now_ns: i64) -> bool {
        now_ns < self.told_ns.saturating_add(ON_ITS_WAY_NS)
    }

    /// Counts the weight of a request that was heard; one too many shuts the client out until the window ends.
    pub(crate) fn weigh(&mut self, now_ns: i64, weight: u32) {
        if now_ns < self.shut_until_ns {
            return;
        }
        let count = self.weight.at(now_ns);
        *count = count.saturating_add(weight);
        if *count > self.limits.weight_per_minute {
            let until_ns = self.weight.end_ns();
            self.shut(until_ns);
        }
    }

    /// When another order may be placed, where that is not now.
    pub(crate) fn orders_full(&mut self, now_ns: i64) -> Option<i64> {
        let day = *self.orders_day.at(now_ns) >= self.limits.orders_per_day;
        let short = *self.orders_10s.at(now_ns) >= self.limits.orders_per_10s;
        if day { Some(self.orders_day.end_ns()) } else { short.then(|| self.orders_10s.end_ns()) }
    }

    pub(crate) fn count_order(&mut self, now_ns: i64) {
        *self.orders_10s.at(now_ns) += 1;
        *self.orders_day.at(now_ns) += 1;
    }

    /// The first fill of an order gives back what it counted for.
    pub(crate) fn give_back(&mut self, now_ns: i64) {
        for window in [&mut self.orders_10s, &mut self.orders_day] {
            let count = window.at(now_ns);
            *count = count.saturating_sub(1);
        }
    }

    pub(crate) fn used(&mut self, now_ns: i64) -> Used {
        Used {
            orders_10s: *self.orders_10s.at(now_ns),
            orders_day: *self.orders_day.at(now_ns),
            weight: *self.weight.at(now_ns),
            limits: self.limits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_begin_anew_and_who_goes_on_is_known() {
        let limits = Limits { orders_per_10s: 2, orders_per_day: 3, weight_per_minute: 10 };
        let mut quota = Quota::new(limits);
        quota.count_order(SECOND_NS);
        quota.count_order(9 * SECOND_NS);
        assert_eq!(quota.orders_full(9 * SECOND_NS), Some(10 * SECOND_NS));
        assert_eq!(quota.orders_full(10 * SECOND_NS), None);
        quota.count_order(11 * SECOND_NS);
        assert_eq!(quota.orders_full(12 * SECOND_NS), Some(86_400 * SECOND_NS));
        quota.give_back(12 * SECOND_NS);
        assert_eq!(quota.used(12 * SECOND_NS).orders_day, 2);
        quota.weigh(30 * SECOND_NS, 10);
        assert_eq!(quota.admit(31 * SECOND_NS), Admission::Heard);
        quota.weigh(31 * SECOND_NS, 1);
        let until_ns = 60 * SECOND_NS;
        assert_eq!(quota.admit(32 * SECOND_NS), Admission::Told { until_ns });
        assert!(quota.is_news(32 * SECOND_NS + ON_ITS_WAY_NS - 1));
        assert_eq!(quota.admit(59 * SECOND_NS), Admission::Ignored { until_ns });
        assert!(!quota.is_news(59 * SECOND_NS));
        assert_eq!(quota.admit(until_ns), Admission::Heard);
    }
}
