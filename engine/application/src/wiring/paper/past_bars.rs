//! Bars that a run on real time did not see itself: those before it began, and those it missed.

use std::collections::VecDeque;

use engine_core::event::{Input, PastBar};
use engine_core::feed::FeedCondition;
use engine_core::instrument::InstrumentId;
use engine_core::knowledge::{Forgotten, Learned, NoteReader, NoteWriter};
use engine_core::market::{Bar, MarketUpdate};
use engine_core::time::{Span, Timestamp};
use engine_venues::asking_thread::AskingThread;

/// Bars that are asked for: closed ones of the instrument that open at or after `from` and close by `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastQuestion {
    /// Whose bars.
    pub instrument: InstrumentId,
    /// The first may open here.
    pub from: Timestamp,
    /// The last must have closed by now.
    pub until: Timestamp,
}

/// Who knows the past. Asking never waits: the answers come later, in any order.
pub trait AskPast: Send {
    /// Asks.
    fn ask(&mut self, question: PastQuestion);

    /// An answer that has come: the bars, oldest first, or nothing where the venue could not be asked.
    fn answer(&mut self) -> Option<(PastQuestion, Option<Vec<PastBar>>)>;
}

impl AskPast for AskingThread<PastQuestion, Option<Vec<PastBar>>> {
    fn ask(&mut self, question: PastQuestion) {
        Self::ask(self, question);
    }

    fn answer(&mut self) -> Option<(PastQuestion, Option<Vec<PastBar>>)> {
        Self::answer(self)
    }
}

/// How long after the end of a bar its venue knows it.
const SETTLED: Span = Span::from_nanos(2_000_000_000);

/// How long a venue that does not answer is left alone.
const ASK_AGAIN: Span = Span::from_nanos(5_000_000_000);

/// How often an answer is looked for.
const LOOK_EVERY: Span = Span::from_nanos(50_000_000);

/// Which bars a run learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRule {
    /// Length of a bar.
    pub interval: Span,
    /// How many bars before the beginning of a run are wanted.
    pub warmup_bars: u32,
    /// Where the run's own bars come from.
    pub own: OwnBars,
}

/// Where the bars come from that a run on real time sees itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnBars {
    /// It builds them from trades.
    Built,
    /// Its venue streams them, and they are its prices.
    Streamed,
    /// Its venue streams them beside the prices, which are trades or quotes.
    Signals,
}

impl OwnBars {
    const fn are_streamed(self) -> bool {
        match self {
            Self::Built => false,
            Self::Streamed | Self::Signals => true,
        }
    }

    /// A bar of them that was told late, and is decided on; where the run builds them, one that it did not is past.
    const fn told_late(self, bar: Bar) -> Option<MarketUpdate> {
        match self {
            Self::Built => None,
            Self::Streamed => Some(MarketUpdate::Bar(bar)),
            Self::Signals => Some(MarketUpdate::SignalBar(bar)),
        }
    }
}

/// Knows which bars are missing, and tells them.
pub struct PastBars {
    rule: PastRule,
    asked: Box<dyn AskPast>,
    markets: Vec<Known>,
    /// Questions that are not answered yet, and when an answer is looked for next.
    open: usize,
    look_at: Option<Timestamp>,
    /// Answers that wait for the others: bars are told in the order in which they closed.
    answered: Vec<(bool, PastBar)>,
    coming: VecDeque<(Timestamp, Input)>,
}

/// What is known of one market's bars.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Bars that opened before this moment are known, or were never wanted.
    until: Timestamp,
    /// When what is missing is asked for next, where something is.
    ask: Option<Ask>,
    /// Whether what was missing has been asked for, and whether it is asked for once more.
    is_open: Option<Again>,
    /// Whether nothing has been known of this market in this run.
    is_new: bool,
    is_lost: bool,
    /// Bars that open at or after this moment are built whole; nothing while the feed is lost.
    whole_from: Option<Timestamp>,
}

impl Known {
    /// Data flows in the bar that opened at `open`, or flowed until it.
    fn flowed_until(&mut self, open: Timestamp) {
        if self.is_lost {
            return;
        }
        // Bars are learned in their order: what was missing before one that was built whole comes too late.
        let came_too_late = self.whole_from.is_some_and(|from| open > from);
        if came_too_late || (self.ask.is_none() && self.is_open.is_none()) {
            // Bars that have ended while data flowed were built.
            self.until = self.until.max(open);
            (self.is_new, self.ask) = (false, None);
        }
    }
}

/// Whether the bar that forms at a question is missing too, so that it is asked for once it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    Yes,
    No,
}

/// A question to the venue that is still to be asked.
#[derive(Debug, Clone, Copy)]
struct Ask {
    at: Timestamp,
    again: Again,
}

