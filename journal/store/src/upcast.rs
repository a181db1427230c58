//! Schema numbers of stored records, and how older ones become current.
//!
//! rkyv archives do not describe themselves: the schema number in the page header does. A released layout never
//! changes; a new one gets a new number here, an upcaster from the old one and golden bytes in a test. Numbers 1
//! (frames of rkyv archives), 2 (earlier events) and 16 to 18 (flat records) were given to layouts that no release has written.

use crate::column::{self, ArchivedColumns};
use crate::page::{self, PageFault, PageHeader};
use crate::record::{FlatRows, Record, RecordKind};

/// Frames of envelopes in bincode.
pub const ENVELOPES: u16 = 3;
/// Trade records in columns.
pub const TRADES: u16 = 32;
/// Quote records in columns.
pub const QUOTES: u16 = 33;
/// Bar records in columns: eight, and a ninth for lengths where a bar of the page has one of its own.
pub const BARS: u16 = 34;

/// Most records that a page in columns holds. A larger number is damage.
pub(crate) const COLUMN_RECORDS_MAX: usize = 4_096;

/// The current schema of a kind of record.
#[must_use]
pub const fn schema_of(kind: RecordKind) -> u16 {
    match kind {
        RecordKind::Trades => TRADES,
        RecordKind::Quotes => QUOTES,
        RecordKind::Bars => BARS,
    }
}

/// Refuses a page that does not hold envelopes.
///
/// # Errors
/// [`PageFault::UnknownSchema`] for a number nobody has given out, [`PageFault::Records`] for a known one in
/// the wrong place.
pub const fn check_envelopes(found: u16) -> Result<(), PageFault> {
    check(found, found == ENVELOPES)
}

/// Refuses a page that does not hold records of `kind`.
///
/// # Errors
/// As [`check_envelopes`].
pub const fn check_records(found: u16, kind: RecordKind) -> Result<(), PageFault> {
    check(found, found == schema_of(kind))
}

const fn check(found: u16, expected: bool) -> Result<(), PageFault> {
    match found {
        _ if expected => Ok(()),
        ENVELOPES | TRADES | QUOTES | BARS => Err(PageFault::Records),
        unknown => Err(PageFault::UnknownSchema(unknown)),
    }
}

/// Replaces the content of `records` with the records of a stored page.
///
/// # Errors
/// [`PageFault::Records`] when the page holds no records of this kind or another number of them than its header
/// says; `records` is then of no use.
pub(crate) fn records<R: Record>(
    bytes: &[u8],
    header: &PageHeader,
    records: &mut Vec<R>,
) -> Result<(), PageFault> {
    read(bytes, header, records, |_| Some(()))
}

/// The numbers, from zero, of the first records in a damaged page that fail their check together; `None` when
/// none do or the page cannot be read at all.
pub(crate) fn first_damaged<R: Record>(bytes: &[u8], header: &PageHeader) -> Option<core::ops::Range<usize>> {
    let (mut records, mut flat) = (Vec::<R>::new(), FlatRows::default());
    let stored =
        |stored: &ArchivedColumns| Some(stored.checks.iter().map(|check| check.to_native()).collect());
    let checks: Vec<u32> = read(bytes, header, &mut records, stored).ok()?;
    R::flatten(&records, &mut flat);
    let group = flat.checks().into_iter().zip(checks).position(|(found, noted)| found != noted)?;
    let first = group.saturating_mul(column::GROUP);
    Some(first..first.saturating_add(column::GROUP).min(records.len()))
}

/// Whether a stored page holds as many records of `R` as its header says; costs as good as nothing, and a page
/// that passes reads back.
///
/// # Errors
/// As [`records`].
pub(crate) fn check_shape<R: Record>(bytes: &[u8], header: &PageHeader) -> Result<(), PageFault> {
    let count = header.count as usize;
    check_records(header.schema, R::KIND)?;
    let holds = column::access(page::payload(bytes, header), |stored| {
        R::fit_columns(&stored.columns, count).then_some(())
    });
    holds.filter(|()| count <= COLUMN_RECORDS_MAX).ok_or(PageFault::Records)
}

