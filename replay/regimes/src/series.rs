//! The bars an evaluation looks at: one series, and where bars of it are missing.

use std::ops::Range;

use engine_core::indicator::Candle;
use engine_core::indicator::missing_bars::breaks;
use engine_core::time::{Span, Timestamp};

/// Nanoseconds of a year of 365 days, the year of all yearly figures here.
const YEAR_NANOS: f64 = 365.0 * 86_400e9;

/// Bars of one length in the order of time, in segments without a missing bar. What looks at neighbours bridges the
/// holes between them as detectors do: [`stretches`](Self::stretches) are the segments a window may look across.
#[derive(Debug, Clone, PartialEq)]
pub struct BarSeries {
    at: Vec<Timestamp>,
    /// When each bar ends.
    ends: Vec<Timestamp>,
    bars: Vec<Candle>,
    interval: Span,
    segments: Vec<Range<usize>>,
}

impl BarSeries {
    /// The series of `bars`, each with the moment it begins, `interval` long.
    ///
    /// # Errors
    /// In words, when a bar begins before the one before it has ended (mixed lengths), has a price that is not
    /// positive and finite, or the interval is not positive.
    pub fn new(
        interval: Span,
        bars: impl IntoIterator<Item = (Timestamp, Candle)>,
    ) -> Result<Self, BarSeriesError> {
        Self::of_lengths(interval, bars.into_iter().map(|(at, bar)| (at, interval, bar)))
    }

    /// The series of `bars`, each with the moment it begins and how long it lasts, most of them `interval`.
    ///
    /// # Errors
    /// As [`BarSeries::new`].
    pub fn of_lengths(
        interval: Span,
        bars: impl IntoIterator<Item = (Timestamp, Span, Candle)>,
    ) -> Result<Self, BarSeriesError> {
        if !interval.is_positive() {
            return Err(BarSeriesError::NoInterval);
        }
        let (at, ends, segments) = (Vec::new(), Vec::new(), Vec::new());
        let mut series = Self { at, ends, bars: Vec::new(), interval, segments };
        for (at, length, bar) in bars {
            series.at.push(at);
            series.bars.push(bar);
            series.ends.push(at.plus(length));
        }
        series.cut()?;
        Ok(series)
    }

    fn cut(&mut self) -> Result<(), BarSeriesError> {
        let mut start = 0;
        let mut before: Option<(Timestamp, Timestamp)> = None;
        for (index, ((at, bar), end)) in self.at.iter().zip(&self.bars).zip(&self.ends).enumerate() {
            let prices = [bar.open, bar.high, bar.low, bar.close];
            if !prices.iter().all(|price| price.is_finite() && *price > 0.0) {
                return Err(BarSeriesError::NotAPrice { at: *at });
            }
            // Where moments end, a bar has no length that could be told.
            if *end <= *at {
                return Err(BarSeriesError::Overlap { at: *at, interval: self.interval });
            }
            let hole_ns = before.map_or(0, |(_, ended)| at.since(ended).nanos());
            if let Some((began, ended)) = before.filter(|_| hole_ns < 0) {
                return Err(BarSeriesError::Overlap { at: *at, interval: ended.since(began) });
            }
            if hole_ns > 0 {
                self.segments.push(start..index);
                start = index;
            }
            before = Some((*at, *end));
        }
        if start < self.bars.len() {
            self.segments.push(start..self.bars.len());
        }
        Ok(())
    }

    /// The same times, cuts and length of bars with other bars, one for each.
    ///
    /// # Panics
    /// When there are more or fewer bars than before.
    #[must_use]
    pub fn with_bars(&self, bars: Vec<Candle>) -> Self {
        assert_eq!(bars.len(), self.bars.len(), "another market has as many bars");
        Self { bars, ..self.clone() }
    }

    /// The first `count` bars.
    #[must_use]
    pub fn truncated(&self, count: usize) -> Self {
        let count = count.min(self.len());
        let kept = self.segments.iter().filter(|segment| segment.start < count);
        let segments = kept.map(|segment| segment.start..segment.end.min(count)).collect();
        let at = self.at.iter().take(count).copied().collect();
        let ends = self.ends.iter().take(count).copied().collect();
        let bars = self.bars.iter().take(count).copied().collect();
        Self { at, ends, bars, interval: self.interval, segments }
    }

    /// The bars.
    #[must_use]
    pub fn bars(&self) -> &[Candle] {
        &self.bars
    }

    /// When each bar begins.
    #[must_use]
    pub fn at(&self) -> &[Timestamp] {
        &self.at
    }

    /// Length of a bar.
    #[must_use]
    pub const fn interval(&self) -> Span {
        self.interval
    }

    /// The stretches without a missing bar, in order; together they are all bars.
    #[must_use]
    pub fn segments(&self) -> &[Range<usize>] {
        &self.segments
    }

    /// The segments joined across the holes that a window of `bars` bars outlasts: those of up to half of it.
    #[must_use]
    pub fn stretches(&self, bars: usize) -> Vec<Range<usize>> {
        let mut joined: Vec<Range<usize>> = Vec::new();
        for segment in &self.segments {
            match joined.last_mut() {
                Some(last) if !breaks(self.missing_before(segment.start), bars) => last.end = segment.end,
                Some(_) | None => joined.push(segment.clone()),
            }
        }
        joined
    }

