//! The unit of storage: a page of records of one kind, chained to the page before.
//!
//! All numbers are little-endian.
//!
//! ```text
//!   0  magic        8   "JRNLPAGE"
//!   8  format       2   version of this layout: 1
//!  10  schema       2   what the records are, see the upcast module
//!  12  count        4   number of records
//!  16  first_seq    8   number of the first record, from 1
//!  24  first_at     8   moment of the first record, ns
//!  32  last_at      8   moment of the last record, ns
//!  40  payload_len  8   bytes of payload
//!  48  previous    32   link of the page before; zeros in the first
//!  80  block       32   digest at the last full digest block, to resume hashing
//! 112  digest      32   digest of all records up to the end of this page
//! 144  payload          records
//!      padding          zeros up to a multiple of 32
//!      link        32   BLAKE3 over everything above
//! ```
//!
//! The payload of a dataset page is the rkyv archive of its columns; see the column module. The payload of a run
//! page is a sequence of frames, one for each envelope, compressed; see the frame module.

use crate::chain::{Hash, StreamDigest};
use crate::event_order::Disorder;

/// The first bytes of every page.
pub const MAGIC: [u8; 8] = *b"JRNLPAGE";
/// Version of the page layout.
pub const FORMAT: u16 = 1;
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 144;
/// Bytes of the link behind the padding.
pub const LINK_BYTES: usize = 32;
const PADDING: usize = 32;

/// What stands before the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHeader {
    /// What the records are.
    pub schema: u16,
    /// Number of records, at least one.
    pub count: u32,
    /// Number of the first record.
    pub first_seq: u64,
    /// Moment of the first record, nanoseconds since the epoch.
    pub first_at: i64,
    /// Moment of the last record, nanoseconds since the epoch.
    pub last_at: i64,
    /// Bytes of payload.
    pub payload_len: usize,
    /// Link of the page before; zeros in the first.
    pub previous: Hash,
    /// Digest at the last full digest block.
    pub block: Hash,
    /// Digest of all records up to the end of this page.
    pub digest: Hash,
}

impl PageHeader {
    /// Number of the last record.
    #[must_use]
    pub const fn last_seq(&self) -> u64 {
        self.first_seq.saturating_add(self.count as u64).saturating_sub(1)
    }
}

/// Why bytes are not a sound page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// The bytes do not begin as a page.
    #[error("these bytes are not a page")]
    NotAPage,
    /// The page was written by a newer engine.
    #[error("page schema {0} is not known to this version of the engine")]
    UnknownSchema(u16),
    /// The bytes end early or late.
    #[error("the page has {found} bytes where its header says {expected}")]
    Length {
        /// By the header.
        expected: usize,
        /// As found.
        found: usize,
    },
    /// The bytes are not those that were written.
    #[error("the page's content does not match its link")]
    Content,
    /// The page does not follow the one before.
    #[error("the page does not follow the page before: its previous link is another")]
    Previous,
    /// Records are missing before the page, or repeated.
    #[error("the page begins with record {found}, expected {expected}")]
    Gap {
        /// Number of the record that should come.
        expected: u64,
        /// Number of the record that came.
        found: u64,
    },
    /// The records do not have the shape of their schema.
    #[error("the page's records do not have the shape of their schema")]
    Records,
    /// The digest in the header is not that of the records.
    #[error("the digest in the page's header is not that of its records")]
    Digest,
    /// An event of a run breaks the order of events.
    #[error("{disorder}")]
    Disorder {
        /// Number of the event.
        seq: u64,
        /// How.
        disorder: Disorder,
    },
}

/// What a page is sealed with besides its payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal<'a> {
    pub(crate) schema: u16,
    pub(crate) count: u32,
    pub(crate) first_seq: u64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    pub(crate) previous: Hash,
    pub(crate) digest: &'a StreamDigest,
}

/// An empty page: room for the header, ready for the payload.
pub(crate) fn begin(page: &mut Vec<u8>) {
    page.clear();
    page.resize(HEADER_BYTES, 0);
}

/// Fills in the header before the payload already in `page`, pads, and appends the link, which is answered.
pub(crate) fn seal(page: &mut Vec<u8>, seal: Seal<'_>) -> Hash {
    let header = header_bytes(&PageHeader {
        schema: seal.schema,
        count: seal.count,
        first_seq: seal.first_seq,
        first_at: seal.first_at,
        last_at: seal.last_at,
        payload_len: page.len().saturating_sub(HEADER_BYTES),
        previous: seal.previous,
        block: seal.digest.block(),
        digest: seal.digest.value(),
    });
    assert!(header.len() == HEADER_BYTES && page.len() > HEADER_BYTES, "a page has a header and a payload");
    if let Some(place) = page.get_mut(..HEADER_BYTES) {
        place.copy_from_slice(&header);
    }
    page.resize(page.len().next_multiple_of(PADDING), 0);
    let link = *blake3::hash(page).as_bytes();
    page.extend_from_slice(&link);
    link
}

