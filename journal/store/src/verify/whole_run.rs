//! The check of a run.

use std::path::Path;

use engine_runtime::ports::JournalError;

use super::beside_run::{self, Beside};
use super::{Content, Pages, RUN, Scan, VerifyReport, dropped, put_away, segment_name};
use crate::chain::{ChainHead, RUN_START};
use crate::checkpoint::Checkpoint;
use crate::heads::{self, JournalState, RunHead, wanted_run};
use crate::journal_folder::{HEAD_FILE, PAGE_LOG, PAGES_TREE, STORE};
use crate::page_log::{Described, Entry, LogReader, Next};
use crate::page_place::Holder;
use crate::page_view::Chains;
use crate::side_file::Found;

const LOG: &str = "page log";

pub(super) fn check(
    dir: &Path,
    pages: Pages,
    checkpoints: &[Checkpoint],
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    let noted = match heads::read_run_head(dir)? {
        Found::Sound(head) => Some(head),
        Found::Nothing => {
            report.find(HEAD_FILE, None, "the file is missing");
            None
        }
        Found::Damaged => {
            report.find(HEAD_FILE, None, "the file is not what was written");
            None
        }
    };
    beside_run::check_readable(dir, report)?;
    let segments = pages.files.segments();
    put_away::check(dir, segments, report)?;
    dropped::check(segments, report);
    let about_what_is_kept = dropped::compare(segments, checkpoints, report);
    let (behind, dropped) = (segments.ends(), segments.kept_behind().count);
    let log = check_log(dir, behind, noted.as_ref(), report)?;
    let head = check_pages(dir, pages, noted.as_ref(), &about_what_is_kept, report)?;
    let beside = Beside { noted: noted.as_ref(), read: head, dropped };
    beside_run::check_signed(dir, beside, checkpoints, report)?;
    report.complete = report.state.is_complete();
    compare_places(noted.as_ref(), head, log, report);
    let head = head.or(log).unwrap_or_default();
    report.events = head.count.saturating_sub(dropped);
    report.heads.push((RUN.to_owned(), head));
    Ok(())
}

/// Reads the pages of the run: those of the store, and of one that was not closed also those that only its log
/// holds. Answers the head they reach when nothing on the way is wrong.
fn check_pages(
    dir: &Path,
    pages: Pages,
    noted: Option<&RunHead>,
    checkpoints: &[Checkpoint],
    report: &mut VerifyReport,
) -> Result<Option<ChainHead>, JournalError> {
    let wanted = [(PAGES_TREE.to_owned(), wanted_run(noted))].into();
    let complete = noted.is_some_and(|noted| noted.complete);
    let chains = Chains::of(pages.files, pages.index, &wanted, !complete)?;
    let segments = chains.files.segments();
    let behind = segments.kept_behind();
    let mut scan = Scan::new(RUN, Content::Envelopes, RUN_START, checkpoints, RUN).behind(behind);
    let names: Vec<String> = segments.notes().map(|note| segment_name(note.number)).collect();
    let mut stored = chains.view(PAGES_TREE).pages_from(segments.pages_dropped().saturating_add(1));
    while let Some((place, page)) = stored.next_in_place()? {
        scan.goes_to(match place.holder {
            Holder::Segment(index) => names.get(index).map_or(RUN, String::as_str),
            Holder::Store | Holder::Log(_) => RUN,
        });
        if !scan.placed_page(&place, &page) {
            break;
        }
    }
    if let Some(noted) = noted.filter(|noted| noted.complete) {
        scan.compare(&noted.head, HEAD_FILE);
    }
    scan.compare_checkpoints(checkpoints, RUN);
    if complete && scan.is_sound() && !scan.session_end().is_over() {
        // A mark can be made anew over a cut; what happened cannot.
        let (reason, last) =
            ("it is marked as closed, but its last event is not the close of its session", scan.head().count);
        scan.find(None, last, format!("{reason}: its tail was cut off, or someone else closed it"));
    }
    report.state = JournalState::of_run(dir, noted, scan.session_end());
    let head = scan.is_sound().then(|| scan.head());
    report.take(scan);
    Ok(head)
}

/// Reads the page log; answers the head it reaches when nothing on the way is wrong.
fn check_log(
    dir: &Path,
    behind: ChainHead,
    noted: Option<&RunHead>,
    report: &mut VerifyReport,
) -> Result<Option<ChainHead>, JournalError> {
    let path = dir.join(PAGE_LOG);
    if !path.is_file() {
        // A kill may have come between two segments.
        let is_between = behind.count > 0 && noted.is_some_and(|noted| !noted.complete);
        if noted.is_some_and(|noted| noted.page_log) && !is_between {
            report.find(LOG, None, "the file is missing");
        }
        return Ok(None);
    }
    let mut log = LogReader::open(&path)?;
    let mut scan = Scan::new(LOG, Content::Envelopes, RUN_START, &[], RUN).behind(behind);
    let complete = noted.is_none_or(|noted| noted.complete);
    let ended = if matches!(log.next_entry()?, Next::Entry(Entry::Description(Described::Run))) {
        read_log(&mut log, &mut scan, complete)?
    } else {
        scan.find(None, 1, "the log does not begin as that of a run");
        false
    };
    if complete && !ended && scan.is_sound() {
        let expected = scan.expected();
        scan.find(None, expected, "the log ends before the run does");
    }
    if let Some(noted) = noted.filter(|noted| noted.complete) {
        scan.compare(&noted.head, HEAD_FILE);
    }
    let head = scan.is_sound().then(|| scan.head());
    report.findings.extend(scan.into_findings());
    Ok(head)
}

/// Reads the entries behind the description; answers whether the log ends as planned.
fn read_log(log: &mut LogReader, scan: &mut Scan, complete: bool) -> Result<bool, JournalError> {
    let mut ended = false;
    loop {
        let expected = scan.expected();
        match log.next_entry()? {
            Next::Entry(Entry::Page(page)) if !ended => {
                if !scan.page(&page) {
                    return Ok(ended);
                }
            }
            Next::Entry(Entry::End(head)) if !ended => {
                ended = true;
                scan.compare(&head, "its last entry");
            }
            Next::Entry(_) => scan.find(None, expected, "the log goes on behind its end"),
            Next::Nothing => return Ok(ended),
            Next::Unsound(reason) => {
                if complete || log.goes_on()? {
                    scan.find(Some(expected), expected, reason);
                }
                return Ok(ended);
            }
        }
    }
}

/// The store may lag behind the log of a run that was cut short, never run ahead of it.
fn compare_places(
    noted: Option<&RunHead>,
    store: Option<ChainHead>,
    log: Option<ChainHead>,
    report: &mut VerifyReport,
) {
    let Some((store, log)) = store.zip(log) else { return };
    let complete = noted.is_none_or(|noted| noted.complete);
    let wrong = if complete { store != log } else { store.count > log.count };
    if wrong {
        let reason = format!("the {STORE} ends with event {}, the log with event {}", store.count, log.count);
        report.find(LOG, Some(store.count.min(log.count).saturating_add(1)), reason);
    }
}
