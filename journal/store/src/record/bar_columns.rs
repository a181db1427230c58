//! The columns of bars: prices by what they are measured from.
//!
//! Where a bar opens the one before it has closed, or near it, and its other prices lie around its open. So what
//! is stored are the leap from the close before to the open, and rise, fall and body from there. Only the first
//! open of a page stands in full, in a column of its own.

use super::BarRecord;
use crate::column::{ArchivedColumn, Cell, Column};

impl BarRecord {
    pub(super) fn as_columns(records: &[Self]) -> Vec<Column> {
        let start = records.first().map_or(0, |first| first.open);
        let closes = core::iter::once(start).chain(records.iter().map(|bar| bar.close));
        let around =
            |price: fn(&Self) -> i64| records.iter().map(move |bar| price(bar).wrapping_sub(bar.open));
        vec![
            Column::of(records.iter().map(|bar| bar.open_at)),
            Column::of(core::iter::once(start)),
            Column::of(records.iter().zip(closes).map(|(bar, before)| bar.open.wrapping_sub(before))),
            Column::of(around(|bar| bar.high)),
            Column::of(around(|bar| bar.low)),
            Column::of(around(|bar| bar.close)),
            Column::of(records.iter().map(|bar| bar.volume)),
            Column::of(records.iter().map(|bar| bar.trades.number())),
        ]
    }

    pub(super) fn are_columns(columns: &[ArchivedColumn], count: usize) -> bool {
        let [open_at, start, others @ ..] = columns else { return false };
        others.len() == 6
            && start.fits(1)
            && open_at.fits(count)
            && others.iter().all(|column| column.fits(count))
    }

    pub(super) fn of_columns(columns: &[ArchivedColumn], records: &mut [Self]) -> Option<()> {
        let [open_at, start, leap, rise, fall, body, volume, trades] = columns else { return None };
        let mut before = [0];
        start.read(&mut before, |before, number| *before = number)?;
        let [mut before] = before;
        open_at.read(records, |bar, number| bar.open_at = number)?;
        leap.read(records, |bar, number| bar.open = number)?;
        rise.read(records, |bar, number| bar.high = number)?;
        fall.read(records, |bar, number| bar.low = number)?;
        body.read(records, |bar, number| bar.close = number)?;
        volume.read(records, |bar, number| bar.volume = number)?;
        trades.read(records, |bar, number| bar.trades = Cell::of(number))?;
        for bar in records {
            bar.open = bar.open.wrapping_add(before);
            bar.high = bar.high.wrapping_add(bar.open);
            bar.low = bar.low.wrapping_add(bar.open);
            bar.close = bar.close.wrapping_add(bar.open);
            before = bar.close;
        }
        Some(())
    }
}
