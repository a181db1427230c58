//! Paper trading as request and result: settings and a venue in, a run that goes on until its operator ends it.
//!
//! A run on real time is the environment of a backtest over a source that waits. So its simulated venue, its agenda and
//! its rules are the same code, and a run that is taken up again stands as its last snapshot has it, is played again from
//! what was recorded behind that, compared event by event, and gone on with behind the last of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine_core::envelope::Seq;
use engine_core::event::Manifest;
use engine_core::machine::Core;
use engine_core::strategy::Strategy;
use engine_core::time::Span;
use engine_runtime::commit_gate::CommitGate;
use engine_runtime::group_commit::CommitTurns;
use engine_runtime::interruption::Interruption;
use engine_runtime::latency::Latencies;
use engine_runtime::ports::{Head, Inlet, InputFeed, Journal as _};
use engine_runtime::runner::{SyncPolicy, run};
use engine_venues::market_venue::{MarketVenue, Notices, WantedFeed, WantedPlayback};
use journal_store::run::{Closing, RunReader, SegmentRule};
use replay_simulation::config::BacktestConfig;

use super::clock::now_nanos;
use super::conductor::pinned;
use super::error::ApplicationError;
use super::live::Sending;
use super::live::acceptance::AcceptanceDesk;
use super::signing::Signing;
use crate::config::{ResolveError, RunMode, RunSettings, policy_of, resolve_live};

mod beginning;
mod dataset_bars;
mod examination;
mod held_opens;
mod listing_watch;
mod live_journal;
mod live_retention;
mod live_settings;
mod live_snapshots;
mod live_source;
mod live_status;
mod markets;
mod past_bars;
mod past_source;
mod question_desk;
mod recent_trades;
mod run_environment;
mod status_file;

use beginning::{begun, manifest, route_of, rules, same_settings};
pub use examination::{Check, Health, examine};
pub use listing_watch::{AskListings, ListingWatch, OwnRules};
use live_journal::{Commits, ended_because, open};
use live_retention::LiveRetention;
use live_settings::{check, of_history};
use live_snapshots::{Behind, LiveSnapshots, take_up};
pub use live_source::LiveSource;
use live_status::Watching;
pub use live_status::{LiveStatus, StatusSink};
use markets::{listings_of, past_of};
pub(super) use markets::{streams, symbols};
pub use past_bars::{AskPast, OwnBars, PastBars, PastQuestion, PastRule};
use recent_trades::{last_moment, recent_trades};
use run_environment::{Route, RunEnvironment};
use status_file::{StatusFile, measured};
pub use status_file::{latency_document, read_status, status_age};

/// What to run, on which venue, and where to keep it.
pub struct PaperRequest<'a> {
    /// The settings.
    pub settings: &'a RunSettings,
    /// Where prices come from.
    pub venue: &'a dyn MarketVenue,
    /// The directory of the run: a new one, or one that was begun with the same settings.
    pub run: &'a Path,
    /// The key to sign with; the user's own when absent.
    pub key: Option<&'a Path>,
    /// Ends the run once it is asked for.
    pub interruption: &'a Interruption,
    /// Who is told of trouble with a connection.
    pub notices: Notices,
    /// Where frames are recorded while the run goes on; nowhere when absent.
    pub frames: Option<&'a Path>,
    /// A recording of frames that is played back instead of listening to the venue.
    pub playback: Option<&'a Path>,
    /// How many times as fast as it was recorded it is played back; as fast as it can be read when absent.
    pub speed: Option<u32>,
}

impl core::fmt::Debug for PaperRequest<'_> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("PaperRequest").field("run", &self.run).finish_non_exhaustive()
    }
}

/// KiB of pages after which a segment of the journal is put away, unless the settings say otherwise.
const SEGMENT_KIB: u64 = 64 << 10;

/// A run on paper of which everything is found and checked, and nothing is written.
pub struct PreparedPaper {
    run: PathBuf,
    config: BacktestConfig,
    settings: RunSettings,
    manifest: Manifest,
    strategy: Box<dyn Strategy>,
    signing: Signing,
    recorded: Option<RunReader>,
    past: Option<PastBars>,
    listings: ListingWatch,
    feed: Box<dyn InputFeed>,
    /// Where orders go that are real, and the way back from there.
    route: Option<Route>,
    notices: Notices,
    latencies: Latencies,
    turns: Option<CommitTurns>,
}

