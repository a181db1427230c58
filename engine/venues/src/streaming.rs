//! Sockets on a thread of their own, and the feed they fill.

use std::sync::Arc;

use engine_runtime::ports::InputFeed;

use crate::clock::HouseClock;
use crate::frame_log::FrameLog;
use crate::ingress::Ingress;
use crate::live_feed::LiveFeed;
use crate::market_venue::{VenueError, WantedFeed};
use crate::session::{FrameReader, Manners, Session};

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
    let Streaming { venue, manners, reader } = streaming;
    let (ingress, url) = (Arc::new(Ingress::measured(wanted.latencies.clone())), manners.url.clone());
    let failed = |reason: std::io::Error| VenueError::Unreachable {
        venue: venue.to_owned(),
        url: url.clone(),
        reason: format!("no thread to read it on: {reason}"),
    };
    if url.starts_with("wss://") {
        // Another part of the program may have chosen one already; any of them serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let log = wanted.frames.map(|dir| {
        FrameLog::create(dir).map_err(|source| VenueError::Recording {
            action: "record",
            dir: dir.display().to_string(),
            source,
        })
    });
    let log = log.transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let session = Session {
        manners,
        reader,
        ingress: Arc::clone(&ingress),
        clock: Arc::clone(clock),
        connections: 0,
        venue,
        why: None,
        notices: Arc::clone(&wanted.notices),
        log,
    };
    let read = move || runtime.block_on(session.keep());
    std::thread::Builder::new().name(format!("{venue} streams")).spawn(read).map_err(failed)?;
    Ok(Box::new(LiveFeed::new(ingress, Arc::clone(clock), wanted.interruption.clone())))
}
