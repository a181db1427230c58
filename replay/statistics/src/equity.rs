//! The equity of a run as it goes by: daily closes, falls, exposure and a curve for the eye.

use engine_core::time::{Span, Timestamp};

use super::calendar::{Month, closing_day, day_end, month_of};
use super::curve::{Curve, Point};
use super::drawdown::{DrawdownTracker, Fall, Falls};

/// What one month returned.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct MonthlyReturn {
    /// Which month, UTC.
    #[serde(flatten)]
    pub month: Month,
    /// Close of the month over the close of the month before (or the capital), minus one, in per cent.
    pub return_pct: f64,
}

/// Records equity sample by sample; memory grows with the days of history (8 bytes each), not with samples.
///
/// Sample once per bar, after everything at the bar's close was applied, or every so often on ticks. A sample
/// speaks for the time since the sample before it. Days close at 24:00 UTC, and midnight belongs to the day that
/// ends; a day without a sample closes where the day before did.
#[derive(Debug, Clone)]
pub struct EquityRecorder {
    capital: f64,
    started_at: Option<Timestamp>,
    first_day: i64,
    day_ends_at: i64,
    closes: Vec<f64>,
    last_at: Timestamp,
    last_equity: f64,
    samples: u64,
    drawdown: DrawdownTracker,
    held_ns: f64,
    exposure_ns: f64,
    exposure_max: f64,
    curve: Curve,
    exposure: Curve,
}

impl EquityRecorder {
    /// A recorder for a run that starts with `capital` in the settlement currency.
    #[must_use]
    pub fn new(capital: f64) -> Self {
        Self {
            capital,
            started_at: None,
            first_day: 0,
            day_ends_at: i64::MIN,
            closes: Vec::new(),
            last_at: Timestamp::MIN,
            last_equity: capital,
            samples: 0,
            drawdown: DrawdownTracker::new(Timestamp::MIN, capital),
            held_ns: 0.0,
            exposure_ns: 0.0,
            exposure_max: 0.0,
            curve: Curve::new(),
            exposure: Curve::new(),
        }
    }

    /// Says when the measured period begins: the open of the first bar or the first tick.
    ///
    /// Without it the first sample is the beginning, and the first bar's own length is not counted. Once the
    /// period has begun, further calls change nothing.
    #[inline]
    pub fn begin(&mut self, at: Timestamp) {
        if self.started_at.is_none() {
            self.start(at, at.nanos().div_euclid(Span::DAY.nanos()));
            self.curve.push(at, self.capital);
            self.exposure.push(at, 0.0);
        }
    }

    fn start(&mut self, at: Timestamp, day: i64) {
        self.started_at = Some(at);
        self.first_day = day;
        self.day_ends_at = day_end(day);
        self.last_at = at;
        self.drawdown = DrawdownTracker::new(at, self.capital);
    }

    /// Records the equity at `at`, the gross notional held there (sum of absolute position values), both in
    /// the settlement currency, and whether any position was held since the last sample.
    #[inline]
    pub fn sample(&mut self, at: Timestamp, equity: f64, exposure_notional: f64, in_market: bool) {
        if self.started_at.is_none() {
            self.start(at, closing_day(at));
        }
        if at.nanos() > self.day_ends_at {
            self.close_days(at.nanos());
        }
        let lasted = at.nanos().saturating_sub(self.last_at.nanos()).max(0) as f64;
        if in_market {
            self.held_ns += lasted;
        }
        let mut exposure = 0.0;
        if exposure_notional > 0.0 && equity > 0.0 {
            exposure = exposure_notional / equity;
            self.exposure_ns += exposure * lasted;
            self.exposure_max = self.exposure_max.max(exposure);
        }
        self.samples += 1;
        self.last_at = at;
        self.last_equity = equity;
        self.drawdown.push(at, equity);
        self.curve.push(at, equity);
        self.exposure.push(at, exposure * 100.0);
    }

    /// As [`EquityRecorder::sample`] of an equity that has not changed since the last sample, with nothing held
    /// in between: does in a few steps what that does in many, or nothing, and answers whether it did.
    #[inline]
    pub fn hold(&mut self, at: Timestamp, equity: f64) -> bool {
        if at.nanos() > self.day_ends_at
            || equity.to_bits() != self.last_equity.to_bits()
            || !self.curve.hold(at)
            // Both curves were given the same moments, so what one can hold the other can.
            || !self.exposure.hold(at)
        {
            return false;
        }
        self.samples += 1;
        self.last_at = at;
        self.drawdown.hold(at);
        true
    }

    #[cold]
    fn close_days(&mut self, now: i64) {
        while now > self.day_ends_at {
            self.closes.push(self.last_equity);
            self.day_ends_at = self.day_ends_at.saturating_add(Span::DAY.nanos());
        }
    }

    /// Start capital in the settlement currency.
    #[must_use]
    pub const fn capital(&self) -> f64 {
        self.capital
    }

