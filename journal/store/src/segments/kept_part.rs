//! Which segments of a run are kept, and which were dropped on purpose.

use engine_runtime::ports::JournalError;

use super::Segments;
use crate::chain::ChainHead;
use crate::dropped::Dropped;
use crate::journal_folder::segment_folder;
use crate::public_key::PublicKey;
use crate::segment;

impl Segments {
    /// What was dropped of the run on purpose.
    pub(crate) const fn dropped(&self) -> Option<&Dropped> {
        self.dropped.as_ref()
    }

    /// The head that what is kept goes on behind.
    pub(crate) fn kept_behind(&self) -> ChainHead {
        self.dropped.as_ref().map_or_else(ChainHead::start_of_run, |dropped| dropped.ends)
    }

    /// Number of pages that were dropped.
    pub(crate) fn pages_dropped(&self) -> u64 {
        let gone = self.parts.iter().filter(|part| self.is_dropped(part.note.number));
        gone.map(|part| part.note.pages).sum()
    }

    /// Who signed segment `number`.
    pub(crate) fn signer_of(&self, number: u64) -> Option<PublicKey> {
        self.notes().find(|note| note.number == number).and_then(|note| note.signed_by)
    }

    /// Whether segment `number` was dropped.
    pub(crate) fn is_dropped(&self, number: u64) -> bool {
        self.dropped.as_ref().is_some_and(|dropped| number <= dropped.last)
    }

    /// Whether `dropped` speaks of these segments, as far as can be told without a key.
    pub(super) fn is_stated(&self, dropped: &Dropped) -> Result<bool, JournalError> {
        let Some(part) = self.parts.iter().find(|part| part.note.number == dropped.last) else {
            return Ok(false);
        };
        let note = segment::note_hash(&segment_folder(&self.dir, part.note.number))?;
        Ok(part.note.ends == dropped.ends && note == dropped.note && dropped.opening().is_some())
    }
}
