//! The environment of real orders written down between two inputs, and another one that goes on from there.

use engine_core::knowledge::{Forgotten, Knowledge, Learned, NoteReader, NoteWriter};
use replay_history::market_source::MarketSource;

use super::{LiveEnvironment, Stage};

impl<S: MarketSource> LiveEnvironment<S> {
    /// What another environment of the same settings needs to go on from here; `None` before the session is open and once
    /// it is over, and where something that was taken in waits to be told.
    pub(super) fn knowledge(&self) -> Option<Knowledge> {
        let is_settled = self.stage == Stage::Open && self.coming.is_empty() && self.source.is_settled();
        if is_settled { Knowledge::of(self) } else { None }
    }

    /// Where its inputs come from.
    pub const fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Goes on from where another one wrote down what it knew, whose source had given everything up to there.
    ///
    /// # Errors
    /// [`Forgotten`]; this environment is then as it was.
    pub fn take_up(&mut self, knowledge: &Knowledge) -> Result<(), Forgotten> {
        knowledge.recall(self)
    }
}

impl<S: MarketSource> Learned for LiveEnvironment<S> {
    fn note(&self, notes: &mut NoteWriter) {
        notes.value(&(self.stage == Stage::Open));
        notes.value(&self.now);
        notes.value(&self.orders);
        self.source.note(notes);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        self.stage = if notes.value()? { Stage::Open } else { Stage::Opening };
        self.now = notes.value()?;
        self.orders = notes.value()?;
        self.source.recall(notes)
    }
}
