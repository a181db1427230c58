//! The check of a whole journal: every page, link, digest and head, and everything that stands beside it.
//!
//! Nothing is repaired and nothing is written: pages are read where they lie. Damage is a [`Finding`], never an error;
//! an error means that the check could not be made.

use std::path::Path;

use engine_runtime::ports::{Head, JournalError};

use crate::chain::ChainHead;
use crate::checkpoint::{self, Checkpoint};
use crate::dropped::{Dropped, STATEMENT_NAME};
use crate::heads::{self, JournalState};
use crate::journal_folder::{HEAD_FILE, STORE};
use crate::page_index::PageIndex;
use crate::page_view::PageFiles;
use crate::segments::{Segments, Sound};

/// What the events of a run are called among findings and in checkpoints.
const RUN: &str = "run";

mod beside_run;
mod closing_notes;
mod dropped;
mod one_segment;
mod put_away;
mod scan;
mod series;
mod whole_run;

pub(crate) use scan::{Content, Scan};

/// What kind of journal was checked.
#[derive(serde::Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum JournalKind {
    /// Market records.
    Dataset,
    /// Envelopes.
    Run,
}

/// One thing that is not as it should be.
#[derive(serde::Serialize, Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: the name of a series, `run`, `page log`, or a file beside the store.
    pub place: String,
    /// Number of the first record of the damaged page, where it is a page.
    pub page_first_seq: Option<u64>,
    /// Number of the first record or event that cannot be trusted, where it can be said.
    pub seq: Option<u64>,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// What a check has found.
#[derive(serde::Serialize, Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// What was checked.
    pub kind: JournalKind,
    /// Everything that is wrong, in the order it was met; empty when all is well.
    pub findings: Vec<Finding>,
    /// How far it has come.
    pub state: JournalState,
    /// Whether it was closed as planned: an incomplete journal may be sound all the same.
    pub complete: bool,
    /// Number of sound events or records.
    pub events: u64,
    /// Number of pages read.
    pub pages: u64,
    /// Bytes of pages read.
    pub bytes: u64,
    /// The head found by reading: of the run, or of each series by its name.
    pub heads: Vec<(String, ChainHead)>,
    /// What of a run was dropped on purpose, and is not here to be read.
    pub dropped: Option<Dropped>,
}

