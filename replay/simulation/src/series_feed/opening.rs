//! Opening the data of a run: which series, from which record to which, and whether they suit the run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine_core::event::DatasetRef;
use engine_core::instrument::InstrumentId;
use engine_core::time::{Span, Timestamp};
use engine_runtime::ports::EnvironmentError;
use journal_store::dataset::{DatasetError, DatasetReader, SeriesReader};
use journal_store::record::RecordKind;
use journal_store::series::{Fidelity, SeriesEntry};

use super::{Bars, Records, SeriesFeed, SeriesFeeds};
use crate::config::{BacktestConfig, FillModel};
use replay_history::market_source::all_have_prices_at;

/// What a run reads, with the names its manifest gives them.
#[derive(Debug)]
pub struct OpenedData {
    /// The market source.
    pub source: SeriesFeeds,
    /// The datasets by content, in the order of source rank.
    pub datasets: Vec<DatasetRef>,
    /// Whether any of them is made up.
    pub synthetic: bool,
    /// Records the run will read.
    pub records: u64,
    /// What was lost of the data before it was stored, one sentence each.
    pub cautions: Vec<String>,
}

impl OpenedData {
    /// Checks that all bars have one length, for policies that weigh one market against another bar by bar.
    ///
    /// # Errors
    /// [`DataError::Unsuitable`] naming the first series that differs from those before it.
    pub fn of_one_bar_length(&self) -> Result<(), DataError> {
        let mut bars = self.source.feeds.iter().filter(|feed| feed.interval != Span::ZERO);
        let Some(first) = bars.next() else { return Ok(()) };
        let Some(odd) = bars.find(|feed| feed.interval != first.interval) else { return Ok(()) };
        let reason = format!(
            "its bars last {}, those of {} last {}; the policy weighs markets against each other bar by bar: import \
             bars of one length, or leave one of the two out",
            odd.interval, first.name, first.interval
        );
        Err(DataError::Unsuitable { series: odd.name.clone(), reason })
    }
}

/// Why the data of a run cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A dataset or series cannot be opened.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A series does not suit the run.
    #[error("use {series}: {reason}")]
    Unsuitable {
        /// Name of the series.
        series: String,
        /// Why not, and what would.
        reason: String,
    },
}

/// Dataset directories that stay open while runs read from them; one store can be opened only once at a time.
#[derive(Debug, Default)]
pub struct OpenDatasets {
    readers: BTreeMap<PathBuf, DatasetReader>,
}

impl OpenDatasets {
    /// The reader of `dir`, opened at the first call.
    ///
    /// # Errors
    /// [`DatasetError`] when it cannot be opened.
    pub fn reader(&mut self, dir: &std::path::Path) -> Result<&DatasetReader, DatasetError> {
        // A store is opened once at a time, by whatever words it is called.
        let place = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_path_buf());
        match self.readers.entry(place) {
            std::collections::btree_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::btree_map::Entry::Vacant(place) => Ok(place.insert(DatasetReader::open(dir)?)),
        }
    }
}

/// Opens every series of `config`, positioned at its first record.
///
/// # Errors
/// [`DataError`] when one is missing, damaged, empty or of a kind the fill model cannot use.
pub fn open(config: &BacktestConfig, datasets: &mut OpenDatasets) -> Result<OpenedData, DataError> {
    open_ranges(config, datasets, |_, series| asked_range(config, series))
}

/// Opens what a manifest names, record for record.
///
/// # Errors
/// As [`open`], and when a series is not the one that was named.
pub fn open_recorded(
    config: &BacktestConfig,
    recorded: &[DatasetRef],
    datasets: &mut OpenDatasets,
) -> Result<OpenedData, DataError> {
    open_ranges(config, datasets, |rank, series| {
        let refused = |reason: &str| {
            let (series, reason) = (series.info().name(), reason.to_owned());
            Err(DataError::Unsuitable { series, reason })
        };
        let Some(then) = recorded.get(rank) else { return refused("the manifest does not name it") };
        if series.count() < then.count || series.digest_at(then.count)? != then.digest {
            return refused("its records are not those the run was made from; name the original dataset");
        }
        let (first, last) = asked_range(config, series)?;
        if (then.first, then.last) != (first, last.min(then.count)) {
            return refused("the manifest reads other records of it than its settings ask for");
        }
        Ok((then.first, then.last))
    })
}

/// The first and last record within the asked period.
fn asked_range(config: &BacktestConfig, series: &SeriesReader) -> Result<(u64, u64), DataError> {
    let first = match config.from {
        Some(from) => series.seq_at(from.nanos())?,
        None => 1,
    };
    let last = match config.to {
        Some(to) => series.seq_at(to.nanos())?.saturating_sub(1),
        None => series.count(),
    };
    if last >= first {
        return Ok((first, last));
    }
    let reason = "it holds no records in the asked period; widen run.from and run.to".to_owned();
    Err(DataError::Unsuitable { series: series.info().name(), reason })
}

