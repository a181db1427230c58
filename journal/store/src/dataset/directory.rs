//! The committed heads of a dataset, kept twice: in the store and in a file beside it.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::SeriesEntry;
use crate::coding;
use crate::side_file::{self, Found};
use crate::sled_store::{Layout, Purpose, SledStore, SledTree};

/// The file with the committed heads.
pub(crate) const HEAD_FILE: &str = "head.json";
/// The tree with the committed heads.
pub(crate) const META_TREE: &str = "meta";
/// Number 1 was that of flat records, number 2 that without fidelity; no release has written either.
const FORMAT: u16 = 3;

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
    let found = side_file::read::<DatasetHead>(&dir.join(HEAD_FILE))?;
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

/// The committed heads in the store, in the order of their names.
fn stored_entries(meta: &SledTree, dir: &Path) -> Result<Vec<SeriesEntry>, JournalError> {
    let entries = meta.entries()?.into_iter().map(|(key, value)| {
        let entry: Option<SeriesEntry> = coding::decode(&value).ok();
        let entry = entry.filter(|entry| entry.info.name().as_bytes() == key);
        entry.ok_or_else(|| JournalError::Store {
            path: dir.display().to_string(),
            reason: format!("the head of {} cannot be read", String::from_utf8_lossy(&key)),
        })
    });
    entries.collect()
}

pub(crate) fn store_entry(meta: &SledTree, entry: &SeriesEntry, dir: &Path) -> Result<(), JournalError> {
    let mut bytes = Vec::new();
    coding::encode(entry, &mut bytes).map_err(|error| JournalError::Store {
        path: dir.display().to_string(),
        reason: format!("the head of {} cannot be written: {error}", entry.info.name()),
    })?;
    meta.insert(entry.info.name().as_bytes(), &bytes)
}

/// Opens the store of the dataset in `dir`, which must hold what `noted` says was committed.
pub(crate) fn open_store(
    dir: &Path,
    noted: &DatasetHead,
    purpose: Purpose,
) -> Result<SledStore, JournalError> {
    SledStore::open(dir, Layout::DATASET, purpose, |copy| entries(dir, noted, copy).map(|_| ()))
}

/// The committed heads in the store, not behind those in `noted`.
pub(crate) fn entries(
    dir: &Path,
    noted: &DatasetHead,
    store: &SledStore,
) -> Result<Vec<SeriesEntry>, JournalError> {
    reconciled(dir, noted, stored_entries(&store.tree(META_TREE)?, dir)?)
}

/// The heads to trust: those of the store, unless they fall behind what the file says was committed.
///
/// A killed import may leave the store ahead of the file, never behind.
fn reconciled(
    dir: &Path,
    file: &DatasetHead,
    stored: Vec<SeriesEntry>,
) -> Result<Vec<SeriesEntry>, JournalError> {
    for noted in &file.series {
        let name = noted.info.name();
        let found = stored.iter().find(|entry| entry.info.name() == name);
        let (count, equal) = found.map_or((0, false), |entry| {
            let same = entry.head == noted.head && entry.sources == noted.sources;
            (entry.head.count, entry.head.count > noted.head.count || same)
        });
        if !equal {
            let reason = format!("the store has {count} committed records, {HEAD_FILE} {}", noted.head.count);
            return Err(super::damaged(dir, &name, count.saturating_add(1), &reason));
        }
    }
    Ok(stored)
}
