//! `export`: a dataset or run as files that other programs read, as tables of what a run came to, or as pages that
//! `rebuild` reads.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use engine_application::wiring::recording::Recording;
use engine_application::wiring::run_tables::{TableRequest, export_table};
use engine_core::envelope::Seq;
use engine_core::time::Span;
use engine_runtime::ports::JournalError;
use journal_store::dataset::{DatasetError, DatasetReader};
use journal_store::rebuild::export_pages;
use journal_store::run::RunReader;
use replay_export::run_table::RunTable;
use replay_export::{ExportFormat, export_dataset, export_run, export_series};
use serde_json::json;

use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The dataset or run; of events also one segment that was put away, as in RUN/segments/00000003.
    pub dir: PathBuf,
    /// What to write.
    #[arg(long)]
    pub format: ExportTo,
    /// Where to: a directory for the series of a dataset, a file for pages or the events of a run. When absent,
    /// lines of a run or of a single series go to standard output, everything else beside the journal.
    #[arg(long, value_name = "PATH")]
    pub out: Option<PathBuf>,
    /// A table of the run instead of its raw events: equity, trades, fills, orders, positions, regimes or decisions.
    #[arg(long, value_name = "TABLE")]
    pub what: Option<RunTable>,
    /// Of equity one row for each span, as in 1d; each look of the statistics when absent.
    #[arg(long, value_name = "SPAN", requires = "what")]
    pub every: Option<Span>,
    /// Where the datasets of the run lie now, when they were moved; for tables only.
    #[arg(long, value_name = "DIR", requires = "what")]
    pub dataset: Vec<PathBuf>,
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportTo {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Apache Parquet, for datasets and tables of a run.
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
        ExportTo::Pages if args.what.is_some() => {
            let line = "export pages: --what is for --format csv, jsonl or parquet";
            return Err(Failure::request(line.to_owned()));
        }
        ExportTo::Pages => return pages(terminal, args),
    };
    if let Some(table) = args.what {
        return run_table(terminal, args, format, table);
    }
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

fn run_table(
    terminal: Terminal,
    args: &ExportArgs,
    format: ExportFormat,
    table: RunTable,
) -> Result<Verdict, Failure> {
    let recording = Recording::open(&args.dir)?;
    // A table tells of all of a run; where its first events were dropped, the reader says so.
    recording.reader.envelopes(Seq::FIRST)?;
    note_run_state(terminal, &recording.reader);
    let request = TableRequest { table, format, every: args.every, datasets: &args.dataset };
    if args.out.is_none() && !terminal.json && format != ExportFormat::Parquet {
        export_table(&recording, &request, &mut terminal.stream())?;
        return Ok(Verdict::Fine);
    }
    let path = place(args, &format!("-{}.{}", table.name(), format.extension()))?;
    let rows = written_whole(&path, |out| Ok(export_table(&recording, &request, out)?))?;
    let document = json!({
        "dir": args.dir.display().to_string(),
        "file": path.display().to_string(),
        "what": table.name(),
        "rows": rows,
        "complete": recording.reader.is_complete(),
    });
    terminal.answer(&document, &format!("{}: {rows} rows\n", path.display()))?;
    Ok(Verdict::Fine)
}

/// Writes a new file by `write`, or leaves none.
fn written_whole(
    path: &Path,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<u64, Failure>,
) -> Result<u64, Failure> {
    let mut out = std::io::BufWriter::new(new_file(path)?);
    let written = write(&mut out);
    let written = written.and_then(|count| match out.flush() {
        Ok(()) => Ok(count),
        Err(error) => Err(Failure::io("write", path, error)),
    });
    if written.is_err() {
        // The file is ours and holds nothing whole.
        let _ = std::fs::remove_file(path);
    }
    written
}

fn events(terminal: Terminal, args: &ExportArgs, format: ExportFormat) -> Result<Verdict, Failure> {
    let (reader, segment) = RunReader::open_part(&args.dir)?;
    note_run_state(terminal, &reader);
    if segment.is_some() && args.out.is_none() && terminal.json {
        // Beside it is among the segments.
        return Err(Failure::request("export one segment: say where to with --out".to_owned()));
    }
    if args.out.is_none() && !terminal.json {
        let mut out = terminal.stream();
        export_run(&args.dir, format, &mut out)?;
        out.flush()?;
        return Ok(Verdict::Fine);
    }
    let path = place(args, &format!(".{}", format.extension()))?;
    let count = written_whole(&path, |out| Ok(export_run(&args.dir, format, out)?))?;
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