fn open_ranges(
    config: &BacktestConfig,
    datasets: &mut OpenDatasets,
    range: impl Fn(usize, &SeriesReader) -> Result<(u64, u64), DataError>,
) -> Result<OpenedData, DataError> {
    let mut opened = OpenedData {
        source: SeriesFeeds { feeds: Vec::new(), due: Vec::new(), primed: false, begins_at: Timestamp::MIN },
        datasets: Vec::new(),
        synthetic: false,
        records: 0,
        cautions: Vec::new(),
    };
    let mut firsts = Vec::new();
    for (rank, feed) in config.feeds.iter().enumerate() {
        let series = datasets.reader(&feed.dataset)?.series(&feed.series)?;
        suits(config, feed.instrument, &series)?;
        let (first, last) = range(rank, &series)?;
        opened.datasets.push(series.dataset_ref(first, last));
        opened.synthetic |= series.info().synthetic;
        opened.records += last - first + 1;
        opened.cautions.extend(caution(series.entry()));
        let interval = series.info().interval.unwrap_or(Span::ZERO);
        one_length(&opened.source.feeds, (feed.instrument, interval), &series)?;
        let rank = u16::try_from(rank).unwrap_or(u16::MAX);
        let mut feed = series_feed(config, &series, rank, feed.instrument, first, last)?;
        let unreadable = |error: EnvironmentError| DataError::Unsuitable {
            series: series.info().name(),
            reason: error.to_string(),
        };
        firsts.extend(feed.first_item().map_err(unreadable)?);
        opened.source.feeds.push(feed);
    }
    opened.source.begins_at = all_have_prices_at(firsts.iter());
    opened.source.due = vec![None; opened.source.feeds.len()];
    Ok(opened)
}

/// What importing lost of a series, if anything.
fn caution(entry: &SeriesEntry) -> Option<String> {
    let Fidelity { dusted_numbers, early_records, quiet_bars, odd_bars, .. } = entry.fidelity;
    let mut said = Vec::new();
    if entry.fidelity.rounded() > 0 {
        said.push(format!("{} numbers lost digits when they were imported", entry.fidelity.rounded()));
    }
    if dusted_numbers > 0 {
        said.push(format!(
            "{dusted_numbers} numbers were taken at 15 digits, as they came out of binary arithmetic"
        ));
    }
    if !said.is_empty() {
        said.push(format!("the largest error is {} of the number", entry.fidelity.relative_error_max()));
    }
    if early_records > 0 {
        said.push(format!(
            "{early_records} records were received before their venue's time, at which the run learns them"
        ));
    }
    if quiet_bars > 0 {
        said.push(format!(
            "{quiet_bars} bars that the source left out, as nothing was traded, are bars without volume at the last price"
        ));
    }
    if odd_bars > 0 {
        said.push(format!(
            "{odd_bars} bars are longer or shorter than the others; the run learns each at its own end"
        ));
    }
    if entry.importing {
        said.push("its last import was cut, and the records it did not finish are not there".to_owned());
    }
    (!said.is_empty()).then(|| format!("{}: {}.", entry.info.name(), said.join("; ")))
}

/// Refuses bars of a second length of one instrument: mixed in one run they would be one series to every strategy.
fn one_length(
    feeds: &[SeriesFeed],
    (instrument, interval): (u16, Span),
    series: &SeriesReader,
) -> Result<(), DataError> {
    // Trades and quotes have no length.
    let same =
        |feed: &&SeriesFeed| feed.instrument == InstrumentId::new(instrument) && feed.interval != Span::ZERO;
    let other = feeds.iter().filter(same).find(|feed| feed.interval != interval);
    let Some(other) = other.filter(|_| series.info().kind == RecordKind::Bars) else { return Ok(()) };
    let reason = format!(
        "its bars last {interval}, those of another dataset of this run last {}; a run reads bars of one length of an \
         instrument: name one of the two with --dataset, or with `dataset` in [[data]]",
        other.interval
    );
    Err(DataError::Unsuitable { series: series.info().name(), reason })
}

fn series_feed(
    config: &BacktestConfig,
    series: &SeriesReader,
    dataset: u16,
    instrument: u16,
    first: u64,
    last: u64,
) -> Result<SeriesFeed, DataError> {
    let info = series.info();
    let records = match info.kind {
        RecordKind::Trades => Records::Trades(Vec::new()),
        RecordKind::Quotes => Records::Quotes(Vec::new()),
        RecordKind::Bars => Records::Bars(Vec::new()),
    };
    Ok(SeriesFeed {
        name: info.name(),
        series: series.clone(),
        begins_with: first,
        pages: series.pages(first)?,
        records,
        next: 0,
        loaded: 0,
        first_seq: first,
        last_seq: last,
        dataset,
        instrument: InstrumentId::new(instrument),
        interval: info.interval.unwrap_or(Span::ZERO),
        delay: config.latency.feed,
        bars: match config.fill {
            FillModel::NextOpen => Bars::Announced,
            FillModel::SameClose | FillModel::AtSignal => Bars::Silent,
            FillModel::Trades | FillModel::Quotes => Bars::Signals,
        },
        opened: false,
        at: Timestamp::MIN,
    })
}

/// Refuses data the fill model cannot use and decimals that differ from the instrument's.
fn suits(config: &BacktestConfig, instrument: u16, series: &SeriesReader) -> Result<(), DataError> {
    let info = series.info();
    let usable = match config.fill {
        FillModel::NextOpen | FillModel::SameClose => info.kind == RecordKind::Bars,
        FillModel::AtSignal => info.kind == RecordKind::Trades,
        // Bars beside them are what is decided on.
        FillModel::Trades => matches!(info.kind, RecordKind::Trades | RecordKind::Bars),
        FillModel::Quotes => true,
    };
    let refused = |reason: String| Err(DataError::Unsuitable { series: info.name(), reason });
    if !usable {
        return refused(format!(
            "the fill model {} cannot use {}; bars want next-open or same-close, trades want trades or \
             at-signal, quotes want quotes",
            config.fill.name(),
            info.kind
        ));
    }
    let Some(rules) = config.instruments.get(usize::from(instrument)) else {
        return refused("the run has no instrument for it".to_owned());
    };
    if (rules.price_decimals, rules.qty_decimals) != (info.price_decimals, info.qty_decimals) {
        return refused(format!(
            "it has {} price and {} quantity decimals, the instrument {} and {}",
            info.price_decimals, info.qty_decimals, rules.price_decimals, rules.qty_decimals
        ));
    }
    Ok(())
}
