//! The interval of bars: found from the first rows, then required of every row.

use std::collections::BTreeMap;

use engine_core::time::{Span, Timestamp};
use journal_store::dataset::BarTime;
use journal_store::record::BarRecord;

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
    wide: WideSteps,
}

/// How a bar fills its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// As far as its source tells, to the end.
    Whole,
    /// Its source says that it ended early, as in an outage of the venue.
    Shortened,
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
        Self { cadence, bar_time, last, wide: WideSteps { bars: 0, count: 0 } }
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
    /// # Errors
    /// A sentence that says how it breaks the rhythm.
    pub(crate) fn follow(&mut self, open_at: i64, at: i64, ends_at: Option<i64>) -> Result<Fit, String> {
        let Cadence::Fixed(interval) = self.cadence else { return self.follow_month(open_at) };
        let length = ends_at.and_then(|ends_at| length(at, ends_at)).unwrap_or(interval.nanos());
        if length > interval.nanos() {
            let length = Span::from_nanos(length);
            return Err(format!("the bar is {length} long but the series has bars of {interval}; {SPLIT}"));
        }
        let fit = if length < interval.nanos() { Fit::Shortened } else { Fit::Whole };
        let Some(last) = self.last.replace(open_at) else { return Ok(fit) };
        let step = open_at.saturating_sub(last);
        let (step_shown, last_shown) = (Span::from_nanos(step), rfc3339(Timestamp::from_nanos(last)));
        if step < interval.nanos() {
            return Err(format!(
                "the bar comes {step_shown} after the one at {last_shown}, too soon for bars of {interval}: \
                 wrong or mixed intervals; {SPLIT}"
            ));
        }
        if step % interval.nanos() != 0 {
            return Err(format!(
                "the bar comes {step_shown} after the one at {last_shown}, not a whole number of bars of \
                 {interval}: wrong or mixed intervals; {SPLIT}"
            ));
        }
        let bars = step / interval.nanos();
        let again = bars == self.wide.bars && bars > 1;
        self.wide = WideSteps { bars, count: if again { self.wide.count + 1 } else { 1 } };
        if bars > 1 && self.wide.count > self.wide.count_max() {
            let count = self.wide.count;
            return Err(format!(
                "{count} bars in a row are {step_shown} apart in a series of {interval}: mixed intervals; {SPLIT}"
            ));
        }
        Ok(fit)
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

    #[test]
    fn bars_named_by_their_end_are_put_at_their_start() {
        let clock = BarClock::new(Cadence::Fixed(Span::HOUR), BarTime::Close, None);
        let record = BarRecord { open_at: 7_200_000_000_000, ..BarRecord::default() };
        assert_eq!(clock.opened(record).open_at, 3_600_000_000_000);
    }
}
