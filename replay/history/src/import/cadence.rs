//! The interval of bars: found from the first rows, then required of every row.

use core::cmp::Ordering;
use std::collections::BTreeMap;

use engine_core::time::{Span, Timestamp};
use journal_store::record::BarRecord;
use journal_store::series::BarTime;

use crate::quality::rfc3339;

const MONTH_DAYS_MIN: i64 = 28;
const MONTH_DAYS_MAX: i64 = 31;

/// The rhythm of a series of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cadence {
    /// Every bar is this long and begins a whole number of lengths after the first.
    Fixed(Span),
    /// Calendar months: bars count as 28 days long, so that none reaches into the next.
    Months,
}

impl Cadence {
    /// The length stored with the series.
    pub(crate) const fn interval(self) -> Span {
        match self {
            Self::Fixed(interval) => interval,
            Self::Months => Span::from_nanos(MONTH_DAYS_MIN * Span::DAY.nanos()),
        }
    }

    /// The rhythm of a series that was stored with `interval`.
    pub(crate) fn of(interval: Span) -> Self {
        if interval == Self::Months.interval() { Self::Months } else { Self::Fixed(interval) }
    }
}

/// Times of the first bars of a file.
#[derive(Debug, Default)]
pub(crate) struct Rhythm {
    steps: BTreeMap<i64, u32>,
    lengths: BTreeMap<i64, u32>,
    last: Option<i64>,
}

impl Rhythm {
    /// Takes the next bar's time and, where the source tells it, its last moment.
    pub(crate) fn add(&mut self, at: i64, ends_at: Option<i64>) {
        if let Some(step) = self.last.and_then(|last| at.checked_sub(last)).filter(|step| *step > 0) {
            *self.steps.entry(step).or_default() += 1;
        }
        if let Some(length) = ends_at.and_then(|ends_at| length(at, ends_at)) {
            *self.lengths.entry(length).or_default() += 1;
        }
        self.last = Some(at);
    }

    /// The rhythm these bars have, or `None` for too few of them.
    pub(crate) fn cadence(&self) -> Option<Cadence> {
        let counts = if self.lengths.is_empty() { &self.steps } else { &self.lengths };
        if are_months(counts) {
            return Some(Cadence::Months);
        }
        // Of equally common steps the shorter one: longer ones can be gaps.
        let common = counts.iter().max_by_key(|(step, count)| (**count, -**step));
        common.map(|(step, _)| Cadence::Fixed(Span::from_nanos(*step)))
    }

    /// The rhythm these bars have where it cannot be `chosen`: all their steps are several bars wide.
    ///
    /// A few rows around a gap say nothing, unless the operator's own statement is on trial.
    pub(crate) fn contradicts(&self, chosen: Cadence, stated: bool) -> Option<Cadence> {
        let Cadence::Fixed(chosen) = chosen else {
            return self.cadence().filter(|found| *found != Cadence::Months);
        };
        let counts = if self.lengths.is_empty() { &self.steps } else { &self.lengths };
        let steps: u32 = counts.values().sum();
        let divisor = counts.keys().fold(0, |divisor, step| greatest_common_divisor(divisor, *step));
        let enough = steps >= if stated { 1 } else { 3 };
        let wider = divisor > chosen.nanos() && divisor % chosen.nanos() == 0;
        if enough && wider { self.cadence() } else { None }
    }
}

/// Length of a bar whose last moment may be one unit before the next bar, as Binance writes it.
fn length(at: i64, ends_at: i64) -> Option<i64> {
    let second = Span::SECOND.nanos();
    let span = ends_at.checked_sub(at).filter(|span| *span > 0)?;
    Some(span.checked_add(second - 1)? / second * second)
}

fn are_months(counts: &BTreeMap<i64, u32>) -> bool {
    let day = Span::DAY.nanos();
    let month = (MONTH_DAYS_MIN * day)..=(MONTH_DAYS_MAX * day);
    !counts.is_empty() && counts.keys().all(|step| month.contains(step) && step % day == 0)
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Puts bars at their opening times and refuses those that break the rhythm.
#[derive(Debug, Clone)]
pub(crate) struct BarClock {
    cadence: Cadence,
    bar_time: BarTime,
    last: Option<i64>,
    stated: Option<Stated>,
    wide: WideSteps,
}

/// What a row says about the end of its bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stated {
    ends_at: i64,
    /// Whole seconds.
    length: i64,
}

