//! A whole folder of Binance's public data into one dataset, a series for each symbol and kind.
//!
//! Market, symbol, kind and interval come from the names. Every file is compared with the checksum beside it.
//! A file whose content is there already is passed over, so that an import that was stopped goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::archive_name::{ArchiveData, ArchiveName};
use super::error::ImportError;
use super::{ImportOutcome, ImportProgress, ImportRequest, Progress, import};

/// Folders within folders that are gone into; the archive has eight.
const DEPTH_MAX: usize = 32;

/// What to import of a folder.
#[derive(Debug, Clone)]
pub struct TreeRequest {
    /// The folder.
    pub dir: PathBuf,
    /// Name of the venue; by the folder of the market when `None`.
    pub venue: Option<String>,
    /// The only symbol to take; all when `None`.
    pub symbol: Option<String>,
    /// Everything else: the dataset, the kind and interval to take, and how to read. Its venue, symbol and files
    /// are not looked at.
    pub request: ImportRequest,
}

/// Files of a folder that were not imported, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassedOver {
    /// Why.
    pub reason: &'static str,
    /// How many.
    pub files: u64,
    /// The first of them.
    pub first: String,
}

/// What became of a folder.
#[derive(Debug, Clone, Serialize)]
pub struct TreeOutcome {
    /// One outcome for each series, in the order of their names.
    pub series: Vec<ImportOutcome>,
    /// Files that were not imported.
    pub passed_over: Vec<PassedOver>,
}

/// A series: venue, symbol and what the files hold.
type Series = (String, String, ArchiveData);

/// Imports every series of the folder, one after the other; each is one whole.
///
/// # Errors
/// [`ImportError`]; series that were imported before stay.
pub fn import_tree(
    tree: &TreeRequest,
    progress: &mut dyn ImportProgress,
) -> Result<TreeOutcome, ImportError> {
    let mut files = Vec::new();
    walk(&tree.dir, 0, &mut files)?;
    let mut passed_over = Passed::default();
    let groups = groups(tree, files, &mut passed_over)?;
    let bytes = |path: &PathBuf| path.metadata().map_or(0, |metadata| metadata.len());
    let bytes_total = groups.values().flatten().map(bytes).sum();
    let mut whole = WholeProgress { progress, bytes_before: 0, bytes_total, rows_before: 0 };
    let mut series = Vec::new();
    for ((venue, symbol, data), files) in groups {
        let bytes_of_series: u64 = files.iter().map(bytes).sum();
        let request = ImportRequest {
            venue,
            symbol,
            kind: Some(data.kind()),
            interval: data.interval(),
            files,
            ..tree.request.clone()
        };
        let outcome = import(&request, &mut whole)?;
        whole.bytes_before += bytes_of_series;
        whole.rows_before += outcome.rows + outcome.skipped;
        series.push(outcome);
    }
    Ok(TreeOutcome { series, passed_over: passed_over.told() })
}

