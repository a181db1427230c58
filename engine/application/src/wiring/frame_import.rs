//! Recorded frames into a dataset: a series for each market and kind of data, by the importer that reads every other file.
//!
//! Frames become tables first, one for each series, beside the dataset; so all checks of rows, the rules of overlaps and the
//! report of quality are those of any import.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use engine_core::market::Aggressor;
use engine_core::time::{Span, Timestamp};
use engine_venues::market_venue::VenueError;
use engine_venues::message::{Kline, TopQuote, TradePrint};
use engine_venues::recorded_market::{RecordedMarket, RecordedRow};
use journal_store::record::RecordKind;
use journal_store::series::BarTime;
use replay_history::import::{
    ColumnMap, Format, ImportError, ImportOutcome, ImportProgress, ImportRequest, Progress, import,
};

use super::error::ApplicationError;

pub use engine_venues::recorded_market::{FrameHole, RecordingAccount, TradeHole, UnreadFrame};

/// Which frames to import, and how.
#[derive(Debug, Clone)]
pub struct FrameImport {
    /// One directory of a recording, or files in their order.
    pub paths: Vec<PathBuf>,
    /// Name of the venue in the dataset; as the recording says when absent.
    pub venue: Option<String>,
    /// The only symbol to take; all when absent.
    pub symbol: Option<String>,
    /// Everything else: dataset, the kind and interval to take, and how to store. Its venue, symbol and files are not
    /// looked at.
    pub request: ImportRequest,
}

/// What became of recorded frames.
#[derive(Debug)]
pub struct FrameImportOutcome {
    /// One outcome for each series, in the order of symbols, then kinds.
    pub series: Vec<ImportOutcome>,
    /// What the recording does not say, or says twice.
    pub account: RecordingAccount,
}

/// What one table holds: symbol, kind, and the length of bars.
type Series = (String, RecordKind, Option<Span>);

/// Frames between two words of progress and two looks at the wish of the operator.
const FRAMES_A_LOOK: u64 = 8_192;

/// Imports recorded frames; each series is one whole, and stored one after the other.
///
/// # Errors
/// [`ApplicationError`] when the recording cannot be read to its end, holds nothing that was asked for, or a series is refused;
/// series before it stay.
pub fn import_frames(
    frames: &FrameImport,
    progress: &mut dyn ImportProgress,
) -> Result<FrameImportOutcome, ApplicationError> {
    let market = RecordedMarket::open(&frames.paths, frames.venue.as_deref()).map_err(VenueError::from)?;
    let beside = existing_folder(&frames.request.dataset);
    let folder = tempfile::tempdir_in(&beside)
        .map_err(|error| ApplicationError::io("set rows aside in", &beside, error))?;
    let mut tables = Tables { folder: folder.path(), frames, open: BTreeMap::new() };
    let (venue, account) = read(market, &mut tables, progress)?;
    let tables = tables.finished()?;
    let Some(venue) = venue.filter(|_| !tables.is_empty()) else { return Err(nothing(&account)) };
    one_interval(&tables)?;
    let mut series = Vec::new();
    for ((symbol, kind, interval), path) in tables {
        let request = ImportRequest {
            venue: venue.clone(),
            symbol,
            kind: Some(kind),
            interval,
            bar_time: (kind == RecordKind::Bars).then_some(BarTime::Open),
            format: Format::Csv,
            columns: columns(kind),
            files: vec![path],
            ..frames.request.clone()
        };
        series.push(import(&request, progress)?);
    }
    Ok(FrameImportOutcome { series, account })
}

