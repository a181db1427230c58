//! Market records of a dataset: flat for the digest, in columns where they lie.
//!
//! The flat form of a record is its fields one after the other, little-endian, nothing between them; it is what
//! the digest of a series takes in, and it never changes with the layout of pages. A page stores the same
//! records column by column, see the column module, in a third of the bytes. A bar whose length is not that of its
//! series has a longer flat form, see the module of bar columns; all others have the one they would have without it.

use engine_core::instrument::InstrumentId;
use engine_core::market::{Aggressor, Bar, BarOpen, Quote, Trade};
use engine_core::num::{Price, Qty};
use engine_core::time::{Span, Timestamp};

use crate::column::{ArchivedColumn, Cell, Column};

mod bar_columns;
mod flat;

pub use flat::FlatRows;

/// Stands in `lag_us` where the source does not say when a record arrived.
pub const LAG_UNKNOWN: u32 = u32::MAX;

/// What a series holds.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    /// Prints on the tape.
    Trades,
    /// Best bids and offers.
    Quotes,
    /// Open, high, low, close and volume over an interval.
    Bars,
}

impl RecordKind {
    /// The word that stands in names: `trades`, `quotes` or `bars`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Quotes => "quotes",
            Self::Bars => "bars",
        }
    }
}

impl core::fmt::Display for RecordKind {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.write_str(self.word())
    }
}

/// One print on the tape; 29 bytes flat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TradeRecord {
    /// Venue time, nanoseconds since the epoch.
    pub venue_at: i64,
    /// Price in units of the series' price decimals.
    pub price: i64,
    /// Quantity in units of the series' quantity decimals.
    pub qty: i64,
    /// Arrival minus venue time in microseconds, as [`lag_us`] writes it and [`lag_span`] reads it.
    pub lag_us: u32,
    /// Who took liquidity: 0 unknown, 1 buyer, 2 seller.
    pub side: u8,
}

/// The best bid and offer; 44 bytes flat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuoteRecord {
    /// Venue time, nanoseconds since the epoch.
    pub venue_at: i64,
    /// Best price to sell at.
    pub bid: i64,
    /// Quantity bid for.
    pub bid_qty: i64,
    /// Best price to buy at.
    pub ask: i64,
    /// Quantity offered.
    pub ask_qty: i64,
    /// Arrival minus venue time in microseconds, as [`lag_us`] writes it and [`lag_span`] reads it.
    pub lag_us: u32,
}

/// One bar; 52 bytes flat, 68 with a length of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarRecord {
    /// When the bar begins, nanoseconds since the epoch.
    pub open_at: i64,
    /// First price.
    pub open: i64,
    /// Highest price.
    pub high: i64,
    /// Lowest price.
    pub low: i64,
    /// Last price.
    pub close: i64,
    /// Quantity traded.
    pub volume: i64,
    /// Number of trades; zero when the source does not say.
    pub trades: u32,
    /// How long it lasts, in nanoseconds, where that is not the interval of its series; zero where it is.
    pub own_length_ns: i64,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::TradeRecord {}
    impl Sealed for super::QuoteRecord {}
    impl Sealed for super::BarRecord {}
}

/// A record that a series can hold. The three kinds are all there are.
pub trait Record: sealed::Sealed + Copy + Default + core::fmt::Debug + PartialEq + Send + 'static {
    /// The kind of series it belongs to.
    const KIND: RecordKind;
    /// Bytes of its flat form, where it has nothing beyond its fields.
    const BYTES: usize;

    /// The moment that orders its series, nanoseconds since the epoch: when it arrived where the source says so, else
    /// its venue time, of bars the opening. A series never goes back in it.
    fn at(&self) -> i64;
    /// Whether it does not end before it begins.
    fn is_forward(&self) -> bool {
        true
    }
    /// Replaces the content of `flat` with the flat form of `records`.
    #[doc(hidden)]
    fn flatten(records: &[Self], flat: &mut FlatRows);
    /// The columns of `records`.
    #[doc(hidden)]
    fn columns(records: &[Self]) -> Vec<Column>;
    /// Whether archived columns are those of `count` records.
    #[doc(hidden)]
    fn fit_columns(columns: &[ArchivedColumn], count: usize) -> bool;
    /// Fills all of `records` from archived columns; `None` when they are not the columns of this many.
    #[doc(hidden)]
    fn read_columns(columns: &[ArchivedColumn], records: &mut [Self]) -> Option<()>;
}

