//! The Donchian channel: the highest and lowest price of the last bars.

use std::collections::VecDeque;

use super::usable_price::admitted;
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};

/// The largest of the last values, by a deque in which each value is smaller than the one before it; O(1) a step
/// on average (Lemire 2006).
#[derive(Clone, Debug, PartialEq)]
pub struct RollingMaximum {
    length: u64,
    seen: u64,
    falling: VecDeque<(u64, f64)>,
}

impl RollingMaximum {
    /// The maximum of the last `length` values, at least 1.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self { length: length.max(1) as u64, seen: 0, falling: VecDeque::new() }
    }

    /// Adds `value`; `None` until there are as many as it spans. NaN and values beyond ±10⁵⁰ are passed over.
    pub fn learn(&mut self, value: f64) -> Option<f64> {
        let value = admitted(value)?;
        while self.falling.pop_back_if(|(_, held)| *held <= value).is_some() {}
        self.falling.push_back((self.seen, value));
        self.seen += 1;
        if self.falling.front().is_some_and(|(place, _)| place + self.length < self.seen) {
            self.falling.pop_front();
        }
        self.value()
    }

    /// The maximum of the values learned; `None` until there are enough.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        if self.seen < self.length {
            return None;
        }
        self.falling.front().map(|(_, value)| *value)
    }

    /// Forgets every value.
    pub fn forget(&mut self) {
        self.seen = 0;
        self.falling.clear();
    }
}

/// The edges of a channel, in units of price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// The highest price.
    pub high: f64,
    /// The lowest price.
    pub low: f64,
}

impl Channel {
    /// Half-way between the edges.
    #[must_use]
    pub fn middle(&self) -> f64 {
        f64::midpoint(self.high, self.low)
    }

    /// Where `price` stands: −1 at the low, 0 in the middle, 1 at the high, never beyond; 0 in a channel without
    /// width and for a price that is none.
    #[must_use]
    pub fn position(&self, price: f64) -> f64 {
        let half = (self.high - self.low) / 2.0;
        match admitted(price) {
            Some(price) if half > f64::MIN_POSITIVE => ((price - self.middle()) / half).clamp(-1.0, 1.0),
            Some(_) | None => 0.0,
        }
    }
}

/// The channel of the last `bars` bars, this one included.
#[derive(Clone, Debug, PartialEq)]
pub struct Donchian {
    highs: RollingMaximum,
    lows: RollingMaximum,
}

impl Donchian {
    /// A channel over `bars` bars, at least 1.
    #[must_use]
    pub fn new(bars: usize) -> Self {
        Self { highs: RollingMaximum::new(bars), lows: RollingMaximum::new(bars) }
    }

    /// Adds a bar's `high` and `low` (both the close for a channel of closes); `None` until there are enough.
    /// A bar with a number that is NaN or beyond ±10⁵⁰ is passed over.
    pub fn learn(&mut self, high: f64, low: f64) -> Option<Channel> {
        let (high, low) = (admitted(high)?, admitted(low)?);
        let (high, low) = (self.highs.learn(high), self.lows.learn(-low));
        Some(Channel { high: high?, low: -low? })
    }

    /// Forgets every bar.
    pub fn forget(&mut self) {
        self.highs.forget();
        self.lows.forget();
    }
}

crate::learned!(Donchian { parts: [highs, lows] });

impl Learned for RollingMaximum {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.length);
        notes.value(&self.seen);
        notes.value(&self.falling);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.length)?;
        self.seen = notes.value()?;
        self.falling = notes.numbered(self.length, self.seen)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_channel_without_width_has_its_price_in_the_middle() {
        let mut channel = Donchian::new(2);
        assert_eq!(channel.learn(3.0, 3.0), None);
        let flat = channel.learn(3.0, 3.0).unwrap();
        assert_eq!((flat.middle(), flat.position(3.0)), (3.0, 0.0));
        let wide = channel.learn(5.0, 1.0).unwrap();
        assert_eq!((wide, wide.position(4.0)), (Channel { high: 5.0, low: 1.0 }, 0.5));
        channel.forget();
        assert_eq!(channel, Donchian::new(2));
    }

    proptest! {
        #[test]
        fn it_is_the_extremes_of_the_tail(
            values in prop::collection::vec(-9_i32..9, 1..150), length in 1_usize..20,
        ) {
            let mut channel = Donchian::new(length);
            for index in 0..values.len() {
                let value = f64::from(values[index]);
                let found = channel.learn(value + 1.0, value);
                let Some(start) = (index + 1).checked_sub(length) else {
                    prop_assert_eq!(found, None);
                    continue;
                };
                let tail = &values[start..=index];
                let high = f64::from(*tail.iter().max().unwrap()) + 1.0;
                prop_assert_eq!(found, Some(Channel { high, low: f64::from(*tail.iter().min().unwrap()) }));
                prop_assert!(channel.highs.falling.len() <= length);
            }
        }
    }
}
