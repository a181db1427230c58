//! Schema numbers of stored records, and how older ones become current.
//!
//! rkyv archives do not describe themselves: the schema number in the page header does. A released layout never
//! changes; a new one gets a new number here, an upcaster from the old one and golden bytes in a test. Market
//! records were stored flat at first; such pages are read as ever, beside pages in columns, even in one series.

use crate::column;
use crate::page::{self, PageFault, PageHeader};
use crate::record::{Record, RecordKind};

/// Frames of envelopes in bincode. Number 1 was given to frames of rkyv archives, which no released version wrote.
pub const ENVELOPES: u16 = 2;
/// The rkyv archive of a vector of trade records of 32 bytes; read, no longer written.
pub const TRADES_FLAT: u16 = 16;
/// The rkyv archive of a vector of quote records of 48 bytes; read, no longer written.
pub const QUOTES_FLAT: u16 = 17;
/// The rkyv archive of a vector of bar records of 56 bytes; read, no longer written.
pub const BARS_FLAT: u16 = 18;
/// Trade records in columns.
pub const TRADES: u16 = 32;
/// Quote records in columns.
pub const QUOTES: u16 = 33;
/// Bar records in columns.
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

const fn flat_schema_of(kind: RecordKind) -> u16 {
    match kind {
        RecordKind::Trades => TRADES_FLAT,
        RecordKind::Quotes => QUOTES_FLAT,
        RecordKind::Bars => BARS_FLAT,
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
    check(found, found == schema_of(kind) || found == flat_schema_of(kind))
}

const fn check(found: u16, expected: bool) -> Result<(), PageFault> {
    match found {
        _ if expected => Ok(()),
        ENVELOPES | TRADES_FLAT | QUOTES_FLAT | BARS_FLAT | TRADES | QUOTES | BARS => Err(PageFault::Records),
        unknown => Err(PageFault::UnknownSchema(unknown)),
    }
}

/// Replaces the content of `records` with the records of a stored page of any schema of their kind.
///
/// # Errors
/// [`PageFault::Records`] when the page holds no records of this kind or another number of them than its header
/// says; `records` is then of no use.
pub(crate) fn records<R: Record>(
    bytes: &[u8],
    header: &PageHeader,
    records: &mut Vec<R>,
) -> Result<(), PageFault> {
    let (payload, count) = (page::payload(bytes, header), header.count as usize);
    check_records(header.schema, R::KIND)?;
    if header.schema == flat_schema_of(R::KIND) {
        *records = R::unarchive(payload).filter(|found| found.len() == count).ok_or(PageFault::Records)?;
        return Ok(());
    }
    if count > COLUMN_RECORDS_MAX {
        return Err(PageFault::Records);
    }
    records.resize(count, R::default());
    column::access(payload, |columns| R::read_columns(columns, records)).ok_or(PageFault::Records)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{StreamDigest, hex};
    use crate::page::Seal;
    use crate::record::BarRecord;

    fn bars() -> Vec<BarRecord> {
        let bar = |number: i64| BarRecord {
            open_at: number * 60_000_000_000,
            open: 6_543_000_000 + number * 3_000_000,
            high: 6_700_000_000,
            low: 6_100_000_000,
            close: 6_543_000_000 - number * number * 1_000_000,
            volume: number * 12_300_000,
            trades: 7,
            check: 0,
        };
        (1..=300).map(|number| bar(number).checked()).collect()
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

    fn read(page: &[u8]) -> Result<Vec<BarRecord>, PageFault> {
        let (header, _) = page::open(page).unwrap();
        let mut found = Vec::new();
        records(page, &header, &mut found).map(|()| found)
    }

    fn begun() -> Vec<u8> {
        let mut page = Vec::new();
        page::begin(&mut page);
        page
    }

    #[test]
    fn pages_of_either_layout_have_the_bytes_they_always_had_and_hold_the_same_records() {
        let flat = sealed(BARS_FLAT, BarRecord::archive(&bars(), begun()).unwrap());
        let columns = sealed(BARS, column::archive(&BarRecord::columns(&bars()), begun()).unwrap());
        assert_eq!((read(&flat), read(&columns)), (Ok(bars()), Ok(bars())));
        let fingerprint = |page: &[u8]| hex(blake3::hash(page).as_bytes().get(..8).unwrap());
        assert_eq!((fingerprint(&flat), flat.len()), ("80758443b02f849a".into(), 16_992));
        assert_eq!((fingerprint(&columns), columns.len()), ("abb25b60c6997960".into(), 4_352));
    }

    #[test]
    fn a_page_of_another_kind_or_schema_is_refused() {
        let columns = column::archive(&BarRecord::columns(&bars()), begun()).unwrap();
        for (schema, fault) in [
            (TRADES, PageFault::Records),
            (ENVELOPES, PageFault::Records),
            (BARS_FLAT, PageFault::Records),
            (99, PageFault::UnknownSchema(99)),
        ] {
            assert_eq!(read(&sealed(schema, columns.clone())), Err(fault), "{schema}");
        }
    }
}
