//! Moments worth writing under a chart: whole years, months, days or hours.

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use engine_core::time::{Span, Timestamp};

use super::scale::AxisMark;

/// Most labels under a chart; more would touch each other on a narrow page.
const LABELS_MAX: i64 = 7;

/// The time a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeAxis {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

/// Steps of fixed length and how a moment reads at each.
const STEPS: [(Span, &str); 13] = [
    (Span::MILLISECOND, "%H:%M:%S%.3f"),
    (Span::from_nanos(100 * Span::MILLISECOND.nanos()), "%H:%M:%S%.3f"),
    (Span::SECOND, "%H:%M:%S"),
    (Span::from_nanos(10 * Span::SECOND.nanos()), "%H:%M:%S"),
    (Span::MINUTE, "%H:%M"),
    (Span::from_nanos(10 * Span::MINUTE.nanos()), "%H:%M"),
    (Span::HOUR, "%b %-d, %H:%M"),
    (Span::from_nanos(3 * Span::HOUR.nanos()), "%b %-d, %H:%M"),
    (Span::from_nanos(12 * Span::HOUR.nanos()), "%b %-d, %H:%M"),
    (Span::DAY, "%b %-d"),
    (Span::from_nanos(2 * Span::DAY.nanos()), "%b %-d"),
    (Span::from_nanos(5 * Span::DAY.nanos()), "%b %-d"),
    (Span::from_nanos(10 * Span::DAY.nanos()), "%b %-d"),
];

/// Steps of the calendar in months.
const MONTHS: [u32; 9] = [1, 2, 3, 6, 12, 24, 60, 120, 600];

impl TimeAxis {
    /// An axis over these two moments; `None` when it would have no length.
    pub(super) fn over(from: Timestamp, to: Timestamp) -> Option<Self> {
        (from < to).then_some(Self { from, to })
    }

    /// The place of a moment: 0 at the beginning, 1 at the end.
    pub(super) fn place(&self, at: Timestamp) -> f64 {
        at.since(self.from).nanos() as f64 / self.length() as f64
    }

    fn length(&self) -> i64 {
        self.to.since(self.from).nanos()
    }

    /// At most seven round moments within the axis.
    pub(super) fn marks(&self) -> Vec<AxisMark> {
        let fixed = STEPS.iter().find(|(step, _)| self.length() / step.nanos() < LABELS_MAX);
        match fixed {
            Some((step, format)) => self.fixed_marks(*step, format),
            None => self.month_marks(),
        }
    }

    fn fixed_marks(&self, step: Span, format: &str) -> Vec<AxisMark> {
        let mut marks = Vec::new();
        let mut at = self.from.floor(step);
        if at < self.from {
            at = at.plus(step);
        }
        while at <= self.to && marks.len() < 16 {
            let text = DateTime::<Utc>::from_timestamp_nanos(at.nanos()).format(format).to_string();
            marks.push(AxisMark { place: self.place(at), text });
            at = at.plus(step);
        }
        marks
    }

    fn month_marks(&self) -> Vec<AxisMark> {
        let month = 30 * Span::DAY.nanos();
        let fits = |step: &&u32| self.length() / (i64::from(**step) * month) < LABELS_MAX;
        let step = MONTHS.iter().find(fits).copied().unwrap_or(1_200);
        let begin = DateTime::<Utc>::from_timestamp_nanos(self.from.nanos());
        let year = begin.year() - begin.year().rem_euclid((step / 12).max(1).cast_signed());
        let format = if step >= 12 { "%Y" } else { "%b %Y" };
        let mut marks = Vec::new();
        let mut date = NaiveDate::from_ymd_opt(year, 1, 1);
        while let Some(day) = date.filter(|_| marks.len() < 16) {
            let Some(nanos) = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_nanos_opt() else {
                break;
            };
            let at = Timestamp::from_nanos(nanos);
            if at > self.to {
                break;
            }
            if at >= self.from {
                marks.push(AxisMark { place: self.place(at), text: day.format(format).to_string() });
            }
            date = day.checked_add_months(Months::new(step));
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn axis(from: &str, to: &str) -> TimeAxis {
        let at = |text: &str| {
            let at = DateTime::parse_from_rfc3339(text).unwrap().timestamp_nanos_opt().unwrap();
            Timestamp::from_nanos(at)
        };
        TimeAxis::over(at(from), at(to)).unwrap()
    }

    fn texts(axis: TimeAxis) -> Vec<String> {
        axis.marks().into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn labels_are_whole_units_of_the_calendar() {
        let years = axis("2017-08-17T00:00:00Z", "2024-12-31T00:00:00Z");
        assert_eq!(texts(years), ["2018", "2020", "2022", "2024"]);
        let months = axis("2022-01-01T00:00:00Z", "2024-12-31T23:00:00Z");
        assert_eq!(texts(months), ["Jan 2022", "Jul 2022", "Jan 2023", "Jul 2023", "Jan 2024", "Jul 2024"]);
        let hours = axis("2024-08-08T00:30:00Z", "2024-08-08T06:00:00Z");
        assert_eq!(texts(hours)[0], "Aug 8, 01:00");
    }

    proptest! {
        #[test]
        fn every_length_of_time_gets_a_few_labels_in_order(
            from in 0_i64..1_700_000_000_000_000_000, length in 2_000_000_i64..2_000_000_000_000_000_000,
        ) {
            let axis = TimeAxis { from: Timestamp::from_nanos(from), to: Timestamp::from_nanos(from + length) };
            let marks = axis.marks();
            prop_assert!(marks.len() <= 16);
            prop_assert!(marks.windows(2).all(|pair| pair[0].place < pair[1].place));
            prop_assert!(marks.iter().all(|tick| (0.0..=1.0).contains(&tick.place)));
        }
    }
}
