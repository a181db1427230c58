//! `buy-and-hold`: enter at the first sample and stay; the yardstick of every other policy.

use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use engine_core::strategy::Strategy;
use serde::Serialize;

use crate::sample::Sample;
use crate::settings::{SettingError, Settings};
use crate::signal::{Call, Renewal, Signal, Target};
use crate::trader::Trader;
use crate::trading::{Direction, RunFacts, Trading};

/// Settings of `buy-and-hold`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuyAndHoldParams {
    /// The settings that all policies share.
    #[serde(flatten)]
    pub trading: Trading,
}

impl BuyAndHoldParams {
    /// Reads the settings; absent ones put all equity into it.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        Ok(Self { trading: Trading::read(settings)? })
    }

    /// The policy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        let trader = Trader::new(&self.trading, Direction::LongOnly, facts, |_, _| BuyAndHold::default())?;
        Ok(Box::new(trader))
    }
}

/// Whether the one call was made.
#[derive(Debug, Clone, Copy, Default, serde::Serialize, serde::Deserialize)]
pub enum BuyAndHold {
    /// Not yet.
    #[default]
    Waiting,
    /// Once and for all.
    Called,
}

impl Signal for BuyAndHold {
    engine_core::can_be_taken_up!();

    fn learn(&mut self, _sample: &Sample) -> Option<Call> {
        match std::mem::replace(self, Self::Called) {
            Self::Waiting => {
                Some(Call { target: Target::Long, renewal: Renewal::Keep, because: "buy and hold" })
            }
            Self::Called => None,
        }
    }
}

impl Learned for BuyAndHold {
    fn note(&self, notes: &mut NoteWriter) {
        notes.value(self);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        *self = notes.value()?;
        Ok(())
    }
}
