//! A head, signed.
//!
//! A chain of hashes alone does not show that its end was cut off or that all of it was written anew. A signed
//! head kept elsewhere does: the journal must still reach it.

use std::io::Write;
use std::path::{Path, PathBuf};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use engine_runtime::ports::JournalError;

use crate::beside::FileBeside;
use crate::chain::{self, ChainHead, hex_hash};
use crate::disk;
use crate::public_key::{PREFIX, PublicKey, PublicKeyError};
use crate::small_file::{self, KEY_BYTES_MAX, SMALL_BYTES_MAX};

/// A signed head.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// What it is about: `run`, or the name of a series.
    pub origin: String,
    /// The head at that moment.
    pub head: ChainHead,
    /// The files that lay beside the store when it was signed.
    pub files: Vec<FileBeside>,
    /// When it was signed, nanoseconds since the epoch by the clock of the machine.
    pub signed_at: i64,
    /// Ed25519 public key of the signer, hexadecimal.
    #[serde(with = "hex_hash")]
    pub public_key: [u8; 32],
    /// Ed25519 signature, hexadecimal.
    pub signature: String,
}

fn message(origin: &str, head: &ChainHead, files: &[FileBeside], signed_at: i64) -> Vec<u8> {
    let mut bytes = b"journal-store checkpoint 2\n".to_vec();
    let text = |bytes: &mut Vec<u8>, text: &str| {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    text(&mut bytes, origin);
    bytes.extend_from_slice(&(files.len() as u64).to_le_bytes());
    for file in files {
        text(&mut bytes, &file.name);
        bytes.extend_from_slice(&file.blake3);
    }
    bytes.extend_from_slice(&head.count.to_le_bytes());
    bytes.extend_from_slice(&head.digest);
    bytes.extend_from_slice(&head.link);
    bytes.extend_from_slice(&signed_at.to_le_bytes());
    bytes
}

impl Checkpoint {
    /// Whether the signature is that of `public_key` over everything else.
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        let signature = chain::unhex::<64>(&self.signature).map(|bytes| Signature::from_bytes(&bytes));
        let key = VerifyingKey::from_bytes(&self.public_key).ok();
        let message = message(&self.origin, &self.head, &self.files, self.signed_at);
        key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(&message, &signature).is_ok())
    }
}

/// The private key that signs checkpoints.
#[derive(Clone)]
pub struct CheckpointKey {
    key: SigningKey,
}

impl core::fmt::Debug for CheckpointKey {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let public = chain::hex(self.key.verifying_key().as_bytes());
        out.debug_struct("CheckpointKey").field("public", &public).finish_non_exhaustive()
    }
}

impl CheckpointKey {
    /// Reads the key in the file `path`, or makes one there that only its owner can read.
    ///
    /// # Errors
    /// As [`CheckpointKey::load`], and when the file cannot be made.
    pub fn load_or_create(path: &Path) -> Result<Self, JournalError> {
        match Self::load(path) {
            Err(JournalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Self::create(path)
            }
            loaded => loaded,
        }
    }

    /// Reads the key in the file `path`.
    ///
    /// # Errors
    /// [`JournalError::Io`] when the file cannot be read, is no plain file, holds no key, or when others than its
    /// owner can read it.
    pub fn load(path: &Path) -> Result<Self, JournalError> {
        let refused = |error| disk::io_error("read the key in", path, error);
        let text = small_file::read_text(path, KEY_BYTES_MAX).map_err(refused)?;
        refuse_if_shared(path).map_err(refused)?;
        let seed = chain::unhex::<32>(text.trim());
        let seed = seed.ok_or_else(|| refused(std::io::Error::other("it holds no 64 hexadecimal digits")))?;
        Ok(Self { key: SigningKey::from_bytes(&seed) })
    }

