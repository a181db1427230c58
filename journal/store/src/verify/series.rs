//! The check of a dataset.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use engine_runtime::ports::JournalError;

use super::{Content, Pages, Scan, VerifyReport};
use crate::checkpoint::Checkpoint;
use crate::heads::{self, DatasetHead, Heads, JournalState};
use crate::journal_folder::{HEAD_FILE, PAGE_LOG};
use crate::page_log::{LogReader, Next};
use crate::page_place::{Holder, PageFile};
use crate::page_pool::{PagePool, Wanted};
use crate::page_view::{ChainView, Chains};
use crate::series::SeriesEntry;
use crate::side_file::Found;

const LOG: &str = "page log";
/// Pages read ahead of the check.
const AHEAD: usize = 16;

pub(super) fn check(
    dir: &Path,
    pages: Pages,
    checkpoints: &[Checkpoint],
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    let noted = match heads::read_dataset_head(dir)? {
        Found::Sound(head) => head,
        Found::Nothing | Found::Damaged => {
            report.find(HEAD_FILE, None, "the file is missing or not what was written");
            let kept = heads::parse_dataset_head(dir, &pages.index.head)?;
            kept.sound().unwrap_or_else(|| DatasetHead::new(Vec::new()))
        }
    };
    report.state = JournalState::of_dataset(dir, &noted.series);
    report.complete = report.state.is_complete();
    let wanted = Heads::Dataset(noted.clone()).wanted();
    let chains = Chains::of(pages.files, pages.index, &wanted, false)?;
    for entry in &noted.series {
        check_series(&chains.view(&entry.info.name()), entry, checkpoints, report);
    }
    check_log(dir, noted.page_log, &wanted, report)
}

/// The page log of a dataset that keeps one must hold every committed page.
fn check_log(
    dir: &Path,
    keeps_log: bool,
    wanted: &BTreeMap<String, Wanted>,
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    let path = dir.join(PAGE_LOG);
    let Some(file) = PageFile::open(&path)? else {
        if keeps_log {
            let remedy = "the next import begins it anew, `engine rebuild` does without";
            report.find(LOG, None, format!("the file is gone: the dataset keeps one; {remedy}"));
        }
        return Ok(());
    };
    let mut log = LogReader::open(&path)?;
    loop {
        match log.next_entry()? {
            Next::Entry(_) => {}
            Next::Nothing => break,
            Next::Unsound(reason) => {
                if report.complete || log.goes_on()? {
                    report.find(LOG, None, reason);
                }
                break;
            }
        }
    }
    let mut pool = PagePool::default();
    pool.add(file.find(Holder::Log(0))?);
    for (name, wanted) in wanted {
        let found = pool.chain(*wanted);
        if let Some(missing) = found.places.get(found.whole) {
            let reason = format!("a page of {name} is missing or damaged in it");
            report.find(LOG, Some(missing.header.first_seq), reason);
        }
    }
    Ok(())
}

fn check_series(
    chain: &ChainView,
    entry: &SeriesEntry,
    checkpoints: &[Checkpoint],
    report: &mut VerifyReport,
) {
    let name = entry.info.name();
    let start = entry.info.digest_start();
    let mut scan = Scan::new(&name, Content::Records(entry.info.kind), start, checkpoints, &name);
    if let Err(error) = read_ahead(chain, &mut scan) {
        let expected = scan.expected();
        scan.find(Some(expected), expected, format!("the store cannot be read on: {error}"));
    }
    scan.compare(&entry.head, HEAD_FILE);
    scan.compare_checkpoints(checkpoints, &name);
    report.events = report.events.saturating_add(scan.head().count);
    report.heads.push((name, scan.head()));
    report.take(scan);
}

/// Reads and checks links on a second thread while the first one checks records.
fn read_ahead(chain: &ChainView, scan: &mut Scan) -> Result<(), JournalError> {
    let (sender, receiver) = sync_channel(AHEAD);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut stored = chain.pages_from(1);
            while let Some(page) = stored.next_in_place()? {
                if sender.send(page).is_err() {
                    break;
                }
            }
            Ok(())
        });
        for (place, page) in receiver {
            if !scan.placed_page(&place, &page) {
                break;
            }
        }
        reader.join().unwrap_or(Ok(()))
    })
}