impl core::fmt::Debug for PreparedPaper {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("PreparedPaper").field("run", &self.run).finish_non_exhaustive()
    }
}

/// How a run on paper ended.
#[derive(Debug)]
pub struct PaperResult {
    /// What the run is made of.
    pub manifest: Manifest,
    /// What happened, counted, and where it stands.
    pub status: LiveStatus,
    /// How long things took in this process.
    pub latencies: Latencies,
    /// The fingerprint.
    pub head: Head,
    /// Events of the record behind which it was taken up; zero for a new run.
    pub taken_up: u64,
    /// How many of them were played again: those behind its last snapshot.
    pub played_again: u64,
    /// Wall time since it was begun or taken up.
    pub elapsed: Duration,
    /// What it was signed with.
    pub signing: Signing,
}

impl PreparedPaper {
    /// Finds and checks everything that `request` needs: settings, venue, model, key, and the record of a run that was
    /// begun before.
    ///
    /// # Errors
    /// [`ApplicationError`] when one of them cannot be used, or the run was begun with other settings.
    pub fn new(request: &PaperRequest<'_>) -> Result<Self, ApplicationError> {
        Self::prepared(request, None)
    }

    /// The same with real orders, as far as `sending` says.
    ///
    /// # Errors
    /// As [`PreparedPaper::new`], for what is not sent to the venue, and where the key of the account cannot be used.
    pub fn with_real_orders(request: &PaperRequest<'_>, sending: Sending) -> Result<Self, ApplicationError> {
        Self::prepared(request, Some(sending))
    }

    fn prepared(request: &PaperRequest<'_>, sending: Option<Sending>) -> Result<Self, ApplicationError> {
        let mode = if sending.is_some() { RunMode::Live } else { RunMode::Paper };
        let mut settings = pinned(request.settings)?;
        check(&mut settings, request.venue.name(), mode)?;
        if let Some(words) = of_history(&settings) {
            (request.notices)(&words);
        }
        let recorded = begun(request, mode)?;
        let instruments = match &recorded {
            Some(recording) => recording.manifest.instruments.clone(),
            None => rules(request, &symbols(&settings.data))?,
        };
        let config = resolve_live(&settings, &instruments)?;
        if let Some(recording) = &recorded {
            same_settings(recording, &config)?;
        }
        let strategy = policy_of(&settings, &config.instruments).map_err(ResolveError::from)?;
        let manifest = match &recorded {
            Some(recording) => recording.manifest.clone(),
            None => manifest(&config, mode),
        };
        let signing = Signing::prepared(request.key)?;
        let streams = streams(&settings.data, &config.instruments)?;
        let latencies = measured()?;
        let listings = listings_of(request, &settings, &config)?;
        let (past, feed) = match request.playback {
            // What the venue would tell of the past now was not told then.
            Some(dir) => {
                let PaperRequest { interruption, speed, .. } = *request;
                let notices = request.notices.clone();
                let wanted = WantedPlayback { dir, streams: &streams, speed, interruption, notices };
                (None, request.venue.playback(&wanted)?)
            }
            None => {
                let PaperRequest { interruption, frames, .. } = *request;
                let notices = request.notices.clone();
                let recent =
                    recorded.as_ref().map(|recording| recent_trades(&recording.reader)).transpose()?;
                let recent = &recent.unwrap_or_default();
                let since = recorded.as_ref().map(|recording| last_moment(&recording.reader)).transpose()?;
                let since = since.flatten();
                let latencies = latencies.clone();
                let streams = &streams;
                let wanted = WantedFeed { streams, recent, since, interruption, notices, latencies, frames };
                (past_of(request.venue, &settings, &config, &request.notices)?, request.venue.feed(&wanted)?)
            }
        };
        let is_new = recorded.is_none();
        let route =
            sending.map(|sending| route_of(request, &settings, &config, feed.as_ref(), (sending, is_new)));
        let route = route.transpose()?;
        let recorded = recorded.map(|recording| recording.reader);
        Ok(Self {
            run: request.run.to_path_buf(),
            config,
            settings,
            manifest,
            strategy,
            signing,
            recorded,
            past,
            listings,
            feed,
            route,
            notices: request.notices.clone(),
            latencies,
            turns: None,
        })
    }

