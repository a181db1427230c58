//! Binance Spot: its market data.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine_core::instrument::Instrument;
use engine_core::market::Bar;
use engine_core::num::{Money, Price, Qty, power_of_ten};
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::InputFeed;

use crate::clock::HouseClock;
use crate::exact;
use crate::http::Http;
use crate::market_venue::{Channel, MarketVenue, PastReader, Stream, VenueError, WantedFeed};
use crate::playback::playback;
use crate::session::Manners;
use crate::streaming::{Streaming, stream};

mod frames;
mod wire;

use frames::{BinanceFrames, bar_of};

/// The venue's name, as in datasets.
const NAME: &str = "binance";

/// Where it is, unless a configuration says otherwise.
pub(crate) const WS_URL: &str = "wss://stream.binance.com:9443";
pub(crate) const REST_URL: &str = "https://api.binance.com";

/// One message in 300 ms: the venue takes five a second, pings among them.
const PACE: Duration = Duration::from_millis(300);

/// It pings every 20 s.
const SILENCE: Duration = Duration::from_secs(25);

/// It ends every connection after 24 h.
const ROTATE_AFTER: Duration = Duration::from_secs(23 * 3_600);

/// Rows in one answer about bars.
const ROWS_MAX: usize = 1_000;

/// Lengths of bars it has, in seconds.
const INTERVALS: [(u32, &str); 14] = [
    (1, "1s"),
    (60, "1m"),
    (180, "3m"),
    (300, "5m"),
    (900, "15m"),
    (1_800, "30m"),
    (3_600, "1h"),
    (7_200, "2h"),
    (14_400, "4h"),
    (21_600, "6h"),
    (28_800, "8h"),
    (43_200, "12h"),
    (86_400, "1d"),
    (259_200, "3d"),
];

/// The venue's name of a length of bars.
fn interval_name(seconds: u32) -> Option<&'static str> {
    INTERVALS.iter().find(|(length, _)| *length == seconds).map(|(_, name)| *name)
}

/// Binance Spot at its URLs.
#[derive(Debug)]
pub(crate) struct Binance {
    pub(crate) ws_url: String,
    pub(crate) http: Http,
    pub(crate) clock: Arc<HouseClock>,
    pub(crate) silence: Option<Duration>,
}

impl Binance {
    pub(crate) fn new(
        ws_url: String,
        rest_url: &str,
        clock: Arc<HouseClock>,
        silence: Option<Duration>,
    ) -> Self {
        Self { ws_url, http: Http::new(NAME, rest_url), clock, silence }
    }
}

impl MarketVenue for Binance {
    fn name(&self) -> &str {
        NAME
    }

    fn instruments(&self, symbols: &[String]) -> Result<Vec<Instrument>, VenueError> {
        let info: wire::ExchangeInfo = self.http.json("/api/v3/exchangeInfo")?;
        let of = |symbol: &String| {
            let refused = |reason: String| VenueError::Symbol {
                venue: NAME.to_owned(),
                symbol: symbol.clone(),
                reason,
            };
            let found = info.symbols.iter().find(|info| info.symbol == *symbol);
            let found = found.ok_or_else(|| refused("it has no such symbol".to_owned()))?;
            if found.status != "TRADING" {
                return Err(refused(format!("its status is {}", found.status)));
            }
            rules_of(found).ok_or_else(|| refused("its steps cannot be read".to_owned()))
        };
        symbols.iter().map(of).collect()
    }

    fn past_bars(&self, interval: Span) -> Result<PastReader, VenueError> {
        let seconds = u32::try_from(interval.nanos() / Span::SECOND.nanos()).unwrap_or_default();
        let Some(name) = interval_name(seconds) else {
            return Err(no_such_bars(interval.to_string()));
        };
        let http = self.http.clone();
        Ok(Box::new(move |rules, from, until| past_bars(&http, (rules, name, interval), from, until)))
    }

