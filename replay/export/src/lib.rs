//! Datasets and runs as files that other programs read: JSON lines, CSV and Parquet.
//!
//! Numbers are written as people write them, with as many decimals as they have, and times as RFC 3339 in UTC.
//! In JSON they are strings, so that no reader turns them into doubles unasked. A series exported as CSV and
//! imported again has the same digest.
//!
//! This crate promises that no file is overwritten and that what it writes is what is stored. It deliberately computes
//! nothing and changes nothing that it reads.

mod account;
mod conductor;
mod data_fault;
mod events;
mod listing;
mod market;
mod numbers;
mod order_instruments;
mod outputs;
mod parquet_file;
mod records;
pub mod run_table;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use engine_runtime::ports::JournalError;
use journal_store::dataset::{DatasetError, DatasetReader, SeriesReader};
use journal_store::event_span::EventSpan;
use journal_store::run::RunReader;
use serde::Serialize;

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
    /// Apache Parquet, with exact decimals and nanosecond times.
    Parquet,
}

impl ExportFormat {
    /// The ending of its files.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }
}

impl FromStr for ExportFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Jsonl, Self::Csv, Self::Parquet]
            .into_iter()
            .find(|format| format.extension() == text)
            .ok_or_else(|| format!("format {text:?} is not one of jsonl, csv, parquet"))
    }
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The run cannot be read.
    #[error(transparent)]
    Run(#[from] JournalError),
    /// The file cannot be written.
    #[error("write the export: {0}")]
    Write(#[from] io::Error),
    /// A file that would be written is there already. Choose another directory or remove it.
    #[error("write {path}: it exists already; choose another directory or remove it")]
    Exists {
        /// The file.
        path: String,
    },
    /// Two series would be written to one file. Export them from datasets of their own.
    #[error(
        "write {path}: {first:?} and {second:?} would both be written to it; import one of them into another dataset"
    )]
    OneName {
        /// One series.
        first: String,
        /// The other.
        second: String,
        /// The file.
        path: String,
    },
    /// A number of a table has more digits than a decimal of Parquet holds. Write CSV or JSON lines instead.
    #[error("write {number} into the column {column}: Parquet holds 38 digits; write csv or jsonl instead")]
    TooManyDigits {
        /// The column.
        column: &'static str,
        /// The number.
        number: String,
    },
    /// The format is not for this.
    #[error("{reason}")]
    NotSupported {
        /// What to do instead.
        reason: String,
    },
}

/// One file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedFile {
    /// What it holds, as in `binance:BTCUSDT:trades`.
    pub series: String,
    /// Where it is.
    pub path: PathBuf,
    /// Records in it.
    pub rows: u64,
}

/// Writes every series of the dataset in `dir` to a file of its own in the directory `into`, made when there is
/// none.
///
/// # Errors
/// [`ExportError`]; files written before stay.
pub fn export_dataset(
    dir: &Path,
    format: ExportFormat,
    into: &Path,
) -> Result<Vec<ExportedFile>, ExportError> {
    let dataset = DatasetReader::open(dir)?;
    let names: Vec<String> = dataset.series_list().iter().map(|entry| entry.info.name()).collect();
    let places = places(&names, format, into)?;
    std::fs::create_dir_all(into)?;
    let mut files = Vec::new();
    for (name, path) in names.into_iter().zip(places) {
        let mut out = BufWriter::new(File::create(&path)?);
        let rows = export_series(&dataset.series(&name)?, format, &mut out)?;
        out.flush()?;
        files.push(ExportedFile { series: name, path, rows });
    }
    Ok(files)
}

/// A file for each series. Refused before anything is written: a file that is there, and two series that would be
/// written to one, also where a file system tells no capitals.
fn places(names: &[String], format: ExportFormat, into: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    let place = |name: &String| {
        let file = format!("{}.{}", file_stem(name), format.extension());
        let path = into.join(&file);
        if let Some(other) = taken.insert(file.to_lowercase(), name.clone()) {
            let (first, second) = (other, name.clone());
            return Err(ExportError::OneName { first, second, path: path.display().to_string() });
        }
        if path.exists() {
            return Err(ExportError::Exists { path: path.display().to_string() });
        }
        Ok(path)
    };
    names.iter().map(place).collect()
}

/// A series name as a file name: nothing in it leaves the directory.
fn file_stem(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' }).collect()
}

/// Writes one series to `out`; answers the number of records.
///
/// # Errors
/// [`ExportError`].
pub fn export_series(
    series: &SeriesReader,
    format: ExportFormat,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    match format {
        ExportFormat::Jsonl | ExportFormat::Csv => records::write(series, format, out),
        ExportFormat::Parquet => parquet_file::write(series, out),
    }
}

/// Writes the events of the run in `dir` to `out`; answers how many.
///
/// A line of JSON holds the whole event. A row of CSV holds what most events share, and the event as JSON in its
/// last column.
///
/// # Errors
/// [`ExportError`]; Parquet is for datasets and for tables of a run.
pub fn export_run(dir: &Path, format: ExportFormat, out: &mut dyn Write) -> Result<u64, ExportError> {
    if format == ExportFormat::Parquet {
        let reason =
            "the events of a run are exported as jsonl or csv; --what exports a table of it as parquet too"
                .into();
        return Err(ExportError::NotSupported { reason });
    }
    let (run, segment) = RunReader::open_part(dir)?;
    let (kept, wanted) = (run.span_of(None), run.span_of(segment.as_ref()));
    // Of what was dropped, nothing can be told.
    let read = EventSpan { behind: kept.behind.min(wanted.behind), last: wanted.last };
    let instruments = run.manifest().map(|manifest| manifest.instruments.clone()).unwrap_or_default();
    let mut events_json = EventJson::new(instruments);
    if format == ExportFormat::Csv {
        writeln!(out, "{}", events::CSV_HEADER)?;
    }
    let snapshot = run.snapshot_before(read)?;
    let working = snapshot.iter().flat_map(|snapshot| snapshot.state.open_orders());
    working.for_each(|open| events_json.learn_order(&open.order));
    let mut count = 0;
    for envelope in run.envelopes_of(read)? {
        let envelope = envelope?;
        if !wanted.holds(envelope.seq) {
            events_json.learn(&envelope.event);
            continue;
        }
        let document = events_json.event(&envelope);
        match format {
            ExportFormat::Jsonl => writeln!(out, "{document}")?,
            ExportFormat::Csv | ExportFormat::Parquet => writeln!(out, "{}", events::csv_row(&document))?,
        }
        count += 1;
    }
    Ok(count)
}

pub use conductor::{degradation, inference};
pub use events::EventJson;

#[cfg(test)]
mod tests;
