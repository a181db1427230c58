//! Rows as records of one kind.

use journal_store::record::{BarRecord, QuoteRecord, Record, TradeRecord};

use super::cadence::BarClock;
use super::gaps::quiet_bar;
use super::row::Row;
use crate::quality::QualityObserver;

/// What a source tells of a row beyond its record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Beside {
    /// The venue's number of a trade.
    pub(crate) id: Option<u64>,
    /// The last moment inside a bar.
    pub(crate) ends_at: Option<i64>,
}

/// A record that rows turn into.
pub(crate) trait Recorded: Record + PartialEq {
    /// The record in `row`, or `None` when it is of another kind.
    fn of(row: Row) -> Option<(Self, Beside)>;

    /// Shows the record to `observer`.
    fn observe(&self, observer: &mut QualityObserver);

    /// The record at the moment a bar opens, whichever moment its source names.
    #[must_use]
    fn at_opening(self, clock: Option<&BarClock>) -> Self;

    /// The bar at `open_at` if nothing was traded since this one; `None` for what is no bar.
    fn quiet_at(&self, _open_at: i64) -> Option<Self> {
        None
    }
}

impl Recorded for TradeRecord {
    fn of(row: Row) -> Option<(Self, Beside)> {
        match row {
            Row::Trade { record, id } => Some((record, Beside { id, ends_at: None })),
            Row::Quote(_) | Row::Bar { .. } => None,
        }
    }

    fn observe(&self, observer: &mut QualityObserver) {
        observer.trade(self);
    }

    fn at_opening(self, _clock: Option<&BarClock>) -> Self {
        self
    }
}

impl Recorded for QuoteRecord {
    fn of(row: Row) -> Option<(Self, Beside)> {
        match row {
            Row::Quote(record) => Some((record, Beside::default())),
            Row::Trade { .. } | Row::Bar { .. } => None,
        }
    }

    fn observe(&self, observer: &mut QualityObserver) {
        observer.quote(self);
    }

    fn at_opening(self, _clock: Option<&BarClock>) -> Self {
        self
    }
}

impl Recorded for BarRecord {
    fn of(row: Row) -> Option<(Self, Beside)> {
        match row {
            Row::Bar { record, ends_at } => Some((record, Beside { id: None, ends_at })),
            Row::Trade { .. } | Row::Quote(_) => None,
        }
    }

    fn observe(&self, observer: &mut QualityObserver) {
        observer.bar(self);
    }

    fn at_opening(self, clock: Option<&BarClock>) -> Self {
        clock.map_or(self, |clock| clock.opened(self))
    }

    fn quiet_at(&self, open_at: i64) -> Option<Self> {
        Some(quiet_bar(self, open_at))
    }
}
