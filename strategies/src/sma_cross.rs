//! `sma-cross`: on a cross of two simple averages the position is closed and the other side entered.
//!
//! Averages are compared exactly, as window sums multiplied crosswise. A cross is strict on both sides: below
//! at the sample before, above at this one; averages that touch and part again on the same side do not cross.

use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use std::collections::VecDeque;

use engine_core::strategy::Strategy;
use serde::Serialize;

use crate::ema_cross::{direction, whole};
use crate::sample::Sample;
use crate::settings::{SettingError, Settings};
use crate::signal::{Call, Renewal, Signal, Target};
use crate::trader::Trader;
use crate::trading::{Direction, RunFacts, Trading};

/// Settings of `sma-cross`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmaCrossParams {
    /// Length of the fast average in samples.
    pub fast: u32,
    /// Length of the slow average in samples.
    pub slow: u32,
    /// Which sides it may take.
    pub direction: Direction,
    /// The settings that all policies share.
    #[serde(flatten)]
    pub trading: Trading,
}

impl SmaCrossParams {
    /// Reads the settings; absent ones are 10, 30, long-only.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let fast = whole(settings, "fast", 1..=100_000, 10)?;
        let slow = whole(settings, "slow", 1..=100_000, 30)?;
        if fast >= slow {
            let allowed = format!("less than slow = {slow}");
            return Err(settings.out_of_range("fast", &fast.to_string(), &allowed));
        }
        Ok(Self { fast, slow, direction: direction(settings)?, trading: Trading::read(settings)? })
    }

    /// The policy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        let trader = Trader::new(&self.trading, self.direction, facts, |_, _| SmaCross::new(self))?;
        Ok(Box::new(trader))
    }
}

/// A sum over the last samples.
#[derive(Debug, Clone)]
struct Window {
    prices: VecDeque<i64>,
    length: usize,
    sum: i128,
}

impl Window {
    fn new(length: u32) -> Self {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Self { prices: VecDeque::with_capacity(length.saturating_add(1)), length, sum: 0 }
    }

    fn take(&mut self, price: i64) {
        self.prices.push_back(price);
        self.sum += i128::from(price);
        if self.prices.len() > self.length {
            self.sum -= self.prices.pop_front().map_or(0, i128::from);
        }
    }

    fn is_full(&self) -> bool {
        self.prices.len() == self.length
    }
}

/// Two window sums and how they stood at the last sample.
#[derive(Debug, Clone)]
pub struct SmaCross {
    fast: Window,
    slow: Window,
    before: Option<std::cmp::Ordering>,
}

impl SmaCross {
    /// A cross that has seen nothing.
    #[must_use]
    pub fn new(params: &SmaCrossParams) -> Self {
        Self { fast: Window::new(params.fast), slow: Window::new(params.slow), before: None }
    }

    fn standing(&self) -> Option<std::cmp::Ordering> {
        let length = |window: &Window| i128::try_from(window.length).unwrap_or(i128::MAX);
        let full = self.slow.is_full() && self.fast.is_full();
        full.then(|| (self.fast.sum * length(&self.slow)).cmp(&(self.slow.sum * length(&self.fast))))
    }
}

impl Signal for SmaCross {
    engine_core::can_be_taken_up!();

    fn learn(&mut self, sample: &Sample) -> Option<Call> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        self.fast.take(sample.close.units());
        self.slow.take(sample.close.units());
        let now = self.standing();
        let before = std::mem::replace(&mut self.before, now);
        let (target, because) = match (before?, now?) {
            (Less, Greater) => (Target::Long, "the fast average crossed above the slow one"),
            (Greater, Less) => (Target::Short, "the fast average crossed below the slow one"),
            (Less | Equal | Greater, Equal) | (Less | Equal, Less) | (Equal | Greater, Greater) => {
                return None;
            }
        };
        Some(Call { target, renewal: Renewal::Renew, because })
    }
}

impl Learned for Window {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.length);
        notes.value(&self.prices);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.length)?;
        let prices: Vec<i64> = notes.values(self.length)?;
        self.prices.clear();
        self.prices.extend(prices);
        self.sum = self.prices.iter().copied().map(i128::from).sum();
        Ok(())
    }
}

impl Learned for SmaCross {
    fn note(&self, notes: &mut NoteWriter) {
        notes.part(&self.fast);
        notes.part(&self.slow);
        notes.ordering(self.before);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.part(&mut self.fast)?;
        notes.part(&mut self.slow)?;
        self.before = notes.ordering()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use engine_core::num::Price;
    use proptest::prelude::*;

    use super::*;

    fn cross() -> SmaCross {
        let json = serde_json::json!({ "fast": 2, "slow": 3 });
        let params = SmaCrossParams::read(&mut Settings::new("strategy", json.as_object().unwrap()));
        SmaCross::new(&params.unwrap())
    }

    fn calls(prices: &[i64]) -> Vec<(usize, Target)> {
        let mut cross = cross();
        let samples = prices.iter().map(|price| Sample::at(Price::from_units(*price))).enumerate();
        samples.filter_map(|(at, sample)| cross.learn(&sample).map(|call| (at, call.target))).collect()
    }

    #[test]
    fn the_first_cross_needs_two_full_windows() {
        assert_eq!(calls(&[30, 20, 10, 90]), [(3, Target::Long)]);
        assert_eq!(calls(&[10, 20, 30]), []);
    }

    #[test]
    fn averages_that_touch_in_between_do_not_cross() {
        // At the fourth sample both averages are 20: neither that sample nor the next is a cross.
        assert_eq!(calls(&[40, 20, 10, 30, 50]), []);
    }

    proptest! {
        #[test]
        fn sums_agree_with_adding_the_window_anew(prices in prop::collection::vec(1_i64..1_000_000, 3..80)) {
            let mut window = Window::new(5);
            for (at, price) in prices.iter().enumerate() {
                window.take(*price);
                let from = (at + 1).saturating_sub(5);
                let anew: i64 = prices[from..=at].iter().sum();
                prop_assert_eq!(window.sum, i128::from(anew));
            }
        }
    }
}