impl Stated {
    fn fit(self, interval: Span) -> Result<Fit, String> {
        match self.length.cmp(&interval.nanos()) {
            Ordering::Equal => Ok(Fit::Whole),
            Ordering::Less => Ok(Fit::Shortened),
            Ordering::Greater if is_clock_change(self.length, interval) => Ok(Fit::Lengthened),
            Ordering::Greater => Err(format!(
                "the bar is {} long but the series has bars of {interval}; {SPLIT}",
                Span::from_nanos(self.length)
            )),
        }
    }

    /// Refuses a bar that begins inside the one before, and one of two short bars that touch.
    fn follows(self, before: Self, open_at: i64, interval: Span) -> Result<(), String> {
        if open_at < before.ends_at {
            let end = rfc3339(Timestamp::from_nanos(before.ends_at));
            return Err(format!("the bar begins inside the one before it, which ends at {end}; {SPLIT}"));
        }
        let short = self.length.max(before.length);
        let touch = open_at.saturating_sub(before.ends_at) < Span::SECOND.nanos();
        if touch && short < interval.nanos() {
            return Err(format!(
                "two bars in a row are {} long or less in a series of {interval}: mixed intervals; {SPLIT}",
                Span::from_nanos(short)
            ));
        }
        Ok(())
    }
}

/// Whether days that are `nanos` long, or apart, have gained or lost the hour of a changed clock.
fn is_clock_change(nanos: i64, interval: Span) -> bool {
    let (day, hour) = (Span::DAY.nanos(), Span::HOUR.nanos());
    let rest = nanos.rem_euclid(interval.nanos());
    interval.nanos() % day == 0
        && (rest == hour || rest == interval.nanos() - hour)
        && nanos >= interval.nanos() - hour
}

fn off_rhythm(step: i64, last: i64, interval: Span) -> String {
    let (shown, last) = (Span::from_nanos(step), rfc3339(Timestamp::from_nanos(last)));
    let how = if step < interval.nanos() {
        format!("too soon for bars of {interval}")
    } else {
        format!("not a whole number of bars of {interval}")
    };
    format!("the bar comes {shown} after the one at {last}, {how}: wrong or mixed intervals; {SPLIT}")
}

/// How a bar fills its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// As far as its source tells, to the end.
    Whole,
    /// Its source says that it ended early, as in an outage of the venue.
    Shortened,
    /// Its source says that it is an hour longer: a day on which clocks were put back.
    Lengthened,
    /// It begins off the grid of the bars before, as its row says.
    Shifted,
    /// It comes an hour early or late after a day on which clocks were changed.
    ClockChange,
}

impl Fit {
    /// What the first bar of this kind, at `at`, is to be noted as.
    pub(crate) fn note(self, at: &str) -> Option<String> {
        match self {
            Self::Whole | Self::Shortened => None,
            Self::Lengthened => Some(format!(
                "the bar at {at} is an hour longer than the others: it counts at its own start and closes an hour early"
            )),
            Self::Shifted => {
                Some(format!("the bar at {at} begins off the grid of those before, as its row says"))
            }
            Self::ClockChange => {
                Some(format!("the bar at {at} comes an hour off: clocks were changed the day before"))
            }
        }
    }
}

/// Equal steps in a row that are wider than one bar.
#[derive(Debug, Clone, Copy, Default)]
struct WideSteps {
    bars: i64,
    count: u32,
}

impl WideSteps {
    /// How many equal wide steps can still be gaps; chance alone does not make more of them.
    const fn count_max(self) -> u32 {
        match self.bars {
            ..=4 => 23,
            5..=14 => 9,
            _ => 3,
        }
    }
}

impl BarClock {
    /// A clock that goes on after the bar that opened at `last`.
    pub(crate) const fn new(cadence: Cadence, bar_time: BarTime, last: Option<i64>) -> Self {
        Self { cadence, bar_time, last, stated: None, wide: WideSteps { bars: 0, count: 0 } }
    }

    /// `record` at the time it opens.
    pub(crate) fn opened(&self, record: BarRecord) -> BarRecord {
        let back = match self.bar_time {
            BarTime::Open => 0,
            BarTime::Close => self.cadence.interval().nanos(),
        };
        BarRecord { open_at: record.open_at.saturating_sub(back), ..record }
    }

