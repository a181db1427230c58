//! A store made anew from every whole page there is: in the old store, in the page log, in a file of pages.
//!
//! What cannot be found is lost, and said to be: each series and each run is restored up to its first missing record.
//! The old store is kept beside the new one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::beside::files_beside;
use crate::chain::ChainHead;
use crate::checkpoint;
use crate::closing;
use crate::creation;
use crate::disk;
use crate::heads::{self, DatasetHead, RunHead, wanted_run, wanted_series};
use crate::journal_folder::{CHECKPOINT, HEAD_FILE, PAGE_LOG, PAGES_TREE, STORE};
use crate::new_store::NewStore;
use crate::page_place::PagePlace;
use crate::page_pool::{FoundChain, Wanted};
use crate::page_view::PageFiles;
use crate::public_key::PublicKey;
use crate::run;
use crate::series::SeriesEntry;
use crate::side_file;
use crate::sled_store::Layout;
use crate::snapshot;
use crate::writer_lock::WriterLock;

mod known;
mod log;

pub use log::export_pages;

use known::Known;

/// What a rebuild has restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The head of the run, or of each series by its name.
    pub heads: Vec<(String, ChainHead)>,
    /// What could not be restored; empty when nothing is lost.
    pub lost: Vec<Lost>,
    /// Where the old store was put; `None` when there was none.
    pub old_store: Option<PathBuf>,
}

/// Records that a rebuild could not restore.
#[derive(serde::Serialize, Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// `run`, or the name of the series.
    pub name: String,
    /// Number of the first lost record.
    pub from: u64,
    /// Number of the last lost record.
    pub to: u64,
    /// How many.
    pub count: u64,
    /// How many of them can still be read behind the first that cannot; they are kept in the old store.
    pub readable: u64,
}

/// Restores the store of the journal in `dir` from what is whole in it and in its page log. The old store is kept
/// beside it.
///
/// # Errors
/// [`JournalError::NotAJournal`] when nothing says what the journal held, `Locked` while a writer has it; otherwise
/// what the disk says. What cannot be restored is no error but told in [`Rebuilt::lost`].
pub fn rebuild(dir: &Path) -> Result<Rebuilt, JournalError> {
    let lock = WriterLock::take(dir)?;
    let known = Known::read(dir, &dir.join(PAGE_LOG), false)?;
    in_place(dir, PageFiles::open(dir)?.with_what_is_torn(), known, lock)
}

/// Restores the journal in `dir`, made when it is not there, also from a file of pages.
///
/// # Errors
/// As [`rebuild`], and [`JournalError::NotAJournal`] when `pages` is no file of pages.
pub fn rebuild_from(dir: &Path, pages: &Path) -> Result<Rebuilt, JournalError> {
    let known = Known::read(dir, pages, true)?;
    if !creation::is_free(dir)? {
        let lock = WriterLock::take(dir)?;
        return in_place(dir, PageFiles::open(dir)?.with_what_is_torn().with(pages)?, known, lock);
    }
    let files = PageFiles::default().with_what_is_torn().with(pages)?;
    let mut restored = None;
    creation::create(dir, |staged| {
        let plan = Plan::of(staged, &files, &known)?;
        NewStore::make(staged, plan.layout, &files, &plan.places)?.take_place()?.discard();
        plan.write_head(staged)?;
        closing::note(staged)?;
        restored = Some(Rebuilt { heads: plan.heads, lost: plan.lost, old_store: None });
        Ok(())
    })?;
    restored.ok_or_else(|| JournalError::Exists { path: dir.display().to_string() })
}

fn in_place(dir: &Path, files: PageFiles, known: Known, _lock: WriterLock) -> Result<Rebuilt, JournalError> {
    let plan = Plan::of(dir, &files, &known)?;
    let new = NewStore::make(dir, plan.layout, &files, &plan.places)?;
    let aside = free_name(dir, STORE);
    log::renew(dir, &files, &plan)?;
    let mut replaced = new.take_place()?;
    let kept = replaced.keep_as(&aside)?;
    plan.write_head(dir)?;
    plan.put_aside(dir, &aside)?;
    files.segments().index_anew()?;
    drop(files);
    closing::note(dir)?;
    replaced.discard();
    Ok(Rebuilt { heads: plan.heads, lost: plan.lost, old_store: kept.then_some(aside) })
}

/// A name beside `name` that is free.
fn free_name(dir: &Path, name: &str) -> PathBuf {
    let name = |number: u64| dir.join(format!("{name}.damaged-{number}"));
    (1..u64::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(u64::MAX))
}

/// What the new store is to hold.
#[derive(Debug)]
struct Plan {
    layout: Layout,
    places: BTreeMap<String, Vec<PagePlace>>,
    run: Option<RunHead>,
    series: Vec<SeriesEntry>,
    heads: Vec<(String, ChainHead)>,
    lost: Vec<Lost>,
}

impl Plan {
    fn of(dir: &Path, files: &PageFiles, known: &Known) -> Result<Self, JournalError> {
        match known {
            Known::Run(noted) => Self::of_run(dir, files, noted.as_ref()),
            Known::Dataset(series) => Self::of_dataset(files, series),
        }
    }

    fn of_run(dir: &Path, files: &PageFiles, noted: Option<&RunHead>) -> Result<Self, JournalError> {
        let segments = files.segments();
        let found = files.pool(true)?.chain(Wanted { behind: segments.ends(), ..wanted_run(noted) });
        let kept = found.prefix();
        let head = kept.last().map_or_else(|| segments.ends(), PagePlace::head);
        let page_log = dir.join(PAGE_LOG).is_file();
        let closed = noted.is_some_and(|noted| noted.complete) || is_over(files, kept.last())?;
        let pages = segments.pages().saturating_add(kept.len() as u64);
        let lost: Vec<Lost> = lost("run", &found).into_iter().collect();
        let complete = closed && lost.is_empty();
        Ok(Self {
            layout: Layout::RUN,
            run: Some(Self::head_beside(dir, RunHead::new(head, pages, complete, page_log))?),
            places: [(PAGES_TREE.to_owned(), kept.to_vec())].into(),
            series: Vec::new(),
            heads: vec![("run".to_owned(), head)],
            lost,
        })
    }

