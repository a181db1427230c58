//! The interval of bars: found from the first rows, then required of every row.

use core::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Months, NaiveTime};
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
    /// Calendar months: the series says 28 days, each bar how long it really is.
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

/// How long the bar is that a row puts from `at` to `ends_at`, its last moment or its end.
///
/// Sources write the last moment in their finest unit, as in 09:59:59.999; an end that is a whole second, or that lies
/// whole seconds behind the start, is one.
fn own_length(at: i64, ends_at: i64, interval: i64) -> i64 {
    let second = Span::SECOND.nanos();
    let length = ends_at.saturating_sub(at);
    if length == interval || ends_at % second == 0 || length % second == 0 {
        return length;
    }
    let unit = [1_000_000, 1_000].into_iter().find(|unit| ends_at % unit == 0).unwrap_or(1);
    length.saturating_add(unit)
}

/// How long the month is whose bar opens at `at`, up to a day and a half beside its first moment; 31 days where it
/// opens elsewhere, which is never too short.
fn month_from(at: i64) -> i64 {
    let day = Span::DAY.nanos();
    let first_of = |months: u32| {
        let near = DateTime::from_timestamp_nanos(at.saturating_add(3 * day / 2));
        let first = near.date_naive().with_day(1)?.checked_add_months(Months::new(months))?;
        first.and_time(NaiveTime::MIN).and_utc().timestamp_nanos_opt()
    };
    let span =
        first_of(0).zip(first_of(1)).filter(|(first, _)| at.saturating_sub(*first).abs() <= 3 * day / 2);
    span.map_or(MONTH_DAYS_MAX * day, |(first, next)| next.saturating_sub(first))
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
                "the bar at {at} is an hour longer than the others, as its row says, and ends at its own end"
            )),
            Self::Shifted => {
                Some(format!("the bar at {at} begins off the grid of those before, as its row says"))
            }
            Self::ClockChange => Some(format!(
                "the bar at {at} comes an hour off: clocks were changed the day before, whose bar is that much longer \
                     or shorter"
            )),
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

    /// `record` at the time it opens and as long as its row says, whose last moment is `ends_at`.
    pub(crate) fn opened(&self, record: BarRecord, ends_at: Option<i64>) -> BarRecord {
        let interval = self.cadence.interval().nanos();
        let (at, named) = (record.open_at, self.bar_time);
        let ends_at = ends_at.filter(|ends_at| length(at, *ends_at).is_some());
        let own_length_ns = match (self.cadence, ends_at) {
            (_, Some(ends_at)) => own_length(at, ends_at, interval),
            (Cadence::Months, None) if named == BarTime::Open => month_from(at),
            (Cadence::Months | Cadence::Fixed(_), None) => interval,
        };
        let own_length_ns = if own_length_ns == interval { 0 } else { own_length_ns };
        let back = if named == BarTime::Close { interval } else { 0 };
        BarRecord { open_at: at.saturating_sub(back), own_length_ns, ..record }
    }

    /// How long the bar that opened at `last_at` is, where the one after it, which opens at `open_at`, tells: a day on
    /// which clocks were changed, or a month.
    pub(crate) fn length_told(&self, last_at: i64, open_at: i64) -> Option<i64> {
        let step = open_at.saturating_sub(last_at);
        let (hour, day) = (Span::HOUR.nanos(), Span::DAY.nanos());
        let tells = match self.cadence {
            Cadence::Months => ((MONTH_DAYS_MIN * day)..=(MONTH_DAYS_MAX * day + hour)).contains(&step),
            Cadence::Fixed(interval) => {
                is_clock_change(step, interval) && (step - interval.nanos()).abs() == hour
            }
        };
        tells.then_some(step).filter(|_| self.bar_time == BarTime::Open)
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
mod tests;
