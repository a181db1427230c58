//! Median and quantiles of the last values of a series.

use super::window::Window;
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};

/// The last values of a series in the order of their size.
///
/// A step is two binary searches and one move of the values between the place that becomes free and the place
/// that is filled, at most the window (730 values are 6 kB). Nothing is accumulated, so nothing drifts. A value that is
/// missing takes a place in the window and none in the order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderStatistics {
    recent: Window,
    ordered: Vec<f64>,
}

impl OrderStatistics {
    /// Order statistics over the last `length` values.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let recent = Window::new(length);
        let ordered = Vec::with_capacity(recent.length());
        Self { recent, ordered }
    }

    /// How many values it holds, missing ones not counted.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.ordered.len()
    }

    /// Whether the window is full.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.recent.is_full()
    }

    /// Adds `value`, which must not be NaN: NaN is passed over.
    pub fn push(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        // Zeros of either sign are one value here, as the order tells them apart.
        let value = value + 0.0;
        let place = self.ordered.partition_point(|held| *held < value);
        let Some(fallen) = self.recent.push(value).filter(|fallen| !fallen.is_nan()) else {
            self.ordered.insert(place, value);
            return;
        };
        let freed = self.ordered.partition_point(|held| *held < fallen);
        if place > freed {
            self.ordered.copy_within(freed + 1..place, freed);
            self.ordered[place - 1] = value;
        } else {
            self.ordered.copy_within(place..freed, place + 1);
            self.ordered[place] = value;
        }
    }

    /// A value is missing: the oldest falls out of a full window, and nothing takes its place.
    pub fn push_missing(&mut self) {
        if let Some(fallen) = self.recent.push(f64::NAN).filter(|fallen| !fallen.is_nan()) {
            self.ordered.remove(self.ordered.partition_point(|held| *held < fallen));
        }
    }

    /// The middle value, or the mean of the two in the middle; `None` when it holds none.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let middle = self.ordered.len() / 2;
        let upper = *self.ordered.get(middle)?;
        if self.ordered.len() % 2 == 1 {
            return Some(upper);
        }
        let lower = *self.ordered.get(middle.checked_sub(1)?)?;
        Some((lower + upper) / 2.0)
    }

    /// The value below which the share `share` (0 to 1) of the values lie, interpolated linearly between
    /// neighbours (definition 7 of Hyndman and Fan 1996, the default of numpy); `None` when it holds none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.ordered.len().checked_sub(1)?;
        let position = share.clamp(0.0, 1.0) * last as f64;
        let below = (position as usize).min(last);
        let lower = *self.ordered.get(below)?;
        let upper = *self.ordered.get((below + 1).min(last))?;
        Some(lower + (upper - lower) * (position - below as f64))
    }

    /// Forgets every value.
    pub fn clear(&mut self) {
        self.recent.clear();
        self.ordered.clear();
    }
}

impl Learned for OrderStatistics {
    fn note(&self, notes: &mut NoteWriter) {
        notes.part(&self.recent);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.part(&mut self.recent)?;
        self.ordered.clear();
        self.ordered.extend(self.recent.all().iter().filter(|value| !value.is_nan()));
        // One kind of zero, or the order would not be that of `<`.
        if self.ordered.iter().any(|value| value.to_bits() == (-0.0_f64).to_bits()) {
            return Err(Forgotten::Damaged);
        }
        self.ordered.sort_unstable_by(f64::total_cmp);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_of_a_known_sample() {
        let mut statistics = OrderStatistics::new(10);
        assert_eq!(statistics.median(), None);
        for value in [7.0, 1.0, 3.0, 9.0] {
            statistics.push(value);
        }
        assert_eq!(statistics.median(), Some(5.0));
        // numpy.quantile([1, 3, 7, 9], .9) = 8.4
        assert!((statistics.quantile(0.9).unwrap() - 8.4).abs() < 1e-12);
        assert_eq!(statistics.quantile(1.0), Some(9.0));
    }

    proptest! {
        #[test]
        fn it_equals_sorting_the_tail(
            values in prop::collection::vec(prop_oneof![5 => (-5_i32..5).prop_map(Some), 1 => Just(None)], 1..120),
            length in 1_usize..30, share in 0.0_f64..=1.0,
        ) {
            let mut statistics = OrderStatistics::new(length);
            for index in 0..values.len() {
                match values[index] {
                    Some(value) => statistics.push(f64::from(value) / 7.0),
                    None => statistics.push_missing(),
                }
                let tail = &values[(index + 1).saturating_sub(length)..=index];
                let mut sorted: Vec<f64> = tail.iter().flatten().map(|value| f64::from(*value) / 7.0).collect();
                sorted.sort_by(f64::total_cmp);
                prop_assert_eq!(&statistics.ordered, &sorted);
                prop_assert_eq!(statistics.held(), sorted.len());
                if sorted.is_empty() {
                    prop_assert_eq!(statistics.median(), None);
                    continue;
                }
                let middle = sorted.len() / 2;
                let median =
                    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
                prop_assert_eq!(statistics.median(), Some(median));
                let quantile = statistics.quantile(share).unwrap();
                prop_assert!(sorted[0] <= quantile && quantile <= sorted[sorted.len() - 1]);
            }
        }
    }
}
