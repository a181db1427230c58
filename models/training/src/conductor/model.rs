//! The model on disk: the ONNX file and the card beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_core::feature::market::MARKET_V1;
use engine_core::real::Real;
use engine_core::time::Timestamp;
use models_inference::card::{
    CARD_FORMAT, FeatureSetName, ModelCard, TrainedFeature, TrainedOn, TrainedSpan,
};
use models_inference::model::FEATURE_SET_PROPERTY;
use models_inference::model_hash::ModelHash;

use crate::conductor::Findings;
use crate::conductor::allocation::Allocator;
use crate::conductor::evaluation::Panel;
use crate::conductor::network::Fitted;
use crate::conductor::panel::Series;
use crate::conductor::report::Verdict;
use crate::error::TrainError;
use crate::onnx;

/// Name of the model and stem of its files.
pub const NAME: &str = "conductor";

/// Digest of all series together, in hexadecimal digits.
#[must_use]
pub fn data_digest(series: &[Series]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("models-training 2026 training data 1");
    for one in series {
        hasher.update(one.name.as_bytes());
        hasher.update(one.digest.as_bytes());
        hasher.update(&(one.bars.len() as u64).to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// The bytes of the ONNX file of `fitted`. The same fit gives the same bytes.
#[must_use]
pub fn to_bytes(fitted: &Fitted, findings: &Findings, series: &[Series]) -> Vec<u8> {
    let metadata = [
        (FEATURE_SET_PROPERTY, MARKET_V1.digest().to_string()),
        ("seed", findings.choices.seed.to_string()),
        ("dataset_digest", data_digest(series)),
    ];
    onnx::to_bytes(&fitted.graph(), NAME, &metadata)
}

/// The card of the model in `bytes`.
#[must_use]
pub fn card(bytes: &[u8], panel: &Panel, findings: &Findings, series: &[Series]) -> ModelCard {
    let rows: Vec<_> = panel.rows.iter().collect();
    let questions = panel.questions(&rows);
    let feature = |(place, feature): (usize, &engine_core::feature::Feature)| {
        let values = questions.iter().map(|question| question[place]);
        let (min, max) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| (min.min(value), max.max(value)));
        TrainedFeature { name: feature.name.to_owned(), min: Real::or_zero(min), max: Real::or_zero(max) }
    };
    let moments = panel.rows.iter().map(|row| (row.at, row.known_at));
    let (from, to) =
        moments.fold((i64::MAX, i64::MIN), |(from, to), (at, known)| (from.min(at), to.max(known)));
    let on = |series: &Series| TrainedOn {
        name: series.name.clone(),
        count: series.bars.len() as u64,
        digest: series.digest.clone(),
    };
    ModelCard {
        format: CARD_FORMAT,
        name: NAME.to_owned(),
        model: ModelHash::of(bytes),
        feature_set: FeatureSetName::from(&MARKET_V1),
        features: MARKET_V1.features.iter().enumerate().map(feature).collect(),
        specialists: panel.sleeves.clone(),
        answers: Vec::new(),
        datasets: series.iter().map(on).collect(),
        trained: TrainedSpan { from: Timestamp::from_nanos(from), to: Timestamp::from_nanos(to) },
        seed: findings.choices.seed,
        metrics: metrics(findings),
        opset: onnx::OPSET,
        ir_version: onnx::IR_VERSION,
        producer: format!("{} {}", onnx::PRODUCER, env!("CARGO_PKG_VERSION")),
        note: "metrics are out of sample, walking forward by year; the network itself is fitted to every row"
            .to_owned(),
    }
}

fn metrics(findings: &Findings) -> BTreeMap<String, Real> {
    let verdict = Verdict::of(findings);
    let (ours, twin) = (&findings.adversarial.skill, &findings.twin.skill);
    let mut metrics: BTreeMap<String, Real> = BTreeMap::new();
    let mut set = |name: &str, value: f64| {
        metrics.insert(name.to_owned(), Real::or_zero(value));
    };
    set("walk_forward_r2_volatility", ours.volatility);
    set("walk_forward_r2_volatility_twin", twin.volatility);
    set("walk_forward_r2_arms", ours.performance);
    set("walk_forward_log_loss", ours.log_loss);
    set("walk_forward_log_loss_usual", ours.log_loss_usual);
    set("fresh_probe_regime_best", verdict.regime_probe);
    set("fresh_probe_instrument_best", verdict.asset_probe);
    for earned in &findings.earned {
        let who = match earned.allocator {
            Allocator::Conductor => "conductor",
            Allocator::Rule => "rule",
            Allocator::Uniform => "uniform",
            Allocator::Twin | Allocator::ConductorWeights | Allocator::ConductorScale => continue,
        };
        set(&format!("walk_forward_sharpe_{who}"), earned.figures.sharpe);
    }
    metrics
}

/// Writes the model and its card into `folder`; answers the path of the model.
///
/// # Errors
/// [`TrainError`] when either cannot be written.
pub fn write(folder: &Path, bytes: &[u8], card: &ModelCard) -> Result<PathBuf, TrainError> {
    let path = folder.join(format!("{NAME}.onnx"));
    std::fs::write(&path, bytes).map_err(TrainError::io("write", &path))?;
    card.write(&ModelCard::path_beside(&path))?;
    Ok(path)
}
