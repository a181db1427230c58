//! What a run on paper trades: its instruments, its streams and the bars it learns from.

use engine_core::bars::BarRule;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::time::Span;
use engine_venues::asking_thread::AskingThread;
use engine_venues::market_venue::{Channel, MarketVenue, Notices, Stream};
use journal_store::record::RecordKind;
use replay_simulation::config::{BacktestConfig, FillModel};
use strategies::trading::names;

use super::PaperRequest;
use super::listing_watch::{ListingWatch, OwnRules};
use super::past_bars::{OwnBars, PastBars, PastQuestion, PastRule};
use super::past_source::PastSource;
use crate::config::{DataSection, RunSettings};
use crate::wiring::error::ApplicationError;

/// How often a venue is asked what it lists, unless the settings say otherwise.
const LISTINGS_EVERY: Span = Span::from_nanos(600_000_000_000);

/// The symbols of `data`, each once, in their order.
pub(in crate::wiring) fn symbols(data: &[DataSection]) -> Vec<String> {
    let mut symbols: Vec<String> = Vec::new();
    for section in data {
        if !symbols.contains(&section.symbol) {
            symbols.push(section.symbol.clone());
        }
    }
    symbols
}

/// The streams that `data` ask for.
///
/// # Errors
/// [`ApplicationError::Request`] for bars without a length, or a symbol that is none of `instruments`.
pub(in crate::wiring) fn streams(
    data: &[DataSection],
    instruments: &[Instrument],
) -> Result<Vec<Stream>, ApplicationError> {
    let stream = |section: &DataSection| {
        let (instrument, rules) = instrument_named(instruments, &section.symbol)?;
        let channel = match section.kind {
            Some(RecordKind::Trades) | None => Channel::Trades,
            Some(RecordKind::Quotes) => Channel::Quotes,
            Some(RecordKind::Bars) => Channel::Bars { seconds: bar_seconds(section)? },
        };
        Ok(Stream { instrument, rules: rules.clone(), channel })
    };
    data.iter().map(stream).collect()
}

/// Who tells the bars that the run does not see itself, where it has bars of a length.
pub(super) fn past_of(
    venue: &dyn MarketVenue,
    settings: &RunSettings,
    config: &BacktestConfig,
    notices: &Notices,
) -> Result<Option<PastBars>, ApplicationError> {
    let Some(interval) = bar_length(settings, config) else { return Ok(None) };
    let instruments = config.instruments.clone();
    let mut source = PastSource::new(venue, settings, &instruments, interval)?;
    let (notices, mut is_failing) = (notices.clone(), vec![false; instruments.len()]);
    let asked = AskingThread::new("past bars", venue.turns(), move |question: &PastQuestion| {
        let number = question.instrument.index();
        let rules = instruments.get(number)?;
        // A venue that cannot be asked now is asked again.
        let bars = source.read((number, rules), question.from, question.until);
        let was_failing = is_failing.get_mut(number)?;
        let before = core::mem::replace(was_failing, bars.is_err());
        let words = bars.as_ref().err().filter(|_| !before);
        words
            .inspect(|error| notices(&format!("past bars of {} are asked for again: {error}", rules.symbol)));
        bars.ok()
    });
    let asked = asked.map_err(|error| {
        ApplicationError::Request(format!("begin a thread that reads bars of the past: {error}"))
    })?;
    let rule = PastRule { interval, warmup_bars: settings.warmup_bars, own: own_bars(settings, config) };
    Ok(Some(PastBars::new(rule, config.instruments.len(), Box::new(asked))))
}

/// Who watches what the venue lists; over a recording nobody is asked.
pub(super) fn listings_of(
    request: &PaperRequest<'_>,
    settings: &RunSettings,
    config: &BacktestConfig,
) -> Result<ListingWatch, ApplicationError> {
    let own = |rules: &Instrument| {
        let section = settings.instruments.iter().find(|(name, _)| names(name, rules));
        let section = section.map(|(_, section)| *section).unwrap_or_default();
        OwnRules {
            tick: section.tick.is_some(),
            lot: section.lot.is_some(),
            notional_min: section.notional_min.is_some(),
        }
    };
    let (instruments, notices) = (&config.instruments, request.notices.clone());
    let own = instruments.iter().map(own).collect();
    let every = settings.live.listings_every.unwrap_or(LISTINGS_EVERY);
    if request.playback.is_some() || every == Span::ZERO {
        return Ok(ListingWatch::new(instruments, own, None, notices));
    }
    let mut read = request.venue.listings(instruments);
    let (venue, failures) = (request.venue.name().to_owned(), notices.clone());
    let mut is_failing = false;
    let asked = AskingThread::new("listings", request.venue.turns(), move |(): &()| {
        let listed = read();
        let was_failing = core::mem::replace(&mut is_failing, listed.is_err());
        let words = listed.as_ref().err().filter(|_| !was_failing);
        words.inspect(|error| failures(&format!("what {venue} lists is asked for again: {error}")));
        listed.ok()
    });
    let asked = asked.map_err(|error| {
        ApplicationError::Request(format!("begin a thread that reads what the venue lists: {error}"))
    })?;
    Ok(ListingWatch::new(instruments, own, Some((Box::new(asked), every)), notices))
}

/// Where the bars come from: those that are streamed are prices where orders fill by bars.
fn own_bars(settings: &RunSettings, config: &BacktestConfig) -> OwnBars {
    match (streamed_length(settings), config.fill) {
        (None, _) => OwnBars::Built,
        (Some(_), FillModel::NextOpen | FillModel::SameClose) => OwnBars::Streamed,
        (Some(_), FillModel::Trades | FillModel::AtSignal | FillModel::Quotes) => OwnBars::Signals,
    }
}

/// The length of bars that the venue is to tell.
fn streamed_length(settings: &RunSettings) -> Option<Span> {
    settings.data.iter().find_map(|data| data.interval.filter(|_| data.kind == Some(RecordKind::Bars)))
}

/// The length of the run's bars, where they have one.
pub(super) fn bar_length(settings: &RunSettings, config: &BacktestConfig) -> Option<Span> {
    let built = match config.bars {
        Some(BarRule::Time(span)) => Some(span),
        Some(BarRule::Ticks(_) | BarRule::Volume(_)) | None => None,
    };
    streamed_length(settings).or(built)
}

fn bar_seconds(section: &DataSection) -> Result<u32, ApplicationError> {
    let seconds = section.interval.map(|interval| interval.nanos() / 1_000_000_000);
    seconds.and_then(|seconds| u32::try_from(seconds).ok()).ok_or_else(|| {
        ApplicationError::Request(format!(
            "stream bars of {}: say of which length with `interval = \"1m\"` in its [[data]]",
            section.symbol
        ))
    })
}

fn instrument_named<'a>(
    instruments: &'a [Instrument],
    symbol: &str,
) -> Result<(InstrumentId, &'a Instrument), ApplicationError> {
    let place = instruments.iter().position(|rules| rules.symbol == symbol);
    let found = place
        .and_then(|place| Some((InstrumentId::new(u16::try_from(place).ok()?), instruments.get(place)?)));
    found.ok_or_else(|| ApplicationError::Request(format!("trade {symbol}: the run has no such instrument")))
}