/// Reads the whole recording into `tables`; answers the venue's name, where there is one, and what is to be said beside the rows.
fn read(
    mut market: RecordedMarket,
    tables: &mut Tables<'_>,
    progress: &mut dyn ImportProgress,
) -> Result<(Option<String>, RecordingAccount), ApplicationError> {
    let (mut rows, mut frames, mut told) = (Vec::new(), 0_u64, 0);
    while market.read_on(&mut rows).map_err(VenueError::from)? {
        for row in rows.drain(..) {
            tables.add(row)?;
            told += 1;
        }
        frames += 1;
        if frames.is_multiple_of(FRAMES_A_LOOK) {
            if tables.frames.request.interruption.is_asked_for() {
                return Err(ImportError::Interrupted { series: "the recording".to_owned(), kept: 0 }.into());
            }
            let file = &market.place().file;
            progress.advanced(Progress { file, bytes_read: 0, bytes_total: 0, rows: told });
        }
    }
    Ok((market.venue(), market.into_account()))
}

/// Why there is nothing to import.
fn nothing(account: &RecordingAccount) -> ApplicationError {
    let RecordingAccount { frames, unread, .. } = account;
    let unknown: u64 = account.unknown.values().sum();
    let kind = account.unknown.keys().next().map(|kind| format!(" (the first {kind:?})")).unwrap_or_default();
    let first = account.unread_first.first().map(|first| format!("; {}: {}", first.place, first.reason));
    let torn = account.torn.first().map(|torn| format!("; {torn}"));
    ApplicationError::Request(format!(
        "import frames: none of {frames} holds a trade, quote or bar that was asked for; {unread} cannot be read, {unknown} are \
         of kinds that the adapter does not know{kind}{}{}",
        first.unwrap_or_default(),
        torn.unwrap_or_default()
    ))
}

/// Refuses two lengths of bars of one symbol, which would be one series.
fn one_interval(tables: &[(Series, PathBuf)]) -> Result<(), ApplicationError> {
    let mut seen = BTreeSet::new();
    for ((symbol, kind, interval), _) in tables {
        if *kind == RecordKind::Bars && !seen.insert(symbol) {
            let length = interval.map(|interval| interval.to_string()).unwrap_or_default();
            return Err(ApplicationError::Request(format!(
                "import frames: they hold bars of {symbol} of several lengths, one of {length}; take one with --interval"
            )));
        }
    }
    Ok(())
}

/// The folder nearest to the dataset that is there.
fn existing_folder(dataset: &Path) -> PathBuf {
    let there = dataset.ancestors().filter(|at| !at.as_os_str().is_empty()).find(|at| at.is_dir());
    // A dataset knows its own folder: what is no part of it lies beside.
    let beside = there.map(|at| if at == dataset { at.parent().unwrap_or(at) } else { at });
    beside.filter(|at| !at.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf()
}

/// The first line of the table of a kind.
const fn header(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Trades => "time,local_time,id,price,qty,side",
        RecordKind::Quotes => "time,local_time,bid,bid_qty,ask,ask_qty",
        RecordKind::Bars => "time,open,high,low,close,volume,trades",
    }
}

/// The columns of that table, each named as what it holds, times in nanoseconds.
fn columns(kind: RecordKind) -> ColumnMap {
    let named = |name: &str| match name {
        "time" | "local_time" => format!("{name}={name}:ns"),
        _ => format!("{name}={name}"),
    };
    let named: Vec<String> = header(kind).split(',').map(named).collect();
    named.join(",").parse().unwrap_or_default()
}

/// The tables that rows are set aside in.
struct Tables<'a> {
    folder: &'a Path,
    frames: &'a FrameImport,
    open: BTreeMap<Series, (PathBuf, BufWriter<File>)>,
}

