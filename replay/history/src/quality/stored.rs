//! The quality of records that are stored already.

use std::path::Path;

use journal_store::dataset::{DatasetError, DatasetReader, SeriesReader};
use journal_store::record::{Record, RecordKind};
use journal_store::series::SeriesInfo;
use serde::Serialize;

use super::{QualityObserver, QualityReport};

/// One series of a dataset and how good it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeriesQuality {
    /// Its name, as in `binance:BTCUSDT:trades`.
    pub series: String,
    /// What it is.
    pub info: SeriesInfo,
    /// Whether its last import came to its end.
    pub complete: bool,
    /// What its records are like.
    pub quality: QualityReport,
}

/// Reads every series of the dataset in `dir`, checking its chain, and says how good each is.
///
/// Digits that were lost before storing are remembered with the series; rows that were passed over are not.
///
/// # Errors
/// [`DatasetError`] when there is no dataset, it is in use or damaged.
pub fn check_dataset(dir: &Path) -> Result<Vec<SeriesQuality>, DatasetError> {
    let dataset = DatasetReader::open(dir)?;
    let mut all = Vec::new();
    for entry in dataset.series_list() {
        let name = entry.info.name();
        let series = dataset.series(&name)?;
        let mut observer = QualityObserver::new(entry.info.interval, entry.info.price_decimals);
        observer.add_losses(&entry.fidelity, 0);
        let quality = match entry.info.kind {
            RecordKind::Trades => {
                observer.trust_numbers(entry.fidelity.numbered);
                observed(&series, observer, QualityObserver::trade)?
            }
            RecordKind::Quotes => observed(&series, observer, QualityObserver::quote)?,
            RecordKind::Bars => observed(&series, observer, QualityObserver::bar)?,
        };
        all.push(SeriesQuality {
            series: name,
            info: entry.info.clone(),
            complete: !entry.importing,
            quality,
        });
    }
    Ok(all)
}

fn observed<R: Record + PartialEq>(
    series: &SeriesReader,
    mut observer: QualityObserver,
    take: impl Fn(&mut QualityObserver, &R),
) -> Result<QualityReport, DatasetError> {
    let mut pages = series.pages(1)?;
    let mut records: Vec<R> = Vec::new();
    let mut before: Option<R> = None;
    while let Some(page) = pages.next_page()? {
        page.copy_to(&mut records);
        for record in &records {
            if before.as_ref() == Some(record) {
                observer.duplicate(record.at());
            }
            take(&mut observer, record);
            before = Some(*record);
        }
    }
    Ok(observer.finish())
}
