//! What a venue said of one instrument, told once and in order.

use engine_core::event::{DataFault, DataFinding, HoleFate, Input, MissingTrades, NumberedTrade};
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::instrument::InstrumentId;
use engine_core::market::{Bar, BarOpen, MarketUpdate, Quote, Trade};
use engine_core::num::Price;
use engine_core::time::{Span, Timestamp};

use crate::collar::{Cleaned, Collar};
use crate::market_venue::{RECENT_TRADES, fresh_for};

/// The feed of one instrument: whether data flows, and how far its trades and bars have come.
///
/// Several connections may tell of one instrument; what was told is not told again. Numbers that are left out are a gap.
/// Trades pass a collar before they are told; what it finds is told in their place.
#[derive(Debug)]
pub(crate) struct InstrumentFeed {
    instrument: InstrumentId,
    condition: FeedCondition,
    last_trade: Option<u64>,
    /// The last trades told, oldest first: by them a run that is taken up finds its place in the venue's history.
    recent: Vec<Trade>,
    /// Whether what is missing can be asked for.
    asks: bool,
    /// What came behind a hole that is being asked about.
    held: Option<Held>,
    /// Whether a trade was told; before, what the venue tells of the past is the past of the run.
    has_told: bool,
    collar: Collar,
    bars: Bars,
    /// The bar that is forming, by the moment it opened.
    opened: Option<Timestamp>,
    closed: Option<Timestamp>,
}

/// What the bars of an instrument are to its run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bars {
    /// Prices: its orders fill by them.
    Prices,
    /// What it is decided on, beside prices that are trades or quotes.
    Signals,
}

/// Trades behind a hole.
#[derive(Debug)]
struct Held {
    /// The number of the first of them.
    before: u64,
    trades: Vec<(TradeNumbers, Trade)>,
}

/// A venue tells the moment of one trade in different places with different precision, never so far apart.
pub(crate) const SAME_MOMENT: Span = Span::MILLISECOND;

/// So many trades are held back at most.
const HELD_MAX: usize = 100_000;

/// What is missing of an instrument, as far as its feed knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The number of the last trade before it, where it is known.
    pub(crate) after: Option<u64>,
    /// The number of the first trade behind it.
    pub(crate) before: u64,
    /// When the earliest trade was made that the answer must hold, or begin behind.
    pub(crate) since: Timestamp,
}

/// Which trades of a venue one message holds, by the venue's numbers, which grow by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TradeNumbers {
    /// The first trade of the message.
    pub(crate) first: u64,
    /// The last.
    pub(crate) last: u64,
}

impl InstrumentFeed {
    /// A feed that has not begun: it is lost until data flows.
    pub(crate) const fn new(instrument: InstrumentId) -> Self {
        Self {
            instrument,
            condition: FeedCondition::Lost,
            last_trade: None,
            recent: Vec::new(),
            asks: false,
            held: None,
            has_told: false,
            collar: Collar::new(0, Price::from_units(1)),
            bars: Bars::Prices,
            opened: None,
            closed: None,
        }
    }

    /// What is missing can be asked for, also of the time since the `recent` trades of a run that is taken up.
    pub(crate) fn asks(&mut self, recent: &[Trade]) {
        self.asks = true;
        self.recent = recent.to_vec();
        self.has_told = !recent.is_empty();
    }

    /// Trades pass this collar.
    pub(crate) fn passes(&mut self, collar: Collar) {
        self.collar = collar;
    }

    /// Whose feed it is.
    pub(crate) const fn instrument(&self) -> InstrumentId {
        self.instrument
    }

    fn turn(&mut self, condition: FeedCondition, told: &mut Vec<Input>) {
        self.condition = condition;
        told.push(Input::Feed(FeedStatus { instrument: self.instrument, condition }));
    }

