//! A file of pages that is kept compressed, and read where it is wanted: blocks of it can be read alone.
//!
//! Numbers are little-endian:
//!
//! ```text
//!   0  magic    8   "JRNLPACK"
//!   8  raw      8   bytes of the file that was packed
//!  16  blocks   4   number of blocks, each of 1 MiB of that file but the last
//!  20  lengths  4   for each block: its compressed bytes
//!      blocks   …   each a zstd frame of its own
//! ```

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use engine_runtime::ports::JournalError;

use crate::chain::Hash;
use crate::disk::{self, Durable};

const MAGIC: [u8; 8] = *b"JRNLPACK";
const HEAD: usize = 20;
const BLOCK: usize = 1 << 20;
/// zstd's own default: higher levels take five times as long for a tenth less.
const LEVEL: i32 = 3;

/// A packed file, open for reading.
#[derive(Debug)]
pub(crate) struct PackedPages {
    file: File,
    path: PathBuf,
    raw: u64,
    /// Where each block begins, and where the last ends.
    begins: Vec<u64>,
    /// The block that was read last.
    held: Mutex<Option<(usize, Vec<u8>)>>,
}

impl PackedPages {
    /// Opens the packed file at `path`; `None` when there is none.
    ///
    /// # Errors
    /// `Damaged` when it does not begin as one, `Io` when it cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, JournalError> {
        let refused = |error| disk::io_error("read", path, error);
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(error)),
        };
        let len = file.metadata().map_err(refused)?.len();
        let mut head = [0; HEAD];
        file.read_exact(&mut head).map_err(|_| damaged(path))?;
        let blocks = u32::from_le_bytes(head[16..20].try_into().unwrap_or_default());
        // A forged number of blocks asks for no more memory than the file has bytes.
        if head[..8] != MAGIC || u64::from(blocks).saturating_mul(4) > len {
            return Err(damaged(path));
        }
        let raw = u64::from_le_bytes(head[8..16].try_into().unwrap_or_default());
        let mut place = HEAD as u64 + u64::from(blocks) * 4;
        let mut begins = vec![place];
        for _ in 0..blocks {
            let mut length = [0; 4];
            file.read_exact(&mut length).map_err(|_| damaged(path))?;
            place = place.saturating_add(u64::from(u32::from_le_bytes(length)));
            begins.push(place);
        }
        let is_whole = place == len && raw.div_ceil(BLOCK as u64) == u64::from(blocks);
        if !is_whole {
            return Err(damaged(path));
        }
        Ok(Some(Self { file, path: path.to_path_buf(), raw, begins, held: Mutex::default() }))
    }

    /// The bytes at a place of the file that was packed; fewer when it ends before.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, JournalError> {
        let end = offset.saturating_add(len as u64).min(self.raw);
        let mut bytes = Vec::new();
        let mut at = offset;
        while at < end {
            let (block, within) = split(at);
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            if held.as_ref().is_none_or(|(number, _)| *number != block) {
                *held = Some((block, self.block(block)?));
            }
            let whole = held.as_ref().map(|(_, whole)| whole.as_slice()).unwrap_or_default();
            let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
            let part = whole.get(within..).unwrap_or_default();
            let part = part.get(..wanted.min(part.len())).unwrap_or_default();
            if part.is_empty() {
                return Err(damaged(&self.path));
            }
            bytes.extend_from_slice(part);
            at = at.saturating_add(part.len() as u64);
        }
        Ok(bytes)
    }

    fn block(&self, number: usize) -> Result<Vec<u8>, JournalError> {
        let (Some(begin), Some(end)) = (self.begins.get(number), self.begins.get(number + 1)) else {
            return Err(damaged(&self.path));
        };
        let mut packed = vec![0; usize::try_from(end - begin).unwrap_or_default()];
        self.file
            .read_exact_at(&mut packed, *begin)
            .map_err(|error| disk::io_error("read", &self.path, error))?;
        zstd::bulk::decompress(&packed, BLOCK).map_err(|_| damaged(&self.path))
    }

    /// Bytes and hash of the file that was packed, read once from end to end.
    pub(crate) fn hash(&self) -> Result<(u64, Hash), JournalError> {
        let mut hasher = blake3::Hasher::new();
        self.each_block(|block| {
            hasher.update(block);
            Ok(())
        })?;
        if hasher.count() != self.raw {
            return Err(damaged(&self.path));
        }
        Ok((self.raw, *hasher.finalize().as_bytes()))
    }

    /// Writes the file that was packed to `path`.
    pub(crate) fn unpack(&self, path: &Path) -> Result<(), JournalError> {
        let file = disk::create(path)?;
        let mut file = Durable::new(file, path);
        self.each_block(|block| file.write_all(block))?;
        file.sync()
    }

    fn each_block(
        &self,
        mut take: impl FnMut(&[u8]) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        (0..self.begins.len().saturating_sub(1)).try_for_each(|number| take(&self.block(number)?))
    }
}

