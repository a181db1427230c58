//! Fitting a Gaussian hidden Markov model: expectation-maximisation, then shares of regimes by state.

use engine_core::regime::hmm::{HiddenState, HmmDetector, HmmModel};
use engine_core::regime::usual_move::UsualMove;
use engine_core::regime::{Regime, RegimeDetector};

use super::recogniser::{Recogniser, TrainingBars};

/// Where the four states begin: deviation and mean in usual moves.
const BEGINNINGS: [(f64, f64); STATES] = [(0.5, 0.0), (0.9, 0.1), (1.4, 0.0), (2.5, -0.2)];
const STATES: usize = 4;
const STAY: f64 = 0.95;
const ROUNDS_MAX: usize = 60;
/// Log-likelihood a bar must gain by for another round.
const GAIN_MIN: f64 = 1e-5;
/// Deviations are not fitted below this, so that no state collapses onto a price that stood still.
const DEVIATION_MIN: f64 = 0.05;
/// Fewer labelled returns than this make no fit.
const LABELLED_MIN: usize = 200;
/// Bars of each regime added to each state, so that no share is exactly none.
const SHARE_PRIOR: f64 = 0.5;

/// Returns in usual moves of one stretch without gaps, with the label of each.
type Stretch = Vec<(f64, Option<Regime>)>;

/// A model of four hidden states fitted on `training`; `None` with fewer than 200 labelled returns.
///
/// Transitions, means and deviations by the algorithm of Baum and Welch (1970) on all returns in usual moves,
/// begun at fixed values, so equal lessons give equal models; then each state's shares of the regimes from how
/// likely the *forward* filter held it on labelled bars, as the filter is all that a detector will have.
#[must_use]
pub fn fitted_hmm(training: &TrainingBars) -> Option<HmmModel> {
    let stretches = stretches(training);
    let labelled = stretches.iter().flatten().filter(|(_, label)| label.is_some()).count();
    if labelled < LABELLED_MIN {
        return None;
    }
    let mut model = beginning();
    let mut likelihood = f64::MIN;
    for _ in 0..ROUNDS_MAX {
        let mut counts = Expected::default();
        for stretch in &stretches {
            counts.add(&model, stretch);
        }
        let gained = counts.likelihood - likelihood;
        likelihood = counts.likelihood;
        model = counts.model();
        if gained < GAIN_MIN * labelled as f64 {
            break;
        }
    }
    share_regimes(&mut model, &stretches);
    model.validated().ok()
}

/// A hidden Markov model fitted anew each year on what was known by then.
#[must_use]
pub fn hmm_refitted() -> Recogniser {
    Recogniser::Yearly(Box::new(|training| {
        let detector = HmmDetector::new(fitted_hmm(training)?).ok()?;
        Some(Box::new(detector) as Box<dyn RegimeDetector>)
    }))
}

/// The moves across short holes are returns without a label; a long hole ends a stretch.
fn stretches(training: &TrainingBars) -> Vec<Stretch> {
    let TrainingBars { series, labels } = training;
    let mut usual = UsualMove::default();
    let segments = series.stretches(UsualMove::DEVIATION_BARS).into_iter().map(|segment| {
        let mut known = Stretch::new();
        for at in segment {
            let Some((bar, label)) = series.bars().get(at).zip(labels.get(at)) else { continue };
            known.extend(usual.bridge(series.missing_before(at), bar.open).map(|moved| (moved, None)));
            known.extend(usual.learn(bar.close).map(|moved| (moved, *label)));
        }
        known
    });
    segments.filter(|stretch| !stretch.is_empty()).collect()
}

fn beginning() -> HmmModel {
    let states = BEGINNINGS.iter().enumerate().map(|(place, (deviation, mean))| {
        let leave = (1.0 - STAY) / (STATES - 1) as f64;
        let next = (0..STATES).map(|other| if other == place { STAY } else { leave }).collect();
        let (first, regimes) = (1.0 / STATES as f64, [0.25; 4]);
        HiddenState { mean: *mean, deviation: *deviation, first, next, regimes }
    });
    HmmModel { states: states.collect() }
}

/// Density of a return in each state; scaled so that the largest is not lost, with the logarithm of the scale.
fn densities(model: &HmmModel, moved: f64) -> ([f64; STATES], f64) {
    let mut logs = [f64::MIN; STATES];
    for (log, state) in logs.iter_mut().zip(&model.states) {
        let distance = (moved - state.mean) / state.deviation;
        *log = -0.5 * distance * distance - libm::log(state.deviation);
    }
    let highest = logs.iter().copied().fold(f64::MIN, f64::max);
    (logs.map(|log| libm::exp(log - highest)), highest)
}

/// What the forward pass knows of one return.
#[derive(Debug, Clone, Copy)]
struct Filtered {
    /// Density in each state, up to a factor.
    density: [f64; STATES],
    /// Chance of each state given the returns up to this one.
    chances: [f64; STATES],
}