impl core::fmt::Debug for PastBars {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("PastBars")
            .field("rule", &self.rule)
            .field("markets", &self.markets)
            .finish_non_exhaustive()
    }
}

/// What was asked and not told yet is asked again by whoever goes on.
impl Learned for PastBars {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&(self.rule.interval, self.rule.own.are_streamed()));
        let known = |known: &Known| {
            let waits = known.ask.is_some() || known.is_open.is_some();
            (known.until, known.is_new, known.is_lost, known.whole_from, waits)
        };
        notes.value(&self.markets.iter().map(known).collect::<Vec<_>>());
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&(self.rule.interval, self.rule.own.are_streamed()))?;
        let again = self.again();
        let mut learned = vec![(Timestamp::MIN, true, false, None, false); self.markets.len()];
        notes.fill(&mut learned)?;
        for (known, (until, is_new, is_lost, whole_from, waits)) in self.markets.iter_mut().zip(learned) {
            let ask = waits.then_some(Ask { at: Timestamp::MIN, again });
            *known = Known { until, ask, is_open: None, is_new, is_lost, whole_from };
        }
        Ok(())
    }
}

impl PastBars {
    /// The bars of `instruments` markets by `rule`, of which `asked` knows the past.
    #[must_use]
    pub fn new(rule: PastRule, instruments: usize, asked: Box<dyn AskPast>) -> Self {
        let known = Known {
            until: Timestamp::MIN,
            ask: None,
            is_open: None,
            is_new: true,
            is_lost: false,
            whole_from: None,
        };
        let markets = vec![known; instruments];
        let (answered, coming) = (Vec::new(), VecDeque::new());
        Self { rule, asked, markets, open: 0, look_at: None, answered, coming }
    }

    /// The run begins, or goes on, at `now`: what is missing of every market is asked for.
    pub fn begin(&mut self, now: Timestamp) {
        let again = self.again();
        let wanted = i64::from(self.rule.warmup_bars).checked_mul(self.rule.interval.nanos());
        for known in &mut self.markets {
            known.ask = Some(Ask { at: now, again });
            if known.is_new {
                let from = wanted.and_then(|span| now.nanos().checked_sub(span));
                known.until = from.map_or(Timestamp::MIN, Timestamp::from_nanos).floor(self.rule.interval);
            }
        }
    }

