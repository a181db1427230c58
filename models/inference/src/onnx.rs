//! A conductor that asks a model, and the rule wherever the model cannot be trusted with a question.
//!
//! A question with another feature set or no features yet, a feature outside the range of the training, an answer that is no answer,
//! one that came too late, a library that fails: each is answered by the rule, and the answer says why.

use std::path::PathBuf;
use std::time::Instant;

use engine_core::conductor::{
    Answerer, ConductorDecision, Degradation, InferenceSetup, Lateness, Outlier, Question,
};
use engine_core::digest::Digest;
use engine_core::real::Real;
use engine_runtime::conductor::{Conductor, RuleConductor};

use crate::card::{ModelCard, TrainedFeature};
use crate::contract::{Allocation, CONFIDENCE, RISK_SCALE, WEIGHTS, check_ports};
use crate::library::Library;
use crate::message_paths::without_folders;
use crate::model::{Expected, Model, ModelError};
use crate::model_hash::ModelHash;
use crate::session::{OnnxSession, Provider, SessionError};

/// A quarter of a feature's range in training: how far beyond it the model is still believed.
pub const RANGE_TOLERANCE: f64 = 0.25;

/// How a model is to be used.
#[derive(Debug, Clone, PartialEq)]
pub struct ConductorOptions {
    /// The ONNX file; its card lies beside it.
    pub model: PathBuf,
    /// The only hash the file may have; any when `None`.
    pub pinned: Option<ModelHash>,
    /// The only hash its card may have; any when `None`.
    pub pinned_card: Option<ModelHash>,
    /// What the run asks about; not checked when `None`.
    pub expected: Option<Expected>,
    /// Where inference runs.
    pub provider: Provider,
    /// The file of ONNX Runtime; searched for when `None`.
    pub library: Option<PathBuf>,
    /// How far outside its range in training a feature may lie, as a share of that range.
    pub range_tolerance: f64,
    /// How long one answer may take, in nanoseconds; as long as it likes when `None`. A backtest that must repeat
    /// bit for bit has no budget: time on the wall is different on every run.
    pub budget_ns: Option<u64>,
}

impl ConductorOptions {
    /// The model at `path`, with everything else as it is by default.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            model: path.into(),
            pinned: None,
            pinned_card: None,
            expected: None,
            provider: Provider::Auto,
            library: None,
            range_tolerance: RANGE_TOLERANCE,
            budget_ns: None,
        }
    }
}

/// Measures how long an answer took.
pub trait Stopwatch: Send {
    /// Nanoseconds since a moment of its own; never falls.
    fn elapsed_ns(&mut self) -> u64;
}

