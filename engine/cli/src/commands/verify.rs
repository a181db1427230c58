//! `verify`: every page, link, digest and head of a dataset or run, and who signed it.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_application::moment::moment_text;
use engine_core::time::Timestamp;
use journal_store::chain::hex;
use journal_store::checkpoint;
use journal_store::dropped::Dropped;
use journal_store::public_key::PublicKey;
use journal_store::run::{CHECKPOINT, segment_named};
use journal_store::trust::{Signer, TrustedKeys};
use journal_store::verify::{JournalKind, VerifyReport, verify as inspect, verify_segment};
use serde_json::{Value, json};

use crate::output::escape::one_line;
use crate::output::failure::{Failure, Verdict};
use crate::output::heads::heads_document;
use crate::output::signature::signature_document;
use crate::output::terminal::Terminal;
use engine_application::wiring::signing::trusted_keys;

/// `engine verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The dataset or run, or one segment of a run that was put away, as in RUN/segments/00000003.
    pub dir: PathBuf,
    /// A signed head it must still reach, kept elsewhere: a copy of its checkpoint.json. Its signer must be trusted.
    #[arg(long, value_name = "CHECKPOINT")]
    pub against: Option<PathBuf>,
    /// A file with the public or private key that must have signed.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Count it as a finding when no trusted key has signed; `engine keys` says whose are.
    #[arg(long)]
    pub require_signature: bool,
}

/// Runs `engine verify`.
///
/// # Errors
/// [`Failure`] when the check cannot be made; damage is a finding.
pub fn verify(terminal: Terminal, args: &VerifyArgs) -> Result<Verdict, Failure> {
    let begun = std::time::Instant::now();
    let (trusted, key) = trusted_keys(args.key.as_deref())?;
    let mut report = inspected(args)?;
    let (signer, signed) = trusted.signer_of(&args.dir)?;
    judge_signer(args, &signer, key, &mut report);
    if let Some(path) = &args.against {
        judge_witness(path, &trusted, &mut report)?;
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let document = json!({
        "dir": args.dir.display().to_string(),
        "kind": report.kind,
        "sound": report.is_sound(),
        "state": report.state,
        "complete": report.complete,
        "signature": signature_document(&signer, signed.as_ref()),
        "events": report.events,
        "pages": report.pages,
        "bytes": report.bytes,
        "elapsed_s": elapsed,
        "heads": heads_document(&report.heads),
        "against": args.against.as_ref().map(|path| path.display().to_string()),
        "dropped": report.dropped.as_ref().map(dropped_document),
        "findings": report.findings,
    });
    let mut text = verify_text(&report, elapsed);
    text.push_str(&format!("{}\n", one_line(&signer.to_string())));
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!report.is_sound()))
}

/// What was dropped on purpose, and when.
fn dropped_document(dropped: &Dropped) -> Value {
    let moment = |nanos: i64| moment_text(Timestamp::from_nanos(nanos));
    json!({
        "segments": dropped.last, "events": dropped.ends.count,
        "since": moment(dropped.since), "at": moment(dropped.at),
    })
}

/// The check of what was named: a whole journal, or one segment of it.
fn inspected(args: &VerifyArgs) -> Result<VerifyReport, Failure> {
    let Some((run, number)) = segment_named(&args.dir) else {
        return Ok(inspect(&args.dir, args.against.as_deref())?);
    };
    if args.against.is_some() {
        let line = "verify one segment: --against is for whole journals; name the run";
        return Err(Failure::request(line.to_owned()));
    }
    Ok(verify_segment(&run, number)?)
}

/// What was asked of the signature beside the journal.
fn judge_signer(args: &VerifyArgs, signer: &Signer, key: Option<PublicKey>, report: &mut VerifyReport) {
    if let Some(key) = key.filter(|key| signer.key() != Some(*key)) {
        report.find(CHECKPOINT, None, format!("it was to be signed by {key} and is {signer}"));
    }
    if args.require_signature && !signer.is_trusted() {
        let advice = "`engine keys trust NAME KEY` lets a key count";
        report.find(
            CHECKPOINT,
            None,
            format!("a trusted signature is required, and it is {signer}; {advice}"),
        );
    }
}

/// A head that anyone could have signed proves nothing about who wrote the journal.
fn judge_witness(path: &Path, trusted: &TrustedKeys, report: &mut VerifyReport) -> Result<(), Failure> {
    let place = path.display().to_string();
    for checkpoint in checkpoint::read(path)?.iter().filter(|checkpoint| checkpoint.is_authentic()) {
        let signer = trusted.signer(checkpoint);
        if !signer.is_trusted() {
            let advice = "if you know whose it is, `engine keys trust NAME KEY` or give --key FILE";
            let reason =
                format!("its head of {} is {signer}, and proves nothing; {advice}", checkpoint.origin);
            report.find(&place, Some(checkpoint.head.count), reason);
        }
    }
    Ok(())
}

fn verify_text(report: &VerifyReport, elapsed: f64) -> String {
    let VerifyReport { findings, state, events, pages, bytes, heads, kind, dropped, .. } = report;
    let what = match kind {
        JournalKind::Dataset => "records",
        JournalKind::Run => "events",
    };
    let mut text = String::new();
    for finding in findings {
        let seq = finding.seq.map(|seq| format!(" at {seq}")).unwrap_or_default();
        text.push_str(&format!("FINDING {}{seq}: {}\n", one_line(&finding.place), one_line(&finding.reason)));
    }
    let verdict = if report.is_sound() { "sound" } else { "NOT SOUND" };
    let megabytes = *bytes as f64 / 1e6;
    text.push_str(&format!(
        "{verdict}: {events} {what} in {pages} pages, {megabytes:.1} MB in {elapsed:.2} s\n"
    ));
    if let Some(dropped) = dropped {
        text.push_str(&format!("{dropped}\n"));
    }
    for (name, head) in heads {
        text.push_str(&format!("{}: {} after {}\n", one_line(name), hex(&head.digest), head.count));
    }
    if let Some(caution) = state.caution() {
        text.push_str(&format!("{caution}\n"));
    }
    text
}
