//! An append-only log of heads: what a journal held, and when that was known.
//!
//! One JSON object a line. Each names the BLAKE3 hash of the line before and is signed as a whole, so no entry can be
//! changed, moved or taken out without all behind it being signed anew. What a log cannot show by itself is that its
//! end was cut off: the hash of its last line, given to someone else, does.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use ed25519_dalek::{Signature, VerifyingKey};
use engine_runtime::ports::JournalError;

use crate::chain::{self, ChainHead, Hash, hex_hash};
use crate::checkpoint::{Checkpoint, CheckpointKey};
use crate::disk;
use crate::small_file;

/// Most bytes of a log: some hundred thousand heads.
const LOG_BYTES_MAX: u64 = 256 << 20;

/// One head in a log.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct HeadEntry {
    /// Its number in the log, from 1.
    pub number: u64,
    /// Hash of the line before; zeros in the first.
    #[serde(with = "hex_hash")]
    pub previous: Hash,
    /// Where the journal lay.
    pub place: String,
    /// What the head is of: `run`, or the name of a series.
    pub origin: String,
    /// The head.
    pub head: ChainHead,
    /// When it was written down, nanoseconds since the epoch by the clock of the machine.
    pub noted_at: i64,
    /// Ed25519 public key of the signer.
    #[serde(with = "hex_hash")]
    pub public_key: Hash,
    /// Ed25519 signature over everything above.
    pub signature: String,
}

