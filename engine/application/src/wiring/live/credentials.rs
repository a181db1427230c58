//! The key of an account, read from a file that nobody else can read. No error repeats anything of it.

use std::path::Path;

use engine_venues::signing::venue_key::{VenueKey, VenueKeyError};
use journal_store::small_file::{self, KEY_BYTES_MAX};

/// Why a file gives no key.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// It cannot be read.
    #[error("read the key in {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Others can read it too.
    #[error("read the key in {path}: others can read it; run `chmod 600 {path}`, or make a new key")]
    Shared {
        /// The file.
        path: String,
    },
    /// It is not TOML.
    #[error("read the key in {path}: it is not TOML")]
    NotToml {
        /// The file.
        path: String,
    },
    /// It does not hold what a key needs, or more than that.
    #[error(
        "read the key in {path}: {reason}; it holds api_key, and secret or private_key, each a text in quotes"
    )]
    Keys {
        /// The file.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// What it holds is no key of the venue.
    #[error("read the key in {path}: {source}")]
    NoKey {
        /// The file.
        path: String,
        /// Why not.
        source: VenueKeyError,
    },
}

/// The key in the file `path` of an account at `venue`.
///
/// # Errors
/// [`CredentialsError`].
pub(super) fn read(path: &Path, venue: &str) -> Result<VenueKey, CredentialsError> {
    let shown = || path.display().to_string();
    let unreadable = |source| CredentialsError::Unreadable { path: shown(), source };
    if is_shared(path).map_err(unreadable)? {
        return Err(CredentialsError::Shared { path: shown() });
    }
    let text = small_file::read_text(path, KEY_BYTES_MAX).map_err(unreadable)?;
    let table: toml::Table = text.parse().map_err(|_| CredentialsError::NotToml { path: shown() })?;
    let wrong = |reason| CredentialsError::Keys { path: shown(), reason };
    if table.keys().any(|key| !matches!(key.as_str(), "api_key" | "secret" | "private_key")) {
        return Err(wrong("it holds something else"));
    }
    let text_of = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| wrong("one of them is no text")),
    };
    let Some(name) = text_of("api_key")? else { return Err(wrong("api_key is missing")) };
    let secret = match (text_of("secret")?, text_of("private_key")?) {
        (Some(secret), None) | (None, Some(secret)) => secret,
        (None, None) => return Err(wrong("the secret is missing")),
        (Some(_), Some(_)) => return Err(wrong("it holds two secrets")),
    };
    VenueKey::from_text(venue, name, secret)
        .map_err(|source| CredentialsError::NoKey { path: shown(), source })
}

/// Whether someone other than its owner can read it.
#[cfg(unix)]
fn is_shared(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_shared(path: &Path) -> std::io::Result<bool> {
    std::fs::metadata(path).map(|_| false)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn read_back(text: &str, mode: u32) -> Result<VenueKey, CredentialsError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.toml");
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        read(&path, "binance")
    }

    #[test]
    fn a_key_is_read_from_a_file_of_its_owner_alone() {
        let sound = "api_key = \"name\"\nsecret = \"*hidden*\"\n";
        assert!(matches!(read_back(sound, 0o600), Ok(VenueKey::Binance(_))));
        for mode in [0o604, 0o640, 0o644, 0o666] {
            assert!(matches!(read_back(sound, mode), Err(CredentialsError::Shared { .. })), "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_nothing_of_it_is_said() {
        let cases = [
            "api_key = \"name\"",
            "secret = \"*hidden*\"",
            "api_key = \"name\"\nsecret = \"*hidden*\"\nprivate_key = \"*hidden*\"",
            "api_key = \"name\"\nsecret = \"*hidden*\"\npassphrase = \"*hidden*\"",
            "api_key = \"name\"\nsecret = 7777",
            "api_key = name *hidden*",
            "api_key = \"\"\nsecret = \"*hidden*\"",
            "api_key = \"name\"\nprivate_key = \"-----BEGIN RSA PRIVATE KEY-----*hidden*\"",
        ];
        for text in cases {
            let refused = read_back(text, 0o600).unwrap_err();
            let said = format!("{refused} {refused:?}");
            assert!(!said.contains("hidden") && !said.contains("7777"), "{said}");
        }
        assert!(read(Path::new("nowhere.toml"), "binance").is_err());
    }
}
