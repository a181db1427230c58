//! The lengths of bars that venues offer.

/// A length of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    seconds: u32,
}

const SECOND_NS: i64 = 1_000_000_000;
const WEEK_SECONDS: u32 = 604_800;
/// The first Monday after 1970-01-01, where weeks are counted from.
const MONDAY_NS: i64 = 4 * 86_400 * SECOND_NS;

/// Names as Binance writes them; months have no fixed length and are left out.
const NAMES: [(&str, u32); 15] = [
    ("1s", 1),
    ("1m", 60),
    ("3m", 180),
    ("5m", 300),
    ("15m", 900),
    ("30m", 1_800),
    ("1h", 3_600),
    ("2h", 7_200),
    ("4h", 14_400),
    ("6h", 21_600),
    ("8h", 28_800),
    ("12h", 43_200),
    ("1d", 86_400),
    ("3d", 259_200),
    ("1w", WEEK_SECONDS),
];

/// Names of Coinbase's candles.
const GRANULARITIES: [(&str, u32); 8] = [
    ("ONE_MINUTE", 60),
    ("FIVE_MINUTE", 300),
    ("FIFTEEN_MINUTE", 900),
    ("THIRTY_MINUTE", 1_800),
    ("ONE_HOUR", 3_600),
    ("TWO_HOUR", 7_200),
    ("SIX_HOUR", 21_600),
    ("ONE_DAY", 86_400),
];

impl Interval {
    /// One minute.
    pub const MINUTE: Self = Self { seconds: 60 };
    /// Five minutes, the only length of Coinbase's `candles` channel.
    pub const FIVE_MINUTES: Self = Self { seconds: 300 };
    /// One hour.
    pub const HOUR: Self = Self { seconds: 3_600 };
    /// One day.
    pub const DAY: Self = Self { seconds: 86_400 };

    /// The interval of a name such as `1m` or `1d`.
    pub fn named(name: &str) -> Option<Self> {
        find(&NAMES, name)
    }

    /// The interval of a name such as `ONE_HOUR`.
    pub(crate) fn of_granularity(name: &str) -> Option<Self> {
        find(&GRANULARITIES, name)
    }

    /// The interval of so many minutes, when a venue offers it.
    pub(crate) fn of_minutes(minutes: u64) -> Option<Self> {
        let seconds = u32::try_from(minutes.checked_mul(60)?).ok()?;
        NAMES.iter().any(|(_, known)| *known == seconds).then_some(Self { seconds })
    }

    /// Its name, such as `1m`.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, seconds)| *seconds == self.seconds).map_or("1m", |(name, _)| name)
    }

    /// Its length in nanoseconds.
    pub fn length_ns(self) -> i64 {
        i64::from(self.seconds) * SECOND_NS
    }

    /// Its length in whole minutes.
    pub(crate) fn minutes(self) -> u32 {
        self.seconds / 60
    }

    /// When the bar began that holds a moment.
    pub(crate) fn open_of(self, time_ns: i64) -> i64 {
        let origin_ns = if self.seconds == WEEK_SECONDS { MONDAY_NS } else { 0 };
        (time_ns - origin_ns).div_euclid(self.length_ns()) * self.length_ns() + origin_ns
    }
}

fn find(names: &[(&str, u32)], name: &str) -> Option<Interval> {
    names.iter().find(|(known, _)| *known == name).map(|(_, seconds)| Interval { seconds: *seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_where_venues_begin_them() {
        let monday_ns = 1_704_067_200 * SECOND_NS; // 2024-01-01, a Monday
        let week = Interval::named("1w").unwrap();
        assert_eq!(week.open_of(monday_ns), monday_ns);
        assert_eq!(week.open_of(monday_ns - 1), monday_ns - week.length_ns());
        assert_eq!(Interval::MINUTE.open_of(61 * SECOND_NS), 60 * SECOND_NS);
        assert_eq!(Interval::named("1M"), None);
        assert_eq!(Interval::of_minutes(60).map(Interval::name), Some("1h"));
        assert_eq!(Interval::of_minutes(7), None);
        for (name, _) in NAMES {
            assert_eq!(Interval::named(name).map(Interval::name), Some(name));
        }
    }
}
