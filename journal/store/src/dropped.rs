//! What was dropped of a run on purpose, which tells it from what was taken away.
//!
//! ```text
//! DIR/segments/dropped.json   up to which segment, the head there, the first event of the run, and who says so
//! ```
//!
//! A segment that was dropped keeps its note and its signed head, so the notes are one chain still. Its pages and its index
//! go, and so do the snapshots before the last of it: the one with which it ends is what the run begins with now. The
//! statement is written, and lasts, before anything goes; what a kill left of the going is finished by the next writer.
//!
//! Only who signed the segments can say that they were dropped: the statement is signed by the same key.

use std::path::Path;

use engine_core::envelope::{Envelope, Seq};
use engine_runtime::ports::JournalError;

use crate::beside::FileBeside;
use crate::chain::{ChainHead, Hash, hex, hex_hash};
use crate::checkpoint::{Checkpoint, CheckpointKey};
use crate::frame::Frames;
use crate::journal_folder::SEGMENTS;
use crate::public_key::PublicKey;
use crate::side_file::{self, Found};

/// The statement, in the folder of the segments.
pub(crate) const STATEMENT: &str = "dropped.json";

/// What the statement is called in findings, and in its own signature.
pub(crate) const STATEMENT_NAME: &str = "segments/dropped.json";

/// What a signature of the statement is about.
const ORIGIN: &str = "dropped";

/// The segments of a run that were dropped: its first, up to one of them.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Number of the last of them.
    pub last: u64,
    /// The head of the run at its last event.
    pub ends: ChainHead,
    /// BLAKE3 of its note, which names those before.
    #[serde(with = "hex_hash")]
    pub note: Hash,
    /// When the first of them was dropped, nanoseconds since the epoch.
    pub since: i64,
    /// When the last of them was.
    pub at: i64,
    /// The first event of the run as its page held it, hexadecimal: what the run is made of.
    opening: String,
    /// Who says so; nobody where nobody signed the segments.
    signature: Option<Checkpoint>,
}

impl Dropped {
    /// That the segment whose note has the hash `note` was dropped at `at`, and all before it; the first of them at `since`.
    pub(crate) fn new(segment: (u64, ChainHead, Hash), since: i64, at: i64, opening: &[u8]) -> Self {
        let (last, ends, note) = segment;
        Self { last, ends, note, since, at, opening: hex(opening), signature: None }
    }

    /// The same, signed with `key`.
    pub(crate) fn signed(self, key: &CheckpointKey) -> Self {
        let named = FileBeside { name: STATEMENT_NAME.to_owned(), blake3: self.content() };
        let signature = key.sign_beside(ORIGIN, self.ends, vec![named], self.at);
        Self { signature: Some(signature), ..self }
    }

    /// The hash of everything it says but the signature.
    fn content(&self) -> Hash {
        let unsigned = Self { signature: None, ..self.clone() };
        // Numbers and texts always have a form in JSON.
        *blake3::hash(&serde_json::to_vec(&unsigned).unwrap_or_default()).as_bytes()
    }

    /// Who signed what it says; nobody where the signature is gone, or of something else.
    #[must_use]
    pub fn signer(&self) -> Option<PublicKey> {
        let content = self.content();
        let is_of_this = |signed: &&Checkpoint| {
            let names = signed.files.iter().any(|file| file.blake3 == content && file.name == STATEMENT_NAME);
            names && signed.origin == ORIGIN && signed.head == self.ends && signed.is_authentic()
        };
        self.signature.as_ref().filter(is_of_this).map(|signed| PublicKey(signed.public_key))
    }

    /// Whether `signer`, who signed the segments, says so; of segments that nobody signed anyone can.
    pub(crate) fn is_said_by(&self, signer: Option<PublicKey>) -> bool {
        signer.is_none() || self.signer() == signer
    }

    /// The first event of the run; none where the statement is forged.
    pub(crate) fn opening(&self) -> Option<Envelope> {
        let bytes = self.opening_bytes()?;
        let frame = Frames::new(&bytes).next().filter(|frame| frame.is_sound)?;
        frame.envelope().filter(|envelope| envelope.seq == Seq::FIRST)
    }

