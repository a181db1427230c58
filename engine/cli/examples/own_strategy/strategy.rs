//! `three-up`: long after a number of rising closes in a row, flat after the first that falls.

use engine_core::num::Price;
use engine_core::strategy::Strategy;
use serde::Serialize;
use strategies::registration::{OwnKey, OwnPolicy};
use strategies::sample::Sample;
use strategies::settings::{SettingError, Settings};
use strategies::signal::{Call, Renewal, Signal, Target};
use strategies::trader::Trader;
use strategies::trading::{Direction, RunFacts, Trading};

/// Settings of `three-up`; a run keeps them as they are written here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ThreeUpSettings {
    /// How many closes must rise in a row.
    pub rises: u32,
    /// What every strategy shares: instruments, source, size, exits.
    #[serde(flatten)]
    pub trading: Trading,
}

impl OwnPolicy for ThreeUpSettings {
    const NAME: &'static str = "three-up";
    const MEANING: &'static str = "long after rising closes in a row, flat after the first that falls";
    const KEYS: &'static [OwnKey] =
        &[OwnKey { name: "rises", default: "3", meaning: "how many closes must rise in a row, 1 to 100" }];

    fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let rises = settings.whole("rises", 1..=100)?.and_then(|rises| u32::try_from(rises).ok());
        Ok(Self { rises: rises.unwrap_or(3), trading: Trading::read(settings)? })
    }

    fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        // The trader keeps one signal for every instrument and turns its calls into orders, one thing at a time.
        let trader = Trader::new(&self.trading, Direction::LongOnly, facts, |_, _| ThreeUp::new(self.rises))?;
        Ok(Box::new(trader))
    }
}

/// What is remembered of one market. It learns from recorded events alone: no clock, no chance, no files.
#[derive(Debug)]
pub(crate) struct ThreeUp {
    rises: u32,
    risen: u32,
    last: Option<Price>,
    target: Target,
}

impl ThreeUp {
    /// A signal that has seen nothing.
    #[must_use]
    pub(crate) const fn new(rises: u32) -> Self {
        Self { rises, risen: 0, last: None, target: Target::Flat }
    }
}

impl Signal for ThreeUp {
    fn learn(&mut self, sample: &Sample) -> Option<Call> {
        let last = self.last.replace(sample.close)?;
        self.risen = if sample.close > last { (self.risen + 1).min(self.rises) } else { 0 };
        let (target, because) = match self.target {
            Target::Flat if self.risen == self.rises => (Target::Long, "enough closes rose in a row"),
            Target::Long if sample.close < last => (Target::Flat, "a close fell"),
            Target::Flat | Target::Long | Target::Short => return None,
        };
        self.target = target;
        Some(Call { target, renewal: Renewal::Keep, because })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_enters_after_the_last_of_the_rises_and_leaves_at_the_first_fall() {
        let mut signal = ThreeUp::new(2);
        let closes = [10, 11, 12, 13, 13, 12, 11];
        let calls = closes.iter().map(|close| signal.learn(&Sample::at(Price::from_units(*close))));
        let calls: Vec<Option<Target>> = calls.map(|call| call.map(|call| call.target)).collect();
        assert_eq!(calls, [None, None, Some(Target::Long), None, None, Some(Target::Flat), None]);
    }
}
