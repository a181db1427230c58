//! One envelope as bytes, the same whatever page it comes to lie in.
//!
//! ```text
//!   0  len      4   bytes of the archive
//!   4  crc32    4   over seq and archive: names the damaged event once the page's link has failed
//!   8  seq      8   number of the event
//!  16  archive      rkyv archive of the envelope
//!      padding      zeros up to a multiple of 16
//! ```

use engine_core::envelope::Envelope;
use rkyv::rancor::Error;
use rkyv::util::AlignedVec;

const HEAD: usize = 16;
const ALIGNMENT: usize = 16;

/// Appends the frame of `envelope` to `out`, whose length is a multiple of 16.
///
/// # Errors
/// What rkyv says, when an envelope is larger than it can point across.
pub(crate) fn encode(envelope: &Envelope, mut out: Vec<u8>) -> Result<Vec<u8>, Error> {
    let start = out.len();
    debug_assert!(start.is_multiple_of(ALIGNMENT), "frames begin where archives can be read");
    out.resize(start.saturating_add(HEAD), 0);
    let mut out = rkyv::api::high::to_bytes_in::<_, Error>(envelope, out)?;
    let len = out.len().saturating_sub(start.saturating_add(HEAD));
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
    let archive_end = start.saturating_add(HEAD).saturating_add(len);
    let seq = envelope.seq.number().to_le_bytes();
    let crc = check(seq, out.get(start.saturating_add(HEAD)..archive_end).unwrap_or_default());
    let len = u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    for (place, value) in out.iter_mut().skip(start).zip(len.into_iter().chain(crc.to_le_bytes()).chain(seq)) {
        *place = value;
    }
    Ok(out)
}

fn check(seq: [u8; 8], archive: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&seq);
    hasher.update(archive);
    hasher.finalize()
}

/// The frames of a payload, each with what it claims to be.
#[derive(Debug, Clone)]
pub(crate) struct Frames<'a> {
    rest: &'a [u8],
}

/// One frame as it lies in a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) seq: u64,
    pub(crate) is_sound: bool,
    /// The whole frame, padding included.
    pub(crate) bytes: &'a [u8],
    archive: &'a [u8],
}

impl<'a> Frames<'a> {
    pub(crate) const fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    /// The next frame; `None` at the end or where no frame fits any more.
    fn next(&mut self) -> Option<Frame<'a>> {
        let (len, rest) = self.rest.split_first_chunk::<4>()?;
        let (crc, rest) = rest.split_first_chunk::<4>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
        let archive = rest.get(..len)?;
        let total = HEAD.checked_add(len)?.checked_next_multiple_of(ALIGNMENT)?;
        let bytes = self.rest.get(..total)?;
        self.rest = self.rest.get(total..)?;
        let is_sound = check(*seq, archive) == u32::from_le_bytes(*crc);
        Some(Frame { seq: u64::from_le_bytes(*seq), is_sound, bytes, archive })
    }
}

impl Frame<'_> {
    /// The envelope, decoded; `None` when the archive is not that of an envelope with this number.
    pub(crate) fn envelope(&self) -> Option<Envelope> {
        let aligned = self.archive.as_ptr().addr().is_multiple_of(ALIGNMENT);
        let envelope = if aligned {
            rkyv::from_bytes::<Envelope, Error>(self.archive).ok()
        } else {
            let mut copy = AlignedVec::<ALIGNMENT>::with_capacity(self.archive.len());
            copy.extend_from_slice(self.archive);
            rkyv::from_bytes::<Envelope, Error>(&copy).ok()
        };
        envelope.filter(|envelope| envelope.seq.number() == self.seq)
    }
}
