//! Questions to the conductor and its answers.
//!
//! The conductor allocates: it weighs the specialists and scales risk down. It cannot place, enlarge or force
//! an order. Its answer is an input: recorded, and on replay taken from the record, never asked for again.

use crate::feature::FeatureVector;
use crate::instrument::InstrumentId;
use crate::num::Ratio;
use crate::real::Real;
use crate::regime::Regime;
use crate::time::Timestamp;

/// The number of a question; counts up from 1 for each instrument of a run.
#[derive(
    serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
)]
#[serde(transparent)]
pub struct QuestionId(pub u64);

/// What the conductor is asked: how to weigh the specialists of one instrument now.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Its number.
    pub id: QuestionId,
    /// The instrument it is about.
    pub instrument: InstrumentId,
    /// Its regime by the last bar alone, which the built-in rule answers by.
    pub regime: Regime,
    /// What is known, as the model reads it.
    pub features: FeatureVector,
    /// An answer after this moment is recorded and changes nothing.
    pub answer_by: Timestamp,
}

/// The conductor's answer to one question.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConductorDecision {
    /// Which question.
    pub question: QuestionId,
    /// The instrument it was about.
    pub instrument: InstrumentId,
    /// One weight per specialist, each from 0 to 1, together at most 1.
    pub weights: Vec<Ratio>,
    /// What exposure is multiplied by, from 0 to 1: it can only be lowered.
    pub risk_scale: Ratio,
    /// How sure the conductor is, from 0 to 1.
    pub confidence: Ratio,
    /// Who answered, and why not the model where it did not.
    pub answered_by: Answerer,
}

/// Who answered a question.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Answerer {
    /// The built-in rule, as configured.
    Rule,
    /// The model with this BLAKE3 hash of its file.
    Model([u8; 32]),
    /// The built-in rule, because the model could not be trusted with this question.
    Degraded(Degradation),
}

/// Why a model's answer was not used.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Degradation {
    /// There is no usable model in this run.
    NoModel(String),
    /// The question has another feature set than the model.
    WrongFeatureSet,
    /// A feature lies outside the range the model was trained on.
    OutOfRange(Outlier),
    /// The model answered NaN, an infinity, or weights that are no weights.
    NotFinite,
    /// The answer took longer than allowed.
    Late(Lateness),
    /// The inference library failed.
    Failed(String),
    /// The question has no features: too few bars since the market began or last had a gap.
    NoFeatures,
}

/// A feature outside the range a model was trained on.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outlier {
    /// Which feature, counted from 0.
    pub feature: u32,
    /// Its value.
    pub value: Real,
}

/// An answer that took too long.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lateness {
    /// How long it took.
    pub latency_ns: u64,
    /// How long it may take.
    pub budget_ns: u64,
}

/// How inference was set up, recorded once when a run opens.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct InferenceSetup {
    /// BLAKE3 of the model file; `None` where the rule answers.
    pub model: Option<[u8; 32]>,
    /// The execution provider asked for: `auto`, `cuda`, `cpu` or `rule`.
    pub wanted: String,
    /// The one that really runs: `cuda`, `cpu` or `rule`.
    pub running: String,
    /// Why it is another than the one asked for; empty when it is not.
    pub reason: String,
    /// Name and version of the inference library; empty for the rule.
    pub library: String,
}
