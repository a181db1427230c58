//! The price of one instrument as a chart needs it: the whole run, and the end of it closer.

use std::collections::VecDeque;

use engine_core::time::Timestamp;

use super::curve::{Curve, Point};

/// Marks kept for the close-up of the end of the run.
const TAIL_MAX: usize = 600;

/// Records the marks of one instrument in fixed memory (80 KB).
#[derive(Debug, Clone, Default)]
pub struct PriceRecorder {
    curve: Curve,
    tail: VecDeque<Point>,
}

impl PriceRecorder {
    /// A recorder with no price yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of a bar's close or a trade's price.
    #[inline]
    pub fn mark(&mut self, at: Timestamp, price: f64) {
        self.curve.push(at, price);
        if self.tail.len() == TAIL_MAX {
            self.tail.pop_front();
        }
        self.tail.push_back(Point { at, value: price });
    }

    /// The whole run, decimated.
    #[must_use]
    pub const fn curve(&self) -> &Curve {
        &self.curve
    }

    /// The last 600 marks as they were.
    #[must_use]
    pub fn tail(&self) -> Vec<Point> {
        self.tail.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_end_and_the_curve_the_whole() {
        let mut recorder = PriceRecorder::new();
        for at in 0..10_000_i64 {
            recorder.mark(Timestamp::from_nanos(at), at as f64);
        }
        let tail = recorder.tail();
        assert_eq!((tail.len(), tail[0].at.nanos(), tail[599].at.nanos()), (600, 9_400, 9_999));
        assert_eq!(recorder.curve().first().map(|point| point.at.nanos()), Some(0));
    }
}