macro_rules! record {
    (
        $name:ident, $kind:ident, $bytes:literal, |$record:ident| $at:expr, [$($field:ident),*] $(, $forward:expr)?
    ) => {
        impl Record for $name {
            const KIND: RecordKind = RecordKind::$kind;
            const BYTES: usize = $bytes;

            fn at(&self) -> i64 {
                let $record = self;
                $at
            }

            $(fn is_forward(&self) -> bool {
                let $record = self;
                $forward
            })?

            fn flatten(records: &[Self], flat: &mut FlatRows) {
                let (rows, _) = flat.even(records.len(), Self::BYTES).as_chunks_mut::<{ Self::BYTES }>();
                for (row, record) in rows.iter_mut().zip(records) {
                    let mut rest = row.as_mut_slice();
                    $(rest = put(rest, &record.$field.to_le_bytes());)*
                    debug_assert!(rest.is_empty(), "the fields make up the row");
                }
                Self::lengthen(records, flat);
            }

            fn columns(records: &[Self]) -> Vec<Column> {
                Self::as_columns(records)
            }

            fn fit_columns(columns: &[ArchivedColumn], count: usize) -> bool {
                Self::are_columns(columns, count)
            }

            fn read_columns(columns: &[ArchivedColumn], records: &mut [Self]) -> Option<()> {
                Self::of_columns(columns, records)
            }
        }
    };
}

/// Each field as it is makes a column.
macro_rules! plain_columns {
    ($name:ident, [$($field:ident),*]) => {
        impl $name {
            fn as_columns(records: &[Self]) -> Vec<Column> {
                vec![$(Column::of(records.iter().map(|record| record.$field.number()))),*]
            }

            /// Every row is as long as the fields.
            const fn lengthen(_records: &[Self], _flat: &mut FlatRows) {}

            fn are_columns(columns: &[ArchivedColumn], count: usize) -> bool {
                let fields = [$(stringify!($field)),*].len();
                columns.len() == fields && columns.iter().all(|column| column.fits(count))
            }

            fn of_columns(columns: &[ArchivedColumn], records: &mut [Self]) -> Option<()> {
                let mut columns = columns.iter();
                $(columns.next()?.read(records, |record, number| record.$field = Cell::of(number))?;)*
                columns.next().is_none().then_some(())
            }
        }
    };
}

/// Puts `bytes` at the front of `row` and answers what is behind them.
fn put<'a, const N: usize>(row: &'a mut [u8], bytes: &[u8; N]) -> &'a mut [u8] {
    let Some((front, rest)) = row.split_first_chunk_mut() else { return &mut [] };
    *front = *bytes;
    rest
}

record!(
    TradeRecord,
    Trades,
    29,
    |trade| arrived_at(trade.venue_at, trade.lag_us),
    [venue_at, price, qty, lag_us, side]
);
record!(
    QuoteRecord,
    Quotes,
    44,
    |quote| arrived_at(quote.venue_at, quote.lag_us),
    [venue_at, bid, bid_qty, ask, ask_qty, lag_us]
);
record!(
    BarRecord,
    Bars,
    52,
    |bar| bar.open_at,
    [open_at, open, high, low, close, volume, trades],
    bar.own_length_ns >= 0
);

plain_columns!(TradeRecord, [venue_at, price, qty, lag_us, side]);
plain_columns!(QuoteRecord, [venue_at, bid, bid_qty, ask, ask_qty, lag_us]);

