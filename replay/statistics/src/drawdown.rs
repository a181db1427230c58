//! Falls from a peak, found while the series streams by.

use engine_core::time::{Span, Timestamp};

/// One fall from a peak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fall {
    /// The value fallen from.
    pub peak: f64,
    /// When the peak was reached last before the fall.
    pub peak_at: Timestamp,
    /// The lowest value.
    pub trough: f64,
    /// When it was reached first.
    pub trough_at: Timestamp,
    /// When the peak was reached again, unless it never was.
    pub recovered_at: Option<Timestamp>,
    /// From the peak to the recovery, or to the end of the series.
    pub lasted: Span,
}

impl Fall {
    /// The depth as a share of the peak, at most zero: −0.2 is a fall by a fifth.
    #[must_use]
    pub fn depth(&self) -> f64 {
        if self.peak > 0.0 { self.trough / self.peak - 1.0 } else { 0.0 }
    }
}

/// What all falls of a series come to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Falls {
    /// The deepest.
    pub deepest: Option<Fall>,
    /// The one that lasted longest.
    pub longest: Option<Fall>,
    /// How many there were, the one still open included.
    pub count: u64,
    /// Mean depth as a share of the peak, at most zero; `None` without a fall.
    pub depth_mean: Option<f64>,
    /// Mean time from peak to recovery in nanoseconds; `None` without a fall.
    pub lasted_mean: Option<f64>,
}

/// Falls kept one by one, the deepest.
const KEPT: usize = 10;

#[derive(Debug, Clone)]
struct Ended {
    /// The deepest first; of equal ones the earlier.
    kept: Vec<Fall>,
    deepest: Option<Fall>,
    longest: Option<Fall>,
    count: u64,
    depth_sum: f64,
    lasted_sum: f64,
}

impl Ended {
    fn take(&mut self, fall: Fall) {
        self.count += 1;
        self.keep(fall);
        self.depth_sum += fall.depth();
        self.lasted_sum += fall.lasted.nanos() as f64;
        if self.deepest.is_none_or(|deepest| fall.depth() < deepest.depth()) {
            self.deepest = Some(fall);
        }
        if self.longest.is_none_or(|longest| fall.lasted > longest.lasted) {
            self.longest = Some(fall);
        }
    }

    fn keep(&mut self, fall: Fall) {
        let full = self.kept.len() >= KEPT;
        if full && self.kept.last().is_some_and(|last| fall.depth() >= last.depth()) {
            return;
        }
        let place = self.kept.partition_point(|kept| kept.depth() <= fall.depth());
        self.kept.insert(place, fall);
        self.kept.truncate(KEPT);
    }
}

/// Watches a series for falls: two comparisons a value, fixed memory.
#[derive(Debug, Clone)]
pub struct DrawdownTracker {
    peak: f64,
    peak_at: Timestamp,
    trough: f64,
    trough_at: Timestamp,
    last_at: Timestamp,
    ended: Ended,
}

impl DrawdownTracker {
    /// Watches a series that stands at `value` at `at`.
    #[must_use]
    pub const fn new(at: Timestamp, value: f64) -> Self {
        let ended = Ended {
            kept: Vec::new(),
            deepest: None,
            longest: None,
            count: 0,
            depth_sum: 0.0,
            lasted_sum: 0.0,
        };
        Self { peak: value, peak_at: at, trough: value, trough_at: at, last_at: at, ended }
    }

    /// Adds the next value; a value equal to the peak ends a fall.
    #[inline]
    pub fn push(&mut self, at: Timestamp, value: f64) {
        self.last_at = at;
        if value >= self.peak {
            self.recover(at);
            self.peak = value;
            self.peak_at = at;
            self.trough = value;
        } else if value < self.trough {
            self.trough = value;
            self.trough_at = at;
        }
    }

    /// Adds the value added last once more.
    #[inline]
    pub(super) fn hold(&mut self, at: Timestamp) {
        self.last_at = at;
        // Only a value at the peak lifts the trough to it.
        if self.trough >= self.peak {
            self.peak_at = at;
        }
    }

