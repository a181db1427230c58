//! A statistical jump model read online: centres in a space of features, and a price for every change of state.
//!
//! A sequence of states costs half the squared distance of each bar's features from the centre of its state, and
//! `penalty` for every change (Nystrup, Lindström and Madsen 2020). On each bar the least cost of any sequence
//! that ends in each state is brought forward in O(K): `V(k) ← ½‖x − c_k‖² + min(V(k), min V + penalty)`; the state
//! is the end of the cheapest sequence, as Shu, Yu and Mulvey (arXiv 2402.05272) read their model day by day.
//! Features are after theirs, of returns in usual moves ([`UsualMove`]) and exponentially weighted: the logarithm of
//! the deviation and of the downside deviation with a half-life of 5 bars, and mean over downside deviation (Sortino
//! ratio) with one of 10, each standardised with the mean and deviation it had when the model was fitted. They are
//! shorter than those of the paper, whose two states last for years, and know volatility on both sides.
//! States have no names: each carries the shares of the four regimes it was met with, which are the posterior.

use super::regime_age::{RegimeAge, likeliest};
use super::usual_move::UsualMove;
use super::{RegimeDetector, RegimeReading};
use crate::indicator::Candle;
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use crate::real::Real;

/// How many features a bar has.
pub const JUMP_FEATURES: usize = 3;

/// Bars until half of the weight of a return is gone: in deviations, and in the Sortino ratio.
const HALF_LIVES: [f64; 2] = [5.0, 10.0];
/// A deviation is not taken for less, in usual moves: prices that only rise have no downside.
const DEVIATION_MIN: f64 = 0.05;
/// Returns before the first features.
const WARM_BARS: u32 = 30;
/// Standardised features are held within this many deviations.
const FEATURE_MAX: f64 = 10.0;

/// One state of the market.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct JumpState {
    /// Where its bars lie, in standardised features.
    pub centre: [f64; JUMP_FEATURES],
    /// Share of each regime among its bars, in the order of [`Regime::ALL`](super::Regime::ALL).
    pub regimes: [f64; 4],
}

/// A fitted model.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct JumpModel {
    /// Mean of each feature where the model was fitted.
    pub means: [f64; JUMP_FEATURES],
    /// Deviation of each feature where the model was fitted.
    pub deviations: [f64; JUMP_FEATURES],
    /// Price of a change of state.
    pub penalty: f64,
    /// The states; at least one.
    pub states: Vec<JumpState>,
}

/// Why numbers make no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JumpError {
    /// There is no state.
    #[error("a jump model needs states")]
    Empty,
    /// A number is not finite, a deviation not positive, the penalty negative or shares do not sum to one.
    #[error(
        "a jump model needs finite numbers, positive deviations, a penalty from 0 and shares that sum to one"
    )]
    Numbers,
}

impl JumpModel {
    /// Checks that these numbers make a model.
    ///
    /// # Errors
    /// [`JumpError`] naming the first rule broken.
    pub fn validated(self) -> Result<Self, JumpError> {
        let shares_sound = |state: &JumpState| {
            let sum: f64 = state.regimes.iter().sum();
            state.regimes.iter().all(|share| (0.0..=1.0 + 1e-9).contains(share)) && (sum - 1.0).abs() < 1e-3
        };
        let centres = self.states.iter().flat_map(|state| state.centre);
        let finite = centres.chain(self.means).chain(self.deviations).all(f64::is_finite);
        let positive = self.deviations.iter().all(|deviation| *deviation > 0.0);
        let penalty = self.penalty.is_finite() && self.penalty >= 0.0;
        if self.states.is_empty() {
            return Err(JumpError::Empty);
        }
        let sound = finite && positive && penalty && self.states.iter().all(shares_sound);
        if sound { Ok(self) } else { Err(JumpError::Numbers) }
    }

    /// `features` in deviations from their mean, each within ±10.
    #[must_use]
    pub fn standardised(&self, features: &[f64; JUMP_FEATURES]) -> [f64; JUMP_FEATURES] {
        let mut standard = *features;
        for ((value, mean), deviation) in standard.iter_mut().zip(self.means).zip(self.deviations) {
            *value = ((*value - mean) / deviation).clamp(-FEATURE_MAX, FEATURE_MAX);
        }
        standard
    }
}

/// Half the squared distance between two points.
#[must_use]
pub fn jump_loss(point: &[f64; JUMP_FEATURES], centre: &[f64; JUMP_FEATURES]) -> f64 {
    point.iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / 2.0
}

/// Exponentially weighted sums of returns.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq)]
struct Weighted {
    weight: f64,
    sum: f64,
    squares: f64,
    downside_squares: f64,
}

