//! Two fingerprints of a stream of records: the link of its pages and the digest of the records themselves.
//!
//! The **link** of a page is BLAKE3 over all its bytes, the link of the page before among them. It proves pages
//! quickly, one by one, and depends on where the pages were cut.
//!
//! The **digest** is BLAKE3 over the records in order and does not know pages. So that appending to a long
//! stream need not read it all again, records are hashed in blocks of [`DIGEST_BLOCK`], each block keyed with
//! the digest at the end of the one before:
//!
//! ```text
//! digest(0) = start          digest(n) = BLAKE3 keyed with digest(b) over records b+1 … n,
//!                            b the last multiple of DIGEST_BLOCK before n
//! ```

use engine_runtime::ports::Head;

use crate::frame::Frames;

/// Where the digest of every run starts.
pub(crate) const RUN_START: Hash = [0; 32];

/// A BLAKE3 hash.
pub type Hash = [u8; 32];

/// Records hashed under one key.
pub const DIGEST_BLOCK: u64 = 65_536;

/// The running digest of a stream of records.
#[derive(Debug, Clone)]
pub struct StreamDigest {
    count: u64,
    block: Hash,
    hasher: blake3::Hasher,
}

impl StreamDigest {
    /// The digest of a stream without records that starts from `start`.
    #[must_use]
    pub fn new(start: Hash) -> Self {
        Self::resumed(0, start)
    }

    /// A stream whose first `count` records (a multiple of [`DIGEST_BLOCK`]) have the digest `block`.
    #[must_use]
    pub fn resumed(count: u64, block: Hash) -> Self {
        Self { count, block, hasher: blake3::Hasher::new_keyed(&block) }
    }

    /// Adds one record.
    pub fn push(&mut self, record: &[u8]) {
        self.hasher.update(record);
        self.count = self.count.saturating_add(1);
        self.turn();
    }

    /// Adds a flat array of records of `size` bytes each.
    pub fn push_flat(&mut self, mut records: &[u8], size: usize) {
        while !records.is_empty() {
            let room = DIGEST_BLOCK - self.count % DIGEST_BLOCK;
            let room_bytes = usize::try_from(room).unwrap_or(usize::MAX).saturating_mul(size);
            let (now, later) = records.split_at(room_bytes.min(records.len()));
            self.hasher.update(now);
            self.count = self.count.saturating_add((now.len() / size.max(1)) as u64);
            self.turn();
            records = later;
        }
    }

    /// Adds `count` records of any size that do not reach beyond the end of a block.
    pub(crate) fn push_run(&mut self, records: &[u8], count: u64) {
        if count > 0 {
            debug_assert!(
                self.count % DIGEST_BLOCK + count <= DIGEST_BLOCK,
                "a run of records ends with its block"
            );
            self.hasher.update(records);
            self.count = self.count.saturating_add(count);
            self.turn();
        }
    }

    /// Adds the frames of a page, whole blocks at a time: many at once hash several times faster than one by one.
    pub(crate) fn push_frames(&mut self, frames: &[u8]) {
        let (mut hashed, mut end, mut waiting) = (0_usize, 0_usize, 0_u64);
        for frame in Frames::new(frames) {
            end = end.saturating_add(frame.bytes.len());
            waiting = waiting.saturating_add(1);
            if self.count.saturating_add(waiting).is_multiple_of(DIGEST_BLOCK) {
                self.push_run(frames.get(hashed..end).unwrap_or_default(), waiting);
                (hashed, waiting) = (end, 0);
            }
        }
        self.push_run(frames.get(hashed..end).unwrap_or_default(), waiting);
    }

    fn turn(&mut self) {
        if self.count.is_multiple_of(DIGEST_BLOCK) {
            *self = Self::resumed(self.count, *self.hasher.finalize().as_bytes());
        }
    }

    /// The digest of everything so far.
    #[must_use]
    pub fn value(&self) -> Hash {
        if self.count.is_multiple_of(DIGEST_BLOCK) {
            return self.block;
        }
        *self.hasher.finalize().as_bytes()
    }

    /// The digest at the last full block, from which the stream can be taken up again.
    #[must_use]
    pub const fn block(&self) -> Hash {
        self.block
    }

    /// Number of records so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Count and digest, as the runtime names them.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { count: self.count, digest: self.value() }
    }
}

/// Where a chain of pages stands: how many records, their digest and the link of the last page.
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChainHead {
    /// Number of records.
    pub count: u64,
    /// Digest of all of them, whatever the pages.
    #[serde(with = "hex_hash")]
    pub digest: Hash,
    /// Link of the last page.
    #[serde(with = "hex_hash")]
    pub link: Hash,
}

impl ChainHead {
    /// The head of a run without events.
    pub(crate) const fn start_of_run() -> Self {
        Self { count: 0, digest: RUN_START, link: [0; 32] }
    }

    /// Without the link: what equal inputs have in common.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head { count: self.count, digest: self.digest }
    }
}

/// The 64 hexadecimal digits of a hash.
#[must_use]
pub fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal digits; `None` when the length is not twice `N` or a character is no digit.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = core::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

/// Hashes as hexadecimal text in JSON and as bytes elsewhere.
pub(crate) mod hex_hash {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(hash: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { super::hex(hash).serialize(to) } else { hash.serialize(to) }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
        if !from.is_human_readable() {
            return <[u8; 32]>::deserialize(from);
        }
        let text = String::deserialize(from)?;
        super::unhex(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_digest_does_not_depend_on_how_records_arrive(cuts in prop::collection::vec(1_usize..40_000, 1..12)) {
            let total: usize = cuts.iter().sum();
            let bytes: Vec<u8> = (0..total * 8).map(|i| (i % 251) as u8).collect();
            let mut single = StreamDigest::new([7; 32]);
            bytes.chunks_exact(8).for_each(|record| single.push(record));
            let mut flat = StreamDigest::new([7; 32]);
            let mut rest = bytes.as_slice();
            for cut in cuts {
                let (now, later) = rest.split_at(cut * 8);
                flat.push_flat(now, 8);
                rest = later;
            }
            prop_assert_eq!(single.head(), flat.head());
            let whole = total as u64 / DIGEST_BLOCK * DIGEST_BLOCK;
            let mut resumed = StreamDigest::resumed(whole, single.block());
            resumed.push_flat(bytes.get(usize::try_from(whole).unwrap() * 8..).unwrap(), 8);
            prop_assert_eq!(resumed.head(), single.head());
        }
    }

    #[test]
    fn order_and_number_of_records_matter() {
        let digest = |records: &[&[u8]]| {
            let mut stream = StreamDigest::new([0; 32]);
            records.iter().for_each(|record| stream.push(record));
            stream.value()
        };
        assert_ne!(digest(&[b"ab", b"cd"]), digest(&[b"cd", b"ab"]));
        assert_ne!(digest(&[b"ab"]), digest(&[b"ab", b"ab"]));
    }
}