/// The forward pass over one stretch, with the logarithm of its likelihood.
fn forward(model: &HmmModel, stretch: &Stretch) -> (Vec<Filtered>, f64) {
    let mut chances: [f64; STATES] = [0.0; STATES];
    for (chance, state) in chances.iter_mut().zip(&model.states) {
        *chance = state.first;
    }
    let mut likelihood = 0.0;
    let mut all = Vec::with_capacity(stretch.len());
    for (at, (moved, _)) in stretch.iter().enumerate() {
        let mut predicted = if at == 0 { chances } else { [0.0; STATES] };
        for (chance, state) in chances.iter().zip(&model.states).filter(|_| at > 0) {
            for (sum, next) in predicted.iter_mut().zip(&state.next) {
                *sum += chance * next;
            }
        }
        let (density, scale) = densities(model, *moved);
        for (chance, density) in predicted.iter_mut().zip(density) {
            *chance *= density;
        }
        let total = predicted.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        likelihood += libm::log(total) + scale;
        chances = predicted.map(|chance| chance / total);
        all.push(Filtered { density, chances });
    }
    (all, likelihood)
}

/// What is expected of the hidden states under one model: the sums the next model is made of.
#[derive(Debug, Default)]
struct Expected {
    likelihood: f64,
    first: [f64; STATES],
    moves: [[f64; STATES]; STATES],
    weight: [f64; STATES],
    sum: [f64; STATES],
    squares: [f64; STATES],
}

impl Expected {
    fn add(&mut self, model: &HmmModel, stretch: &Stretch) {
        let (filtered, likelihood) = forward(model, stretch);
        self.likelihood += likelihood;
        // Chances of what comes after a bar, given its state, up to a factor.
        let mut after = [1.0; STATES];
        for (at, (moved, _)) in stretch.iter().enumerate().rev() {
            let Some(now) = filtered.get(at) else { continue };
            let mut held = now.chances;
            for (chance, after) in held.iter_mut().zip(after) {
                *chance *= after;
            }
            let total = held.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            self.hold(held.map(|chance| chance / total), *moved, at == 0);
            let Some(before) = at.checked_sub(1).and_then(|before| filtered.get(before)) else { continue };
            after = self.cross(model, &before.chances, &now.density, &after);
        }
    }

    fn hold(&mut self, held: [f64; STATES], moved: f64, is_first: bool) {
        for (place, chance) in held.into_iter().enumerate() {
            self.weight[place] += chance;
            self.sum[place] += chance * moved;
            self.squares[place] += chance * moved * moved;
            self.first[place] += if is_first { chance } else { 0.0 };
        }
    }

    /// Counts the transitions from the bar before; answers what comes after that bar.
    fn cross(
        &mut self,
        model: &HmmModel,
        before: &[f64; STATES],
        density: &[f64; STATES],
        after: &[f64; STATES],
    ) -> [f64; STATES] {
        let mut joint = [[0.0; STATES]; STATES];
        let mut earlier = [0.0; STATES];
        for (from, state) in model.states.iter().enumerate() {
            for (to, next) in state.next.iter().enumerate() {
                let coming = next * density[to] * after[to];
                joint[from][to] = before[from] * coming;
                earlier[from] += coming;
            }
        }
        let total = joint.iter().flatten().sum::<f64>().max(f64::MIN_POSITIVE);
        for (row, joint) in self.moves.iter_mut().zip(joint) {
            for (sum, chance) in row.iter_mut().zip(joint) {
                *sum += chance / total;
            }
        }
        let largest = earlier.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        earlier.map(|chance| chance / largest)
    }

    fn model(&self) -> HmmModel {
        let begun = self.first.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let states = (0..STATES).map(|place| {
            let weight = self.weight[place].max(f64::MIN_POSITIVE);
            let mean = self.sum[place] / weight;
            let variance = (self.squares[place] / weight - mean * mean).max(0.0);
            let left = self.moves[place].iter().sum::<f64>();
            let stays = |other: usize| if other == place { 1.0 } else { 0.0 };
            // A state never left towards anything has not been met: it stays as it is.
            let next = self.moves[place].iter().enumerate();
            let next = next.map(|(other, sum)| if left > 1e-9 { sum / left } else { stays(other) });
            HiddenState {
                mean,
                deviation: variance.sqrt().max(DEVIATION_MIN),
                first: self.first[place] / begun,
                next: next.collect(),
                regimes: [0.25; 4],
            }
        });
        HmmModel { states: states.collect() }
    }
}

fn share_regimes(model: &mut HmmModel, stretches: &[Stretch]) {
    let mut shares = [[SHARE_PRIOR; 4]; STATES];
    for stretch in stretches {
        let (filtered, _) = forward(model, stretch);
        let labelled = filtered.iter().zip(stretch).filter_map(|(now, (_, label))| Some((now, (*label)?)));
        for (now, label) in labelled {
            for (row, chance) in shares.iter_mut().zip(now.chances) {
                row[label.index()] += chance;
            }
        }
    }
    for (state, row) in model.states.iter_mut().zip(shares) {
        let total: f64 = row.iter().sum();
        state.regimes = row.map(|share| share / total);
    }
}
