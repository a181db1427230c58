//! `export`: a dataset or run as files that other programs read, or as pages that `rebuild` reads.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine_runtime::ports::JournalError;
use journal_store::dataset::{DatasetError, DatasetReader};
use journal_store::rebuild::export_pages;
use journal_store::run::RunReader;
use replay_export::{ExportFormat, export_dataset, export_run, export_series};
use serde_json::json;

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The dataset or run.
    pub dir: PathBuf,
    /// What to write.
    #[arg(long)]
    pub format: ExportTo,
    /// Where to: a directory for the series of a dataset, a file for pages or the events of a run. When absent,
    /// lines of a run or of a single series go to standard output, everything else beside the journal.
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportTo {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Apache Parquet, for datasets.
    Parquet,
    /// The pages themselves.
    Pages,
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
    note_run_state(terminal, &reader);
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
            return Failure::request(format!("write {}: {advice}", path.display()));
        }
        Failure::io("create", path, error)
    })
}
