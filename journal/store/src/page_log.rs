//! An append-only file of pages: write-ahead log, backup and exchange format in one.
//!
//! A sequence of entries, numbers little-endian:
//!
//! ```text
//!   0  magic   4   "JLG1"
//!   4  kind    4   1 description (JSON), 2 page, 3 head (JSON: the chain ends here as planned),
//!                  4 page before which everything had reached the drive
//!   8  len     4   bytes of content
//!  12  crc32   4   over kind, len and content
//!  16  content
//! ```
//!
//! A description says what the pages after it belong to. The log of a run is one chain; an exported dataset has
//! one chain for each series. Entries are written in groups, each followed by a sync; the first page of a group is of kind
//! 4. A power cut may leave any sectors of the group that was written then, so that sound entries stand behind an unsound
//! one; what was acknowledged lies before that group.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::chain::ChainHead;
use crate::disk::{self, Durable};
use crate::series::SeriesEntry;
use crate::small_file;

const MAGIC: [u8; 4] = *b"JLG1";
const HEAD: u64 = 16;
const DESCRIPTION: u32 = 1;
const PAGE: u32 = 2;
const END: u32 = 3;
const FIRST_PAGE: u32 = 4;

/// What the pages behind a description belong to.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Described {
    /// A run.
    Run,
    /// A series of a dataset, with its committed head and sources.
    Series(Box<SeriesEntry>),
}

/// One entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Description(Described),
    Page(Vec<u8>),
    End(ChainHead),
}

/// A log open for appending.
#[derive(Debug)]
pub(crate) struct PageLog {
    file: Durable,
    entry: Vec<u8>,
    /// Whether everything in it has reached the drive.
    is_synced: bool,
}

impl PageLog {
    /// Makes a new log.
    pub(crate) fn create(path: &Path, described: &Described) -> Result<Self, JournalError> {
        let mut log = Self::create_empty(path)?;
        log.describe(described)?;
        log.sync()?;
        path.parent().map_or(Ok(()), disk::sync_directory)?;
        Ok(log)
    }

    /// Makes a new log without an entry; it is not synced yet.
    pub(crate) fn create_empty(path: &Path) -> Result<Self, JournalError> {
        let file = disk::create_new(path)?;
        Ok(Self { file: Durable::new(file, path), entry: Vec::new(), is_synced: true })
    }

    /// A log on a file that is open already.
    #[cfg(test)]
    pub(crate) fn on(file: File, path: &Path) -> Self {
        Self { file: Durable::new(file, path), entry: Vec::new(), is_synced: true }
    }

    /// Opens a log behind its first `sound` bytes, which reach the drive now if they had not, and cuts off the rest.
    pub(crate) fn reopen(path: &Path, sound: u64) -> Result<Self, JournalError> {
        let refused = |error| disk::io_error("open", path, error);
        let mut file = File::options().write(true).open(path).map_err(refused)?;
        disk::cut(&file, path, sound).and_then(|()| file.seek(SeekFrom::End(0))).map_err(refused)?;
        let mut log = Self { file: Durable::new(file, path), entry: Vec::new(), is_synced: false };
        log.sync()?;
        Ok(log)
    }

    pub(crate) fn describe(&mut self, described: &Described) -> Result<(), JournalError> {
        let json = serde_json::to_vec(described).unwrap_or_default();
        self.append(DESCRIPTION, &json)
    }

    pub(crate) fn append_page(&mut self, page: &[u8]) -> Result<(), JournalError> {
        let kind = if self.is_synced { FIRST_PAGE } else { PAGE };
        self.is_synced = false;
        self.append(kind, page)
    }

