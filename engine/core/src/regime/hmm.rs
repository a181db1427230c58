//! A Gaussian hidden Markov model read forwards: which hidden state the returns so far speak for.
//!
//! The market is in one of K hidden states; each gives returns a normal distribution and leads to the next by
//! fixed chances (Hamilton 1989). On each bar the chances of the states given all returns so far are brought
//! forward in O(K²): predicted through the transitions, weighed by the density of the return, made to sum to one.
//! States have no names: each carries the shares of the four regimes it was met with when the model was fitted,
//! and the posterior is their mixture. Returns are in usual moves ([`UsualMove`]), so a model fitted on one asset
//! can be read on another.

use super::regime_age::{RegimeAge, likeliest};
use super::usual_move::UsualMove;
use super::{RegimeDetector, RegimeReading};
use crate::indicator::Candle;
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use crate::real::Real;

/// Least deviation of a state's returns: a narrower one would make all others impossible.
const DEVIATION_MIN: f64 = 1e-3;
/// Missing bars in a row after which it begins anew: as many as the usual move reaches back.
const FORGOTTEN_BARS: u32 = 730;

/// One hidden state.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct HiddenState {
    /// Mean return, in usual moves.
    pub mean: f64,
    /// Deviation of returns, in usual moves.
    pub deviation: f64,
    /// Chance of beginning here.
    pub first: f64,
    /// Chance of each state on the next bar.
    pub next: Vec<f64>,
    /// Share of each regime among the bars this state stood for, in the order of [`Regime::ALL`](super::Regime::ALL).
    pub regimes: [f64; 4],
}

/// A fitted model: its hidden states.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
#[serde(transparent)]
pub struct HmmModel {
    /// The states; at least one.
    pub states: Vec<HiddenState>,
}

/// Why states make no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HmmError {
    /// There is no state, or a state does not name a chance for every state.
    #[error("a hidden Markov model needs states, each with a chance for every state")]
    Shape,
    /// Chances do not sum to one, or a number is not finite, or a deviation is too small.
    #[error("state {state}: chances must sum to one and the deviation be at least {DEVIATION_MIN}")]
    Numbers {
        /// The state, from 0.
        state: usize,
    },
}

/// Whether these are chances that sum to one within rounding of printed digits.
fn are_chances(chances: &[f64]) -> bool {
    let sum: f64 = chances.iter().sum();
    chances.iter().all(|chance| (0.0..=1.0 + 1e-9).contains(chance)) && (sum - 1.0).abs() < 1e-3
}

impl HmmModel {
    /// Checks that these states make a model.
    ///
    /// # Errors
    /// [`HmmError`] naming the first rule broken.
    pub fn validated(self) -> Result<Self, HmmError> {
        let count = self.states.len();
        if count == 0 || self.states.iter().any(|state| state.next.len() != count) {
            return Err(HmmError::Shape);
        }
        for (number, state) in self.states.iter().enumerate() {
            let sound = state.mean.is_finite() && state.deviation.is_finite();
            let sound = sound && state.deviation >= DEVIATION_MIN;
            if !sound || !are_chances(&state.next) || !are_chances(&state.regimes) {
                return Err(HmmError::Numbers { state: number });
            }
        }
        let first: Vec<f64> = self.states.iter().map(|state| state.first).collect();
        if are_chances(&first) { Ok(self) } else { Err(HmmError::Numbers { state: 0 }) }
    }

    /// Logarithm of a state's density at `moved`, without the constant all states share.
    fn log_density(state: &HiddenState, moved: f64) -> f64 {
        let distance = (moved - state.mean) / state.deviation;
        -0.5 * distance * distance - libm::log(state.deviation)
    }

    /// Weighs the predicted chances in `states` by the densities at `moved`.
    fn weigh(&self, chances: &mut [f64], moved: f64) {
        let logs = || self.states.iter().map(|state| Self::log_density(state, moved));
        let highest = logs().fold(f64::MIN, f64::max);
        let before: f64 = chances.iter().sum();
        let mut total = 0.0;
        for (chance, log) in chances.iter_mut().zip(logs()) {
            *chance *= libm::exp(log - highest);
            total += *chance;
        }
        // Where the likeliest states are out of reach everything may round to nothing: then nothing was learned.
        let even = before / self.states.len() as f64;
        for chance in chances {
            *chance = if total > 0.0 { *chance / total } else { even };
        }
    }
}

