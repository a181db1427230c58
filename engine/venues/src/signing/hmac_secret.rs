//! Secrets that both sides know.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use super::KeyError;

/// A secret for HMAC (RFC 2104).
#[derive(Clone)]
pub(super) struct HmacSecret(hmac::Key);

impl HmacSecret {
    /// HMAC-SHA256 with the characters of `text` as they are, as Binance uses them.
    pub(super) fn sha256(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())))
    }

    /// HMAC-SHA512 with the bytes that `text` writes in base64, as Kraken uses them.
    pub(super) fn sha512_of_base64(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let bytes = STANDARD.decode(text).map_err(|_| KeyError::NotBase64)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA512, &bytes)))
    }

    /// The code of `message`.
    pub(super) fn sign(&self, message: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, message)
    }
}

impl fmt::Debug for HmacSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("HmacSecret(..)")
    }
}
