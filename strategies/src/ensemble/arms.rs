//! The eight arms of one market, streaming: four trend families and the virtual positions of four specialists.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use engine_core::time::Timestamp;

use super::families::{FAMILIES, TrendFamilies};
use super::weighing::ARMS;
use crate::specialist::arm::{Arm, Leave};
use crate::specialist::measures::Measurer;
use crate::specialist::params::{DEFAULT_CAP, DEFAULT_GENOMES};
use crate::specialist::policy::{Exit, Specialist};

/// Whether the specialists are followed too; the built-in rule gives them no weight and need not wait for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
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
struct Company {
    arms: [Arm; 4],
    measurer: Measurer,
}

/// What a conductor weighs, for one market.
#[derive(Debug, Clone)]
pub struct SleeveSet {
    families: TrendFamilies,
    company: Option<Company>,
}

impl SleeveSet {
    /// Arms that have seen nothing, with the default genomes.
    #[must_use]
    pub fn new(cast: Cast) -> Self {
        let mut arms = Self { families: TrendFamilies::new(), company: None };
        if cast == Cast::All {
            arms.engage(DEFAULT_GENOMES.specialists(DEFAULT_CAP));
        }
        arms
    }

    /// Follows these specialists from here on; with `None` nobody is engaged.
    pub fn engage(&mut self, specialists: Option<[Specialist; 4]>) {
        let company = |specialists: [Specialist; 4]| Company {
            arms: specialists.map(Arm::new),
            measurer: Measurer::new(),
        };
        self.company = specialists.map(company);
    }

    /// Learns one closed bar of a positive price in `regime`, the one with hysteresis, and answers the exposure of
    /// every arm from 0 to 1, in the order of [`ARMS`].
    pub fn learn(&mut self, at: Timestamp, candle: &Candle, regime: Option<Regime>) -> [f64; ARMS.len()] {
        let mut exposures = [0.0; ARMS.len()];
        let (families, specialists) = exposures.split_at_mut(FAMILIES);
        families.copy_from_slice(&self.families.learn(candle.close));
        if let Some(company) = &mut self.company {
            specialists.copy_from_slice(&company.learn(at, candle, regime));
        }
        exposures
    }

    /// `missing` bars are missing before one that opens at `open`. Virtual positions are kept, unless too much is
    /// missing for the measures to go on.
    pub fn bridge(&mut self, missing: u32, open: f64) {
        self.families.bridge(missing, open);
        if let Some(company) = &mut self.company
            && !company.measurer.bridge(missing, open)
        {
            company.leave();
        }
    }

    /// Forgets everything; virtual positions are left.
    pub fn forget(&mut self) {
        self.families.clear();
        if let Some(company) = &mut self.company {
            company.measurer.forget();
            company.leave();
        }
    }
}

impl Company {
    fn leave(&mut self) {
        for arm in &mut self.arms {
            arm.leave(Exit::Gap);
        }
    }

    fn learn(&mut self, at: Timestamp, candle: &Candle, regime: Option<Regime>) -> [f64; 4] {
        let measures = self.measurer.learn(candle);
        for arm in &mut self.arms {
            let own = arm.specialist().regime;
            if regime == Some(Regime::Crisis) && own != Regime::Crisis {
                arm.leave(Exit::Crisis);
            }
            let leave = if regime == Some(own) { Leave::ToEnter } else { Leave::ToManage };
            arm.step(at, candle.close, measures.as_ref(), leave);
        }
        self.arms.map(|arm| arm.exposure())
    }
}
