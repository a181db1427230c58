//! Bayesian online change-point detection: how long the market has been as it is, and what it is like since.
//!
//! Returns between two changes are normal with unknown mean and variance; a change comes with the same chance on
//! every bar (Adams and MacKay 2007). For every possible number of returns since the last change the detector
//! keeps the chance of it and the sums that make the conjugate (normal-inverse-gamma) posterior, whose predictive
//! density is Student's. Returns are in usual moves ([`UsualMove`]). Runs longer than a limit are one, so a bar
//! costs O(limit).
//!
//! The rule is that of the two axes, on the mean and the deviation a run speaks for: high volatility where the
//! deviation is above 1.35, falling where the mean would move the price by more than one usual deviation of 13
//! returns, directed where the mean is more than a share of the mean size of a move. The label is the rule on mean
//! and deviation averaged over runs; the posterior gives each regime the chance of the runs the rule names so.

use super::regime_age::RegimeAge;
use super::usual_move::UsualMove;
use super::{Regime, RegimeDetector, RegimeReading};
use crate::indicator::Candle;
use crate::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use crate::real::Real;

/// Returns whose net move is compared with its usual deviation.
const DRIFT_BARS: f64 = 13.0;
/// √(2/π): mean size of a standard normal number.
const MEAN_SIZE: f64 = 0.797_884_560_802_865_4;

/// What the detector supposes of markets before it has seen one, and the thresholds of its rule.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct ChangePointParameters {
    /// Chance of a change on any bar.
    pub hazard: f64,
    /// Runs of at least this many returns are one.
    pub run_max: usize,
    /// How many returns the supposition that the mean is zero weighs.
    pub mean_weight: f64,
    /// Half the number of returns that the supposition on the variance weighs; above 1.
    pub variance_weight: f64,
    /// Expected variance of returns after a change, in squared usual moves.
    pub variance: f64,
    /// A deviation above this is high volatility.
    pub volatility_ratio: f64,
    /// A net move of 13 returns below this, in usual deviations, is falling.
    pub drift: f64,
    /// A mean above this share of the mean size of a move is a direction.
    pub efficiency: f64,
}

impl Default for ChangePointParameters {
    fn default() -> Self {
        Self {
            hazard: 1.0 / 40.0,
            run_max: 250,
            mean_weight: 5.0,
            variance_weight: 2.0,
            variance: 1.2,
            volatility_ratio: 1.35,
            drift: -1.0,
            efficiency: 0.355,
        }
    }
}

/// Why parameters make no detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangePointError {
    /// The hazard is no chance between 0 and 1, or the longest run is shorter than two returns.
    #[error("the hazard must lie between 0 and 1, and runs must reach at least two returns")]
    Runs,
    /// A weight or variance is not positive, or the weight of the variance is not above one.
    #[error("weights and variance must be above zero, and that of the variance above one")]
    Prior,
    /// A threshold is not finite.
    #[error("thresholds must be finite numbers")]
    Threshold,
}

impl ChangePointParameters {
    /// Checks that these parameters make a detector.
    ///
    /// # Errors
    /// [`ChangePointError`] naming the first rule broken.
    pub fn validated(self) -> Result<Self, ChangePointError> {
        let positive = |number: f64| number.is_finite() && number > 0.0;
        if !(self.hazard > 0.0 && self.hazard < 1.0) || self.run_max < 2 {
            return Err(ChangePointError::Runs);
        }
        let weights = positive(self.mean_weight) && positive(self.variance_weight - 1.0);
        if !weights || !positive(self.variance) {
            return Err(ChangePointError::Prior);
        }
        let thresholds = [self.volatility_ratio, self.drift, self.efficiency];
        if !thresholds.iter().all(|threshold| threshold.is_finite()) {
            return Err(ChangePointError::Threshold);
        }
        Ok(self)
    }

    fn name(&self, level: Level) -> Regime {
        let volatile = level.deviation > self.volatility_ratio;
        let falling = level.drift() < self.drift;
        match (volatile, falling) {
            (true, true) => Regime::Crisis,
            (true, false) => Regime::Volatile,
            (false, _) if level.efficiency() > self.efficiency => Regime::Trending,
            (false, _) => Regime::Ranging,
        }
    }
}

