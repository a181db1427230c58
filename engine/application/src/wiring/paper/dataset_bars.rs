//! Bars of the past that a dataset holds, for runs on real time that warm up from it.

use std::path::Path;

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::market::Bar;
use engine_core::num::{Decimal, Price, Qty};
use engine_core::time::{Span, Timestamp};
use engine_venues::decimal;
use journal_store::dataset::{DatasetError, DatasetReader, SeriesReader};
use journal_store::record::BarRecord;

use crate::wiring::error::ApplicationError;

/// The bars of a run's instruments in a dataset, in the order of the run.
pub(super) struct DatasetBars {
    series: Vec<SeriesReader>,
    interval: Span,
}

impl DatasetBars {
    /// The bars of `instruments` in the dataset in `dir`, each of which lasts `interval`.
    ///
    /// # Errors
    /// [`ApplicationError`] when the dataset cannot be opened, or has no such bars of one of them.
    pub(super) fn open(
        dir: &Path,
        instruments: &[Instrument],
        interval: Span,
    ) -> Result<Self, ApplicationError> {
        let reader = DatasetReader::open(dir)?;
        let series = instruments.iter().map(|rules| {
            let name = format!("{}:{}:bars", rules.venue, rules.symbol);
            let refused = |reason: String| {
                ApplicationError::Request(format!(
                    "warm up {} from {}: {reason}; import them, or say warmup.from = \"venue\"",
                    rules.symbol,
                    dir.display()
                ))
            };
            if !reader.series_list().iter().any(|entry| entry.info.name() == name) {
                let present: Vec<String> =
                    reader.series_list().iter().map(|entry| entry.info.name()).collect();
                return Err(refused(format!("it holds {} and no {name}", present.join(", "))));
            }
            let series = reader.series(&name)?;
            match series.info().interval {
                Some(length) if length == interval => Ok(series),
                Some(length) => Err(refused(format!("its bars last {length}, those of the run {interval}"))),
                None => Err(refused(format!("its bars have no length, those of the run last {interval}"))),
            }
        });
        Ok(Self { series: series.collect::<Result<_, _>>()?, interval })
    }

    /// The bars of the instrument of that number, whose rules are `rules`, that open at or after `from` and close by `until`,
    /// oldest first, at the nearest digits that the instrument has. A bar that does not fit it is left out.
    ///
    /// # Errors
    /// [`DatasetError`] when a page cannot be read.
    pub(super) fn between(
        &self,
        (number, rules): (usize, &Instrument),
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Bar>, DatasetError> {
        let Some(series) = self.series.get(number) else { return Ok(Vec::new()) };
        let first = series.seq_at(from.nanos())?;
        let mut bars: Vec<Bar> = Vec::new();
        if first > series.count() {
            return Ok(bars);
        }
        let info = series.info();
        let digits = [(info.price_decimals, rules.price_decimals), (info.qty_decimals, rules.qty_decimals)];
        for page in series.pages(first)? {
            for record in page?.records::<BarRecord>().unwrap_or_default() {
                let Some(bar) = fitted(&record, self.interval, digits) else { continue };
                if bar.close_at > until {
                    return Ok(bars);
                }
                if bar.open_at >= from && bars.last().is_none_or(|last| bar.open_at >= last.close_at) {
                    bars.push(bar);
                }
            }
        }
        Ok(bars)
    }
}

/// A bar of a dataset in the digits of an instrument; each pair is those of the dataset and those of the instrument, of
/// prices and of quantities. `None` where a price would be nothing, or a number does not fit.
fn fitted(record: &BarRecord, interval: Span, [prices, sizes]: [(u8, u8); 2]) -> Option<Bar> {
    let bar = record.bar(InstrumentId::new(0), interval);
    let price = |price: Price| {
        let near = decimal::nearest(Decimal { units: price.units().into(), decimals: prices.0 }, prices.1);
        decimal::price(near, prices.1).ok().filter(|price| price.is_positive())
    };
    let qty = |qty: Qty| {
        let near = decimal::nearest(Decimal { units: qty.units(), decimals: sizes.0 }, sizes.1);
        decimal::qty(near, sizes.1).ok()
    };
    Some(Bar {
        open: price(bar.open)?,
        high: price(bar.high)?,
        low: price(bar.low)?,
        close: price(bar.close)?,
        volume: qty(bar.volume)?,
        ..bar
    })
}

/// The spans between `from` and `until` that `bars` leave out, each at least one bar of `interval` long.
pub(super) fn holes(
    bars: &[Bar],
    (from, until): (Timestamp, Timestamp),
    interval: Span,
) -> Vec<(Timestamp, Timestamp)> {
    let mut begins = from;
    let mut holes = Vec::new();
    let ends = bars.iter().map(|bar| (bar.open_at, bar.close_at)).chain([(until, until)]);
    for (open_at, close_at) in ends {
        if open_at.since(begins) >= interval {
            holes.push((begins, open_at));
        }
        begins = begins.max(close_at);
    }
    holes
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = Span::HOUR.nanos();

    fn record(hour: i64, price: i64) -> BarRecord {
        BarRecord {
            open_at: hour * HOUR,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: 12_345,
            ..BarRecord::default()
        }
    }

    #[test]
    fn numbers_stand_at_the_nearest_digit_that_the_instrument_has() {
        let bar = fitted(&record(1, 100_255), Span::HOUR, [(3, 2), (4, 3)]).unwrap();
        assert_eq!((bar.open, bar.volume), (Price::from_units(10_026), Qty::from(1_234)));
        let finer = fitted(&record(1, 100_255), Span::HOUR, [(3, 5), (4, 8)]).unwrap();
        assert_eq!((finer.close, finer.volume), (Price::from_units(10_025_500), Qty::from(123_450_000)));
        assert!(fitted(&record(1, 4), Span::HOUR, [(3, 2), (4, 3)]).is_none(), "a price of nothing");
        assert!(fitted(&record(1, i64::MAX), Span::HOUR, [(0, 2), (0, 0)]).is_none(), "beyond 64 bits");
    }

    #[test]
    fn what_bars_leave_out_is_named_before_among_and_behind_them() {
        let bars: Vec<Bar> =
            [2, 3, 6].iter().filter_map(|hour| fitted(&record(*hour, 7), Span::HOUR, [(0, 0); 2])).collect();
        let at = |hour: i64| Timestamp::from_nanos(hour * HOUR);
        let found = |bars: &[Bar], from, until| holes(bars, (at(from), at(until)), Span::HOUR);
        assert_eq!(found(&bars, 0, 9), [(at(0), at(2)), (at(4), at(6)), (at(7), at(9))]);
        assert_eq!(found(&bars[..2], 2, 4), []);
        let half_an_hour = Timestamp::from_nanos(7 * HOUR + HOUR / 2);
        assert_eq!(holes(&bars, (at(6), half_an_hour), Span::HOUR), [], "the bar that forms");
        assert_eq!(holes(&[], (at(0), at(1)), Span::HOUR), [(at(0), at(1))]);
    }
}
