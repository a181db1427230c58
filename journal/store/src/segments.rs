//! The segments of a run that were put away, read as the beginning of its chain.
//!
//! Of each only its note is kept in memory; the places of its pages are read when a page of it is, and those of one
//! segment at a time. So what opening a run costs hardly grows with its age.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine_runtime::ports::JournalError;

use crate::chain::{ChainHead, Hash};
use crate::dropped::{self, Dropped, STATEMENT_NAME};
use crate::journal_folder::{
    PACKED_PAGES, PAGE_LOG, PAGES_TREE, damaged, holds_pages, segment_folder, segment_numbers,
};
use crate::packed_pages::PackedPages;
use crate::page::{self, PageHeader};
use crate::page_index::{self, FoundIndex, PageIndex};
use crate::page_log::{Described, Entry, LogReader, Next};
use crate::page_place::{Holder, PageFile, PagePlace};
use crate::page_pool::{PagePool, Wanted};
use crate::segment::{self, SegmentNote};
use crate::side_file::Found;
use crate::upcast;

mod kept_part;

/// The segments of a run that were put away, in order.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    dir: PathBuf,
    parts: Vec<Part>,
    /// Those of them that were dropped on purpose: only their notes and signed heads are there.
    dropped: Option<Dropped>,
    /// The one that was read last.
    opened: Mutex<Option<(usize, Arc<Opened>)>>,
}

#[derive(Debug)]
struct Part {
    note: SegmentNote,
    /// Pages of the segments before.
    pages_before: u64,
}

/// Where the pages of a segment lie.
#[derive(Debug)]
enum Pages {
    Plain(PageFile),
    Packed(PackedPages),
    Gone,
}

/// A segment of which pages are read.
#[derive(Debug)]
struct Opened {
    file: Pages,
    /// Where each page lies, or why that is not known.
    places: Result<Vec<PagePlace>, String>,
}

/// Segments that follow each other, and what is wrong with the next where anything is.
#[derive(Debug)]
pub(crate) struct Sound {
    pub(crate) segments: Segments,
    pub(crate) wrong: Option<&'static str>,
    /// What is wrong with the statement of what was dropped.
    pub(crate) misstated: Option<&'static str>,
}

impl Sound {
    fn require(self, dir: &Path) -> Result<Segments, JournalError> {
        let Self { segments, wrong, misstated } = self;
        if let Some(reason) = misstated {
            return Err(damaged(dir, 1, &format!("{STATEMENT_NAME}: {reason}; run verify")));
        }
        let Some(reason) = wrong else { return Ok(segments) };
        let seq = segments.ends().count.saturating_add(1);
        Err(damaged(dir, seq, &format!("segment {}: {reason}; run verify", segments.next_number())))
    }
}

/// A place in the chain, and the number of pages before the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) place: PagePlace,
    pub(crate) next: u64,
}

impl Segments {
    /// Those of the run in `dir`; none for a journal that has no segments.
    ///
    /// # Errors
    /// `Damaged` when one is gone, or its note is not what was written: where the chain goes on behind it cannot be told
    /// then.
    pub(crate) fn open(dir: &Path) -> Result<Self, JournalError> {
        Self::as_far_as_sound(dir)?.require(dir)
    }

    /// Those of a run that may be written meanwhile: what is open changes, and is not looked at.
    ///
    /// # Errors
    /// As [`Segments::open`].
    pub(crate) fn beside_a_writer(dir: &Path) -> Result<Self, JournalError> {
        Self::followed(dir, None)?.require(dir)
    }