/// Mean and deviation of returns, in usual moves.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Level {
    mean: f64,
    deviation: f64,
}

impl Level {
    fn drift(self) -> f64 {
        self.mean * DRIFT_BARS.sqrt()
    }

    fn efficiency(self) -> f64 {
        (self.mean.abs() / (MEAN_SIZE * self.deviation)).min(1.0)
    }
}

/// One hypothesis: so many returns since the last change.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq)]
struct Run {
    chance: f64,
    returns: f64,
    sum: f64,
    squares: f64,
}

impl Run {
    const NEW: Self = Self { chance: 0.0, returns: 0.0, sum: 0.0, squares: 0.0 };

    /// β of the posterior: the weight of the variance times twice what is expected of it.
    fn spread(&self, suppose: &ChangePointParameters) -> f64 {
        let supposed = suppose.variance * (suppose.variance_weight - 1.0);
        let around_mean = self.squares - self.sum * self.sum / (suppose.mean_weight + self.returns);
        supposed + around_mean.max(0.0) / 2.0
    }

    /// What the returns of this run are like.
    fn level(&self, suppose: &ChangePointParameters) -> Level {
        let weight = suppose.variance_weight + self.returns / 2.0;
        let variance = self.spread(suppose) / (weight - 1.0);
        Level { mean: self.sum / (suppose.mean_weight + self.returns), deviation: variance.sqrt() }
    }

    /// Logarithm of the predictive density at `moved`; `constant` is what depends on the number of returns alone.
    fn log_density(&self, moved: f64, suppose: &ChangePointParameters, constant: f64) -> f64 {
        let weight = suppose.variance_weight + self.returns / 2.0;
        let mean_weight = suppose.mean_weight + self.returns;
        let scale = self.spread(suppose) * (mean_weight + 1.0) / (weight * mean_weight);
        let distance = moved - self.sum / mean_weight;
        let tail = libm::log1p(distance * distance / (2.0 * weight * scale));
        constant - 0.5 * libm::log(scale) - (weight + 0.5) * tail
    }

    fn add(&mut self, moved: f64) {
        self.returns += 1.0;
        self.sum += moved;
        self.squares += moved * moved;
    }
}

/// ln Γ(a + ½) − ln Γ(a) − ½ ln(2a) for the weight a that `returns` returns give: the part of Student's density
/// that depends on the degrees of freedom alone, without π.
fn density_constant(returns: f64, suppose: &ChangePointParameters) -> f64 {
    let weight = suppose.variance_weight + returns / 2.0;
    libm::lgamma(weight + 0.5) - libm::lgamma(weight) - 0.5 * libm::log(2.0 * weight)
}

/// Bayesian online change-point detection over the bars of one market, with the two-axis rule on what it finds.
/// The first reading comes with bar 201.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangePointDetector {
    suppose: ChangePointParameters,
    constants: Vec<f64>,
    usual: UsualMove,
    /// By the number of returns, none first.
    runs: Vec<Run>,
    logs: Vec<f64>,
    age: RegimeAge,
}

impl ChangePointDetector {
    /// A detector that has seen nothing.
    ///
    /// # Errors
    /// [`ChangePointError`] where the parameters make no detector.
    pub fn new(parameters: ChangePointParameters) -> Result<Self, ChangePointError> {
        Ok(Self::of(parameters.validated()?))
    }

    fn of(suppose: ChangePointParameters) -> Self {
        let constants = (0..=suppose.run_max).map(|returns| density_constant(returns as f64, &suppose));
        Self {
            constants: constants.collect(),
            suppose,
            usual: UsualMove::default(),
            runs: Vec::with_capacity(suppose.run_max + 2),
            logs: Vec::with_capacity(suppose.run_max + 2),
            age: RegimeAge::default(),
        }
    }

    /// Chance that the last change was at most `returns` returns ago.
    #[must_use]
    pub fn change_within(&self, returns: usize) -> f64 {
        self.runs.iter().take(returns + 1).map(|run| run.chance).sum()
    }

