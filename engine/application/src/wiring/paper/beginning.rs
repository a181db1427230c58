//! What a run on real time begins from: rules, a record that it goes on with, its manifest, and the way of real orders.

use std::path::Path;

use engine_core::event::Manifest;
use engine_core::instrument::Instrument;
use engine_runtime::ports::InputFeed;
use journal_store::heads::JournalState;
use journal_store::run::RunReader;
use replay_simulation::backtest::ENGINE_VERSION;
use replay_simulation::config::BacktestConfig;

use super::PaperRequest;
use super::live_journal::is_empty;
use super::run_environment::Route;
use crate::config::{RunMode, RunSettings};
use crate::wiring::error::ApplicationError;
use crate::wiring::kept_rules::{keep_rules, kept_rules};
use crate::wiring::live::{ASSUMPTIONS, Sending, route_to};
use crate::wiring::recording::Recording;

/// The rules of `symbols`: the venue's, or those kept beside a recording.
pub(super) fn rules(
    request: &PaperRequest<'_>,
    symbols: &[String],
) -> Result<Vec<Instrument>, ApplicationError> {
    if let Some(dir) = request.playback {
        return kept_rules(dir, symbols);
    }
    let rules = request.venue.instruments(symbols)?;
    if let Some(dir) = request.frames {
        keep_rules(dir, &rules)?;
    }
    Ok(rules)
}

/// The run of `mode` that was begun where `request` says, if one was.
pub(super) fn begun(
    request: &PaperRequest<'_>,
    mode: RunMode,
) -> Result<Option<Recording>, ApplicationError> {
    let recorded = begun_in(request.run, mode)?;
    if let (Some(recording), Some(frames)) = (&recorded, request.playback) {
        return Err(ApplicationError::Request(format!(
            "play back {}: a recording is played from its beginning, and {} was begun; name another directory with --run",
            frames.display(),
            recording.dir.display()
        )));
    }
    Ok(recorded)
}

/// The run in `dir` if one was begun there.
fn begun_in(dir: &Path, mode: RunMode) -> Result<Option<Recording>, ApplicationError> {
    if !dir.join("head.json").exists() {
        return Ok(None);
    }
    let reader = RunReader::open(dir)?;
    if is_empty(dir, &reader) {
        return Ok(None);
    }
    let recording = Recording::of(dir, reader)?;
    let refused =
        |reason: &str| Err(ApplicationError::Request(format!("take up {}: {reason}", dir.display())));
    if recording.manifest.mode != mode.name() {
        return refused("it is a run of another kind; name another directory with --run");
    }
    if matches!(recording.reader.state(), JournalState::Closed | JournalState::Signed) {
        return refused("it was closed as planned; name another directory with --run");
    }
    Ok(Some(recording))
}

/// Refuses to go on with a run that was begun with other settings.
pub(super) fn same_settings(recording: &Recording, config: &BacktestConfig) -> Result<(), ApplicationError> {
    if recording.manifest.config_json == config.config_json {
        return Ok(());
    }
    let now = RunSettings::read_canonical(&config.config_json);
    let keys = recording.settings().differing_sections(now.as_ref());
    Err(ApplicationError::Request(format!(
        "take up {}: it was begun with other settings ({}); use those, or name another directory with --run",
        recording.dir.display(),
        keys.join(", ")
    )))
}

/// What a run of `mode` with these settings is made of.
pub(super) fn manifest(config: &BacktestConfig, mode: RunMode) -> Manifest {
    Manifest {
        engine_version: ENGINE_VERSION.to_owned(),
        mode: mode.name().to_owned(),
        config_json: config.config_json.clone(),
        strategy: config.strategy.clone(),
        instruments: config.instruments.clone(),
        datasets: Vec::new(),
        seed: config.seed,
        capital: config.capital,
        synthetic: false,
    }
}

/// Where the orders of a run go that are real.
pub(super) fn route_of(
    request: &PaperRequest<'_>,
    settings: &RunSettings,
    config: &BacktestConfig,
    feed: &dyn InputFeed,
    (sending, is_new): (Sending, bool),
) -> Result<Route, ApplicationError> {
    let Some((inlet, person)) = feed.inlet().zip(feed.inlet()) else {
        let words = "send real orders over a recording: it is over, and so are its prices";
        return Err(ApplicationError::Request(words.to_owned()));
    };
    (request.notices)(ASSUMPTIONS);
    let told = (request.interruption, &request.notices);
    let route = route_to(request.venue, settings, &config.instruments, (sending, is_new), told)?;
    Ok(Route { route, inlet, person })
}
