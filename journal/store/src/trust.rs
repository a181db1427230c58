//! Whose signatures count: names for public keys.
//!
//! The public key of a signature stands beside it, so a signature alone shows only that *someone* signed. The list
//! of trusted keys says who that was. It is a small JSON file, from name to key; the user's own key is always on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine_runtime::ports::JournalError;

use crate::checkpoint::{self, Checkpoint, CheckpointKey};
use crate::disk;
use crate::public_key::PublicKey;
use crate::small_file::{self, SMALL_BYTES_MAX};

/// The name of the user's own key.
pub const OWN: &str = "own";

/// Who signed a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signer {
    /// Nobody.
    Unsigned,
    /// Someone whose key has no name here.
    Unknown(PublicKey),
    /// The owner of a trusted key.
    Trusted {
        /// The name of the key.
        name: String,
        /// The key.
        key: PublicKey,
    },
}

impl Signer {
    /// Whether the owner of a trusted key signed.
    #[must_use]
    pub const fn is_trusted(&self) -> bool {
        matches!(self, Self::Trusted { .. })
    }

    /// The key, when there is one.
    #[must_use]
    pub const fn key(&self) -> Option<PublicKey> {
        match self {
            Self::Unsigned => None,
            Self::Unknown(key) | Self::Trusted { key, .. } => Some(*key),
        }
    }
}

impl core::fmt::Display for Signer {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unsigned => out.write_str("unsigned"),
            Self::Unknown(key) => write!(out, "signed by an unknown key, {key}"),
            Self::Trusted { name, key } => write!(out, "signed by {name}, {key}"),
        }
    }
}

/// The keys that count, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedKeys {
    keys: BTreeMap<String, PublicKey>,
}

impl TrustedKeys {
    /// The list in the file `path`, empty when there is none, and beside it the public half of `own`.
    ///
    /// # Errors
    /// [`JournalError::Io`] when a file is there but cannot be read or is no such list.
    pub fn read(path: Option<&Path>, own: Option<&Path>) -> Result<Self, JournalError> {
        let mut keys = path.map(read_list).transpose()?.unwrap_or_default();
        if let Some(own) = own.filter(|own| own.exists()) {
            keys.insert(OWN.to_owned(), CheckpointKey::load(own)?.public());
        }
        Ok(Self { keys })
    }

    /// The names and keys: the user's own first, the others by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, PublicKey)> {
        let others = self.keys.iter().filter(|(name, _)| *name != OWN);
        let all = self.keys.get_key_value(OWN).into_iter().chain(others);
        all.map(|(name, key)| (name.as_str(), *key))
    }

    /// Counts `key` under `name` from here on, in memory only.
    pub fn add(&mut self, name: &str, key: PublicKey) {
        self.keys.insert(name.to_owned(), key);
    }

    /// Who signed `checkpoint`. Its signature must have been checked.
    #[must_use]
    pub fn signer(&self, checkpoint: &Checkpoint) -> Signer {
        let key = PublicKey(checkpoint.public_key);
        match self.iter().find(|(_, known)| *known == key) {
            Some((name, _)) => Signer::Trusted { name: name.to_owned(), key },
            None => Signer::Unknown(key),
        }
    }

    /// Who signed the head that the journal in `dir` was closed with: nobody where no sound signature of it lies
    /// beside the journal.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the file is there but cannot be read.
    pub fn signer_of(&self, dir: &Path) -> Result<(Signer, Option<Checkpoint>), JournalError> {
        let path = dir.join(crate::journal_folder::CHECKPOINT);
        let signed = match checkpoint::read(&path) {
            Ok(signed) => signed.into_iter().next_back().filter(Checkpoint::is_authentic),
            Err(JournalError::NotAJournal { .. }) => None,
            Err(JournalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let signer = signed.as_ref().map_or(Signer::Unsigned, |signed| self.signer(signed));
        Ok((signer, signed))
    }
}

/// Where a user's list of trusted keys is kept: `engine/trusted-keys.json` in the configuration folder. `None`
/// when the environment names no such folder.
#[must_use]
pub fn default_list_path() -> Option<PathBuf> {
    checkpoint::default_key_path().map(|key| key.with_file_name("trusted-keys.json"))
}

fn read_list(path: &Path) -> Result<BTreeMap<String, PublicKey>, JournalError> {
    let refused = |error| disk::io_error("read the trusted keys in", path, error);
    let bytes = match small_file::read(path, SMALL_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(refused(error)),
    };
    serde_json::from_slice(&bytes).map_err(|error| refused(error.into()))
}

/// Whether `name` can name a key: letters, digits, `-`, `_`, `.` and `@`, at most 64 of them.
#[must_use]
pub fn is_key_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    (1..=64).contains(&name.len()) && name.chars().all(allowed)
}

