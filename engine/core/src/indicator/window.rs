//! The last values of a series, always readable as one contiguous slice, oldest first.

use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};

/// A ring of a fixed number of values, each written twice, so that any number of the last ones lie side by side.
///
/// What is computed from a slice of it is summed in the same order whatever went before: a window has the same
/// bits after ten years of bars as after the few bars it covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    values: Vec<f64>,
    length: usize,
    next: usize,
    held: usize,
}

impl Window {
    /// An empty window over `length` values; a length of zero is taken as one.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let length = length.max(1);
        Self { values: vec![0.0; length * 2], length, next: 0, held: 0 }
    }

    /// How many values it spans when full.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// How many values it holds.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.held
    }

    /// Whether it is full.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.held == self.length
    }

    /// Adds `value` and gives back the one that fell out of a full window.
    pub fn push(&mut self, value: f64) -> Option<f64> {
        let fallen = self.is_full().then(|| self.values[self.next]);
        self.values[self.next] = value;
        self.values[self.next + self.length] = value;
        self.next = if self.next + 1 == self.length { 0 } else { self.next + 1 };
        self.held = (self.held + 1).min(self.length);
        fallen
    }

    /// The last `count` values, oldest first; `None` while it holds fewer.
    #[must_use]
    pub fn last(&self, count: usize) -> Option<&[f64]> {
        if count > self.held {
            return None;
        }
        let end = self.next + self.length;
        self.values.get(end - count..end)
    }

    /// Every value it holds, oldest first.
    #[must_use]
    pub fn all(&self) -> &[f64] {
        self.last(self.held).unwrap_or_default()
    }

    /// Forgets every value.
    pub fn clear(&mut self) {
        self.values.fill(0.0);
        self.next = 0;
        self.held = 0;
    }
}

/// The sum of `values`, in four interleaved partial sums: always in this order, so always with the same bits.
#[must_use]
pub(crate) fn sum_of(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let (quads, rest) = values.as_chunks::<4>();
    let mut lanes = [0.0; 4];
    for quad in quads {
        for (lane, value) in lanes.iter_mut().zip(quad) {
            *lane += of(*value);
        }
    }
    let [a, b, c, d] = lanes;
    rest.iter().fold((a + b) + (c + d), |sum, value| sum + of(*value))
}

/// Mean and sample standard deviation (divisor n − 1), by two passes; `None` for fewer than two values.
#[must_use]
pub(crate) fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let mean = sum_of(values, |value| value) / values.len() as f64;
    let squares = sum_of(values, |value| (value - mean) * (value - mean));
    Some((mean, (squares / (values.len() - 1) as f64).sqrt()))
}

/// `Σ weight·return²`, in four interleaved partial sums as [`sum_of`].
pub(crate) fn weighted_squares(returns: &[f64], weights: &[f64]) -> f64 {
    let ((quads, rest), (quad_weights, rest_weights)) = (returns.as_chunks::<4>(), weights.as_chunks::<4>());
    let mut lanes = [0.0; 4];
    for (quad, weight) in quads.iter().zip(quad_weights) {
        for lane in 0..4 {
            lanes[lane] += weight[lane] * (quad[lane] * quad[lane]);
        }
    }
    let [a, b, c, d] = lanes;
    rest.iter()
        .zip(rest_weights)
        .fold((a + b) + (c + d), |sum, (moved, weight)| sum + weight * (moved * moved))
}

impl Learned for Window {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.length);
        notes.value(self.all());
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.length)?;
        let values: Vec<f64> = notes.values(self.length)?;
        self.clear();
        // Where the oldest value lies is work space: what is read is the same slice.
        for value in values {
            self.push(value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn deviation_of_a_known_sample() {
        // The textbook sample 2 4 4 4 5 5 7 9: mean 5, squares 32.
        let (mean, deviation) = mean_and_deviation(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert!((mean - 5.0).abs() < 1e-15);
        assert!((deviation - (32.0_f64 / 7.0).sqrt()).abs() < 1e-15);
        assert_eq!(mean_and_deviation(&[1.0]), None);
    }

    proptest! {
        #[test]
        fn it_holds_the_tail_of_what_was_pushed(
            values in prop::collection::vec(-1e9_f64..1e9, 0..60), length in 1_usize..20,
        ) {
            let mut window = Window::new(length);
            for (index, value) in values.iter().enumerate() {
                let fallen = window.push(*value);
                let expected = index.checked_sub(length).map(|old| values[old]);
                prop_assert_eq!(fallen, expected);
                let seen = &values[(index + 1).saturating_sub(length)..=index];
                prop_assert_eq!(window.all(), seen);
                prop_assert_eq!(window.last(1), Some(&values[index..=index]));
                prop_assert_eq!(window.last(seen.len() + 1), None);
            }
            window.clear();
            prop_assert_eq!(window.held(), 0);
            prop_assert_eq!(window.last(1), None);
        }
    }
}
