//! What will be read, in which order, as which series: decided before anything is written.

use std::collections::BTreeSet;
use std::path::Path;

use engine_core::time::Span;
use journal_store::dataset::{DatasetReader, SeriesReader};
use journal_store::record::RecordKind;
use journal_store::series::{BarTime, SeriesInfo};

use super::cadence::{Cadence, Rhythm};
use super::container::{self, Part};
use super::decimals::{Demands, Stated, choose};
use super::digits::DECIMALS_MAX;
use super::error::ImportError;
use super::layout::Layout;
use super::layout_request::LayoutRequest;
use super::moment::MomentRules;
use super::numbers::{Keep, Kept, NumberParser, Volumes};
use super::peek::peek;
use super::rollback::Rollback;
use super::time_order::Unordered;
use super::{DEFAULT_DECIMALS, FileOutcome, ImportRequest, checksum};

/// The file that makes a directory a dataset.
const DATASET_FILE: &str = "head.json";

/// One table to read.
#[derive(Debug)]
pub(crate) struct PlannedPart {
    pub(crate) part: Part,
    pub(crate) layout: Layout,
    pub(crate) first_at: i64,
    /// Place of its file in [`Plan::files`].
    pub(crate) file: usize,
    rhythm: Rhythm,
}

/// One file with its content's name.
#[derive(Debug)]
pub(crate) struct PlannedFile {
    pub(crate) outcome: FileOutcome,
    pub(crate) blake3: [u8; 32],
}

/// Everything an import needs to know before it reads on.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) info: SeriesInfo,
    pub(crate) cadence: Option<Cadence>,
    pub(crate) files: Vec<PlannedFile>,
    /// Tables in the order of their first row.
    pub(crate) parts: Vec<PlannedPart>,
    pub(crate) bytes: u64,
    /// The series as it is stored now.
    pub(crate) stored: Option<SeriesReader>,
    /// What happens to numbers that the decimals do not show whole: prices, then quantities.
    pub(crate) keep: [Keep; 2],
    /// How the decimals were chosen, where they are not the usual ones.
    pub(crate) decimals_because: Option<String>,
    /// Whether nothing of the series was stored, so that its decimals are free.
    pub(crate) is_new: bool,
    /// What stood in the dataset's place before the first record was written.
    pub(crate) rollback: Option<Rollback>,
    /// Whether rows are sorted by the time they were received.
    pub(crate) sorts: bool,
    /// Whether reading ended at a row that sorting would put in its place.
    pub(crate) unsorted: bool,
    /// The table at whose end reading ended because a row is older than one above it.
    pub(crate) turned: Option<String>,
    /// Whether reading ended at a number that other decimals would keep.
    pub(crate) misfit: bool,
}

impl Plan {
    /// A parser of the numbers of the series.
    pub(crate) fn numbers(&self, volumes: Volumes) -> NumberParser {
        let [price, qty] = self.keep;
        let price = Kept { decimals: self.info.price_decimals, keep: price };
        NumberParser::new(price, Kept { decimals: self.info.qty_decimals, keep: qty }, volumes)
    }

    /// Takes other decimals for a series that nothing is stored of, after every number has been seen.
    pub(crate) fn widen(&mut self, demands: &Demands, stated: Stated) -> Result<(), ImportError> {
        let (price, qty) = choose(demands, stated).map_err(ImportError::request)?;
        (self.info.price_decimals, self.info.qty_decimals) = (price, qty);
        self.keep = [kept(stated.price, Keep::Short), kept(stated.qty, Keep::Short)];
        self.decimals_because = because(price, qty, stated);
        for file in &mut self.files {
            (file.outcome.rows, file.outcome.skipped) = (0, 0);
        }
        Ok(())
    }
}

fn kept(stated: Option<u8>, unstated: Keep) -> Keep {
    if stated.is_some() { Keep::Rounded } else { unstated }
}

fn because(price: u8, qty: u8, stated: Stated) -> Option<String> {
    let usual = (stated.price.unwrap_or(DEFAULT_DECIMALS), stated.qty.unwrap_or(DEFAULT_DECIMALS));
    let words =
        || format!("prices keep {price} decimals and quantities {qty}: what the numbers of the files need");
    ((price, qty) != usual).then(words)
}