impl TradeRecord {
    /// The trade it records, as `instrument` of a run.
    #[must_use]
    pub fn trade(&self, instrument: InstrumentId) -> Trade {
        let aggressor = match self.side {
            1 => Aggressor::Buyer,
            2 => Aggressor::Seller,
            _ => Aggressor::Unknown,
        };
        Trade {
            instrument,
            venue_at: Timestamp::from_nanos(self.venue_at),
            price: Price::from_units(self.price),
            qty: Qty::from(self.qty),
            aggressor,
        }
    }
}

impl QuoteRecord {
    /// The quote it records, as `instrument` of a run.
    #[must_use]
    pub fn quote(&self, instrument: InstrumentId) -> Quote {
        Quote {
            instrument,
            venue_at: Timestamp::from_nanos(self.venue_at),
            bid: Price::from_units(self.bid),
            bid_qty: Qty::from(self.bid_qty),
            ask: Price::from_units(self.ask),
            ask_qty: Qty::from(self.ask_qty),
        }
    }
}

impl BarRecord {
    /// How long it lasts in a series of `interval`.
    #[must_use]
    pub const fn length(&self, interval: Span) -> Span {
        if self.own_length_ns == 0 { interval } else { Span::from_nanos(self.own_length_ns) }
    }

    /// The bar it records, as `instrument` of a run, in a series of `interval`.
    #[must_use]
    pub fn bar(&self, instrument: InstrumentId, interval: Span) -> Bar {
        let open_at = Timestamp::from_nanos(self.open_at);
        Bar {
            instrument,
            open_at,
            close_at: self.close_at(interval),
            open: Price::from_units(self.open),
            high: Price::from_units(self.high),
            low: Price::from_units(self.low),
            close: Price::from_units(self.close),
            volume: Qty::from(self.volume),
            trades: self.trades,
        }
    }

    /// When a bar of a series of `interval` ends.
    #[must_use]
    pub fn close_at(&self, interval: Span) -> Timestamp {
        Timestamp::from_nanos(self.open_at).plus(self.length(interval))
    }

    /// The first price of the bar, as `instrument` of a run.
    #[must_use]
    pub const fn bar_open(&self, instrument: InstrumentId) -> BarOpen {
        BarOpen {
            instrument,
            open_at: Timestamp::from_nanos(self.open_at),
            open: Price::from_units(self.open),
        }
    }
}

/// The longest lag that is written, in microseconds: 35 minutes.
const LAG_MAX_US: i64 = i32::MAX as i64;

/// Whole microseconds from `venue_at` to `arrived_at` (both nanoseconds); [`LAG_UNKNOWN`] when longer than 35 minutes
/// either way.
///
/// A lag below zero, of a venue whose clock is ahead, counts down from below [`LAG_UNKNOWN`].
#[must_use]
pub fn lag_us(venue_at: i64, arrived_at: i64) -> u32 {
    let micros = arrived_at.saturating_sub(venue_at).div_euclid(1_000);
    match u32::try_from(micros.unsigned_abs()) {
        Ok(lag) if (0..=LAG_MAX_US).contains(&micros) => lag,
        Ok(lag) if micros < 0 && -micros <= LAG_MAX_US => LAG_UNKNOWN - lag,
        Ok(_) | Err(_) => LAG_UNKNOWN,
    }
}

/// What `lag_us` of a record says, or `None` where the source does not.
#[must_use]
pub const fn lag_span(lag_us: u32) -> Option<Span> {
    if lag_us == LAG_UNKNOWN {
        return None;
    }
    let lag = lag_us as i64;
    let micros = if lag <= LAG_MAX_US { lag } else { lag - LAG_UNKNOWN as i64 };
    Some(Span::from_nanos(micros * 1_000))
}

/// When a record arrived, nanoseconds since the epoch; its venue time where the source does not say.
const fn arrived_at(venue_at: i64, lag_us: u32) -> i64 {
    match lag_span(lag_us) {
        Some(lag) => venue_at.saturating_add(lag.nanos()),
        None => venue_at,
    }
}

#[cfg(test)]
mod tests;
