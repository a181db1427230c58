//! The check of a dataset.

use std::path::Path;
use std::sync::mpsc::sync_channel;

use engine_runtime::ports::JournalError;

use super::{Content, Opened, Scan, VerifyReport, found, open_for_check};
use crate::checkpoint::Checkpoint;
use crate::dataset::{self, DatasetHead, HEAD_FILE, SeriesEntry};
use crate::page;
use crate::page_tree::{self, StoredPages};
use crate::side_file::Found;
use crate::sled_store::{Layout, STORE, SledTree};

/// Pages read ahead of the check.
const AHEAD: usize = 16;

pub(super) fn check(
    dir: &Path,
    checkpoints: &[Checkpoint],
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    let noted = match dataset::read_head(dir)? {
        Found::Sound(head) => head,
        Found::Nothing | Found::Damaged => {
            report.find(HEAD_FILE, None, "the file is missing or not what was written");
            DatasetHead::new(Vec::new())
        }
    };
    report.complete &= !noted.series.is_empty() || dir.join(STORE).exists();
    let Some(opened) = open_for_check(dir, Layout::DATASET, report)? else {
        report.heads.extend(noted.series.iter().map(|entry| (entry.info.name(), entry.head)));
        return Ok(());
    };
    let entries = opened.store().and_then(|store| dataset::entries(dir, &noted, store));
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            found(error, STORE, report)?;
            noted.series
        }
    };
    for entry in &entries {
        check_series(&opened, entry, checkpoints, report);
    }
    Ok(())
}

fn check_series(opened: &Opened, entry: &SeriesEntry, checkpoints: &[Checkpoint], report: &mut VerifyReport) {
    let name = entry.info.name();
    let start = entry.info.digest_start();
    let mut scan = Scan::new(&name, Content::Records(entry.info.kind), start, checkpoints, &name);
    let mut uncommitted = false;
    let read = opened.store().and_then(|store| store.tree(&name)).and_then(|tree| {
        read_ahead(&tree, entry.pages, &mut scan)?;
        uncommitted = page_tree::last_page(&tree)?.is_some_and(|(place, _)| place > entry.pages);
        Ok(())
    });
    if let Err(error) = read {
        let expected = scan.expected();
        scan.find(Some(expected), expected, format!("the store cannot be read on: {error}"));
    }
    scan.compare(&entry.head, HEAD_FILE);
    scan.compare_checkpoints(checkpoints, &name);
    report.complete &= !entry.importing && !uncommitted;
    report.events = report.events.saturating_add(scan.head().count);
    report.heads.push((name, scan.head()));
    report.take(scan);
}

/// Reads and checks links on a second thread while the first one checks records.
fn read_ahead(tree: &SledTree, pages: u64, scan: &mut Scan) -> Result<(), JournalError> {
    let (sender, receiver) = sync_channel(AHEAD);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut stored = StoredPages::from(tree, 1);
            for _ in 0..pages {
                let Some(page) = stored.next_page()? else { break };
                let opened = page::open(&page);
                if sender.send((page, opened)).is_err() {
                    break;
                }
            }
            Ok(())
        });
        for (page, opened) in receiver {
            if !scan.opened_page(&page, opened) {
                break;
            }
        }
        reader.join().unwrap_or(Ok(()))
    })
}
