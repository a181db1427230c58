//! Bars that a run on real time did not see itself: those before it began, and those it missed.

use std::collections::VecDeque;

use engine_core::event::{HistorySource, Input, PastBar};
use engine_core::feed::FeedCondition;
use engine_core::instrument::InstrumentId;
use engine_core::market::{Bar, MarketUpdate};
use engine_core::time::{Span, Timestamp};

/// Reads bars of the past: closed ones of the instrument that open at or after the first moment and close by the second,
/// oldest first. Whoever cannot be asked now is asked again.
pub type ReadPast = Box<dyn FnMut(InstrumentId, Timestamp, Timestamp) -> Option<Vec<Bar>> + Send>;

/// How long after the end of a bar its venue knows it.
const SETTLED: Span = Span::from_nanos(2_000_000_000);

/// How long a venue that does not answer is left alone.
const ASK_AGAIN: Span = Span::from_nanos(5_000_000_000);

/// Which bars a run learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRule {
    /// Length of a bar.
    pub interval: Span,
    /// How many bars before the beginning of a run are wanted.
    pub warmup_bars: u32,
    /// Who tells them.
    pub source: HistorySource,
    /// Whether the run's own bars are told by the venue too, rather than built from trades.
    pub are_streamed: bool,
}

/// Knows which bars are missing, and tells them.
pub struct PastBars {
    rule: PastRule,
    read: ReadPast,
    markets: Vec<Known>,
    coming: VecDeque<(Timestamp, Input)>,
}

/// What is known of one market's bars.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// Bars that opened before this moment are known, or were never wanted.
    until: Timestamp,
    /// When what is missing is asked for next, where something is.
    ask: Option<Ask>,
    /// Whether nothing has been known of this market in this run.
    is_new: bool,
    is_lost: bool,
}

/// A question to the venue that is still to be asked.
#[derive(Debug, Clone, Copy)]
struct Ask {
    at: Timestamp,
    /// Whether the bar that forms then is missing too, so that it is asked for once it has ended.
    again: bool,
}

impl core::fmt::Debug for PastBars {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("PastBars")
            .field("rule", &self.rule)
            .field("markets", &self.markets)
            .finish_non_exhaustive()
    }
}

impl PastBars {
    /// The bars of `instruments` markets by `rule`, read by `read`.
    #[must_use]
    pub fn new(rule: PastRule, instruments: usize, read: ReadPast) -> Self {
        let known = Known { until: Timestamp::MIN, ask: None, is_new: true, is_lost: false };
        Self { rule, read, markets: vec![known; instruments], coming: VecDeque::new() }
    }

    /// The run begins, or goes on, at `now`: what is missing of every market is asked for.
    pub fn begin(&mut self, now: Timestamp) {
        let again = !self.rule.are_streamed;
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
    pub fn note(&mut self, at: Timestamp, input: &Input) {
        match input {
            Input::Market(MarketUpdate::Bar(bar)) => self.knows(bar),
            Input::History(past) => self.knows(&past.bar),
            Input::Market(MarketUpdate::Trade(trade)) if !self.rule.are_streamed => {
                let open = at.floor(self.rule.interval);
                if let Some(known) = self.markets.get_mut(trade.instrument.index())
                    && !known.is_lost
                    && known.ask.is_none()
                {
                    // Bars that have ended while data flowed were built.
                    known.until = known.until.max(open);
                    known.is_new = false;
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
        let (interval, again) = (self.rule.interval, !self.rule.are_streamed);
        let Some(known) = self.markets.get_mut(instrument.index()) else { return };
        let ask = Some(Ask { at, again });
        match condition {
            FeedCondition::Lost | FeedCondition::Gap => known.is_lost = true,
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

    /// When something is to be asked for next.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        self.markets.iter().filter_map(|known| Some(known.ask?.at)).min()
    }

    /// Asks for everything that is missing by `now`.
    pub fn ask_if_due(&mut self, now: Timestamp) {
        if self.next_at().is_some_and(|next| next <= now) {
            self.ask(now);
        }
    }

    /// The next bar that was missing and has been read.
    pub fn take(&mut self) -> Option<(Timestamp, Input)> {
        self.coming.pop_front()
    }

    /// Whether bars that were missing wait to be taken.
    #[must_use]
    pub fn has_more(&self) -> bool {
        !self.coming.is_empty()
    }

    /// Asks for everything that is due, and puts it in the order in which the bars closed.
    fn ask(&mut self, now: Timestamp) {
        let mut found: Vec<(bool, Bar)> = Vec::new();
        for index in 0..self.markets.len() {
            let (Some(known), Ok(number)) = (self.markets.get(index).copied(), u16::try_from(index)) else {
                continue;
            };
            let Some(Ask { again, .. }) = known.ask.filter(|ask| ask.at <= now) else { continue };
            let instrument = InstrumentId::new(number);
            let bars = (self.read)(instrument, known.until, now);
            let Some(market) = self.markets.get_mut(index) else { continue };
            let Some(bars) = bars else {
                market.ask = Some(Ask { at: now.plus(ASK_AGAIN), again });
                continue;
            };
            let ends_at = now.floor(self.rule.interval).plus(self.rule.interval);
            market.ask = again.then(|| Ask { at: ends_at.plus(SETTLED), again: false });
            let bars = bars.into_iter().filter(|bar| bar.open_at >= known.until && bar.close_at <= now);
            found.extend(bars.map(|bar| (known.is_new, Bar { instrument, ..bar })));
        }
        found.sort_by_key(|(_, bar)| (bar.close_at, bar.instrument));
        for (place, (is_new, bar)) in found.iter().enumerate() {
            let is_last = !found.iter().skip(place + 1).any(|(_, later)| later.instrument == bar.instrument);
            self.knows(bar);
            // The last bar that the venue would have told is told late, and decided on; those before it are past.
            let input = match self.rule.are_streamed && is_last && !is_new {
                true => Input::Market(MarketUpdate::Bar(*bar)),
                false => Input::History(Box::new(PastBar { bar: *bar, source: self.rule.source })),
            };
            self.coming.push_back((now, input));
        }
    }
}

#[cfg(test)]
mod tests;