impl Weighted {
    fn add(&mut self, moved: f64, half_life: f64) {
        let kept = libm::exp2(-1.0 / half_life);
        let downside = moved.min(0.0);
        self.weight = kept * self.weight + 1.0;
        self.sum = kept * self.sum + moved;
        self.squares = kept * self.squares + moved * moved;
        self.downside_squares = kept * self.downside_squares + downside * downside;
    }

    /// `missing` bars of which nothing is known: what is known grows old.
    fn pass_over(&mut self, missing: u32, half_life: f64) {
        let kept = libm::exp2(-f64::from(missing) / half_life);
        self.weight *= kept;
        self.sum *= kept;
        self.squares *= kept;
        self.downside_squares *= kept;
    }

    fn deviation(&self) -> f64 {
        (self.squares / self.weight).sqrt().max(DEVIATION_MIN)
    }

    fn downside_deviation(&self) -> f64 {
        (self.downside_squares / self.weight).sqrt().max(DEVIATION_MIN)
    }

    fn sortino(&self) -> f64 {
        self.sum / self.weight / self.downside_deviation()
    }
}

/// The features of each bar, for the detector and for whoever fits a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JumpFeatures {
    usual: UsualMove,
    short: Weighted,
    long: Weighted,
    returns: u32,
}

impl JumpFeatures {
    /// Learns a close and answers its features, not standardised; `None` before bar 230.
    pub fn learn(&mut self, close: f64) -> Option<[f64; JUMP_FEATURES]> {
        let moved = self.usual.learn(close)?;
        self.add(moved)
    }

    /// `missing` bars are missing before one that opens at `open`: the move across them is one observation, and
    /// as many of the returns before it count no longer for the first features.
    pub fn bridge(&mut self, missing: u32, open: f64) {
        if missing == 0 {
            return;
        }
        let crossed = self.usual.bridge(missing, open);
        let unknown = missing - u32::from(crossed.is_some());
        let [short, long] = HALF_LIVES;
        self.short.pass_over(unknown, short);
        self.long.pass_over(unknown, long);
        // Twice the warm-up bears a gap as long as the warm-up.
        self.returns = self.returns.min(2 * WARM_BARS).saturating_sub(unknown);
        if let Some(moved) = crossed {
            let _ = self.add(moved);
        }
    }

    fn add(&mut self, moved: f64) -> Option<[f64; JUMP_FEATURES]> {
        let [short, long] = HALF_LIVES;
        self.short.add(moved, short);
        self.long.add(moved, long);
        self.returns = self.returns.saturating_add(1);
        let deviations = [self.short.deviation(), self.short.downside_deviation()];
        let [deviation, downside] = deviations.map(libm::log);
        (self.returns >= WARM_BARS).then(|| [deviation, downside, self.long.sortino()])
    }
}

/// A [`JumpModel`] read online over the bars of one market. The first reading comes with bar 230.
#[derive(Clone, Debug, PartialEq)]
pub struct JumpDetector {
    model: JumpModel,
    features: JumpFeatures,
    costs: Vec<f64>,
    age: RegimeAge,
}

impl JumpDetector {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`JumpError`] where the numbers make no model.
    pub fn new(model: JumpModel) -> Result<Self, JumpError> {
        let model = model.validated()?;
        let costs = vec![0.0; model.states.len()];
        Ok(Self { model, features: JumpFeatures::default(), costs, age: RegimeAge::default() })
    }

    /// Brings the costs forward by one point of standardised features and answers the state it is in, from 0.
    fn step(&mut self, point: &[f64; JUMP_FEATURES]) -> usize {
        let least = self.costs.iter().copied().fold(f64::MAX, f64::min);
        let jumped = least + self.model.penalty;
        for (cost, state) in self.costs.iter_mut().zip(&self.model.states) {
            // Costs are kept relative to the least one, or they would grow for ever.
            *cost = cost.min(jumped) - least + jump_loss(point, &state.centre);
        }
        let cheapest = self.costs.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
        cheapest.map_or(0, |(state, _)| state)
    }
}

impl RegimeDetector for JumpDetector {
    crate::can_be_taken_up!();

    fn learn(&mut self, bar: &Candle) -> Option<RegimeReading> {
        let features = self.features.learn(bar.close)?;
        let state = self.step(&self.model.standardised(&features));
        let posterior = self.model.states.get(state).map_or([0.25; 4], |state| state.regimes);
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
        self.features.bridge(missing, open);
        self.age.wait(missing);
    }

    fn forget(&mut self) {
        self.features = JumpFeatures::default();
        self.costs.fill(0.0);
        self.age = RegimeAge::default();
    }
}

crate::learned!(JumpFeatures { values: [short, long, returns], parts: [usual] });

