//! A made-up market for demonstrations and tests: seeded, with regimes that are known.
//!
//! Prices follow a random walk whose drift and volatility belong to a regime; the regime changes as a Markov
//! chain, and volatility within it clusters as in a GARCH(1,1) process. Equal requests give equal records on
//! every platform, and a longer request begins with the records of a shorter one. Nothing here was recorded
//! from a market, and the series says so.

mod market;
mod regime;

use std::path::PathBuf;

use engine_core::time::{Span, Timestamp};
use journal_store::dataset::{DatasetWriter, PageOptions};
use journal_store::record::{Record, RecordKind};
use journal_store::series::{BarTime, SeriesEntry, SeriesInfo, SourceNote};
use serde::Serialize;

use crate::import::{DEFAULT_DECIMALS, ImportError};

pub use market::{SynthBars, SynthTrades};
pub use regime::{RandomDraws, Regime};

/// 2024-01-01T00:00:00Z, where made-up markets begin.
pub const SYNTH_START: Timestamp = Timestamp::from_nanos(1_704_067_200_000_000_000);

/// How much market to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SynthSize {
    /// This many trades, about four a second.
    Ticks(u64),
    /// This many bars of this length.
    Bars(u64, Span),
}

/// What market to make, into which series.
#[derive(Debug, Clone)]
pub struct SynthRequest {
    /// Directory of the dataset; made when there is none.
    pub dataset: PathBuf,
    /// Name of the venue; `synthetic` says best what it is.
    pub venue: String,
    /// Symbol of the instrument.
    pub symbol: String,
    /// Everything random comes from here.
    pub seed: u64,
    /// How much.
    pub size: SynthSize,
}

/// A stretch of records under one regime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RegimeSpan {
    /// The regime.
    pub regime: Regime,
    /// Number of its first record, from 1.
    pub first_seq: u64,
    /// Moment of its first record, nanoseconds since the epoch.
    pub first_at: i64,
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub struct SynthOutcome {
    /// The series as it is now.
    pub entry: SeriesEntry,
    /// The regimes as they truly were.
    pub regimes: Vec<RegimeSpan>,
    /// Whether the same market was there already.
    pub nothing_new: bool,
}

/// Makes the market that `request` describes.
///
/// # Errors
/// [`ImportError::BadRequest`] when the series holds other records already or a number is out of range;
/// [`ImportError::Dataset`] when the dataset cannot be written. Nothing stored has changed then.
pub fn synthesise(request: &SynthRequest) -> Result<SynthOutcome, ImportError> {
    let seed = request.seed;
    match request.size {
        SynthSize::Ticks(0) | SynthSize::Bars(0, _) => {
            Err(ImportError::request("a market of no records cannot be made; ask for at least one"))
        }
        SynthSize::Ticks(count) => {
            let mut trades = SynthTrades::new(seed, SYNTH_START);
            written(request, None, count, || trades.next_trade())
        }
        SynthSize::Bars(count, interval) => {
            if interval < Span::SECOND || !in_range(count, interval) {
                return Err(ImportError::request(
                    "the interval must be at least one second, and the last bar before the year 2262",
                ));
            }
            let mut bars = SynthBars::new(seed, SYNTH_START, interval);
            written(request, Some(interval), count, || bars.next_bar())
        }
    }
}

fn in_range(count: u64, interval: Span) -> bool {
    let count = i64::try_from(count).ok();
    let length = count.and_then(|count| count.checked_mul(interval.nanos()));
    length.and_then(|length| SYNTH_START.nanos().checked_add(length)).is_some()
}

