//! Market records of a dataset: flat for the digest, in columns where they lie.
//!
//! The archive of a record has no padding: every number is little-endian and sits at a multiple of its own size,
//! so records in order are one plain array, and that array is what the digest of a series takes in. A page
//! stores the same records column by column, see the column module, in a third of the bytes. The check of a
//! record is a truncated CRC-32 of its other bytes. It does not protect anything (the page's link does); it
//! *names* the damaged record once the link has failed.

use engine_core::instrument::InstrumentId;
use engine_core::market::{Aggressor, Bar, BarOpen, Quote, Trade};
use engine_core::num::{Price, Qty};
use engine_core::time::{Span, Timestamp};
use rkyv::rancor::Error;
use rkyv::util::AlignedVec;
use rkyv::vec::ArchivedVec;
use rkyv::{Archive, Deserialize, Serialize};

use crate::column::{ArchivedColumn, Cell, Column};

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

/// One print on the tape; 32 bytes archived.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TradeRecord {
    /// Venue time, nanoseconds since the epoch.
    pub venue_at: i64,
    /// Price in units of the series' price decimals.
    pub price: i64,
    /// Quantity in units of the series' quantity decimals.
    pub qty: i64,
    /// Arrival minus venue time in microseconds; [`LAG_UNKNOWN`] when the source does not say.
    pub lag_us: u32,
    /// Who took liquidity: 0 unknown, 1 buyer, 2 seller.
    pub side: u8,
    /// The record's check; the writer fills it in.
    pub check: [u8; 3],
}

/// The best bid and offer; 48 bytes archived.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// Arrival minus venue time in microseconds; [`LAG_UNKNOWN`] when the source does not say.
    pub lag_us: u32,
    /// The record's check; the writer fills it in.
    pub check: u32,
}

/// One bar; 56 bytes archived. It closes at `open_at` plus the interval of its series.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// The record's check; the writer fills it in.
    pub check: u32,
}

const _: () = assert!(size_of::<ArchivedTradeRecord>() == 32 && align_of::<ArchivedTradeRecord>() == 8);
const _: () = assert!(size_of::<ArchivedQuoteRecord>() == 48 && align_of::<ArchivedQuoteRecord>() == 8);
const _: () = assert!(size_of::<ArchivedBarRecord>() == 56 && align_of::<ArchivedBarRecord>() == 8);

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::TradeRecord {}
    impl Sealed for super::QuoteRecord {}
    impl Sealed for super::BarRecord {}
}

/// A record that a series can hold. The three kinds are all there are.
pub trait Record:
    sealed::Sealed + Archive + Copy + Default + core::fmt::Debug + PartialEq + Send + 'static
{
    /// The kind of series it belongs to.
    const KIND: RecordKind;
    /// Bytes of its archived form.
    const BYTES: usize = size_of::<Self::Archived>();

    /// Its moment, nanoseconds since the epoch; a series never goes back in it.
    fn at(&self) -> i64;
    /// The same record with its check filled in.
    #[must_use]
    fn checked(self) -> Self;
    /// Appends the archive of `records` to `out`: first the records as the digest takes them in.
    ///
    /// # Errors
    /// What rkyv says; it has no reason to say anything about flat records.
    #[doc(hidden)]
    #[expect(clippy::ptr_arg, reason = "rkyv archives a vector, not a slice")]
    fn archive(records: &Vec<Self>, out: Vec<u8>) -> Result<Vec<u8>, Error>;
    /// Reads an archive of records back; `None` when it is none.
    #[doc(hidden)]
    fn unarchive(archive: &[u8]) -> Option<Vec<Self>>;
    /// The columns of `records`.
    #[doc(hidden)]
    fn columns(records: &[Self]) -> Vec<Column>;
    /// Fills all of `records` from archived columns; `None` when they are not the columns of this many.
    #[doc(hidden)]
    fn read_columns(columns: &[ArchivedColumn], records: &mut [Self]) -> Option<()>;
}