fn read<R: Record, T>(
    bytes: &[u8],
    header: &PageHeader,
    records: &mut Vec<R>,
    rest: impl FnOnce(&ArchivedColumns) -> Option<T>,
) -> Result<T, PageFault> {
    let count = header.count as usize;
    check_records(header.schema, R::KIND)?;
    if count > COLUMN_RECORDS_MAX {
        return Err(PageFault::Records);
    }
    records.resize(count, R::default());
    let read = column::access(page::payload(bytes, header), |stored| {
        R::read_columns(&stored.columns, records)?;
        rest(stored)
    });
    read.ok_or(PageFault::Records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{StreamDigest, hex};
    use crate::page::Seal;
    use crate::record::{BarRecord, LAG_UNKNOWN, QuoteRecord, TradeRecord};

    fn bars() -> Vec<BarRecord> {
        let bar = |number: i64| BarRecord {
            open_at: number * 60_000_000_000,
            open: 6_543_000_000 + number * 3_000_000,
            high: 6_700_000_000,
            low: 6_100_000_000,
            close: 6_543_000_000 - number * number * 1_000_000,
            volume: number * 12_300_000,
            trades: 7,
            own_length_ns: 0,
        };
        (1..=300).map(bar).collect()
    }

    fn sealed(schema: u16, mut page: Vec<u8>) -> Vec<u8> {
        let digest = StreamDigest::new([0; 32]);
        let seal = Seal {
            schema,
            count: 300,
            first_seq: 1,
            first_at: 1,
            last_at: 300,
            previous: [0; 32],
            digest: &digest,
        };
        page::seal(&mut page, seal);
        page
    }

    fn opened(page: &[u8]) -> Result<Vec<BarRecord>, PageFault> {
        let (header, _) = page::open(page).unwrap();
        let mut found = Vec::new();
        records(page, &header, &mut found).map(|()| found)
    }

    fn begun() -> Vec<u8> {
        let mut page = Vec::new();
        page::begin(&mut page);
        page
    }

    fn stored() -> Vec<u8> {
        let mut flat = FlatRows::default();
        BarRecord::flatten(&bars(), &mut flat);
        column::archive(BarRecord::columns(&bars()), flat.checks(), begun()).unwrap()
    }

    #[test]
    fn a_page_has_the_bytes_it_always_had_and_reads_back() {
        let page = sealed(BARS, stored());
        assert_eq!(opened(&page), Ok(bars()));
        assert_eq!(fingerprint(&page), ("88df8bbd5c919236".into(), 3_200));
        let trade =
            |n: i64| TradeRecord { venue_at: n * n, price: 7_000 - n, qty: n % 9, lag_us: 8, side: 1 };
        let quote = |n: i64| QuoteRecord {
            venue_at: n * n,
            bid: 7_000 - n,
            bid_qty: n % 9,
            ask: 7_001 + n,
            ask_qty: n % 7,
            lag_us: LAG_UNKNOWN,
        };
        let trades: Vec<_> = (1..=300).map(trade).collect();
        let quotes: Vec<_> = (1..=300).map(quote).collect();
        let page = |columns| column::archive(columns, Vec::new(), Vec::new()).unwrap();
        assert_eq!(fingerprint(&page(TradeRecord::columns(&trades))), ("432b9e43c123b707".into(), 1_976));
        assert_eq!(fingerprint(&page(QuoteRecord::columns(&quotes))), ("6c224b9f22fcc765".into(), 2_312));
    }

    /// The ninth column is there where a bar of the page has a length of its own.
    #[test]
    fn a_page_with_a_length_of_its_own_has_the_bytes_it_always_had_and_reads_back() {
        let mut bars = bars();
        bars[100].own_length_ns = 90_000_000_000;
        bars[200].own_length_ns = 30_000_000_000;
        let mut flat = FlatRows::default();
        BarRecord::flatten(&bars, &mut flat);
        let page = column::archive(BarRecord::columns(&bars), flat.checks(), begun()).unwrap();
        let page = sealed(BARS, page);
        assert_eq!(opened(&page), Ok(bars));
        assert_eq!(fingerprint(&page), ("4510c1e3733fbaf3".into(), 3_520));
    }

    fn fingerprint(bytes: &[u8]) -> (String, usize) {
        (hex(blake3::hash(bytes).as_bytes().get(..8).unwrap()), bytes.len())
    }

    #[test]
    fn damage_is_named_by_the_group_it_lies_in() {
        let page = sealed(BARS, stored());
        let mut places = [0; 5];
        for byte in page::HEADER_BYTES..page.len() {
            let mut damaged = page.clone();
            damaged[byte] ^= 4;
            let header = page::header(&damaged).unwrap();
            if let Some(range) = first_damaged::<BarRecord>(&damaged, &header) {
                assert!(range.start % column::GROUP == 0 && range.end <= 300, "{range:?}");
                places[range.start / column::GROUP] += 1;
            }
        }
        assert!(places.iter().all(|place| *place > 300), "each group is named in its turn: {places:?}");
    }

    #[test]
    fn a_page_of_another_kind_or_schema_is_refused() {
        let columns = stored();
        for (schema, fault) in [
            (TRADES, PageFault::Records),
            (ENVELOPES, PageFault::Records),
            (18, PageFault::UnknownSchema(18)),
            (99, PageFault::UnknownSchema(99)),
        ] {
            assert_eq!(opened(&sealed(schema, columns.clone())), Err(fault), "{schema}");
        }
    }
}
