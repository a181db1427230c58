//! What a core was, kept beside a run: a fold need not begin at the beginning, and neither need a run that is taken up.
//!
//! One file for each, named by the number of the last event folded: BLAKE3 of the rest (32 bytes), the number of the
//! layout (2 bytes), the digest of the state (16 bytes), all little-endian, then seq, records read, state, what watch and
//! strategy knew, and for runs on real time what the environment knew and what had happened, in bincode. They are files of their own because values of that size would make sled write
//! blobs, which it never syncs. A snapshot is an aid, never the truth: one that is damaged, of another layout or whose
//! state has another digest is passed over. Any can be taken away, and `verify` then says that it is gone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine_core::digest::Digest;
use engine_core::envelope::Seq;
use engine_core::knowledge::Knowledge;
use engine_core::machine::CoreSnapshot;
use engine_core::state::State;
use engine_runtime::ports::JournalError;

use crate::coding;
use crate::disk;
use crate::small_file;

const FOLDER: &str = "snapshots";
/// Most bytes of a snapshot: what can be written is smaller.
pub(crate) const BYTES_MAX: u64 = 1 << 30;

/// The layout of a snapshot. It changes with every field of the state; 1 had no knowledge of watch and strategy.
const SCHEMA: u16 = 4;

/// The layout before: it did not count faults of data, which stand last.
const WITHOUT_DATA_FAULTS: u16 = 3;

/// The layout before that one: it did not count steps of the clock either, which stand before them.
const WITHOUT_CLOCK_STEPS: u16 = 2;

/// A core and its place in the run.
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last event folded into it.
    pub seq: Seq,
    /// Market records folded into it.
    pub records_read: u64,
    /// The state.
    pub state: State,
    /// What detectors and feature extractors knew; none where nobody watched, or one of them cannot be taken up.
    pub watch: Option<Knowledge>,
    /// What the strategy knew; none where it cannot be taken up.
    pub strategy: Option<Knowledge>,
    /// Orders at work and messages under way, for a run on real time that goes on from here; none for others.
    pub environment: Option<Knowledge>,
    /// What had happened by then.
    pub counts: EventCounts,
}

/// How often what people ask for first has happened in a run.
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// Orders submitted.
    pub orders: u64,
    /// Fills.
    pub fills: u64,
    /// Orders refused by the gate.
    pub refusals: u64,
    /// How often a feed was lost or had a gap.
    pub feed_losses: u64,
    /// How often the wall clock was set, or the machine slept.
    pub clock_steps: u64,
    /// How often something was found wrong in the data of an instrument.
    pub data_faults: u64,
    /// Trades that were withheld and never told.
    pub trades_discarded: u64,
}

impl Snapshot {
    /// A core as it was after event `seq`.
    #[must_use]
    pub fn new(seq: Seq, core: CoreSnapshot) -> Self {
        let CoreSnapshot { state, watch, strategy } = core;
        let counts = EventCounts::default();
        Self { seq, records_read: state.records_read(), state, watch, strategy, environment: None, counts }
    }

    /// The bytes of its file, sealed.
    ///
    /// # Errors
    /// An error of the encoder, for more bytes than fit in memory.
    pub fn sealed(&self) -> Result<Vec<u8>, std::io::Error> {
        let mut body = SCHEMA.to_le_bytes().to_vec();
        self.state.digest().0.iter().for_each(|half| body.extend_from_slice(&half.to_le_bytes()));
        coding::encode(self, &mut body).map_err(std::io::Error::other)?;
        let mut bytes = blake3::hash(&body).as_bytes().to_vec();
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }

    /// What sealed bytes say; `None` where they are damaged or of another layout.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (hash, body) = bytes.split_first_chunk::<32>()?;
        if blake3::hash(body).as_bytes() == hash { read(body) } else { None }
    }

    /// The core without its place.
    #[must_use]
    pub fn into_core(self) -> CoreSnapshot {
        CoreSnapshot { state: self.state, watch: self.watch, strategy: self.strategy }
    }
}

pub(crate) fn file_of(dir: &Path, seq: u64) -> PathBuf {
    dir.join(FOLDER).join(format!("{seq:020}.snapshot"))
}

/// The event of the snapshot whose file has this path in the folder of its run.
pub(crate) fn seq_named(path: &str) -> Option<u64> {
    path.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".snapshot")?.parse().ok()
}

/// Writes a snapshot of the run in `dir`, whole or not at all.
///
/// # Errors
/// [`JournalError::Io`] or [`JournalError::DiskFull`].
pub fn put(dir: &Path, snapshot: &Snapshot) -> Result<(), JournalError> {
    let path = file_of(dir, snapshot.seq.number());
    let folder = dir.join(FOLDER);
    disk::create_folders(&folder)?;
    let bytes = snapshot.sealed().map_err(|error| disk::io_error("encode", &path, error))?;
    disk::write_whole(&path, &bytes)
}

/// Removes all but the last `kept` snapshots of the run in `dir`, and those after the events `pinned`.
///
/// # Errors
/// [`JournalError::Io`] when the folder cannot be listed or one cannot be removed.
pub fn keep_last(dir: &Path, kept: usize, pinned: &BTreeSet<Seq>) -> Result<(), JournalError> {
    let seqs = list(dir)?;
    let old = seqs.iter().take(seqs.len().saturating_sub(kept));
    for seq in old.filter(|seq| !pinned.contains(seq)) {
        let path = file_of(dir, seq.number());
        disk::remove(&path).map_err(|error| disk::io_error("remove", &path, error))?;
    }
    Ok(())
}

