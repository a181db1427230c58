//! A recorded run decided again, its venue included where it was simulated.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine_core::envelope::Seq;
use engine_core::machine::CoreSnapshot;
use engine_runtime::ports::JournalError;
use journal_store::event_span::EventSpan;
use journal_store::segment::SegmentNote;
use journal_store::snapshot::{self, Snapshot};
use replay_replayer::backtest_replay::{
    RecordedConductor, Standing, recorded_operator, replay_backtest, replay_behind,
};
use replay_replayer::live_replay::{replay_live, replay_live_behind};
use replay_replayer::{CheckReport, check};
use replay_simulation::backtest::{DelayedConductor, Participants};
use replay_simulation::config::BacktestConfig;
use replay_simulation::operator::Operator;
use replay_simulation::series_feed::OpenDatasets;

use super::conductor::conductor;
use super::error::ApplicationError;
use super::recording::Recording;
use crate::config::{ConductorKind, RunMode, policy_of};

/// The mode of runs over history.
const BACKTEST: &str = RunMode::Backtest.name();

/// Plays a run again, its simulated venue included; of a run without one, decides every input again; of one whose first
/// segments were dropped, what is kept.
///
/// # Errors
/// [`ApplicationError`] when run or datasets cannot be read.
pub fn check_again(
    recording: &Recording,
    given: &[PathBuf],
) -> Result<(CheckReport, Duration), ApplicationError> {
    let kept = recording.reader.span_of(None);
    if !kept.begins_the_run() {
        let snapshot = recording.reader.snapshot_before(kept)?;
        return gone_on_again(recording, "what is kept of the run", kept, snapshot);
    }
    let mut datasets = OpenDatasets::default();
    if recording.manifest.mode == BACKTEST || recording.is_live() {
        return begun_again(recording, EventSpan::WHOLE, given, &mut datasets);
    }
    let mut source = recording.source(given, &mut datasets)?;
    let mut core = recording.core()?;
    let begun = Instant::now();
    let report = check(&mut core, &mut source, recording.reader.envelopes(Seq::FIRST)?)?;
    Ok((report, begun.elapsed()))
}

/// Plays `segment` of a run on real time again, its simulated venue included, from the snapshot with which the segment
/// before it ends; the first begins with the run.
///
/// # Errors
/// [`ApplicationError::Request`] when that snapshot is gone or does not hold everything, and when the run cannot be read.
pub fn check_segment_again(
    recording: &Recording,
    segment: &SegmentNote,
) -> Result<(CheckReport, Duration), ApplicationError> {
    let span = segment.span();
    // Of what was dropped, the reader says so.
    recording.reader.envelopes_of(span)?;
    if span.begins_the_run() {
        return begun_again(recording, span, &[], &mut OpenDatasets::default());
    }
    let kept = recording.reader.snapshot_before(span)?;
    gone_on_again(recording, &format!("segment {}", segment.number), span, kept)
}

/// Plays the events of `span`, with which a run begins, again, the venue included.
fn begun_again(
    recording: &Recording,
    span: EventSpan,
    given: &[PathBuf],
    datasets: &mut OpenDatasets,
) -> Result<(CheckReport, Duration), ApplicationError> {
    let (config, manifest, source) = recording.remade(span, given, datasets)?;
    let (cast, kept) = (cast(recording, &config)?, kept_in(recording, span)?);
    let begun = Instant::now();
    let recorded = recording.reader.envelopes_of(span)?;
    let report = match recording.has_real_orders() {
        true => replay_live(&config, cast.strategy, source, manifest, recorded, kept)?,
        false => replay_backtest(&config, cast, source, manifest, recorded, kept)?,
    };
    Ok((report, begun.elapsed()))
}

/// Plays the events of `span`, which is called `what`, again from what was `kept` before it.
fn gone_on_again(
    recording: &Recording,
    what: &str,
    span: EventSpan,
    kept: Option<Snapshot>,
) -> Result<(CheckReport, Duration), ApplicationError> {
    let whole = kept.and_then(|mut kept| kept.environment.take().map(|environment| (kept, environment)));
    let Some((kept, environment)) = whole else {
        let seq = span.behind.number();
        let or = match recording.reader.dropped() {
            Some(_) => "play a segment behind it",
            None => "play the run from its first event",
        };
        return Err(ApplicationError::Request(format!(
            "play {what} again: the snapshot after event {seq}, from which it goes on, is gone or cannot be used; put it back \
             from a copy, or {or}"
        )));
    };
    let (config, source) = recording.told_in(span, kept.records_read, kept.state.now())?;
    let manifest = recording.manifest.clone();
    let standing = Standing { last: kept.seq, core: kept.into_core(), environment, manifest };
    let (cast, kept) = (cast(recording, &config)?, kept_in(recording, span)?);
    let begun = Instant::now();
    let recorded = recording.reader.envelopes_of(span)?;
    let report = match recording.has_real_orders() {
        true => replay_live_behind(standing, &config, cast.strategy, source, recorded, kept)?,
        false => replay_behind(standing, &config, cast, source, recorded, kept)?,
    };
    Ok((report, begun.elapsed()))
}

/// Who takes part when a run is played again. What a model answered is taken from the record; rules answer anew.
fn cast(recording: &Recording, config: &BacktestConfig) -> Result<Participants, ApplicationError> {
    let settings = recording.settings();
    let strategy = policy_of(settings, &config.instruments)
        .map_err(|error| ApplicationError::manifest(&recording.dir, &error))?;
    let conductor: Option<DelayedConductor> = match &settings.conductor {
        // On real time a model answered from outside, and its answers are among what the run was told.
        Some(_) if recording.is_answered_outside() => None,
        Some(section) if section.kind == ConductorKind::Model => {
            let recorded = recording.reader.envelopes(Seq::FIRST)?;
            Some((Box::new(RecordedConductor::new(recorded)), section.delay))
        }
        Some(_) | None => conductor(settings)?,
    };
    Ok(Participants { strategy, conductor, operator: operator(recording)? })
}

/// The cores that were kept after events of `span`.
fn kept_in(
    recording: &Recording,
    span: EventSpan,
) -> Result<impl Iterator<Item = Result<(Seq, CoreSnapshot), JournalError>> + use<>, JournalError> {
    let dir = recording.reader.dir().to_path_buf();
    let seqs = snapshot::list(&dir)?.into_iter().filter(move |seq| span.holds(*seq));
    // A damaged snapshot is passed over here; `verify` names it.
    Ok(seqs.filter_map(move |seq| match snapshot::get(&dir, seq) {
        Ok(kept) => kept.map(|kept| Ok((kept.seq, kept.into_core()))),
        Err(error) => Some(Err(error)),
    }))
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