    /// Notes what the run is told, or was told before it was taken up.
    pub fn learn_of(&mut self, at: Timestamp, input: &Input) {
        match input {
            Input::Market(MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar)) => self.knows(bar),
            Input::History(past) => self.knows(&past.bar),
            Input::Market(MarketUpdate::Trade(trade)) if !self.rule.own.are_streamed() => {
                let open = at.floor(self.rule.interval);
                if let Some(known) = self.markets.get_mut(trade.instrument.index()) {
                    known.flowed_until(open);
                }
            }
            Input::Feed(status) => self.note_feed(at, status.instrument, status.condition),
            Input::Market(_)
            | Input::Session(_)
            | Input::Execution(_)
            | Input::Operator(_)
            | Input::Deadline
            | Input::Inference(_)
            | Input::Conductor(_)
            | Input::Clock(_)
            | Input::DataFault(_)
            | Input::Account(_)
            | Input::Listing(_)
            | Input::EffectFailed(_) => {}
        }
    }

    fn knows(&mut self, bar: &Bar) {
        if let Some(known) = self.markets.get_mut(bar.instrument.index()) {
            known.until = known.until.max(bar.close_at);
            known.is_new = false;
        }
    }

    fn note_feed(&mut self, at: Timestamp, instrument: InstrumentId, condition: FeedCondition) {
        let (interval, again) = (self.rule.interval, self.again());
        let Some(known) = self.markets.get_mut(instrument.index()) else { return };
        let ask = Some(Ask { at, again });
        let begun = at.floor(interval);
        if !condition.is_flowing() && !self.rule.own.are_streamed() && known.whole_from.is_some() {
            known.flowed_until(begun);
        }
        known.whole_from = Some(if begun == at { at } else { begun.plus(interval) });
        match condition {
            FeedCondition::Lost | FeedCondition::Gap => (known.is_lost, known.whole_from) = (true, None),
            FeedCondition::Connected if known.is_lost && !known.is_new => {
                (known.is_lost, known.ask) = (false, ask);
            }
            FeedCondition::Restored if known.until.plus(interval) > at => known.is_lost = false,
            FeedCondition::Restored => {
                (known.is_lost, known.ask) = (false, ask);
            }
            FeedCondition::Connected => known.is_lost = false,
        }
    }

    /// Bars built from trades are missing the one that forms, too.
    const fn again(&self) -> Again {
        if self.rule.own.are_streamed() { Again::No } else { Again::Yes }
    }

    /// When something is to be asked, or an answer to be looked for, next.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        // What is asked for once more waits for the answer to the question that is open.
        let asks = self.markets.iter().filter(|known| known.is_open.is_none());
        let asks = asks.filter_map(|known| Some(known.ask?.at));
        asks.chain(self.look_at).min()
    }

    /// Asks for everything that is missing by `now`, and takes the answers that have come.
    pub fn ask_if_due(&mut self, now: Timestamp) {
        if self.next_at().is_some_and(|next| next <= now) {
            self.ask(now);
            self.take_answers(now);
        }
    }

    /// The next bar that was missing and has been read.
    pub fn take(&mut self) -> Option<(Timestamp, Input)> {
        self.coming.pop_front()
    }

    /// Whether it is not known yet which bars of `instrument` are missing.
    #[must_use]
    pub fn is_asking(&self, instrument: InstrumentId) -> bool {
        let known = self.markets.get(instrument.index());
        known.is_some_and(|known| known.ask.is_some() || known.is_open.is_some()) || self.open > 0
    }

    /// How long its bars last.
    #[must_use]
    pub const fn interval(&self) -> Span {
        self.rule.interval
    }

    /// Whether `update` is a bar that has been told: one that was missed and read comes on its stream all the same, where the
    /// venue was asked just as it closed.
    #[must_use]
    pub fn has_told(&self, update: &MarketUpdate) -> bool {
        let (MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar)) = update else { return false };
        let known = self.markets.get(bar.instrument.index()).filter(|_| self.rule.own.are_streamed());
        known.is_some_and(|known| bar.open_at < known.until)
    }

    /// Whether bars that were missing wait to be taken.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.coming.is_empty()
    }

    fn ask(&mut self, now: Timestamp) {
        for (known, number) in self.markets.iter_mut().zip(0_u16..) {
            let Some(Ask { again, .. }) = known.ask.filter(|ask| ask.at <= now) else { continue };
            // A second question while one is open would be answered twice.
            if known.is_open.is_none() {
                (known.ask, known.is_open) = (None, Some(again));
                let instrument = InstrumentId::new(number);
                self.asked.ask(PastQuestion { instrument, from: known.until, until: now });
                self.open += 1;
            }
        }
    }

    fn take_answers(&mut self, now: Timestamp) {
        while let Some((question, bars)) = self.asked.answer() {
            self.open -= 1;
            let Some(known) = self.markets.get_mut(question.instrument.index()) else { continue };
            let again = known.is_open.take().unwrap_or(Again::No);
            let Some(bars) = bars else {
                known.ask = Some(Ask { at: now.plus(ASK_AGAIN), again });
                continue;
            };
            if again == Again::Yes {
                let ends_at = question.until.floor(self.rule.interval).plus(self.rule.interval);
                let is_missing = known.until < ends_at;
                known.ask =
                    known.ask.or(is_missing.then_some(Ask { at: ends_at.plus(SETTLED), again: Again::No }));
            }
            // Bars that are built whole are not missing.
            let whole_from = known.whole_from.filter(|_| !self.rule.own.are_streamed());
            let missing = |PastBar { bar, .. }: &PastBar| {
                bar.open_at >= known.until
                    && bar.close_at <= question.until
                    && whole_from.is_none_or(|from| bar.open_at < from)
            };
            let bars = bars.into_iter().filter(missing);
            let instrument = question.instrument;
            let named = |past: PastBar| PastBar { bar: Bar { instrument, ..past.bar }, ..past };
            self.answered.extend(bars.map(|past| (known.is_new, named(past))));
        }
        self.look_at = (self.open > 0).then(|| now.plus(LOOK_EVERY));
        if self.open == 0 {
            self.tell(now);
        }
    }

    /// Puts what was answered in the order in which the bars closed.
    fn tell(&mut self, now: Timestamp) {
        let mut found = core::mem::take(&mut self.answered);
        found.sort_by_key(|(_, past)| (past.bar.close_at, past.bar.instrument));
        for (place, (is_new, past)) in found.iter().enumerate() {
            let PastBar { bar, .. } = past;
            let is_last =
                !found.iter().skip(place + 1).any(|(_, later)| later.bar.instrument == bar.instrument);
            self.knows(bar);
            // The last bar that the venue would have told is told late, and decided on; those before it are past.
            let late = self.rule.own.told_late(*bar).filter(|_| is_last && !is_new);
            let input = late.map_or_else(|| Input::History(Box::new(past.clone())), Input::Market);
            self.coming.push_back((now, input));
        }
    }
}

#[cfg(test)]
mod tests;
