//! What a series begins with: an order of series that knows neither their names nor how they were listed.

use core::cmp::Reverse;

use engine_core::num::Decimal;
use journal_store::dataset::{DatasetError, SeriesReader};
use journal_store::record::{BarRecord, QuoteRecord, Record, RecordKind, TradeRecord};

/// How many records are compared; series that begin with as many equal ones are ordered by their names.
const COMPARED: usize = 256;

/// The first 256 records of a series.
///
/// Series are ordered by when they begin, then the dearer first, then by the records themselves. So a run over
/// several instruments is the same however they are named and listed: at one moment they share one account, and who
/// comes first may be who still gets the cash.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Beginning {
    first_at: i64,
    /// The first price as the bits of a double, which order positive numbers as the numbers do.
    price: Reverse<u64>,
    records: Vec<[i128; 6]>,
}

impl Beginning {
    /// What `series` begins with; equal to the default for an empty one.
    ///
    /// # Errors
    /// [`DatasetError`] when its first pages cannot be read.
    pub fn of(series: &SeriesReader) -> Result<Self, DatasetError> {
        let records = match series.info().kind {
            RecordKind::Trades => first_of(series, |told: &TradeRecord| {
                [
                    told.venue_at.into(),
                    told.price.into(),
                    told.qty.into(),
                    told.lag_us.into(),
                    told.side.into(),
                    0,
                ]
            })?,
            RecordKind::Quotes => first_of(series, |told: &QuoteRecord| {
                let (bid, ask) =
                    ([told.bid.into(), told.bid_qty.into()], [told.ask.into(), told.ask_qty.into()]);
                [told.venue_at.into(), bid[0], bid[1], ask[0], ask[1], told.lag_us.into()]
            })?,
            RecordKind::Bars => first_of(series, |told: &BarRecord| {
                let ends = [told.open.into(), told.close.into()];
                [told.open_at.into(), ends[0], told.high.into(), told.low.into(), ends[1], told.volume.into()]
            })?,
        };
        let Some([_, units, ..]) = records.first().copied() else { return Ok(Self::default()) };
        let price = Decimal { units, decimals: series.info().price_decimals }.to_f64();
        Ok(Self { first_at: series.entry().first_at, price: Reverse(price.to_bits()), records })
    }
}

/// The first records of a series, however many its pages hold.
fn first_of<R: Record>(
    series: &SeriesReader,
    told: impl Fn(&R) -> [i128; 6],
) -> Result<Vec<[i128; 6]>, DatasetError> {
    let (mut pages, mut records, mut first) = (series.pages(1)?, Vec::<R>::new(), Vec::new());
    while first.len() < COMPARED
        && let Some(page) = pages.next_page()?
    {
        page.copy_to(&mut records);
        first.extend(records.iter().take(COMPARED - first.len()).map(&told));
    }
    Ok(first)
}
