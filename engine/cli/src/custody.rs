//! `verify`, `rebuild` and `export`: keeping what was recorded, and proving it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use engine_runtime::ports::JournalError;
use journal_store::chain::ChainHead;
use journal_store::checkpoint;
use journal_store::dataset::{DatasetError, DatasetReader};
use journal_store::public_key::PublicKey;
use journal_store::rebuild::{Lost, Rebuilt, export_pages, rebuild as restore, rebuild_from};
use journal_store::run::{CHECKPOINT, RunReader};
use journal_store::trust::{Signer, TrustedKeys};
use journal_store::verify::{JournalKind, VerifyReport, verify as inspect};
use replay_export::{ExportFormat, export_dataset, export_run, export_series};
use serde_json::{Map, Value, json};

use crate::args::{ExportArgs, ExportTo, RebuildArgs};
use crate::failure::{Failure, Verdict};
use crate::inspect::caution;
use crate::render::hex;
use crate::signing::{signature_document, trusted_keys};
use crate::terminal::{Terminal, one_line};

/// `engine verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The dataset or run.
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
/// [`Failure::Journal`] when the check cannot be made; damage is a finding.
pub fn verify(terminal: Terminal, args: &VerifyArgs) -> Result<Verdict, Failure> {
    let begun = std::time::Instant::now();
    let (trusted, key) = trusted_keys(args.key.as_deref())?;
    let mut report = inspect(&args.dir, args.against.as_deref())?;
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
        "heads": heads(&report.heads),
        "against": args.against.as_ref().map(|path| path.display().to_string()),
        "findings": report.findings,
    });
    let mut text = verify_text(&report, elapsed);
    text.push_str(&format!("{}\n", one_line(&signer.to_string())));
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!report.is_sound()))
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

fn heads(heads: &[(String, ChainHead)]) -> Value {
    let table = heads.iter().map(|(name, head)| {
        (name.clone(), json!({ "count": head.count, "digest": hex(&head.digest), "link": hex(&head.link) }))
    });
    Value::Object(table.collect::<Map<String, Value>>())
}

fn verify_text(report: &VerifyReport, elapsed: f64) -> String {
    let VerifyReport { findings, state, events, pages, bytes, heads, kind, .. } = report;
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
    for (name, head) in heads {
        text.push_str(&format!("{}: {} after {}\n", one_line(name), hex(&head.digest), head.count));
    }
    if let Some(caution) = state.caution() {
        text.push_str(&format!("{caution}\n"));
    }
    text
}

/// Runs `engine rebuild`. Records that cannot be restored are a finding.
///
/// # Errors
/// [`Failure::Journal`] when nothing can be restored; what was there stays.
pub fn rebuild(terminal: Terminal, args: &RebuildArgs) -> Result<Verdict, Failure> {
    let Rebuilt { heads: restored, lost, old_store } = match &args.pages {
        Some(pages) => rebuild_from(&args.dir, pages)?,
        None => restore(&args.dir)?,
    };
    let old = old_store.map(|path| path.display().to_string());
    let document = json!({
        "dir": args.dir.display().to_string(),
        "heads": heads(&restored),
        "lost": lost,
        "old_store": old,
    });
    let mut text = String::new();
    for (name, head) in &restored {
        text.push_str(&format!("restored {name}: {} after {}\n", hex(&head.digest), head.count));
    }
    for Lost { name, from, to, count, readable } in &lost {
        text.push_str(&format!("LOST of {name}: {count} records, {from} to {to}"));
        let kept = format!("; {readable} of them can still be read behind the damage, in the old store");
        text.push_str(if *readable > 0 { &kept } else { "" });
        text.push('\n');
    }
    if let Some(old) = old {
        text.push_str(&format!("the old store is kept in {old}\n"));
    }
    terminal.answer(&document, &text)?;
    Ok(Verdict::finding_if(!lost.is_empty()))
}

