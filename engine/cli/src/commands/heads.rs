//! `heads`: an append-only, signed log of what journals held, and the check of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use engine_runtime::ports::JournalError;
use journal_store::chain::hex;
use journal_store::heads_log::{self, HeadEntry};
use journal_store::public_key::PublicKey;
use journal_store::verify::{verify, verify_reaching};
use serde_json::json;

use super::notes::note_unsigned;
use crate::output::escape::one_line;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;
use engine_application::wiring::clock::now_nanos;
use engine_application::wiring::signing::{Signing, list_path, trusted_keys};

/// `engine heads`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("asked").required(true))]
pub struct HeadsArgs {
    /// The run or dataset whose head is written down; it is verified first.
    #[arg(value_name = "RUN|DIR", group = "asked")]
    pub dir: Option<PathBuf>,
    /// Check a log instead: every entry, and every journal it names that is at hand.
    #[arg(long, value_name = "FILE", group = "asked")]
    pub check: Option<PathBuf>,
    /// The log; heads.log in the configuration folder when absent.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub log: Option<PathBuf>,
    /// The key that signs; the key of the user when absent.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub key: Option<PathBuf>,
}

/// Runs `engine heads`.
///
/// # Errors
/// [`Failure`] when journal, log or key cannot be used; what is not as it was is a finding.
pub fn heads(terminal: Terminal, args: &HeadsArgs) -> Result<Verdict, Failure> {
    match (&args.dir, &args.check) {
        (_, Some(log)) => check(terminal, log),
        (Some(dir), None) => append(terminal, dir, args),
        // The command line does not let this happen.
        (None, None) => Err(Failure::request("name a run or dataset, or a log with --check".to_owned())),
    }
}

fn append(terminal: Terminal, dir: &Path, args: &HeadsArgs) -> Result<Verdict, Failure> {
    let log = match &args.log {
        Some(log) => log.clone(),
        None => list_path()?.with_file_name("heads.log"),
    };
    let signing = Signing::prepared(args.key.as_deref())?;
    note_unsigned(terminal, &signing);
    let Some(key) = signing.key else {
        let reason = signing.unsigned.unwrap_or_default();
        return Err(Failure::request(format!("sign the head: {reason}; name a key with --key FILE")));
    };
    let report = verify(dir, None)?;
    if !report.is_sound() {
        let line = format!("write down the head of {}: it is not sound; run verify", dir.display());
        return Err(Failure::request(line));
    }
    let held: Vec<_> = report.heads.iter().filter(|(_, head)| head.count > 0).cloned().collect();
    if held.is_empty() {
        return Err(Failure::request(format!(
            "write down the head of {}: it holds nothing yet",
            dir.display()
        )));
    }
    let place = std::path::absolute(dir).map_err(|error| Failure::io("find", dir, error))?;
    let entries = heads_log::append(&log, &place.display().to_string(), &held, &key, now_nanos())?;
    let last = entries.last().map(|entry| hex(&entry.hash())).unwrap_or_default();
    let mut text = String::new();
    for entry in &entries {
        text.push_str(&format!("{}  {}\n", entry.number, entry_text(entry)));
    }
    text.push_str(&format!(
        "the log now ends with {last}; whoever keeps this hash can tell whether it was cut\n"
    ));
    let document = json!({ "log": log.display().to_string(), "entries": entries, "last": last });
    terminal.answer(&document, &text)?;
    Ok(Verdict::Fine)
}

fn entry_text(entry: &HeadEntry) -> String {
    let HeadEntry { origin, head, place, .. } = entry;
    one_line(&format!("{origin} of {place}: {} after {}", hex(&head.digest), head.count)).into_owned()
}

fn check(terminal: Terminal, log: &Path) -> Result<Verdict, Failure> {
    let entries = match heads_log::read(log) {
        Ok(entries) => entries,
        Err(JournalError::Damaged { seq, reason, .. }) => return broken(terminal, log, seq, &reason),
        Err(error) => return Err(error.into()),
    };
    let (trusted, _) = trusted_keys(None)?;
    let mut findings: Vec<String> = Vec::new();
    let mut by_place: BTreeMap<&str, Vec<&HeadEntry>> = BTreeMap::new();
    for entry in &entries {
        let key = PublicKey(entry.public_key);
        if !trusted.iter().any(|(_, known)| known == key) {
            findings.push(format!("entry {}: signed by an unknown key, {key}", entry.number));
        }
        by_place.entry(&entry.place).or_default().push(entry);
    }
    let (mut present, mut absent) = (0_usize, Vec::new());
    for (place, noted) in by_place {
        let dir = Path::new(place);
        if !dir.exists() {
            absent.push(place);
            continue;
        }
        present += 1;
        let wanted: Vec<_> = noted.iter().map(|entry| entry.as_checkpoint()).collect();
        match verify_reaching(dir, &wanted) {
            Ok(report) => findings.extend(
                report.findings.iter().map(|found| format!("{place}: {}: {}", found.place, found.reason)),
            ),
            Err(error) => findings.push(format!("{place}: {error}")),
        }
    }
    let last = entries.last().map(|entry| hex(&entry.hash()));
    let mut text: String = findings.iter().map(|found| format!("FINDING {}\n", one_line(found))).collect();
    let (count, gone) = (entries.len(), absent.len());
    text.push_str(&format!(
        "{count} entries follow each other; {present} journals are at hand, {gone} are not\n"
    ));
    text.push_str(&format!("the log ends with {}\n", last.as_deref().unwrap_or("nothing")));
    let document = json!({
        "log": log.display().to_string(), "sound": findings.is_empty(), "entries": count, "last": last,
        "journals_checked": present, "journals_absent": absent, "findings": findings,
    });
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!findings.is_empty()))
}

fn broken(terminal: Terminal, log: &Path, entry: u64, reason: &str) -> Result<Verdict, Failure> {
    let finding = format!("entry {entry}: {reason}");
    let text = format!(
        "FINDING {}\nNOT SOUND: what stands before entry {entry} can still be read\n",
        one_line(&finding)
    );
    let document = json!({ "log": log.display().to_string(), "sound": false, "findings": [finding] });
    terminal.answer(&document, &text)?;
    Ok(Verdict::Finding)
}
