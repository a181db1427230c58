//! The inputs of a run on real time: those it has recorded first, then those that come.

use core::fmt;

use engine_core::conductor::{InferenceSetup, Question};
use engine_core::envelope::{Envelope, RecordRef};
use engine_core::event::{Event, Input, SessionMark};
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::instrument::InstrumentId;
use engine_core::knowledge::{Forgotten, NoteReader, NoteWriter};
use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use engine_runtime::commit_gate::CommitGate;
use engine_runtime::conductor::Conductor;
use engine_runtime::ports::{EnvironmentError, Fed, InputFeed, JournalError, Origin, Stamped};
use replay_history::market_source::{Arrival, MarketItem, MarketSource};
use replay_replayer::recorded_inputs::RecordedInputs;

use super::held_opens::HeldOpens;
use super::listing_watch::ListingWatch;
use super::past_bars::PastBars;
use super::question_desk::QuestionDesk;

/// A record that is read to its end, and a feed behind it.
///
/// Nothing is known of the time between the two: behind the last recorded moment every feed is lost, until the venue
/// says otherwise, and bars that the venue can tell are told as past.
pub struct LiveSource<R> {
    recorded: Option<RecordedInputs<R>>,
    feed: Box<dyn InputFeed>,
    /// Instruments whose feed is still to be called lost.
    unknown: Vec<InstrumentId>,
    /// Since when.
    since: Option<Timestamp>,
    instruments: u16,
    /// Whether the past has been asked for.
    has_begun: bool,
    given: u64,
    /// What came before it could be given: behind the bars that were missing by then.
    waiting: Option<(Timestamp, Input)>,
    past: Option<PastBars>,
    listings: Option<ListingWatch>,
    opens: HeldOpens,
    /// The moment that the feed said last.
    now: Timestamp,
    /// Where questions are answered outside of the loop.
    desk: Option<QuestionDesk>,
    /// Whether the record ends with the end that its operator gave it.
    was_ended: bool,
    /// Whether the run was begun before.
    goes_on: bool,
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
    /// `feed` for the first `instruments` instruments. Steps belong together, by `gate`, from
    /// the moment that a bar is given until the next input is asked for.
    #[must_use]
    pub fn new(feed: Box<dyn InputFeed>, instruments: usize, gate: CommitGate) -> Self {
        let instruments = u16::try_from(instruments).unwrap_or(u16::MAX);
        Self {
            recorded: None,
            feed,
            unknown: all(instruments),
            since: None,
            instruments,
            has_begun: false,
            given: 0,
            waiting: None,
            past: None,
            listings: None,
            opens: HeldOpens::default(),
            now: Timestamp::MIN,
            desk: None,
            was_ended: false,
            goes_on: false,
            gate,
        }
    }

    /// The same with bars that the run does not see itself.
    #[must_use]
    pub fn with_past(self, past: Option<PastBars>) -> Self {
        Self { past, ..self }
    }

    /// The same with what the venue changes about the instruments.
    #[must_use]
    pub fn with_listings(self, listings: ListingWatch) -> Self {
        Self { listings: Some(listings), ..self }
    }

    /// The same with `conductor` to answer questions: on a thread of its own where the feed is one of now, else at once. The
    /// answers are told like anything else from outside.
    ///
    /// # Errors
    /// What the operating system says when it gives no thread.
    pub fn conducted_by(self, conductor: Box<dyn Conductor>) -> std::io::Result<Self> {
        let desk = QuestionDesk::new(conductor, self.feed.inlet())?;
        Ok(Self { desk: Some(desk), ..self })
    }

    /// How inference is set up, where questions are answered outside of the loop.
    #[must_use]
    pub fn inference(&self) -> Option<&InferenceSetup> {
        self.desk.as_ref().map(QuestionDesk::setup)
    }

    /// Gives what was `recorded` before anything of the feed.
    pub fn play_first(&mut self, recorded: RecordedInputs<R>) {
        let recorded = match &mut self.desk {
            Some(desk) => {
                desk.close();
                recorded.with_answers()
            }
            None => recorded,
        };
        (self.recorded, self.goes_on) = (Some(recorded), true);
    }

    fn learn_of(&mut self, at: Timestamp, input: &Input) {
        self.desk.iter_mut().for_each(|desk| desk.learn_of(input));
        self.past.iter_mut().for_each(|past| past.learn_of(at, input));
        self.listings.iter_mut().for_each(|listings| listings.learn_of(input));
    }

