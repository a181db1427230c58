//! What the predictions and features of a way to train are worth, walking forward.
//!
//! Every figure is out of sample: fitted to the rows before a year, judged on the year, all years put together.

use crate::conductor::fold::Fold;
use crate::conductor::network::{Fitted, Inputs, Method, Prediction, REGIMES, observation};
use crate::conductor::panel::Track;
use crate::conductor::target::Row;
use crate::error::TrainError;
use crate::probe::{self, ProbeScore, Sample};
use crate::score::{explained, log_loss};
use crate::training::Progress;

/// What a conductor learns from.
#[derive(Debug, Clone)]
pub struct Panel {
    /// One track per instrument.
    pub tracks: Vec<Track>,
    /// Every row of every instrument.
    pub rows: Vec<Row>,
    /// Which inputs go where.
    pub inputs: Inputs,
    /// Names of the sleeves.
    pub sleeves: Vec<String>,
    /// Length of a bar in nanoseconds.
    pub interval_ns: i64,
}

impl Panel {
    pub(crate) fn pick(&self, places: &[usize]) -> Vec<&Row> {
        places.iter().map(|place| &self.rows[*place]).collect()
    }

    pub(crate) fn questions(&self, rows: &[&Row]) -> Vec<&[f64]> {
        rows.iter().filter_map(|row| observation(&self.tracks, row)).collect()
    }

    /// The regime of each row.
    pub(crate) fn regimes(&self, rows: &[&Row]) -> Vec<usize> {
        let regime = |row: &&Row| {
            let observation = self.tracks[row.asset].moments[row.place].observation.as_ref();
            observation.map_or(0, |observation| observation.regime.index())
        };
        rows.iter().map(regime).collect()
    }
}

/// Errors of predictions, added up over years.
#[derive(Debug, Clone, Default)]
struct Errors {
    said: Vec<f64>,
    truth: Vec<f64>,
    usual: Vec<f64>,
}

impl Errors {
    fn explained(&self) -> f64 {
        // Each year has its own mean to be compared with; taking it off both sides makes it 0 for all.
        let less = |values: &[f64]| values.iter().zip(&self.usual).map(|(v, u)| v - u).collect::<Vec<_>>();
        explained(&less(&self.said), &less(&self.truth), 0.0)
    }
}

/// What predictions are worth out of sample.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Skill {
    /// Rows judged.
    pub rows: usize,
    /// Explained variance of the performance of all sleeves together.
    pub performance: f64,
    /// Explained variance of volatility.
    pub volatility: f64,
    /// Log-loss of the chance.
    pub log_loss: f64,
    /// Log-loss of always saying the share seen before.
    pub log_loss_usual: f64,
}

/// Adds up predictions year by year.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    performance: Errors,
    volatility: Errors,
    chances: Vec<f64>,
    outcomes: Vec<f64>,
    usual_chances: Vec<f64>,
}

impl Tally {
    /// Adds what was `said` of `test`, beside the means of `train`.
    pub(crate) fn add(&mut self, panel: &Panel, said: Vec<Prediction>, train: &[&Row], test: &[&Row]) {
        let sleeves = panel.sleeves.len();
        let mean = |place: usize| {
            train.iter().map(|row| row.targets[place]).sum::<f64>() / train.len().max(1) as f64
        };
        let usual: Vec<f64> = (0..sleeves + 2).map(mean).collect();
        for (row, prediction) in test.iter().zip(said) {
            for (place, said) in prediction.numbers.iter().enumerate() {
                let is = row.targets[place];
                if place == sleeves + 1 {
                    self.chances.push(*said);
                    self.outcomes.push(is);
                    self.usual_chances.push(usual[place]);
                    continue;
                }
                let errors = if place < sleeves { &mut self.performance } else { &mut self.volatility };
                errors.said.push(*said);
                errors.truth.push(is);
                errors.usual.push(usual[place]);
            }
        }
    }

    pub(crate) fn skill(&self) -> Skill {
        Skill {
            rows: self.outcomes.len(),
            performance: self.performance.explained(),
            volatility: self.volatility.explained(),
            log_loss: log_loss(&self.chances, &self.outcomes),
            log_loss_usual: log_loss(&self.usual_chances, &self.outcomes),
        }
    }
}

/// What fresh probes name from the shared features.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Invariance {
    /// The regime; guessing scores .25.
    pub regime: Vec<ProbeScore>,
    /// The instrument; guessing scores 1 / instruments.
    pub asset: Vec<ProbeScore>,
}

/// What one way to train came to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Evaluation {
    /// How it was trained.
    pub method: Method,
    /// What its predictions are worth.
    pub skill: Skill,
    /// What they are worth when the shared features say nothing.
    pub without_shared: Skill,
    /// What can still be told from its features.
    pub invariance: Invariance,
}

/// What probes named, year by year, and what it was.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    named: Vec<Vec<usize>>,
    truth: Vec<usize>,
}

impl Names {
    pub(crate) fn add(&mut self, train: &Sample, test: &Sample, seed: u64) {
        let said = probe::ask(&probe::all(), train, test, seed);
        self.named.resize(said.len(), Vec::new());
        self.named.iter_mut().zip(said).for_each(|(all, year)| all.extend(year));
        self.truth.extend(&test.labels);
    }

