//! History from files outside into a dataset.
//!
//! A file is read as a stream: packed or plain, of any size, in bounded memory. Its layout is found from its
//! first rows or named by the operator; every row is checked before it is stored. An import is one whole: when
//! anything fails, nothing stored has changed. The same file imported twice changes nothing.
//!
//! Limits: a line of at most 64 KiB, an archive of at most 10 000 members, and a compressed file that becomes at
//! most 200 times its size (64 MiB are always allowed).

mod archive_name;
mod arrival;
mod arrow_text;
mod backward;
mod cadence;
mod checksum;
mod columns;
mod container;
mod decimals;
mod decoding;
mod digits;
mod error;
mod event_array;
mod expansion;
mod format;
mod frames;
mod gaps;
mod header;
mod headerless;
mod json_rows;
mod layout;
mod layout_request;
mod lean;
mod lines;
mod metatrader;
mod moment;
mod nautilus;
mod numbers;
mod origin;
mod overlap;
mod parquet_text;
mod peek;
mod plan;
mod preamble;
mod read_ahead;
mod recorded;
mod repairs;
mod rewrite;
mod rollback;
mod row;
mod sample;
mod session;
mod shape;
mod stream;
mod survey;
mod table;
#[cfg(test)]
mod tests;
mod time_order;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine_core::time::{Span, Timestamp};
use engine_runtime::interruption::Interruption;
use journal_store::dataset::DatasetError;
use journal_store::record::{BarRecord, QuoteRecord, RecordKind, TradeRecord};
use journal_store::series::{BarTime, SeriesEntry};
use serde::Serialize;

use crate::quality::QualityReport;

pub use columns::{ColumnMap, Role};
pub use error::ImportError;
pub use format::{FORMATS, Format, FormatNotes};
pub use gaps::GapReading;
pub use moment::{DateOrder, TimeReading, TimeUnit};
pub use parquet_text::ParquetText;
pub use row::{EmptyVolume, Row, VolumeUnit};
pub use stream::Stream;
pub use table::RowSource;
pub use tree::{PassedOver, TreeOutcome, TreeRequest, import_tree};

use decimals::Stated;
use numbers::Volumes;
use plan::Plan;
use repairs::Repairs;
use session::Session;

/// Decimals of imported prices and quantities unless the numbers or the operator ask for others.
pub const DEFAULT_DECIMALS: u8 = 8;

/// What to import, into which series.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// Directory of the dataset; made when there is none.
    pub dataset: PathBuf,
    /// Name of the venue, as in `binance`.
    pub venue: String,
    /// The venue's symbol, as in `BTCUSDT`.
    pub symbol: String,
    /// What the rows are; found from the columns when `None`.
    pub kind: Option<RecordKind>,
    /// Whose layout the files have.
    pub format: Format,
    /// Columns named by the operator.
    pub columns: ColumnMap,
    /// Length of a bar; found from the rows when `None`.
    pub interval: Option<Span>,
    /// Which moment the times of bars name; known from the layout when `None`.
    pub bar_time: Option<BarTime>,
    /// Decimals kept of prices, more digits being rounded; chosen from the numbers when `None`.
    pub price_decimals: Option<u8>,
    /// Decimals kept of quantities, more digits being rounded; chosen from the numbers when `None`.
    pub qty_decimals: Option<u8>,
    /// What the volume of bars counts.
    pub volume_unit: VolumeUnit,
    /// What a volume without digits means.
    pub empty_volume: EmptyVolume,
    /// What bars that a source leaves out are; known from the layout when `None`.
    pub gaps: Option<GapReading>,
    /// Whether the day or the month comes first in dates that end with their year.
    pub date_order: Option<DateOrder>,
    /// The moment of the import: what is later than a day after it, or before the first crypto market, is refused.
    /// Moments are not judged when `None`.
    pub now: Option<Timestamp>,
    /// Whether to refuse data with any violation, see [`QualityReport::violations`].
    pub strict: bool,
    /// Whether the data is made up rather than recorded from a market.
    pub synthetic: bool,
    /// Whether the dataset also keeps a page log, from which it can be restored.
    pub page_log: bool,
    /// The files, in any order.
    pub files: Vec<PathBuf>,
    /// Streams that were set aside, read like the files.
    pub streams: Vec<Arc<Stream>>,
    /// Ends the import early once it is asked for.
    pub interruption: Interruption,
}

