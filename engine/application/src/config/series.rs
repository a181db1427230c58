//! Which series a run reads, and in which order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use journal_store::dataset::{DatasetError, DatasetReader};
use journal_store::record::RecordKind;
use journal_store::series::SeriesInfo;
use replay_simulation::series_feed::Beginning;
use strategies::spelling::nearest_name;

use super::resolve_error::ResolveError;
use super::{DataSection, RunSettings};

/// A dataset at hand and what it holds.
#[derive(Debug, Clone)]
pub struct Available {
    /// Where it lies.
    pub dataset: PathBuf,
    /// Its series.
    pub series: Vec<SeriesInfo>,
    /// What each of them begins with, by name.
    pub beginnings: BTreeMap<String, Beginning>,
}

impl Available {
    /// What the dataset in `dir` holds.
    ///
    /// # Errors
    /// [`DatasetError`] when the first pages of a series cannot be read.
    pub fn of(dir: &Path, reader: &DatasetReader) -> Result<Self, DatasetError> {
        // Of an import that was cut there may be no record yet.
        let filled = reader.series_list().iter().filter(|entry| entry.head.count > 0);
        let series: Vec<SeriesInfo> = filled.map(|entry| entry.info.clone()).collect();
        let mut beginnings = BTreeMap::new();
        for name in series.iter().map(SeriesInfo::name) {
            beginnings.insert(name.clone(), Beginning::of(&reader.series(&name)?)?);
        }
        Ok(Self { dataset: dir.to_path_buf(), series, beginnings })
    }
}

/// A series of a dataset.
pub(super) type Chosen<'a> = (&'a Available, &'a SeriesInfo);

/// The series of a run, each once, in an order that knows neither names nor lists.
///
/// # Errors
/// [`ResolveError`] when there is none, or for the first that is not there, not clear or chosen twice.
pub(super) fn choose<'a>(
    settings: &RunSettings,
    available: &'a [Available],
) -> Result<Vec<Chosen<'a>>, ResolveError> {
    let mut chosen = asked_for(settings, available)?;
    chosen.sort_by(|one, other| place(one).cmp(&place(other)));
    once_each(&chosen)?;
    Ok(chosen)
}

fn asked_for<'a>(
    settings: &RunSettings,
    available: &'a [Available],
) -> Result<Vec<Chosen<'a>>, ResolveError> {
    if available.is_empty() {
        return Err(ResolveError::NoDataset);
    }
    let all: Vec<Chosen<'a>> = available
        .iter()
        .flat_map(|dataset| dataset.series.iter().map(move |series| (dataset, series)))
        .collect();
    if all.is_empty() {
        return Err(ResolveError::NoSeries);
    }
    if settings.data.is_empty() {
        return Ok(all);
    }
    settings.data.iter().map(|data| choose_one(data, &all)).collect()
}

/// Where a series stands among those of a run: neither its name nor the order of the list decides, unless series begin
/// with the same records.
fn place<'a>((dataset, series): &Chosen<'a>) -> (Option<&'a Beginning>, String) {
    let name = series.name();
    (dataset.beginnings.get(&name), name)
}

/// Whether two paths lead to one directory, however they are spelled.
#[must_use]
pub fn same_directory(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    one == other || real(one).is_some_and(|place| Some(place) == real(other))
}

fn once_each(chosen: &[Chosen<'_>]) -> Result<(), ResolveError> {
    for (index, (dataset, series)) in chosen.iter().enumerate() {
        let name = series.name();
        if let Some((other, other_series)) =
            chosen.iter().skip(index + 1).find(|(_, other)| other.name() == name)
        {
            let places = [dataset.dataset.clone(), other.dataset.clone()];
            let lengths = [series.interval, other_series.interval];
            return Err(ResolveError::Doubled { series: name, places, lengths });
        }
    }
    Ok(())
}

fn choose_one<'a>(data: &DataSection, all: &[Chosen<'a>]) -> Result<Chosen<'a>, ResolveError> {
    let fits = |(dataset, series): &&Chosen<'a>| {
        data.symbol == series.symbol
            && data.venue.as_ref().is_none_or(|venue| *venue == series.venue)
            && data.kind.is_none_or(|kind| kind == series.kind)
            && data.dataset.as_ref().is_none_or(|path| same_directory(path, &dataset.dataset))
    };
    let fitting: Vec<&Chosen<'a>> = all.iter().filter(fits).collect();
    let part = |part: Option<&str>| part.unwrap_or("*").to_owned();
    let kind = part(data.kind.map(RecordKind::word));
    let wanted = format!("{}:{}:{kind}", part(data.venue.as_deref()), data.symbol);
    match fitting.as_slice() {
        [one] => Ok(**one),
        [] => Err(ResolveError::UnknownSeries {
            wanted,
            present: series_names(all.iter()),
            nearest: nearest_name(&data.symbol, all.iter().map(|(_, series)| series.symbol.as_str()))
                .filter(|symbol| *symbol != data.symbol)
                .map(str::to_owned),
        }),
        several => Err(ResolveError::Ambiguous { wanted, fitting: series_names(several.iter().copied()) }),
    }
}

/// The names of series, for a message.
pub(super) fn series_names<'a>(chosen: impl Iterator<Item = &'a Chosen<'a>>) -> String {
    chosen.map(|(_, series)| series.name()).collect::<Vec<_>>().join(", ")
}