    /// The half that others may know.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.key.verifying_key().as_bytes())
    }

    fn create(path: &Path) -> Result<Self, JournalError> {
        let refused = |error| disk::io_error("make the key in", path, error);
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| refused(std::io::Error::other(error.to_string())))?;
        path.parent().map_or(Ok(()), disk::create_folders)?;
        let mut options = std::fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        // Written beside and then given its name, so that a key is there whole or not at all.
        let mut staged = path.as_os_str().to_owned();
        staged.push(format!(".{}.new", std::process::id()));
        let staged = Path::new(&staged);
        let mut file = options.open(staged).map_err(refused)?;
        let written = writeln!(file, "{}", chain::hex(&seed)).and_then(|()| file.sync_all());
        let named = written.and_then(|()| std::fs::hard_link(staged, path));
        let removed = std::fs::remove_file(staged);
        match named.and(removed) {
            // Another program has made one meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Self::load(path),
            Err(error) => Err(refused(error)),
            Ok(()) => {
                path.parent().map_or(Ok(()), disk::sync_directory)?;
                Ok(Self { key: SigningKey::from_bytes(&seed) })
            }
        }
    }

    /// The signature of `message`, hexadecimal.
    pub(crate) fn sign_bytes(&self, message: &[u8]) -> String {
        chain::hex(&self.key.sign(message).to_bytes())
    }

    /// Signs `head` as the head of `origin`.
    #[must_use]
    pub fn sign(&self, origin: &str, head: ChainHead, signed_at: i64) -> Checkpoint {
        self.sign_beside(origin, head, Vec::new(), signed_at)
    }

    /// Signs `head` as the head of `origin`, with the files beside its store.
    #[must_use]
    pub fn sign_beside(
        &self,
        origin: &str,
        head: ChainHead,
        files: Vec<FileBeside>,
        signed_at: i64,
    ) -> Checkpoint {
        let signature = self.key.sign(&message(origin, &head, &files, signed_at));
        Checkpoint {
            origin: origin.to_owned(),
            head,
            files,
            signed_at,
            public_key: *self.key.verifying_key().as_bytes(),
            signature: chain::hex(&signature.to_bytes()),
        }
    }
}

/// A key that others can read signs in their name too.
#[cfg(unix)]
fn refuse_if_shared(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let advice = format!("others can read it; run `chmod 600 {}`, or make a new key", path.display());
    Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, advice))
}

#[cfg(not(unix))]
fn refuse_if_shared(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The public key in the file `path`: written there as text, or the public half of a private key.
///
/// # Errors
/// [`JournalError::Io`] when the file cannot be read or holds no key, or is a private key that others can read.
pub fn read_public_key(path: &Path) -> Result<PublicKey, JournalError> {
    let text = small_file::read_text(path, KEY_BYTES_MAX);
    let text = text.map_err(|error| disk::io_error("read the key in", path, error))?;
    if text.trim().starts_with(PREFIX) {
        let key = text.trim().parse().map_err(|error: PublicKeyError| std::io::Error::other(error));
        return key.map_err(|error| disk::io_error("read the key in", path, error));
    }
    CheckpointKey::load(path).map(|key| key.public())
}

/// Where a user's key is kept unless told otherwise: `engine/checkpoint.key` in the configuration folder.
/// `None` when the environment names no such folder.
#[must_use]
pub fn default_key_path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    config.map(|config| config.join("engine").join("checkpoint.key"))
}

/// Writes checkpoints to a file, as JSON.
///
/// # Errors
/// [`JournalError::Io`] or [`JournalError::DiskFull`].
pub fn write(path: &Path, checkpoints: &[Checkpoint]) -> Result<(), JournalError> {
    let bytes = serde_json::to_vec_pretty(checkpoints);
    let bytes = bytes.map_err(|error| disk::io_error("encode", path, std::io::Error::other(error)))?;
    disk::write_whole(path, &bytes)
}

