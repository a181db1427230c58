//! Who answers a run's questions, found and opened as its configuration says.

use std::path::{Path, PathBuf};

use engine_core::feature::market::MARKET_V1;
use engine_core::num::{Decimal, RATIO_DECIMALS, Ratio};
use engine_runtime::conductor::{Conductor, RuleConductor};
use models_inference::card::ModelCard;
use models_inference::model::Expected;
use models_inference::model_hash::ModelHash;
use models_inference::onnx::{ConductorOptions, OnnxConductor, open_or_rule};
use models_inference::registry::{self, REGISTRY};
use models_inference::session::Provider;
use replay_simulation::backtest::DelayedConductor;
use strategies::ensemble::families::FAMILIES;
use strategies::ensemble::sleeve_weights::SLEEVES;

use super::error::ApplicationError;
use crate::config::{ConductorKind, ConductorSection, OnFailure, ProviderChoice, RunSettings};

/// `settings` with the hash of the model file filled in, so that the run's identity is the file's content.
///
/// # Errors
/// [`ApplicationError`] when the model cannot be found or read, unless the run may degrade.
pub fn pinned(settings: &RunSettings) -> Result<RunSettings, ApplicationError> {
    let mut settings = settings.clone();
    if let Some(section) = &mut settings.conductor
        && section.kind == ConductorKind::Model
        && section.hash.is_none()
    {
        let read = place(section).and_then(|path| {
            std::fs::read(&path).map(|bytes| (ModelHash::of(&bytes), card_hash(&path))).map_err(|error| {
                ApplicationError::Request(format!("read the model {}: {error}", path.display()))
            })
        });
        match read {
            Ok((hash, card)) => {
                section.hash = Some(hash.0);
                section.card = section.card.or(card);
            }
            Err(_) if section.on_failure == OnFailure::Degrade => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(settings)
}

/// The hash of the card beside the model at `path`; `None` where opening the model will say what is wrong with it.
fn card_hash(path: &Path) -> Option<[u8; 32]> {
    let card = ModelCard::read(&ModelCard::path_beside(path)).ok()?;
    card.hash().ok().map(|hash| hash.0)
}

/// Who answers, and how long an answer travels; `None` for a run that asks nothing.
///
/// # Errors
/// [`ApplicationError`] when the model cannot be used and the run is to be refused then.
pub fn conductor(settings: &RunSettings) -> Result<Option<DelayedConductor>, ApplicationError> {
    let Some(section) = &settings.conductor else { return Ok(None) };
    let conductor: Box<dyn Conductor> = match section.kind {
        ConductorKind::Rule => Box::new(rule()),
        ConductorKind::Uniform => Box::new(uniform()),
        ConductorKind::Model => open_model(section)?,
    };
    Ok(Some((conductor, section.delay)))
}

/// The default ensemble's own rule: the four trend families alike, the specialists nothing, risk by regime.
#[must_use]
pub fn rule() -> RuleConductor {
    let families = RuleConductor::uniform(FAMILIES).weights;
    let specialists = std::iter::repeat_n(Ratio::ZERO, SLEEVES.len() - FAMILIES);
    let weights = families.into_iter().chain(specialists).collect();
    RuleConductor { weights, risk_scales: RuleConductor::RISK_SCALES }
}

/// Every arm alike, and all risk in every regime: what weighing at all has to beat.
fn uniform() -> RuleConductor {
    RuleConductor { risk_scales: [Ratio::ONE; 4], ..RuleConductor::uniform(SLEEVES.len()) }
}

/// The model of a run, opened as its section says.
///
/// # Errors
/// [`ApplicationError::Model`] when it cannot be used and the run does not degrade.
pub fn open_model(section: &ConductorSection) -> Result<Box<dyn Conductor>, ApplicationError> {
    let degrades = section.on_failure == OnFailure::Degrade;
    let path = match place(section) {
        Ok(path) => path,
        // What was asked for, so that every answer can say what is missing.
        Err(_) if degrades => section.model.clone().unwrap_or_default(),
        Err(failure) => return Err(failure),
    };
    let tolerance = Decimal { units: i128::from(section.range_tolerance.units()), decimals: RATIO_DECIMALS };
    let options = ConductorOptions {
        pinned: section.hash.map(ModelHash),
        pinned_card: section.card.map(ModelHash),
        expected: Some(Expected::new(&MARKET_V1, &SLEEVES)),
        provider: match section.provider {
            ProviderChoice::Auto => Provider::Auto,
            ProviderChoice::Cuda => Provider::Cuda,
            ProviderChoice::Cpu => Provider::Cpu,
        },
        range_tolerance: tolerance.to_f64(),
        budget_ns: section.latency_budget.and_then(|span| u64::try_from(span.nanos()).ok()),
        ..ConductorOptions::new(path)
    };
    if degrades {
        return Ok(open_or_rule(&options, rule()));
    }
    let opened = OnnxConductor::open(&options, rule());
    opened.map(|conductor| Box::new(conductor) as Box<dyn Conductor>).map_err(ApplicationError::from)
}

/// The model file: the path as given, else the registry's file of that name or hash.
fn place(section: &ConductorSection) -> Result<PathBuf, ApplicationError> {
    if let Some(path) = section.model.as_deref().filter(|path| path.is_file()) {
        return Ok(path.to_path_buf());
    }
    let registry = section.registry.as_deref().unwrap_or_else(|| Path::new(REGISTRY));
    let by_hash = section.hash.map(|hash| journal_store::chain::hex(&hash));
    let name = section.model.as_ref().map(|path| path.display().to_string());
    let asked = by_hash.or(name).unwrap_or_default();
    registry::find(registry, &asked).map_err(ApplicationError::from)
}
