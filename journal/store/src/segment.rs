//! A segment of a run: the pages of a span of it, put away, so that what stays open is small however old the run is.
//!
//! ```text
//! DIR/segments/00000001/pages.log        the pages, in one file as the open segment writes them
//! DIR/segments/00000001/pages.index      where each of them lies in it
//! DIR/segments/00000001/segment.json     from which head to which, and the hash of everything that belongs to it
//! DIR/segments/00000001/checkpoint.json  its last head, signed
//! ```
//!
//! The page log of the run becomes the file of the segment by being renamed: that is the moment at which the segment is
//! put away. A folder without it is what a kill left before that moment, and is written over. Each note names the one
//! before by its hash, and head and signature of the run name the last: none can be taken away or changed unseen.

use std::path::Path;

use engine_core::envelope::Seq;
use engine_runtime::ports::JournalError;

use crate::beside::FileBeside;
use crate::chain::{ChainHead, Hash, hex_hash};
use crate::disk;
use crate::event_span::EventSpan;
use crate::journal_folder::SEGMENT_NOTE;
use crate::page::PageHeader;
use crate::page_place::{Holder, PagePlace};
use crate::public_key::PublicKey;
use crate::side_file::{self, Found};
use crate::small_file;

/// What a segment holds, written when it was put away.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SegmentNote {
    /// 1, 2, 3 … in the order of the run.
    pub number: u64,
    /// The head of the run before its first event.
    pub begins: ChainHead,
    /// The head of the run at its last event.
    pub ends: ChainHead,
    /// When its first event was learned, nanoseconds since the epoch.
    pub first_at: i64,
    /// When its last event was learned.
    pub last_at: i64,
    /// Number of its pages.
    pub pages: u64,
    /// Bytes of its file of pages.
    pub bytes: u64,
    /// BLAKE3 of its file of pages.
    #[serde(with = "hex_hash")]
    pub blake3: Hash,
    /// BLAKE3 of the note of the segment before; zeros for the first.
    #[serde(with = "hex_hash")]
    pub previous: Hash,
    /// The whole of the run at its last event, from which the next segment goes on; none where nobody kept one.
    pub snapshot: Option<FileBeside>,
    /// Who signed its last head.
    pub signed_by: Option<PublicKey>,
}

impl SegmentNote {
    /// Number of its events.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.ends.count.saturating_sub(self.begins.count)
    }

    /// Its events.
    #[must_use]
    pub const fn span(&self) -> EventSpan {
        EventSpan { behind: Seq::new(self.begins.count), last: Some(Seq::new(self.ends.count)) }
    }

    /// The place of all its pages, where none of them can be read.
    pub(crate) fn gap(&self, place: usize) -> PagePlace {
        // More events than a page can count are only placed less exactly.
        let count = u32::try_from(self.events()).unwrap_or(u32::MAX).max(1);
        let header = PageHeader {
            schema: crate::upcast::ENVELOPES,
            count,
            first_seq: self.begins.count.saturating_add(1),
            first_at: self.first_at,
            last_at: self.last_at,
            payload_len: 0,
            previous: self.begins.link,
            block: [0; 32],
            digest: self.ends.digest,
        };
        PagePlace { holder: Holder::Segment(place), offset: 0, len: 0, header, link: self.ends.link }
    }
}

/// What the note in `folder` says.
pub(crate) fn read_note(folder: &Path) -> Result<Found<SegmentNote>, JournalError> {
    side_file::read(&folder.join(SEGMENT_NOTE))
}

/// The hash of the note in `folder`, by which the next one names it.
pub(crate) fn note_hash(folder: &Path) -> Result<Hash, JournalError> {
    let path = folder.join(SEGMENT_NOTE);
    let bytes = small_file::read(&path, small_file::SMALL_BYTES_MAX);
    let bytes = bytes.map_err(|error| disk::io_error("read", &path, error))?;
    Ok(*blake3::hash(&bytes).as_bytes())
}

/// Bytes and hash of a file of pages.
pub(crate) fn hash_of_file(path: &Path) -> Result<(u64, Hash), JournalError> {
    let refused = |error| disk::io_error("read", path, error);
    let mut hasher = blake3::Hasher::new();
    let file = std::fs::File::open(path).map_err(refused)?;
    hasher.update_reader(file).map_err(refused)?;
    Ok((hasher.count(), *hasher.finalize().as_bytes()))
}