/// Looks into every file and settles what the series is.
///
/// The rows of tables in `unordered` are put in order, and of those whose first rows go both ways; without it those
/// are refused.
pub(crate) fn plan(request: &ImportRequest, unordered: Option<&Unordered>) -> Result<Plan, ImportError> {
    check(request)?;
    checksum::verify(&request.files)?;
    let (files, parts, demands) = look(request, unordered)?;
    let kind = same_kind(&parts)?;
    let stated = request.stated_decimals();
    let mut info = SeriesInfo {
        venue: request.venue.clone(),
        symbol: request.symbol.clone(),
        kind,
        price_decimals: stated.price.unwrap_or(DEFAULT_DECIMALS),
        qty_decimals: stated.qty.unwrap_or(DEFAULT_DECIMALS),
        interval: None,
        bar_time: None,
        synthetic: request.synthetic,
    };
    let stored = stored(&request.dataset, &info.name())?;
    let unstated = match &stored {
        Some(series) => {
            info.price_decimals = stated.price.unwrap_or(series.info().price_decimals);
            info.qty_decimals = stated.qty.unwrap_or(series.info().qty_decimals);
            Keep::Short
        }
        None => {
            let chosen = choose(&demands, stated).map_err(ImportError::request)?;
            (info.price_decimals, info.qty_decimals) = chosen;
            Keep::Exactly
        }
    };
    let keep = [kept(stated.price, unstated), kept(stated.qty, unstated)];
    let decimals_because = match &stored {
        Some(_) => None,
        None => because(info.price_decimals, info.qty_decimals, stated),
    };
    let (files, mut parts) = without_known(files, parts, stored.as_ref());
    let mut cadence = None;
    if kind == RecordKind::Bars {
        info.bar_time = Some(same_bar_time(&parts)?);
        let before = stored.as_ref().and_then(|series| series.info().interval);
        let found = agreed_cadence(request.interval, before, &parts)?;
        info.interval = Some(found.interval());
        cadence = Some(found);
    }
    if let Some(series) = &stored {
        fits(series.info(), &info)?;
    }
    parts.sort_by_key(|part| (part.first_at, part.file));
    let is_new = stored.is_none();
    let bytes = files.iter().filter(|file| !file.outcome.known).map(|file| file.outcome.bytes).sum();
    Ok(Plan {
        info,
        cadence,
        files,
        parts,
        bytes,
        stored,
        keep,
        decimals_because,
        is_new,
        rollback: None,
        misfit: false,
        sorts: false,
        unsorted: false,
        turned: None,
    })
}

fn check(request: &ImportRequest) -> Result<(), ImportError> {
    if request.files.is_empty() && request.streams.is_empty() {
        return Err(ImportError::request("no file to import; name at least one"));
    }
    for (what, name) in [("venue", &request.venue), ("instrument", &request.symbol)] {
        if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
            return Err(ImportError::request(format!("{what} {name:?} must be a name without colon")));
        }
    }
    let stated = [request.price_decimals, request.qty_decimals];
    let decimals = stated.iter().flatten().fold(0_u32, |sum, decimals| sum + u32::from(*decimals));
    if decimals > u32::from(DECIMALS_MAX) {
        return Err(ImportError::request(format!(
            "price and quantity decimals together are {decimals}; at most {DECIMALS_MAX} keep their product exact"
        )));
    }
    if request.interval.is_some_and(|interval| !interval.is_positive()) {
        return Err(ImportError::request("the interval must be longer than nothing"));
    }
    Ok(())
}

type Looked = (Vec<PlannedFile>, Vec<PlannedPart>, Demands);

fn look(request: &ImportRequest, unordered: Option<&Unordered>) -> Result<Looked, ImportError> {
    let wanted = LayoutRequest {
        format: request.format,
        kind: request.kind,
        columns: &request.columns,
        bar_time: request.bar_time,
        symbol: &request.symbol,
        source: None,
        rewritten: None,
    };
    let latest_at = request.now.map(|now| now.plus(Span::DAY).nanos());
    let moments = MomentRules { date_order: request.date_order, latest_at };
    let mut demands = Demands::default();
    let mut files = Vec::new();
    let mut planned = Vec::new();
    for (path, name) in request.sources() {
        let mut rows_in_file = false;
        for part in container::parts(path, name.clone(), request.kind)? {
            let Some(peek) = peek(&part, wanted, moments, request.volumes(), unordered)? else { continue };
            rows_in_file = true;
            demands = demands.and(peek.demands);
            let (layout, first_at, rhythm) = (peek.layout, peek.first_at, peek.rhythm);
            planned.push(PlannedPart { part, layout, first_at, file: files.len(), rhythm });
        }
        if !rows_in_file {
            return Err(ImportError::file(name, "it holds a header and no rows; fetch it again"));
        }
        let (blake3, bytes) = container::digest(path)?;
        let outcome = FileOutcome { file: name, bytes, rows: 0, skipped: 0, known: false };
        files.push(PlannedFile { outcome, blake3 });
    }
    Ok((files, planned, demands))
}

