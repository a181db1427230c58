//! A store made anew from a file of pages, and the file made from a store.
//!
//! The page log of a run and an exported file have one format, so the same code restores either.

use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::chain::ChainHead;
use crate::dataset::{self, DatasetHead, DatasetReader, META_TREE, SeriesEntry};
use crate::event_stream::START;
use crate::marker;
use crate::page_log::{Described, Entry, LogReader, Next, PageLog};
use crate::page_tree::{PageWriter, StoredPages};
use crate::run::{self, HEAD_FILE, PAGE_LOG, PAGES_TREE, RunHead, RunReader};
use crate::side_file::{self, Found};
use crate::sled_store::{self, Layout, STORE, SledStore};
use crate::verify::{Content, Scan};

/// What a rebuild has restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The head of the run, or of each series by its name.
    pub heads: Vec<(String, ChainHead)>,
    /// Where the old store was put; `None` when there was none.
    pub old_store: Option<PathBuf>,
}

/// Restores the store of the run in `dir` from its page log. The old store is kept beside it.
///
/// # Errors
/// [`JournalError::NotAJournal`] without a page log, `Damaged` when the log is not whole or not that of the run,
/// `Locked` while another process has the store.
pub fn rebuild(dir: &Path) -> Result<Rebuilt, JournalError> {
    let log = dir.join(PAGE_LOG);
    if !log.is_file() {
        let reason = format!("it has no {PAGE_LOG}; give an exported file of pages, or make it again");
        return Err(JournalError::NotAJournal { path: dir.display().to_string(), reason });
    }
    rebuild_from(dir, &log)
}

/// Restores the journal in `dir`, made when it is not there, from a file of pages.
///
/// # Errors
/// As [`rebuild`].
pub fn rebuild_from(dir: &Path, pages: &Path) -> Result<Rebuilt, JournalError> {
    let old = dir.join(STORE);
    if old.join("db").is_file() {
        sled_store::refuse_if_in_use(&old)?;
    }
    let fresh = dir.join(format!("rebuild-{}", std::process::id()));
    std::fs::create_dir_all(&fresh).map_err(|error| crate::disk::io_error("create", &fresh, error))?;
    let restored = Restore::new(dir, pages, &fresh).and_then(Restore::run);
    let outcome = restored.and_then(|heads| Ok(Rebuilt { heads, old_store: put_in_place(dir, &fresh)? }));
    // What is left of a failed attempt is in nobody's way.
    let _ = std::fs::remove_dir_all(&fresh);
    outcome
}

/// Moves the new store into place and the old one aside.
fn put_in_place(dir: &Path, fresh: &Path) -> Result<Option<PathBuf>, JournalError> {
    let moved = |from: &Path, to: &Path| {
        std::fs::rename(from, to).map_err(|error| crate::disk::io_error("rename", from, error))
    };
    let store = dir.join(STORE);
    let aside = store.exists().then(|| free_name(dir));
    marker::remove(dir)?;
    if let Some(aside) = &aside {
        moved(&store, aside)?;
    }
    moved(&fresh.join(STORE), &store)?;
    moved(&fresh.join(HEAD_FILE), &dir.join(HEAD_FILE))?;
    // Without a marker the next opening is only more careful.
    let _ = moved(&fresh.join(marker::MARKER), &dir.join(marker::MARKER));
    crate::disk::sync_directory(dir)?;
    Ok(aside)
}

fn free_name(dir: &Path) -> PathBuf {
    let name = |number: u64| dir.join(format!("{STORE}.damaged-{number}"));
    (1..u64::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(u64::MAX))
}

/// A chain being restored.
struct Chain {
    described: Described,
    scan: Scan,
    writer: PageWriter,
    end: Option<ChainHead>,
}