/// The forward filter of an [`HmmModel`] over the bars of one market.
///
/// The regime it names is the likeliest; there is no hysteresis, the filter's own memory is enough. The first
/// reading comes with bar 201.
#[derive(Clone, Debug, PartialEq)]
pub struct HmmDetector {
    model: HmmModel,
    usual: UsualMove,
    chances: Vec<f64>,
    predicted: Vec<f64>,
    age: RegimeAge,
}

impl HmmDetector {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`HmmError`] where the states make no model.
    pub fn new(model: HmmModel) -> Result<Self, HmmError> {
        Ok(Self::of(model.validated()?))
    }

    fn of(model: HmmModel) -> Self {
        let predicted: Vec<f64> = model.states.iter().map(|state| state.first).collect();
        let chances = Vec::new();
        Self { model, usual: UsualMove::default(), chances, predicted, age: RegimeAge::default() }
    }

    /// The chances of the hidden states after the last bar; empty before the first reading.
    #[must_use]
    pub fn chances(&self) -> &[f64] {
        &self.chances
    }

    /// Brings the chances forward by one return in usual moves.
    fn step(&mut self, moved: f64) {
        self.predict();
        self.chances.clone_from(&self.predicted);
        self.model.weigh(&mut self.chances, moved);
    }

    /// The chances of the next bar, from those of the last one.
    fn predict(&mut self) {
        if self.chances.is_empty() {
            return;
        }
        self.predicted.fill(0.0);
        for (chance, state) in self.chances.iter().zip(&self.model.states) {
            for (sum, next) in self.predicted.iter_mut().zip(&state.next) {
                *sum += chance * next;
            }
        }
    }

    /// Bars of which nothing is known: the chances move on by themselves.
    fn pass_over(&mut self, missing: u32) {
        for _ in 0..missing {
            self.predict();
            if !self.chances.is_empty() {
                self.chances.clone_from(&self.predicted);
            }
        }
    }

    fn posterior(&self) -> [f64; 4] {
        let mut mixed = [0.0; 4];
        for (chance, state) in self.chances.iter().zip(&self.model.states) {
            for (sum, share) in mixed.iter_mut().zip(state.regimes) {
                *sum += chance * share;
            }
        }
        let total: f64 = mixed.iter().sum();
        mixed.map(|sum| if total > 0.0 { sum / total } else { 0.25 })
    }
}

impl RegimeDetector for HmmDetector {
    crate::can_be_taken_up!();

    fn learn(&mut self, bar: &Candle) -> Option<RegimeReading> {
        let moved = self.usual.learn(bar.close)?;
        self.step(moved);
        let posterior = self.posterior();
        let regime = likeliest(&posterior);
        Some(RegimeReading {
            regime,
            raw: regime,
            posterior: posterior.map(Real::or_zero),
            run_length_bars: self.age.lasted(regime),
            volatility_ratio: Real::ZERO,
            efficiency: Real::ZERO,
            drift: Real::ZERO,
        })
    }

    fn bridge(&mut self, missing: u32, open: f64) {
        if missing == 0 {
            return;
        }
        if missing >= FORGOTTEN_BARS {
            self.forget();
            return;
        }
        let crossed = self.usual.bridge(missing, open);
        self.pass_over(missing - u32::from(crossed.is_some()));
        if let Some(moved) = crossed {
            self.step(moved);
        }
        self.age.wait(missing);
    }

    fn forget(&mut self) {
        *self = Self::of(std::mem::replace(&mut self.model, HmmModel { states: Vec::new() }));
    }
}