    /// Notes that the chain ends here as planned.
    pub(crate) fn end(&mut self, head: &ChainHead) -> Result<(), JournalError> {
        let json = serde_json::to_vec(head).unwrap_or_default();
        self.append(END, &json)
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> Result<u64, JournalError> {
        self.file.len()
    }

    fn append(&mut self, kind: u32, content: &[u8]) -> Result<(), JournalError> {
        let (kind, len) =
            (kind.to_le_bytes(), u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.entry.clear();
        for part in [&MAGIC, &kind, &len, &check(&kind, &len, content).to_le_bytes()] {
            self.entry.extend_from_slice(part);
        }
        self.entry.extend_from_slice(content);
        self.file.write_all(&self.entry)
    }

    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.file.sync()?;
        self.is_synced = true;
        Ok(())
    }
}

fn check(kind: &[u8; 4], len: &[u8; 4], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(kind);
    hasher.update(len);
    hasher.update(content);
    hasher.finalize()
}

/// Where what a crash left of the last group of the log at `path` begins; `None` where nothing is torn, or more than that.
pub(crate) fn torn_at(path: &Path) -> Result<Option<u64>, JournalError> {
    let mut log = LogReader::open(path)?;
    loop {
        match log.next_entry()? {
            Next::Entry(_) => {}
            Next::Nothing => return Ok(None),
            Next::Unsound(_) => return Ok((!log.goes_on()?).then_some(log.place())),
        }
    }
}

/// What comes next in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// A sound entry.
    Entry(Entry),
    /// The end of the file, right behind an entry.
    Nothing,
    /// Bytes that are no sound entry; nothing behind them can be read.
    Unsound(&'static str),
}

/// A log open for reading.
#[derive(Debug)]
pub(crate) struct LogReader {
    file: BufReader<File>,
    path: PathBuf,
    len: u64,
    place: u64,
    /// Whether a page was read, and whether one was the first of a group.
    has_pages: bool,
    has_groups: bool,
}

impl LogReader {
    pub(crate) fn open(path: &Path) -> Result<Self, JournalError> {
        let refused = |error| disk::io_error("open", path, error);
        let metadata = std::fs::metadata(path).map_err(refused)?;
        if let Some(what) = small_file::not_plain(&metadata) {
            return Err(refused(std::io::Error::other(format!("it is {what}; give a plain file"))));
        }
        let file = File::open(path).map_err(refused)?;
        let len = file.metadata().map_err(refused)?.len();
        Ok(Self {
            file: BufReader::with_capacity(256 << 10, file),
            path: path.to_path_buf(),
            len,
            place: 0,
            has_pages: false,
            has_groups: false,
        })
    }

    /// Bytes of sound entries read so far.
    pub(crate) const fn place(&self) -> u64 {
        self.place
    }

    pub(crate) fn next_entry(&mut self) -> Result<Next, JournalError> {
        let left = self.len.saturating_sub(self.place);
        if left == 0 {
            return Ok(Next::Nothing);
        }
        if left < HEAD {
            return Ok(Next::Unsound("the log ends inside an entry"));
        }
        let [magic, kind, len, crc] = [self.word()?, self.word()?, self.word()?, self.word()?];
        let content_len = u64::from(u32::from_le_bytes(len));
        if magic != MAGIC {
            return Ok(Next::Unsound("an entry of the log does not begin as one"));
        }
        if left.saturating_sub(HEAD) < content_len {
            return Ok(Next::Unsound("the log ends inside an entry"));
        }
        let mut content = vec![0; usize::try_from(content_len).unwrap_or(usize::MAX)];
        self.read(&mut content)?;
        if check(&kind, &len, &content) != u32::from_le_bytes(crc) {
            return Ok(Next::Unsound("an entry of the log fails its checksum"));
        }
        let kind = u32::from_le_bytes(kind);
        let Some(entry) = parsed(kind, content) else {
            return Ok(Next::Unsound("an entry of the log is of no known kind"));
        };
        self.has_pages |= matches!(entry, Entry::Page(_));
        self.has_groups |= kind == FIRST_PAGE;
        self.place = self.place.saturating_add(HEAD).saturating_add(content_len);
        Ok(Next::Entry(entry))
    }

    /// Whether an entry stands anywhere behind the place where reading stopped that was written when everything before
    /// it had reached the drive: then it stopped at damage, not at what a crash left of the last group. In a log that was
    /// written without groups any sound entry counts as such.
    pub(crate) fn goes_on(&self) -> Result<bool, JournalError> {
        let refused = |error| disk::io_error("read", &self.path, error);
        let mut rest = Vec::new();
        let mut file = File::open(&self.path).map_err(refused)?;
        let from = self.place.saturating_add(1);
        file.seek(SeekFrom::Start(from)).and_then(|_| file.read_to_end(&mut rest)).map_err(refused)?;
        let starts = rest.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
        let mut kinds = starts.filter_map(|(start, _)| kind_of(rest.get(start..).unwrap_or_default()));
        let in_groups = self.has_groups || !self.has_pages;
        Ok(kinds.any(|kind| !in_groups || matches!(kind, FIRST_PAGE | END)))
    }

