//! A recorded run decided again, its venue included where it was simulated.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine_core::envelope::Seq;
use journal_store::snapshot;
use replay_replayer::backtest_replay::{RecordedConductor, recorded_operator, replay_backtest};
use replay_replayer::{CheckReport, check};
use replay_simulation::backtest::{DelayedConductor, Participants};
use replay_simulation::operator::Operator;
use replay_simulation::series_feed::OpenDatasets;

use super::conductor::conductor;
use super::error::ApplicationError;
use super::recording::Recording;
use crate::config::{ConductorKind, RunMode, policy_of};

/// The mode of runs over history.
const BACKTEST: &str = RunMode::Backtest.name();

/// Plays a run again, its simulated venue included; of a run without one, decides every input again.
///
/// # Errors
/// [`ApplicationError`] when run or datasets cannot be read.
pub fn check_again(
    recording: &Recording,
    given: &[PathBuf],
) -> Result<(CheckReport, Duration), ApplicationError> {
    let mut datasets = OpenDatasets::default();
    if recording.manifest.mode == BACKTEST || recording.is_live() {
        return played_again(recording, given, &mut datasets);
    }
    let mut source = recording.source(given, &mut datasets)?;
    let mut core = recording.core()?;
    let begun = Instant::now();
    let report = check(&mut core, &mut source, recording.reader.envelopes(Seq::FIRST)?)?;
    Ok((report, begun.elapsed()))
}

/// Plays a run again, its simulated venue included. What a model answered is taken from the record; rules answer anew.
fn played_again(
    recording: &Recording,
    given: &[PathBuf],
    datasets: &mut OpenDatasets,
) -> Result<(CheckReport, Duration), ApplicationError> {
    let (config, manifest, source) = recording.remade(given, datasets)?;
    let settings = recording.settings();
    let strategy = policy_of(settings, &config.instruments)
        .map_err(|error| ApplicationError::manifest(&recording.dir, &error))?;
    let envelopes = || recording.reader.envelopes(Seq::FIRST);
    let conductor: Option<DelayedConductor> = match &settings.conductor {
        // On real time a model answered from outside, and its answers are among what the run was told.
        Some(_) if recording.is_live() && settings.is_conducted_by_a_model() => None,
        Some(section) if section.kind == ConductorKind::Model => {
            Some((Box::new(RecordedConductor::new(envelopes()?)), section.delay))
        }
        Some(_) | None => conductor(settings)?,
    };
    let dir = recording.reader.dir();
    // A damaged snapshot is passed over here; `verify` names it.
    let kept = snapshot::list(dir)?.into_iter().filter_map(|seq| match snapshot::get(dir, seq) {
        Ok(kept) => kept.map(|kept| Ok((kept.seq, kept.into_core()))),
        Err(error) => Some(Err(error)),
    });
    let cast = Participants { strategy, conductor, operator: operator(recording)? };
    let begun = Instant::now();
    let report = replay_backtest(&config, cast, source, manifest, envelopes()?, kept)?;
    Ok((report, begun.elapsed()))
}

/// The operator of a recorded run, who ends it after as many inputs as the record says.
fn operator(recording: &Recording) -> Result<Operator, ApplicationError> {
    // A run on real time was told of its end like of anything else.
    if recording.is_live() || !recording.reader.is_interrupted() {
        return Ok(Operator::default());
    }
    let recorded = recording.reader.envelopes(Seq::FIRST)?;
    Ok(recorded_operator(recorded)?)
}