    /// Checks that the bar which opens at `open_at` follows the ones before.
    ///
    /// A row that states its end is taken at its own times, on the grid of the others or off it. One that does not
    /// must be on the grid, but for the hour that days gain or lose where clocks are changed.
    ///
    /// # Errors
    /// A sentence that says how it breaks the rhythm.
    pub(crate) fn follow(&mut self, open_at: i64, at: i64, ends_at: Option<i64>) -> Result<Fit, String> {
        let Cadence::Fixed(interval) = self.cadence else { return self.follow_month(open_at) };
        let stated = ends_at.and_then(|ends_at| Some(Stated { ends_at, length: length(at, ends_at)? }));
        let fit = stated.map_or(Ok(Fit::Whole), |stated| stated.fit(interval))?;
        let before = core::mem::replace(&mut self.stated, stated);
        let Some(last) = self.last.replace(open_at) else { return Ok(fit) };
        let step = open_at.saturating_sub(last);
        let off_grid = step % interval.nanos() != 0;
        match (stated, before) {
            (Some(stated), Some(before)) => stated.follows(before, open_at, interval)?,
            (Some(_), None) if step >= interval.nanos() => {}
            (Some(_) | None, _) if step < interval.nanos() || off_grid => {
                return if is_clock_change(step, interval) {
                    Ok(Fit::ClockChange)
                } else {
                    Err(off_rhythm(step, last, interval))
                };
            }
            (Some(_) | None, _) => {}
        }
        self.refuse_wider(step, interval)?;
        Ok(if off_grid && fit == Fit::Whole { Fit::Shifted } else { fit })
    }

    fn refuse_wider(&mut self, step: i64, interval: Span) -> Result<(), String> {
        let bars = step / interval.nanos();
        let again = bars == self.wide.bars && bars > 1;
        self.wide = WideSteps { bars, count: if again { self.wide.count + 1 } else { 1 } };
        if bars <= 1 || self.wide.count <= self.wide.count_max() {
            return Ok(());
        }
        let (count, step) = (self.wide.count, Span::from_nanos(step));
        Err(format!(
            "{count} bars in a row are {step} apart in a series of {interval}: mixed intervals; {SPLIT}"
        ))
    }

    fn follow_month(&mut self, open_at: i64) -> Result<Fit, String> {
        let Some(last) = self.last.replace(open_at) else { return Ok(Fit::Whole) };
        let days = open_at.saturating_sub(last) / Span::DAY.nanos();
        if days >= MONTH_DAYS_MIN {
            return Ok(Fit::Whole);
        }
        let last = rfc3339(Timestamp::from_nanos(last));
        Err(format!("the bar comes {days} days after the one at {last}, too soon for monthly bars; {SPLIT}"))
    }
}

const SPLIT: &str = "import each interval into a dataset of its own, or state --interval";

#[cfg(test)]
mod tests {
    use super::*;

    fn rhythm(times: &[i64]) -> Rhythm {
        let mut rhythm = Rhythm::default();
        times.iter().for_each(|at| rhythm.add(*at * 1_000_000_000, None));
        rhythm
    }

    fn follow(times: &[i64]) -> Result<(), String> {
        let mut clock = BarClock::new(Cadence::Fixed(Span::MINUTE), BarTime::Open, None);
        times.iter().try_for_each(|at| clock.follow(at * 1_000_000_000, 0, None).map(|_| ()))
    }

    #[test]
    fn the_most_common_step_is_the_interval() {
        assert_eq!(rhythm(&[0, 60, 120, 300, 360]).cadence(), Some(Cadence::Fixed(Span::MINUTE)));
        assert_eq!(rhythm(&[0]).cadence(), None);
        let day = 86_400;
        assert_eq!(rhythm(&[0, 31 * day, 60 * day, 91 * day]).cadence(), Some(Cadence::Months));
    }

    #[test]
    fn a_stated_interval_must_be_the_one_of_the_rows() {
        let minute = Cadence::Fixed(Span::MINUTE);
        assert_eq!(rhythm(&[0, 120, 180, 360]).contradicts(minute, true), None);
        assert_eq!(rhythm(&[0, 3_600, 7_200]).contradicts(minute, true), Some(Cadence::Fixed(Span::HOUR)));
        assert_eq!(rhythm(&[0, 3_600]).contradicts(minute, false), None);
    }