    fn feed(&self, wanted: &WantedFeed<'_>) -> Result<Box<dyn InputFeed>, VenueError> {
        for Stream { channel, .. } in wanted.streams {
            if let Channel::Bars { seconds } = channel
                && interval_name(*seconds).is_none()
            {
                return Err(no_such_bars(format!("{seconds}s")));
            }
        }
        let manners = Manners {
            url: format!("{}/stream", self.ws_url),
            pace: PACE,
            silence: self.silence.unwrap_or(SILENCE),
            rotate_after: ROTATE_AFTER,
        };
        let reader = BinanceFrames::new(wanted.streams);
        stream(Streaming { venue: NAME, manners, reader }, &self.clock, wanted)
    }

    fn playback(&self, dir: &Path, streams: &[Stream]) -> Result<Box<dyn InputFeed>, VenueError> {
        Ok(Box::new(playback(dir, BinanceFrames::new(streams))?))
    }
}

fn no_such_bars(interval: String) -> VenueError {
    let names: Vec<&str> = INTERVALS.iter().map(|(_, name)| *name).collect();
    VenueError::Channel {
        venue: NAME.to_owned(),
        channel: format!("bars of {interval}"),
        reason: format!("it has {}", names.join(", ")),
    }
}

/// The rules that the filters of a symbol state.
fn rules_of(info: &wire::SymbolInfo) -> Option<Instrument> {
    let filter = |kind: &str| info.filters.iter().find(|filter| filter.filter_type == kind);
    let tick = filter("PRICE_FILTER")?.tick_size.as_deref()?;
    let lot = filter("LOT_SIZE")?.step_size.as_deref()?;
    let notional = filter("NOTIONAL").or_else(|| filter("MIN_NOTIONAL"));
    let notional = notional.and_then(|filter| filter.min_notional.as_deref());
    let (price_decimals, qty_decimals) = (exact::decimals_of(tick)?, exact::decimals_of(lot)?);
    let rules = Instrument {
        venue: NAME.to_owned(),
        symbol: info.symbol.clone(),
        price_decimals,
        qty_decimals,
        tick: Price::from_units(exact::units(tick, price_decimals).ok()?),
        lot: Qty::from(exact::units(lot, qty_decimals).ok()?),
        notional_min: notional.map_or(Some(Money::ZERO), least)?,
    };
    rules.validated().ok()
}

/// An amount of money as a venue writes it, in at most eight decimals.
fn least(text: &str) -> Option<Money> {
    let units = i128::from(exact::units(text, 8).ok()?);
    units.checked_mul(power_of_ten(10)?).map(Money::from_units)
}

/// Closed bars of the past, page by page.
fn past_bars(
    http: &Http,
    (rules, name, interval): (&Instrument, &str, Span),
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<Bar>, VenueError> {
    let mut bars: Vec<Bar> = Vec::new();
    let mut begin = from.nanos().max(0) / Span::MILLISECOND.nanos();
    loop {
        let path = format!(
            "/api/v3/klines?symbol={}&interval={name}&startTime={begin}&limit={ROWS_MAX}",
            rules.symbol
        );
        let rows: Vec<wire::KlineRow> = http.json(&path)?;
        let count = rows.len();
        for row in rows {
            let numbers = [&row.1, &row.2, &row.3, &row.4, &row.5].map(String::as_str);
            let bar =
                bar_of(rules, (row.0, row.6), numbers, row.8).map_err(|error| VenueError::Unreachable {
                    venue: NAME.to_owned(),
                    url: path.clone(),
                    reason: error.to_string(),
                })?;
            let follows = bars.last().is_none_or(|last| bar.open_at >= last.close_at);
            if bar.close_at > until || !follows {
                return Ok(bars);
            }
            begin = row.6 + 1;
            bars.push(bar);
        }
        if count < ROWS_MAX || begin * Span::MILLISECOND.nanos() + interval.nanos() > until.nanos() {
            return Ok(bars);
        }
    }
}
