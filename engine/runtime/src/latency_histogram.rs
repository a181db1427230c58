//! How often something took how long, to one part in a hundred and in fixed memory.
//!
//! Buckets as in an HDR histogram: one for each nanosecond at first, then 128 for each doubling.

/// Buckets in a doubling, as a power of two.
const BITS: u32 = 7;
const PER_DOUBLING: u64 = 1 << BITS;

/// Below this each nanosecond has a bucket of its own.
const EXACT_NS: u64 = 2 * PER_DOUBLING;

/// What takes longer, an hour and more, is counted in the last bucket; the longest is known exactly.
const DOUBLINGS: u64 = 34;

const BUCKETS: usize = (EXACT_NS + DOUBLINGS * PER_DOUBLING) as usize;

/// Counts of durations.
#[derive(Debug, Clone)]
pub(crate) struct LatencyHistogram {
    buckets: Vec<u64>,
    count: u64,
    max_ns: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, max_ns: 0 }
    }
}

impl LatencyHistogram {
    /// Counts one more.
    pub(crate) fn record(&mut self, nanos: u64) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(nanos).min(BUCKETS - 1)) {
            *bucket += 1;
        }
        self.count += 1;
        self.max_ns = self.max_ns.max(nanos);
    }

    /// How many were counted.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub(crate) const fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// So many of a hundred took no longer; zero where nothing was counted.
    pub(crate) fn percentile_ns(&self, percent: u64) -> u64 {
        let rank = u128::from(self.count) * u128::from(percent);
        let mut seen = 0_u128;
        for (bucket, count) in (0_u64..).zip(&self.buckets) {
            seen += u128::from(*count) * 100;
            let is_last = bucket + 1 == BUCKETS as u64;
            if seen >= rank && seen > 0 && !is_last {
                return last_of(bucket).min(self.max_ns);
            }
        }
        self.max_ns
    }
}

fn bucket_of(nanos: u64) -> usize {
    let bucket = if nanos < EXACT_NS {
        nanos
    } else {
        let shift = nanos.ilog2() - BITS;
        EXACT_NS + u64::from(shift - 1) * PER_DOUBLING + (nanos >> shift) - PER_DOUBLING
    };
    usize::try_from(bucket).unwrap_or(BUCKETS)
}

/// The longest duration that is counted in `bucket`.
const fn last_of(bucket: u64) -> u64 {
    if bucket < EXACT_NS {
        return bucket;
    }
    let behind = bucket - EXACT_NS;
    let (shift, place) = (behind / PER_DOUBLING + 1, behind % PER_DOUBLING);
    ((PER_DOUBLING + place + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_no_wider_than_one_part_in_a_hundred_and_they_follow_each_other() {
        let mut before = 0;
        for bucket in 1..BUCKETS as u64 {
            let last = last_of(bucket);
            assert_eq!(bucket_of(last), usize::try_from(bucket).unwrap());
            assert_eq!(bucket_of(before + 1), usize::try_from(bucket).unwrap(), "no gap behind {before}");
            assert!(last - before <= (last / 100).max(1), "{before} to {last}");
            before = last;
        }
        assert!(before > 3_600_000_000_000, "an hour has a bucket");
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_durations() {
        let (mut histogram, mut all, mut seed) = (LatencyHistogram::default(), Vec::new(), 3_u64);
        assert_eq!((histogram.percentile_ns(99), histogram.max_ns(), histogram.count()), (0, 0, 0));
        for _ in 0..10_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let nanos = seed >> (24 + seed % 30);
            histogram.record(nanos);
            all.push(nanos);
        }
        all.sort_unstable();
        for percent in [1, 50, 99, 100] {
            let exact = all[all.len() * usize::try_from(percent).unwrap() / 100 - 1];
            let found = histogram.percentile_ns(percent);
            assert!(found >= exact && found - exact <= exact / 100 + 1, "{percent}: {found} for {exact}");
        }
        histogram.record(u64::MAX);
        assert_eq!((histogram.percentile_ns(100), histogram.max_ns()), (u64::MAX, u64::MAX));
    }
}
