//! The columns of bars: prices by what they are measured from.
//!
//! Where a bar opens the one before it has closed, or near it, and its other prices lie around its open. So what
//! is stored are the leap from the close before to the open, and rise, fall and body from there. Only the first
//! open of a page stands in full, in a column of its own.
//!
//! A ninth column holds, in nanoseconds, the lengths of bars that do not last as long as the interval of their series
//! says, and zero for those that do. A page without such bars has no ninth column. In the flat form such a bar is led
//! by 16 bytes: the smallest moment there is, which says that a length follows, and the length.

use super::{BarRecord, FlatRows};
use crate::column::{ArchivedColumn, Cell, Column};

/// Bytes in front of the row of a bar with a length of its own.
const LED_BYTES: usize = 16;

impl BarRecord {
    pub(super) fn as_columns(records: &[Self]) -> Vec<Column> {
        let start = records.first().map_or(0, |first| first.open);
        let closes = core::iter::once(start).chain(records.iter().map(|bar| bar.close));
        let around =
            |price: fn(&Self) -> i64| records.iter().map(move |bar| price(bar).wrapping_sub(bar.open));
        let mut columns = vec![
            Column::of(records.iter().map(|bar| bar.open_at)),
            Column::of(core::iter::once(start)),
            Column::of(records.iter().zip(closes).map(|(bar, before)| bar.open.wrapping_sub(before))),
            Column::of(around(|bar| bar.high)),
            Column::of(around(|bar| bar.low)),
            Column::of(around(|bar| bar.close)),
            Column::of(records.iter().map(|bar| bar.volume)),
            Column::of(records.iter().map(|bar| bar.trades.number())),
        ];
        if records.iter().any(|bar| bar.own_length_ns != 0) {
            columns.push(Column::of(records.iter().map(|bar| bar.own_length_ns)));
        }
        columns
    }

    /// Puts the length in front of the rows of bars that have one of their own.
    pub(super) fn lengthen(records: &[Self], flat: &mut FlatRows) {
        // A bar at the smallest moment is led too, so that no row can be taken for the head of another.
        let led = |bar: &Self| bar.own_length_ns != 0 || bar.open_at == i64::MIN;
        if !records.iter().any(led) {
            return;
        }
        let mut heads = Vec::with_capacity(records.len());
        for bar in records {
            let mut head = [0; LED_BYTES];
            let (mark, length) = head.split_at_mut(LED_BYTES / 2);
            mark.copy_from_slice(&i64::MIN.to_le_bytes());
            length.copy_from_slice(&bar.own_length_ns.to_le_bytes());
            heads.push(led(bar).then_some(head));
        }
        flat.lead(heads.iter().map(|head| head.as_ref().map(<[u8; LED_BYTES]>::as_slice)));
    }

    pub(super) fn are_columns(columns: &[ArchivedColumn], count: usize) -> bool {
        let [open_at, start, others @ ..] = columns else { return false };
        matches!(others.len(), 6 | 7)
            && start.fits(1)
            && open_at.fits(count)
            && others.iter().all(|column| column.fits(count))
    }

    pub(super) fn of_columns(columns: &[ArchivedColumn], records: &mut [Self]) -> Option<()> {
        let [open_at, start, leap, rise, fall, body, volume, trades, own_length @ ..] = columns else {
            return None;
        };
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
        for bar in records.iter_mut() {
            bar.own_length_ns = 0;
            bar.open = bar.open.wrapping_add(before);
            bar.high = bar.high.wrapping_add(bar.open);
            bar.low = bar.low.wrapping_add(bar.open);
            bar.close = bar.close.wrapping_add(bar.open);
            before = bar.close;
        }
        match own_length {
            [] => Some(()),
            [lengths] => lengths.read(records, |bar, number| bar.own_length_ns = number),
            [_, _, ..] => None,
        }
    }
}