    /// Those of a run that may be written meanwhile, as many as follow each other.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn put_away(dir: &Path) -> Result<Sound, JournalError> {
        Self::followed(dir, None)
    }

    /// As many as follow each other, and what is wrong with the next where anything is.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn as_far_as_sound(dir: &Path) -> Result<Sound, JournalError> {
        Self::followed(dir, Some(first_open_page(dir)?))
    }

    /// With what the first `open` page begins with, where that can be relied on.
    fn followed(dir: &Path, open: Option<Option<(u64, Hash)>>) -> Result<Sound, JournalError> {
        let (mut segments, wrong) = Self::noted(dir, open)?;
        let misstated = match dropped::find(dir)? {
            Found::Nothing => None,
            Found::Sound(dropped) if segments.is_stated(&dropped)? => {
                segments.dropped = Some(dropped);
                None
            }
            Found::Sound(_) => Some("it speaks of other segments than those of this run"),
            Found::Damaged => Some("it is not what was written"),
        };
        Ok(Sound { segments, wrong, misstated })
    }

    /// The notes that follow each other, and what is wrong with the next where anything is.
    fn noted(
        dir: &Path,
        open: Option<Option<(u64, Hash)>>,
    ) -> Result<(Self, Option<&'static str>), JournalError> {
        let mut segments = Self { dir: dir.to_path_buf(), ..Self::default() };
        let numbers = segment_numbers(dir)?;
        for number in &numbers {
            let folder = segment_folder(dir, *number);
            let may_be_open = open.is_none_or(|open| open == Some(segments.next_page()));
            if may_be_open && numbers.last() == Some(number) && !holds_pages(&folder) {
                // A kill came before the moment at which it would have been put away.
                return Ok((segments, None));
            }
            if *number != segments.next_number() {
                return Ok((segments, Some(GONE)));
            }
            match segment::read_note(&folder)? {
                Found::Sound(note) if note.number == *number && note.begins == segments.ends() => {
                    segments.parts.push(Part { pages_before: segments.pages(), note });
                }
                Found::Sound(_) => return Ok((segments, Some("its note is that of another segment"))),
                Found::Damaged => return Ok((segments, Some("its note is not what was written"))),
                Found::Nothing => return Ok((segments, Some("its note is gone"))),
            }
        }
        let follows = open.flatten().is_none_or(|open| open == segments.next_page());
        Ok((segments, (!follows).then_some(GONE)))
    }

    /// What the first open page begins with: its first event, and the link of the page before.
    fn next_page(&self) -> (u64, Hash) {
        let ChainHead { count, link, .. } = self.ends();
        (count.saturating_add(1), link)
    }

    pub(crate) fn notes(&self) -> impl DoubleEndedIterator<Item = &SegmentNote> {
        self.parts.iter().map(|part| &part.note)
    }

    /// Number of the next segment.
    pub(crate) fn next_number(&self) -> u64 {
        (self.parts.len() as u64).saturating_add(1)
    }

    /// The head that the open part of the run goes on behind.
    pub(crate) fn ends(&self) -> ChainHead {
        self.parts.last().map_or_else(ChainHead::start_of_run, |part| part.note.ends)
    }

    /// Number of pages in all of them.
    pub(crate) fn pages(&self) -> u64 {
        self.parts.last().map_or(0, |part| part.pages_before.saturating_add(part.note.pages))
    }

    /// The hash of the last note, which the next one names.
    pub(crate) fn last_note_hash(&self) -> Result<Hash, JournalError> {
        match self.parts.last() {
            Some(part) => segment::note_hash(&segment_folder(&self.dir, part.note.number)),
            None => Ok([0; 32]),
        }
    }

    /// The page with `before` pages before it; where a segment cannot be read, one place stands for all its pages.
    pub(crate) fn place(&self, before: u64) -> Option<Standing> {
        let index = self.parts.partition_point(|part| part.pages_before <= before).checked_sub(1)?;
        let part = self.parts.get(index)?;
        let end = part.pages_before.saturating_add(part.note.pages);
        if before >= end {
            return None;
        }
        let within = usize::try_from(before.saturating_sub(part.pages_before)).ok()?;
        match &self.opened(index, part).places {
            Ok(places) => {
                let place = places.get(within).copied()?;
                Some(Standing { place, next: before.saturating_add(1) })
            }
            Err(_) => Some(Standing { place: part.note.gap(index), next: end }),
        }
    }

    /// The last page of all.
    pub(crate) fn last(&self) -> Option<PagePlace> {
        self.pages().checked_sub(1).and_then(|before| self.place(before)).map(|standing| standing.place)
    }

    /// The last place, counted from 1, whose header is `early`; zero when none is.
    pub(crate) fn last_place(&self, early: impl Fn(&PageHeader) -> bool) -> u64 {
        let is_early = |part: &Part| early(&part.note.gap(0).header);
        let Some(index) = self.parts.partition_point(is_early).checked_sub(1) else { return 0 };
        let Some(part) = self.parts.get(index) else { return 0 };
        let within = match &self.opened(index, part).places {
            Ok(places) => places.partition_point(|place| early(&place.header)) as u64,
            Err(_) => 1,
        };
        part.pages_before.saturating_add(within)
    }

    /// The bytes at a place of the segment at `index`.
    pub(crate) fn read(&self, index: usize, offset: u64, len: usize) -> Result<Vec<u8>, JournalError> {
        let Some(part) = self.parts.get(index) else { return Ok(Vec::new()) };
        match &self.opened(index, part).file {
            Pages::Plain(file) => file.read(offset, len),
            Pages::Packed(file) => file.read(offset, len),
            Pages::Gone => Ok(Vec::new()),
        }
    }

    /// Why the segment at `index` cannot be read.
    pub(crate) fn fault(&self, index: usize) -> JournalError {
        let Some(part) = self.parts.get(index) else {
            return damaged(&self.dir, 1, &"there is no such segment");
        };
        let first = part.note.begins.count.saturating_add(1);
        if let Some(dropped) = self.dropped.as_ref().filter(|_| self.is_dropped(part.note.number)) {
            return dropped.error(&self.dir, first);
        }
        let because = self.opened(index, part).places.as_ref().err().cloned().unwrap_or_default();
        let reason = format!("segment {}: {because}", part.note.number);
        damaged(&self.dir, first, &reason)
    }

    /// Writes the index of every segment again that is gone or not what was written, where its pages are plain and whole.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn index_anew(&self) -> Result<(), JournalError> {
        for note in self.notes() {
            let folder = segment_folder(&self.dir, note.number);
            if matches!(page_index::read(&folder)?, FoundIndex::Sound(_)) {
                continue;
            }
            let Some(file) = PageFile::open(&folder.join(PAGE_LOG))? else { continue };
            let places = chain_in(&file, 0, note.begins, note.ends)?;
            if is_of(&places, note) {
                let (store_bytes, chains) = (file.len(), [(PAGES_TREE.to_owned(), places)].into());
                page_index::write(&folder, &PageIndex { store_bytes, head: Vec::new(), chains })?;
            }
        }
        Ok(())
    }

    fn opened(&self, index: usize, part: &Part) -> Arc<Opened> {
        let mut held = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, opened)) = held.as_ref().filter(|(held, _)| *held == index) {
            return Arc::clone(opened);
        }
        let folder = segment_folder(&self.dir, part.note.number);
        let opened = Arc::new(match self.is_dropped(part.note.number) {
            // What is left of them is about to go.
            true => Opened { file: Pages::Gone, places: Err("it was dropped".to_owned()) },
            false => Opened::of(&folder, index, &part.note),
        });
        *held = Some((index, Arc::clone(&opened)));
        opened
    }
}

