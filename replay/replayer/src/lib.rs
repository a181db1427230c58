//! The ways back into a recorded run: play again ([`backtest_replay`], [`live_replay`]), decide again ([`check`]), fold ([`fold`]), compare
//! ([`divergence`]).
//!
//! This crate promises that a recorded run decided again gives the same outputs or names the first one that differs,
//! and that a record that no engine writes is refused before it is applied. It deliberately writes nothing, knows no
//! strategy by name and computes no figure.
//!
//! All of them read the run's envelopes beside the market records it refers to. An envelope says how many
//! market inputs came before it, so the two streams have exactly one interleaving. [`rebuild`] takes an interrupted
//! run up, and [`trace`] reads a run back as what significance needs.

use engine_core::digest::Digest;
use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Input, Output, SessionMark};
use engine_core::knowledge::Forgotten;
use engine_core::machine::Core;
use engine_core::time::Timestamp;
use engine_runtime::ports::{EnvironmentError, JournalError};

use replay_history::market_source::MarketSource;

pub mod backtest_replay;
mod comparison;
pub mod continuation;
pub mod divergence;
pub mod fold;
pub mod legality;
pub mod live_replay;
mod played;
pub mod rebuild;
pub mod recorded_inputs;
pub mod trace;

use legality::{Illegal, legal};

/// Why a replay stopped without a verdict.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The run cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The market records it refers to cannot be read.
    #[error(transparent)]
    Source(#[from] EnvironmentError),
    /// The datasets end before the run does.
    #[error(
        "replay event {seq}: its datasets hold {records_read} market inputs, the event came after {wanted}"
    )]
    DatasetTooShort {
        /// The event that could not be reached.
        seq: u64,
        /// Market inputs there are.
        records_read: u64,
        /// Market inputs the event counts.
        wanted: u64,
    },
    /// The record holds what no engine writes. Verify it, and ask where it comes from.
    #[error("replay event {seq}: {reason}; the record was not written by this engine as it stands")]
    Illegal {
        /// The event.
        seq: u64,
        /// What is wrong with it.
        reason: Illegal,
    },
    /// Folding gives another state than the run recorded: a snapshot, a dataset or the record is not its own.
    #[error(
        "fold event {seq}: the state is {folded}, the run recorded {recorded}; remove its snapshots, verify it and its \
         datasets"
    )]
    AnotherState {
        /// The event that recorded the digest.
        seq: u64,
        /// The digest in the record.
        recorded: Digest,
        /// The digest of the folded state.
        folded: Digest,
    },
    /// What was kept to go on from cannot be taken up by this engine. Play the run from its first event.
    #[error("replay behind event {seq}, from the snapshot kept there: {because}")]
    CannotStand {
        /// The event of the snapshot.
        seq: u64,
        /// Why not.
        because: Forgotten,
    },
    /// The run holds no event at all.
    #[error("replay the run: it holds no events")]
    Empty,
}

/// The first place where deciding again gave something else.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Difference {
    /// The first event that differs, as numbered in the record.
    pub seq: u64,
    /// The moment of the input both decided on.
    pub at: Timestamp,
    /// What led to it.
    pub cause: Option<Cause>,
    /// What about it differs.
    pub about: About,
    /// What the record says happened or followed.
    pub recorded: Vec<Event>,
    /// What happens or follows now.
    pub recomputed: Vec<Event>,
}

/// What about an event differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The event itself, or that there is one.
    Event,
    /// When the engine learned it.
    Moment,
    /// The input or market record that led to it.
    Cause,
    /// Its number, or how many market records came before it.
    Place,
    /// The state kept beside the run for this event.
    State,
}

impl About {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Event => "another event",
            Self::Moment => "the same event at another moment",
            Self::Cause => "the same event with another cause",
            Self::Place => "the same event after another number of market records",
            Self::State => "the snapshot kept for this event is of another core",
        }
    }
}

/// The verdict of a replay.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CheckReport {
    /// Events compared.
    pub events: u64,
    /// Market inputs decided on.
    #[serde(rename = "ticks")]
    pub records_read: u64,
    /// The first difference, if there is one.
    pub difference: Option<Difference>,
    /// Whether the record ends with the session's close.
    pub complete: bool,
    /// Whether the simulated venue was played again too, so that fills were compared and not taken as recorded.
    pub venue: bool,
}

/// Decides every recorded input again and stops at the first output that differs.
///
/// `core` must be new and configured as the manifest says; `source` must give the manifest's datasets.
///
/// # Errors
/// [`ReplayError`] when run or datasets cannot be read; a difference is a verdict, not an error.
pub fn check<S, R>(core: &mut Core, source: &mut S, recorded: R) -> Result<CheckReport, ReplayError>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    let mut replay = Check { core, source, recorded: recorded.peekable(), events: 0, complete: false };
    let difference = replay.run()?;
    if replay.events == 0 {
        return Err(ReplayError::Empty);
    }
    let (events, complete) = (replay.events, replay.complete);
    Ok(CheckReport {
        events,
        records_read: replay.core.state().records_read(),
        difference,
        complete,
        venue: false,
    })
}

struct Check<'a, S, R: Iterator> {
    core: &'a mut Core,
    source: &'a mut S,
    recorded: std::iter::Peekable<R>,
    events: u64,
    complete: bool,
}

