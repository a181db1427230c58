//! Medians of a window that slides over values known in advance.

use std::ops::Range;

/// Counts of ranks, from which the k-th smallest is found in O(log n).
///
/// A binary indexed tree (Fenwick 1994): cell `i` holds the counts of as many ranks as its lowest set bit.
#[derive(Debug)]
struct RankCounts {
    cells: Vec<u32>,
}

impl RankCounts {
    fn new(ranks: usize) -> Self {
        Self { cells: vec![0; ranks + 1] }
    }

    fn change(&mut self, rank: usize, by: impl Fn(u32) -> u32) {
        let mut cell = rank + 1;
        while let Some(count) = self.cells.get_mut(cell) {
            *count = by(*count);
            cell += cell & cell.wrapping_neg();
        }
    }

    /// The rank of the value with `smaller` values before it.
    fn rank_of(&self, smaller: u32) -> usize {
        let mut left = smaller;
        let mut place = 0;
        let mut step = self.cells.len().next_power_of_two() / 2;
        while step > 0 {
            if let Some(count) = self.cells.get(place + step).filter(|count| **count <= left) {
                left -= count;
                place += step;
            }
            step /= 2;
        }
        place
    }
}

/// The median of `values[window]` for every window, in O(log n) a step; `None` for an empty one.
///
/// Both ends of the windows must never go back. Values must not be NaN. The median of an even number of values
/// is the mean of the middle two.
pub(super) fn sliding_medians(
    values: &[f64],
    windows: impl Iterator<Item = Range<usize>>,
) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let value = |index: usize| values.get(index).copied().unwrap_or_default();
    order.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
    let mut ranks = vec![0; values.len()];
    for (rank, index) in order.iter().enumerate() {
        if let Some(place) = ranks.get_mut(*index) {
            *place = rank;
        }
    }
    let mut counts = RankCounts::new(values.len());
    let mut held = 0..0;
    let middle = |counts: &RankCounts, smaller: usize| {
        let rank = counts.rank_of(u32::try_from(smaller).unwrap_or(u32::MAX));
        order.get(rank).map(|index| value(*index))
    };
    let step = |window: Range<usize>| {
        for rank in ranks.get(held.end..window.end).unwrap_or_default() {
            counts.change(*rank, |count| count + 1);
        }
        for rank in ranks.get(held.start..window.start).unwrap_or_default() {
            counts.change(*rank, |count| count - 1);
        }
        held = window.clone();
        match window.len() {
            0 => None,
            odd if odd % 2 == 1 => middle(&counts, odd / 2),
            even => Some((middle(&counts, even / 2 - 1)? + middle(&counts, even / 2)?) / 2.0),
        }
    };
    windows.map(step).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted_median(values: &[f64]) -> Option<f64> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        match count {
            0 => None,
            odd if odd % 2 == 1 => Some(sorted[odd / 2]),
            even => Some((sorted[even / 2 - 1] + sorted[even / 2]) / 2.0),
        }
    }

    proptest! {
        #[test]
        fn every_median_is_that_of_the_sorted_window(
            values in prop::collection::vec((0_u32..40).prop_map(f64::from), 0..80), reach in 0_usize..30,
        ) {
            let windows: Vec<Range<usize>> = (0..values.len())
                .map(|at| at.saturating_sub(reach)..(at + reach + 1).min(values.len()))
                .collect();
            let found = sliding_medians(&values, windows.iter().cloned());
            for (window, median) in windows.into_iter().zip(found) {
                prop_assert_eq!(median, sorted_median(&values[window]));
            }
        }
    }
}
