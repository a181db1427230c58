//! The check of what lies beside the store of a run: its signed head, its side note, its snapshots.
//!
//! What `head.json` says of itself proves nothing, whether it calls the run complete or not: a signed head and the files
//! it names are held against the head that reading the pages has shown.

use std::io::ErrorKind;
use std::path::Path;

use engine_runtime::ports::JournalError;

use super::{RUN, VerifyReport, found};
use crate::beside::{FileBeside, Standing};
use crate::chain::ChainHead;
use crate::checkpoint::{self, Checkpoint};
use crate::heads::RunHead;
use crate::journal_folder::{CHECKPOINT, HEAD_FILE};
use crate::public_key::PublicKey;
use crate::run;
use crate::snapshot;

/// Side note and snapshots must be what somebody here wrote.
pub(super) fn check_readable(dir: &Path, report: &mut VerifyReport) -> Result<(), JournalError> {
    if run::side_is_damaged(dir)? {
        report.find("side.json", None, "the file is not what was written");
    }
    for seq in snapshot::list(dir)? {
        if snapshot::get(dir, seq)?.is_none() && !snapshot::is_of_another_version(dir, seq)? {
            report.find("snapshots", Some(seq.number()), "the snapshot is damaged and of no use");
        }
    }
    Ok(())
}

/// What is known of a run before the files beside it are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside<'a> {
    /// What its head says.
    pub(super) noted: Option<&'a RunHead>,
    /// The head that the pages reach when nothing is wrong with them.
    pub(super) read: Option<ChainHead>,
    /// Number of events that were dropped on purpose; the snapshots before the last of them went with them.
    pub(super) dropped: u64,
}

/// The signed head must be that of the run, and the files be there that it and the head of a closed run name.
pub(super) fn check_signed(
    dir: &Path,
    beside: Beside<'_>,
    checkpoints: &[Checkpoint],
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    let Beside { noted, read, dropped } = beside;
    let closed = noted.filter(|noted| noted.complete);
    let head = read.or(closed.map(|noted| noted.head));
    let signed = signed_beside(dir, closed, report)?;
    let is_of_run =
        |checkpoint: &Checkpoint| checkpoint.origin == RUN && head.is_none_or(|head| checkpoint.head == head);
    if !signed.iter().all(|signed| signed.is_authentic() && is_of_run(signed)) {
        report.find(CHECKPOINT, None, "the signed head is not that of the run");
    }
    if let Some((noted, last)) = closed.zip(signed.last()) {
        compare_signers(noted.signed_by, PublicKey(last.public_key), report);
    }
    let mut named: Vec<&FileBeside> = closed.map(|noted| noted.files.iter().collect()).unwrap_or_default();
    // A copy of the signed head, kept elsewhere, names them as well as the one beside the run.
    let authentic = signed.iter().chain(checkpoints).filter(|signed| signed.is_authentic());
    for checkpoint in authentic.filter(|signed| head.is_some() && is_of_run(signed)) {
        named.extend(&checkpoint.files);
    }
    named.retain(|file| snapshot::seq_named(&file.name).is_none_or(|seq| seq >= dropped));
    check_files(dir, named, report)
}

/// The signed heads in the file beside the run.
fn signed_beside(
    dir: &Path,
    closed: Option<&RunHead>,
    report: &mut VerifyReport,
) -> Result<Vec<Checkpoint>, JournalError> {
    match checkpoint::read(&dir.join(CHECKPOINT)) {
        Ok(signed) => return Ok(signed),
        Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            if let Some(key) = closed.and_then(|noted| noted.signed_by) {
                report.find(CHECKPOINT, None, format!("the signed head is gone: {key} had signed the run"));
            }
        }
        Err(error) => found(error, CHECKPOINT, report)?,
    }
    Ok(Vec::new())
}

/// The head of a closed run names who has signed it.
fn compare_signers(noted: Option<PublicKey>, signer: PublicKey, report: &mut VerifyReport) {
    if noted == Some(signer) {
        return;
    }
    let noted = noted.map_or_else(|| "nobody".to_owned(), |key| key.to_string());
    let reason =
        format!("the run was closed as signed by {noted}, says {HEAD_FILE}; the signed head is of {signer}");
    report.find(CHECKPOINT, None, reason);
}

/// The files beside the store must be those that were there when the run was closed and signed.
fn check_files(
    dir: &Path,
    mut named: Vec<&FileBeside>,
    report: &mut VerifyReport,
) -> Result<(), JournalError> {
    named.sort_by_key(|file| (&file.name, file.blake3));
    named.dedup();
    for file in named {
        let reason = match file.standing(dir)? {
            Standing::AsNamed => continue,
            Standing::Gone => "the file is gone: it was there when the run was closed",
            Standing::Other => "the file is not the one that was there when the run was closed",
        };
        report.find(&file.name, None, reason);
    }
    Ok(())
}
