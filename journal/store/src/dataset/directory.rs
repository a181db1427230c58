//! The committed heads of a dataset: a series reaches as far as `head.json` says, whatever the store holds.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::SeriesEntry;
use crate::heads::Heads;
use crate::page_view::Chains;
use crate::side_file::{self, Found};

/// The file with the committed heads.
pub(crate) const HEAD_FILE: &str = "head.json";
/// Numbers 1 to 3 were those of flat records, of heads kept in the store as well and without fidelity, which no release has
/// written.
const FORMAT: u16 = 4;

/// What `head.json` of a dataset says.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatasetHead {
    pub(crate) journal: String,
    pub(crate) format: u16,
    pub(crate) series: Vec<SeriesEntry>,
}

impl DatasetHead {
    pub(crate) fn new(series: Vec<SeriesEntry>) -> Self {
        Self { journal: "dataset".to_owned(), format: FORMAT, series }
    }
}

/// Reads `head.json` of a dataset.
pub(crate) fn read_head(dir: &Path) -> Result<Found<DatasetHead>, JournalError> {
    known(dir, side_file::read::<DatasetHead>(&dir.join(HEAD_FILE))?)
}

/// The same of bytes that were kept elsewhere.
pub(crate) fn parse_head(dir: &Path, bytes: &[u8]) -> Result<Found<DatasetHead>, JournalError> {
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

/// Reads `head.json` or says why `dir` is no dataset.
pub(super) fn require_head(dir: &Path) -> Result<DatasetHead, JournalError> {
    let path = dir.display().to_string();
    match read_head(dir)? {
        Found::Sound(head) => Ok(head),
        Found::Nothing => Err(JournalError::NotAJournal { path, reason: format!("it has no {HEAD_FILE}") }),
        Found::Damaged => Err(JournalError::NotAJournal {
            path,
            reason: format!("{HEAD_FILE} is damaged or not that of a dataset; run verify"),
        }),
    }
}

/// The pages of every series in `noted`, as far as they are there.
pub(crate) fn open_chains(dir: &Path, noted: &DatasetHead) -> Result<Chains, JournalError> {
    Chains::open(dir, &Heads::Dataset(noted.clone()).wanted())
}

/// Refuses a dataset of which committed records are missing.
pub(super) fn require_whole(dir: &Path, noted: &DatasetHead, chains: &Chains) -> Result<(), JournalError> {
    for entry in &noted.series {
        let name = entry.info.name();
        let chain = chains.found(&name);
        if !chain.is_whole() {
            let last = chain.prefix().last().map_or(0, |place| place.header.last_seq());
            let reason =
                format!("the pages behind record {last} are damaged or missing; run verify, then rebuild");
            return Err(super::damaged(dir, &name, last.saturating_add(1), &reason));
        }
    }
    Ok(())
}
