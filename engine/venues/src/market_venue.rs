//! A venue as a run on real time sees it: what can be traded there, and its market data as inputs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use engine_core::event::ListingChange;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::{Bar, Trade};
use engine_core::time::{Span, Timestamp};
use engine_runtime::interruption::Interruption;
use engine_runtime::latency::Latencies;
use engine_runtime::order_route::OrderRoute;
use engine_runtime::ports::InputFeed;

use crate::frame_log_error::FrameLogError;
use crate::recorder::Recorder;
use crate::signing::venue_key::VenueKey;
use crate::turns::Turns;

/// What a stream of market data holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Every trade.
    Trades,
    /// The best bid and ask.
    Quotes,
    /// Closed bars of this many seconds, with the open of each as soon as it is known.
    Bars {
        /// Length of a bar.
        seconds: u32,
    },
}

/// One stream of market data, and the instrument it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The instrument in the run.
    pub instrument: InstrumentId,
    /// Its rules; prices and quantities are in its decimals.
    pub rules: Instrument,
    /// What it holds.
    pub channel: Channel,
}

/// Why a venue does not serve a run.
#[derive(Debug, thiserror::Error)]
pub enum VenueError {
    /// It does not answer, or not in its own words. Check the network and the URL, then start again.
    #[error("ask {venue} at {url}: {reason}")]
    Unreachable {
        /// The venue.
        venue: String,
        /// The request.
        url: String,
        /// What happened.
        reason: String,
    },
    /// It trades no such symbol, or not now. Correct the configuration.
    #[error("trade {symbol} on {venue}: {reason}")]
    Symbol {
        /// The venue.
        venue: String,
        /// The symbol.
        symbol: String,
        /// What it says.
        reason: String,
    },
    /// Frames cannot be recorded or read back.
    #[error(transparent)]
    Frames(#[from] FrameLogError),
    /// It has no such data. Choose another kind or interval.
    #[error("stream {channel} from {venue}: {reason}")]
    Channel {
        /// The venue.
        venue: String,
        /// What was asked for.
        channel: String,
        /// What there is.
        reason: String,
    },
    /// It takes no orders, or not with this key.
    #[error("send orders to {venue}: {reason}")]
    Orders {
        /// The venue.
        venue: String,
        /// Why not.
        reason: String,
    },
}

/// So many of its last trades say where in a venue's history a run was: what the history repeats by chance is shorter.
pub const RECENT_TRADES: usize = 8;

/// An open is a price of now for so long, or for so small a share of its bar: venues push a forming bar every two seconds.
const FRESH: Span = Span::from_nanos(5_000_000_000);
const FRESH_SHARE: i64 = 100;

/// How long the open of a bar that lasts `interval` is a price of now.
#[must_use]
pub fn fresh_for(interval: Span) -> Span {
    Span::from_nanos((interval.nanos() / FRESH_SHARE).max(FRESH.nanos()))
}

/// A feed that is asked for.
#[derive(Clone)]
pub struct WantedFeed<'a> {
    /// What of it.
    pub streams: &'a [Stream],
    /// The last trades of a run that is taken up, oldest first, by instrument: what was traded since is missing. Empty for
    /// one that begins.
    pub recent: &'a BTreeMap<InstrumentId, Vec<Trade>>,
    /// The last moment of a run that is taken up: its time goes on no earlier. Nothing for one that begins.
    pub since: Option<Timestamp>,
    /// Ends it once it is asked for.
    pub interruption: &'a Interruption,
    /// Told, in one line each, when a connection cannot be made or is lost.
    pub notices: Notices,
    /// How long what comes waits for the loop.
    pub latencies: Latencies,
    /// Where frames are recorded as they are read; nowhere when absent.
    pub frames: Option<&'a Path>,
}

impl core::fmt::Debug for WantedFeed<'_> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("WantedFeed")
            .field("streams", &self.streams)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

/// A recording that is to be played back.
#[derive(Clone)]
pub struct WantedPlayback<'a> {
    /// Where it lies.
    pub dir: &'a Path,
    /// What of it.
    pub streams: &'a [Stream],
    /// How many times as fast as it was recorded; as fast as it can be read when absent.
    pub speed: Option<u32>,
    /// Ends it once it is asked for.
    pub interruption: &'a Interruption,
    /// Told, in one line each, of files whose end is torn.
    pub notices: Notices,
}