/// The block that a byte lies in, and its place there.
fn split(at: u64) -> (usize, usize) {
    let block = usize::try_from(at / BLOCK as u64).unwrap_or(usize::MAX);
    (block, usize::try_from(at % BLOCK as u64).unwrap_or_default())
}

/// Packs the file at `from` into a new one at `to`; answers its bytes.
pub(crate) fn pack(from: &Path, to: &Path) -> Result<u64, JournalError> {
    let refused = |error| disk::io_error("pack", from, error);
    let mut source = File::open(from).map_err(refused)?;
    let raw = source.metadata().map_err(refused)?.len();
    let blocks = raw.div_ceil(BLOCK as u64);
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&raw.to_le_bytes());
    head.extend_from_slice(&u32::try_from(blocks).unwrap_or(u32::MAX).to_le_bytes());
    let written = |error| disk::io_error("write", to, error);
    let file = File::create(to).map_err(|error| disk::io_error("create", to, error))?;
    let mut at = HEAD as u64 + blocks * 4;
    let mut block = Vec::with_capacity(BLOCK);
    for _ in 0..blocks {
        block.clear();
        (&mut source).take(BLOCK as u64).read_to_end(&mut block).map_err(refused)?;
        let packed = zstd::bulk::compress(&block, LEVEL).map_err(refused)?;
        head.extend_from_slice(&u32::try_from(packed.len()).unwrap_or(u32::MAX).to_le_bytes());
        file.write_all_at(&packed, at).map_err(written)?;
        at = at.saturating_add(packed.len() as u64);
    }
    file.write_all_at(&head, 0).map_err(written)?;
    Durable::new(file, to).sync()?;
    Ok(at)
}

fn damaged(path: &Path) -> JournalError {
    let reason = "the packed file is not what was written".to_owned();
    JournalError::NotAJournal { path: path.display().to_string(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that repeat and bytes that do not.
    fn bytes(len: usize) -> Vec<u8> {
        let mut state = 7_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        };
        (0..len).map(|at| if at % 3 == 0 { next() } else { (at % 61) as u8 }).collect()
    }

    #[test]
    fn any_part_of_a_packed_file_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to, back) = (dir.path().join("a"), dir.path().join("b"), dir.path().join("c"));
        assert!(PackedPages::open(&to).unwrap().is_none());
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 77] {
            let whole = bytes(len);
            std::fs::write(&from, &whole).unwrap();
            assert_eq!(pack(&from, &to).unwrap(), std::fs::metadata(&to).unwrap().len());
            let packed = PackedPages::open(&to).unwrap().unwrap();
            for (offset, wanted) in [(0, 10), (BLOCK - 5, 10), (BLOCK / 2, 2 * BLOCK), (len, 5), (len + 9, 5)]
            {
                let expected = whole.get(offset.min(len)..(offset + wanted).min(len)).unwrap_or_default();
                assert_eq!(packed.read(offset as u64, wanted).unwrap(), expected, "{len} {offset}");
            }
            assert_eq!(packed.hash().unwrap(), (len as u64, *blake3::hash(&whole).as_bytes()));
            packed.unpack(&back).unwrap();
            assert_eq!(std::fs::read(&back).unwrap(), whole);
        }
    }

    #[test]
    fn a_damaged_packed_file_is_refused_or_has_another_hash() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        let whole = bytes(BLOCK + 5_000);
        std::fs::write(&from, &whole).unwrap();
        pack(&from, &to).unwrap();
        let sound = std::fs::read(&to).unwrap();
        for place in (0..40).chain((40..sound.len()).step_by(10_007)) {
            let mut damaged = sound.clone();
            damaged[place] ^= 1;
            std::fs::write(&to, &damaged).unwrap();
            let read = PackedPages::open(&to).and_then(|packed| packed.unwrap().hash());
            assert!(read.map_or(true, |(_, hash)| hash != *blake3::hash(&whole).as_bytes()), "{place}");
        }
        for len in [0, 7, 19, 21, sound.len() - 1] {
            std::fs::write(&to, &sound[..len]).unwrap();
            assert!(PackedPages::open(&to).is_err(), "{len}");
        }
    }
}
