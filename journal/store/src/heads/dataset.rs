//! What `head.json` of a dataset says: a series reaches as far as it says, whatever the store holds.

use std::collections::BTreeMap;
use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::chain::{ChainHead, Hash, hex_hash};
use crate::journal_folder::HEAD_FILE;
use crate::series::SeriesEntry;
use crate::side_file::{self, Found};

/// Numbers 1 to 3 were those of flat records, of heads kept in the store as well and without fidelity, which no release has
/// written.
const FORMAT: u16 = 4;

/// What `head.json` of a dataset says.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatasetHead {
    pub(crate) journal: String,
    pub(crate) format: u16,
    pub(crate) series: Vec<SeriesEntry>,
    /// How far interrupted imports came behind the committed heads, by the names of their series.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unfinished: BTreeMap<String, Unfinished>,
    /// Whether the dataset keeps a page log. Not said before 2026-11-30, and where it keeps none.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) page_log: bool,
}

/// How far an interrupted import came. Only the same import, repeated, looks behind the committed head.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unfinished {
    /// The head at its last sealed page.
    pub(crate) head: ChainHead,
    /// Number of pages up to there.
    pub(crate) pages: u64,
    /// Where the digest of the series that it was imported into starts: another description of it starts elsewhere.
    #[serde(with = "hex_hash")]
    pub(crate) start: Hash,
}

impl DatasetHead {
    pub(crate) fn new(series: Vec<SeriesEntry>) -> Self {
        let (unfinished, page_log) = (BTreeMap::new(), false);
        Self { journal: "dataset".to_owned(), format: FORMAT, series, unfinished, page_log }
    }
}

/// Reads `head.json` of a dataset.
pub(crate) fn read_dataset_head(dir: &Path) -> Result<Found<DatasetHead>, JournalError> {
    known(dir, side_file::read::<DatasetHead>(&dir.join(HEAD_FILE))?)
}

/// The same of bytes that were kept elsewhere.
pub(crate) fn parse_dataset_head(dir: &Path, bytes: &[u8]) -> Result<Found<DatasetHead>, JournalError> {
    known(dir, side_file::parsed(bytes))
}

fn known(dir: &Path, found: Found<DatasetHead>) -> Result<Found<DatasetHead>, JournalError> {
    Ok(match found {
        Found::Sound(head) if head.journal == "dataset" => match head.format {
            FORMAT => Found::Sound(head),
            schema => return Err(JournalError::UnknownSchema { path: dir.display().to_string(), schema }),
        },
        Found::Sound(_) | Found::Damaged => Found::Damaged,
        Found::Nothing => Found::Nothing,
    })
}