/// A header as it is stored.
pub(crate) fn header_bytes(header: &PageHeader) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&header.schema.to_le_bytes());
    bytes.extend_from_slice(&header.count.to_le_bytes());
    bytes.extend_from_slice(&header.first_seq.to_le_bytes());
    bytes.extend_from_slice(&header.first_at.to_le_bytes());
    bytes.extend_from_slice(&header.last_at.to_le_bytes());
    bytes.extend_from_slice(&(header.payload_len as u64).to_le_bytes());
    bytes.extend_from_slice(&header.previous);
    bytes.extend_from_slice(&header.block);
    bytes.extend_from_slice(&header.digest);
    bytes
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], PageFault> {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().ok_or(PageFault::NotAPage)
}

/// Reads the header of a stored page and checks that its lengths fit; the content is not checked.
///
/// # Errors
/// [`PageFault`] when the bytes are no page of this format or not of the length the header says.
pub fn header(bytes: &[u8]) -> Result<PageHeader, PageFault> {
    let header = header_alone(bytes)?;
    let expected = stored_len(&header);
    if bytes.len() != expected {
        return Err(PageFault::Length { expected, found: bytes.len() });
    }
    Ok(header)
}

/// Reads a header without asking for the rest of the page.
pub(crate) fn header_alone(bytes: &[u8]) -> Result<PageHeader, PageFault> {
    if field::<8>(bytes, 0)? != MAGIC || u16::from_le_bytes(field(bytes, 8)?) != FORMAT {
        return Err(PageFault::NotAPage);
    }
    let header = PageHeader {
        schema: u16::from_le_bytes(field(bytes, 10)?),
        count: u32::from_le_bytes(field(bytes, 12)?),
        first_seq: u64::from_le_bytes(field(bytes, 16)?),
        first_at: i64::from_le_bytes(field(bytes, 24)?),
        last_at: i64::from_le_bytes(field(bytes, 32)?),
        payload_len: usize::try_from(u64::from_le_bytes(field(bytes, 40)?)).unwrap_or(usize::MAX),
        previous: field(bytes, 48)?,
        block: field(bytes, 80)?,
        digest: field(bytes, 112)?,
    };
    if header.count == 0 {
        return Err(PageFault::NotAPage);
    }
    Ok(header)
}

/// Bytes of the stored page by its header: header, payload, padding and link.
pub(crate) fn stored_len(header: &PageHeader) -> usize {
    sealed_len(header.payload_len.saturating_add(HEADER_BYTES))
}

/// Bytes of a page once it is sealed whose header and payload take `body` bytes.
pub(crate) fn sealed_len(body: usize) -> usize {
    body.checked_next_multiple_of(PADDING).unwrap_or(usize::MAX).saturating_add(LINK_BYTES)
}

/// Checks a page's content against its own link and answers header and link.
///
/// # Errors
/// [`PageFault`] naming what is wrong.
pub fn open(bytes: &[u8]) -> Result<(PageHeader, Hash), PageFault> {
    let header = header(bytes)?;
    let (body, link) = bytes.split_last_chunk::<LINK_BYTES>().ok_or(PageFault::NotAPage)?;
    if blake3::hash(body).as_bytes() != link {
        return Err(PageFault::Content);
    }
    Ok((header, *link))
}

/// The payload of a page whose header was read.
pub(crate) fn payload<'a>(bytes: &'a [u8], header: &PageHeader) -> &'a [u8] {
    bytes.get(HEADER_BYTES..HEADER_BYTES.saturating_add(header.payload_len)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut digest = StreamDigest::new([0; 32]);
        digest.push(b"record");
        let mut page = Vec::new();
        begin(&mut page);
        page.extend_from_slice(b"record");
        seal(
            &mut page,
            Seal {
                schema: 1,
                count: 1,
                first_seq: 5,
                first_at: 10,
                last_at: 11,
                previous: [9; 32],
                digest: &digest,
            },
        );
        page
    }

    #[test]
    fn a_sealed_page_opens_with_what_was_sealed() {
        let page = sample();
        let (header, link) = open(&page).unwrap();
        assert_eq!((header.first_seq, header.last_seq(), header.first_at, header.last_at), (5, 5, 10, 11));
        assert_eq!((header.previous, payload(&page, &header)), ([9; 32], b"record".as_slice()));
        assert_eq!(page.get(page.len() - 32..), Some(link.as_slice()));
    }

    #[test]
    fn every_single_bit_flip_is_found() {
        let page = sample();
        for bit in 0..page.len() * 8 {
            let mut damaged = page.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&damaged).is_err(), "bit {bit}");
        }
        for len in 0..page.len() {
            assert!(open(&page[..len]).is_err(), "length {len}");
        }
    }
}
