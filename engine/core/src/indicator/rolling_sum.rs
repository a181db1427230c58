//! The sum of the last values of a series, without drift.

use super::window::Window;
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};

/// A sum kept in two numbers, high and low part (double-double, Dekker 1971): exact while its terms differ by
/// less than 10¹³ in size, so that adding and taking away again leaves nothing behind.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq)]
struct DoubleSum {
    high: f64,
    low: f64,
}

impl DoubleSum {
    fn plus(self, value: f64) -> Self {
        let sum = self.high + value;
        let back = sum - self.high;
        let lost = (self.high - (sum - back)) + (value - back);
        let low = self.low + lost;
        let high = sum + low;
        Self { high, low: low - (high - sum) }
    }

    /// The sum over `count`, rounded once.
    fn over(self, count: f64) -> f64 {
        let quotient = self.high / count;
        let rest = (-quotient).mul_add(count, self.high);
        quotient + (rest + self.low) / count
    }
}

/// The sum over a window in O(1) a step. It is added up anew once in every turn of the window, so that whatever a
/// value of absurd size leaves behind is gone a window later.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RollingSum {
    recent: Window,
    sum: DoubleSum,
    until_anew: usize,
}

impl RollingSum {
    pub(crate) fn new(length: usize) -> Self {
        let recent = Window::new(length);
        let until_anew = recent.length();
        Self { recent, sum: DoubleSum::default(), until_anew }
    }

    /// Adds `value`, which is admitted, and lets the oldest fall out of a full window.
    pub(crate) fn push(&mut self, value: f64) {
        let fallen = self.recent.push(value);
        self.sum = self.sum.plus(value);
        if let Some(fallen) = fallen {
            self.sum = self.sum.plus(-fallen);
        }
        self.until_anew -= 1;
        if self.until_anew == 0 {
            self.until_anew = self.recent.length();
            self.sum = self.recent.all().iter().fold(DoubleSum::default(), |sum, value| sum.plus(*value));
        }
    }

    /// The sum of a full window.
    pub(crate) fn sum(&self) -> Option<f64> {
        self.recent.is_full().then_some(self.sum.high)
    }

    /// The mean of a full window.
    pub(crate) fn mean(&self) -> Option<f64> {
        self.recent.is_full().then(|| self.sum.over(self.recent.length() as f64))
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.recent.length());
    }
}

impl Learned for RollingSum {
    fn note(&self, notes: &mut NoteWriter) {
        notes.part(&self.recent);
        notes.value(&self.sum);
        notes.value(&self.until_anew);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.part(&mut self.recent)?;
        self.sum = notes.value()?;
        self.until_anew = notes.count()?;
        (1..=self.recent.length()).contains(&self.until_anew).then_some(()).ok_or(Forgotten::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_very_large_value_leaves_nothing_behind() {
        let mut sum = RollingSum::new(3);
        for value in [1.0, 1e50, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0] {
            sum.push(value);
        }
        assert_eq!(sum.sum().map(f64::to_bits), Some(3.0_f64.to_bits()));
    }

    #[test]
    fn the_mean_of_one_price_is_that_price() {
        for (length, price) in [(3, 0.1), (7, 457.334_014_892_578_1), (49, 1e-7), (250, 1.1)] {
            let mut sum = RollingSum::new(length);
            for _ in 0..3 * length + 1 {
                sum.push(price);
            }
            assert_eq!(sum.mean().map(f64::to_bits), Some(price.to_bits()));
        }
    }

    proptest! {
        #[test]
        fn it_has_the_bits_of_a_sum_over_the_tail_alone(
            values in prop::collection::vec(1e-3_f64..1e6, 60..400), length in 1_usize..50,
        ) {
            let (mut whole, mut tail) = (RollingSum::new(length), RollingSum::new(length));
            values.iter().for_each(|value| whole.push(*value));
            values[values.len() - length..].iter().for_each(|value| tail.push(*value));
            prop_assert_eq!(whole.sum().map(f64::to_bits), tail.sum().map(f64::to_bits));
            let naive: f64 = values[values.len() - length..].iter().sum();
            prop_assert!((whole.sum().unwrap() - naive).abs() <= 1e-12 * naive);
        }
    }
}