    /// Whether an input tells of this instrument's trades or of its feed.
    pub(crate) fn is_of(&self, input: &Input) -> bool {
        matches!(input, Input::Market(update) if update.instrument() == self.instrument)
            || matches!(input, Input::Feed(status) if status.instrument == self.instrument)
            || matches!(input, Input::DataFault(fault) if fault.instrument == self.instrument)
    }

    /// Says what was found wrong in the data.
    pub(crate) fn find(&self, finding: DataFinding, told: &mut Vec<Input>) {
        told.push(Input::DataFault(Box::new(DataFault { instrument: self.instrument, finding })));
    }

    /// A trade that the venue tells of the past, as it does when a connection begins. What was traded before anything was
    /// told only says where the next one follows; behind a break it is what was missed.
    pub(crate) fn past_trade(
        &mut self,
        numbers: TradeNumbers,
        trade: Trade,
        told: &mut Vec<Input>,
    ) -> Option<Missing> {
        if self.has_told {
            return self.trade(numbers, trade, told);
        }
        self.last_trade = self.last_trade.max(Some(numbers.last));
        None
    }

    /// Data flows; what is known of trades has a hole for as long as one is asked about.
    pub(crate) fn flows(&mut self, told: &mut Vec<Input>) {
        if !self.condition.is_flowing() && self.held.is_none() {
            self.turn(FeedCondition::Connected, told);
        }
    }

    /// Prices are silent for longer than they ever are: those that are known are of then.
    pub(crate) fn stale(&mut self, told: &mut Vec<Input>) {
        if self.condition.is_flowing() {
            self.turn(FeedCondition::Gap, told);
        }
    }

    /// A quote whose bid is below its ask.
    pub(crate) fn quote(&mut self, quote: Quote, told: &mut Vec<Input>) {
        self.flows(told);
        let mut cleaned = Vec::new();
        self.collar.quote(&quote, &mut cleaned);
        self.hand_on(cleaned, told);
        told.push(Input::Market(MarketUpdate::Quote(quote)));
    }

    /// No data flows any more. What was held back comes with the answer to the next question.
    pub(crate) fn lost(&mut self, told: &mut Vec<Input>) {
        self.held = None;
        if self.condition.is_flowing() {
            self.turn(FeedCondition::Lost, told);
        }
    }

    /// A trade of a venue that numbers its trades.
    ///
    /// The first behind a break says by its number whether any was missed in between; answers what is to be asked for then,
    /// where it can be.
    pub(crate) fn trade(
        &mut self,
        numbers: TradeNumbers,
        trade: Trade,
        told: &mut Vec<Input>,
    ) -> Option<Missing> {
        if let Some(held) = &mut self.held {
            if held.trades.last().is_none_or(|(last, _)| numbers.last > last.last) {
                held.trades.push((numbers, trade));
            }
            return if held.trades.len() >= HELD_MAX { self.fill(Vec::new(), told) } else { None };
        }
        if self.is_told(numbers) {
            return None;
        }
        if self.has_told && !self.follows(numbers) && self.asks {
            return Some(self.hold(vec![(numbers, trade)], numbers.first, told));
        }
        self.tell(&[(numbers, trade)], told);
        None
    }

    /// Holds back `trades`, the first of which is `before`; answers what is missing before them.
    fn hold(&mut self, trades: Vec<(TradeNumbers, Trade)>, before: u64, told: &mut Vec<Input>) -> Missing {
        if self.condition.is_flowing() {
            self.turn(FeedCondition::Gap, told);
        }
        let earliest = if self.last_trade.is_some() { self.recent.last() } else { self.recent.first() };
        let since = earliest.map_or(Timestamp::MIN, |trade| trade.venue_at);
        self.miss(before, HoleFate::Asked, told);
        self.held = Some(Held { before, trades });
        Missing { after: self.last_trade, before, since }
    }