    /// Brings the chances of all runs forward by one return in usual moves.
    fn step(&mut self, moved: f64) {
        if self.runs.is_empty() {
            self.runs.push(Run { chance: 1.0, ..Run::NEW });
        }
        let suppose = self.suppose;
        let constant = |run: &Run| match self.constants.get(run.returns as usize) {
            Some(constant) => *constant,
            None => density_constant(run.returns, &suppose),
        };
        let mut highest = f64::MIN;
        self.logs.clear();
        for run in &self.runs {
            let log = run.log_density(moved, &suppose, constant(run));
            highest = highest.max(log);
            self.logs.push(log);
        }
        for (run, log) in self.runs.iter_mut().zip(&self.logs) {
            run.chance *= libm::exp(log - highest);
            run.add(moved);
        }
        let total: f64 = self.runs.iter().map(|run| run.chance).sum();
        let even = (1.0 - suppose.hazard) / self.runs.len() as f64;
        for run in &mut self.runs {
            run.chance = if total > 0.0 { run.chance / total * (1.0 - suppose.hazard) } else { even };
        }
        self.runs.insert(0, Run { chance: suppose.hazard, ..Run::NEW });
        self.merge_longest();
    }

    /// Bars of which nothing is known: a change may have come on any of them.
    fn pass_over(&mut self, missing: u32) {
        let unchanged = libm::pow(1.0 - self.suppose.hazard, f64::from(missing));
        for run in &mut self.runs {
            run.chance *= unchanged;
        }
        if let Some(newest) = self.runs.first_mut() {
            newest.chance += 1.0 - unchanged;
        }
    }

    /// Makes one of the two longest runs when there are more than the limit: the likelier keeps its sums.
    fn merge_longest(&mut self) {
        if self.runs.len() <= self.suppose.run_max + 1 {
            return;
        }
        if let (Some(longest), Some(long)) = (self.runs.pop(), self.runs.last_mut()) {
            let chance = long.chance + longest.chance;
            let kept = if longest.chance > long.chance { longest } else { *long };
            *long = Run { chance, ..kept };
        }
    }

    /// Mean and deviation averaged over runs, and the chance of each regime.
    fn speak(&self) -> (Level, [f64; 4]) {
        let (mut mean, mut variance, mut all) = (0.0, 0.0, 0.0);
        let mut chances = [0.0; 4];
        // The run that begins only now has seen nothing yet.
        for run in self.runs.iter().skip(1) {
            let level = run.level(&self.suppose);
            mean += run.chance * level.mean;
            variance += run.chance * level.deviation * level.deviation;
            all += run.chance;
            chances[self.suppose.name(level).index()] += run.chance;
        }
        let level = Level { mean: mean / all, deviation: (variance / all).sqrt() };
        (level, chances.map(|chance| chance / all))
    }
}

impl Default for ChangePointDetector {
    fn default() -> Self {
        Self::of(ChangePointParameters::default())
    }
}

impl RegimeDetector for ChangePointDetector {
    crate::can_be_taken_up!();

    fn learn(&mut self, bar: &Candle) -> Option<RegimeReading> {
        let moved = self.usual.learn(bar.close)?;
        self.step(moved);
        let (level, posterior) = self.speak();
        let regime = self.suppose.name(level);
        Some(RegimeReading {
            regime,
            raw: regime,
            posterior: posterior.map(Real::or_zero),
            run_length_bars: self.age.lasted(regime),
            volatility_ratio: Real::or_zero(level.deviation),
            efficiency: Real::or_zero(level.efficiency()),
            drift: Real::or_zero(level.drift()),
        })
    }

    fn bridge(&mut self, missing: u32, open: f64) {
        if missing == 0 {
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
        *self = Self::of(self.suppose);
    }
}

impl Learned for ChangePointDetector {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.suppose);
        notes.value(&self.runs);
        notes.part(&self.usual);
        notes.part(&self.age);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.suppose)?;
        let runs: Vec<Run> = notes.values(self.suppose.run_max + 1)?;
        self.runs.clear();
        self.runs.extend(runs);
        notes.part(&mut self.usual)?;
        notes.part(&mut self.age)
    }
}

#[cfg(test)]
mod tests;