    pub(crate) fn scores(&self, classes: usize) -> Vec<ProbeScore> {
        probe::score(&probe::all(), &self.named, &self.truth, classes)
    }
}

/// Fits every fold by `method`; answers the fits and what they are worth.
///
/// # Errors
/// [`TrainError`] of the first fit that fails.
pub fn evaluate(
    panel: &Panel,
    folds: &[Fold],
    method: &Method,
    progress: &mut dyn Progress,
) -> Result<(Vec<Fitted>, Evaluation), TrainError> {
    let (mut tally, mut unshared) = (Tally::default(), Tally::default());
    let (mut regimes, mut assets) = (Names::default(), Names::default());
    let mut fits = Vec::with_capacity(folds.len());
    for fold in folds {
        let (train, test) = (panel.pick(&fold.train), panel.pick(&fold.test));
        let fitted = Fitted::of(&panel.tracks, &train, &panel.inputs, method, progress)?;
        let questions = panel.questions(&test);
        tally.add(panel, fitted.predict(&questions), &train, &test);
        unshared.add(panel, fitted.predict_without_shared(&questions), &train, &test);
        let sample = |rows: &[&Row], labels: Vec<usize>, classes: usize| {
            let (features, width) = fitted.shared_features(&panel.questions(rows));
            Sample { width, features, labels, classes }
        };
        let of_regime = |rows: &[&Row]| sample(rows, panel.regimes(rows), REGIMES);
        regimes.add(&of_regime(&train), &of_regime(&test), method.seed);
        let of_asset =
            |rows: &[&Row]| sample(rows, rows.iter().map(|row| row.asset).collect(), panel.tracks.len());
        assets.add(&of_asset(&train), &of_asset(&test), method.seed);
        fits.push(fitted);
    }
    let invariance = Invariance { regime: regimes.scores(REGIMES), asset: assets.scores(panel.tracks.len()) };
    let (skill, without_shared) = (tally.skill(), unshared.skill());
    Ok((fits, Evaluation { method: *method, skill, without_shared, invariance }))
}

/// What fresh probes name from the inputs of the shared features, before any network.
#[must_use]
pub fn raw_invariance(panel: &Panel, folds: &[Fold], seed: u64) -> Invariance {
    let (mut regimes, mut assets) = (Names::default(), Names::default());
    for fold in folds {
        let sample = |rows: &[&Row], labels: Vec<usize>, classes: usize| {
            let questions = panel.questions(rows);
            let chosen = questions
                .iter()
                .flat_map(|question| panel.inputs.shared.iter().map(|place| question[*place] as f32));
            Sample { width: panel.inputs.shared.len(), features: chosen.collect(), labels, classes }
        };
        let (train, test) = (panel.pick(&fold.train), panel.pick(&fold.test));
        let of_regime = |rows: &[&Row]| sample(rows, panel.regimes(rows), REGIMES);
        regimes.add(&of_regime(&train), &of_regime(&test), seed);
        let of_asset =
            |rows: &[&Row]| sample(rows, rows.iter().map(|row| row.asset).collect(), panel.tracks.len());
        assets.add(&of_asset(&train), &of_asset(&test), seed);
    }
    Invariance { regime: regimes.scores(REGIMES), asset: assets.scores(panel.tracks.len()) }
}

/// How well a regime is predicted that was never seen.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LeftOut {
    /// The regime.
    pub regime: &'static str,
    /// Where λ ended.
    pub lambda_max: f64,
    /// Skill on its rows when it was left out of the training.
    pub unseen: Skill,
}

/// Trains on every regime but one, all years before, and predicts that one, year by year. Only folds from
/// `first_year` on are used, because each regime costs a training of its own.
///
/// # Errors
/// [`TrainError`] of the first fit that fails.
pub fn leave_one_regime_out(
    panel: &Panel,
    folds: &[Fold],
    methods: &[Method],
    progress: &mut dyn Progress,
) -> Result<Vec<LeftOut>, TrainError> {
    let mut found = Vec::new();
    for regime in engine_core::regime::Regime::ALL {
        let is_left_out =
            |rows: &[&Row], place: usize| panel.regimes(&rows[place..=place]) == [regime.index()];
        for method in methods {
            let mut tally = Tally::default();
            for fold in folds {
                let (train, test) = (panel.pick(&fold.train), panel.pick(&fold.test));
                let (_, known): (Vec<_>, Vec<_>) =
                    (0..train.len()).partition(|place| is_left_out(&train, *place));
                let known: Vec<&Row> = known.into_iter().map(|place| train[place]).collect();
                let unseen = (0..test.len()).filter(|place| is_left_out(&test, *place));
                let unseen: Vec<&Row> = unseen.map(|place| test[place]).collect();
                if unseen.is_empty() {
                    continue;
                }
                let fitted = Fitted::of(&panel.tracks, &known, &panel.inputs, method, progress)?;
                tally.add(panel, fitted.predict(&panel.questions(&unseen)), &known, &unseen);
            }
            found.push(LeftOut {
                regime: regime.name(),
                lambda_max: method.lambda_max,
                unseen: tally.skill(),
            });
        }
    }
    Ok(found)
}
