//! A specialist on a virtual position of its own: what a conductor weighs.

use engine_core::time::Timestamp;

use super::measures::Measures;
use super::policy::{Exit, Position, Specialist};

/// Whether a specialist may enter now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryPermission {
    /// The market is in its regime.
    ToEnter,
    /// The market is in another regime: it may keep and leave what it has.
    ToManage,
}

/// What happened to a position on one bar.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Act {
    /// Nothing.
    Nothing,
    /// It was entered.
    Entered,
    /// It had drifted above its cap, or was cut by policy, and was reduced.
    Reduced,
    /// It was left.
    Left(Exit),
}

/// One specialist and its virtual position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sleeve {
    specialist: Specialist,
    position: Option<Position>,
    /// Whether the signal was below the entry since the last exit: a stop is not followed by the same entry.
    is_armed: bool,
}

impl Sleeve {
    /// A sleeve that holds nothing.
    #[must_use]
    pub const fn new(specialist: Specialist) -> Self {
        Self { specialist, position: None, is_armed: true }
    }

    /// The specialist.
    #[must_use]
    pub const fn specialist(&self) -> &Specialist {
        &self.specialist
    }

    /// What it holds.
    #[must_use]
    pub const fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Its exposure from 0 to its cap.
    #[must_use]
    pub fn exposure(&self) -> f64 {
        self.position.map_or(0.0, |position| position.exposure)
    }

    /// One closed bar: values the position, leaves, reduces or enters.
    pub fn step(
        &mut self,
        at: Timestamp,
        close: f64,
        measures: Option<&Measures>,
        permission: EntryPermission,
    ) -> Act {
        if let Some(position) = &mut self.position {
            position.drift(close);
            if let Some(exit) = self.specialist.exit(position, at, close, measures) {
                return self.leave(exit);
            }
            return self.keep_below_cap();
        }
        let Some(measures) = measures else { return Act::Nothing };
        let wants_in = self.specialist.wants_in(measures);
        if !wants_in {
            self.is_armed = true;
        }
        if !wants_in || !self.is_armed || permission == EntryPermission::ToManage {
            return Act::Nothing;
        }
        self.position = Some(self.specialist.entered(at, close, measures));
        Act::Entered
    }

    /// Leaves what is held.
    pub fn leave(&mut self, exit: Exit) -> Act {
        self.is_armed = false;
        match self.position.take() {
            Some(_) => Act::Left(exit),
            None => Act::Nothing,
        }
    }

    /// Holds `share` of what was held, from 0 to 1.
    pub fn reduce(&mut self, share: f64) -> Act {
        let Some(position) = &mut self.position else { return Act::Nothing };
        position.exposure *= share.clamp(0.0, 1.0);
        Act::Reduced
    }

    /// Takes over a position that another specialist entered, its entry and age included.
    pub fn take_over(&mut self, other: &mut Self) {
        self.position = other.position.take();
        other.is_armed = false;
    }

    /// Reduces a position that has drifted above the cap.
    pub fn keep_below_cap(&mut self) -> Act {
        match &mut self.position {
            Some(position) if position.exposure > self.specialist.cap => {
                position.exposure = self.specialist.cap;
                Act::Reduced
            }
            Some(_) | None => Act::Nothing,
        }
    }
}

engine_core::learned!(Sleeve { settings: [specialist], values: [position, is_armed] });
