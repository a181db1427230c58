//! The public half of a signing key: who signed, as bytes.

use ed25519_dalek::VerifyingKey;

use crate::chain;

/// What stands before the digits of a key in text.
pub(crate) const PREFIX: &str = "ed25519:";

/// An Ed25519 public key; `ed25519:` and 64 hexadecimal digits in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(pub [u8; 32]);

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is ed25519: and 64 hexadecimal digits, as `engine keys show` writes it")]
pub struct PublicKeyError;

impl core::fmt::Display for PublicKey {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(out, "{PREFIX}{}", chain::hex(&self.0))
    }
}

impl core::str::FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        let bytes = chain::unhex::<32>(text.strip_prefix(PREFIX).unwrap_or(text)).ok_or(PublicKeyError)?;
        VerifyingKey::from_bytes(&bytes).map_err(|_| PublicKeyError)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = PublicKeyError;

    fn try_from(text: String) -> Result<Self, PublicKeyError> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}
