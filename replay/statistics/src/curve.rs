//! A line of any length kept as a few thousand points, extremes included.

use engine_core::time::Timestamp;

/// Buckets a curve holds before neighbours are merged; each is drawn as at most two points.
const BUCKETS_MAX: usize = 2_000;

/// One value of a curve at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// What, in the unit of the curve.
    pub value: f64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    low: Point,
    high: Point,
}

impl Bucket {
    const fn of(point: Point) -> Self {
        Self { low: point, high: point }
    }

    fn widen(&mut self, point: Point) {
        if point.value < self.low.value {
            self.low = point;
        } else if point.value > self.high.value {
            self.high = point;
        }
    }
}

/// A decimated curve: memory is fixed (64 KB), the lowest and highest value are never lost.
///
/// Points fall into buckets of equally many points; when the buckets are full, neighbours are merged and the
/// buckets become twice as wide. A bucket keeps its lowest and its highest point with their times.
#[derive(Debug, Clone)]
pub struct Curve {
    buckets: Vec<Bucket>,
    open: Option<Bucket>,
    in_open: u64,
    per_bucket: u64,
    first: Option<Point>,
    last: Option<Point>,
}

impl Default for Curve {
    fn default() -> Self {
        Self::new()
    }
}

impl Curve {
    /// An empty curve.
    #[must_use]
    pub const fn new() -> Self {
        Self { buckets: Vec::new(), open: None, in_open: 0, per_bucket: 1, first: None, last: None }
    }

    /// Adds the next point; times must not go backwards.
    #[inline]
    pub fn push(&mut self, at: Timestamp, value: f64) {
        let point = Point { at, value };
        self.last = Some(point);
        match &mut self.open {
            Some(bucket) => bucket.widen(point),
            None => self.open = Some(Bucket::of(point)),
        }
        self.in_open += 1;
        if self.in_open >= self.per_bucket {
            self.close_bucket();
        }
    }

    /// Adds the value added last once more, unless that begins or ends a bucket; answers whether it did.
    #[inline]
    pub(super) fn hold(&mut self, at: Timestamp) -> bool {
        let (Some(last), Some(_)) = (&mut self.last, &self.open) else { return false };
        if self.in_open + 1 >= self.per_bucket {
            return false;
        }
        last.at = at;
        self.in_open += 1;
        true
    }

    fn close_bucket(&mut self) {
        if let Some(bucket) = self.open.take() {
            self.first.get_or_insert(bucket.low);
            self.buckets.push(bucket);
        }
        self.in_open = 0;
        if self.buckets.len() >= BUCKETS_MAX {
            self.halve();
        }
    }

    fn halve(&mut self) {
        let merged = self.buckets.chunks(2).filter_map(|pair| {
            let (first, rest) = pair.split_first()?;
            let mut bucket = *first;
            for other in rest {
                bucket.widen(other.low);
                bucket.widen(other.high);
            }
            Some(bucket)
        });
        self.buckets = merged.collect();
        self.per_bucket = self.per_bucket.saturating_mul(2);
    }

    /// The first and the last point and the extremes between, in the order of time; at most 4 004 points.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let mut points: Vec<Point> = Vec::with_capacity(2 * self.buckets.len() + 4);
        points.extend(self.first);
        for bucket in self.buckets.iter().chain(&self.open) {
            let rises = bucket.low.at <= bucket.high.at;
            let pair = if rises { [bucket.low, bucket.high] } else { [bucket.high, bucket.low] };
            points.extend(pair);
        }
        points.extend(self.last);
        points.dedup();
        points
    }

    /// Whether nothing was added yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The first point added.
    #[must_use]
    pub const fn first(&self) -> Option<Point> {
        self.first
    }

    /// The latest point added.
    #[must_use]
    pub const fn last(&self) -> Option<Point> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn curve_of(values: impl IntoIterator<Item = f64>) -> Curve {
        let mut curve = Curve::new();
        for (at, value) in (0..).zip(values) {
            curve.push(Timestamp::from_nanos(at), value);
        }
        curve
    }

    #[test]
    fn a_short_curve_is_kept_as_it_is() {
        let values = [3.0, 1.0, 2.0, 2.0, 5.0];
        let points = curve_of(values).points();
        assert_eq!(points.iter().map(|point| point.value).collect::<Vec<_>>(), values);
        assert!(Curve::new().points().is_empty());
    }

    #[test]
    fn a_million_points_become_four_thousand_and_the_one_spike_stays() {
        let curve = curve_of((0..1_000_000).map(|at| if at == 777_777 { -5.0 } else { f64::from(at % 7) }));
        let points = curve.points();
        assert!(points.len() <= 4_004, "{} points", points.len());
        let low = points.iter().min_by(|a, b| a.value.total_cmp(&b.value)).unwrap();
        assert_eq!((low.at.nanos(), low.value.to_bits()), (777_777, (-5.0_f64).to_bits()));
    }

    proptest! {
        #[test]
        fn ends_and_extremes_survive_and_time_never_goes_back(
            values in prop::collection::vec(-1.0e6_f64..1.0e6, 1..12_000),
        ) {
            let curve = curve_of(values.iter().copied());
            let points = curve.points();
            let extreme = |pick: fn(f64, f64) -> f64, start| values.iter().copied().fold(start, pick);
            let kept = |pick: fn(f64, f64) -> f64, start| points.iter().map(|p| p.value).fold(start, pick);
            prop_assert!(points.len() <= 4_004);
            prop_assert!(points.windows(2).all(|pair| pair[0].at <= pair[1].at));
            prop_assert_eq!(extreme(f64::min, f64::MAX).to_bits(), kept(f64::min, f64::MAX).to_bits());
            prop_assert_eq!(extreme(f64::max, f64::MIN).to_bits(), kept(f64::max, f64::MIN).to_bits());
            prop_assert_eq!(points[0].value.to_bits(), values[0].to_bits());
            prop_assert_eq!(points[points.len() - 1].value.to_bits(), values[values.len() - 1].to_bits());
        }
    }
}
