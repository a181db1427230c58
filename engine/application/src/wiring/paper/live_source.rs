//! The inputs of a run on real time: those it has recorded first, then those that come.

use core::fmt;

use engine_core::envelope::{Envelope, RecordRef};
use engine_core::event::{Event, Input};
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::instrument::InstrumentId;
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use engine_runtime::commit_gate::CommitGate;
use engine_runtime::ports::{EnvironmentError, Fed, InputFeed, JournalError, Origin, Stamped};
use replay_history::market_source::{Arrival, MarketItem, MarketSource};
use replay_replayer::recorded_inputs::RecordedInputs;

/// A record that is read to its end, and a feed behind it.
///
/// Nothing is known of the time between the two: behind the last recorded moment every feed is lost, until the venue
/// says otherwise.
pub struct LiveSource<R> {
    recorded: Option<RecordedInputs<R>>,
    feed: Box<dyn InputFeed>,
    /// Instruments whose feed is still to be called lost.
    unknown: Vec<InstrumentId>,
    /// Since when.
    since: Option<Timestamp>,
    given: u64,
    ahead: Option<Arrival>,
    /// Holds back what a venue makes of a bar until the bar itself is an input.
    gate: CommitGate,
}

impl<R> fmt::Debug for LiveSource<R> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LiveSource").field("given", &self.given).finish_non_exhaustive()
    }
}

impl<R> LiveSource<R>
where
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
    /// `feed` for the first `instruments` instruments, behind what was `recorded`. Steps belong together, by `gate`, from
    /// the moment that a bar is given until the next input is asked for.
    #[must_use]
    pub fn new(
        recorded: Option<RecordedInputs<R>>,
        feed: Box<dyn InputFeed>,
        instruments: usize,
        gate: CommitGate,
    ) -> Self {
        let unknown = (0..instruments).rev().filter_map(|index| u16::try_from(index).ok());
        let unknown = unknown.map(InstrumentId::new).collect();
        Self { recorded, feed, unknown, since: None, given: 0, ahead: None, gate }
    }

    fn numbered(&mut self, at: Timestamp, input: Input) -> Arrival {
        let Input::Market(update) = input else { return Arrival::Told(at, Box::new(input)) };
        self.hold_with(&update);
        self.given += 1;
        Arrival::Record(MarketItem { at, update, tick: RecordRef { dataset: 0, seq: self.given } })
    }

    fn hold_with(&self, update: &MarketUpdate) {
        if matches!(update, MarketUpdate::Bar(_)) {
            self.gate.hold();
        }
    }

    /// The next recorded input; `None` once there is no more.
    fn recorded(&mut self) -> Result<Option<Arrival>, EnvironmentError> {
        let Some(recorded) = &mut self.recorded else { return Ok(None) };
        match recorded.wait(None)? {
            Arrival::End => {}
            arrival @ (Arrival::Record(_) | Arrival::Told(..) | Arrival::Nothing(_)) => {
                return Ok(Some(arrival));
            }
        }
        (self.given, self.since) = (recorded.given(), recorded.last_at());
        // The record is let go: its journal is opened for writing next.
        self.recorded = None;
        Ok(None)
    }

    /// That a feed is lost, until every one of them has been called so.
    fn lost(&mut self) -> Result<Option<Arrival>, EnvironmentError> {
        if self.unknown.is_empty() {
            return Ok(None);
        }
        let since = match self.since {
            Some(since) => since,
            None => match self.feed.wait(Some(Timestamp::MIN))? {
                Fed::Nothing(now) => now,
                Fed::Input(at, input) => {
                    self.ahead = Some(self.numbered(at, input));
                    at
                }
                Fed::End => return Ok(Some(Arrival::End)),
            },
        };
        self.since = Some(since);
        let status = |instrument| FeedStatus { instrument, condition: FeedCondition::Lost };
        Ok(self
            .unknown
            .pop()
            .map(|instrument| Arrival::Told(since, Box::new(Input::Feed(status(instrument))))))
    }
}

impl<R> MarketSource for LiveSource<R>
where
    R: Iterator<Item = Result<Envelope, JournalError>>,
{
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
        if let Some(arrival) = self.recorded()? {
            return Ok(arrival);
        }
        if let Some(arrival) = self.lost()? {
            return Ok(arrival);
        }
        self.gate.release();
        if let Some(ahead) = self.ahead.take() {
            return Ok(ahead);
        }
        Ok(match self.feed.wait(until)? {
            Fed::Input(at, input) => self.numbered(at, input),
            Fed::Nothing(now) => Arrival::Nothing(now),
            Fed::End => Arrival::End,
        })
    }

    fn read_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        if let Some(recorded) = &mut self.recorded {
            return recorded.read_into(slot);
        }
        if !self.unknown.is_empty() || self.ahead.is_some() {
            return Ok(false);
        }
        self.gate.release();
        let Some((at, update)) = self.feed.ready()? else { return Ok(false) };
        self.hold_with(&update);
        self.given += 1;
        let origin = Origin::Record(RecordRef { dataset: 0, seq: self.given });
        *slot = Stamped { at, event: Event::Input(Input::Market(update)), origin };
        Ok(true)
    }
}
