//! `donchian`: enter on a close beyond the channel of the last bars, leave on the opposite, shorter channel.

use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use std::collections::VecDeque;

use engine_core::num::Price;
use engine_core::strategy::Strategy;
use serde::Serialize;

use crate::ema_cross::{direction, whole};
use crate::sample::Sample;
use crate::settings::{SettingError, Settings};
use crate::signal::{Call, Renewal, Signal, Target};
use crate::trader::Trader;
use crate::trading::{Direction, RunFacts, Trading};

/// Settings of `donchian`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DonchianParams {
    /// Bars in the channel whose break enters.
    pub entry: u32,
    /// Bars in the channel whose break leaves.
    pub exit: u32,
    /// Which sides it may take.
    pub direction: Direction,
    /// The settings that all policies share.
    #[serde(flatten)]
    pub trading: Trading,
}

impl DonchianParams {
    /// Reads the settings; absent ones are 20, 10, long-only.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let entry = whole(settings, "entry", 1..=100_000, 20)?;
        let exit = whole(settings, "exit", 1..=100_000, 10)?;
        Ok(Self { entry, exit, direction: direction(settings)?, trading: Trading::read(settings)? })
    }

    /// The policy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        let trader = Trader::new(&self.trading, self.direction, facts, |_, _| Donchian::new(self))?;
        Ok(Box::new(trader))
    }
}

/// The highest high and lowest low of the last bars, in constant time a bar.
///
/// Each queue holds the bars that can still become the extreme, best first.
#[derive(Debug, Clone)]
struct Channel {
    length: u64,
    highs: VecDeque<(u64, Price)>,
    lows: VecDeque<(u64, Price)>,
    seen: u64,
}

impl Channel {
    fn new(length: u32) -> Self {
        Self { length: u64::from(length), highs: VecDeque::new(), lows: VecDeque::new(), seen: 0 }
    }

    fn take(&mut self, sample: &Sample) {
        let number = self.seen;
        self.seen += 1;
        while self.highs.back().is_some_and(|(_, high)| *high <= sample.high) {
            self.highs.pop_back();
        }
        while self.lows.back().is_some_and(|(_, low)| *low >= sample.low) {
            self.lows.pop_back();
        }
        self.highs.push_back((number, sample.high));
        self.lows.push_back((number, sample.low));
        let gone = |first: Option<&(u64, Price)>| first.is_some_and(|(at, _)| at + self.length <= number);
        if gone(self.highs.front()) {
            self.highs.pop_front();
        }
        if gone(self.lows.front()) {
            self.lows.pop_front();
        }
    }

    /// Highest high and lowest low once the channel is full.
    fn bounds(&self) -> Option<(Price, Price)> {
        let (high, low) = (self.highs.front()?.1, self.lows.front()?.1);
        (self.seen >= self.length).then_some((high, low))
    }
}

/// Two channels and the side last called for.
#[derive(Debug, Clone)]
pub struct Donchian {
    entry: Channel,
    exit: Channel,
    called: Target,
}

impl Donchian {
    /// A channel system that has seen nothing.
    #[must_use]
    pub fn new(params: &DonchianParams) -> Self {
        Self { entry: Channel::new(params.entry), exit: Channel::new(params.exit), called: Target::Flat }
    }

    fn wanted(&self, close: Price) -> (Target, &'static str) {
        let entered = self.entry.bounds().and_then(|(high, low)| match close {
            _ if close > high => Some((Target::Long, "close above the entry channel")),
            _ if close < low => Some((Target::Short, "close below the entry channel")),
            _ => None,
        });
        let left = self.exit.bounds().and_then(|(high, low)| match self.called {
            Target::Long if close < low => Some((Target::Flat, "close below the exit channel")),
            Target::Short if close > high => Some((Target::Flat, "close above the exit channel")),
            Target::Flat | Target::Long | Target::Short => None,
        });
        entered.or(left).unwrap_or((self.called, ""))
    }
}

impl Signal for Donchian {
    engine_core::can_be_taken_up!();

    fn learn(&mut self, sample: &Sample) -> Option<Call> {
        // The channels hold the bars before this one.
        let (target, because) = self.wanted(sample.close);
        self.entry.take(sample);
        self.exit.take(sample);
        if target == self.called {
            return None;
        }
        self.called = target;
        Some(Call { target, renewal: Renewal::Keep, because })
    }
}

engine_core::learned!(Donchian { values: [called], parts: [entry, exit] });

impl Learned for Channel {
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

    fn system(entry: u32, exit: u32) -> Donchian {
        Donchian { entry: Channel::new(entry), exit: Channel::new(exit), called: Target::Flat }
    }

    #[test]
    fn it_enters_beyond_the_long_channel_and_leaves_beyond_the_short_one() {
        let mut system = system(5, 2);
        let closes = [10, 12, 11, 12, 12, 13, 15, 14, 13, 11];
        let samples = closes.iter().map(|close| Sample::at(Price::from_units(*close))).enumerate();
        let calls: Vec<_> =
            samples.filter_map(|(at, sample)| system.learn(&sample).map(|call| (at, call.target))).collect();
        assert_eq!(calls, [(5, Target::Long), (8, Target::Flat), (9, Target::Short)]);
    }

    proptest! {
        #[test]
        fn the_queues_agree_with_looking_at_every_bar(
            bars in prop::collection::vec((1_i64..50, 1_i64..50), 1..120), length in 1_u32..12,
        ) {
            let mut channel = Channel::new(length);
            let window = usize::try_from(length).unwrap();
            let mut seen: Vec<(i64, i64)> = Vec::new();
            for (a, b) in bars {
                let (high, low) = (a.max(b), a.min(b));
                seen.push((high, low));
                let price = Price::from_units;
                let sample = Sample { high: price(high), low: price(low), ..Sample::at(price(low)) };
                channel.take(&sample);
                let expected = (seen.len() >= window).then(|| {
                    let last = &seen[seen.len() - window..];
                    let highest = last.iter().map(|(high, _)| *high).max().unwrap();
                    (price(highest), price(last.iter().map(|(_, low)| *low).min().unwrap()))
                });
                prop_assert_eq!(channel.bounds(), expected);
            }
        }
    }
}