/// All files below `dir`, in the order of their names.
fn walk(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), ImportError> {
    if depth > DEPTH_MAX {
        return Err(ImportError::file(
            dir.display().to_string(),
            "folders lie too deep; name a folder below",
        ));
    }
    let failed = |source| ImportError::io("list", dir, source);
    let mut entries = fs::read_dir(dir).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A folder that is a link is not followed: it can lead back here.
        if entry.file_type().map_err(failed)?.is_dir() {
            walk(&path, depth + 1, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// The files of each series that was asked for.
fn groups(
    tree: &TreeRequest,
    files: Vec<PathBuf>,
    passed_over: &mut Passed,
) -> Result<BTreeMap<Series, Vec<PathBuf>>, ImportError> {
    let TreeRequest { dir, venue, symbol, request } = tree;
    let whole = fs::canonicalize(dir).unwrap_or_else(|_| dir.clone());
    let mut named: BTreeMap<Series, Vec<(ArchiveName, PathBuf)>> = BTreeMap::new();
    for path in files {
        if path.extension().is_some_and(|extension| extension == "CHECKSUM") {
            continue;
        }
        let below = path.strip_prefix(dir).unwrap_or(&path);
        let Some(name) = ArchiveName::of(&whole.join(below)) else {
            passed_over.add("not a file of klines, aggTrades, trades or bookTicker by its name", &path);
            continue;
        };
        let other = symbol.as_ref().is_some_and(|symbol| *symbol != name.symbol)
            || request.kind.is_some_and(|kind| kind != name.data.kind())
            || request.interval.is_some_and(|interval| name.data.interval() != Some(interval));
        if other {
            passed_over.add("not of the instrument, kind or interval asked for", &path);
            continue;
        }
        let venue = venue.clone().unwrap_or_else(|| name.venue.to_owned());
        named.entry((venue, name.symbol.clone(), name.data)).or_default().push((name, path));
    }
    if named.is_empty() {
        return Err(ImportError::file(
            dir.display().to_string(),
            "it holds no file asked for with a name as in Binance's public data, BTCUSDT-1h-2024-12.zip; \
             name the files themselves",
        ));
    }
    one_of_a_kind(named.keys())?;
    for ((_, symbol, _), files) in &named {
        let markets: BTreeSet<&str> = files.iter().map(|(name, _)| name.venue).collect();
        if markets.len() > 1 {
            let markets = markets.into_iter().collect::<Vec<_>>().join(" and ");
            return Err(ImportError::request(format!(
                "the folder holds {symbol} of {markets}, which would be one series; leave out --venue"
            )));
        }
    }
    let whole = |(series, files)| (series, without_covered(files, passed_over));
    Ok(named.into_iter().map(whole).collect())
}

/// Refuses two series that would be one: two intervals, trades single and aggregated, or markets under one name.
fn one_of_a_kind<'series>(series: impl Iterator<Item = &'series Series>) -> Result<(), ImportError> {
    let mut seen: BTreeMap<String, ArchiveData> = BTreeMap::new();
    for (venue, symbol, data) in series {
        let kind = data.kind();
        let Some(other) = seen.insert(format!("{venue}:{symbol}:{kind}"), *data) else { continue };
        let (first, second) = (other.name(), data.name());
        let advice = match kind {
            journal_store::record::RecordKind::Bars => {
                format!("choose one with --interval {first} or {second}")
            }
            journal_store::record::RecordKind::Trades | journal_store::record::RecordKind::Quotes => {
                "name the folder of one of them".to_owned()
            }
        };
        return Err(ImportError::request(format!(
            "the folder holds {first} and {second} of {symbol}, which would be one series; {advice}"
        )));
    }
    Ok(())
}

/// The files of a series without the days that a month among them holds.
fn without_covered(files: Vec<(ArchiveName, PathBuf)>, passed_over: &mut Passed) -> Vec<PathBuf> {
    let months: BTreeSet<String> =
        files.iter().filter(|(name, _)| !name.is_daily()).map(|(name, _)| name.month().to_owned()).collect();
    let mut kept: Vec<(String, PathBuf)> = Vec::new();
    for (name, path) in files {
        if name.is_daily() && months.contains(name.month()) {
            passed_over.add("a day within a month that is there as a whole", &path);
        } else {
            kept.push((name.period, path));
        }
    }
    kept.sort();
    kept.into_iter().map(|(_, path)| path).collect()
}

/// Counts what is passed over, by reason.
#[derive(Debug, Default)]
struct Passed(BTreeMap<&'static str, (u64, String)>);

impl Passed {
    fn add(&mut self, reason: &'static str, path: &Path) {
        let (files, _) = self.0.entry(reason).or_insert_with(|| (0, path.display().to_string()));
        *files += 1;
    }

    fn told(self) -> Vec<PassedOver> {
        self.0.into_iter().map(|(reason, (files, first))| PassedOver { reason, files, first }).collect()
    }
}

/// Progress of one series as progress of the whole folder.
struct WholeProgress<'tree> {
    progress: &'tree mut dyn ImportProgress,
    bytes_before: u64,
    bytes_total: u64,
    rows_before: u64,
}

impl ImportProgress for WholeProgress<'_> {
    fn advanced(&mut self, progress: Progress<'_>) {
        self.progress.advanced(Progress {
            bytes_read: (self.bytes_before + progress.bytes_read).min(self.bytes_total),
            bytes_total: self.bytes_total,
            rows: self.rows_before + progress.rows,
            ..progress
        });
    }
}