/// Puts `key` under `name` on the list in the file `path`, or takes the name off it; answers what stood there.
///
/// # Errors
/// [`JournalError::Io`] when the list cannot be read or written.
pub fn change(path: &Path, name: &str, key: Option<PublicKey>) -> Result<Option<PublicKey>, JournalError> {
    let mut keys = read_list(path)?;
    let before = match key {
        Some(key) => keys.insert(name.to_owned(), key),
        None => keys.remove(name),
    };
    if let Some(folder) = path.parent() {
        disk::create_folders(folder)?;
    }
    let bytes = serde_json::to_vec_pretty(&keys);
    let bytes = bytes.map_err(|error| disk::io_error("encode", path, std::io::Error::other(error)))?;
    disk::write_whole(path, &bytes)?;
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::ChainHead;

    #[test]
    fn a_signer_is_own_named_unknown_or_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let key = |name: &str| CheckpointKey::load_or_create(&at(name)).unwrap();
        let (own, friend, stranger) = (key("own.key"), key("friend.key"), key("stranger.key"));
        let list = at("config/trusted-keys.json");
        assert_eq!(change(&list, "friend", Some(friend.public())).unwrap(), None);
        let trusted = TrustedKeys::read(Some(&list), Some(&at("own.key"))).unwrap();
        let head = ChainHead { count: 3, ..ChainHead::default() };
        let by = |key: &CheckpointKey| trusted.signer(&key.sign("run", head, 1)).to_string();
        assert!(by(&own).starts_with("signed by own, ed25519:"));
        assert!(by(&friend).starts_with("signed by friend, ed25519:"));
        assert!(by(&stranger).starts_with("signed by an unknown key, ed25519:"));
        assert_eq!(trusted.signer_of(folder.path()).unwrap().0, Signer::Unsigned);
        checkpoint::write(&at("checkpoint.json"), &[stranger.sign("run", head, 1)]).unwrap();
        assert_eq!(trusted.signer_of(folder.path()).unwrap().0, Signer::Unknown(stranger.public()));
        assert_eq!(change(&list, "friend", None).unwrap(), Some(friend.public()));
        assert_eq!(TrustedKeys::read(Some(&list), None).unwrap().iter().count(), 0);
        std::fs::write(&list, "{\"a\": \"short\"}").unwrap();
        assert!(
            TrustedKeys::read(Some(&list), None).unwrap_err().to_string().contains("64 hexadecimal digits")
        );
    }

    #[test]
    fn a_public_key_is_read_from_text_and_from_a_private_key() {
        let folder = tempfile::tempdir().unwrap();
        let (private, public) = (folder.path().join("key"), folder.path().join("key.pub"));
        let key = CheckpointKey::load_or_create(&private).unwrap().public();
        std::fs::write(&public, format!("{key}\n")).unwrap();
        assert_eq!(checkpoint::read_public_key(&private).unwrap(), key);
        assert_eq!(checkpoint::read_public_key(&public).unwrap(), key);
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!("ed25519:12".parse::<PublicKey>().is_err());
        for name in ["", "a b", "new\nline", "\u{202e}nwo", &"x".repeat(65)] {
            assert!(!is_key_name(name), "{name:?}");
        }
        assert!(is_key_name("anna@desk-2"));
    }
}
