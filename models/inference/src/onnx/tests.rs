//! Unit tests of `onnx`.

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
use crate::proto::{AttributeProto, GraphProto, INT64, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use crate::test_models::{self, Layers};

fn library() -> Option<Library> {
    test_models::library(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")))
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
    let card = test_models::card(&model, set(), &["x", "y", "z"], &SPECIALISTS);
    let path = test_models::write(folder, "sound", &model, &card);
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
    assert_eq!((setup.model, setup.wanted.as_str(), setup.running.as_str()), (Some(hash.0), "cpu", "cpu"));
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
    let decision = patient.timed_by(SlowBy { step_ns: u64::MAX / 4, now_ns: 0 }).answer(&question(&[0.0; 3]));
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
    let model = ModelProto::new(graph, test_models::IR_VERSION, test_models::OPSET).to_bytes();
    let mut card = test_models::card(&model, set(), &["x", "y"], &SPECIALISTS[..2]);
    for feature in &mut card.features {
        (feature.min, feature.max) = (Real::new(1.0 - range).unwrap(), Real::new(1.0 + range).unwrap());
    }
    let path = test_models::write(folder, "peculiar", &model, &card);
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
    let card = test_models::card(&bytes, set(), &["x", "y", "z"], &SPECIALISTS);
    let path = test_models::write(folder, "candidate", &bytes, &card);
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
    let card = test_models::card(&model, set(), &["x", "y", "z"], &SPECIALISTS);
    let options = ConductorOptions {
        library: Some(folder.path().join("libonnxruntime.so.1.31.1")),
        ..ConductorOptions::new(test_models::write(folder.path(), "sound", &model, &card))
    };
    let setup = open_or_rule(&options, RuleConductor::uniform(4)).setup();
    assert_eq!(setup.running, "rule");
    assert!(setup.reason.contains("there is no such file; run .ci/fetch-onnxruntime"), "{}", setup.reason);
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