    fn word(&mut self) -> Result<[u8; 4], JournalError> {
        let mut word = [0; 4];
        self.read(&mut word)?;
        Ok(word)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), JournalError> {
        self.file.read_exact(bytes).map_err(|error| disk::io_error("read", &self.path, error))
    }
}

/// The kind of the sound entry that `bytes` begin with, if they do.
fn kind_of(bytes: &[u8]) -> Option<u32> {
    let word = |place: usize| bytes.get(place..).and_then(|rest| rest.first_chunk::<4>());
    let [Some(kind), Some(len), Some(crc)] = [word(4), word(8), word(12)] else { return None };
    let content_len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX);
    let content = bytes.get(16..).and_then(|rest| rest.get(..content_len))?;
    (check(kind, len, content) == u32::from_le_bytes(*crc)).then_some(u32::from_le_bytes(*kind))
}

fn parsed(kind: u32, content: Vec<u8>) -> Option<Entry> {
    match kind {
        DESCRIPTION => serde_json::from_slice(&content).ok().map(Entry::Description),
        PAGE | FIRST_PAGE => Some(Entry::Page(content)),
        END => serde_json::from_slice(&content).ok().map(Entry::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(path: &Path) -> Vec<u8> {
        let mut log = PageLog::create(path, &Described::Run).unwrap();
        log.append_page(&[1; 300]).unwrap();
        log.append_page(&[2; 200]).unwrap();
        log.end(&ChainHead::default()).unwrap();
        log.sync().unwrap();
        std::fs::read(path).unwrap()
    }

    fn entries(path: &Path) -> (usize, Next, u64, bool) {
        let mut log = LogReader::open(path).unwrap();
        let mut count = 0;
        loop {
            match log.next_entry().unwrap() {
                Next::Entry(_) => count += 1,
                last @ (Next::Nothing | Next::Unsound(_)) => {
                    return (count, last, log.place(), log.goes_on().unwrap());
                }
            }
        }
    }

    #[test]
    fn a_torn_end_is_told_from_damage_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pages.log");
        let bytes = written(&path);
        assert_eq!(entries(&path), (4, Next::Nothing, bytes.len() as u64, false));
        for len in (0..bytes.len()).rev() {
            std::fs::write(&path, &bytes[..len]).unwrap();
            let (count, last, place, goes_on) = entries(&path);
            assert!(count < 4 && !goes_on, "cut to {len}");
            assert_eq!(last == Next::Nothing, place == len as u64, "cut to {len}");
        }
        let first_page = usize::try_from(HEAD).unwrap() + 8;
        for place in first_page..first_page + 300 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 4;
            std::fs::write(&path, &damaged).unwrap();
            let (count, last, _, goes_on) = entries(&path);
            assert!(matches!(last, Next::Unsound(_)) && count < 3 && goes_on, "byte {place}");
        }
    }

    #[test]
    fn a_hole_in_the_last_group_is_what_a_power_cut_left_and_one_before_it_is_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pages.log");
        let mut log = PageLog::create(&path, &Described::Run).unwrap();
        let begins = [1_u8, 2, 3, 4, 5].map(|page| {
            let begin = log.len().unwrap();
            log.append_page(&[page; 300]).unwrap();
            if page == 3 {
                log.sync().unwrap();
            }
            usize::try_from(begin + HEAD).unwrap()
        });
        let bytes = std::fs::read(&path).unwrap();
        let holed = |page: usize, bytes: &[u8]| {
            let mut holed = bytes.to_vec();
            holed[begins[page - 1]] ^= 1;
            std::fs::write(&path, holed).unwrap();
            entries(&path).3
        };
        assert_eq!([1, 2, 3, 4, 5].map(|page| holed(page, &bytes)), [true, true, true, false, false]);
        // As a log was written that knew no groups.
        let mut plain = bytes.clone();
        for begin in [begins[0], begins[3]] {
            plain[begin - 12] = 2;
            let content: Vec<u8> = plain[begin..begin + 300].to_vec();
            let crc = check(&PAGE.to_le_bytes(), &300_u32.to_le_bytes(), &content);
            plain[begin - 4..begin].copy_from_slice(&crc.to_le_bytes());
        }
        assert_eq!([2, 3, 4, 5].map(|page| holed(page, &plain)), [true, true, true, false]);
    }

    #[test]
    fn a_reopened_log_goes_on_where_it_was_sound() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pages.log");
        let bytes = written(&path);
        std::fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
        let (count, _, sound, _) = entries(&path);
        let mut log = PageLog::reopen(&path, sound).unwrap();
        log.append_page(&[3; 50]).unwrap();
        log.sync().unwrap();
        assert_eq!((count, entries(&path).0), (3, 4));
    }
}