    fn numbered(&mut self, at: Timestamp, input: Input) -> Arrival {
        self.learn_of(at, &input);
        if matches!(&input, Input::Clock(step) if step.followed.is_positive()) {
            // Nobody saw the time that was passed over, and no bar that forms is whole.
            (self.unknown, self.since) = (all(self.instruments), Some(at));
        }
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
        let arrival = recorded.wait(None)?;
        match &arrival {
            Arrival::End => {
                (self.given, self.since) = (recorded.given(), recorded.last_at());
                // The record is let go: its journal is opened for writing next.
                self.recorded = None;
                if let Some(desk) = &mut self.desk {
                    desk.reopen(self.since.unwrap_or(Timestamp::MIN));
                }
                return Ok(None);
            }
            Arrival::Record(item) => self.learn_of(item.at, &Input::Market(item.update)),
            Arrival::Told(at, input) => {
                self.was_ended = matches!(**input, Input::Session(SessionMark::Interrupted));
                self.learn_of(*at, input);
            }
            Arrival::Nothing(_) => {}
        }
        Ok(Some(arrival))
    }

    /// What moment it is for the feed, which is asked before anything else; `None` where nothing will come.
    fn now(&mut self) -> Result<Option<Timestamp>, EnvironmentError> {
        Ok(match self.feed.wait(Some(Timestamp::MIN))? {
            Fed::Nothing(now) => Some(now),
            Fed::Input(at, input) => {
                self.waiting = Some((at, input));
                Some(at)
            }
            Fed::End => None,
        })
    }

    /// That a run which its operator ended is gone on with.
    fn resumed(&mut self) -> Result<Option<Arrival>, EnvironmentError> {
        if !core::mem::take(&mut self.was_ended) {
            return Ok(None);
        }
        let resumed = |now| Arrival::Told(now, Box::new(Input::Session(SessionMark::Resumed)));
        Ok(Some(self.now()?.map_or(Arrival::End, resumed)))
    }

    /// That a feed is lost, until every one of them has been called so.
    fn lost(&mut self) -> Result<Option<Arrival>, EnvironmentError> {
        let Some(instrument) = self.unknown.pop() else { return Ok(None) };
        let since = match self.since {
            Some(since) => since,
            None => match self.now()? {
                Some(now) => now,
                None => return Ok(Some(Arrival::End)),
            },
        };
        self.since = Some(since);
        let lost = Input::Feed(FeedStatus { instrument, condition: FeedCondition::Lost });
        self.learn_of(since, &lost);
        let begins = self.unknown.is_empty() && !core::mem::replace(&mut self.has_begun, true);
        if let Some(past) = self.past.as_mut().filter(|_| begins) {
            past.begin(since);
        }
        if let Some(listings) = self.listings.as_mut().filter(|_| begins) {
            if self.goes_on { listings.go_on(since) } else { listings.begin(since) }
        }
        Ok(Some(Arrival::Told(since, Box::new(lost))))
    }

    /// Asks for the bars that are missing by `now`, and what the venue lists.
    fn ask_venue(&mut self, now: Timestamp) {
        self.past.iter_mut().for_each(|past| past.ask_if_due(now));
        self.listings.iter_mut().for_each(|listings| listings.ask_if_due(now));
    }

    /// An open whose bars before it have been told.
    fn open_behind_bars(&mut self) -> Option<Input> {
        let past = self.past.as_ref().filter(|_| !self.opens.is_empty())?;
        self.opens.take(self.now, past.interval(), |instrument| past.is_asking(instrument))
    }

    fn unless_held(&mut self, at: Timestamp, input: Input) -> Option<Input> {
        let Some(past) = &self.past else { return Some(input) };
        if matches!(&input, Input::Market(update) if past.has_told(update)) {
            return None;
        }
        self.opens.unless_held(at, input, |instrument| past.is_asking(instrument))
    }