    /// The bytes of its frame.
    pub(crate) fn opening_bytes(&self) -> Option<Vec<u8>> {
        let pair = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
        self.opening.as_bytes().chunks(2).map(pair).collect()
    }

    /// The first event that is kept.
    #[must_use]
    pub const fn first_kept(&self) -> Seq {
        Seq::new(self.ends.count).next()
    }

    /// On which days, as in `on 2026-11-30`.
    #[must_use]
    pub fn days(&self) -> String {
        match (day_text(self.since), day_text(self.at)) {
            (first, last) if first == last => format!("on {last}"),
            (first, last) => format!("from {first} to {last}"),
        }
    }

    pub(crate) fn error(&self, dir: &Path, seq: u64) -> JournalError {
        let (path, days) = (dir.display().to_string(), self.days());
        JournalError::Dropped { path, seq, last: self.ends.count, days }
    }
}

impl core::fmt::Display for Dropped {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (last, events, days) = (self.last, self.ends.count, self.days());
        let which = if last == 1 { "segment 1".to_owned() } else { format!("segments 1–{last}") };
        let were = if last == 1 { "was" } else { "were" };
        write!(out, "{which} {were} dropped {days} by retention, events 1 to {events}")
    }
}

/// What was dropped of the run in `dir`; nothing where no sound statement says that anything was.
///
/// # Errors
/// [`JournalError::Io`] when the statement is there but cannot be read.
pub fn dropped_of(dir: &Path) -> Result<Option<Dropped>, JournalError> {
    Ok(find(dir)?.sound())
}

pub(crate) fn find(dir: &Path) -> Result<Found<Dropped>, JournalError> {
    side_file::read(&dir.join(SEGMENTS).join(STATEMENT))
}

/// Writes the statement of the run in `dir`, and makes it last.
pub(crate) fn state(dir: &Path, dropped: &Dropped) -> Result<(), JournalError> {
    side_file::write(&dir.join(SEGMENTS).join(STATEMENT), dropped)
}

/// The day (UTC) of a moment in nanoseconds since the epoch, as in `2026-11-30`.
fn day_text(at: i64) -> String {
    chrono::DateTime::from_timestamp_nanos(at).format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000_000;

    #[test]
    fn days_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_709_164_800, "2024-02-29"),
            (1_767_225_599, "2025-12-31"),
            (1_796_083_200, "2026-12-01"),
            (4_107_542_400, "2100-03-01"),
        ];
        for (seconds, day) in cases {
            assert_eq!(day_text(seconds * 1_000_000_000), day);
        }
    }

    fn stated() -> Dropped {
        let ends = ChainHead { count: 70_000, digest: [1; 32], link: [2; 32] };
        Dropped::new((7, ends, [3; 32]), 20_000 * DAY, 20_003 * DAY + 1, &[0xab, 0x01, 0xff])
    }

    #[test]
    fn a_statement_says_what_went_and_when() {
        let words = stated().to_string();
        let expected =
            "segments 1–7 were dropped from 2024-10-04 to 2024-10-07 by retention, events 1 to 70000";
        assert_eq!(words, expected);
        let once = Dropped { last: 1, since: stated().at, ..stated() };
        assert!(once.to_string().starts_with("segment 1 was dropped on 2024-10-07 by retention"));
        assert_eq!(
            (once.first_kept().number(), stated().opening_bytes()),
            (70_001, Some(vec![0xab, 1, 0xff]))
        );
    }

    #[test]
    fn a_statement_is_signed_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let key = CheckpointKey::load_or_create(&folder.path().join("key")).unwrap();
        let signed = stated().signed(&key);
        assert_eq!((stated().signer(), signed.signer()), (None, Some(key.public())));
        let changed: [fn(&mut Dropped); 6] = [
            |statement| statement.last += 1,
            |statement| statement.ends.count += 1,
            |statement| statement.note[0] ^= 1,
            |statement| statement.since -= 1,
            |statement| statement.at += 1,
            |statement| statement.opening.push('0'),
        ];
        for (number, change) in changed.into_iter().enumerate() {
            let mut forged = signed.clone();
            change(&mut forged);
            assert_eq!(forged.signer(), None, "{number}");
        }
    }
}
