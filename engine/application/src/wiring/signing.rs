//! The key a run is closed with, and whose signatures count.

use std::path::{Path, PathBuf};

use journal_store::checkpoint::{CheckpointKey, default_key_path, read_public_key};
use journal_store::public_key::PublicKey;
use journal_store::trust::{TrustedKeys, default_list_path};

use super::error::ApplicationError;

/// What a run will be signed with, found before it begins.
#[derive(Debug)]
pub struct Signing {
    /// The key; nobody signs without one.
    pub key: Option<CheckpointKey>,
    /// Why nobody signs.
    pub unsigned: Option<String>,
}

impl Signing {
    /// The key that was named, or the user's own; a run without a key is still a run, and says so.
    ///
    /// # Errors
    /// [`ApplicationError::Journal`] when the named key cannot be used.
    pub fn prepared(named: Option<&Path>) -> Result<Self, ApplicationError> {
        if let Some(path) = named {
            return Ok(Self { key: Some(CheckpointKey::load_or_create(path)?), unsigned: None });
        }
        let without = |reason: String| Ok(Self { key: None, unsigned: Some(reason) });
        let Some(path) = default_key_path() else {
            return without("neither HOME nor XDG_CONFIG_HOME names a folder for the key".to_owned());
        };
        match CheckpointKey::load_or_create(&path) {
            Ok(key) => Ok(Self { key: Some(key), unsigned: None }),
            Err(error) => without(error.to_string()),
        }
    }
}

/// The trusted keys of the user, and beside them the key in the file `named`.
///
/// # Errors
/// [`ApplicationError::Journal`] when a file of keys cannot be read.
pub fn trusted_keys(named: Option<&Path>) -> Result<(TrustedKeys, Option<PublicKey>), ApplicationError> {
    let own = default_key_path();
    let mut trusted = TrustedKeys::read(default_list_path().as_deref(), own.as_deref())?;
    let key = named.map(read_public_key).transpose()?;
    if let (Some(path), Some(key)) = (named, key) {
        trusted.add(&path.display().to_string(), key);
    }
    Ok((trusted, key))
}

/// Where the user's configuration of keys lies.
///
/// # Errors
/// [`ApplicationError::Request`] when the environment names no folder for it.
pub fn list_path() -> Result<PathBuf, ApplicationError> {
    default_list_path().ok_or_else(|| {
        ApplicationError::Request(
            "keep keys: neither HOME nor XDG_CONFIG_HOME names a folder for them".to_owned(),
        )
    })
}