impl Tables<'_> {
    fn add(&mut self, row: RecordedRow) -> Result<(), ApplicationError> {
        let (symbol, kind, interval, line) = match row {
            RecordedRow::Trade(print, at) => {
                let line = trade_line(&print, at);
                (print.symbol, RecordKind::Trades, None, line)
            }
            RecordedRow::Quote(quote, at) => {
                let Some(line) = quote_line(&quote, at) else { return Ok(()) };
                (quote.symbol, RecordKind::Quotes, None, line)
            }
            RecordedRow::Bar(kline) => {
                let line = bar_line(&kline);
                (kline.symbol, RecordKind::Bars, Some(kline.interval), line)
            }
        };
        let ImportRequest { kind: wanted_kind, interval: wanted_interval, .. } = &self.frames.request;
        let is_other = self.frames.symbol.as_ref().is_some_and(|wanted| *wanted != symbol)
            || wanted_kind.is_some_and(|wanted| wanted != kind)
            || (kind == RecordKind::Bars && wanted_interval.is_some_and(|wanted| interval != Some(wanted)));
        if is_other {
            return Ok(());
        }
        let (path, table) = self.table((symbol, kind, interval))?;
        table.write_all(line.as_bytes()).map_err(|error| ApplicationError::io("write", path, error))
    }

    fn table(&mut self, series: Series) -> Result<&mut (PathBuf, BufWriter<File>), ApplicationError> {
        let number = self.open.len();
        match self.open.entry(series) {
            std::collections::btree_map::Entry::Occupied(there) => Ok(there.into_mut()),
            std::collections::btree_map::Entry::Vacant(place) => {
                let (symbol, kind, _) = place.key();
                let plain: String = symbol
                    .chars()
                    .map(|letter| if letter.is_alphanumeric() { letter } else { '-' })
                    .collect();
                let path = self.folder.join(format!("frames-{plain}-{}-{number}.csv", kind.word()));
                let kind = *kind;
                let failed = |error| ApplicationError::io("write", &path, error);
                let mut table = BufWriter::with_capacity(1 << 16, File::create_new(&path).map_err(failed)?);
                writeln!(table, "{}", header(kind)).map_err(failed)?;
                Ok(place.insert((path, table)))
            }
        }
    }

    /// The tables, whole.
    fn finished(self) -> Result<Vec<(Series, PathBuf)>, ApplicationError> {
        let finished = |(series, (path, mut table)): (Series, (PathBuf, BufWriter<File>))| {
            table.flush().map_err(|error| ApplicationError::io("write", &path, error))?;
            Ok((series, path))
        };
        self.open.into_iter().map(finished).collect()
    }
}

fn trade_line(print: &TradePrint, at: Timestamp) -> String {
    let side = match print.aggressor {
        Aggressor::Buyer => "buy",
        Aggressor::Seller => "sell",
        Aggressor::Unknown => "",
    };
    let venue_at = print.venue_at.nanos();
    let id = print.ids.range().map_or_else(String::new, |(first, _)| first.to_string());
    format!("{venue_at},{},{id},{},{},{side}\n", at.nanos(), print.price, print.qty)
}

/// A quote of two sides; one without a moment of the venue counts from the moment it came.
fn quote_line(quote: &TopQuote, at: Timestamp) -> Option<String> {
    let (bid, ask) = (quote.bid?, quote.ask?);
    let (venue_at, local) = match quote.venue_at {
        Some(venue_at) => (venue_at.nanos(), at.nanos().to_string()),
        None => (at.nanos(), String::new()),
    };
    Some(format!("{venue_at},{local},{},{},{},{}\n", bid.price, bid.qty, ask.price, ask.qty))
}

fn bar_line(kline: &Kline) -> String {
    let Kline { open, high, low, close, volume, .. } = kline;
    let trades = kline.trades.unwrap_or_default();
    format!("{},{open},{high},{low},{close},{volume},{trades}\n", kline.open_at.nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_a_table_is_named_by_what_it_holds() {
        for kind in [RecordKind::Trades, RecordKind::Quotes, RecordKind::Bars] {
            assert!(!columns(kind).is_empty(), "{kind}");
        }
    }

    #[test]
    fn rows_are_set_aside_beside_the_dataset_and_not_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let dataset = dir.path().join("data");
        assert_eq!(existing_folder(&dataset), dir.path());
        std::fs::create_dir(&dataset).unwrap();
        assert_eq!(existing_folder(&dataset), dir.path());
        assert_eq!(existing_folder(Path::new("nowhere/data")), Path::new("."));
    }
}