    #[inline]
    fn recover(&mut self, at: Timestamp) {
        if self.trough < self.peak {
            let fall = Fall { recovered_at: Some(at), lasted: at.since(self.peak_at), ..self.open() };
            self.ended.take(fall);
        }
    }

    fn open(&self) -> Fall {
        Fall {
            peak: self.peak,
            peak_at: self.peak_at,
            trough: self.trough,
            trough_at: self.trough_at,
            recovered_at: None,
            lasted: self.last_at.since(self.peak_at),
        }
    }

    /// The deepest falls so far, the deepest first, ten at most; one that has not recovered counts too.
    #[must_use]
    pub fn deepest(&self) -> Vec<Fall> {
        let mut ended = self.ended.clone();
        if self.trough < self.peak {
            ended.take(self.open());
        }
        ended.kept
    }

    /// All falls so far; one that has not recovered counts with the time it has lasted.
    #[must_use]
    pub fn falls(&self) -> Falls {
        let mut ended = self.ended.clone();
        if self.trough < self.peak {
            ended.take(self.open());
        }
        let count = ended.count as f64;
        let mean = |sum: f64| (ended.count > 0).then(|| sum / count);
        Falls {
            deepest: ended.deepest,
            longest: ended.longest,
            count: ended.count,
            depth_mean: mean(ended.depth_sum),
            lasted_mean: mean(ended.lasted_sum),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn falls_of(values: &[f64]) -> Falls {
        let mut tracker = DrawdownTracker::new(Timestamp::from_nanos(0), values[0]);
        for (at, value) in (1..).zip(&values[1..]) {
            tracker.push(Timestamp::from_nanos(at), *value);
        }
        tracker.falls()
    }

    #[test]
    fn two_falls_are_told_apart_and_the_open_one_counts() {
        let falls = falls_of(&[100.0, 120.0, 90.0, 110.0, 120.0, 130.0, 117.0, 128.0]);
        let deepest = falls.deepest.unwrap();
        assert!((deepest.depth() + 0.25).abs() < 1e-15);
        assert_eq!((deepest.peak_at.nanos(), deepest.trough_at.nanos()), (1, 2));
        assert_eq!(deepest.recovered_at.map(Timestamp::nanos), Some(4));
        assert_eq!((falls.count, falls.longest.unwrap().lasted.nanos()), (2, 3));
        assert!((falls.depth_mean.unwrap() + 0.175).abs() < 1e-15);
    }

    #[test]
    fn a_series_that_only_rises_has_no_fall() {
        assert_eq!(falls_of(&[1.0, 1.0, 2.0, 3.0]), Falls::default());
    }

    proptest! {
        #[test]
        fn the_deepest_fall_is_the_least_ratio_to_the_running_peak(
            values in prop::collection::vec(1.0_f64..1_000.0, 1..200),
        ) {
            let mut peak = f64::MIN;
            let direct = values.iter().map(|value| { peak = peak.max(*value); value / peak - 1.0 });
            let direct = direct.fold(0.0, f64::min);
            let ours = falls_of(&values).deepest.map_or(0.0, |fall| fall.depth());
            prop_assert!((ours - direct).abs() < 1e-12, "{ours} {direct}");
        }

        #[test]
        fn the_kept_falls_are_the_deepest_in_order(values in prop::collection::vec(1.0_f64..1_000.0, 1..300)) {
            let mut tracker = DrawdownTracker::new(Timestamp::from_nanos(0), values[0]);
            let mut depths = Vec::new();
            let (mut peak, mut trough) = (values[0], values[0]);
            for (at, value) in (1..).zip(&values[1..]) {
                tracker.push(Timestamp::from_nanos(at), *value);
                if *value >= peak {
                    depths.extend((trough < peak).then(|| trough / peak - 1.0));
                    (peak, trough) = (*value, *value);
                } else {
                    trough = trough.min(*value);
                }
            }
            depths.extend((trough < peak).then(|| trough / peak - 1.0));
            depths.sort_by(f64::total_cmp);
            depths.truncate(KEPT);
            let kept: Vec<f64> = tracker.deepest().iter().map(Fall::depth).collect();
            prop_assert_eq!(kept, depths);
        }
    }
}
