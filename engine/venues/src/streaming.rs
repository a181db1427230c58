//! Sockets on a thread of their own, and the feed they fill or the recording they write.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use engine_runtime::ports::InputFeed;

use crate::clock::HouseClock;
use crate::frame_log::{FrameLog, Recorded};
use crate::frame_reader::FrameReader;
use crate::ingress::Ingress;
use crate::live_feed::LiveFeed;
use crate::market_venue::{Notices, Stream, VenueError, WantedFeed};
use crate::recorder::{Recorder, RecordingReader};
use crate::session::{Manners, Session};
use crate::venue_frames::names;

/// A connection to keep.
pub(crate) struct Streaming<R> {
    pub(crate) venue: &'static str,
    pub(crate) manners: Manners,
    pub(crate) reader: R,
}

/// Keeps a connection on a thread of its own, and answers what it feeds.
///
/// # Errors
/// [`VenueError::Unreachable`] where the system gives no thread; a venue that is down is tried again and again.
pub(crate) fn stream<R: FrameReader + 'static>(
    streaming: Streaming<R>,
    clock: &Arc<HouseClock>,
    wanted: &WantedFeed<'_>,
) -> Result<Box<dyn InputFeed>, VenueError> {
    let ingress = Arc::new(Ingress::measured(wanted.latencies.clone()));
    let log = wanted.frames.map(|dir| log_of(streaming.venue, (dir, wanted.streams), clock)).transpose()?;
    begin(streaming, (&ingress, clock), log, Arc::clone(&wanted.notices))?;
    Ok(Box::new(LiveFeed::new(ingress, Arc::clone(clock), wanted.interruption.clone())))
}

/// Keeps a connection on a thread of its own, and answers what records it.
///
/// # Errors
/// As [`stream`], and [`VenueError::Frames`] when nothing can be recorded in the directory.
pub(crate) fn record<R: FrameReader + 'static>(
    streaming: Streaming<R>,
    clock: &Arc<HouseClock>,
    (dir, streams): (&Path, &[Stream]),
    notices: &Notices,
) -> Result<Recorder, VenueError> {
    let ingress = Arc::new(Ingress::default());
    let log = log_of(streaming.venue, (dir, streams), clock)?;
    let (tally, theirs, notices) = (log.tally(), log.tally(), Arc::clone(notices));
    let Streaming { venue, manners, reader } = streaming;
    let reader = RecordingReader::new(reader, log.tally());
    // Why a recording cannot go on is told by whoever ends it.
    let notices: Notices = Arc::new(move |notice: &str| {
        if !theirs.has_failed() {
            notices(notice);
        }
    });
    let thread = begin(Streaming { venue, manners, reader }, (&ingress, clock), Some(log), notices)?;
    Ok(Recorder::new(thread, ingress, tally))
}

fn log_of(
    venue: &str,
    (dir, streams): (&Path, &[Stream]),
    clock: &HouseClock,
) -> Result<FrameLog, VenueError> {
    let recorded = Recorded { venue: venue.to_owned(), streams: names(streams) };
    Ok(FrameLog::create(dir, recorded, clock.now())?)
}

fn begin<R: FrameReader + 'static>(
    streaming: Streaming<R>,
    (ingress, clock): (&Arc<Ingress>, &Arc<HouseClock>),
    log: Option<FrameLog>,
    notices: Notices,
) -> Result<JoinHandle<()>, VenueError> {
    let Streaming { venue, manners, reader } = streaming;
    let url = manners.url.clone();
    let failed = |reason: std::io::Error| VenueError::Unreachable {
        venue: venue.to_owned(),
        url: url.clone(),
        reason: format!("no thread to read it on: {reason}"),
    };
    if url.starts_with("wss://") {
        // Another part of the program may have chosen one already; any of them serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let session = Session {
        manners,
        reader,
        ingress: Arc::clone(ingress),
        clock: Arc::clone(clock),
        connections: 0,
        venue,
        why: None,
        notices,
        log,
    };
    let read = move || runtime.block_on(session.keep());
    std::thread::Builder::new().name(format!("{venue} streams")).spawn(read).map_err(failed)
}