struct Restore<'a> {
    dir: &'a Path,
    fresh: &'a Path,
    log: LogReader,
    is_run: bool,
    store: SledStore,
    chain: Option<Chain>,
    series: Vec<SeriesEntry>,
    heads: Vec<(String, ChainHead)>,
}

impl<'a> Restore<'a> {
    fn new(dir: &'a Path, pages: &Path, fresh: &'a Path) -> Result<Self, JournalError> {
        let mut log = LogReader::open(pages)?;
        let Next::Entry(Entry::Description(described)) = log.next_entry()? else {
            let reason = "it does not begin as a file of pages".to_owned();
            return Err(JournalError::NotAJournal { path: pages.display().to_string(), reason });
        };
        let is_run = described == Described::Run;
        let store = SledStore::create(fresh, if is_run { Layout::RUN } else { Layout::DATASET })?;
        let chain = Some(Chain::begin(&store, described)?);
        Ok(Self { dir, fresh, log, is_run, store, chain, series: Vec::new(), heads: Vec::new() })
    }

    fn run(mut self) -> Result<Vec<(String, ChainHead)>, JournalError> {
        loop {
            let next = self.log.next_entry()?;
            match (next, &mut self.chain) {
                (Next::Entry(Entry::Page(page)), Some(chain)) => chain.page(self.dir, &page)?,
                (Next::Entry(Entry::End(head)), Some(chain)) => chain.end = Some(head),
                (Next::Entry(Entry::Page(_) | Entry::End(_)), None) => {
                    return Err(self.damaged(&"no description"));
                }
                (Next::Entry(Entry::Description(described)), _) => {
                    self.close_chain()?;
                    self.chain = Some(Chain::begin(&self.store, described)?);
                }
                (Next::Nothing, _) => break,
                (Next::Unsound(reason), _) if self.log.goes_on()? => return Err(self.damaged(&reason)),
                (Next::Unsound(reason), _) => {
                    self.accept_torn_end(reason)?;
                    break;
                }
            }
        }
        self.close_chain()?;
        self.store.sync()?;
        if !self.is_run {
            self.series.sort_by_key(|entry| entry.info.name());
            side_file::write(
                &self.fresh.join(HEAD_FILE),
                &DatasetHead::new(core::mem::take(&mut self.series)),
            )?;
        }
        Ok(core::mem::take(&mut self.heads))
    }

    /// The last write of a run that was cut short may be torn; nothing else may.
    fn accept_torn_end(&self, reason: &'static str) -> Result<(), JournalError> {
        let noted = run::read_head(self.dir)?.sound();
        let cut_short = self.is_run && noted.is_some_and(|noted| !noted.complete);
        if cut_short { Ok(()) } else { Err(self.damaged(&reason)) }
    }

    fn damaged(&self, reason: &dyn core::fmt::Display) -> JournalError {
        let seq = self.chain.as_ref().map_or(1, |chain| chain.scan.expected());
        run::damaged(self.dir, seq, &format!("the file of pages is damaged: {reason}"))
    }

    fn close_chain(&mut self) -> Result<(), JournalError> {
        let Some(mut chain) = self.chain.take() else { return Ok(()) };
        let head = chain.scan.head();
        let pages = chain.writer.pages();
        chain.writer.cut(pages)?;
        match chain.described {
            Described::Run => {
                let complete = chain.end.is_some();
                self.check_run(head, complete)?;
                let noted = RunHead::new(head, pages, complete, self.dir.join(PAGE_LOG).is_file());
                side_file::write(&self.fresh.join(HEAD_FILE), &noted)?;
                self.heads.push(("run".to_owned(), head));
            }
            Described::Series(entry) => {
                if entry.head != head || entry.pages != pages {
                    return Err(self.damaged(&format!("{} does not reach its head", entry.info.name())));
                }
                dataset::store_entry(&self.store.tree(META_TREE)?, &entry, self.dir)?;
                self.heads.push((entry.info.name(), head));
                self.series.push(*entry);
            }
        }
        if chain.end.is_some_and(|end| end != head) {
            return Err(self.damaged(&"a chain does not end where its last entry says"));
        }
        Ok(())
    }