/// The events that have a snapshot, damaged ones included, in order.
///
/// # Errors
/// [`JournalError::Io`] when the folder cannot be listed.
pub fn list(dir: &Path) -> Result<Vec<Seq>, JournalError> {
    let folder = dir.join(FOLDER);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        // A file in its place holds none.
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(Vec::new()),
        Err(error) => return Err(disk::io_error("list", &folder, error)),
    };
    let mut seqs = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| disk::io_error("list", &folder, error))?.path();
        let is_snapshot = path.extension().is_some_and(|extension| extension == "snapshot");
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if let (true, Some(number)) = (is_snapshot, number) {
            seqs.push(Seq::new(number));
        }
    }
    seqs.sort_unstable();
    Ok(seqs)
}

/// Reads the snapshot at `seq`; `None` when there is none or it is damaged.
///
/// # Errors
/// [`JournalError::Io`] when the file is there but cannot be read.
pub fn get(dir: &Path, seq: Seq) -> Result<Option<Snapshot>, JournalError> {
    let path = file_of(dir, seq.number());
    let bytes = match small_file::read(&path, BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if small_file::is_no_such_file(&error) => return Ok(None),
        Err(error) => return Err(disk::io_error("read", &path, error)),
    };
    Ok(Snapshot::read(&bytes).filter(|snapshot| snapshot.seq == seq))
}

/// What a body says, if it is of this layout and its state is the one that was written.
fn read(body: &[u8]) -> Option<Snapshot> {
    let (schema, rest) = body.split_first_chunk::<2>()?;
    let (high, rest) = rest.split_first_chunk::<8>()?;
    let (low, rest) = rest.split_first_chunk::<8>()?;
    let snapshot: Snapshot = match u16::from_le_bytes(*schema) {
        SCHEMA => coding::decode(rest).ok()?,
        WITHOUT_DATA_FAULTS => coding::decode(&[rest, &[0; 2]].concat()).ok()?,
        WITHOUT_CLOCK_STEPS => coding::decode(&[rest, &[0; 3]].concat()).ok()?,
        _ => return None,
    };
    let noted = Digest([u64::from_le_bytes(*high), u64::from_le_bytes(*low)]);
    (snapshot.state.digest() == noted).then_some(snapshot)
}

/// The last sound snapshot at or before `seq`.
///
/// # Errors
/// [`JournalError::Io`] when the folder or a file cannot be read.
pub fn nearest(dir: &Path, seq: Seq) -> Result<Option<Snapshot>, JournalError> {
    for candidate in list(dir)?.into_iter().rev().filter(|candidate| *candidate <= seq) {
        if let Some(snapshot) = get(dir, candidate)? {
            return Ok(Some(snapshot));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::num::{Money, Ratio};
    use engine_core::state::Opening;

    fn kept(dir: &Path, seq: u64) -> PathBuf {
        let opening =
            Opening { instruments: Vec::new(), capital: Money::ZERO, bars: None, drawdown_max: Ratio::ONE };
        let core = CoreSnapshot::of_state(State::new(opening));
        let snapshot = Snapshot::new(Seq::new(seq), core);
        put(dir, &snapshot).unwrap();
        assert_eq!(get(dir, Seq::new(seq)).unwrap(), Some(snapshot));
        file_of(dir, seq)
    }

    /// Changes one byte of a snapshot and makes its hash right again.
    fn forged(path: &Path, place: usize) {
        let bytes = std::fs::read(path).unwrap();
        let mut body = bytes[32..].to_vec();
        body[place] ^= 1;
        let mut forged = blake3::hash(&body).as_bytes().to_vec();
        forged.extend_from_slice(&body);
        std::fs::write(path, forged).unwrap();
    }

    #[test]
    fn the_layouts_before_are_read_as_ones_without_the_counts_that_came_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = kept(dir.path(), 7);
        let bytes = std::fs::read(&path).unwrap();
        for (schema, missing) in [(WITHOUT_DATA_FAULTS, 2), (WITHOUT_CLOCK_STEPS, 3)] {
            let mut body = bytes[32..bytes.len() - missing].to_vec();
            body[..2].copy_from_slice(&schema.to_le_bytes());
            let mut earlier = blake3::hash(&body).as_bytes().to_vec();
            earlier.extend_from_slice(&body);
            assert_eq!(Snapshot::read(&earlier), Snapshot::read(&bytes));
            assert!(Snapshot::read(&earlier).is_some_and(|kept| kept.counts == EventCounts::default()));
        }
    }

    #[test]
    fn another_layout_or_another_state_than_was_written_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let sound = kept(dir.path(), 1);
        assert!(sound.exists());
        forged(&kept(dir.path(), 2), 0);
        forged(&kept(dir.path(), 3), 5);
        let path = kept(dir.path(), 4);
        // The last byte of the state: behind it three parts that are not there, and seven counts.
        let last = std::fs::metadata(&path).unwrap().len() - 33 - 10;
        forged(&path, usize::try_from(last).unwrap());
        for seq in 2..=4 {
            assert_eq!(get(dir.path(), Seq::new(seq)).unwrap(), None, "{seq}");
        }
        assert_eq!(nearest(dir.path(), Seq::new(9)).unwrap().map(|found| found.seq), Some(Seq::new(1)));
    }
}
