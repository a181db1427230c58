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
use crate::model::{Expected, Model, ModelError};
use crate::model_hash::ModelHash;
use crate::session::{OnnxSession, Provider, SessionError};
use crate::wording::portable;

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
            reason: portable(session.reason()),
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
        Err(error) => {
            Box::new(AbsentModel { wanted: options.provider, reason: portable(&error.to_string()), rule })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use engine_core::conductor::QuestionId;
    use engine_core::feature::FeatureVector;
    use engine_core::instrument::InstrumentId;
    use engine_core::num::Ratio;
    use engine_core::regime::Regime;
    use engine_core::time::Timestamp;

    use super::*;
    use crate::card::FeatureSetName;
    use crate::contract::FEATURES;
    use crate::proto::{
        AttributeProto, GraphProto, INT64, ModelProto, NodeProto, TensorProto, ValueInfoProto,
    };
    use crate::specimen::{self, Layers};

    fn library() -> Option<Library> {
        specimen::library(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))
    }

    fn set() -> FeatureSetName {
        FeatureSetName { name: "test".into(), version: 1, digest: Digest([7, 8]) }
    }

    fn layers() -> Layers {
        Layers { features: 3, hidden: vec![16, 8], specialists: 4, seed: 5 }
    }

    const SPECIALISTS: [&str; 4] = ["a", "b", "c", "d"];

    fn expected() -> Expected {
        Expected { feature_set: set(), specialists: SPECIALISTS.map(str::to_owned).into() }
    }

    /// A sound model in `folder`, and options that ask for it.
    fn sound(folder: &Path, library: &Library) -> ConductorOptions {
        let model = layers().network().to_bytes();
        let card = specimen::card(&model, set(), &["x", "y", "z"], &SPECIALISTS);
        let path = specimen::write(folder, "sound", &model, &card);
        ConductorOptions {
            expected: Some(expected()),
            provider: Provider::Cpu,
            library: Some(library.path().to_owned()),
            ..ConductorOptions::new(path)
        }
    }

    fn question(values: &[f64]) -> Question {
        Question {
            id: QuestionId(3),
            instrument: InstrumentId::new(2),
            regime: Regime::Volatile,
            features: FeatureVector {
                set: set().digest,
                values: values.iter().map(|&value| Real::new(value).unwrap()).collect(),
            },
            answer_by: Timestamp::MAX,
        }
    }

    fn why(decision: ConductorDecision, rule: &RuleConductor) -> Degradation {
        assert_eq!(decision.weights, rule.weights, "the rule answers where the model may not");
        assert_eq!(decision.risk_scale, Ratio::from_units(500_000_000), "by the regime of the question");
        assert_eq!((decision.question, decision.instrument), (QuestionId(3), InstrumentId::new(2)));
        match decision.answered_by {
            Answerer::Degraded(why) => why,
            other @ (Answerer::Rule | Answerer::Model(_)) => panic!("not degraded: {other:?}"),
        }
    }

    #[test]
    fn a_model_answers_what_its_layers_compute_and_the_same_bits_again() {
        let Some(library) = library() else { return };
        let folder = tempfile::tempdir().unwrap();
        let options = sound(folder.path(), &library);
        let hash = ModelHash::of(&std::fs::read(&options.model).unwrap());
        let options = ConductorOptions { pinned: Some(hash), ..options };
        let mut conductor = OnnxConductor::open(&options, RuleConductor::uniform(4)).unwrap();
        let mut again = OnnxConductor::open(&options, RuleConductor::uniform(4)).unwrap();
        for step in 0..50_i32 {
            let x = f64::from(step) / 25.0 - 1.0;
            let features = [x, -x, x * 0.5];
            let decision = conductor.answer(&question(&features));
            assert_eq!(decision.answered_by, Answerer::Model(hash.0));
            assert_eq!(decision, again.answer(&question(&features)));
            let given = decision.weights.iter().chain([&decision.risk_scale, &decision.confidence]);
            for (given, computed) in given.zip(layers().forward(&features)) {
                let given = given.units() as f64 / 1e9;
                assert!((given - computed).abs() < 1e-6, "{given} at {features:?}, expected {computed}");
            }
        }
        let setup = conductor.setup();
        assert_eq!(
            (setup.model, setup.wanted.as_str(), setup.running.as_str()),
            (Some(hash.0), "cpu", "cpu")
        );
        assert_eq!(setup.reason, "");
        assert_eq!(setup.library, format!("onnxruntime {}", library.version()));
    }

    #[test]
    fn a_question_with_other_features_or_none_yet_is_the_rules() {
        let Some(library) = library() else { return };
        let folder = tempfile::tempdir().unwrap();
        let rule = RuleConductor::uniform(4);
        let mut conductor = OnnxConductor::open(&sound(folder.path(), &library), rule.clone()).unwrap();
        let mut other_set = question(&[0.0; 3]);
        other_set.features.set = Digest([7, 9]);
        assert_eq!(why(conductor.answer(&other_set), &rule), Degradation::WrongFeatureSet);
        let too_few = question(&[0.0; 2]);
        assert_eq!(why(conductor.answer(&too_few), &rule), Degradation::WrongFeatureSet);
        let not_warm = question(&[]);
        assert_eq!(why(conductor.answer(&not_warm), &rule), Degradation::NoFeatures);
    }

    #[test]
    fn a_feature_outside_the_range_of_the_training_is_the_rules() {
        let Some(library) = library() else { return };
        let folder = tempfile::tempdir().unwrap();
        let rule = RuleConductor::uniform(4);
        let mut conductor = OnnxConductor::open(&sound(folder.path(), &library), rule.clone()).unwrap();
        // Trained from −1 to 1, with a quarter of that range on either side.
        for inside in [-1.5, 1.5] {
            let decision = conductor.answer(&question(&[0.0, inside, 0.0]));
            assert!(matches!(decision.answered_by, Answerer::Model(_)), "{inside}");
        }
        for outside in [-1.500_001, 1.500_001, 1e300] {
            let outlier = Outlier { feature: 1, value: Real::new(outside).unwrap() };
            let decision = conductor.answer(&question(&[0.0, outside, 0.0]));
            assert_eq!(why(decision, &rule), Degradation::OutOfRange(outlier));
        }
        for range_tolerance in [0.0, -1.0, f64::NAN] {
            let strict = ConductorOptions { range_tolerance, ..sound(folder.path(), &library) };
            let mut strict = OnnxConductor::open(&strict, rule.clone()).unwrap();
            let decision = strict.answer(&question(&[0.0, 0.0, 1.01]));
            assert!(matches!(why(decision, &rule), Degradation::OutOfRange(Outlier { feature: 2, .. })));
        }
    }

    /// Each look at it is `step_ns` after the last.
    struct SlowBy {
        step_ns: u64,
        now_ns: u64,
    }

    impl Stopwatch for SlowBy {
        fn elapsed_ns(&mut self) -> u64 {
            self.now_ns += self.step_ns;
            self.now_ns
        }
    }

    #[test]
    fn an_answer_over_its_budget_is_the_rules() {
        let Some(library) = library() else { return };
        let folder = tempfile::tempdir().unwrap();
        let rule = RuleConductor::uniform(4);
        let options = ConductorOptions { budget_ns: Some(1_000), ..sound(folder.path(), &library) };
        let open = |step_ns| {
            let conductor = OnnxConductor::open(&options, rule.clone()).unwrap();
            conductor.timed_by(SlowBy { step_ns, now_ns: 0 })
        };
        let decision = open(1_000).answer(&question(&[0.0; 3]));
        assert!(matches!(decision.answered_by, Answerer::Model(_)));
        let late = Lateness { latency_ns: 1_001, budget_ns: 1_000 };
        assert_eq!(why(open(1_001).answer(&question(&[0.0; 3])), &rule), Degradation::Late(late));
        let patient = ConductorOptions { budget_ns: None, ..options.clone() };
        let patient = OnnxConductor::open(&patient, rule.clone()).unwrap();
        let decision =
            patient.timed_by(SlowBy { step_ns: u64::MAX / 4, now_ns: 0 }).answer(&question(&[0.0; 3]));
        assert!(matches!(decision.answered_by, Answerer::Model(_)));
    }

    /// A model of two features and two specialists whose weights come out of `nodes`.
    fn peculiar(folder: &Path, library: &Library, range: f64, nodes: Vec<NodeProto>) -> ConductorOptions {
        let heads = [RISK_SCALE, CONFIDENCE].map(|head| NodeProto::new("Sigmoid", &["zero"], &[head]));
        let graph = GraphProto {
            node: nodes.into_iter().chain(heads).collect(),
            name: "peculiar".into(),
            initializer: vec![
                TensorProto::floats("zero", &[1, 1], &[0.0]),
                TensorProto::floats("table", &[2], &[0.25, 0.5]),
            ],
            input: vec![ValueInfoProto::floats(FEATURES, &[1, 2])],
            output: [(WEIGHTS, 2), (RISK_SCALE, 1), (CONFIDENCE, 1)]
                .map(|(name, size)| ValueInfoProto::floats(name, &[1, size]))
                .into(),
            ..GraphProto::default()
        };
        let model = ModelProto::new(graph, specimen::IR_VERSION, specimen::OPSET).to_bytes();
        let mut card = specimen::card(&model, set(), &["x", "y"], &SPECIALISTS[..2]);
        for feature in &mut card.features {
            (feature.min, feature.max) = (Real::new(1.0 - range).unwrap(), Real::new(1.0 + range).unwrap());
        }
        let path = specimen::write(folder, "peculiar", &model, &card);
        ConductorOptions {
            provider: Provider::Cpu,
            library: Some(library.path().to_owned()),
            ..ConductorOptions::new(path)
        }
    }

    #[test]
    fn an_answer_that_is_no_answer_is_the_rules() {
        let Some(library) = library() else { return };
        let folder = tempfile::tempdir().unwrap();
        let logarithm = vec![NodeProto::new("Log", &[FEATURES], &[WEIGHTS])];
        let options = peculiar(folder.path(), &library, 3.0, logarithm);
        let rule = RuleConductor::uniform(2);
        let mut conductor = OnnxConductor::open(&options, rule.clone()).unwrap();
        let sound = conductor.answer(&question(&[1.0, 1.25]));
        assert!(matches!(sound.answered_by, Answerer::Model(_)));
        // Of −1 NaN, of 0 −∞, of ½ a negative weight, of 3 more than one.
        for bad in [-1.0, 0.0, 0.5, 3.0] {
            let decision = conductor.answer(&question(&[1.0, bad]));
            assert_eq!(why(decision, &rule), Degradation::NotFinite, "{bad}");
        }
    }

    #[test]
    fn a_question_the_library_fails_on_is_the_rules() {
        let Some(library) = library() else { return };
        let folder = tempfile::tempdir().unwrap();
        // A table with two entries, looked up at the feature.
        let look_up = vec![
            NodeProto::new("Cast", &[FEATURES], &["index"]).with(AttributeProto::int("to", INT64.into())),
            NodeProto::new("Gather", &["table", "index"], &[WEIGHTS]),
        ];
        let options = peculiar(folder.path(), &library, 9.0, look_up);
        let rule = RuleConductor::uniform(2);
        let mut conductor = OnnxConductor::open(&options, rule.clone()).unwrap();
        let sound = conductor.answer(&question(&[0.0, 1.0]));
        let weights: Vec<i64> = sound.weights.iter().map(|weight| weight.units()).collect();
        assert_eq!(weights, [250_000_000, 500_000_000]);
        let Degradation::Failed(said) = why(conductor.answer(&question(&[0.0, 2.0])), &rule) else {
            panic!("expected a failure of the library");
        };
        assert!(said.contains("Gather") && !said.contains('\n'), "{said}");
        let after = conductor.answer(&question(&[0.0, 1.0]));
        assert_eq!(after, sound, "one failure does not spoil the next question");
    }

    #[test]
    fn a_model_that_cannot_be_trusted_is_refused_when_opened() {
        let Some(library) = library() else { return };
        let folder = tempfile::tempdir().unwrap();
        let rule = RuleConductor::uniform(4);
        let refused =
            |options: &ConductorOptions| OnnxConductor::open(options, rule.clone()).map(|_| ()).unwrap_err();
        let sound = sound(folder.path(), &library);
        let pinned = ConductorOptions { pinned: Some(ModelHash::of(b"another")), ..sound.clone() };
        assert!(matches!(refused(&pinned), ModelError::NotPinned { .. }));
        let card = ConductorOptions { pinned_card: Some(ModelHash::of(b"another")), ..sound.clone() };
        assert!(matches!(refused(&card), ModelError::CardNotPinned { .. }));
        let mut other_set = expected();
        other_set.feature_set.digest = Digest([1, 1]);
        let other_set = ConductorOptions { expected: Some(other_set), ..sound.clone() };
        assert!(matches!(refused(&other_set), ModelError::WrongFeatureSet { .. }));
        let mut others = expected();
        others.specialists.swap(0, 1);
        let others = ConductorOptions { expected: Some(others), ..sound.clone() };
        assert!(matches!(refused(&others), ModelError::WrongSpecialists { .. }));
        let fewer = OnnxConductor::open(&sound, RuleConductor::uniform(3)).map(|_| ()).unwrap_err();
        assert!(matches!(fewer, ModelError::WrongSpecialists { .. }));
        let away = ConductorOptions { model: folder.path().join("away.onnx"), ..sound };
        assert!(matches!(refused(&away), ModelError::Missing { .. }));
    }

    /// Opens `model` with a card that fits its hash and says what the other models here are.
    fn opened(folder: &Path, library: &Library, model: &ModelProto) -> Result<(), ModelError> {
        let bytes = model.to_bytes();
        let card = specimen::card(&bytes, set(), &["x", "y", "z"], &SPECIALISTS);
        let path = specimen::write(folder, "candidate", &bytes, &card);
        let options = ConductorOptions {
            provider: Provider::Cpu,
            library: Some(library.path().to_owned()),
            ..ConductorOptions::new(path)
        };
        OnnxConductor::open(&options, RuleConductor::uniform(4)).map(|_| ())
    }

    #[test]
    fn a_wrong_shape_an_absent_operator_and_nonsense_are_told_apart() {
        let Some(library) = library() else { return };
        let folder = tempfile::tempdir().unwrap();
        let opened = |model: &ModelProto| opened(folder.path(), &library, model).unwrap_err().to_string();
        let wider = Layers { features: 5, ..layers() }.network();
        assert!(opened(&wider).ends_with("its input is features [1, 5], expected features [1, 3]"));
        let fewer = Layers { specialists: 2, ..layers() }.network();
        assert!(opened(&fewer).ends_with("its output is weights [1, 2], expected weights [1, 4]"));
        let change = |change: &dyn Fn(&mut GraphProto)| {
            let mut model = layers().network();
            change(model.graph.as_mut().unwrap());
            opened(&model)
        };
        let renamed = change(&|graph| graph.input[0].name = "inputs".into());
        assert!(renamed.contains("ONNX Runtime refuses it"), "{renamed}");
        let absent = change(&|graph| graph.node[1].op_type = "Conjure".into());
        assert!(absent.contains("ONNX Runtime refuses it") && absent.contains("Conjure"), "{absent}");
        let open_batch = change(&|graph| {
            graph.input[0] = ValueInfoProto::floats(FEATURES, &[-1, 3]);
        });
        assert!(
            open_batch.contains("expected a row [1, n]") || open_batch.contains("refuses it"),
            "{open_batch}"
        );
        // Weights large enough to overflow are finite themselves; the answer is not.
        let huge = change(&|graph| {
            let head = graph.initializer.iter_mut().find(|tensor| tensor.name == "weights.b").unwrap();
            *head = TensorProto::floats("weights.b", &[4], &[f32::MAX; 4]);
            let softmax = graph.node.iter_mut().find(|node| node.op_type == "Softmax").unwrap();
            softmax.op_type = "Exp".into();
        });
        assert!(huge.ends_with("it answers no weights"), "{huge}");
        for said in [renamed, absent, open_batch, huge] {
            assert!(!said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn without_a_model_the_rule_answers_and_says_why() {
        let options = ConductorOptions { provider: Provider::Auto, ..ConductorOptions::new("away.onnx") };
        let rule = RuleConductor::uniform(4);
        let mut conductor = open_or_rule(&options, rule.clone());
        let reason = "read away.onnx: there is no such model";
        let setup = conductor.setup();
        assert_eq!((setup.model, setup.wanted.as_str(), setup.running.as_str()), (None, "auto", "rule"));
        assert_eq!((setup.reason.as_str(), setup.library.as_str()), (reason, ""));
        let decision = conductor.answer(&question(&[0.0; 3]));
        assert_eq!(why(decision, &rule), Degradation::NoModel(reason.to_owned()));
    }

    #[test]
    fn without_the_library_the_rule_answers_and_says_how_to_get_it() {
        let folder = tempfile::tempdir().unwrap();
        let model = layers().network().to_bytes();
        let card = specimen::card(&model, set(), &["x", "y", "z"], &SPECIALISTS);
        let options = ConductorOptions {
            library: Some(folder.path().join("libonnxruntime.so.1.31.1")),
            ..ConductorOptions::new(specimen::write(folder.path(), "sound", &model, &card))
        };
        let setup = open_or_rule(&options, RuleConductor::uniform(4)).setup();
        assert_eq!(setup.running, "rule");
        assert!(
            setup.reason.contains("there is no such file; run .ci/fetch-onnxruntime"),
            "{}",
            setup.reason
        );
    }

    #[test]
    fn a_provider_that_cannot_be_had_is_refused_or_replaced_and_never_in_silence() {
        let Some(library) = library() else { return };
        let folder = tempfile::tempdir().unwrap();
        let sound = sound(folder.path(), &library);
        let cuda = ConductorOptions { provider: Provider::Cuda, ..sound.clone() };
        let auto = ConductorOptions { provider: Provider::Auto, ..sound };
        let on_auto = OnnxConductor::open(&auto, RuleConductor::uniform(4)).unwrap().setup();
        match OnnxConductor::open(&cuda, RuleConductor::uniform(4)) {
            Ok(conductor) => {
                assert_eq!((conductor.setup().running.as_str(), on_auto.running.as_str()), ("cuda", "cuda"));
                assert_eq!(on_auto.reason, "");
            }
            Err(error) => {
                let ModelError::NoProvider { wanted: Provider::Cuda, reason, .. } = error else {
                    panic!("another error: {error}");
                };
                assert_eq!((on_auto.wanted.as_str(), on_auto.running.as_str()), ("auto", "cpu"));
                assert_eq!(on_auto.reason, reason);
                assert!(!reason.is_empty() && !reason.contains('\n'), "{reason}");
            }
        }
    }
}
