//! `[live]`: where a run on real time takes its data from, and where its orders go.

use std::path::PathBuf;

use engine_core::time::Span;
use strategies::settings::{SettingError, Settings};

use crate::byte_size::{BYTES_FORM, parse_bytes};

/// What kind of run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunMode {
    /// History, simulated time and a simulated venue.
    #[default]
    Backtest,
    /// Live prices, real time and a simulated venue.
    Paper,
    /// Live prices, real time and real orders.
    Live,
}

impl RunMode {
    /// Its name in configurations and manifests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backtest => "backtest",
            Self::Paper => "paper",
            Self::Live => "live",
        }
    }
}

pub(super) const MODES: [(&str, RunMode); 3] = [
    (RunMode::Backtest.name(), RunMode::Backtest),
    (RunMode::Paper.name(), RunMode::Paper),
    (RunMode::Live.name(), RunMode::Live),
];

/// Which clock tells the time of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClockChoice {
    /// That of this machine.
    #[default]
    System,
    /// That of a fake exchange on the loopback.
    Venue,
}

const CLOCKS: [(&str, ClockChoice); 2] = [("system", ClockChoice::System), ("venue", ClockChoice::Venue)];

/// `[live]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveSection {
    /// Base URL of the market streams; the venue's own when absent.
    pub ws_url: Option<String>,
    /// Base URL of the requests; the venue's own when absent.
    pub rest_url: Option<String>,
    /// Which clock tells the time.
    pub clock: ClockChoice,
    /// A stream without a word for so long is lost; by the venue when absent.
    pub silence: Option<Span>,
    /// A segment of the journal is put away once it holds so many KiB of pages, or a day is over; 64 MiB when absent.
    pub segment_kib: Option<u64>,
    /// Segments whose last event is older than so many days are dropped; none for their age when absent.
    pub keep_days: Option<u32>,
    /// The oldest segments are dropped where those put away take more bytes; none for their size when absent.
    pub keep_bytes: Option<u64>,
    /// A trade farther from those before it than so many standard deviations waits for others; 10 when absent, never for 0.
    pub collar_sigmas: Option<u32>,
    /// How often the venue is asked what it lists: never for nothing, ten minutes when absent.
    pub listings_every: Option<Span>,
    /// Base URL that takes orders; the venue's own when absent.
    pub orders_url: Option<String>,
    /// The file with the key of the account; only a run with real orders needs one.
    pub credentials: Option<PathBuf>,
    /// Whether real orders may go to another machine though nothing can end them from outside yet.
    pub accepts_no_kill_switch: bool,
}

/// What the slowest of the catalogue's policies and detectors needs: two years of days, and some.
pub(super) const WARMUP_BARS: u32 = 760;

/// `[warmup]`: how many bars of the past a run on real time learns from, and the dataset that tells them, where one does.
pub(super) fn read_warmup(mut warmup: Settings<'_>) -> Result<(u32, Option<PathBuf>), SettingError> {
    let dataset = warmup.text("from")?.filter(|from| *from != "venue").map(PathBuf::from);
    let bars = warmup.whole("bars", 0..=100_000)?.and_then(|bars| u32::try_from(bars).ok());
    warmup.finish()?;
    Ok((bars.unwrap_or(WARMUP_BARS), dataset))
}

pub(super) fn read_live(mut live: Settings<'_>) -> Result<LiveSection, SettingError> {
    let section = LiveSection {
        ws_url: url(&mut live, "ws_url", &["ws://", "wss://"])?,
        rest_url: url(&mut live, "rest_url", &["http://", "https://"])?,
        clock: live.choice("clock", &CLOCKS)?.unwrap_or_default(),
        silence: live.span("silence", Span::SECOND..=Span::HOUR)?,
        segment_kib: live.whole("segment_kib", 16..=4_194_304)?,
        keep_days: live.whole("keep_days", 1..=36_500)?.and_then(|days| u32::try_from(days).ok()),
        keep_bytes: size(&mut live, "keep_size")?,
        collar_sigmas: live.whole("collar_sigma", 0..=1_000)?.and_then(|sigmas| u32::try_from(sigmas).ok()),
        listings_every: live.span("listings_every", Span::ZERO..=Span::DAY)?,
        orders_url: url(&mut live, "orders_url", &["ws://", "wss://", "http://", "https://"])?,
        credentials: live.text("credentials")?.map(PathBuf::from),
        accepts_no_kill_switch: live.flag("accepts_no_kill_switch")?.unwrap_or_default(),
    };
    live.finish()?;
    Ok(section)
}

fn size(live: &mut Settings<'_>, key: &'static str) -> Result<Option<u64>, SettingError> {
    let Some(text) = live.text(key)? else { return Ok(None) };
    match parse_bytes(text) {
        Some(bytes) => Ok(Some(bytes)),
        None => Err(live.out_of_range(key, &format!("{text:?}"), BYTES_FORM)),
    }
}

fn url(live: &mut Settings<'_>, key: &'static str, schemes: &[&str]) -> Result<Option<String>, SettingError> {
    let Some(text) = live.text(key)? else { return Ok(None) };
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    let is_host = |rest: &str| !rest.is_empty() && !rest.contains(char::is_whitespace);
    match rest {
        Some(rest) if is_host(rest) => Ok(Some(text.trim_end_matches('/').to_owned())),
        Some(_) | None => Err(live.out_of_range(key, text, &format!("{} and a host", schemes.join(" or ")))),
    }
}