/// Reads checkpoints from a file: one or more, each of at least one event or record. A head of nothing is reached
/// by every journal and would prove nothing.
///
/// # Errors
/// [`JournalError::Io`] when the file cannot be read, [`JournalError::NotAJournal`] when it holds none that could
/// prove anything.
pub fn read(path: &Path) -> Result<Vec<Checkpoint>, JournalError> {
    let bytes =
        small_file::read(path, SMALL_BYTES_MAX).map_err(|error| disk::io_error("read", path, error))?;
    let refused = |reason: String| JournalError::NotAJournal { path: path.display().to_string(), reason };
    let checkpoints = serde_json::from_slice::<Vec<Checkpoint>>(&bytes);
    let checkpoints =
        checkpoints.map_err(|error| refused(format!("the file holds no checkpoints: {error}")))?;
    let advice = "give a checkpoint.json of a closed run, kept elsewhere";
    if checkpoints.is_empty() {
        return Err(refused(format!("it holds no signed head and proves nothing; {advice}")));
    }
    if let Some(empty) = checkpoints.iter().find(|checkpoint| checkpoint.head.count == 0) {
        let origin = &empty.origin;
        return Err(refused(format!("its head of {origin} is one of 0 events and proves nothing; {advice}")));
    }
    Ok(checkpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_a_checkpoint_breaks_its_signature() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config").join("key");
        let key = CheckpointKey::load_or_create(&path).unwrap();
        let head = ChainHead { count: 7, digest: [1; 32], link: [2; 32] };
        let signed = CheckpointKey::load_or_create(&path).unwrap().sign("run", head, 5);
        assert_eq!(signed, key.sign("run", head, 5));
        assert!(signed.is_authentic());
        let other = ChainHead { count: 8, ..head };
        assert!(!Checkpoint { head: other, ..signed.clone() }.is_authentic());
        assert!(!Checkpoint { origin: "series".into(), ..signed.clone() }.is_authentic());
        let files = vec![FileBeside { name: "side.json".into(), blake3: [3; 32] }];
        assert!(!Checkpoint { files: files.clone(), ..signed.clone() }.is_authentic());
        let named = key.sign_beside("run", head, files, 5);
        assert!(named.is_authentic());
        assert!(!Checkpoint { files: Vec::new(), ..named.clone() }.is_authentic());
        let other = vec![FileBeside { blake3: [4; 32], ..named.files[0].clone() }];
        assert!(!Checkpoint { files: other, ..named }.is_authentic());
        assert!(!Checkpoint { signed_at: 6, ..signed.clone() }.is_authentic());
        assert!(!Checkpoint { signature: signed.signature.replace('a', "b"), ..signed }.is_authentic());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        CheckpointKey::load_or_create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let shared = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            CheckpointKey::load_or_create(&path).map(|_| ()).map_err(|error| error.to_string())
        };
        for mode in [0o640, 0o604, 0o644, 0o660, 0o666, 0o610] {
            assert!(shared(mode).unwrap_err().contains("chmod 600"), "{mode:o}");
        }
        assert_eq!((shared(0o600), shared(0o400)), (Ok(()), Ok(())));
        shared(0o600).unwrap();
        std::fs::write(&path, "short").unwrap();
        assert!(CheckpointKey::load_or_create(&path).is_err());
    }

    #[test]
    fn a_key_is_a_plain_file() {
        let refused = CheckpointKey::load_or_create(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(refused.contains("a device"), "{refused}");
    }

    #[test]
    fn a_document_that_proves_nothing_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.json");
        let key = CheckpointKey::load_or_create(&dir.path().join("key")).unwrap();
        write(&path, &[]).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("no signed head"));
        write(&path, &[key.sign("run", ChainHead::default(), 1)]).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("0 events"));
        let signed = key.sign("run", ChainHead { count: 1, ..ChainHead::default() }, 1);
        write(&path, std::slice::from_ref(&signed)).unwrap();
        assert_eq!(read(&path).unwrap(), [signed]);
    }
}