impl Learned for HmmDetector {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.model);
        notes.value(&self.chances);
        notes.value(&self.predicted);
        notes.part(&self.usual);
        notes.part(&self.age);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.model)?;
        let count = self.model.states.len();
        self.chances = notes.values(count)?;
        if !self.chances.is_empty() && self.chances.len() != count {
            return Err(Forgotten::Damaged);
        }
        notes.fill(&mut self.predicted)?;
        notes.part(&mut self.usual)?;
        notes.part(&mut self.age)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Regime;
    use super::*;

    fn state(mean: f64, deviation: f64, first: f64, next: &[f64], regime: usize) -> HiddenState {
        let mut regimes = [0.0; 4];
        regimes[regime] = 1.0;
        HiddenState { mean, deviation, first, next: next.to_vec(), regimes }
    }

    fn three() -> HmmModel {
        let states = vec![
            state(0.0, 0.7, 0.5, &[0.9, 0.07, 0.03], 0),
            state(0.4, 0.8, 0.3, &[0.2, 0.8, 0.0], 1),
            state(-0.3, 2.0, 0.2, &[0.1, 0.1, 0.8], 3),
        ];
        HmmModel { states }
    }

    fn density(state: &HiddenState, x: f64) -> f64 {
        let z = (x - state.mean) / state.deviation;
        libm::exp(-0.5 * z * z) / (state.deviation * (2.0 * std::f64::consts::PI).sqrt())
    }

    /// Sums the joint probability of every path of states, by the end state.
    fn by_enumeration(model: &HmmModel, moves: &[f64]) -> Vec<f64> {
        let count = model.states.len();
        let mut ends = vec![0.0; count];
        for path in 0..count.pow(moves.len() as u32) {
            let at = |place: usize| path / count.pow(place as u32) % count;
            let mut joint = model.states[at(0)].first;
            for (place, moved) in moves.iter().enumerate() {
                if place > 0 {
                    joint *= model.states[at(place - 1)].next[at(place)];
                }
                joint *= density(&model.states[at(place)], *moved);
            }
            ends[at(moves.len() - 1)] += joint;
        }
        let total: f64 = ends.iter().sum();
        ends.iter().map(|end| end / total).collect()
    }

    #[test]
    fn what_is_no_model_is_refused() {
        assert_eq!(HmmModel { states: Vec::new() }.validated(), Err(HmmError::Shape));
        let mut lame = three();
        lame.states[1].next.pop();
        assert_eq!(lame.validated(), Err(HmmError::Shape));
        for spoil in [f64::NAN, 0.0, -1.0] {
            let mut broken = three();
            broken.states[2].deviation = spoil;
            assert_eq!(broken.validated(), Err(HmmError::Numbers { state: 2 }));
        }
        let mut leaking = three();
        leaking.states[0].next[0] = 0.5;
        assert_eq!(leaking.validated(), Err(HmmError::Numbers { state: 0 }));
    }

    #[test]
    fn a_wild_market_is_named_and_forgotten() {
        let mut detector = HmmDetector::new(three()).unwrap();
        let mut close = 100.0;
        let mut last = None;
        for bar in 0..400 {
            let size = if bar < 380 { 0.01 } else { 0.03 };
            close *= if bar % 2 == 0 { 1.0 + size } else { 1.0 / (1.0 + size) };
            last = detector.learn(&Candle::at(close));
        }
        let reading = last.unwrap();
        assert_eq!(reading.regime, Regime::Crisis);
        assert!(reading.confidence().get() > 0.9 && reading.run_length_bars > 10, "{reading:?}");
        detector.forget();
        assert_eq!(detector, HmmDetector::new(three()).unwrap());
    }

    #[test]
    fn missing_bars_lead_towards_what_is_usual() {
        let mut detector = HmmDetector::new(three()).unwrap();
        (0..50).for_each(|_| detector.step(4.0));
        let sure = detector.chances().iter().copied().fold(0.0, f64::max);
        detector.pass_over(30);
        let after = detector.chances().iter().copied().fold(0.0, f64::max);
        assert!(after < sure, "{after} {sure}");
        assert!((detector.chances().iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn the_filter_is_the_sum_over_all_paths(moves in prop::collection::vec(-4.0_f64..4.0, 1..8)) {
            let mut detector = HmmDetector::new(three()).unwrap();
            for moved in &moves {
                detector.step(*moved);
            }
            for (found, expected) in detector.chances().iter().zip(by_enumeration(&three(), &moves)) {
                prop_assert!((found - expected).abs() < 1e-12, "{found} {expected}");
            }
        }

        #[test]
        fn no_return_and_no_gap_makes_it_lose_its_finite_state(
            moves in prop::collection::vec((-50.0_f64..=50.0, 0_u32..40), 1..40),
        ) {
            let mut detector = HmmDetector::new(three()).unwrap();
            for (moved, missing) in &moves {
                detector.pass_over(*missing);
                detector.step(*moved);
                let total: f64 = detector.chances().iter().sum();
                prop_assert!((total - 1.0).abs() < 1e-9);
                let posterior = detector.posterior();
                prop_assert!(posterior.iter().all(|chance| (0.0..=1.0 + 1e-9).contains(chance)));
            }
        }
    }
}
