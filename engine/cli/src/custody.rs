//! `verify`, `rebuild` and `export`: keeping what was recorded, and proving it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;
use journal_store::chain::ChainHead;
use journal_store::dataset::{DatasetError, DatasetReader};
use journal_store::rebuild::{Lost, Rebuilt, export_pages, rebuild as restore, rebuild_from};
use journal_store::run::RunReader;
use journal_store::verify::{JournalKind, VerifyReport, verify as inspect};
use replay::export::{ExportFormat, export_dataset, export_run, export_series};
use serde_json::{Map, Value, json};

use crate::args::{ExportArgs, ExportTo, RebuildArgs, VerifyArgs};
use crate::failure::{Failure, Verdict};
use crate::inspect::caution;
use crate::render::hex;
use crate::terminal::Terminal;

/// Runs `engine verify`.
///
/// # Errors
/// [`Failure::Journal`] when the check cannot be made; damage is a finding.
pub fn verify(terminal: Terminal, args: &VerifyArgs) -> Result<Verdict, Failure> {
    let begun = std::time::Instant::now();
    let report = inspect(&args.dir, args.against.as_deref())?;
    let elapsed = begun.elapsed().as_secs_f64();
    let document = json!({
        "dir": args.dir.display().to_string(),
        "kind": report.kind,
        "sound": report.is_sound(),
        "state": report.state,
        "complete": report.complete,
        "events": report.events,
        "pages": report.pages,
        "bytes": report.bytes,
        "elapsed_s": elapsed,
        "heads": heads(&report.heads),
        "against": args.against.as_ref().map(|path| path.display().to_string()),
        "findings": report.findings,
    });
    terminal.answer(&document, &verify_text(&report, elapsed))?;
    Ok(Verdict::finding_if(!report.is_sound()))
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
        text.push_str(&format!("FINDING {}{seq}: {}\n", finding.place, finding.reason));
    }
    let verdict = if report.is_sound() { "sound" } else { "NOT SOUND" };
    let megabytes = *bytes as f64 / 1e6;
    text.push_str(&format!(
        "{verdict}: {events} {what} in {pages} pages, {megabytes:.1} MB in {elapsed:.2} s\n"
    ));
    for (name, head) in heads {
        text.push_str(&format!("{name}: {} after {}\n", hex(&head.digest), head.count));
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
    caution(terminal, &RunReader::open(&args.dir)?);
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
