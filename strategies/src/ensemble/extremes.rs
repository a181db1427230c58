//! The highest and lowest value of several moving windows, in constant time a bar.

use std::collections::VecDeque;

/// The extremes of the last values over `N` windows.
///
/// A queue holds the values that can still become an extreme of the longest window, best first (monotone queue). Those
/// of a shorter window are its newest, so the windows share the queue and each remembers where in it it begins.
#[derive(Debug, Clone)]
pub struct Extremes<const N: usize> {
    lengths: [usize; N],
    highs: Candidates<N>,
    lows: Candidates<N>,
    seen: usize,
}

impl<const N: usize> Extremes<N> {
    /// Empty windows of `lengths` values, each at least one.
    #[must_use]
    pub fn new(lengths: [usize; N]) -> Self {
        let longest = lengths.iter().copied().max().unwrap_or(0);
        Self { lengths, highs: Candidates::new(longest), lows: Candidates::new(longest), seen: 0 }
    }

    /// Takes the newest value in and lets the oldest of each window go.
    #[inline]
    pub fn push(&mut self, value: f64) {
        self.highs.push(self.seen, value, &self.lengths, |held| held <= value);
        self.lows.push(self.seen, value, &self.lengths, |held| held >= value);
        self.seen += 1;
    }

    /// The highest and the lowest value of each window, the newest included; `None` until it is full.
    #[must_use]
    #[inline]
    pub fn bounds(&self) -> [Option<(f64, f64)>; N] {
        let mut bounds = [None; N];
        for (window, (bounds, length)) in bounds.iter_mut().zip(self.lengths).enumerate() {
            if self.seen >= length {
                *bounds = self.highs.best(window).zip(self.lows.best(window));
            }
        }
        bounds
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new(self.lengths);
    }
}

/// The values that can still become an extreme of one kind, best first.
#[derive(Debug, Clone)]
struct Candidates<const N: usize> {
    /// Number and value of each.
    queue: VecDeque<(usize, f64)>,
    /// How many have left at the front.
    left: usize,
    /// Where each window begins, those that have left counted.
    begins: [usize; N],
}

impl<const N: usize> Candidates<N> {
    fn new(longest: usize) -> Self {
        Self { queue: VecDeque::with_capacity(longest + 1), left: 0, begins: [0; N] }
    }

    #[inline]
    fn push(&mut self, number: usize, value: f64, lengths: &[usize; N], is_beaten: impl Fn(f64) -> bool) {
        while self.queue.back().is_some_and(|(_, held)| is_beaten(*held)) {
            self.queue.pop_back();
        }
        self.queue.push_back((number, value));
        let newest = self.left + self.queue.len() - 1;
        let mut first = newest;
        for (begin, length) in self.begins.iter_mut().zip(lengths) {
            *begin = (*begin).min(newest);
            // The newest is in every window.
            while *begin < newest
                && self.queue.get(*begin - self.left).is_some_and(|(at, _)| at + length <= number)
            {
                *begin += 1;
            }
            first = first.min(*begin);
        }
        while self.left < first {
            self.queue.pop_front();
            self.left += 1;
        }
    }

    /// The best of a window.
    #[inline]
    fn best(&self, window: usize) -> Option<f64> {
        let begin = self.begins.get(window)?.checked_sub(self.left)?;
        self.queue.get(begin).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn the_queues_agree_with_looking_at_every_value(
            values in prop::collection::vec(1_u32..40, 1..200), lengths in prop::array::uniform5(1_usize..40),
        ) {
            let mut extremes = Extremes::new(lengths);
            let mut seen: Vec<f64> = Vec::new();
            for value in values {
                let value = f64::from(value);
                extremes.push(value);
                seen.push(value);
                let expected = lengths.map(|length| {
                    (seen.len() >= length).then(|| {
                        let window = seen[seen.len() - length..].iter().copied();
                        (window.clone().fold(f64::MIN, f64::max), window.fold(f64::MAX, f64::min))
                    })
                });
                prop_assert_eq!(extremes.bounds(), expected);
                let longest = lengths.into_iter().max().unwrap_or(0);
                prop_assert!(extremes.highs.queue.len() <= longest && extremes.lows.queue.len() <= longest);
                if value > 38.0 {
                    extremes.clear();
                    seen.clear();
                }
            }
        }
    }
}