impl core::fmt::Debug for WantedPlayback<'_> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("WantedPlayback")
            .field("dir", &self.dir)
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}

/// A way of orders that is asked for.
#[derive(Clone)]
pub struct WantedRoute<'a> {
    /// What may be ordered, in the order of the run's numbers.
    pub instruments: &'a [Instrument],
    /// The key of the account.
    pub key: &'a VenueKey,
    /// Base URL that takes orders; the venue's own when absent.
    pub orders_url: Option<&'a str>,
    /// Whether the run begins. Only then is it asked what the key may do: the venue of a run that is taken up may want a pause, of
    /// which only the record knows.
    pub is_new: bool,
    /// Ends it once it is asked for.
    pub interruption: &'a Interruption,
    /// Told, in one line each, when a connection cannot be made or is lost.
    pub notices: Notices,
}

impl core::fmt::Debug for WantedRoute<'_> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("WantedRoute").field("orders_url", &self.orders_url).finish_non_exhaustive()
    }
}

/// Who is told of trouble with a connection.
pub type Notices = Arc<dyn Fn(&str) + Send + Sync>;

/// What a venue's clock says beside that of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// How far the clock of the run was ahead of the venue's in the middle of the request.
    pub ahead: Span,
    /// How long the answer took.
    pub round_trip: Span,
}

/// Reads bars of the past.
pub type PastReader =
    Box<dyn FnMut(&Instrument, Timestamp, Timestamp) -> Result<Vec<Bar>, VenueError> + Send>;

/// Reads the rules and statuses of the instruments of a run as the venue states them now, in their order; one that it lists no
/// more is delisted, one whose rules cannot be read is left out.
pub type ListingReader = Box<dyn FnMut() -> Result<Vec<ListingChange>, VenueError> + Send>;

/// A venue's market side.
pub trait MarketVenue {
    /// Its name, as in datasets.
    fn name(&self) -> &str;

    /// What time it is for runs on this venue.
    fn now(&self) -> Timestamp;

    /// Who gives the turns, where whoever asks this venue has no thread of its own.
    fn turns(&self) -> Option<Arc<dyn Turns>> {
        None
    }

    /// The venue's clock beside that of the run.
    ///
    /// # Errors
    /// [`VenueError::Unreachable`] when it does not tell its time.
    fn clock(&self) -> Result<ClockReading, VenueError>;

    /// The rules of these symbols, in the same order, as the venue states them now.
    ///
    /// # Errors
    /// [`VenueError`] for the first that cannot be had.
    fn instruments(&self, symbols: &[String]) -> Result<Vec<Instrument>, VenueError>;

    /// Who reads what the venue makes of `instruments` from now on.
    fn listings(&self, instruments: &[Instrument]) -> ListingReader;

    /// Who reads closed bars of `interval` of the past: of an instrument, those that open at or after the first moment and
    /// close by the second, oldest first.
    ///
    /// # Errors
    /// [`VenueError::Channel`] for an interval the venue does not have.
    fn past_bars(&self, interval: Span) -> Result<PastReader, VenueError>;

    /// The market data that `wanted` names, as inputs as they come.
    ///
    /// # Errors
    /// [`VenueError`] for a stream it does not have; a venue that is down is no error but a feed that is lost.
    fn feed(&self, wanted: &WantedFeed<'_>) -> Result<Box<dyn InputFeed>, VenueError>;

    /// Records every frame of `streams` into `dir`, until the recorder is told to finish.
    ///
    /// # Errors
    /// [`VenueError`] for a stream it does not have, [`VenueError::Frames`] when nothing can be recorded there.
    fn record(&self, dir: &Path, streams: &[Stream], notices: &Notices) -> Result<Recorder, VenueError>;

    /// What was recorded, as inputs in its own time.
    ///
    /// # Errors
    /// [`VenueError::Frames`] when it cannot be read.
    fn playback(&self, wanted: &WantedPlayback<'_>) -> Result<Box<dyn InputFeed>, VenueError>;

    /// Who hands orders over to this venue. Nothing is sent before it is told to begin.
    ///
    /// # Errors
    /// [`VenueError::Orders`] where the venue takes none here, or not with this key.
    fn order_route(&self, wanted: &WantedRoute<'_>) -> Result<Box<dyn OrderRoute>, VenueError> {
        let _ = wanted;
        let reason = "this venue takes no orders here yet".to_owned();
        Err(VenueError::Orders { venue: self.name().to_owned(), reason })
    }
}
