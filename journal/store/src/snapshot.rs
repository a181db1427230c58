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
use engine_core::state::{AccountBooks, State};
use engine_runtime::ports::JournalError;

use crate::coding;
use crate::disk;
use crate::small_file;

const FOLDER: &str = "snapshots";
/// Most bytes of a snapshot: what can be written is smaller.
pub(crate) const BYTES_MAX: u64 = 1 << 30;

/// The layout of a snapshot. It changes with every field of the state; 1 had no knowledge of watch and strategy, 4 no rule of
/// the mark and no changes of listings. From 5 on a run may begin with a snapshot, what came before being dropped: later
/// versions must read it.
const SCHEMA: u16 = 5;

/// The layout of a snapshot of a run with an account at a real venue: as [`SCHEMA`], and the books of the account behind it. 6
/// had no orders of others.
const SCHEMA_WITH_ACCOUNT: u16 = 7;

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
    /// How often a venue changed the rules of an instrument, or whether it is traded.
    pub listing_changes: u64,
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
        let account = self.state.account();
        let mut body = account.map_or(SCHEMA, |_| SCHEMA_WITH_ACCOUNT).to_le_bytes().to_vec();
        self.state.digest().0.iter().for_each(|half| body.extend_from_slice(&half.to_le_bytes()));
        let written = match account {
            Some(books) => coding::encode((self, books), &mut body),
            None => coding::encode(self, &mut body),
        };
        written.map_err(std::io::Error::other)?;
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

/// Reads the snapshot at `seq`; `None` when there is none, it is damaged, or another version wrote it.
///
/// # Errors
/// [`JournalError::Io`] when the file is there but cannot be read.
pub fn get(dir: &Path, seq: Seq) -> Result<Option<Snapshot>, JournalError> {
    let read = |bytes: Vec<u8>| Snapshot::read(&bytes).filter(|snapshot| snapshot.seq == seq);
    Ok(bytes_of(dir, seq)?.and_then(read))
}

/// Whether the snapshot at `seq` is what was written, in a layout of another version: it is of no use here, and no damage.
///
/// # Errors
/// [`JournalError::Io`] when the file is there but cannot be read.
pub fn is_of_another_version(dir: &Path, seq: Seq) -> Result<bool, JournalError> {
    let Some(bytes) = bytes_of(dir, seq)? else { return Ok(false) };
    let Some((hash, body)) = bytes.split_first_chunk::<32>() else { return Ok(false) };
    let schema = body.first_chunk::<2>().map(|schema| u16::from_le_bytes(*schema));
    let is_known = |schema| [SCHEMA, SCHEMA_WITH_ACCOUNT].contains(&schema);
    Ok(blake3::hash(body).as_bytes() == hash && schema.is_some_and(|schema| !is_known(schema)))
}

fn bytes_of(dir: &Path, seq: Seq) -> Result<Option<Vec<u8>>, JournalError> {
    let path = file_of(dir, seq.number());
    match small_file::read(&path, BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) if small_file::is_no_such_file(&error) => Ok(None),
        Err(error) => Err(disk::io_error("read", &path, error)),
    }
}

/// What a body says, if it is of this layout and its state is the one that was written.
fn read(body: &[u8]) -> Option<Snapshot> {
    let (schema, rest) = body.split_first_chunk::<2>()?;
    let (high, rest) = rest.split_first_chunk::<8>()?;
    let (low, rest) = rest.split_first_chunk::<8>()?;
    let snapshot: Snapshot = match u16::from_le_bytes(*schema) {
        SCHEMA => coding::decode(rest).ok()?,
        SCHEMA_WITH_ACCOUNT => {
            let (mut snapshot, books): (Snapshot, AccountBooks) = coding::decode(rest).ok()?;
            snapshot.state.restore_account(books);
            snapshot
        }
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
    use engine_core::mark::MarkRule;
    use engine_core::num::{Money, Ratio};
    use engine_core::state::Opening;

    fn kept(dir: &Path, seq: u64) -> PathBuf {
        let opening = Opening {
            instruments: Vec::new(),
            capital: Money::ZERO,
            bars: None,
            drawdown_max: Ratio::ONE,
            mark: MarkRule::Newest,
        };
        let core = CoreSnapshot::of_state(State::new(opening));
        let snapshot = Snapshot::new(Seq::new(seq), core);
        put(dir, &snapshot).unwrap();
        assert_eq!(get(dir, Seq::new(seq)).unwrap(), Some(snapshot));
        file_of(dir, seq)
    }

    #[test]
    fn the_books_of_an_account_are_kept_with_its_state() {
        use engine_core::asset::{Asset, AssetAmount};
        use engine_core::epoch::Epoch;
        use engine_core::event::{AccountBeginning, AccountEvent, AccountStatement, Event, Input};
        use engine_core::num::Amount;
        use engine_core::time::Timestamp;

        let dir = tempfile::tempdir().unwrap();
        let opening = Opening {
            instruments: Vec::new(),
            capital: Money::ZERO,
            bars: None,
            drawdown_max: Ratio::ONE,
            mark: MarkRule::Newest,
        };
        let mut state = State::new(opening);
        let held = AssetAmount { asset: Asset::new("BTC"), amount: Amount::from_units(5) };
        for event in [
            AccountEvent::Begun(AccountBeginning { epoch: Epoch::new(3), pairs: Vec::new() }),
            AccountEvent::Stated(AccountStatement { venue_at: Timestamp::MIN, balances: vec![held] }),
        ] {
            state.apply(Timestamp::MIN, &Event::Input(Input::Account(Box::new(event))));
        }
        let snapshot = Snapshot::new(Seq::new(1), CoreSnapshot::of_state(state));
        put(dir.path(), &snapshot).unwrap();
        let back = get(dir.path(), Seq::new(1)).unwrap();
        assert_eq!(back.as_ref(), Some(&snapshot));
        let books = back.as_ref().and_then(|back| back.state.account());
        assert_eq!(books.map(|books| books.balance(&Asset::new("BTC")).units()), Some(5));
        assert!(!is_of_another_version(dir.path(), Seq::new(1)).unwrap());
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
    fn another_layout_or_another_state_than_was_written_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let sound = kept(dir.path(), 1);
        assert!(sound.exists());
        forged(&kept(dir.path(), 2), 0);
        forged(&kept(dir.path(), 3), 5);
        let path = kept(dir.path(), 4);
        // The last byte of the state: behind it three parts that are not there, and eight counts.
        let last = std::fs::metadata(&path).unwrap().len() - 33 - 11;
        forged(&path, usize::try_from(last).unwrap());
        for seq in 2..=4 {
            assert_eq!(get(dir.path(), Seq::new(seq)).unwrap(), None, "{seq}");
        }
        let others = (1..=5).filter(|seq| is_of_another_version(dir.path(), Seq::new(*seq)).unwrap());
        assert_eq!(others.collect::<Vec<_>>(), [2], "the rest is sound, damaged or not there");
        assert_eq!(nearest(dir.path(), Seq::new(9)).unwrap().map(|found| found.seq), Some(Seq::new(1)));
    }
}
