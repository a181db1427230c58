//! The key a run is closed with, and whose signatures count.

use std::path::{Path, PathBuf};

use journal_store::checkpoint::{Checkpoint, CheckpointKey, default_key_path, read_public_key};
use journal_store::public_key::PublicKey;
use journal_store::trust::{Signer, TrustedKeys, default_list_path};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::moment::moment_text;
use crate::terminal::Terminal;

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
    /// [`Failure::Journal`] when the named key cannot be used.
    pub fn prepared(terminal: Terminal, named: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = named {
            return Ok(Self { key: Some(CheckpointKey::load_or_create(path)?), unsigned: None });
        }
        let without = |reason: String| {
            terminal.note(&format!("the run will not be signed: {reason}"));
            Ok(Self { key: None, unsigned: Some(reason) })
        };
        let Some(path) = default_key_path() else {
            return without("neither HOME nor XDG_CONFIG_HOME names a folder for the key".to_owned());
        };
        match CheckpointKey::load_or_create(&path) {
            Ok(key) => Ok(Self { key: Some(key), unsigned: None }),
            Err(error) => without(error.to_string()),
        }
    }

    /// The signature of a closed run, as JSON.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({
            "signed": self.key.is_some(),
            "public_key": self.key.as_ref().map(|key| key.public().to_string()),
            "reason": self.unsigned,
        })
    }

    /// The same for people; nothing where all is well.
    #[must_use]
    pub fn text(&self) -> String {
        let line = |reason: &String| format!("NOT SIGNED: {reason}\n");
        self.unsigned.as_ref().map(line).unwrap_or_default()
    }
}

/// The trusted keys of the user, and beside them the key in the file `named`.
///
/// # Errors
/// [`Failure::Journal`] when a file of keys cannot be read.
pub fn trusted_keys(named: Option<&Path>) -> Result<(TrustedKeys, Option<PublicKey>), Failure> {
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
/// [`Failure::Request`] when the environment names no folder for it.
pub fn list_path() -> Result<PathBuf, Failure> {
    default_list_path().ok_or_else(|| {
        Failure::Request("keep keys: neither HOME nor XDG_CONFIG_HOME names a folder for them".to_owned())
    })
}

/// Who signed, as JSON.
#[must_use]
pub fn signature_document(signer: &Signer, signed: Option<&Checkpoint>) -> Value {
    let (status, name) = match signer {
        Signer::Unsigned => ("unsigned", None),
        Signer::Unknown(_) => ("unknown", None),
        Signer::Trusted { name, .. } => ("trusted", Some(name)),
    };
    json!({
        "status": status,
        "words": signer.to_string(),
        "signer": name,
        "public_key": signer.key().map(|key| key.to_string()),
        "signed_at": signed.map(|signed| {
            moment_text(engine_core::time::Timestamp::from_nanos(signed.signed_at))
        }),
    })
}
