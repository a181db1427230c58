//! Sockets on a thread of their own, and the feed they fill or the recording they write.

use std::path::Path;
use std::sync::Arc;

use engine_runtime::ports::InputFeed;

use crate::clock::HouseClock;
use crate::frame_log::{FrameLog, Recorded};
use crate::frame_reader::FrameReader;
use crate::ingress::Ingress;
use crate::live_feed::LiveFeed;
use crate::market_venue::{Notices, Stream, VenueError, WantedFeed};
use crate::outside::{Outside, on_thread};
use crate::recorder::{Recorder, RecordingReader};
use crate::session::{Manners, Session};
use crate::venue_frames::names;

/// A connection to keep.
pub(crate) struct Streaming<R> {
    pub(crate) venue: &'static str,
    pub(crate) manners: Manners,
    pub(crate) reader: R,
    pub(crate) outside: Arc<dyn Outside>,
}

/// Keeps a connection beside the loop, and answers what it feeds.
///
/// # Errors
/// [`VenueError::Unreachable`] where the system gives no thread; a venue that is down is tried again and again.
pub(crate) fn stream<R: FrameReader + 'static>(
    streaming: Streaming<R>,
    clock: &Arc<HouseClock>,
    wanted: &WantedFeed<'_>,
) -> Result<Box<dyn InputFeed>, VenueError> {
    let outside = Arc::clone(&streaming.outside);
    let ingress = Arc::new(Ingress::measured(wanted.latencies.clone()).in_turn(outside.turns()));
    let log = wanted.frames.map(|dir| log_of(streaming.venue, (dir, wanted.streams), clock)).transpose()?;
    let (name, failed) = (named(streaming.venue), no_thread(&streaming));
    let session = session(streaming, (&ingress, clock), log, Arc::clone(&wanted.notices));
    outside.keep(&name, Box::pin(session.keep())).map_err(failed)?;
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
    let Streaming { venue, manners, reader, outside } = streaming;
    let reader = RecordingReader::new(reader, log.tally());
    // Why a recording cannot go on is told by whoever ends it.
    let notices: Notices = Arc::new(move |notice: &str| {
        if !theirs.has_failed() {
            notices(notice);
        }
    });
    let streaming = Streaming { venue, manners, reader, outside };
    let failed = no_thread(&streaming);
    let session = session(streaming, (&ingress, clock), Some(log), notices);
    let thread = on_thread(&named(venue), Box::pin(session.keep())).map_err(failed)?;
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

fn named(venue: &str) -> String {
    format!("{venue} streams")
}

fn no_thread<R>(streaming: &Streaming<R>) -> impl FnOnce(std::io::Error) -> VenueError + use<R> {
    let (venue, url) = (streaming.venue.to_owned(), streaming.manners.url.clone());
    move |reason| VenueError::Unreachable { venue, url, reason: format!("no thread to read it on: {reason}") }
}

fn session<R: FrameReader>(
    streaming: Streaming<R>,
    (ingress, clock): (&Arc<Ingress>, &Arc<HouseClock>),
    log: Option<FrameLog>,
    notices: Notices,
) -> Session<R> {
    let Streaming { venue, manners, reader, outside } = streaming;
    if manners.url.starts_with("wss://") {
        // Another part of the program may have chosen one already; any of them serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    Session {
        manners,
        reader,
        ingress: Arc::clone(ingress),
        clock: Arc::clone(clock),
        outside,
        connections: 0,
        venue,
        why: None,
        notices,
        log,
    }
}
