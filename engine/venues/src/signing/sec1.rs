//! Private keys of elliptic curves as SEC 1 writes them (RFC 5915), as far as the curve P-256 needs it.

use super::KeyError;

/// The object identifier of the curve P-256, 1.2.840.10045.3.1.7.
const P256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// What a text is read as.
const EXPECTED: &str = "a private key of the curve P-256";

const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const BYTES: u8 = 0x04;
const IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const CURVE: u8 = 0xa0;
const PUBLIC: u8 = 0xa1;

/// The two halves of a key.
pub(super) struct Sec1Key<'a> {
    pub(super) private: &'a [u8],
    pub(super) public: &'a [u8],
}

/// The key in `der`.
///
/// # Errors
/// [`KeyError::Malformed`] for another curve or no key, [`KeyError::WithoutPublicKey`] where only the private half is there.
pub(super) fn sec1_key(der: &[u8]) -> Result<Sec1Key<'_>, KeyError> {
    let malformed = || KeyError::Malformed { expected: EXPECTED };
    let (key, _) = element(der, SEQUENCE).ok_or_else(malformed)?;
    let (_, rest) = element(key, INTEGER).ok_or_else(malformed)?;
    let (private, mut rest) = element(rest, BYTES).ok_or_else(malformed)?;
    if let Some((curve, after)) = element(rest, CURVE) {
        let (identifier, _) = element(curve, IDENTIFIER).ok_or_else(malformed)?;
        if identifier != P256 {
            return Err(malformed());
        }
        rest = after;
    }
    let (public, _) = element(rest, PUBLIC).ok_or(KeyError::WithoutPublicKey)?;
    let (bits, _) = element(public, BITS).ok_or_else(malformed)?;
    // The first byte counts the bits that are left over: none.
    let public = bits.strip_prefix(&[0]).ok_or_else(malformed)?;
    Ok(Sec1Key { private, public })
}

/// What stands in the element `tag` at the beginning of `der`, and what stands behind it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(*short), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        _ => return None,
    };
    rest.split_at_checked(length)
}