    /// What comes from the feed, behind the bars that were missing by then.
    fn fed(&mut self, until: Option<Timestamp>) -> Result<Arrival, EnvironmentError> {
        loop {
            if let Some((at, input)) = self.desk.as_mut().and_then(QuestionDesk::take) {
                return Ok(self.numbered(at, input));
            }
            if let Some((at, input)) = self.past.as_mut().and_then(PastBars::take) {
                return Ok(self.numbered(at, input));
            }
            if let Some((at, input)) = self.listings.as_mut().and_then(ListingWatch::take) {
                return Ok(self.numbered(at, input));
            }
            if let Some(open) = self.open_behind_bars() {
                return Ok(self.numbered(self.now, open));
            }
            if let Some((at, input)) = self.waiting.take()
                && let Some(input) = self.unless_held(at, input)
            {
                return Ok(self.numbered(at, input));
            }
            let ask_at = self.past.as_ref().and_then(PastBars::next_at);
            let list_at = self.listings.as_ref().and_then(ListingWatch::next_at);
            match self.feed.wait([until, ask_at, list_at].into_iter().flatten().min())? {
                Fed::Input(at, input) => {
                    self.now = at;
                    self.ask_venue(at);
                    self.waiting = Some((at, input));
                }
                Fed::Nothing(now) => {
                    self.now = now;
                    self.ask_venue(now);
                    let has_more = self.past.as_ref().is_some_and(PastBars::has_more)
                        || self.listings.as_ref().is_some_and(|listings| !listings.is_settled());
                    if !has_more && until.is_some_and(|until| now >= until) {
                        return Ok(Arrival::Nothing(now));
                    }
                }
                Fed::End => return Ok(Arrival::End),
            }
        }
    }
}

/// The first `instruments` instruments, the first last.
fn all(instruments: u16) -> Vec<InstrumentId> {
    (0..instruments).rev().map(InstrumentId::new).collect()
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
        if let Some(arrival) = self.resumed()? {
            return Ok(arrival);
        }
        if let Some(arrival) = self.lost()? {
            return Ok(arrival);
        }
        self.gate.release();
        self.fed(until)
    }

    fn read_into(&mut self, slot: &mut Stamped) -> Result<bool, EnvironmentError> {
        if let Some(recorded) = &mut self.recorded {
            let is_there = recorded.read_into(slot)?;
            if let (true, Event::Input(input), Some(past)) = (is_there, &slot.event, &mut self.past) {
                past.learn_of(slot.at, input);
            }
            return Ok(is_there);
        }
        let asks = self.past.as_ref().is_some_and(|past| past.next_at().is_some() || past.has_more());
        let asks = asks || self.desk.as_ref().is_some_and(QuestionDesk::has_more);
        let asks = asks || self.listings.as_ref().is_some_and(|listings| listings.has_more(self.now));
        let waits = self.waiting.is_some() || !self.opens.is_empty();
        if self.was_ended || !self.unknown.is_empty() || waits || asks {
            return Ok(false);
        }
        self.gate.release();
        let Some((at, update)) = self.feed.ready()? else { return Ok(false) };
        self.now = at;
        if self.past.as_ref().is_some_and(|past| past.has_told(&update)) {
            return Ok(false);
        }
        self.learn_of(at, &Input::Market(update));
        self.hold_with(&update);
        self.given += 1;
        let origin = Origin::Record(RecordRef { dataset: 0, seq: self.given });
        *slot = Stamped { at, event: Event::Input(Input::Market(update)), origin };
        Ok(true)
    }

    fn is_settled(&self) -> bool {
        let past_waits = self.past.as_ref().is_some_and(PastBars::has_more);
        let answer_waits = self.desk.as_ref().is_some_and(QuestionDesk::has_more);
        let waits = self.waiting.is_some() || !self.opens.is_empty();
        let is_told = !self.was_ended && self.unknown.is_empty() && !waits;
        let listing_waits = self.listings.as_ref().is_some_and(|listings| !listings.is_settled());
        is_told && !past_waits && !answer_waits && !listing_waits
    }

    fn is_of_now(&self) -> bool {
        self.recorded.is_none() && !self.was_ended && self.unknown.is_empty()
    }

    fn ask(&mut self, at: Timestamp, question: &Question) {
        if let Some(desk) = &mut self.desk {
            desk.ask(at, question);
        }
    }

    fn note(&self, notes: &mut NoteWriter) {
        notes.value(&self.past.is_some());
        if let Some(past) = &self.past {
            notes.part(past);
        }
        notes.value(&self.listings.is_some());
        if let Some(listings) = &self.listings {
            notes.part(listings);
        }
        if let Some(desk) = &self.desk {
            notes.part(desk);
        }
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        let had_past = notes.value()?;
        match &mut self.past {
            Some(past) if had_past => notes.part(past)?,
            None if !had_past => {}
            Some(_) | None => return Err(Forgotten::OtherSettings),
        }
        let had_listings = notes.value()?;
        match &mut self.listings {
            Some(listings) if had_listings => notes.part(listings)?,
            None if !had_listings => {}
            Some(_) | None => return Err(Forgotten::OtherSettings),
        }
        self.desk.as_mut().map_or(Ok(()), |desk| notes.part(desk))
    }
}