/// Runs `engine export`.
///
/// Without `--out`, lines of one run or one series go to standard output; everything else goes beside the
/// journal, into `DIR.pages`, `DIR.jsonl` or `DIR-export`.
///
/// # Errors
/// [`Failure`] when the journal cannot be read or the files cannot be written.
pub fn export(terminal: Terminal, args: &ExportArgs) -> Result<Verdict, Failure> {
    let format = match args.format {
        ExportTo::Jsonl => ExportFormat::Jsonl,
        ExportTo::Csv => ExportFormat::Csv,
        ExportTo::Parquet => ExportFormat::Parquet,
        ExportTo::Pages => return pages(terminal, args),
    };
    match DatasetReader::open(&args.dir) {
        Ok(dataset) => series(terminal, args, format, dataset),
        Err(DatasetError::Journal(JournalError::NotAJournal { .. })) => events(terminal, args, format),
        Err(error) => Err(error.into()),
    }
}

fn series(
    terminal: Terminal,
    args: &ExportArgs,
    format: ExportFormat,
    dataset: DatasetReader,
) -> Result<Verdict, Failure> {
    let lines = format != ExportFormat::Parquet && !terminal.json && args.out.is_none();
    if let ([only], true) = (dataset.series_list(), lines) {
        let mut out = terminal.stream();
        export_series(&dataset.series(&only.info.name())?, format, &mut out)?;
        out.flush()?;
        return Ok(Verdict::Fine);
    }
    let files = export_dataset(&args.dir, format, &place(args, "-export")?)?;
    let text = files.iter().map(|file| format!("{}: {} records\n", file.path.display(), file.rows));
    let text: String = text.collect();
    terminal.answer(&json!({ "dir": args.dir.display().to_string(), "files": files }), &text)?;
    Ok(Verdict::Fine)
}

fn events(terminal: Terminal, args: &ExportArgs, format: ExportFormat) -> Result<Verdict, Failure> {
    let reader = RunReader::open(&args.dir)?;
    caution(terminal, &reader);
    if args.out.is_none() && !terminal.json {
        let mut out = terminal.stream();
        export_run(&args.dir, format, &mut out)?;
        out.flush()?;
        return Ok(Verdict::Fine);
    }
    let path = place(args, &format!(".{}", format.extension()))?;
    let mut out = std::io::BufWriter::new(new_file(&path)?);
    let written = export_run(&args.dir, format, &mut out).map_err(Failure::from);
    let written = written.and_then(|count| match out.flush() {
        Ok(()) => Ok(count),
        Err(error) => Err(Failure::io("write", &path, error)),
    });
    if written.is_err() {
        // The file is ours and holds nothing whole.
        let _ = std::fs::remove_file(&path);
    }
    let count = written?;
    let document = json!({
        "dir": args.dir.display().to_string(),
        "file": path.display().to_string(),
        "events": count,
        "complete": reader.is_complete(),
    });
    terminal.answer(&document, &format!("{}: {count} events\n", path.display()))?;
    Ok(Verdict::Fine)
}

fn pages(terminal: Terminal, args: &ExportArgs) -> Result<Verdict, Failure> {
    let path = place(args, ".pages")?;
    export_pages(&args.dir, &path)?;
    let bytes = std::fs::metadata(&path).map(|metadata| metadata.len()).unwrap_or_default();
    let document = json!({
        "dir": args.dir.display().to_string(),
        "file": path.display().to_string(),
        "bytes": bytes,
    });
    terminal.answer(&document, &format!("{}: {bytes} bytes of pages\n", path.display()))?;
    Ok(Verdict::Fine)
}

/// Where the export goes: as asked, or beside the journal under its name with `ending`.
fn place(args: &ExportArgs, ending: &str) -> Result<PathBuf, Failure> {
    let path = args.out.clone().unwrap_or_else(|| {
        let name = args.dir.file_name().unwrap_or(std::ffi::OsStr::new("journal"));
        let mut name = name.to_owned();
        name.push(ending);
        args.dir.with_file_name(name)
    });
    std::path::absolute(&path).map_err(|error| Failure::io("find", &path, error))
}

fn new_file(path: &Path) -> Result<std::fs::File, Failure> {
    std::fs::File::create_new(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            let advice = "it exists already; choose another file or remove it";
            return Failure::Request(format!("write {}: {advice}", path.display()));
        }
        Failure::io("create", path, error)
    })
}
