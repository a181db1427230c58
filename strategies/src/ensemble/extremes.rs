//! The highest and lowest value of a moving window, in constant time a bar.

use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use std::collections::VecDeque;

/// The extremes of the last `length` values.
///
/// Each queue holds the values that can still become the extreme, best first (monotone queue).
#[derive(Debug, Clone)]
pub struct Extremes {
    length: u64,
    highs: VecDeque<(u64, f64)>,
    lows: VecDeque<(u64, f64)>,
    seen: u64,
}

impl Extremes {
    /// An empty window of `length` values.
    #[must_use]
    pub fn new(length: usize) -> Self {
        let queue = || VecDeque::with_capacity(length + 1);
        Self { length: length as u64, highs: queue(), lows: queue(), seen: 0 }
    }

    /// Takes the newest value in and lets the oldest go.
    #[inline]
    pub fn push(&mut self, value: f64) {
        let number = self.seen;
        self.seen += 1;
        while self.highs.back().is_some_and(|(_, high)| *high <= value) {
            self.highs.pop_back();
        }
        while self.lows.back().is_some_and(|(_, low)| *low >= value) {
            self.lows.pop_back();
        }
        self.highs.push_back((number, value));
        self.lows.push_back((number, value));
        for queue in [&mut self.highs, &mut self.lows] {
            if queue.front().is_some_and(|(at, _)| at + self.length <= number) {
                queue.pop_front();
            }
        }
    }

    /// The highest and the lowest value, the newest included; `None` until the window is full.
    #[must_use]
    #[inline]
    pub fn bounds(&self) -> Option<(f64, f64)> {
        let (high, low) = (self.highs.front()?.1, self.lows.front()?.1);
        (self.seen >= self.length).then_some((high, low))
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.highs.clear();
        self.lows.clear();
        self.seen = 0;
    }
}

impl Learned for Extremes {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.length);
        notes.value(&self.seen);
        notes.value(&self.highs);
        notes.value(&self.lows);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.length)?;
        self.seen = notes.count()?;
        self.highs = notes.numbered(self.length, self.seen)?;
        self.lows = notes.numbered(self.length, self.seen)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_queues_agree_with_looking_at_every_value(
            values in prop::collection::vec(1_u32..40, 1..120), length in 1_usize..12,
        ) {
            let mut extremes = Extremes::new(length);
            let mut seen: Vec<f64> = Vec::new();
            for value in values {
                let value = f64::from(value);
                extremes.push(value);
                seen.push(value);
                let expected = (seen.len() >= length).then(|| {
                    let window = seen[seen.len() - length..].iter().copied();
                    (window.clone().fold(f64::MIN, f64::max), window.fold(f64::MAX, f64::min))
                });
                prop_assert_eq!(extremes.bounds(), expected);
            }
        }
    }
}