impl ImportRequest {
    /// An import of `files` into the series of `venue` and `symbol` in `dataset`, with everything found out.
    #[must_use]
    pub fn new(dataset: impl Into<PathBuf>, venue: &str, symbol: &str, files: Vec<PathBuf>) -> Self {
        Self {
            dataset: dataset.into(),
            venue: venue.to_owned(),
            symbol: symbol.to_owned(),
            kind: None,
            format: Format::Auto,
            columns: ColumnMap::default(),
            interval: None,
            bar_time: None,
            price_decimals: None,
            qty_decimals: None,
            volume_unit: VolumeUnit::default(),
            empty_volume: EmptyVolume::default(),
            gaps: None,
            date_order: None,
            now: None,
            strict: false,
            synthetic: false,
            page_log: false,
            files,
            streams: Vec::new(),
            interruption: Interruption::default(),
        }
    }

    /// The path of every file and stream, with what messages call it.
    fn sources(&self) -> impl Iterator<Item = (&Path, String)> {
        let files = self.files.iter().map(|path| (path.as_path(), container::file_name(path)));
        files.chain(self.streams.iter().map(|stream| (stream.path(), stream.name().to_owned())))
    }

    const fn volumes(&self) -> Volumes {
        Volumes { unit: self.volume_unit, empty: self.empty_volume }
    }

    const fn stated_decimals(&self) -> Stated {
        Stated { price: self.price_decimals, qty: self.qty_decimals }
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'import> {
    /// The file, or member of an archive, being read.
    pub file: &'import str,
    /// Bytes read of all files, packed as they are.
    pub bytes_read: u64,
    /// Bytes of all files that are read.
    pub bytes_total: u64,
    /// Rows read so far.
    pub rows: u64,
}

/// Hears how an import gets on.
pub trait ImportProgress {
    /// Called every few ten thousand rows and at the end of each file.
    fn advanced(&mut self, progress: Progress<'_>);
}

impl ImportProgress for () {
    fn advanced(&mut self, _progress: Progress<'_>) {}
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileOutcome {
    /// Its name.
    pub file: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Rows that were new.
    pub rows: u64,
    /// Rows that were there already or were doubled.
    pub skipped: u64,
    /// Whether its content was imported before, so that it was not read.
    pub known: bool,
}

/// What an import did.
#[derive(Debug, Clone, Serialize)]
pub struct ImportOutcome {
    /// Rows added.
    pub rows: u64,
    /// Rows passed over because they were there already or were doubled.
    pub skipped: u64,
    /// Every file of the request, in its order.
    pub files: Vec<FileOutcome>,
    /// What the added rows are like.
    pub quality: QualityReport,
    /// The series as it is now: description, head, span and sources.
    pub entry: SeriesEntry,
    /// Whether the dataset is as it was before.
    pub nothing_new: bool,
}

/// Imports all files of `request` as one whole.
///
/// # Errors
/// [`ImportError`]; nothing stored has changed then, but that of an interrupted import what was sealed is kept for when
/// it is repeated.
pub fn import(
    request: &ImportRequest,
    progress: &mut dyn ImportProgress,
) -> Result<ImportOutcome, ImportError> {
    let mut repairs = Repairs::default();
    let mut plan = repairs.plan(request)?;
    let mut starts_anew = false;
    loop {
        let result = read(&mut plan, request, progress);
        plan = match &result {
            Ok(_) | Err(ImportError::Interrupted { .. }) => return result,
            // What an interrupted import had sealed is not of these files as they are read now, and is gone by now.
            Err(ImportError::Dataset(DatasetError::OtherThanSealed { .. })) if !starts_anew => {
                starts_anew = true;
                repairs.plan(request)?
            }
            Err(_) if request.interruption.is_asked_for() => return result,
            Err(_) => match repairs.next(&mut plan, request)? {
                Some(next) => next,
                None => return result,
            },
        };
    }
}

fn read(
    plan: &mut Plan,
    request: &ImportRequest,
    progress: &mut dyn ImportProgress,
) -> Result<ImportOutcome, ImportError> {
    let result = match plan.info.kind {
        RecordKind::Trades => Session::<TradeRecord>::new(plan, request, progress).run(),
        RecordKind::Quotes => Session::<QuoteRecord>::new(plan, request, progress).run(),
        RecordKind::Bars => Session::<BarRecord>::new(plan, request, progress).run(),
    };
    let keeps = matches!(result, Err(ImportError::Interrupted { kept: 1.., .. }));
    if let (Err(_), Some(rollback), false) = (&result, plan.rollback.take(), keeps) {
        // Why the import was refused says more than why its remains cannot be removed.
        let _ = rollback.restore();
    }
    result
}
