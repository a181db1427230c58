//! Private keys of Ed25519 (RFC 8032).

use core::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::KeyError;
use super::pem::{PemKey, private_key};

/// What a text is read as.
const EXPECTED: &str = "an Ed25519 private key (PKCS8 PEM, or base64 of 32 or 64 bytes)";

/// Bytes of a seed, and of a public key.
const SEED_BYTES: usize = 32;

/// A private key of Ed25519.
#[derive(Clone)]
pub(super) struct Ed25519Key(Arc<Ed25519KeyPair>);

impl Ed25519Key {
    /// The key that `text` holds: PKCS8 as PEM, or in base64 the seed, alone or followed by the public key.
    pub(super) fn from_text(text: &str) -> Result<Self, KeyError> {
        let malformed = KeyError::Malformed { expected: EXPECTED };
        let pair = match private_key(text)? {
            Some(PemKey::Pkcs8(der)) => Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der),
            Some(PemKey::Sec1(_)) => return Err(KeyError::OtherKind { expected: EXPECTED }),
            None => {
                let bytes = STANDARD.decode(text.trim()).map_err(|_| KeyError::NotBase64)?;
                match bytes.split_at_checked(SEED_BYTES) {
                    Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
                    Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
                    None => return Err(malformed),
                }
            }
        };
        pair.map(|pair| Self(Arc::new(pair))).map_err(|_| malformed)
    }

    /// The signature of `message`, 64 bytes; the same each time.
    pub(super) fn sign(&self, message: &[u8]) -> ring::signature::Signature {
        self.0.sign(message)
    }

    /// The public key, 32 bytes.
    pub(super) fn public(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }
}

impl fmt::Debug for Ed25519Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Ed25519Key(..)")
    }
}