impl VerifyReport {
    const fn new(kind: JournalKind) -> Self {
        Self {
            kind,
            findings: Vec::new(),
            state: JournalState::Open,
            complete: true,
            events: 0,
            pages: 0,
            bytes: 0,
            heads: Vec::new(),
            dropped: None,
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// The head of a run as the runtime names it; `None` for a dataset.
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        match self.kind {
            JournalKind::Run => self.heads.first().map(|(_, head)| head.head()),
            JournalKind::Dataset => None,
        }
    }

    /// Adds something that is not as it should be.
    pub fn find(&mut self, place: &str, seq: Option<u64>, reason: impl Into<String>) {
        let (place, reason) = (place.to_owned(), reason.into());
        self.findings.push(Finding { place, page_first_seq: None, seq, reason });
    }

    /// Takes over what reading a chain has shown.
    fn take(&mut self, scan: Scan) {
        self.pages = self.pages.saturating_add(scan.pages());
        self.bytes = self.bytes.saturating_add(scan.bytes());
        self.findings.extend(scan.into_findings());
    }
}

/// Checks the journal in `dir`, and against the checkpoints in the file `against` when one is given.
///
/// # Errors
/// [`JournalError::NotAJournal`] when there is no journal, `Locked` while another process has it, `Io` when a
/// file cannot be read. Damage is no error.
pub fn verify(dir: &Path, against: Option<&Path>) -> Result<VerifyReport, JournalError> {
    let checkpoints = against.map(checkpoint::read).transpose()?.unwrap_or_default();
    let mut report = VerifyReport::new(kind_of(dir)?);
    let pages = Pages::of(dir, &mut report)?;
    check_signatures(&checkpoints, against, &mut report);
    check_reaching(dir, pages, &checkpoints, report)
}

/// Checks segment `number` of the run in `dir` alone: its pages, its signature, and that it stands where its chain says. The
/// run may be written meanwhile.
///
/// # Errors
/// [`JournalError::NotAJournal`] when the run has put no such segment away, `Io` when a file cannot be read. Damage is no
/// error.
pub fn verify_segment(dir: &Path, number: u64) -> Result<VerifyReport, JournalError> {
    let mut report = VerifyReport::new(JournalKind::Run);
    one_segment::check(dir, number, &mut report)?;
    Ok(report)
}

/// Checks the journal in `dir`, and that it still reaches the heads of `checkpoints`, whoever wrote them down: their
/// signatures are not looked at.
///
/// # Errors
/// As [`verify`].
pub fn verify_reaching(dir: &Path, checkpoints: &[Checkpoint]) -> Result<VerifyReport, JournalError> {
    let mut report = VerifyReport::new(kind_of(dir)?);
    let pages = Pages::of(dir, &mut report)?;
    check_reaching(dir, pages, checkpoints, report)
}

fn check_reaching(
    dir: &Path,
    pages: Pages,
    checkpoints: &[Checkpoint],
    mut report: VerifyReport,
) -> Result<VerifyReport, JournalError> {
    match report.kind {
        JournalKind::Run => whole_run::check(dir, pages, checkpoints, &mut report)?,
        JournalKind::Dataset => series::check(dir, pages, checkpoints, &mut report)?,
    }
    check_reached(checkpoints, &mut report);
    Ok(report)
}

/// Where the pages of a journal are.
#[derive(Debug)]
struct Pages {
    files: PageFiles,
    index: PageIndex,
}

impl Pages {
    /// Opens them, and compares the store with what was noted of it.
    fn of(dir: &Path, report: &mut VerifyReport) -> Result<Self, JournalError> {
        let Sound { segments, wrong, misstated } = Segments::as_far_as_sound(dir)?;
        if let Some(reason) = misstated {
            report.find(STATEMENT_NAME, None, reason);
        }
        if let Some(reason) = wrong {
            let place = segment_name(segments.next_number());
            report.find(&place, Some(segments.ends().count.saturating_add(1)), reason);
        }
        let files = PageFiles::behind(dir, segments)?;
        Ok(Self { files, index: closing_notes::check(dir, report)? })
    }
}

/// What segment `number` is called among findings.
fn segment_name(number: u64) -> String {
    format!("segment {number}")
}

/// Tells the two kinds apart, even where `head.json` is damaged.
fn kind_of(dir: &Path) -> Result<JournalKind, JournalError> {
    let path = || dir.display().to_string();
    if !dir.is_dir() {
        return Err(JournalError::NotAJournal { path: path(), reason: "there is no such directory".into() });
    }
    if heads::read_run_head(dir)?.sound().is_some() {
        return Ok(JournalKind::Run);
    }
    if heads::read_dataset_head(dir)?.sound().is_some() {
        return Ok(JournalKind::Dataset);
    }
    let is_journal = dir.join(STORE).is_dir() || dir.join(HEAD_FILE).is_file();
    if !is_journal {
        let reason = format!("it has neither {HEAD_FILE} nor a {STORE}");
        return Err(JournalError::NotAJournal { path: path(), reason });
    }
    let text = std::fs::read(dir.join(HEAD_FILE)).unwrap_or_default();
    let names_series = String::from_utf8_lossy(&text).contains("series");
    Ok(if names_series { JournalKind::Dataset } else { JournalKind::Run })
}

fn check_signatures(checkpoints: &[Checkpoint], against: Option<&Path>, report: &mut VerifyReport) {
    let place = against.map_or_else(String::new, |path| path.display().to_string());
    for checkpoint in checkpoints.iter().filter(|checkpoint| !checkpoint.is_authentic()) {
        let reason = format!("the signature of the checkpoint of {} is wrong", checkpoint.origin);
        report.find(&place, Some(checkpoint.head.count), reason);
    }
}

/// Every checkpoint must be about something that is there.
fn check_reached(checkpoints: &[Checkpoint], report: &mut VerifyReport) {
    for checkpoint in checkpoints {
        let origin = &checkpoint.origin;
        if !report.heads.iter().any(|(name, _)| name == origin) {
            let reason = format!("the checkpoint is about {origin}, which is not in this journal");
            report.find("checkpoint", None, reason);
        }
    }
}

/// Damage becomes a finding; what kept us from looking stays an error.
fn found(error: JournalError, place: &str, report: &mut VerifyReport) -> Result<(), JournalError> {
    match error {
        JournalError::Damaged { seq, reason, .. } => report.find(place, Some(seq), reason),
        JournalError::Store { reason, .. } | JournalError::NotAJournal { reason, .. } => {
            report.find(place, None, reason);
        }
        JournalError::UnknownSchema { .. } | JournalError::Poisoned { .. } | JournalError::Dropped { .. } => {
            report.find(place, None, error.to_string());
        }
        JournalError::DiskFull
        | JournalError::Locked { .. }
        | JournalError::Exists { .. }
        | JournalError::Io { .. } => return Err(error),
    }
    Ok(())
}
