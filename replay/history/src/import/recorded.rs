//! Rows as records of one kind.

use engine_core::time::Span;
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

    /// The record at the moment a bar opens, whichever moment its source names, and as long as its row says.
    #[must_use]
    fn at_opening(self, clock: Option<&BarClock>, ends_at: Option<i64>) -> Self;

    /// Its fields as numbers, as they are set aside.
    fn numbers(&self) -> [i64; 7];

    /// The record with these fields.
    fn of_numbers(numbers: [i64; 7]) -> Self;

    /// Volume times close of a bar in units of both; nothing for what is no bar.
    fn turnover(&self) -> f64 {
        0.0
    }

    /// Whether it is a bar that does not last as long as the others of its series.
    fn is_odd(&self) -> bool {
        false
    }

    /// Takes the length of a bar from the one after it, where its row did not say it.
    fn last_for(&mut self, _length_ns: i64, _interval: Span) {}

    /// Whether `known`, which is there already, is this row; a row that does not say how long its bar is may be any.
    fn is_row_of(&self, known: &Self) -> bool {
        self == known
    }

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

    fn numbers(&self) -> [i64; 7] {
        [self.venue_at, self.price, self.qty, self.lag_us.into(), self.side.into(), 0, 0]
    }

    fn of_numbers([venue_at, price, qty, lag_us, side, ..]: [i64; 7]) -> Self {
        Self { venue_at, price, qty, lag_us: narrowed(lag_us), side: narrowed(side).to_le_bytes()[0] }
    }

    fn observe(&self, observer: &mut QualityObserver) {
        observer.trade(self);
    }

    fn at_opening(self, _clock: Option<&BarClock>, _ends_at: Option<i64>) -> Self {
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

    fn numbers(&self) -> [i64; 7] {
        [self.venue_at, self.bid, self.bid_qty, self.ask, self.ask_qty, self.lag_us.into(), 0]
    }

    fn of_numbers([venue_at, bid, bid_qty, ask, ask_qty, lag_us, _]: [i64; 7]) -> Self {
        Self { venue_at, bid, bid_qty, ask, ask_qty, lag_us: narrowed(lag_us) }
    }

    fn observe(&self, observer: &mut QualityObserver) {
        observer.quote(self);
    }

    fn at_opening(self, _clock: Option<&BarClock>, _ends_at: Option<i64>) -> Self {
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

    fn numbers(&self) -> [i64; 7] {
        [self.open_at, self.open, self.high, self.low, self.close, self.volume, self.trades.into()]
    }

    fn of_numbers([open_at, open, high, low, close, volume, trades]: [i64; 7]) -> Self {
        // How long it is is found out when it takes its place.
        Self { open_at, open, high, low, close, volume, trades: narrowed(trades), own_length_ns: 0 }
    }

    fn observe(&self, observer: &mut QualityObserver) {
        observer.bar(self);
    }

    fn at_opening(self, clock: Option<&BarClock>, ends_at: Option<i64>) -> Self {
        clock.map_or(self, |clock| clock.opened(self, ends_at))
    }

    fn turnover(&self) -> f64 {
        self.volume as f64 * self.close as f64
    }

    fn is_odd(&self) -> bool {
        self.own_length_ns != 0
    }

    fn last_for(&mut self, length_ns: i64, interval: Span) {
        self.own_length_ns = if length_ns == interval.nanos() { 0 } else { length_ns };
    }

    fn is_row_of(&self, known: &Self) -> bool {
        let own_length_ns = if self.own_length_ns == 0 { known.own_length_ns } else { self.own_length_ns };
        Self { own_length_ns, ..*self } == *known
    }

    fn quiet_at(&self, open_at: i64) -> Option<Self> {
        Some(quiet_bar(self, open_at))
    }
}

/// Back to the 32 bits that a number was widened from.
const fn narrowed(number: i64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