    /// How many bars are missing before bar `index`; a part of a bar counts as one.
    #[must_use]
    pub fn missing_before(&self, index: usize) -> u32 {
        let before = index.checked_sub(1).and_then(|before| self.ends.get(before));
        let Some((before, at)) = before.zip(self.at.get(index)) else { return 0 };
        let hole_ns = at.since(*before).nanos().max(0).unsigned_abs();
        // More than four billion bars is longer than any window.
        u32::try_from(hole_ns.div_ceil(self.interval.nanos().unsigned_abs().max(1))).unwrap_or(u32::MAX)
    }

    /// The bar that begins `bars` bars of time before bar `index`, where there is one.
    #[must_use]
    pub fn earlier(&self, index: usize, bars: usize) -> Option<usize> {
        let back = Span::from_nanos(self.interval.nanos().checked_mul(-i64::try_from(bars).ok()?)?);
        let wanted = self.at.get(index)?.plus(back);
        let near = index.checked_sub(bars).filter(|near| self.at.get(*near) == Some(&wanted));
        near.or_else(|| self.at.get(..index)?.binary_search(&wanted).ok())
    }

    /// How many times bars are missing between two bars.
    #[must_use]
    pub fn gaps(&self) -> usize {
        self.segments.len().saturating_sub(1)
    }

    /// How many bars are missing in all, as [`missing_before`](Self::missing_before) counts them.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(self.missing_before(segment.start))).sum()
    }

    /// Number of bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// Whether there is no bar at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// Number of the first bar that begins at or after `moment`.
    #[must_use]
    pub fn place(&self, moment: Timestamp) -> usize {
        self.at.partition_point(|at| *at < moment)
    }

    /// Bars in a year of 365 days.
    #[must_use]
    pub fn bars_yearly(&self) -> f64 {
        YEAR_NANOS / self.interval.nanos() as f64
    }
}

/// Why bars are no series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BarSeriesError {
    /// The bars have no length.
    #[error("bars need a length; import them with --interval")]
    NoInterval,
    /// A bar begins before the one before it has ended.
    #[error(
        "the bar at {} begins before the {interval} bar before it has ended: lengths are mixed; \
         import each length into a dataset of its own", replay_history::quality::rfc3339(*.at)
    )]
    Overlap {
        /// When it begins.
        at: Timestamp,
        /// The length bars should have.
        interval: Span,
    },
    /// A price is zero, negative or no number.
    #[error("the bar at {} has a price that is not above zero; mend the source", replay_history::quality::rfc3339(*.at))]
    NotAPrice {
        /// When it begins.
        at: Timestamp,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_nanos(number * Span::DAY.nanos())
    }

    fn series(days: &[i64]) -> Result<BarSeries, BarSeriesError> {
        BarSeries::new(Span::DAY, days.iter().map(|number| (day(*number), Candle::at(5.0))))
    }

    #[test]
    fn missing_bars_cut_the_series_and_are_counted() {
        let cut = series(&[0, 1, 2, 5, 6, 9]).unwrap();
        assert_eq!(cut.segments(), [0..3, 3..5, 5..6]);
        assert_eq!((cut.gaps(), cut.missing(), cut.len()), (2, 4, 6));
        assert_eq!([0, 1, 3, 5].map(|index| cut.missing_before(index)), [0, 0, 2, 2]);
        assert_eq!(cut.stretches(3), [0..3, 3..5, 5..6]);
        assert_eq!(cut.stretches(4).first(), Some(&(0..6)));
        assert_eq!(
            [(5, 3), (3, 3), (3, 4), (2, 2)].map(|(at, bars)| cut.earlier(at, bars)),
            [Some(4), Some(2), Some(1), Some(0)]
        );
        assert_eq!((cut.earlier(5, 4), cut.earlier(0, 1)), (Some(3), None));
        assert_eq!(cut.truncated(4).segments(), [0..3, 3..4]);
        assert_eq!(cut.truncated(4).missing(), 2, "only those among its bars");
        assert_eq!(cut.place(day(3)), 3);
        assert!((cut.bars_yearly() - 365.0).abs() < 1e-9);
    }

    #[test]
    fn bars_of_their_own_length_follow_each_other() {
        let hour = Span::HOUR.nanos();
        let of = |bars: &[(i64, i64)]| {
            let bar = |(at, hours): &(i64, i64)| {
                (Timestamp::from_nanos(at * hour), Span::from_nanos(hours * hour), Candle::at(5.0))
            };
            BarSeries::of_lengths(Span::DAY, bars.iter().map(bar))
        };
        // Days on which clocks were changed leave no hole, an outage does.
        let days = of(&[(0, 23), (23, 24), (47, 25), (72, 24)]).unwrap();
        assert_eq!((days.gaps(), days.missing_before(1)), (0, 0));
        let cut = of(&[(0, 1), (24, 24)]).unwrap();
        assert_eq!((cut.gaps(), cut.missing(), cut.missing_before(1)), (1, 1, 1));
        assert!(matches!(of(&[(0, 25), (24, 24)]), Err(BarSeriesError::Overlap { .. })));
    }

    #[test]
    fn mixed_lengths_and_worthless_prices_are_refused() {
        assert!(matches!(series(&[0, 1, 1]), Err(BarSeriesError::Overlap { .. })));
        let broken = [(day(0), Candle::at(0.0))];
        assert!(matches!(BarSeries::new(Span::DAY, broken), Err(BarSeriesError::NotAPrice { .. })));
        assert!(matches!(BarSeries::new(Span::ZERO, []), Err(BarSeriesError::NoInterval)));
    }
}
