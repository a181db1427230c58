//! A run that is played again, compared event by event with its record.

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Input, SessionMark};
use engine_core::machine::{Core, Step};
use engine_core::time::Timestamp;
use engine_runtime::ports::{Head, Journal, JournalError, Origin};

use super::{About, Difference};

/// A journal that compares instead of keeping.
pub(crate) struct Comparison<R: Iterator> {
    recorded: std::iter::Peekable<R>,
    keeps_records: bool,
    next: Seq,
    pub(crate) events: u64,
    pub(crate) complete: bool,
    /// Whether the record ended before the run did.
    pub(crate) ended: bool,
    pub(crate) difference: Option<Difference>,
    pub(crate) error: Option<JournalError>,
}

impl<R> Comparison<R>
where
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    pub(crate) fn new(recorded: R, keeps_records: bool) -> Self {
        Self {
            recorded: recorded.peekable(),
            keeps_records,
            next: Seq::FIRST,
            events: 0,
            complete: false,
            ended: false,
            difference: None,
            error: None,
        }
    }

    /// The same for a run that goes on behind event `last`.
    pub(crate) fn behind(self, last: Seq) -> Self {
        Self { next: last.next(), events: last.number(), ..self }
    }

    /// Whether every event of the record has been met.
    pub(crate) fn is_over(&mut self) -> bool {
        self.recorded.peek().is_none()
    }

    /// Compares the next event of the record; an error says that playing on is of no use.
    fn meet(
        &mut self,
        at: Timestamp,
        records_read: u64,
        cause: Cause,
        event: Event,
    ) -> Result<(), JournalError> {
        let seq = self.next;
        let envelope = match self.recorded.next() {
            Some(Ok(envelope)) => envelope,
            Some(Err(error)) => {
                self.error = Some(error);
                return Err(stopped());
            }
            None => {
                self.ended = true;
                return Err(stopped());
            }
        };
        let about = match () {
            () if envelope.event != event => Some(About::Event),
            () if envelope.at != at => Some(About::Moment),
            () if envelope.cause != cause => Some(About::Cause),
            () if envelope.records_read != records_read || envelope.seq != seq => Some(About::Place),
            () => None,
        };
        if let Some(about) = about {
            let (recorded, recomputed) = (vec![envelope.event], vec![event]);
            let cause = Some(cause);
            self.difference = Some(Difference { seq: seq.number(), at, cause, about, recorded, recomputed });
            return Err(stopped());
        }
        self.next = seq.next();
        self.events += 1;
        Ok(())
    }

    /// What the record holds behind the end of the run.
    pub(crate) fn left_over(&mut self, core: &Core) -> Result<Option<Difference>, JournalError> {
        let Some(envelope) = self.recorded.next().transpose()? else { return Ok(None) };
        Ok(Some(Difference {
            seq: self.next.number(),
            at: core.state().now(),
            cause: Some(envelope.cause),
            about: About::Event,
            recorded: vec![envelope.event],
            recomputed: Vec::new(),
        }))
    }
}

/// What the loop is told so that it ends; nobody else sees it.
pub(crate) fn stopped() -> JournalError {
    JournalError::Poisoned { reason: "the record goes another way".to_owned() }
}

impl<R> Journal for Comparison<R>
where
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    fn append(&mut self, origin: Origin, records_read: u64, step: &Step) -> Result<(), JournalError> {
        let Step { at, input, outputs } = step;
        let own = Cause::Event(self.next);
        let (is_kept, cause) = match origin {
            Origin::Own => (true, own),
            Origin::Record(_) if self.keeps_records => (true, own),
            Origin::Record(tick) => (false, Cause::Record(tick)),
        };
        let closes = matches!(input, Input::Session(SessionMark::Closed));
        if is_kept {
            self.meet(*at, records_read, cause, Event::Input(input.clone()))?;
        }
        for output in outputs {
            self.meet(*at, records_read, cause, Event::Output(output.clone()))?;
        }
        self.complete = closes;
        Ok(())
    }

    fn keeps_records(&self) -> bool {
        self.keeps_records
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        Ok(Seq::new(self.events))
    }

    fn head(&self) -> Head {
        Head { count: self.events, digest: [0; 32] }
    }
}