    #[test]
    fn a_last_moment_inside_the_bar_tells_its_length() {
        let mut rhythm = Rhythm::default();
        rhythm.add(0, Some(3_599_999_000_000));
        assert_eq!(rhythm.cadence(), Some(Cadence::Fixed(Span::HOUR)));
    }

    #[test]
    fn bars_off_the_rhythm_are_refused() {
        assert!(follow(&[0, 60, 240, 300]).is_ok());
        assert!(follow(&[0, 60, 90]).unwrap_err().contains("too soon"));
        assert!(follow(&[0, 60, 150]).unwrap_err().contains("whole number"));
        assert!(follow(&[0, 60, 3_660, 7_260, 10_860, 14_460]).unwrap_err().contains("mixed"));
        assert!(follow(&[0, 60, 3_660, 7_260, 7_320, 10_920]).is_ok());
    }

    fn follow_stated(interval: Span, rows: &[(i64, i64)]) -> Result<Vec<Fit>, String> {
        let mut clock = BarClock::new(Cadence::Fixed(interval), BarTime::Open, None);
        let nanos = |millis: i64| millis * 1_000_000;
        rows.iter().map(|(from, to)| clock.follow(nanos(*from), nanos(*from), Some(nanos(*to)))).collect()
    }

    #[test]
    fn rows_that_state_both_times_are_taken_at_them() {
        let hour = 3_600_000;
        // An outage from 07:00 on; the bars after it begin at 09:28:14.789.
        let shifted = 9 * hour + 28 * 60_000 + 14_789;
        let rows = [
            (6 * hour, 7 * hour - 1),
            (shifted, shifted + hour - 1),
            (shifted + hour, shifted + 2 * hour - 1),
        ];
        assert_eq!(follow_stated(Span::HOUR, &rows), Ok(vec![Fit::Whole, Fit::Shifted, Fit::Whole]));
        // Or the first is cut to the full hour.
        let rows = [(6 * hour, 7 * hour - 1), (shifted, 10 * hour - 1), (10 * hour, 11 * hour - 1)];
        assert_eq!(follow_stated(Span::HOUR, &rows), Ok(vec![Fit::Whole, Fit::Shortened, Fit::Shifted]));
        // Days of 23 and 25 hours.
        let rows = [(0, 23 * hour - 1), (23 * hour, 47 * hour - 1), (47 * hour, 72 * hour - 1)];
        assert_eq!(follow_stated(Span::DAY, &rows), Ok(vec![Fit::Shortened, Fit::Shifted, Fit::Lengthened]));
        for (interval, rows, expected) in [
            (Span::HOUR, [(0, hour - 1), (hour / 2, hour * 3 / 2 - 1)], "begins inside the one before"),
            (Span::HOUR, [(0, 60_000 - 1), (60_000, 120_000 - 1)], "mixed intervals"),
            (Span::HOUR, [(0, hour - 1), (hour, 3 * hour - 1)], "is 2h long"),
        ] {
            let refused = follow_stated(interval, &rows).unwrap_err();
            assert!(refused.contains(expected), "{refused}");
        }
    }

    #[test]
    fn local_days_keep_their_hour_of_the_changed_clock() {
        let hour = 3_600;
        let mut clock = BarClock::new(Cadence::Fixed(Span::DAY), BarTime::Open, None);
        let mut follow = |hours: i64| clock.follow(hours * hour * 1_000_000_000, 0, None);
        assert_eq!(
            [0, 24, 47, 71, 96].map(&mut follow).map(Result::unwrap)[1..],
            [Fit::Whole, Fit::ClockChange, Fit::Whole, Fit::ClockChange]
        );
        assert!(follow(119).is_ok() && follow(121).unwrap_err().contains("too soon"));
    }

    #[test]
    fn bars_named_by_their_end_are_put_at_their_start() {
        let clock = BarClock::new(Cadence::Fixed(Span::HOUR), BarTime::Close, None);
        let record = BarRecord { open_at: 7_200_000_000_000, ..BarRecord::default() };
        assert_eq!(clock.opened(record).open_at, 3_600_000_000_000);
    }
}