macro_rules! record {
    ($name:ident, $kind:ident, $at:ident, [$($eight:ident),*], $tail:expr, $check:expr, { $($field:ident $(.$native:ident)?),* }) => {
        impl Record for $name {
            const KIND: RecordKind = RecordKind::$kind;

            fn at(&self) -> i64 {
                self.$at
            }

            fn checked(self) -> Self {
                let mut hasher = crc32fast::Hasher::new();
                let mut bytes = [0; 8 * [$(stringify!($eight)),*].len()];
                for (place, value) in bytes.chunks_exact_mut(8).zip([$(self.$eight),*]) {
                    place.copy_from_slice(&value.to_le_bytes());
                }
                hasher.update(&bytes);
                hasher.update(&$tail(&self));
                Self { check: $check(hasher.finalize()), ..self }
            }

            fn archive(records: &Vec<Self>, out: Vec<u8>) -> Result<Vec<u8>, Error> {
                rkyv::api::high::to_bytes_in::<_, Error>(records, out)
            }

            fn unarchive(archive: &[u8]) -> Option<Vec<Self>> {
                let mut aligned = AlignedVec::<8>::with_capacity(archive.len());
                aligned.extend_from_slice(archive);
                let stored = rkyv::access::<ArchivedVec<Self::Archived>, Error>(&aligned).ok()?;
                let restored = |stored: &Self::Archived| Self {
                    $($eight: stored.$eight.to_native(),)*
                    $($field: stored.$field $(.$native())?),*
                };
                Some(stored.iter().map(restored).collect())
            }

            fn columns(records: &[Self]) -> Vec<Column> {
                vec![
                    $(Column::of(records.iter().map(|record| record.$eight)),)*
                    $(Column::of(records.iter().map(|record| record.$field.number()))),*
                ]
            }

            fn read_columns(columns: &[ArchivedColumn], records: &mut [Self]) -> Option<()> {
                let mut columns = columns.iter();
                $(columns.next()?.read(records, |record, number| record.$eight = number)?;)*
                $(columns.next()?.read(records, |record, number| record.$field = Cell::of(number))?;)*
                columns.next().is_none().then_some(())
            }
        }
    };
}

fn trade_tail(record: &TradeRecord) -> [u8; 5] {
    let [a, b, c, d] = record.lag_us.to_le_bytes();
    [a, b, c, d, record.side]
}

fn quote_tail(record: &QuoteRecord) -> [u8; 4] {
    record.lag_us.to_le_bytes()
}

fn bar_tail(record: &BarRecord) -> [u8; 4] {
    record.trades.to_le_bytes()
}

const fn low_bytes(check: u32) -> [u8; 3] {
    let [a, b, c, _] = check.to_le_bytes();
    [a, b, c]
}

record!(TradeRecord, Trades, venue_at, [venue_at, price, qty], trade_tail, low_bytes, { lag_us.to_native, side, check });
record!(QuoteRecord, Quotes, venue_at, [venue_at, bid, bid_qty, ask, ask_qty], quote_tail, u32::from, {
    lag_us.to_native, check.to_native
});
record!(BarRecord, Bars, open_at, [open_at, open, high, low, close, volume], bar_tail, u32::from, {
    trades.to_native, check.to_native
});

impl TradeRecord {
    /// The trade it records, as `instrument` of a run.
    #[must_use]
    pub const fn trade(&self, instrument: InstrumentId) -> Trade {
        let aggressor = match self.side {
            1 => Aggressor::Buyer,
            2 => Aggressor::Seller,
            _ => Aggressor::Unknown,
        };
        Trade {
            instrument,
            venue_at: Timestamp::from_nanos(self.venue_at),
            price: Price::from_units(self.price),
            qty: Qty::from_units(self.qty),
            aggressor,
        }
    }
}

impl QuoteRecord {
    /// The quote it records, as `instrument` of a run.
    #[must_use]
    pub const fn quote(&self, instrument: InstrumentId) -> Quote {
        Quote {
            instrument,
            venue_at: Timestamp::from_nanos(self.venue_at),
            bid: Price::from_units(self.bid),
            bid_qty: Qty::from_units(self.bid_qty),
            ask: Price::from_units(self.ask),
            ask_qty: Qty::from_units(self.ask_qty),
        }
    }
}