    /// Equity at the last sample, the capital before the first.
    #[must_use]
    pub const fn final_equity(&self) -> f64 {
        self.last_equity
    }

    /// When the measured period began.
    #[must_use]
    pub const fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// When the last sample was taken.
    #[must_use]
    pub const fn ended_at(&self) -> Option<Timestamp> {
        if self.started_at.is_some() { Some(self.last_at) } else { None }
    }

    /// Length of the measured period.
    #[must_use]
    pub fn span(&self) -> Span {
        self.started_at.map_or(Span::ZERO, |started| self.last_at.since(started))
    }

    /// Number of the first UTC day, counted from 1970.
    pub(crate) const fn first_day(&self) -> i64 {
        self.first_day
    }

    /// Equity at the close of each UTC day with the moment of the close, the last as far as the run goes.
    pub(crate) fn daily_points(&self) -> Vec<Point> {
        let end = |day| Timestamp::from_nanos(day_end(day)).min(self.last_at);
        (self.first_day..)
            .zip(self.daily_closes())
            .map(|(day, value)| Point { at: end(day), value })
            .collect()
    }

    /// How many samples were taken.
    #[must_use]
    pub const fn samples(&self) -> u64 {
        self.samples
    }

    /// Equity at the close of each UTC day, the last day as far as it goes.
    #[must_use]
    pub fn daily_closes(&self) -> Vec<f64> {
        let mut closes = self.closes.clone();
        if self.samples > 0 {
            closes.push(self.last_equity);
        }
        closes
    }

    /// Return of each UTC day on the day before, the first on the capital; empty from the day on which
    /// equity is no longer positive.
    #[must_use]
    pub fn daily_returns(&self) -> Vec<f64> {
        self.returns(self.daily_closes())
    }

    /// Return of each UTC day from the one that begins at or holds `from`, the first on the capital: for a run
    /// that did not trade before.
    #[must_use]
    pub fn daily_returns_from(&self, from: Timestamp) -> Vec<f64> {
        let day = from.nanos().div_euclid(Span::DAY.nanos());
        let earlier = usize::try_from(day.saturating_sub(self.first_day)).unwrap_or(0);
        self.returns(self.daily_closes().into_iter().skip(earlier))
    }

    /// Return of each close on the one before, the first on the capital, as long as there is something to lose.
    fn returns(&self, closes: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut before = self.capital;
        let mut returns = Vec::new();
        for close in closes {
            if before <= 0.0 {
                break;
            }
            returns.push(close / before - 1.0);
            before = close;
        }
        returns
    }

    /// Falls of the equity as sampled.
    #[must_use]
    pub fn falls(&self) -> Falls {
        self.drawdown.falls()
    }

    /// The deepest falls of the equity as sampled, the deepest first, ten at most.
    #[must_use]
    pub fn deepest_falls(&self) -> Vec<Fall> {
        self.drawdown.deepest()
    }

    /// Falls of the daily closes, each dated at the end of its day.
    #[must_use]
    pub fn daily_falls(&self) -> Falls {
        let Some(started) = self.started_at else { return Falls::default() };
        let mut tracker = DrawdownTracker::new(started, self.capital);
        self.daily_points().iter().for_each(|close| tracker.push(close.at, close.value));
        tracker.falls()
    }

    /// Return of every month of the period.
    #[must_use]
    pub fn monthly_returns(&self) -> Vec<MonthlyReturn> {
        let mut months: Vec<(Month, f64)> = Vec::new();
        for (day, close) in (self.first_day..).zip(self.daily_closes()) {
            let month = month_of(day);
            match months.last_mut() {
                Some((last, value)) if *last == month => *value = close,
                _ => months.push((month, close)),
            }
        }
        let mut before = self.capital;
        let mut returns = Vec::with_capacity(months.len());
        for (month, close) in months {
            if before <= 0.0 {
                break;
            }
            returns.push(MonthlyReturn { month, return_pct: (close / before - 1.0) * 100.0 });
            before = close;
        }
        returns
    }

    /// Share of the period during which a position was held; `None` for a period without length.
    #[must_use]
    pub fn time_in_market(&self) -> Option<f64> {
        self.per_time(self.held_ns)
    }

    /// Mean of gross notional over equity, weighted by time; `None` for a period without length.
    #[must_use]
    pub fn exposure_mean(&self) -> Option<f64> {
        self.per_time(self.exposure_ns)
    }

    /// Largest gross notional over equity at any sample.
    #[must_use]
    pub const fn exposure_max(&self) -> f64 {
        self.exposure_max
    }

    fn per_time(&self, area: f64) -> Option<f64> {
        let span = self.span();
        span.is_positive().then(|| area / span.nanos() as f64)
    }

    /// The equity curve, decimated.
    #[must_use]
    pub const fn curve(&self) -> &Curve {
        &self.curve
    }

    /// Gross notional over equity in per cent, decimated.
    #[must_use]
    pub const fn exposure_curve(&self) -> &Curve {
        &self.exposure
    }
}

#[cfg(test)]
mod tests;
