//! `random`: a seeded coin for every sample; what luck alone earns on the same market.

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use engine_core::num::Ratio;
use engine_core::strategy::Strategy;
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use serde::Serialize;

use crate::ema_cross::direction;
use crate::sample::Sample;
use crate::settings::{SettingError, Settings};
use crate::signal::{Call, Renewal, Signal, Target};
use crate::trader::Trader;
use crate::trading::{Direction, RunFacts, Trading};

/// Settings of `random`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RandomParams {
    /// How likely a sample changes its mind.
    #[serde(serialize_with = "crate::trading::ratio")]
    pub probability: Ratio,
    /// Seed of its coin; the seed of the run when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Which sides it may take.
    pub direction: Direction,
    /// The settings that all policies share.
    #[serde(flatten)]
    pub trading: Trading,
}

impl RandomParams {
    /// Reads the settings; absent ones are 5 %, the seed of the run, long-only.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let probability = settings.ratio("probability", Ratio::from_units(1)..=Ratio::ONE)?;
        Ok(Self {
            probability: probability.unwrap_or(Ratio::from_units(50_000_000)),
            seed: settings.whole("seed", 0..=u64::MAX)?,
            direction: direction(settings)?,
            trading: Trading::read(settings)?,
        })
    }

    /// The policy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for what the run's instruments cannot hold.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        let seed = self.seed.unwrap_or(facts.seed);
        let coin = |instrument, _: &Instrument| Coin::new(seed, self.probability, self.direction, instrument);
        Ok(Box::new(Trader::new(&self.trading, self.direction, facts, coin)?))
    }
}

/// A coin of its own for each instrument, so that one market does not disturb another.
#[derive(Debug, Clone)]
pub struct Coin {
    stream: ChaCha8Rng,
    probability: Ratio,
    direction: Direction,
    called: Target,
}

impl Coin {
    /// A coin that was not tossed yet.
    #[must_use]
    pub fn new(seed: u64, probability: Ratio, direction: Direction, instrument: InstrumentId) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(u64::try_from(instrument.index()).unwrap_or(u64::MAX));
        Self { stream, probability, direction, called: Target::Flat }
    }

    fn other(&self, heads: bool) -> Target {
        match (self.called, self.direction) {
            (Target::Flat, Direction::LongOnly) => Target::Long,
            (Target::Long | Target::Short, Direction::LongOnly) => Target::Flat,
            (Target::Flat, Direction::LongShort) if heads => Target::Long,
            (Target::Flat | Target::Long, Direction::LongShort) if !heads => Target::Short,
            (Target::Short, Direction::LongShort) if heads => Target::Long,
            (Target::Flat | Target::Long | Target::Short, Direction::LongShort) => Target::Flat,
        }
    }
}

impl Signal for Coin {
    engine_core::can_be_taken_up!();

    fn learn(&mut self, _sample: &Sample) -> Option<Call> {
        let toss = self.stream.next_u64();
        // The low half decides whether, the top bit where to: one draw a sample.
        let low = (toss & u64::from(u32::MAX)).saturating_mul(1_000_000_000) >> 32;
        if i64::try_from(low).is_ok_and(|low| low >= self.probability.units()) {
            return None;
        }
        self.called = self.other(toss >> 63 == 1);
        Some(Call { target: self.called, renewal: Renewal::Keep, because: "the coin said so" })
    }
}

impl Coin {
    /// Which coin it is, and what it may call.
    fn settings(&self) -> impl Serialize + use<> {
        (self.stream.get_seed(), self.stream.get_stream(), self.probability, self.direction)
    }
}

impl Learned for Coin {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.settings());
        notes.value(&self.stream.get_word_pos());
        notes.value(&self.called);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.settings())?;
        self.stream.set_word_pos(notes.value()?);
        self.called = notes.value()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use engine_core::num::Price;

    use super::*;

    fn calls(seed: u64, instrument: u16) -> Vec<Option<Call>> {
        let share = Ratio::from_units(200_000_000);
        let mut coin = Coin::new(seed, share, Direction::LongShort, InstrumentId::new(instrument));
        (0..1_000).map(|_| coin.learn(&Sample::at(Price::from_units(1)))).collect()
    }

    #[test]
    fn equal_seeds_trade_alike_and_others_do_not() {
        assert_eq!(calls(7, 0), calls(7, 0));
        assert_ne!(calls(7, 0), calls(8, 0));
        assert_ne!(calls(7, 0), calls(7, 1));
    }

    #[test]
    fn it_trades_with_the_given_probability() {
        let spoken = calls(7, 0).iter().flatten().count();
        assert!((150..250).contains(&spoken), "{spoken} of 1000 at a fifth");
    }
}
