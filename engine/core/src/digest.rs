//! Fingerprints of folded states, feature sets and manifests.

use core::hash::{Hash, Hasher};

/// A fingerprint of the folded state (two independent 64-bit FNV-1a streams).
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest(pub [u64; 2]);

impl core::fmt::Display for Digest {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let [high, low] = self.0;
        write!(out, "{high:016x}{low:016x}")
    }
}

/// The fingerprint of a text.
pub(crate) fn digest_text(text: &str) -> Digest {
    digest_of(text)
}

/// The fingerprint of any value.
pub(crate) fn digest_hashed(value: &impl Hash) -> Digest {
    digest_of(value)
}

fn digest_of(value: &(impl Hash + ?Sized)) -> Digest {
    let [mut high, mut low] = [Fnv(0xcbf2_9ce4_8422_2325), Fnv(0x6c62_272e_07bb_0142)];
    value.hash(&mut high);
    value.hash(&mut low);
    Digest([high.finish(), low.finish()])
}

/// FNV-1a (Fowler, Noll, Vo; draft-eastlake-fnv) with every integer fed in little-endian order, so that the
/// digest does not depend on the platform.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn write_u16(&mut self, value: u16) {
        self.write(&value.to_le_bytes());
    }

    fn write_u32(&mut self, value: u32) {
        self.write(&value.to_le_bytes());
    }

    fn write_u64(&mut self, value: u64) {
        self.write(&value.to_le_bytes());
    }

    fn write_u128(&mut self, value: u128) {
        self.write(&value.to_le_bytes());
    }

    fn write_usize(&mut self, value: usize) {
        self.write(&u64::try_from(value).unwrap_or(u64::MAX).to_le_bytes());
    }

    fn write_isize(&mut self, value: isize) {
        self.write(&i64::try_from(value).unwrap_or(i64::MAX).to_le_bytes());
    }
}
