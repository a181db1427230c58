//! The check of what was dropped of a run on purpose: that whoever signed the segments says so.

use super::{RUN, VerifyReport};
use crate::checkpoint::Checkpoint;
use crate::dropped::STATEMENT_NAME;
use crate::public_key::PublicKey;
use crate::segments::Segments;

/// Only who signed the segments can say that they were dropped.
pub(super) fn check(segments: &Segments, report: &mut VerifyReport) {
    let Some(dropped) = segments.dropped() else { return };
    let signer = segments.signer_of(dropped.last);
    if let Some(signer) = signer.filter(|signer| !dropped.is_said_by(Some(*signer))) {
        let reason =
            format!("it is not signed by {signer}, who signed segment {}: others took it away", dropped.last);
        report.find(STATEMENT_NAME, None, reason);
    }
    report.dropped = Some(dropped.clone());
}

/// The checkpoints that are about what is kept; those about what was dropped are compared with the notes that are left.
pub(super) fn compare(
    segments: &Segments,
    checkpoints: &[Checkpoint],
    report: &mut VerifyReport,
) -> Vec<Checkpoint> {
    let behind = segments.kept_behind().count;
    let is_gone =
        |checkpoint: &&Checkpoint| checkpoint.origin == RUN && (1..=behind).contains(&checkpoint.head.count);
    for checkpoint in checkpoints.iter().filter(is_gone) {
        let signed = checkpoint.head;
        let note = segments.notes().find(|note| note.ends.count == signed.count);
        let signer = segments.dropped().and_then(|dropped| dropped.signer());
        let reason = match note {
            Some(note) if note.ends == signed => continue,
            Some(_) => "its content up to here is not what was signed: it was written anew",
            // Whoever signed the head says that what it is about was dropped.
            None if signer == Some(PublicKey(checkpoint.public_key)) => continue,
            None => "it is among the events that were dropped, and others than its signer say so",
        };
        report.find(RUN, Some(signed.count), format!("checkpoint of {RUN} at {}: {reason}", signed.count));
    }
    checkpoints.iter().filter(|checkpoint| !is_gone(checkpoint)).cloned().collect()
}