impl<S, R> Check<'_, S, R>
where
    S: MarketSource,
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    fn run(&mut self) -> Result<Option<Difference>, ReplayError> {
        while let Some(envelope) = self.take_input()? {
            let difference = match envelope {
                Next::Own(envelope) => self.own_input(&envelope)?,
                Next::Tick(records_read) => self.tick(records_read)?,
            };
            if difference.is_some() {
                return Ok(difference);
            }
        }
        Ok(None)
    }

    /// What the record says comes next: an input of its own, or a market record that led to outputs.
    fn take_input(&mut self) -> Result<Option<Next>, ReplayError> {
        let Some(next) = self.recorded.next_if(|envelope| !is_output(envelope)) else {
            return Ok(match self.recorded.peek() {
                Some(Ok(output)) => Some(Next::Tick(output.records_read)),
                Some(Err(_)) | None => None,
            });
        };
        Ok(Some(Next::Own(Box::new(next?))))
    }

    fn own_input(&mut self, envelope: &Envelope) -> Result<Option<Difference>, ReplayError> {
        let market = matches!(envelope.event, Event::Input(Input::Market(_)));
        let before = envelope.records_read.saturating_sub(u64::from(market));
        while self.core.state().records_read() < before {
            let (at, outputs) = self.next_tick(envelope.seq, before)?;
            if !outputs.is_empty() {
                return Ok(Some(difference(envelope.seq, at, None, Vec::new(), outputs)));
            }
        }
        if legal(self.core.state(), envelope.at, &envelope.event).is_err() {
            let (seq, at) = (envelope.seq.number(), self.core.state().now());
            let recorded = vec![envelope.event.clone()];
            let (cause, about) = (Some(envelope.cause), About::Moment);
            return Ok(Some(Difference { seq, at, cause, about, recorded, recomputed: Vec::new() }));
        }
        self.events += 1;
        self.complete = matches!(envelope.event, Event::Input(Input::Session(SessionMark::Closed)));
        let outputs = self.core.decide(envelope.at, &envelope.event);
        let cause = Cause::Event(envelope.seq);
        self.compare(envelope.seq.next(), envelope.at, cause, outputs)
    }

    fn tick(&mut self, records_read: u64) -> Result<Option<Difference>, ReplayError> {
        let Some(Ok(first)) = self.recorded.peek() else { return Ok(None) };
        let (seq, cause) = (first.seq, first.cause);
        if self.core.state().records_read() >= records_read {
            // No market input is left that could have led to it.
            return self.compare(seq, self.core.state().now(), cause, Vec::new());
        }
        loop {
            let (at, outputs) = self.next_tick(seq, records_read)?;
            if self.core.state().records_read() == records_read || !outputs.is_empty() {
                let expected = self.core.state().records_read() == records_read;
                if !expected {
                    return Ok(Some(difference(seq, at, None, Vec::new(), outputs)));
                }
                return self.compare(seq, at, cause, outputs);
            }
        }
    }

    fn next_tick(&mut self, seq: Seq, wanted: u64) -> Result<(Timestamp, Vec<Output>), ReplayError> {
        let Some(item) = self.source.next()? else {
            let records_read = self.core.state().records_read();
            return Err(ReplayError::DatasetTooShort { seq: seq.number(), records_read, wanted });
        };
        let at = item.at.max(self.core.state().now());
        let outputs = self.core.decide(at, &Event::Input(Input::Market(item.update)));
        Ok((at, outputs))
    }

    /// Takes the recorded outputs of one step and compares them with what was decided now.
    fn compare(
        &mut self,
        seq: Seq,
        at: Timestamp,
        cause: Cause,
        recomputed: Vec<Output>,
    ) -> Result<Option<Difference>, ReplayError> {
        let mut recorded = Vec::with_capacity(recomputed.len());
        let records_read = self.core.state().records_read();
        while let Some(next) = self.recorded.next_if(|next| belongs(next, cause, records_read)) {
            if let Event::Output(output) = next?.event {
                recorded.push(output);
            }
        }
        self.events += recorded.len() as u64;
        if recorded == recomputed {
            return Ok(None);
        }
        let same = recorded.iter().zip(&recomputed).take_while(|(old, new)| old == new).count();
        let first = Seq::new(seq.number() + same as u64);
        Ok(Some(difference(first, at, Some(cause), recorded, recomputed)))
    }
}

/// What the record says comes next.
enum Next {
    Own(Box<Envelope>),
    Tick(u64),
}

fn is_output(envelope: &Result<Envelope, JournalError>) -> bool {
    matches!(envelope, Ok(Envelope { event: Event::Output(_), .. }))
}

/// Whether an output followed from the same step: the same cause, and as many market inputs before it, for the
/// open and the close of a bar are two inputs from one record.
fn belongs(envelope: &Result<Envelope, JournalError>, cause: Cause, records_read: u64) -> bool {
    match envelope {
        Ok(Envelope { event: Event::Output(_), cause: its, records_read: after, .. }) => {
            *its == cause && *after == records_read
        }
        Ok(Envelope { event: Event::Input(_), .. }) => false,
        // A broken record is taken here so that its error is not lost.
        Err(_) => true,
    }
}

fn difference(
    seq: Seq,
    at: Timestamp,
    cause: Option<Cause>,
    recorded: Vec<Output>,
    recomputed: Vec<Output>,
) -> Difference {
    let events = |outputs: Vec<Output>| outputs.into_iter().map(Event::Output).collect();
    let (recorded, recomputed) = (events(recorded), events(recomputed));
    Difference { seq: seq.number(), at, cause, about: About::Event, recorded, recomputed }
}