impl Stopwatch for Instant {
    fn elapsed_ns(&mut self) -> u64 {
        u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A model that answers questions, with the rule behind it.
pub struct OnnxConductor {
    session: OnnxSession,
    outputs: [(&'static str, Vec<f32>); 3],
    model: ModelHash,
    feature_set: Digest,
    /// What each feature may be, tolerance included.
    ranges: Vec<(f64, f64)>,
    budget_ns: Option<u64>,
    stopwatch: Box<dyn Stopwatch>,
    rule: RuleConductor,
    setup: InferenceSetup,
    card: ModelCard,
}

impl core::fmt::Debug for OnnxConductor {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("OnnxConductor")
            .field("setup", &self.setup)
            .field("rule", &self.rule)
            .finish_non_exhaustive()
    }
}

impl OnnxConductor {
    /// Opens a model, with `rule` for the questions it cannot be trusted with.
    ///
    /// The model is tried once on the middle of every feature's range, so one that answers nonsense is refused here.
    ///
    /// # Errors
    /// [`ModelError`]: the library, the model or its card is missing or unsound, or it is another model than the
    /// options ask for.
    pub fn open(options: &ConductorOptions, rule: RuleConductor) -> Result<Self, ModelError> {
        let model = Model::read(&options.model)?;
        model.check_pinned(options.pinned)?;
        model.check_card(options.pinned_card)?;
        if let Some(expected) = &options.expected {
            model.check_expected(expected)?;
        }
        let library = Library::load(options.library.as_deref())?;
        Self::of(&model, &library, options, rule)
    }

    /// Opens a model that was read before.
    ///
    /// # Errors
    /// As [`open`](Self::open), for what can still be wrong.
    pub fn of(
        model: &Model,
        library: &Library,
        options: &ConductorOptions,
        rule: RuleConductor,
    ) -> Result<Self, ModelError> {
        let Model { path, hash, card, bytes } = model;
        let path = || path.clone();
        if rule.weights.len() != card.specialists.len() {
            let wanted = format!("{} of them", rule.weights.len());
            return Err(ModelError::WrongSpecialists {
                path: path(),
                model: card.specialists.join(", "),
                wanted,
            });
        }
        let session = OnnxSession::open(library, bytes, options.provider).map_err(|error| match error {
            SessionError::Rejected(reason) => ModelError::Rejected { path: path(), reason },
            SessionError::NoCuda(reason) => {
                ModelError::NoProvider { path: path(), wanted: options.provider, reason }
            }
        })?;
        check_ports(&session.inputs(), &session.outputs(), card.features.len(), card.specialists.len())
            .map_err(|reason| ModelError::Unsound { path: path(), reason })?;
        let setup = InferenceSetup {
            model: Some(hash.0),
            wanted: options.provider.name().to_owned(),
            running: session.running().to_owned(),
            reason: without_folders(session.reason()),
            library: library.name(),
        };
        let tolerated = |feature: &TrainedFeature| {
            let (min, max) = (feature.min.get(), feature.max.get());
            // `max` also turns a tolerance that is no number into none at all.
            let slack = (max - min) * options.range_tolerance.max(0.0);
            (min - slack, max + slack)
        };
        let mut conductor = Self {
            session,
            outputs: [WEIGHTS, RISK_SCALE, CONFIDENCE].map(|name| (name, Vec::new())),
            model: *hash,
            feature_set: card.feature_set.digest,
            ranges: card.features.iter().map(tolerated).collect(),
            budget_ns: options.budget_ns,
            stopwatch: Box::new(Instant::now()),
            rule,
            setup,
            card: card.clone(),
        };
        conductor.probe().map_err(|reason| ModelError::Unsound { path: path(), reason })?;
        Ok(conductor)
    }

    /// The same conductor with another clock.
    #[must_use]
    pub fn timed_by(mut self, stopwatch: impl Stopwatch + 'static) -> Self {
        self.stopwatch = Box::new(stopwatch);
        self
    }

    /// The card of the model.
    #[must_use]
    pub const fn card(&self) -> &ModelCard {
        &self.card
    }

    fn probe(&mut self) -> Result<(), String> {
        let middle = |feature: &TrainedFeature| Real::or_zero(feature.min.get().midpoint(feature.max.get()));
        let features: Vec<Real> = self.card.features.iter().map(middle).collect();
        let answer = self.infer(&features).map_err(|reason| format!("it fails when tried: {reason}"))?;
        let nonsense = || "tried on the middle of its training ranges, it answers no weights".to_owned();
        answer.map(|_| ()).ok_or_else(nonsense)
    }

    fn infer(&mut self, features: &[Real]) -> Result<Option<Allocation>, String> {
        self.session.run(features.iter().map(|feature| feature.get() as f32), &mut self.outputs)?;
        let [(_, weights), (_, risk_scale), (_, confidence)] = &self.outputs;
        let ([risk_scale], [confidence]) = (risk_scale.as_slice(), confidence.as_slice()) else {
            return Ok(None);
        };
        Ok(Allocation::of(weights, *risk_scale, *confidence))
    }

    fn judge(&mut self, question: &Question) -> Result<Allocation, Degradation> {
        let features = &question.features;
        if features.set != self.feature_set {
            return Err(Degradation::WrongFeatureSet);
        }
        if features.values.is_empty() {
            return Err(Degradation::NoFeatures);
        }
        if features.values.len() != self.ranges.len() {
            return Err(Degradation::WrongFeatureSet);
        }
        if let Some(outlier) = outlier(&features.values, &self.ranges) {
            return Err(Degradation::OutOfRange(outlier));
        }
        let begun_ns = self.stopwatch.elapsed_ns();
        let answer = self.infer(&features.values).map_err(Degradation::Failed)?;
        let latency_ns = self.stopwatch.elapsed_ns().saturating_sub(begun_ns);
        let answer = answer.ok_or(Degradation::NotFinite)?;
        match self.budget_ns {
            Some(budget_ns) if latency_ns > budget_ns => {
                Err(Degradation::Late(Lateness { latency_ns, budget_ns }))
            }
            Some(_) | None => Ok(answer),
        }
    }
}

/// The first feature outside its range.
fn outlier(values: &[Real], ranges: &[(f64, f64)]) -> Option<Outlier> {
    let outside = |(value, (min, max)): (&Real, &(f64, f64))| value.get() < *min || value.get() > *max;
    let at = values.iter().zip(ranges).position(outside)?;
    Some(Outlier { feature: u32::try_from(at).unwrap_or(u32::MAX), value: *values.get(at)? })
}

impl Conductor for OnnxConductor {
    fn setup(&self) -> InferenceSetup {
        self.setup.clone()
    }

    fn answer(&mut self, question: &Question) -> ConductorDecision {
        match self.judge(question) {
            Ok(Allocation { weights, risk_scale, confidence }) => ConductorDecision {
                question: question.id,
                instrument: question.instrument,
                weights,
                risk_scale,
                confidence,
                answered_by: Answerer::Model(self.model.0),
            },
            Err(why) => self.rule.degraded(question, why),
        }
    }
}

/// The rule in the place of a model that could not be opened; every answer says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentModel {
    /// Where inference was to run.
    pub wanted: Provider,
    /// Why there is no model, in one line.
    pub reason: String,
    /// Who answers.
    pub rule: RuleConductor,
}

impl Conductor for AbsentModel {
    fn setup(&self) -> InferenceSetup {
        InferenceSetup {
            model: None,
            wanted: self.wanted.name().to_owned(),
            running: "rule".to_owned(),
            reason: self.reason.clone(),
            library: String::new(),
        }
    }

    fn answer(&mut self, question: &Question) -> ConductorDecision {
        self.rule.degraded(question, Degradation::NoModel(self.reason.clone()))
    }
}

/// Opens a model; where that fails, `rule` answers in its place and every answer says why.
#[must_use]
pub fn open_or_rule(options: &ConductorOptions, rule: RuleConductor) -> Box<dyn Conductor> {
    match OnnxConductor::open(options, rule.clone()) {
        Ok(conductor) => Box::new(conductor),
        Err(error) => Box::new(AbsentModel {
            wanted: options.provider,
            reason: without_folders(&error.to_string()),
            rule,
        }),
    }
}

#[cfg(test)]
mod tests;
