//! Fitting a statistical jump model: centres and states by turns, then shares of regimes by state.

use engine_core::indicator::missing_bars::breaks;
use engine_core::regime::jump::{JUMP_FEATURES, JumpDetector, JumpFeatures, JumpModel, JumpState, jump_loss};
use engine_core::regime::usual_move::UsualMove;
use engine_core::regime::{Regime, RegimeDetector};

use super::recogniser::{Recogniser, TrainingBars};

/// Price of a change of state.
const PENALTY: f64 = 5.0;
const STATES: usize = 4;
const ROUNDS_MAX: usize = 50;
/// Fewer labelled bars than this make no fit.
const LABELLED_MIN: usize = 200;
/// Bars of each regime added to each state, so that no share is exactly none.
const SHARE_PRIOR: f64 = 0.5;

type Point = [f64; JUMP_FEATURES];

/// One bar: its features, its label and whether it follows the one before without a gap.
#[derive(Debug, Clone, Copy)]
struct Seen {
    point: Point,
    label: Option<Regime>,
    follows: bool,
}

/// A model of four states fitted on `training`; `None` with fewer than 200 labelled bars with features.
///
/// As k-means with a price for jumps (Nystrup, Lindström and Madsen 2020): the cheapest sequence of states for
/// the centres by dynamic programming, then the centres of the sequence, until it stays the same. It begins with
/// the quartiles of the first feature, the deviation, so equal lessons give equal models. Each state's
/// shares of the regimes come from the states the *online* reading was in on labelled bars.
#[must_use]
pub fn fitted_jump_model(training: &TrainingBars) -> Option<JumpModel> {
    let mut seen = features(training);
    if seen.iter().filter(|bar| bar.label.is_some()).count() < LABELLED_MIN {
        return None;
    }
    let (means, deviations) = standards(&seen)?;
    let states = vec![JumpState { centre: [0.0; JUMP_FEATURES], regimes: [0.25; 4] }; STATES];
    let mut model = JumpModel { means, deviations, penalty: PENALTY, states };
    for bar in &mut seen {
        bar.point = model.standardised(&bar.point);
    }
    let mut sequence = quartiles(&seen);
    for _ in 0..ROUNDS_MAX {
        recentre(&mut model, &seen, &sequence);
        let cheapest = cheapest_sequence(&model, &seen);
        if cheapest == sequence {
            break;
        }
        sequence = cheapest;
    }
    share_regimes(&mut model, &seen);
    model.validated().ok()
}

/// A statistical jump model fitted anew each year on what was known by then.
#[must_use]
pub fn jump_refitted() -> Recogniser {
    Recogniser::Yearly(Box::new(|training| {
        let detector = JumpDetector::new(fitted_jump_model(training)?).ok()?;
        Some(Box::new(detector) as Box<dyn RegimeDetector>)
    }))
}

fn features(training: &TrainingBars) -> Vec<Seen> {
    let TrainingBars { series, labels } = training;
    let (mut seen, mut features) = (Vec::new(), JumpFeatures::default());
    let mut follows = false;
    for (at, (bar, label)) in series.bars().iter().zip(labels).enumerate() {
        let missing = series.missing_before(at);
        features.bridge(missing, bar.open);
        follows &= !breaks(missing, UsualMove::DEVIATION_BARS);
        if let Some(point) = features.learn(bar.close) {
            seen.push(Seen { point, label: *label, follows });
            follows = true;
        }
    }
    seen
}

/// Mean and deviation of each feature; `None` where one never changes.
fn standards(seen: &[Seen]) -> Option<(Point, Point)> {
    let count = seen.len() as f64;
    let (mut means, mut squares) = ([0.0; JUMP_FEATURES], [0.0; JUMP_FEATURES]);
    for bar in seen {
        for (mean, value) in means.iter_mut().zip(bar.point) {
            *mean += value / count;
        }
    }
    for bar in seen {
        for ((sum, mean), value) in squares.iter_mut().zip(means).zip(bar.point) {
            *sum += (value - mean) * (value - mean) / count;
        }
    }
    let deviations = squares.map(f64::sqrt);
    deviations.iter().all(|deviation| *deviation > 1e-9).then_some((means, deviations))
}

/// The states to begin with: by the quartile of the first feature.
fn quartiles(seen: &[Seen]) -> Vec<usize> {
    let first = |bar: &Seen| bar.point.first().copied().unwrap_or_default();
    let mut order: Vec<usize> = (0..seen.len()).collect();
    order.sort_by(|a, b| first(&seen[*a]).total_cmp(&first(&seen[*b])));
    let mut sequence = vec![0; seen.len()];
    for (rank, at) in order.into_iter().enumerate() {
        sequence[at] = rank * STATES / seen.len();
    }
    sequence
}

/// Moves each centre to the mean of its bars; a state without bars stays where it is.
fn recentre(model: &mut JumpModel, seen: &[Seen], sequence: &[usize]) {
    let mut sums = [[0.0; JUMP_FEATURES]; STATES];
    let mut counts = [0.0; STATES];
    for (bar, state) in seen.iter().zip(sequence) {
        counts[*state] += 1.0;
        for (sum, value) in sums[*state].iter_mut().zip(bar.point) {
            *sum += value;
        }
    }
    for ((state, sum), count) in model.states.iter_mut().zip(sums).zip(counts) {
        if count > 0.0 {
            state.centre = sum.map(|sum| sum / count);
        }
    }
}

/// Costs of ending in each state after one more bar, and where each came from.
fn advanced(model: &JumpModel, costs: [f64; STATES], bar: &Seen) -> ([f64; STATES], [usize; STATES]) {
    let mut cheapest = (0, f64::MAX);
    for (state, cost) in costs.into_iter().enumerate() {
        if cost < cheapest.1 {
            cheapest = (state, cost);
        }
    }
    // Across a gap a change costs nothing: the state before it says nothing of the state behind it.
    let jumped = cheapest.1 + if bar.follows { model.penalty } else { 0.0 };
    let (mut next, mut from) = (costs, [0, 1, 2, 3]);
    for ((cost, from), state) in next.iter_mut().zip(&mut from).zip(&model.states) {
        if *cost > jumped {
            (*cost, *from) = (jumped, cheapest.0);
        }
        *cost += jump_loss(&bar.point, &state.centre);
    }
    (next, from)
}

fn cheapest_state(costs: &[f64; STATES]) -> usize {
    let least = costs.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
    least.map_or(0, |(state, _)| state)
}

fn cheapest_sequence(model: &JumpModel, seen: &[Seen]) -> Vec<usize> {
    let mut costs = [0.0; STATES];
    let mut origins = Vec::with_capacity(seen.len());
    for bar in seen {
        let (next, from) = advanced(model, costs, bar);
        costs = next;
        origins.push(from);
    }
    let mut state = cheapest_state(&costs);
    let mut sequence = vec![0; seen.len()];
    for (place, from) in sequence.iter_mut().zip(&origins).rev() {
        *place = state;
        state = from[state];
    }
    sequence
}

fn share_regimes(model: &mut JumpModel, seen: &[Seen]) {
    let mut shares = [[SHARE_PRIOR; 4]; STATES];
    let mut costs = [0.0; STATES];
    for bar in seen {
        if !bar.follows {
            costs = [0.0; STATES];
        }
        (costs, _) = advanced(model, costs, bar);
        if let Some(label) = bar.label {
            shares[cheapest_state(&costs)][label.index()] += 1.0;
        }
    }
    for (state, row) in model.states.iter_mut().zip(shares) {
        let total: f64 = row.iter().sum();
        state.regimes = row.map(|share| share / total);
    }
}
