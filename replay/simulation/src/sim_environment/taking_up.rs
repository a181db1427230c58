//! An environment written down between two inputs, and another one that goes on from there.

use engine_core::knowledge::{Forgotten, Knowledge, Learned, NoteReader, NoteWriter};
use replay_history::market_source::MarketSource;

use super::{SimEnvironment, Stage};

impl<S: MarketSource> SimEnvironment<S> {
    /// What another environment of the same settings needs to go on from here; `None` before the session is open and
    /// once its data has ended, and where something that was taken in waits to be told.
    pub(super) fn knowledge(&self) -> Option<Knowledge> {
        let nothing_waits = self.ahead.is_none() && self.told.is_none() && self.source.is_settled();
        let is_between_bars = self.open_due.is_none() && self.path_at.is_none() && self.close_wait.is_empty();
        // How inference is set up is told once, and belongs to the opening.
        let is_opened = self.stage == Stage::Data && !self.messages.holds_a_setup();
        let is_settled = is_opened && nothing_waits && is_between_bars && self.last_bars.is_empty();
        if is_settled { Knowledge::of(self) } else { None }
    }

    /// Where its market records come from.
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

/// What waits for a bar is not among it: it is written down between two bars only.
impl<S: MarketSource> Learned for SimEnvironment<S> {
    fn note(&self, notes: &mut NoteWriter) {
        notes.value(&(self.stage == Stage::Data));
        notes.value(&self.now);
        notes.value(&self.venue);
        notes.value(&self.messages);
        self.source.note(notes);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        self.stage = if notes.value()? { Stage::Data } else { Stage::Opening };
        self.now = notes.value()?;
        self.venue.recall(notes.value()?)?;
        self.messages = notes.value()?;
        self.source.recall(notes)
    }
}
