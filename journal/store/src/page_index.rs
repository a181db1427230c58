//! Where the pages of a closed store lie, so that opening it need not search its file.
//!
//! An aid and never the truth: each page is proven by its own link when it is read, and a store without an index,
//! or with one that does not fit, is searched instead. Numbers are little-endian.
//!
//! ```text
//!   0  magic      8   "JRNLINDX"
//!   8  format     2   version of this layout: 1
//!  10  store      8   bytes of the store's file when it was closed
//!  18  head       4   bytes of the copy of head.json that follows
//!  22             …   head.json as it was
//!      chains     4   number of chains; for each
//!      name       4   bytes of its name, and the name
//!      pages      8   number of pages; for each
//!      offset     8   its first byte in the store's file
//!      header   144   the page's header
//!      link      32   the page's link
//!      seal      32   BLAKE3 over everything above
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use engine_runtime::ports::JournalError;

use crate::chain::Hash;
use crate::disk;
use crate::page::{self, HEADER_BYTES};
use crate::page_place::{Holder, PagePlace};

/// The file beside the store.
pub(crate) const PAGE_INDEX: &str = "pages.index";
const MAGIC: [u8; 8] = *b"JRNLINDX";
const FORMAT: u16 = 1;

/// The pages of every chain of a closed store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PageIndex {
    /// Bytes of the store's file.
    pub(crate) store_bytes: u64,
    /// `head.json` as it was when the store was closed.
    pub(crate) head: Vec<u8>,
    /// Pages by the name of their chain.
    pub(crate) chains: BTreeMap<String, Vec<PagePlace>>,
}

/// What is found where an index should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FoundIndex {
    /// The index as it was written.
    Sound(PageIndex),
    /// No file.
    Nothing,
    /// A file that nobody here wrote like this.
    Damaged,
}

/// Writes the index of the journal in `dir`, whole or not at all. Each place takes its header from `headers`, which
/// is asked for the bytes of the page.
pub(crate) fn write(dir: &Path, index: &PageIndex) -> Result<(), JournalError> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&index.store_bytes.to_le_bytes());
    put_counted(&mut bytes, &index.head);
    bytes.extend_from_slice(&(index.chains.len() as u32).to_le_bytes());
    for (name, places) in &index.chains {
        put_counted(&mut bytes, name.as_bytes());
        bytes.extend_from_slice(&(places.len() as u64).to_le_bytes());
        for place in places {
            bytes.extend_from_slice(&place.offset.to_le_bytes());
            bytes.extend_from_slice(&page::header_bytes(&place.header));
            bytes.extend_from_slice(&place.link);
        }
    }
    let seal = *blake3::hash(&bytes).as_bytes();
    bytes.extend_from_slice(&seal);
    disk::write_whole(&dir.join(PAGE_INDEX), &bytes)
}

fn put_counted(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
    bytes.extend_from_slice(content);
}

/// Reads the index of the journal in `dir`.
///
/// # Errors
/// [`JournalError::Io`] when the file is there but cannot be read.
pub(crate) fn read(dir: &Path) -> Result<FoundIndex, JournalError> {
    let path = dir.join(PAGE_INDEX);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(FoundIndex::Nothing),
        Err(error) => return Err(disk::io_error("read", &path, error)),
    };
    Ok(parsed(&bytes).map_or(FoundIndex::Damaged, FoundIndex::Sound))
}

/// Forgets the index, before the store changes.
pub(crate) fn remove(dir: &Path) -> Result<(), JournalError> {
    disk::remove_if_there(&dir.join(PAGE_INDEX))
}

fn parsed(bytes: &[u8]) -> Option<PageIndex> {
    let (body, seal) = bytes.split_last_chunk::<32>()?;
    if blake3::hash(body).as_bytes() != seal {
        return None;
    }
    let mut rest = Rest(body);
    if rest.take::<8>()? != MAGIC || u16::from_le_bytes(rest.take()?) != FORMAT {
        return None;
    }
    let store_bytes = u64::from_le_bytes(rest.take()?);
    let head = rest.counted()?.to_vec();
    let mut chains = BTreeMap::new();
    for _ in 0..u32::from_le_bytes(rest.take()?) {
        let name = String::from_utf8(rest.counted()?.to_vec()).ok()?;
        let count = u64::from_le_bytes(rest.take()?);
        let mut places = Vec::new();
        for _ in 0..count {
            places.push(rest.place()?);
        }
        chains.insert(name, places);
    }
    rest.0.is_empty().then_some(PageIndex { store_bytes, head, chains })
}

/// What has not been parsed.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn counted(&mut self) -> Option<&'a [u8]> {
        let count = usize::try_from(u32::from_le_bytes(self.take()?)).ok()?;
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn place(&mut self) -> Option<PagePlace> {
        let offset = u64::from_le_bytes(self.take()?);
        let header = page::header_alone(&self.take::<HEADER_BYTES>()?).ok()?;
        let link: Hash = self.take()?;
        Some(PagePlace { holder: Holder::Store, offset, len: page::stored_len(&header), header, link })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::PageHeader;

    fn sample() -> PageIndex {
        let header = PageHeader {
            schema: 32,
            count: 7,
            first_seq: 5,
            first_at: -3,
            last_at: 9,
            payload_len: 700,
            previous: [1; 32],
            block: [2; 32],
            digest: [3; 32],
        };
        let len = page::stored_len(&header);
        let place = PagePlace { holder: Holder::Store, offset: 77, len, header, link: [4; 32] };
        let chains = [("a".to_owned(), vec![place, place]), ("b".to_owned(), Vec::new())];
        PageIndex { store_bytes: 12_345, head: b"{}".to_vec(), chains: chains.into() }
    }

    #[test]
    fn an_index_reads_back_and_any_flip_is_found() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap(), FoundIndex::Nothing);
        write(dir.path(), &sample()).unwrap();
        assert_eq!(read(dir.path()).unwrap(), FoundIndex::Sound(sample()));
        let bytes = std::fs::read(dir.path().join(PAGE_INDEX)).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parsed(&damaged), None, "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert_eq!(parsed(&bytes[..len]), None, "length {len}");
        }
        remove(dir.path()).unwrap();
        assert_eq!(read(dir.path()).unwrap(), FoundIndex::Nothing);
    }

    #[test]
    fn a_forged_count_allocates_nothing() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&u32::MAX.to_le_bytes());
        let seal = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&seal);
        assert_eq!(parsed(&bytes), None);
    }
}
