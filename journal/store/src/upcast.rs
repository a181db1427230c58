//! Schema numbers of stored records, and how older ones become current.
//!
//! rkyv archives do not describe themselves: the schema number in the page header does. A released layout never
//! changes; a new one gets a new number here, an upcaster from the old one and golden bytes in a test. So far
//! every schema is the first of its kind and nothing needs to be upcast.

use crate::page::PageFault;
use crate::record::RecordKind;

/// Frames of envelopes.
pub const ENVELOPES: u16 = 1;
/// Flat trade records of 32 bytes.
pub const TRADES: u16 = 16;
/// Flat quote records of 48 bytes.
pub const QUOTES: u16 = 17;
/// Flat bar records of 56 bytes.
pub const BARS: u16 = 18;

/// The current schema of a kind of record.
#[must_use]
pub const fn schema_of(kind: RecordKind) -> u16 {
    match kind {
        RecordKind::Trades => TRADES,
        RecordKind::Quotes => QUOTES,
        RecordKind::Bars => BARS,
    }
}

/// Refuses a page whose schema is not `expected`.
///
/// # Errors
/// [`PageFault::UnknownSchema`] for a number nobody has given out, [`PageFault::Records`] for a known one in
/// the wrong place.
pub const fn check(found: u16, expected: u16) -> Result<(), PageFault> {
    match found {
        _ if found == expected => Ok(()),
        ENVELOPES | TRADES | QUOTES | BARS => Err(PageFault::Records),
        unknown => Err(PageFault::UnknownSchema(unknown)),
    }
}