    /// `head` with the files and the signer that the `head.json` of the closed run names, where it is that very head;
    /// otherwise with the files that are there, and with the signer of the signed head of it that is there.
    fn head_beside(dir: &Path, head: RunHead) -> Result<RunHead, JournalError> {
        // Only what the file itself says will do: a head that came from the page log names no files.
        let noted = heads::read_run_head(dir)?.sound();
        if let Some(noted) = noted.filter(|noted| noted.complete && head.complete && noted.head == head.head)
        {
            return Ok(head.beside(noted.files, noted.signed_by));
        }
        let signed = checkpoint::read(&dir.join(CHECKPOINT)).ok();
        let signed = signed.and_then(|signed| signed.into_iter().next_back());
        let signed =
            signed.filter(|signed| head.complete && signed.head == head.head && signed.is_authentic());
        let files = files_beside(dir, head.head.count)?;
        Ok(head.beside(files, signed.map(|signed| PublicKey(signed.public_key))))
    }

    /// Each series by the longest description of it that can be restored whole, or else as far as it is there.
    fn of_dataset(
        files: &PageFiles,
        series: &BTreeMap<String, Vec<SeriesEntry>>,
    ) -> Result<Self, JournalError> {
        let pool = files.pool(true)?;
        let mut plan = Self {
            layout: Layout::DATASET,
            places: BTreeMap::new(),
            run: None,
            series: Vec::new(),
            heads: Vec::new(),
            lost: Vec::new(),
        };
        for (name, entries) in series {
            let found = entries.iter().map(|entry| (entry, pool.chain(wanted_series(entry))));
            let found: Vec<(&SeriesEntry, FoundChain)> = found.collect();
            let best = found.iter().find(|(_, chain)| chain.is_whole()).or_else(|| found.first());
            let Some((entry, chain)) = best else { continue };
            let entry = shortened(entry, chain.prefix());
            plan.lost.extend(lost(name, chain));
            plan.places.insert(name.clone(), chain.prefix().to_vec());
            plan.heads.push((name.clone(), entry.head));
            plan.series.push(entry);
        }
        Ok(plan)
    }

    fn write_head(&self, dir: &Path) -> Result<(), JournalError> {
        let path = dir.join(HEAD_FILE);
        match &self.run {
            Some(head) => side_file::write(&path, head),
            None => {
                let page_log = dir.join(PAGE_LOG).is_file();
                let head = DatasetHead { page_log, ..DatasetHead::new(self.series.clone()) };
                side_file::write(&path, &head)
            }
        }
    }

    /// What speaks of lost events goes to the old store: a signed head beyond the end, snapshots behind it.
    fn put_aside(&self, dir: &Path, aside: &Path) -> Result<(), JournalError> {
        let Some(head) = self.run.as_ref().map(|run| run.head) else { return Ok(()) };
        let signed = checkpoint::read(&dir.join(CHECKPOINT)).ok();
        let stale = signed.is_some_and(|signed| signed.iter().any(|signed| signed.head != head));
        let late = snapshot::list(dir)?.into_iter().filter(|seq| seq.number() > head.count);
        let late = late.map(|seq| snapshot::file_of(dir, seq.number()));
        for path in stale.then(|| dir.join(CHECKPOINT)).into_iter().chain(late) {
            let Some(name) = path.file_name() else { continue };
            disk::make_folders(aside)?;
            disk::rename(&path, &aside.join(name)).map_err(|error| disk::io_error("rename", &path, error))?;
        }
        Ok(())
    }
}

fn is_over(files: &PageFiles, last: Option<&PagePlace>) -> Result<bool, JournalError> {
    let Some(last) = last else { return Ok(false) };
    let page = files.page_at(last)?;
    Ok(page.opened.is_ok_and(|(header, _)| run::page_session_end(&page.bytes, &header).is_over()))
}

/// What is missing of a chain.
fn lost(name: &str, found: &FoundChain) -> Option<Lost> {
    let first = found.places.get(found.whole)?;
    let behind = found.places.get(found.whole.saturating_add(1)..).unwrap_or_default();
    let (from, to) = (first.header.first_seq, found.places.last()?.header.last_seq());
    let readable = behind.iter().map(|place| u64::from(place.header.count)).sum();
    Some(Lost { name: name.to_owned(), from, to, count: to.saturating_add(1).saturating_sub(from), readable })
}

/// The series as it is with these pages. A source of which records are missing is no longer named, so that its file
/// can be imported again.
fn shortened(entry: &SeriesEntry, kept: &[PagePlace]) -> SeriesEntry {
    let mut entry = SeriesEntry { importing: false, ..entry.clone() };
    let whole = kept.last().map_or(0, |last| last.header.last_seq()) == entry.head.count;
    if whole {
        return entry;
    }
    let fresh = SeriesEntry::new(entry.info.clone());
    entry.head = kept.last().map_or(fresh.head, PagePlace::head);
    entry.pages = kept.len() as u64;
    entry.last_at = kept.last().map_or(0, |last| last.header.last_at);
    entry.first_at = kept.first().map_or(0, |first| first.header.first_at);
    entry.sources.retain(|source| source.last_seq <= entry.head.count);
    entry
}
