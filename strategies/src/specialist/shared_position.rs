//! Four specialists and one position: who may enter, who manages, and what a change of regime does.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use engine_core::time::Timestamp;
use serde::Serialize;

use super::measures::Measurer;
use super::policy::{Exit, Specialist};
use super::sleeve::{Act, EntryPermission, Sleeve};

/// What is left of a position when a crisis begins and the policy is to reduce.
pub const CRISIS_SHARE: f64 = 0.5;

/// What becomes of a position when the regime changes, a crisis apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnChange {
    /// The specialist that entered it manages it to its own exit; until then nobody else enters.
    Hold,
    /// The specialist of the new regime takes it over, entry and age included, and manages it by its own genes.
    HandOver,
    /// It is closed; the specialist of the new regime may enter from the next bar on.
    Flatten,
}

/// What becomes of a position when a crisis begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InCrisis {
    /// It is closed, and nothing is entered until the crisis is over.
    Flatten,
    /// It is halved; who entered it manages the rest, and the crisis specialist may enter once that is gone.
    Reduce,
    /// Who entered it manages it, and the crisis specialist may enter once it is gone.
    Hold,
}

/// One position passed between specialists.
#[derive(Debug, Clone)]
pub struct SharedPosition {
    /// One per regime, in the order of [`Regime::ALL`]; at most one holds something.
    sleeves: [Sleeve; 4],
    funded: [bool; 4],
    on_change: OnChange,
    in_crisis: InCrisis,
    holder: Regime,
    regime: Option<Regime>,
    measurer: Measurer,
}

impl SharedPosition {
    /// A shared position that holds nothing; a specialist that is not `funded` never enters and takes nothing over.
    #[must_use]
    pub fn new(
        specialists: [Specialist; 4],
        funded: [bool; 4],
        on_change: OnChange,
        in_crisis: InCrisis,
    ) -> Self {
        Self {
            sleeves: specialists.map(Sleeve::new),
            funded,
            on_change,
            in_crisis,
            holder: Regime::Ranging,
            regime: None,
            measurer: Measurer::new(),
        }
    }

    /// One closed bar in `regime`; `None` while the detector has too little history, when nothing is entered.
    pub fn step(&mut self, at: Timestamp, candle: &Candle, regime: Option<Regime>) -> Act {
        let measures = self.measurer.learn(candle);
        let changed = match (self.regime, regime) {
            (Some(before), Some(now)) if before != now => self.change(now),
            (Some(_) | None, Some(_) | None) => Act::Nothing,
        };
        if regime.is_some() {
            self.regime = regime;
        }
        if let Act::Left(_) = changed {
            return changed;
        }
        let is_flat = self.sleeve(self.holder).position().is_none();
        let leave = match regime {
            Some(now) if is_flat && self.may_enter(now) => {
                self.holder = now;
                EntryPermission::ToEnter
            }
            Some(_) | None => EntryPermission::ToManage,
        };
        let act = self.sleeve_mut(self.holder).step(at, candle.close, measures.as_ref(), leave);
        if act == Act::Nothing { changed } else { act }
    }

    /// `missing` bars are missing before one that opens at `open`. What is held is kept, unless too much is missing
    /// for the measures to go on: then it is left.
    pub fn bridge(&mut self, missing: u32, open: f64) -> Act {
        if self.measurer.bridge(missing, open) {
            return Act::Nothing;
        }
        self.regime = None;
        self.sleeve_mut(self.holder).leave(Exit::Gap)
    }

    /// Share of equity held, from 0 to the holder's cap.
    #[must_use]
    pub fn exposure(&self) -> f64 {
        self.sleeve(self.holder).exposure()
    }

    /// The specialist that manages the position, or entered last.
    #[must_use]
    pub fn holder(&self) -> &Specialist {
        self.sleeve(self.holder).specialist()
    }

    const fn sleeve(&self, regime: Regime) -> &Sleeve {
        &self.sleeves[regime.index()]
    }

    const fn sleeve_mut(&mut self, regime: Regime) -> &mut Sleeve {
        &mut self.sleeves[regime.index()]
    }

    fn may_enter(&self, regime: Regime) -> bool {
        let sits_out = regime == Regime::Crisis && self.in_crisis == InCrisis::Flatten;
        self.funded[regime.index()] && !sits_out
    }

    /// What the policies make of a change to `now`.
    fn change(&mut self, now: Regime) -> Act {
        let holder = self.holder;
        match (now, self.in_crisis, self.on_change) {
            (Regime::Crisis, InCrisis::Flatten, _) => self.sleeve_mut(holder).leave(Exit::Crisis),
            (Regime::Crisis, InCrisis::Reduce, _) => self.sleeve_mut(holder).reduce(CRISIS_SHARE),
            (Regime::Crisis, InCrisis::Hold, _) | (_, _, OnChange::Hold) => Act::Nothing,
            (_, _, OnChange::Flatten) => self.sleeve_mut(holder).leave(Exit::Regime),
            (_, _, OnChange::HandOver) => self.hand_over(now),
        }
    }

    fn hand_over(&mut self, now: Regime) -> Act {
        let holder = self.holder;
        if holder == now || self.sleeve(holder).position().is_none() {
            return Act::Nothing;
        }
        if !self.funded[now.index()] {
            return self.sleeve_mut(holder).leave(Exit::Regime);
        }
        let mut giver = *self.sleeve(holder);
        self.sleeve_mut(now).take_over(&mut giver);
        *self.sleeve_mut(holder) = giver;
        self.holder = now;
        Act::Nothing
    }
}

engine_core::learned!(SharedPosition {
    settings: [funded, on_change, in_crisis],
    values: [holder, regime],
    parts: [sleeves, measurer]
});
