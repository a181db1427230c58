//! A dataset: a journal of market records, one *series* for each venue, symbol and kind.
//!
//! ```text
//! DIR/head.json    committed head of every series, its description and its sources
//! DIR/store/       sled: a tree of pages for each series
//! DIR/pages.log    the same pages in one append-only file, where the dataset keeps one
//! DIR/pages.index  where the pages of the closed store lie
//! DIR/closed.json  what the store looked like when it was closed
//! ```
//!
//! Records become part of a series when they are *committed*, source by source. Pages behind the committed head
//! are what a killed import left: readers do not see them and the next writer cuts them off.

use std::path::Path;

use engine_core::event::DatasetRef;
use engine_core::time::Span;
use engine_runtime::ports::JournalError;

use crate::chain::{ChainHead, Hash, StreamDigest, hex_hash};
use crate::record::RecordKind;

mod directory;
mod fidelity;
mod log;
mod pages;
mod reader;
mod resume;
mod shared;
mod writer;

pub use fidelity::Fidelity;
pub use pages::{Page, Pages, PrefetchedPages};
pub use reader::{DatasetReader, SeriesReader};
pub use writer::{DatasetWriter, SeriesWriter};

pub(crate) use directory::{DatasetHead, HEAD_FILE, parse_head, read_head};
pub(crate) use pages::locate;

/// The moment that a source's bar times name.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum BarTime {
    /// When the bar begins.
    Open,
    /// When the bar ends.
    Close,
}

/// What a series is.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SeriesInfo {
    /// Name of the venue, as in `binance`.
    pub venue: String,
    /// The venue's own symbol, as in `BTCUSDT`.
    pub symbol: String,
    /// What it holds.
    pub kind: RecordKind,
    /// Decimals of every price.
    pub price_decimals: u8,
    /// Decimals of every quantity.
    pub qty_decimals: u8,
    /// Length of a bar; `None` for trades and quotes.
    pub interval: Option<Span>,
    /// The moment that the source's bar times name; records always hold the opening. `None` for trades and
    /// quotes.
    pub bar_time: Option<BarTime>,
    /// Whether the data is made up rather than recorded from a market.
    pub synthetic: bool,
}

impl SeriesInfo {
    /// Its name in the dataset and in manifests: `venue:symbol:kind`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}:{}", self.venue, self.symbol, self.kind)
    }

    /// Where the digest of its records starts. The description is part of it, so equal numbers with other
    /// decimals are another series.
    pub(crate) fn digest_start(&self) -> Hash {
        let mut hasher = blake3::Hasher::new_derive_key("journal-store 2026 series description 1");
        let interval = self.interval.map_or(0, Span::nanos);
        for text in [&self.venue, &self.symbol] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(self.kind.word().as_bytes());
        hasher.update(&[self.price_decimals, self.qty_decimals, u8::from(self.synthetic)]);
        hasher.update(&interval.to_le_bytes());
        *hasher.finalize().as_bytes()
    }

    /// The first property in which `other` is another series under the same name.
    fn difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
        let shown = |info: &Self| {
            [
                ("venue", info.venue.clone()),
                ("symbol", info.symbol.clone()),
                ("kind", info.kind.to_string()),
                ("price decimals", info.price_decimals.to_string()),
                ("quantity decimals", info.qty_decimals.to_string()),
                ("interval", info.interval.map_or_else(|| "none".to_owned(), |span| span.to_string())),
                ("synthetic", info.synthetic.to_string()),
            ]
        };
        let pairs = shown(self).into_iter().zip(shown(other));
        pairs
            .filter(|(ours, theirs)| ours != theirs)
            .map(|((what, ours), (_, theirs))| (what, ours, theirs))
            .next()
    }
}

/// Where committed records came from.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SourceNote {
    /// Name of the file.
    pub file: String,
    /// BLAKE3 of the file as it was read.
    #[serde(with = "hex_hash")]
    pub blake3: Hash,
    /// Number of data rows in it.
    pub rows: u64,
}

/// A committed source and the records it gave.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where they came from.
    pub note: SourceNote,
    /// Number of the first record; one more than `last_seq` when it gave none.
    pub first_seq: u64,
    /// Number of the last record.
    pub last_seq: u64,
}

/// A series as it is committed.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SeriesEntry {
    /// What it is.
    pub info: SeriesInfo,
    /// How many records, their digest, and the link of the last page.
    pub head: ChainHead,
    /// Number of pages.
    pub pages: u64,
    /// Moment of the first record, nanoseconds since the epoch; zero when there is none.
    pub first_at: i64,
    /// Moment of the last record, nanoseconds since the epoch; zero when there is none.
    pub last_at: i64,
    /// The sources, in the order they were committed.
    pub sources: Vec<Source>,
    /// How true the records are to the sources.
    pub fidelity: Fidelity,
    /// Whether an import into it has begun and not come to its end.
    pub importing: bool,
}

impl SeriesEntry {
    pub(crate) fn new(info: SeriesInfo) -> Self {
        let digest = StreamDigest::new(info.digest_start()).value();
        let head = ChainHead { count: 0, digest, link: [0; 32] };
        let (sources, fidelity) = (Vec::new(), Fidelity::default());
        Self { info, head, pages: 0, first_at: 0, last_at: 0, sources, fidelity, importing: false }
    }

    /// The series as a manifest names it, from record `first` to record `last`.
    #[must_use]
    pub fn dataset_ref(&self, first: u64, last: u64) -> DatasetRef {
        let ChainHead { count, digest, .. } = self.head;
        DatasetRef { name: self.info.name(), count, digest, first, last }
    }
}

/// How a dataset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOptions {
    /// Largest size of a stored page in bytes, from 1 KiB to 64 KiB. The digest does not depend on it.
    pub page_bytes: usize,
}

impl Default for PageOptions {
    fn default() -> Self {
        Self { page_bytes: 48 * 1024 }
    }
}

/// Why a dataset cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The journal underneath failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record is older than the one before it. Sort the source, or import into another dataset.
    #[error("add to {series}: record at {at} ns is older than the last one at {last_at} ns")]
    OutOfOrder {
        /// Name of the series.
        series: String,
        /// Moment of the record, nanoseconds since the epoch.
        at: i64,
        /// Moment of the last record in the series.
        last_at: i64,
    },
    /// The series is there with another description. Import into another dataset.
    #[error("add to {series}: its {property} is {stored}, not {given}; use another dataset")]
    DifferentSeries {
        /// Name of the series.
        series: String,
        /// What differs.
        property: &'static str,
        /// As stored.
        stored: String,
        /// As asked.
        given: String,
    },
    /// Another writer in this process has the series.
    #[error("add to {series}: it is being written already")]
    Busy {
        /// Name of the series.
        series: String,
    },
    /// There is no such series. The message lists those there are.
    #[error("open series {series:?} in {path}: it holds {present}")]
    UnknownSeries {
        /// As asked.
        series: String,
        /// The dataset.
        path: String,
        /// The names of all series, or `nothing`.
        present: String,
    },
    /// The series holds records of another kind.
    #[error("read {series} as {asked}: it holds {stored}")]
    WrongKind {
        /// Name of the series.
        series: String,
        /// As asked.
        asked: RecordKind,
        /// As stored.
        stored: RecordKind,
    },
}

/// A damaged place in a series, in the journal's words.
fn damaged(dir: &Path, series: &str, seq: u64, reason: &dyn core::fmt::Display) -> JournalError {
    JournalError::Damaged {
        path: format!("{} series {series}", dir.display()),
        seq,
        reason: reason.to_string(),
    }
}
