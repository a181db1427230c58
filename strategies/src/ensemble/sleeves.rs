//! The eight sleeves of one market, streaming: four trend families and the virtual positions of four specialists.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use engine_core::time::Timestamp;

use super::families::{FAMILIES, TrendFamilies};
use super::sleeve_weights::SLEEVES;
use crate::specialist::measures::Measurer;
use crate::specialist::params::{DEFAULT_CAP, DEFAULT_GENOMES};
use crate::specialist::policy::{Exit, Specialist};
use crate::specialist::sleeve::{EntryPermission, Sleeve};

/// Whether the specialists are followed too; the built-in rule gives them no weight and need not wait for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// The trend families alone; the other exposures are 0.
    Families,
    /// All eight.
    All,
}

/// Four specialists, each with a virtual position of its own.
///
/// Each enters in its own regime only and manages what it has to its own exit; when a crisis begins, all but the
/// crisis specialist leave at once.
#[derive(Debug, Clone)]
struct SpecialistSleeves {
    sleeves: [Sleeve; 4],
    measurer: Measurer,
}

/// What a conductor weighs, for one market.
#[derive(Debug, Clone)]
pub struct SleeveSet {
    families: TrendFamilies,
    specialists: Option<SpecialistSleeves>,
}

impl SleeveSet {
    /// Sleeves that have seen nothing, with the default genomes.
    #[must_use]
    pub fn new(followed: Followed) -> Self {
        let mut sleeves = Self { families: TrendFamilies::new(), specialists: None };
        if followed == Followed::All {
            sleeves.follow_specialists(DEFAULT_GENOMES.specialists(DEFAULT_CAP));
        }
        sleeves
    }

    /// Follows these specialists from here on; with `None` no one.
    pub fn follow_specialists(&mut self, specialists: Option<[Specialist; 4]>) {
        let sleeves = |specialists: [Specialist; 4]| SpecialistSleeves {
            sleeves: specialists.map(Sleeve::new),
            measurer: Measurer::new(),
        };
        self.specialists = specialists.map(sleeves);
    }

    /// Learns one closed bar of a positive price in `regime`, the one with hysteresis, and answers the exposure of
    /// every sleeve from 0 to 1, in the order of [`SLEEVES`].
    pub fn learn(&mut self, at: Timestamp, candle: &Candle, regime: Option<Regime>) -> [f64; SLEEVES.len()] {
        let mut exposures = [0.0; SLEEVES.len()];
        let (families, specialists) = exposures.split_at_mut(FAMILIES);
        families.copy_from_slice(&self.families.learn(candle.close));
        if let Some(followed) = &mut self.specialists {
            specialists.copy_from_slice(&followed.learn(at, candle, regime));
        }
        exposures
    }

    /// `missing` bars are missing before one that opens at `open`. Virtual positions are kept, unless too much is
    /// missing for the measures to go on.
    pub fn bridge(&mut self, missing: u32, open: f64) {
        self.families.bridge(missing, open);
        if let Some(specialists) = &mut self.specialists
            && !specialists.measurer.bridge(missing, open)
        {
            specialists.leave();
        }
    }

    /// Forgets everything; virtual positions are left.
    pub fn forget(&mut self) {
        self.families.clear();
        if let Some(specialists) = &mut self.specialists {
            specialists.measurer.forget();
            specialists.leave();
        }
    }
}

impl SpecialistSleeves {
    fn leave(&mut self) {
        for sleeve in &mut self.sleeves {
            sleeve.leave(Exit::Gap);
        }
    }

    fn learn(&mut self, at: Timestamp, candle: &Candle, regime: Option<Regime>) -> [f64; 4] {
        let measures = self.measurer.learn(candle);
        for sleeve in &mut self.sleeves {
            let own = sleeve.specialist().regime;
            if regime == Some(Regime::Crisis) && own != Regime::Crisis {
                sleeve.leave(Exit::Crisis);
            }
            let leave =
                if regime == Some(own) { EntryPermission::ToEnter } else { EntryPermission::ToManage };
            sleeve.step(at, candle.close, measures.as_ref(), leave);
        }
        self.sleeves.map(|sleeve| sleeve.exposure())
    }
}

engine_core::learned!(SpecialistSleeves { parts: [sleeves, measurer] });
engine_core::learned!(SleeveSet { parts: [families, specialists] });