    /// What was found of that which is missing before the trade `before`: it is told, and then what was held back. Where
    /// more is missing among that, answers it: it is to be asked for next.
    pub(crate) fn missed(
        &mut self,
        before: u64,
        found: Vec<(TradeNumbers, Trade)>,
        told: &mut Vec<Input>,
    ) -> Option<Missing> {
        // An answer to an earlier question says nothing of this one.
        let is_asked = self.held.as_ref().is_some_and(|held| held.before == before);
        if is_asked { self.fill(found, told) } else { None }
    }

    fn fill(&mut self, mut found: Vec<(TradeNumbers, Trade)>, told: &mut Vec<Input>) -> Option<Missing> {
        let held = self.held.take()?;
        found.sort_by_key(|(numbers, _)| numbers.first);
        if self.last_trade.is_none() {
            // A run that is taken up finds the last trades it was told of.
            let place = last_of(&found, &self.recent);
            self.last_trade = place.and_then(|place| found.get(place)).map(|(numbers, _)| numbers.last);
            // Where they are not to be found, nothing says what is missing.
            found.retain(|_| place.is_some());
        }
        // Where no number says so, what is no later than the last trade told was told, or is the past of the run.
        let told_until = self.recent.last().filter(|_| self.last_trade.is_none()).map(|last| last.venue_at);
        let is_new =
            |(_, trade): &(TradeNumbers, Trade)| told_until.is_none_or(|until| trade.venue_at > until);
        // What was found may reach beyond the first of them.
        found.extend(held.trades.into_iter().filter(is_new));
        found.sort_by_key(|(numbers, _)| numbers.first);
        let rest = self.next_hole(&found, held.before).map(|place| found.split_off(place));
        self.tell(&found, told);
        let rest = rest?;
        let before = rest.first()?.0.first;
        Some(self.hold(rest, before, told))
    }

    /// Where among `trades` one is missing that has not been asked for: what was asked for is missing before `asked`.
    fn next_hole(&self, trades: &[(TradeNumbers, Trade)], asked: u64) -> Option<usize> {
        let mut last = self.last_trade;
        trades.iter().position(|(numbers, _)| {
            let is_told = last.is_some_and(|last| numbers.last <= last);
            let is_missing =
                last.is_some_and(|last| last.checked_add(1).is_none_or(|next| numbers.first > next));
            if !is_told {
                last = Some(numbers.last);
            }
            is_missing && numbers.first > asked
        })
    }

    /// Names what is missing before the trade `before`.
    fn miss(&self, before: u64, fate: HoleFate, told: &mut Vec<Input>) {
        self.find(DataFinding::Missing(MissingTrades { after: self.last_trade, before, fate }), told);
    }

    fn is_told(&self, numbers: TradeNumbers) -> bool {
        self.last_trade.is_some_and(|last| numbers.last <= last)
    }

    /// Whether nothing is missing before this.
    fn follows(&self, numbers: TradeNumbers) -> bool {
        match self.last_trade {
            Some(last) => last.checked_add(1) == Some(numbers.first),
            // The first of a run follows nothing; of one that is taken up, nobody knows what it follows.
            None => !self.has_told,
        }
    }

    /// Tells trades in order. Behind a break the feed is restored once none of them was missing; else it is connected
    /// with the first behind the last hole.
    fn tell(&mut self, trades: &[(TradeNumbers, Trade)], told: &mut Vec<Input>) {
        let was_new = !self.has_told;
        let begins_at = told.len();
        let mut cleaned = Vec::new();
        let mut hole_at = was_new.then_some(begins_at);
        for (numbers, trade) in trades {
            if self.is_told(*numbers) {
                continue;
            }
            if !self.follows(*numbers) {
                if self.condition.is_flowing() {
                    self.turn(FeedCondition::Gap, told);
                }
                self.miss(numbers.first, HoleFate::Stays, told);
                self.collar.restart(&mut cleaned);
                self.hand_on(core::mem::take(&mut cleaned), told);
                hole_at = Some(told.len());
            }
            (self.last_trade, self.has_told) = (Some(numbers.last), true);
            self.collar.trade(NumberedTrade { number: numbers.first, trade: *trade }, &mut cleaned);
            self.hand_on(core::mem::take(&mut cleaned), told);
        }
        if self.condition.is_flowing() || told.len() == begins_at {
            return;
        }
        let (place, condition) = match hole_at {
            Some(place) => (place, FeedCondition::Connected),
            None => (told.len(), FeedCondition::Restored),
        };
        self.condition = condition;
        told.insert(place, Input::Feed(FeedStatus { instrument: self.instrument, condition }));
    }

