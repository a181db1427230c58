//! Pages found in a file by their mark and proven by their link, wherever they lie.
//!
//! sled keeps values as they were given, each in one piece, and so does the page log. A page names its own
//! length and ends with the hash of everything before, so it can be found and proven without knowing what lies
//! around it: no more than reading is needed, whatever else in the file is damaged.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;
use memchr::memmem;

use crate::chain::{ChainHead, Hash};
use crate::disk;
use crate::page::{self, HEADER_BYTES, LINK_BYTES, MAGIC, PageHeader};

/// Bytes searched at a time.
const WINDOW: usize = 1 << 20;

/// The file that a page lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    /// The store.
    Store,
    /// The page log beside it, or a file of pages that was given: the number of the file.
    Log(usize),
    /// The file of a segment that was put away: its place among them.
    Segment(usize),
}

/// Where a page lies and what its header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PagePlace {
    pub(crate) holder: Holder,
    /// First byte in the file.
    pub(crate) offset: u64,
    /// Bytes of the stored page; zero where a page should be and none is known.
    pub(crate) len: usize,
    pub(crate) header: PageHeader,
    /// BLAKE3 over the page, its last bytes.
    pub(crate) link: Hash,
}

impl PagePlace {
    /// The head of a chain that ends with this page.
    pub(crate) const fn head(&self) -> ChainHead {
        ChainHead { count: self.header.last_seq(), digest: self.header.digest, link: self.link }
    }
}

/// A file of pages open for reading.
#[derive(Debug)]
pub(crate) struct PageFile {
    file: File,
    path: PathBuf,
    len: u64,
}

/// What a file of pages holds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Pages that match their link, in the order they lie in.
    pub(crate) sound: Vec<PagePlace>,
    /// Places that begin as a page and do not match their link.
    pub(crate) broken: Vec<PagePlace>,
}

impl PageFile {
    /// Opens a file; `None` when there is none.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, JournalError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(disk::io_error("open", path, error)),
        };
        let len = file.metadata().map_err(|error| disk::io_error("open", path, error))?.len();
        Ok(Some(Self { file, path: path.to_path_buf(), len }))
    }

    pub(crate) const fn file(&self) -> &File {
        &self.file
    }

    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes at a place; fewer when the file ends before.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, JournalError> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; len.min(left)];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes),
            // It has become shorter since it was opened.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(Vec::new()),
            Err(error) => Err(disk::io_error("read", &self.path, error)),
        }
    }

    /// Finds every page in the file. Reads it once, and each page a second time to prove it.
    pub(crate) fn find(&self, holder: Holder) -> Result<Found, JournalError> {
        let mut found = Found::default();
        let finder = memmem::Finder::new(&MAGIC);
        let mut window = Vec::with_capacity(WINDOW + MAGIC.len());
        let mut begin = 0_u64;
        while begin < self.len {
            window.clear();
            let mut reader = At { file: self, offset: begin };
            let read = (&mut reader).take((WINDOW + MAGIC.len() - 1) as u64).read_to_end(&mut window);
            read.map_err(|error| disk::io_error("read", &self.path, error))?;
            let mut next = begin.saturating_add(WINDOW as u64);
            let mut from = 0;
            while let Some(at) = window.get(from..).and_then(|rest| finder.find(rest)) {
                let offset = begin.saturating_add((from + at) as u64);
                from = from + at + 1;
                let Some(place) = self.place_at(holder, offset)? else { continue };
                let proven = page::open(&self.read(offset, place.len)?).is_ok();
                if !proven {
                    found.broken.push(place);
                    continue;
                }
                found.sound.push(place);
                let end = offset.saturating_add(place.len as u64);
                from = usize::try_from(end.saturating_sub(begin)).unwrap_or(usize::MAX);
                next = next.max(end);
            }
            begin = next;
        }
        Ok(found)
    }

    /// What stands at `offset`, if it has the shape of a page that ends within the file.
    fn place_at(&self, holder: Holder, offset: u64) -> Result<Option<PagePlace>, JournalError> {
        let Ok(header) = page::header_alone(&self.read(offset, HEADER_BYTES)?) else { return Ok(None) };
        let len = page::stored_len(&header);
        if len as u64 > self.len.saturating_sub(offset) {
            return Ok(None);
        }
        let link = self.read(offset.saturating_add((len - LINK_BYTES) as u64), LINK_BYTES)?;
        let Ok(link) = Hash::try_from(link.as_slice()) else { return Ok(None) };
        Ok(Some(PagePlace { holder, offset, len, header, link }))
    }
}

/// Reads on from a place without moving anybody's position in the file.
struct At<'a> {
    file: &'a PageFile,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.file.read_at(bytes, self.offset)?;
        self.offset = self.offset.saturating_add(read as u64);
        Ok(read)
    }
}
