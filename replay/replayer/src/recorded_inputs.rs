//! What a run was told from outside, read back from its record.
//!
//! A self-contained run holds every input. Some of them its environment makes itself, from what it was told before:
//! deadlines, reports of a simulated venue, answers that travelled in simulated time. The others are given here, in
//! their order and at their moments, so that the same environment makes the same run of them.

use engine_core::envelope::{Envelope, RecordRef};
use engine_core::event::{Event, FailedAct, Input, SessionMark};
use engine_core::knowledge::{Forgotten, NoteReader};
use engine_core::time::Timestamp;
use engine_runtime::ports::{EnvironmentError, JournalError, Origin, Stamped};
use replay_history::market_source::{Arrival, MarketItem, MarketSource};

/// The inputs from outside among the events of a run.
#[derive(Debug)]
pub struct RecordedInputs<R> {
    envelopes: R,
    ahead: Option<Arrival>,
    /// Market records given so far.
    given: u64,
    /// The moment of the last event read.
    last_at: Option<Timestamp>,
    /// Whether how inference was set up has been read; the environment tells of the first setup itself.
    is_set_up: bool,
    /// Whether the answers of the conductor came from outside, and are told as they came.
    has_answers: bool,
    /// Whether a real venue reported on orders, and what it said is told as it came.
    has_reports: bool,
}

impl<R: Iterator<Item = Result<Envelope, JournalError>>> RecordedInputs<R> {
    /// Those among `envelopes`, which begin with the first of the run.
    pub const fn new(envelopes: R) -> Self {
        Self {
            envelopes,
            ahead: None,
            given: 0,
            last_at: None,
            is_set_up: false,
            has_answers: false,
            has_reports: false,
        }
    }

    /// Those among `envelopes`, which begin behind a settled event of moment `at`, by which the run had read `given`
    /// market records.
    pub fn behind(envelopes: R, given: u64, at: Timestamp) -> Self {
        Self { given, last_at: Some(at), is_set_up: true, ..Self::new(envelopes) }
    }

    /// The same for a run whose conductor answered from outside: its answers are among what it was told.
    #[must_use]
    pub fn with_answers(self) -> Self {
        Self { has_answers: true, ..self }
    }

    /// The same for a run with real orders: what became of them, and what could not be handed over, is among what it was told.
    #[must_use]
    pub fn with_reports(self) -> Self {
        Self { has_reports: true, ..self }
    }

    /// The same for an environment that has no conductor of its own, and is told how inference was set up.
    #[must_use]
    pub fn with_setup(self) -> Self {
        Self { is_set_up: true, ..self }
    }

    /// How many market records were given.
    #[must_use]
    pub const fn given(&self) -> u64 {
        self.given
    }

    /// The moment of the last event read, whatever kind it was.
    #[must_use]
    pub const fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    fn read(&mut self) -> Result<Arrival, EnvironmentError> {
        let broken = |error: JournalError| EnvironmentError::SourceBroken { reason: error.to_string() };
        while let Some(envelope) = self.envelopes.next().transpose().map_err(broken)? {
            self.last_at = Some(envelope.at);
            let Event::Input(input) = envelope.event else { continue };
            if let Some(arrival) = self.told_from_outside(envelope.at, input) {
                return Ok(arrival);
            }
        }
        Ok(Arrival::End)
    }

    /// Whether it was from outside that something could not be done; else the loop finds that out again.
    const fn is_from_outside(&self, act: FailedAct) -> bool {
        match act {
            FailedAct::Consult(_) => self.has_answers,
            FailedAct::Place(_) | FailedAct::Cancel(_) | FailedAct::Amend(_) => self.has_reports,
        }
    }

    fn told_from_outside(&mut self, at: Timestamp, input: Input) -> Option<Arrival> {
        match input {
            Input::Market(update) => {
                self.given += 1;
                let tick = RecordRef { dataset: 0, seq: self.given };
                Some(Arrival::Record(MarketItem { at, update, tick }))
            }
            Input::Inference(_) if !core::mem::replace(&mut self.is_set_up, true) => None,
            Input::Conductor(_) if self.has_answers => Some(Arrival::Told(at, Box::new(input))),
            Input::Execution(_) if self.has_reports => Some(Arrival::Told(at, Box::new(input))),
            Input::EffectFailed(ref failed) if self.is_from_outside(failed.act) => {
                Some(Arrival::Told(at, Box::new(input)))
            }
            Input::Feed(_)
            | Input::Operator(_)
            | Input::Clock(_)
            | Input::DataFault(_)
            | Input::Account(_)
            | Input::Listing(_)
            | Input::History(_)
            | Input::Inference(_)
            | Input::Session(SessionMark::Interrupted | SessionMark::Resumed) => {
                Some(Arrival::Told(at, Box::new(input)))
            }
            Input::Session(SessionMark::Opened(_) | SessionMark::Closed)
            | Input::Execution(_)
            | Input::Deadline
            | Input::Conductor(_)
            | Input::EffectFailed(_) => None,
        }
    }
}

impl<R: Iterator<Item = Result<Envelope, JournalError>>> MarketSource for RecordedInputs<R> {
    fn next(&mut self) -> Result<Option<MarketItem>, EnvironmentError> {
        loop {
            match self.wait(None)? {
                Arrival::Record(item) => return Ok(Some(item)),
                Arrival::Told(..) | Arrival::Nothing(_) => {}
                Arrival::End => return Ok(None),
            }
        }
    }

    fn wait(&mut self, until: Option<Timestamp>) -> Result<Arrival, EnvironmentError> {
        let arrival = match self.ahead.take() {
            Some(ahead) => ahead,
            None => self.read()?,
        };
        // A record that was cut short may end with what the environment made itself, by its last moment.
        let due = self.last_at.filter(|last_at| until.is_some_and(|until| until <= *last_at));
        match (arrival, due) {
            (Arrival::End, Some(last_at)) => Ok(Arrival::Nothing(last_at)),
            (arrival, _) => Ok(arrival),
        }
    }

    /// What the source of the run knew of the outside is of no use here: what came from there is on record.
    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.pass_over();
        Ok(())
    }

    fn read_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        match self.wait(None)? {
            Arrival::Record(MarketItem { at, update, tick }) => {
                let (event, origin) = (Event::Input(Input::Market(update)), Origin::Record(tick));
                *slot = Stamped { at, event, origin };
                Ok(true)
            }
            other @ (Arrival::Told(..) | Arrival::Nothing(_) | Arrival::End) => {
                self.ahead = Some(other);
                Ok(false)
            }
        }
    }
}
