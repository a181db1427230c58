//! Bars of a stored series as detectors read them.

use engine_core::indicator::Candle;
use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::num::{Money, Price, Qty};
use engine_core::time::{Span, Timestamp};
use journal_store::dataset::{DatasetError, SeriesReader};
use journal_store::record::{BarRecord, RecordKind};
use journal_store::series::SeriesInfo;

use super::series::{BarSeries, BarSeriesError};

/// Why a stored series cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum StoredBarsError {
    /// It cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// It holds no bars but something else.
    #[error("read {series} as bars: it holds {kind}; regimes are named of bars")]
    NoBars {
        /// Its name.
        series: String,
        /// What it holds.
        kind: RecordKind,
    },
    /// Its bars are no series.
    #[error("read {series}: {reason}")]
    Unsound {
        /// Its name.
        series: String,
        /// Why not.
        reason: BarSeriesError,
    },
}

/// Every bar of `series` that begins before `until`.
///
/// # Errors
/// [`StoredBarsError`] when it holds no bars, is damaged, or its bars overlap.
pub fn stored_bars(series: &SeriesReader, until: Option<Timestamp>) -> Result<BarSeries, StoredBarsError> {
    let info = series.info();
    if info.kind != RecordKind::Bars {
        return Err(StoredBarsError::NoBars { series: info.name(), kind: info.kind });
    }
    let interval = info.interval.unwrap_or(Span::ZERO);
    let rules = rules(info);
    let mut bars = Vec::new();
    let mut records: Vec<BarRecord> = Vec::new();
    let mut pages = series.pages(1)?;
    while let Some(page) = pages.next_page()? {
        page.copy_to(&mut records);
        let bar = |record: &BarRecord| {
            let bar = record.bar(InstrumentId::new(0), interval);
            (bar.open_at, bar.length(), Candle::of(&bar, &rules))
        };
        bars.extend(records.iter().map(bar));
    }
    bars.retain(|(at, ..)| until.is_none_or(|until| *at < until));
    BarSeries::of_lengths(interval, bars)
        .map_err(|reason| StoredBarsError::Unsound { series: info.name(), reason })
}

/// The decimals of a series as an instrument; steps and limits are of no matter here.
fn rules(info: &SeriesInfo) -> Instrument {
    Instrument {
        venue: info.venue.clone(),
        symbol: info.symbol.clone(),
        price_decimals: info.price_decimals,
        qty_decimals: info.qty_decimals,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}