impl HeadEntry {
    fn line(&self) -> String {
        // Text, numbers and hashes always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Hash of its line.
    #[must_use]
    pub fn hash(&self) -> Hash {
        *blake3::hash(self.line().as_bytes()).as_bytes()
    }

    fn message(&self) -> Vec<u8> {
        let unsigned = Self { signature: String::new(), ..self.clone() };
        let mut bytes = b"journal-store heads log 1\n".to_vec();
        bytes.extend_from_slice(unsigned.line().as_bytes());
        bytes
    }

    fn is_authentic(&self) -> bool {
        // Digits in capitals would be other bytes with the same meaning.
        let bytes = chain::unhex::<64>(&self.signature).filter(|bytes| chain::hex(bytes) == self.signature);
        let signature = bytes.map(|bytes| Signature::from_bytes(&bytes));
        let key = VerifyingKey::from_bytes(&self.public_key).ok();
        let signed = key.zip(signature);
        signed.is_some_and(|(key, signature)| key.verify_strict(&self.message(), &signature).is_ok())
    }

    /// The head as something a journal must still reach. It has no signature of its own.
    #[must_use]
    pub fn as_checkpoint(&self) -> Checkpoint {
        Checkpoint {
            origin: self.origin.clone(),
            files: Vec::new(),
            head: self.head,
            signed_at: self.noted_at,
            public_key: self.public_key,
            signature: String::new(),
        }
    }
}

fn damaged(path: &Path, number: u64, reason: &str) -> JournalError {
    JournalError::Damaged { path: path.display().to_string(), seq: number, reason: reason.to_owned() }
}

/// Reads and checks the log in the file `path`: every line, link and signature.
///
/// # Errors
/// [`JournalError::Io`] when the file cannot be read; `Damaged` naming the first entry that is not as it was written.
pub fn read(path: &Path) -> Result<Vec<HeadEntry>, JournalError> {
    let text = small_file::read_text(path, LOG_BYTES_MAX);
    parse(path, &text.map_err(|error| disk::io_error("read", path, error))?)
}

fn parse(path: &Path, text: &str) -> Result<Vec<HeadEntry>, JournalError> {
    let mut entries: Vec<HeadEntry> = Vec::new();
    for (line, number) in text.split_inclusive('\n').zip(1_u64..) {
        let refused = |reason: &str| damaged(path, number, reason);
        let line = line.strip_suffix('\n').ok_or_else(|| refused("its last line is not whole"))?;
        let entry = serde_json::from_str::<HeadEntry>(line).ok().filter(|entry| entry.line() == line);
        let entry = entry.ok_or_else(|| refused("the line is not what was written"))?;
        let before = entries.last().map_or([0; 32], HeadEntry::hash);
        if entry.number != number || entry.previous != before {
            return Err(refused(
                "the entry does not follow the one before: an entry was changed or taken out",
            ));
        }
        if !entry.is_authentic() {
            return Err(refused("the signature of the entry is wrong"));
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Writes `heads` of the journal that lies at `place` behind the log in the file `path`, made when there is none;
/// answers the new entries. The log so far is checked first.
///
/// # Errors
/// As [`read`], and when the file cannot be written.
pub fn append(
    path: &Path,
    place: &str,
    heads: &[(String, ChainHead)],
    key: &CheckpointKey,
    noted_at: i64,
) -> Result<Vec<HeadEntry>, JournalError> {
    let refused = |error| disk::io_error("write", path, error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        disk::create_folders(folder)?;
    }
    if let Some(what) = std::fs::metadata(path).ok().as_ref().and_then(small_file::not_plain) {
        return Err(refused(std::io::Error::other(format!("it is {what}; give a plain file"))));
    }
    let mut file = File::options().read(true).append(true).create(true).open(path).map_err(refused)?;
    // Two programs that append at once would both follow the same entry.
    file.lock().map_err(refused)?;
    let before = read(path)?;
    let mut last = before.last().map_or(([0; 32], 0), |entry| (entry.hash(), entry.number));
    let mut entries = Vec::new();
    let mut lines = String::new();
    for (origin, head) in heads {
        let mut entry = HeadEntry {
            number: last.1.saturating_add(1),
            previous: last.0,
            place: place.to_owned(),
            origin: origin.clone(),
            head: *head,
            noted_at,
            public_key: key.public().0,
            signature: String::new(),
        };
        entry.signature = key.sign_bytes(&entry.message());
        last = (entry.hash(), entry.number);
        lines.push_str(&entry.line());
        lines.push('\n');
        entries.push(entry);
    }
    let end = file.seek(SeekFrom::End(0)).map_err(refused)?;
    let written = file.write_all(lines.as_bytes()).and_then(|()| file.sync_data());
    if written.is_err() {
        // Half a line would make the whole log unreadable.
        let _ = file.set_len(end);
    }
    written.map_err(refused)?;
    if before.is_empty() {
        path.parent().map_or(Ok(()), disk::sync_directory)?;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(folder: &Path) -> (std::path::PathBuf, Vec<HeadEntry>, CheckpointKey) {
        let path = folder.join("logs/heads.log");
        let key = CheckpointKey::load_or_create(&folder.join("key")).unwrap();
        let head = |count| ChainHead { count, digest: [7; 32], link: [9; 32] };
        append(&path, "/runs/a", &[("run".to_owned(), head(5))], &key, 1).unwrap();
        let series = [("x:A:bars".to_owned(), head(9)), ("x:\u{1b}[2J:bars".to_owned(), head(2))];
        append(&path, "/data/b", &series, &key, 2).unwrap();
        let entries = read(&path).unwrap();
        (path, entries, key)
    }

    #[test]
    fn entries_follow_each_other_and_no_other_order() {
        let folder = tempfile::tempdir().unwrap();
        let (path, entries, _) = written(folder.path());
        assert_eq!(entries.iter().map(|entry| entry.number).collect::<Vec<_>>(), [1, 2, 3]);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (order, at) in [(vec![1, 2], 1), (vec![0, 2], 2), (vec![1, 0, 2], 1), (vec![0, 1, 1], 3)] {
            let forged: String = order.iter().map(|line| format!("{}\n", lines[*line])).collect();
            std::fs::write(&path, forged).unwrap();
            let refused = read(&path).unwrap_err();
            assert!(
                matches!(refused, JournalError::Damaged { seq, .. } if seq == at),
                "{order:?}: {refused}"
            );
        }
        std::fs::write(&path, lines[..2].join("\n") + "\n").unwrap();
        assert_eq!(read(&path).unwrap().len(), 2, "a cut at a line shows only to who knows the last hash");
    }

    #[test]
    fn an_entry_that_was_chained_anew_by_another_is_not_signed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut entries, _) = written(folder.path());
        entries.remove(0);
        entries[0].number = 1;
        entries[0].previous = [0; 32];
        std::fs::write(&path, format!("{}\n", entries[0].line())).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("signature"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_changed_byte_is_found(place in any::<prop::sample::Index>(), bit in 0..8_u8) {
            let folder = tempfile::tempdir().unwrap();
            let (path, entries, _) = written(folder.path());
            let mut bytes = std::fs::read(&path).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= 1_u8 << bit;
            std::fs::write(&path, &bytes).unwrap();
            let found = read(&path);
            prop_assert!(found.is_err(), "byte {place}: {found:?}");
            prop_assert_eq!(entries.len(), 3);
        }
    }
}