    /// Tells what the collar made of trades. Those that it discarded stand in the venue's history all the same.
    fn hand_on(&mut self, cleaned: Vec<Cleaned>, told: &mut Vec<Input>) {
        for cleaned in cleaned {
            match cleaned {
                Cleaned::Told(trade) => {
                    told.push(Input::Market(MarketUpdate::Trade(trade)));
                    self.remember(trade);
                }
                Cleaned::Found(finding) => {
                    if let DataFinding::Discarded(discarded) = finding {
                        self.remember(discarded.trade);
                    }
                    self.find(finding, told);
                }
            }
        }
    }

    fn remember(&mut self, trade: Trade) {
        if self.asks {
            if self.recent.len() >= RECENT_TRADES {
                self.recent.remove(0);
            }
            self.recent.push(trade);
        }
    }

    /// The instrument has trades or quotes beside its bars, which are decided on and fill nothing.
    pub(crate) const fn has_ticks(&mut self) {
        self.bars = Bars::Signals;
    }

    /// A bar as it stands `at` this moment: its open is told with the first word of it, the bar itself once it is closed.
    pub(crate) fn bar(&mut self, at: Timestamp, bar: Bar, is_closed: bool, told: &mut Vec<Input>) {
        if self.closed.is_some_and(|closed| bar.open_at < closed) {
            return;
        }
        self.flows(told);
        if self.opened != Some(bar.open_at) {
            self.opened = Some(bar.open_at);
            let open = open_told(at, &bar, is_closed).filter(|_| self.bars == Bars::Prices);
            told.extend(open.map(|open| Input::Market(MarketUpdate::Open(open))));
        }
        if is_closed {
            self.closed = Some(bar.close_at);
            told.push(Input::Market(match self.bars {
                Bars::Prices => MarketUpdate::Bar(bar),
                Bars::Signals => MarketUpdate::SignalBar(bar),
            }));
        }
    }
}

/// The open that the first word of a bar tells `at` this moment. Where that comes too late for its open to be a price of
/// now, as behind a break, it opens to us at the price it has come to; a bar that is over does not.
fn open_told(at: Timestamp, bar: &Bar, is_closed: bool) -> Option<BarOpen> {
    let Bar { instrument, open_at, open, close, .. } = *bar;
    match at.since(open_at) <= fresh_for(bar.length()) {
        true => Some(BarOpen { instrument, open_at, open }),
        false if is_closed => None,
        false => Some(BarOpen { instrument, open_at, open: close }),
    }
}

/// Where in `found` the last of the `recent` trades stands, all of which lie there one behind the other.
fn last_of(found: &[(TradeNumbers, Trade)], recent: &[Trade]) -> Option<usize> {
    let is_same = |((_, found), recent): (&(TradeNumbers, Trade), &Trade)| {
        (found.price, found.qty, found.aggressor) == (recent.price, recent.qty, recent.aggressor)
            && found.venue_at.since(recent.venue_at).nanos().abs() < SAME_MOMENT.nanos()
    };
    let before_last = recent.len().checked_sub(1)?;
    let place = found.windows(recent.len()).rposition(|window| window.iter().zip(recent).all(is_same))?;
    Some(place + before_last)
}

#[cfg(test)]
mod tests;