impl BarRecord {
    /// The bar it records, as `instrument` of a run, in a series of `interval`.
    #[must_use]
    pub const fn bar(&self, instrument: InstrumentId, interval: Span) -> Bar {
        let open_at = Timestamp::from_nanos(self.open_at);
        Bar {
            instrument,
            open_at,
            close_at: open_at.plus(interval),
            open: Price::from_units(self.open),
            high: Price::from_units(self.high),
            low: Price::from_units(self.low),
            close: Price::from_units(self.close),
            volume: Qty::from_units(self.volume),
            trades: self.trades,
        }
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

/// Whole microseconds from `venue_at` to `arrived_at` (both nanoseconds); [`LAG_UNKNOWN`] when negative or
/// longer than 71 minutes.
#[must_use]
pub fn lag_us(venue_at: i64, arrived_at: i64) -> u32 {
    let micros = arrived_at.saturating_sub(venue_at).div_euclid(1_000);
    u32::try_from(micros).unwrap_or(LAG_UNKNOWN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::column;

    proptest! {
        #[test]
        fn records_read_back_as_they_were_written(
            rows in prop::collection::vec(any::<([i64; 6], u32, u8)>(), 1..200),
        ) {
            fn same<R: Record>(records: Vec<R>) -> Result<(), TestCaseError> {
                let records: Vec<R> = records.into_iter().map(R::checked).collect();
                let archive = R::archive(&records, Vec::new()).unwrap();
                prop_assert_eq!(archive.len(), records.len() * R::BYTES + 8);
                prop_assert_eq!(R::unarchive(&archive), Some(records.clone()));
                let stored = column::archive(&R::columns(&records), Vec::new()).unwrap();
                let read = |count| column::access(&stored, |columns| {
                    let mut read = vec![R::default(); count];
                    R::read_columns(columns, &mut read)?;
                    Some(read)
                });
                let all_equal = records.windows(2).all(|pair| matches!(pair, [a, b] if a == b));
                prop_assert!(all_equal || read(records.len() + 1).is_none());
                prop_assert_eq!(read(records.len()), Some(records));
                Ok(())
            }
            let trade = |([venue_at, price, qty, ..], lag_us, side): &([i64; 6], u32, u8)| {
                TradeRecord { venue_at: *venue_at, price: *price, qty: *qty, lag_us: *lag_us, side: *side, check: [0; 3] }
            };
            let quote = |([venue_at, bid, bid_qty, ask, ask_qty, _], lag_us, _): &([i64; 6], u32, u8)| QuoteRecord {
                venue_at: *venue_at, bid: *bid, bid_qty: *bid_qty, ask: *ask, ask_qty: *ask_qty, lag_us: *lag_us,
                check: 0,
            };
            let bar = |([open_at, open, high, low, close, volume], trades, _): &([i64; 6], u32, u8)| BarRecord {
                open_at: *open_at, open: *open, high: *high, low: *low, close: *close, volume: *volume,
                trades: *trades, check: 0,
            };
            same(rows.iter().map(trade).collect())?;
            same(rows.iter().map(quote).collect())?;
            same(rows.iter().map(bar).collect())?;
        }

        #[test]
        fn a_changed_record_fails_its_check(
            values in any::<[i64; 3]>(), lag_us in any::<u32>(), bit in 0_u32..64, field in 0_usize..3,
        ) {
            let [venue_at, price, qty] = values;
            let sound = TradeRecord { venue_at, price, qty, lag_us, side: 1, check: [0; 3] }.checked();
            let flip = 1_i64 << bit;
            let mut changed = sound;
            match field {
                0 => changed.venue_at ^= flip,
                1 => changed.price ^= flip,
                _ => changed.qty ^= flip,
            }
            prop_assert_eq!(sound, sound.checked());
            prop_assert_ne!(changed, changed.checked());
        }
    }

    #[test]
    fn a_lag_that_does_not_fit_is_unknown() {
        assert_eq!(lag_us(1_000, 6_999), 5);
        assert_eq!(lag_us(7_000, 6_000), LAG_UNKNOWN);
        assert_eq!(lag_us(0, i64::MAX), LAG_UNKNOWN);
    }
}
