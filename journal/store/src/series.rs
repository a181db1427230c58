//! What a series of records is: its description, its sources and how far it is committed.

use engine_core::event::DatasetRef;
use engine_core::time::Span;

use crate::chain::{ChainHead, Hash, StreamDigest, hex_hash};
use crate::record::RecordKind;

mod fidelity;

pub use fidelity::Fidelity;

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
    pub(crate) fn difference(&self, other: &Self) -> Option<(&'static str, String, String)> {
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