    /// The same where whoever has the `turns` makes the journal durable, and no thread does.
    #[must_use]
    pub fn committed_by(self, turns: CommitTurns) -> Self {
        Self { turns: Some(turns), ..self }
    }

    /// What the run will be signed with.
    #[must_use]
    pub const fn signing(&self) -> &Signing {
        &self.signing
    }

    /// Whether a run that was begun before is taken up.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        self.recorded.is_some()
    }

    /// Trades on paper until the operator ends it, and leaves the run closed and signed.
    ///
    /// # Errors
    /// [`ApplicationError`] when the journal fails, the record cannot be read or would be decided otherwise now; what
    /// was recorded stays.
    pub fn play(self, sink: &mut dyn StatusSink) -> Result<PaperResult, ApplicationError> {
        let Self {
            run: dir,
            config,
            settings,
            manifest,
            strategy,
            signing,
            recorded,
            past,
            listings,
            feed,
            route,
            ..
        } = self;
        let (notices, latencies, turns) = (self.notices, self.latencies, self.turns);
        let begun = Instant::now();
        let mut core = Core::new(config.core(), strategy);
        let gate = CommitGate::default();
        // What a simulated venue makes of a bar waits for the bar; a real order waits for nothing but the disk.
        let held_by = if route.is_some() { CommitGate::default() } else { gate.clone() };
        let source = LiveSource::new(feed, config.instruments.len(), held_by);
        let source = source.with_past(past).with_listings(listings);
        let (mut environment, person) = match route {
            Some(Route { route, inlet, person }) => {
                (RunEnvironment::real(source, &settings, manifest.clone(), (route, inlet))?, Some(person))
            }
            None => (RunEnvironment::simulated(source, &settings, &config, manifest.clone())?, None),
        };
        let behind = match &recorded {
            Some(reader) => take_up(reader, &mut core, &mut environment, &notices)?,
            None => Behind::default(),
        };
        let taken_up = recorded.as_ref().map_or(0, |reader| reader.head().count);
        let played_again = taken_up.saturating_sub(behind.last.number());
        let mut snapshots = LiveSnapshots::new(&dir, config.journal.snapshot_every, taken_up, gate.clone());
        let put_away = recorded.as_ref().map(RunReader::segments).unwrap_or_default();
        put_away.iter().for_each(|note| snapshots.pin(Seq::new(note.ends.count)));
        let key = signing.key.clone().map(Arc::new);
        let retention = LiveRetention::new(&dir, &settings.live, key.clone(), &notices);
        let segments = SegmentRule {
            bytes: settings.live.segment_kib.unwrap_or(SEGMENT_KIB) << 10,
            span_ns: Span::DAY.nanos(),
            key,
            now: now_nanos,
        };
        let commits = Commits { gate, latencies: latencies.clone(), turns };
        let mut journal = open(&dir, &config, recorded, behind.last, segments, commits)?;
        let _desk = person.map(|person| desk_in(&dir, person, &notices)).transpose()?;
        let mut sink = StatusFile::new(&dir, &config.instruments, latencies.clone(), sink);
        let mut watching = Watching::new(&mut sink, behind.counts, snapshots).keeping(retention);
        let ended = run(&mut core, &mut environment, &mut journal, &mut watching, SyncPolicy::BeforeEffects);
        let status = watching.status(&core);
        drop(environment);
        ended.map_err(|error| ended_because(&dir, &mut journal, error))?;
        journal.catch_up()?;
        let head = journal.head();
        let Some(journal) = journal.into_journal().and_then(|journal| journal.into_inner().into_inner())
        else {
            return Err(ApplicationError::Interrupted { kept: "nothing was added to the run".to_owned() });
        };
        let (key, kept) = (signing.key.as_ref(), core.snapshot());
        journal.close(Closing { core: Some(&kept), key, signed_at: now_nanos() })?;
        let elapsed = begun.elapsed();
        Ok(PaperResult { manifest, status, latencies, head, taken_up, played_again, elapsed, signing })
    }
}

/// Where a person's word about the account comes in while the run in `dir` goes on.
fn desk_in(dir: &Path, person: Inlet, notices: &Notices) -> Result<AcceptanceDesk, ApplicationError> {
    let begun = AcceptanceDesk::begin(dir, person, notices.clone());
    begun.map_err(|error| ApplicationError::Request(format!("begin a thread for acceptances: {error}")))
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