/// What is wrong where a segment should be and is not.
const GONE: &str = "it is gone";

/// First event and previous link of the first page in the open page log of the run in `dir`; none without a sound one.
fn first_open_page(dir: &Path) -> Result<Option<(u64, Hash)>, JournalError> {
    let path = dir.join(PAGE_LOG);
    if !path.is_file() {
        return Ok(None);
    }
    let mut log = LogReader::open(&path)?;
    if !matches!(log.next_entry()?, Next::Entry(Entry::Description(Described::Run))) {
        return Ok(None);
    }
    let Next::Entry(Entry::Page(page)) = log.next_entry()? else { return Ok(None) };
    Ok(page::header(&page).ok().map(|header| (header.first_seq, header.previous)))
}

impl Opened {
    fn of(folder: &Path, index: usize, note: &SegmentNote) -> Self {
        let gone = |reason: String| Self { file: Pages::Gone, places: Err(reason) };
        match PageFile::open(&folder.join(PAGE_LOG)) {
            Ok(Some(file)) => {
                let places = places(folder, &file, index, note);
                return Self { file: Pages::Plain(file), places };
            }
            Ok(None) => {}
            Err(error) => return gone(error.to_string()),
        }
        match PackedPages::open(&folder.join(PACKED_PAGES)) {
            Ok(Some(file)) => {
                let places = indexed(folder, index, note);
                let places = places.ok_or_else(|| "its index is gone, which packed pages need".to_owned());
                Self { file: Pages::Packed(file), places }
            }
            Ok(None) => gone("its pages are gone".to_owned()),
            Err(error) => gone(error.to_string()),
        }
    }
}

/// Where its index says that the pages of the segment `note` speaks of lie; none without an index that fits.
fn indexed(folder: &Path, index: usize, note: &SegmentNote) -> Option<Vec<PagePlace>> {
    let Ok(FoundIndex::Sound(mut found)) = page_index::read(folder) else { return None };
    let places = found.chains.remove(PAGES_TREE).unwrap_or_default().into_iter();
    let places = places.map(|place| PagePlace { holder: Holder::Segment(index), ..place }).collect();
    Some(places).filter(|places: &Vec<PagePlace>| is_of(places, note))
}

/// Where the pages of the segment `note` speaks of lie in `file`: by its index, or by a search through it.
fn places(
    folder: &Path,
    file: &PageFile,
    index: usize,
    note: &SegmentNote,
) -> Result<Vec<PagePlace>, String> {
    if let Some(places) = indexed(folder, index, note) {
        return Ok(places);
    }
    chain_in(file, index, note.begins, note.ends).map_err(|error| error.to_string()).and_then(|places| {
        if is_of(&places, note) { Ok(places) } else { Err("pages of it are damaged".to_owned()) }
    })
}

fn is_of(places: &[PagePlace], note: &SegmentNote) -> bool {
    let begins = places.first().map(|first| (first.header.first_seq, first.header.previous));
    places.len() as u64 == note.pages
        && begins == Some((note.begins.count.saturating_add(1), note.begins.link))
        && places.last().map(PagePlace::head) == Some(note.ends)
}

/// The pages from head `begins` to head `ends` in `file`, each proven.
pub(crate) fn chain_in(
    file: &PageFile,
    index: usize,
    begins: ChainHead,
    ends: ChainHead,
) -> Result<Vec<PagePlace>, JournalError> {
    let mut pool = PagePool::default();
    pool.add(file.find(Holder::Segment(index))?);
    let wanted = Wanted {
        schema: upcast::ENVELOPES,
        start: crate::chain::RUN_START,
        behind: begins,
        head: Some(ends),
    };
    let found = pool.chain(wanted);
    Ok(found.prefix().to_vec())
}