fn written<R: Record>(
    request: &SynthRequest,
    interval: Option<Span>,
    count: u64,
    mut next: impl FnMut() -> (R, Regime),
) -> Result<SynthOutcome, ImportError> {
    let info = SeriesInfo {
        venue: request.venue.clone(),
        symbol: request.symbol.clone(),
        kind: R::KIND,
        price_decimals: DEFAULT_DECIMALS,
        qty_decimals: DEFAULT_DECIMALS,
        interval,
        bar_time: interval.map(|_| BarTime::Open),
        synthetic: true,
    };
    let note = note(request, R::KIND, interval, count);
    let dataset = DatasetWriter::open(&request.dataset, PageOptions::default())?;
    let there = dataset.series_list().into_iter().find(|entry| entry.info.name() == info.name());
    let stored = there.as_ref().map_or(0, |entry| entry.head.count);
    let known = dataset.has_source(&info.name(), &note.blake3);
    if stored > 0 && !known {
        return Err(ImportError::request(format!(
            "the series {} holds other records already; choose another dataset",
            info.name()
        )));
    }
    let mut writer = if known { None } else { Some(dataset.series::<R>(info)?) };
    let mut regimes: Vec<RegimeSpan> = Vec::new();
    for seq in 1..=count {
        let (record, regime) = next();
        if regimes.last().is_none_or(|span| span.regime != regime) {
            regimes.push(RegimeSpan { regime, first_seq: seq, first_at: record.at() });
        }
        if let Some(writer) = &mut writer {
            writer.push(record)?;
        }
    }
    let entry = match (writer, there) {
        (Some(mut writer), _) => {
            writer.commit(note)?;
            drop(dataset);
            writer.finish()?
        }
        (None, Some(entry)) => entry,
        (None, None) => return Err(ImportError::request("the series is known but not there; run verify")),
    };
    Ok(SynthOutcome { entry, regimes, nothing_new: known })
}

/// What stands for the source: the request itself, named by its own digest.
fn note(request: &SynthRequest, kind: RecordKind, interval: Option<Span>, count: u64) -> SourceNote {
    let length = interval.map_or_else(String::new, |interval| format!(" of {interval}"));
    let file = format!("synthetic market 1, seed {}, {count} {kind}{length}", request.seed);
    SourceNote { blake3: *blake3::hash(file.as_bytes()).as_bytes(), file, rows: count }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::check_dataset;

    fn request(dir: &std::path::Path, seed: u64, size: SynthSize) -> SynthRequest {
        SynthRequest {
            dataset: dir.join("set"),
            venue: "synthetic".into(),
            symbol: "SYNUSD".into(),
            seed,
            size,
        }
    }

    fn made(seed: u64, size: SynthSize) -> SynthOutcome {
        let dir = tempfile::tempdir().unwrap();
        synthesise(&request(dir.path(), seed, size)).unwrap()
    }

    #[test]
    fn equal_seeds_make_equal_markets_and_others_others() {
        let size = SynthSize::Ticks(20_000);
        let first = made(7, size);
        assert!(first.entry.info.synthetic);
        assert_eq!(first.entry.head.digest, made(7, size).entry.head.digest);
        assert_ne!(first.entry.head.digest, made(8, size).entry.head.digest);
    }

    fn fingerprint<const N: usize>(count: u64, mut next: impl FnMut() -> [i64; N]) -> String {
        let mut hasher = blake3::Hasher::new();
        for number in (0..count).flat_map(|_| next()) {
            hasher.update(&number.to_le_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }

    #[test]
    fn the_market_of_a_seed_is_the_same_on_every_platform() {
        let mut bars = SynthBars::new(42, SYNTH_START, Span::HOUR);
        let bar = || {
            let (bar, _) = bars.next_bar();
            [bar.open_at, bar.open, bar.high, bar.low, bar.close, bar.volume]
        };
        assert_eq!(fingerprint(2_000, bar), "531e5c271235ffb3");
        let mut trades = SynthTrades::new(42, SYNTH_START);
        let trade = || {
            let (trade, _) = trades.next_trade();
            [trade.venue_at, trade.price, trade.qty, i64::from(trade.side)]
        };
        assert_eq!(fingerprint(100_000, trade), "1c6bad781b86da99");
    }

    #[test]
    fn made_data_is_clean_and_known_the_second_time() {
        let dir = tempfile::tempdir().unwrap();
        let request = request(dir.path(), 3, SynthSize::Bars(5_000, Span::HOUR));
        let first = synthesise(&request).unwrap();
        assert!(first.regimes.len() > 5, "{:?}", first.regimes);
        let quality = check_dataset(&request.dataset).unwrap();
        assert_eq!(quality[0].quality.violations(), Vec::<String>::new());
        assert_eq!(quality[0].quality.rows, 5_000);
        let second = synthesise(&request).unwrap();
        assert!(second.nothing_new && second.regimes == first.regimes);
        let other = SynthRequest { seed: 4, ..request };
        assert!(matches!(synthesise(&other), Err(ImportError::BadRequest { .. })));
    }

    #[test]
    fn a_longer_market_begins_with_the_shorter_one() {
        let records = |count: u64| {
            let mut trades = SynthTrades::new(5, SYNTH_START);
            (0..count).map(|_| trades.next_trade().0).collect::<Vec<_>>()
        };
        assert_eq!(records(100), records(200)[..100]);
    }
}
