//! A run gone on with where its record ends.
//!
//! The run is made again from what it was told, by the same environment, and compared with its record event by event.
//! Behind the last of them it is written on. So core, strategy, venue and everything under way stand as they stood, and
//! an engine that would have decided otherwise is found before it writes anything.

use engine_core::envelope::{Envelope, Seq};
use engine_core::machine::Step;
use engine_runtime::ports::{Head, Journal, JournalError, Origin};

use super::Difference;
use super::comparison::Comparison;

/// Opens the journal behind the last recorded event; told how many events have been met.
pub type Reopen<J> = Box<dyn FnOnce(u64) -> Result<J, JournalError>>;

/// A journal whose recorded steps are compared, and behind which further ones are appended.
pub struct Continuation<R: Iterator, J> {
    stage: Stage<R, J>,
    difference: Option<Difference>,
    error: Option<JournalError>,
}

enum Stage<R: Iterator, J> {
    Comparing(Box<Comparison<R>>, Reopen<J>),
    Appending(J),
    /// The journal could not be opened.
    Failed,
}

impl<R: Iterator, J> core::fmt::Debug for Continuation<R, J> {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let appending = matches!(self.stage, Stage::Appending(_));
        out.debug_struct("Continuation").field("appending", &appending).finish_non_exhaustive()
    }
}

impl<R, J> Continuation<R, J>
where
    R: Iterator<Item = Result<Envelope, JournalError>>,
    J: Journal,
{
    /// Behind the events of `recorded`, a self-contained run from its first event; `reopen` gives its journal once all
    /// have been met.
    pub fn new(recorded: R, reopen: Reopen<J>) -> Self {
        let comparison = Box::new(Comparison::new(recorded, true));
        Self { stage: Stage::Comparing(comparison, reopen), difference: None, error: None }
    }

    /// The same for a run that is taken up behind event `last`, and `recorded` the events behind that.
    #[must_use]
    pub fn behind(self, last: Seq) -> Self {
        match self.stage {
            Stage::Comparing(comparison, reopen) => {
                let stage = Stage::Comparing(Box::new(comparison.behind(last)), reopen);
                Self { stage, ..self }
            }
            Stage::Appending(_) | Stage::Failed => self,
        }
    }

    /// A run that begins: nothing to compare.
    pub const fn begun(journal: J) -> Self {
        Self { stage: Stage::Appending(journal), difference: None, error: None }
    }

    /// The first event that is decided otherwise now, where that is why the loop ended.
    pub fn difference(&mut self) -> Option<Difference> {
        self.difference.take()
    }

    /// Why the record could not be read, where that is why the loop ended.
    pub fn error(&mut self) -> Option<JournalError> {
        self.error.take()
    }

    /// The journal, once every recorded event has been met.
    pub fn into_journal(self) -> Option<J> {
        match self.stage {
            Stage::Comparing(..) | Stage::Failed => None,
            Stage::Appending(journal) => Some(journal),
        }
    }

    /// Whether further steps are appended.
    pub const fn is_appending(&self) -> bool {
        matches!(self.stage, Stage::Appending(_))
    }

    /// Goes over to appending once the record is over.
    ///
    /// # Errors
    /// [`JournalError`] when the journal cannot be opened.
    pub fn catch_up(&mut self) -> Result<(), JournalError> {
        let Stage::Comparing(comparison, _) = &mut self.stage else { return Ok(()) };
        if !comparison.is_over() {
            return Ok(());
        }
        let events = comparison.events;
        if let Stage::Comparing(comparison, reopen) = core::mem::replace(&mut self.stage, Stage::Failed) {
            // The record is let go before: whoever writes has the journal alone.
            drop(comparison);
            self.stage = Stage::Appending(reopen(events)?);
        }
        Ok(())
    }
}

impl<R, J> Journal for Continuation<R, J>
where
    R: Iterator<Item = Result<Envelope, JournalError>>,
    J: Journal,
{
    fn append(&mut self, origin: Origin, records_read: u64, step: &Step) -> Result<(), JournalError> {
        self.catch_up()?;
        match &mut self.stage {
            Stage::Appending(journal) => journal.append(origin, records_read, step),
            Stage::Failed => Err(unopened()),
            Stage::Comparing(comparison, _) => {
                let met = comparison.append(origin, records_read, step);
                if met.is_err() {
                    self.difference = comparison.difference.take();
                    self.error = comparison.error.take();
                }
                met
            }
        }
    }

    fn keeps_records(&self) -> bool {
        true
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        match &mut self.stage {
            Stage::Appending(journal) => journal.sync(),
            Stage::Comparing(comparison, _) => comparison.sync(),
            Stage::Failed => Err(unopened()),
        }
    }

    fn is_segment_full(&self) -> bool {
        matches!(&self.stage, Stage::Appending(journal) if journal.is_segment_full())
    }

    fn end_segment(&mut self) -> Result<(), JournalError> {
        match &mut self.stage {
            Stage::Appending(journal) => journal.end_segment(),
            Stage::Comparing(..) | Stage::Failed => Ok(()),
        }
    }

    fn head(&self) -> Head {
        match &self.stage {
            Stage::Appending(journal) => journal.head(),
            Stage::Comparing(comparison, _) => comparison.head(),
            Stage::Failed => Head::default(),
        }
    }
}

fn unopened() -> JournalError {
    JournalError::Poisoned { reason: "the journal could not be opened behind its record".to_owned() }
}
