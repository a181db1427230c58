//! Where the inputs of a recorded run are read from.

use engine_core::envelope::{Envelope, RecordRef};
use engine_core::event::{Event, Input, OperatorCommand, SessionMark};
use engine_core::instrument::InstrumentId;
use engine_core::knowledge::{Forgotten, NoteReader};
use engine_core::market::{BarOpen, MarketUpdate};
use engine_core::num::Price;
use engine_core::time::Timestamp;
use engine_runtime::ports::{EnvironmentError, JournalError, Stamped};
use journal_store::run::Envelopes;
use replay_history::market_source::{Arrival, MarketItem, MarketSource, MemorySource};
use replay_replayer::recorded_inputs::RecordedInputs;
use replay_simulation::series_feed::SeriesFeeds;

/// The market records a run was made from.
#[derive(Debug)]
pub enum RecordedSource {
    /// In datasets.
    Datasets(SeriesFeeds),
    /// In the run itself, and read from there beside its other events.
    Embedded(MemorySource),
    /// In the run itself, to be played again.
    Own(Box<EmbeddedRecords>),
    /// In a run on real time, with everything else it was told, to be played again.
    Live(Box<RecordedInputs<Envelopes>>),
}

impl MarketSource for RecordedSource {
    fn pass_over(&mut self, count: u64, moment: Timestamp) -> Result<(), EnvironmentError> {
        match self {
            Self::Datasets(feeds) => feeds.pass_over(count, moment),
            Self::Embedded(nothing) => nothing.pass_over(count, moment),
            Self::Own(records) => records.pass_over(count, moment),
            Self::Live(inputs) => inputs.pass_over(count, moment),
        }
    }

    fn next(&mut self) -> Result<Option<MarketItem>, EnvironmentError> {
        match self {
            Self::Datasets(feeds) => feeds.next(),
            Self::Embedded(nothing) => nothing.next(),
            Self::Own(records) => records.next(),
            Self::Live(inputs) => inputs.next(),
        }
    }

    fn wait(&mut self, until: Option<Timestamp>) -> Result<Arrival, EnvironmentError> {
        match self {
            Self::Live(inputs) => inputs.wait(until),
            Self::Datasets(_) | Self::Embedded(_) | Self::Own(_) => {
                Ok(self.next()?.map_or(Arrival::End, Arrival::Record))
            }
        }
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        match self {
            Self::Datasets(feeds) => feeds.recall(notes),
            Self::Embedded(nothing) => nothing.recall(notes),
            Self::Own(records) => records.recall(notes),
            Self::Live(inputs) => inputs.recall(notes),
        }
    }

    fn read_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        match self {
            Self::Datasets(feeds) => feeds.read_into(slot),
            Self::Embedded(nothing) => nothing.read_into(slot),
            Self::Own(records) => records.read_into(slot),
            Self::Live(inputs) => inputs.read_into(slot),
        }
    }
}

/// The market records a self-contained run holds; the last opens that its end made are not among them.
#[derive(Debug)]
pub struct EmbeddedRecords<R = Envelopes> {
    envelopes: R,
    given: u64,
    ended: bool,
}

impl<R> EmbeddedRecords<R> {
    /// Those among `envelopes`, which begin with the first of the run.
    pub const fn new(envelopes: R) -> Self {
        Self { envelopes, given: 0, ended: false }
    }
}

impl<R: Iterator<Item = Result<Envelope, JournalError>>> MarketSource for EmbeddedRecords<R> {
    fn next(&mut self) -> Result<Option<MarketItem>, EnvironmentError> {
        let broken = |error: JournalError| EnvironmentError::SourceBroken { reason: error.to_string() };
        while !self.ended {
            let Some(envelope) = self.envelopes.next().transpose().map_err(broken)? else { break };
            match envelope.event {
                Event::Input(Input::Market(update)) => {
                    self.given += 1;
                    let tick = RecordRef { dataset: 0, seq: self.given };
                    return Ok(Some(MarketItem { at: envelope.at, update, tick }));
                }
                Event::Input(Input::Operator(OperatorCommand::Flatten)) => self.ended = true,
                // What would have come next is not on record. It stands here for a market that goes on, and is never
                // played: the run ends before it.
                Event::Input(Input::Session(SessionMark::Interrupted)) => {
                    self.ended = true;
                    let at = if self.given == 0 { envelope.at } else { Timestamp::MAX };
                    let open =
                        BarOpen { instrument: InstrumentId::new(0), open_at: at, open: Price::from_units(1) };
                    let tick = RecordRef { dataset: 0, seq: self.given + 1 };
                    return Ok(Some(MarketItem { at, update: MarketUpdate::Open(open), tick }));
                }
                Event::Input(_) | Event::Output(_) => {}
            }
        }
        Ok(None)
    }
}