fn stored(dir: &Path, name: &str) -> Result<Option<SeriesReader>, ImportError> {
    if !dir.join(DATASET_FILE).exists() {
        return Ok(None);
    }
    let dataset = DatasetReader::open(dir)?;
    let there = dataset.series_list().iter().any(|entry| entry.info.name() == name && entry.head.count > 0);
    if there { Ok(Some(dataset.series(name)?)) } else { Ok(None) }
}

/// Marks the files whose content is in the series already, or twice in the request, and drops their tables.
fn without_known(
    mut files: Vec<PlannedFile>,
    mut parts: Vec<PlannedPart>,
    stored: Option<&SeriesReader>,
) -> (Vec<PlannedFile>, Vec<PlannedPart>) {
    let sources = stored.map(|series| series.entry().sources.as_slice()).unwrap_or_default();
    let mut seen: BTreeSet<[u8; 32]> = sources.iter().map(|source| source.note.blake3).collect();
    for file in &mut files {
        file.outcome.known = !seen.insert(file.blake3);
    }
    parts.retain(|part| files.get(part.file).is_some_and(|file| !file.outcome.known));
    (files, parts)
}

fn same_kind(parts: &[PlannedPart]) -> Result<RecordKind, ImportError> {
    let first = parts.first().ok_or_else(|| ImportError::request("the files hold no rows"))?;
    match parts.iter().find(|part| part.layout.kind != first.layout.kind) {
        None => Ok(first.layout.kind),
        Some(other) => Err(ImportError::request(format!(
            "{} holds {} but {} holds {}; import one kind at a time",
            first.part.name, first.layout.kind, other.part.name, other.layout.kind
        ))),
    }
}

fn same_bar_time(parts: &[PlannedPart]) -> Result<BarTime, ImportError> {
    let Some(first) = parts.first() else { return Ok(BarTime::Open) };
    match parts.iter().find(|part| part.layout.bar_time != first.layout.bar_time) {
        None => Ok(first.layout.bar_time),
        Some(other) => Err(ImportError::request(format!(
            "{} names bars by {:?} time but {} by {:?} time; import one kind at a time",
            first.part.name, first.layout.bar_time, other.part.name, other.layout.bar_time
        ))),
    }
}

/// The rhythm that the operator, the stored series and all files agree on.
fn agreed_cadence(
    stated: Option<Span>,
    before: Option<Span>,
    parts: &[PlannedPart],
) -> Result<Cadence, ImportError> {
    let found = parts.iter().find_map(|part| part.rhythm.cadence());
    let chosen = match (stated, found, before) {
        (Some(stated), Some(Cadence::Months), _) if stated.nanos() >= Cadence::Months.interval().nanos() => {
            Cadence::Months
        }
        (Some(stated), _, _) => Cadence::Fixed(stated),
        (None, _, Some(before)) => Cadence::of(before),
        (None, Some(found), None) => found,
        (None, None, None) => {
            return Err(ImportError::request(
                "the interval of the bars cannot be told from so few rows; state it with --interval",
            ));
        }
    };
    for part in parts {
        if let Some(found) = part.rhythm.contradicts(chosen, stated.is_some()) {
            let (chosen, found) = (chosen.interval(), found.interval());
            return Err(ImportError::file(
                &part.part.name,
                format!(
                    "its bars are {found} long where {chosen} is expected; import each interval into a dataset of its own"
                ),
            ));
        }
    }
    Ok(chosen)
}

/// Refuses rows that would make the stored series another one.
fn fits(stored: &SeriesInfo, asked: &SeriesInfo) -> Result<(), ImportError> {
    let span = |info: &SeriesInfo| info.interval.map_or_else(|| "none".to_owned(), |span| span.to_string());
    let pairs = [
        ("price decimals", stored.price_decimals.to_string(), asked.price_decimals.to_string()),
        ("quantity decimals", stored.qty_decimals.to_string(), asked.qty_decimals.to_string()),
        ("interval", span(stored), span(asked)),
        ("synthetic", stored.synthetic.to_string(), asked.synthetic.to_string()),
    ];
    match pairs.into_iter().find(|(_, stored, asked)| stored != asked) {
        None => Ok(()),
        Some((what, stored, asked)) => Err(ImportError::request(format!(
            "the series is stored with {what} {stored}, not {asked}; use the same or another dataset"
        ))),
    }
}
