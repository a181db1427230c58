//! `[regime]` and `[conductor]`: what is watched besides prices, and who weighs the specialists.

use std::path::{Path, PathBuf};

use engine_core::machine::{ConductorRule, WatchRule};
use engine_core::num::Ratio;
use engine_core::regime::DetectorKind;
use engine_core::time::Span;
use journal_store::chain::hex;
use serde_json::{Value, json};
use strategies::settings::{SettingError, Settings, ratio_text};

use super::choices::{
    CONDUCTORS, ConductorKind, DETECTORS, FAILURES, OnFailure, PROVIDERS, ProviderChoice, name_of,
};

/// `[conductor]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConductorSection {
    /// Who answers.
    pub kind: ConductorKind,
    /// The model file, by path or by its name in the registry; not part of the run's identity.
    pub model: Option<PathBuf>,
    /// BLAKE3 of the model file, which is; filled in when the model is opened.
    pub hash: Option<[u8; 32]>,
    /// BLAKE3 of what its card says, which is part of the run's identity too; filled in with `hash`.
    pub card: Option<[u8; 32]>,
    /// Where the registry lies.
    pub registry: Option<PathBuf>,
    /// Which execution provider is asked for.
    pub provider: ProviderChoice,
    /// How long an answer may take in the time of the run.
    pub answer_within: Span,
    /// How long an answer travels in simulated time.
    pub delay: Span,
    /// How long inference may take by the clock; no limit when absent.
    pub latency_budget: Option<Span>,
    /// How far beyond its training range a feature may lie, as a share of that range.
    pub range_tolerance: Ratio,
    /// The risk scale after a missed answer.
    pub floor: Ratio,
    /// What happens when the model cannot be used.
    pub on_failure: OnFailure,
}

impl ConductorSection {
    /// How the core asks.
    #[must_use]
    pub const fn rule(&self) -> ConductorRule {
        ConductorRule { answer_within: self.answer_within, floor: self.floor }
    }
}

/// What the core watches: regimes where they are asked for, or where a conductor needs them.
#[must_use]
pub(super) fn watch(regime: Option<DetectorKind>, conductor: Option<&ConductorSection>) -> Option<WatchRule> {
    if regime.is_none() && conductor.is_none() {
        return None;
    }
    let detector = regime.unwrap_or(DetectorKind::TwoAxis);
    Some(WatchRule { detector, conductor: conductor.map(ConductorSection::rule) })
}

pub(super) fn read_regime(mut regime: Settings<'_>) -> Result<DetectorKind, SettingError> {
    let detector = regime.choice("detector", &DETECTORS)?.unwrap_or(DetectorKind::TwoAxis);
    regime.finish()?;
    Ok(detector)
}

pub(super) fn read_conductor(mut conductor: Settings<'_>) -> Result<ConductorSection, SettingError> {
    let kind = conductor.choice("kind", &CONDUCTORS)?.unwrap_or(ConductorKind::Rule);
    let span = Span::from_nanos(1)..=Span::HOUR;
    let share = Ratio::ZERO..=Ratio::ONE;
    let section = ConductorSection {
        kind,
        model: conductor.text("model")?.map(PathBuf::from),
        hash: hash(&mut conductor, "hash")?,
        card: hash(&mut conductor, "card")?,
        registry: conductor.text("registry")?.map(PathBuf::from),
        provider: conductor.choice("provider", &PROVIDERS)?.unwrap_or(ProviderChoice::Auto),
        answer_within: conductor
            .span("answer_within", span.clone())?
            .unwrap_or(Span::from_nanos(50 * Span::MILLISECOND.nanos())),
        delay: conductor.span("delay", Span::ZERO..=Span::HOUR)?.unwrap_or(Span::ZERO),
        latency_budget: conductor.span("latency_budget", span)?,
        range_tolerance: conductor
            .ratio("range_tolerance", Ratio::ZERO..=Ratio::from_units(100_000_000_000))?
            .unwrap_or(Ratio::from_units(250_000_000)),
        floor: conductor.ratio("floor", share)?.unwrap_or(Ratio::ZERO),
        on_failure: conductor.choice("on_failure", &FAILURES)?.unwrap_or(OnFailure::Refuse),
    };
    if kind == ConductorKind::Model && section.model.is_none() && section.hash.is_none() {
        return Err(conductor.missing("model", "the path of an ONNX file or its name in the registry"));
    }
    conductor.finish()?;
    Ok(section)
}

fn hash(conductor: &mut Settings<'_>, key: &'static str) -> Result<Option<[u8; 32]>, SettingError> {
    let Some(text) = conductor.text(key)? else { return Ok(None) };
    let digits = text.as_bytes().as_chunks::<2>().0;
    let bytes = digits.iter().map(|pair| {
        let pair = core::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    match bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).filter(|_| text.len() == 64) {
        Some(hash) => Ok(Some(hash)),
        None => Err(conductor.out_of_range(key, text, "the BLAKE3 hash of a file, 64 hexadecimal digits")),
    }
}

pub(super) fn regime_value(detector: DetectorKind) -> Value {
    json!({ "detector": name_of(&DETECTORS, &detector) })
}

/// What a model that was not found is called.
fn file_name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

/// The section without paths: a model is what its hash says, wherever it lies.
pub(super) fn conductor_value(section: &ConductorSection) -> Value {
    json!({
        "kind": name_of(&CONDUCTORS, &section.kind),
        "model": section.model.as_deref().filter(|_| section.hash.is_none()).and_then(file_name),
        "hash": section.hash.map(|hash| hex(&hash)),
        "card": section.card.map(|hash| hex(&hash)),
        "provider": name_of(&PROVIDERS, &section.provider),
        "answer_within": section.answer_within.to_string(),
        "delay": section.delay.to_string(),
        "latency_budget": section.latency_budget.map(|span| span.to_string()),
        "range_tolerance": ratio_text(section.range_tolerance),
        "floor": ratio_text(section.floor),
        "on_failure": name_of(&FAILURES, &section.on_failure),
    })
}
