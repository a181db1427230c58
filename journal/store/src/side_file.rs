//! Small JSON files beside the store, each sealed with the hash of its content.
//!
//! A sealed file must be byte for byte what the writer made of its content, so that no change of it, however
//! small, passes unseen.

use std::io;
use std::path::Path;

use engine_runtime::ports::JournalError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::chain;
use crate::disk;
use crate::small_file::{self, SMALL_BYTES_MAX};

#[derive(serde::Serialize, serde::Deserialize)]
struct Sealed<T> {
    content: T,
    blake3: String,
}

/// What is found where a sealed file should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// The file as it was written.
    Sound(T),
    /// No file.
    Nothing,
    /// A file that nobody here wrote like this.
    Damaged,
}

impl<T> Found<T> {
    pub(crate) fn sound(self) -> Option<T> {
        match self {
            Self::Sound(content) => Some(content),
            Self::Nothing | Self::Damaged => None,
        }
    }
}

fn encoded<T: Serialize>(content: &T) -> Option<Vec<u8>> {
    let plain = serde_json::to_vec(content).ok()?;
    let blake3 = chain::hex(blake3::hash(&plain).as_bytes());
    let mut bytes = serde_json::to_vec_pretty(&Sealed { content, blake3 }).ok()?;
    bytes.push(b'\n');
    Some(bytes)
}

/// Writes `content` to `path`, whole or not at all.
pub(crate) fn write<T: Serialize>(path: &Path, content: &T) -> Result<(), JournalError> {
    let bytes = encoded(content).ok_or_else(|| {
        disk::io_error("encode", path, io::Error::other("the content cannot be written as JSON"))
    })?;
    disk::write_whole(path, &bytes)
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// [`JournalError::Io`] when the file is there but cannot be read.
pub(crate) fn read<T: Serialize + DeserializeOwned>(path: &Path) -> Result<Found<T>, JournalError> {
    let bytes = match small_file::read(path, SMALL_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(disk::io_error("read", path, error)),
    };
    Ok(parsed(&bytes))
}

/// What the bytes of a sealed file hold.
pub(crate) fn parsed<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Found<T> {
    let sound = serde_json::from_slice::<Sealed<T>>(bytes).ok().map(|sealed| sealed.content);
    let sound = sound.filter(|content| encoded(content).as_deref() == Some(bytes));
    sound.map_or(Found::Damaged, Found::Sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_file_reads_back_and_any_flip_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("note.json");
        assert_eq!(read::<Vec<u32>>(&path).unwrap(), Found::Nothing);
        write(&path, &vec![1_u32, 22]).unwrap();
        assert_eq!(read(&path).unwrap(), Found::Sound(vec![1_u32, 22]));
        let bytes = std::fs::read(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(read::<Vec<u32>>(&path).unwrap(), Found::Damaged, "bit {bit}");
        }
    }
}
