//! The words that choices are written as.

use engine_core::mark::MarkRule;
use engine_core::regime::DetectorKind;
use engine_core::risk::{Account, HaltAction};
use journal_store::record::RecordKind;
use replay_simulation::config::{Depth, EndOfData, FillModel, LimitAtOpen, LimitFill};
use serde_json::Value;

/// Who answers the core's questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConductorKind {
    /// The built-in rule: the four trend families equally, risk by regime.
    Rule,
    /// Every specialist equally, all risk.
    Uniform,
    /// An ONNX model.
    Model,
}

/// Which execution provider is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderChoice {
    /// CUDA where it really runs, else the CPU.
    Auto,
    /// CUDA or nothing.
    Cuda,
    /// The CPU.
    Cpu,
}

/// What happens when the model cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// The run is refused.
    Refuse,
    /// The rule answers, and every answer says why.
    Degrade,
}

pub(super) const FILLS: [(&str, FillModel); 5] = [
    ("next-open", FillModel::NextOpen),
    ("same-close", FillModel::SameClose),
    ("at-signal", FillModel::AtSignal),
    ("trades", FillModel::Trades),
    ("quotes", FillModel::Quotes),
];
pub(super) const ENDS: [(&str, EndOfData); 3] = [
    ("keep", EndOfData::Keep),
    ("flatten", EndOfData::Flatten),
    ("flatten-at-last-open", EndOfData::FlattenAtLastOpen),
];
pub(super) const MARKS: [(&str, MarkRule); 3] =
    [("newest", MarkRule::Newest), ("trade", MarkRule::Trade), ("mid", MarkRule::Mid)];
pub(super) const LIMIT_FILLS: [(&str, LimitFill); 2] =
    [("through", LimitFill::Through), ("touch", LimitFill::Touch)];
pub(super) const LIMITS_AT_OPEN: [(&str, LimitAtOpen); 2] =
    [("limit", LimitAtOpen::Limit), ("open", LimitAtOpen::Open)];
pub(super) const DEPTHS: [(&str, Depth); 2] = [("traded", Depth::Traded), ("unlimited", Depth::Unlimited)];
pub(super) const ACCOUNTS: [(&str, Account); 2] = [("cash", Account::Cash), ("margin", Account::Margin)];
pub(super) const HALT_ACTIONS: [(&str, HaltAction); 2] =
    [("flatten", HaltAction::Flatten), ("hold", HaltAction::Hold)];
pub(super) const KINDS: [(&str, RecordKind); 3] =
    [("bars", RecordKind::Bars), ("trades", RecordKind::Trades), ("quotes", RecordKind::Quotes)];
pub(super) const DETECTORS: [(&str, DetectorKind); 3] = [
    ("two-axis", DetectorKind::TwoAxis),
    ("two-axis-hourly", DetectorKind::TwoAxisHourly),
    ("change-point", DetectorKind::ChangePoint),
];
pub(super) const CONDUCTORS: [(&str, ConductorKind); 3] =
    [("rule", ConductorKind::Rule), ("uniform", ConductorKind::Uniform), ("model", ConductorKind::Model)];
pub(super) const PROVIDERS: [(&str, ProviderChoice); 3] =
    [("auto", ProviderChoice::Auto), ("cuda", ProviderChoice::Cuda), ("cpu", ProviderChoice::Cpu)];
pub(super) const FAILURES: [(&str, OnFailure); 2] =
    [("refuse", OnFailure::Refuse), ("degrade", OnFailure::Degrade)];

/// The word of `chosen`.
pub(super) fn name_of<T: PartialEq>(choices: &[(&'static str, T)], chosen: &T) -> Value {
    let found = choices.iter().find(|(_, choice)| choice == chosen);
    found.map_or(Value::Null, |(name, _)| Value::from(*name))
}