    /// A log must not restore less, or something else, than the run is known to have been.
    fn check_run(&self, head: ChainHead, complete: bool) -> Result<(), JournalError> {
        let Found::Sound(noted) = run::read_head(self.dir)? else { return Ok(()) };
        if noted.complete && (noted.head != head || !complete) {
            let reason = format!("it ends with event {}, {HEAD_FILE} says {}", head.count, noted.head.count);
            return Err(run::damaged(self.dir, head.count.saturating_add(1), &reason));
        }
        Ok(())
    }
}

impl Chain {
    fn begin(store: &SledStore, described: Described) -> Result<Self, JournalError> {
        let (name, content, start) = match &described {
            Described::Run => (PAGES_TREE.to_owned(), Content::Envelopes, START),
            Described::Series(entry) => {
                (entry.info.name(), Content::Records(entry.info.kind), entry.info.digest_start())
            }
        };
        let writer = PageWriter::open(store.tree(&name)?, 0)?;
        let scan = Scan::new(&name, content, start, &[], &name);
        Ok(Self { described, scan, writer, end: None })
    }

    fn page(&mut self, dir: &Path, page: &[u8]) -> Result<(), JournalError> {
        self.scan.page(page);
        match self.scan.first_finding() {
            Some((seq, reason)) => Err(run::damaged(dir, seq, &format!("the file of pages: {reason}"))),
            None => self.writer.append(page),
        }
    }
}

/// Writes every page of the journal in `dir` to the new file `out`, from which it can be restored.
///
/// # Errors
/// [`JournalError::Exists`] when the file is there; otherwise what opening and reading the journal says.
pub fn export_pages(dir: &Path, out: &Path) -> Result<(), JournalError> {
    if out.exists() {
        return Err(JournalError::Exists { path: out.display().to_string() });
    }
    if run::read_head(dir)?.sound().is_some() { export_run(dir, out) } else { export_dataset(dir, out) }
}

fn export_run(dir: &Path, out: &Path) -> Result<(), JournalError> {
    let run = RunReader::open(dir)?;
    let mut log = PageLog::create(out, &Described::Run)?;
    let mut pages = StoredPages::from(run.tree(), 1);
    while let Some(page) = pages.next_page()? {
        log.append_page(&page)?;
    }
    if run.is_complete() {
        log.end(&run.chain_head())?;
    }
    log.sync()
}

fn export_dataset(dir: &Path, out: &Path) -> Result<(), JournalError> {
    let plain = |error: dataset::DatasetError| match error {
        dataset::DatasetError::Journal(error) => error,
        dataset::DatasetError::OutOfOrder { .. }
        | dataset::DatasetError::DifferentSeries { .. }
        | dataset::DatasetError::Busy { .. }
        | dataset::DatasetError::UnknownSeries { .. }
        | dataset::DatasetError::WrongKind { .. } => {
            JournalError::Store { path: dir.display().to_string(), reason: error.to_string() }
        }
    };
    let reader = DatasetReader::open(dir).map_err(plain)?;
    let mut log: Option<PageLog> = None;
    for entry in reader.series_list() {
        let described = Described::Series(Box::new(entry.clone()));
        let log = match &mut log {
            Some(log) => {
                log.describe(&described)?;
                log
            }
            None => log.insert(PageLog::create(out, &described)?),
        };
        let series = reader.series(&entry.info.name()).map_err(plain)?;
        for page in series.pages(1).map_err(plain)? {
            log.append_page(page.map_err(plain)?.stored())?;
        }
        log.end(&entry.head)?;
    }
    let empty = || JournalError::NotAJournal {
        path: dir.display().to_string(),
        reason: "there is nothing in it to export".into(),
    };
    log.ok_or_else(empty)?.sync()
}
