//! The public half of a signing key: who signed, as bytes.

use std::path::Path;

use ed25519_dalek::VerifyingKey;
use engine_runtime::ports::JournalError;

use crate::chain;
use crate::checkpoint::CheckpointKey;
use crate::disk;
use crate::small_file::{self, KEY_BYTES_MAX};

const PREFIX: &str = "ed25519:";

/// An Ed25519 public key; `ed25519:` and 64 hexadecimal digits in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(pub [u8; 32]);

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is ed25519: and 64 hexadecimal digits, as `engine keys show` writes it")]
pub struct PublicKeyError;

impl PublicKey {
    /// The public key in the file `path`: written there as text, or the public half of a private key.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the file cannot be read or holds no key, or is a private key that others can read.
    pub fn read_file(path: &Path) -> Result<Self, JournalError> {
        let text = small_file::read_text(path, KEY_BYTES_MAX);
        let text = text.map_err(|error| disk::io_error("read the key in", path, error))?;
        if text.trim().starts_with(PREFIX) {
            let key = text.trim().parse().map_err(|error: PublicKeyError| std::io::Error::other(error));
            return key.map_err(|error| disk::io_error("read the key in", path, error));
        }
        CheckpointKey::load(path).map(|key| key.public())
    }
}

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