impl Learned for JumpDetector {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.model);
        notes.value(&self.costs);
        notes.part(&self.features);
        notes.part(&self.age);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.model)?;
        notes.fill(&mut self.costs)?;
        notes.part(&mut self.features)?;
        notes.part(&mut self.age)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Regime;
    use super::*;

    fn model(penalty: f64) -> JumpModel {
        let state = |at: f64, regime: usize| {
            let mut regimes = [0.0; 4];
            regimes[regime] = 1.0;
            JumpState { centre: [at; JUMP_FEATURES], regimes }
        };
        let states = vec![state(-1.0, 0), state(0.5, 1), state(2.0, 3)];
        JumpModel { means: [0.0; 3], deviations: [1.0; 3], penalty, states }
    }

    /// The cheapest of all sequences of states, by trying each; answers its last state.
    fn by_enumeration(model: &JumpModel, points: &[[f64; 3]]) -> (f64, usize) {
        let count = model.states.len();
        let mut best = (f64::MAX, 0);
        for path in 0..count.pow(points.len() as u32) {
            let at = |place: usize| path / count.pow(place as u32) % count;
            let losses = points.iter().enumerate();
            let losses = losses.map(|(place, point)| jump_loss(point, &model.states[at(place)].centre));
            let jumps = (1..points.len()).filter(|place| at(*place) != at(place - 1)).count();
            let cost = losses.sum::<f64>() + jumps as f64 * model.penalty;
            if cost < best.0 {
                best = (cost, at(points.len() - 1));
            }
        }
        best
    }

    #[test]
    fn numbers_that_make_no_model_are_refused() {
        assert_eq!(JumpModel { states: Vec::new(), ..model(1.0) }.validated(), Err(JumpError::Empty));
        let spoils: [fn(&mut JumpModel); 4] = [
            |model| model.penalty = -1.0,
            |model| model.deviations[1] = 0.0,
            |model| model.states[0].centre[2] = f64::NAN,
            |model| model.states[0].regimes[0] = 0.5,
        ];
        for spoil in spoils {
            let mut broken = model(1.0);
            spoil(&mut broken);
            assert_eq!(broken.validated(), Err(JumpError::Numbers));
        }
    }

    #[test]
    fn a_higher_jump_penalty_delays_the_change() {
        let first_jump = |penalty: f64| {
            let mut detector = JumpDetector::new(model(penalty)).unwrap();
            for _ in 0..20 {
                detector.step(&[-1.0; 3]);
            }
            (0..100).position(|_| detector.step(&[2.0; 3]) == 2).unwrap()
        };
        assert_eq!(first_jump(0.0), 0);
        // Each bar in the wrong state costs 13.5, so a penalty of 50 is paid with the fourth.
        assert_eq!(first_jump(50.0), 3);
    }

    #[test]
    fn bars_are_read_and_forgotten() {
        let mut detector = JumpDetector::new(model(5.0)).unwrap();
        let mut close = 100.0;
        let mut readings = Vec::new();
        for bar in 0..400 {
            close *= if bar % 2 == 0 { 1.01 } else { 0.985 };
            readings.push(detector.learn(&Candle::at(close)));
        }
        assert_eq!(readings.iter().position(Option::is_some), Some(229));
        let last = readings[399].unwrap();
        assert_eq!(last.regime, Regime::ALL[likeliest(&last.posterior.map(Real::get)).index()]);
        detector.forget();
        assert_eq!(detector, JumpDetector::new(model(5.0)).unwrap());
    }

    proptest! {
        #[test]
        fn the_state_ends_the_cheapest_of_all_sequences(
            points in prop::collection::vec(prop::array::uniform3(-3.0_f64..3.0), 1..8), penalty in 0.0_f64..12.0,
        ) {
            let mut detector = JumpDetector::new(model(penalty)).unwrap();
            let state = points.iter().map(|point| detector.step(point)).last().unwrap();
            prop_assert_eq!(state, by_enumeration(&model(penalty), &points).1);
        }

        #[test]
        fn features_are_numbers(
            closes in prop::collection::vec(prop_oneof![Just(5.0), 1e-9_f64..1e9], 270..300),
            gaps in prop::collection::vec((0_usize..300, 0_u32..800), 0..4),
        ) {
            let mut features = JumpFeatures::default();
            let known = closes.iter().enumerate().filter_map(|(at, close)| {
                gaps.iter().filter(|(place, _)| *place == at).for_each(|(_, missing)| features.bridge(*missing, *close));
                features.learn(*close)
            });
            let known: Vec<_> = known.collect();
            prop_assert!(known.into_iter().flatten().all(f64::is_finite));
        }
    }
}
