//! History as an environment: simulated time, messages under way, and the simulated venue.
//!
//! Ties at one moment: a deadline, then messages under way, then market data. So a bar that ends at T is closed before the
//! trade of T is seen, and a report due at T is known before it. None reaches the engine before the record that caused it.

use engine_core::effect::Effect;
use engine_core::event::{Event, Input, Manifest, SessionMark};
use engine_core::knowledge::Knowledge;
use engine_core::market::{Bar, BarOpen, MarketUpdate};
use engine_core::time::{Span, Timestamp};
use engine_runtime::conductor::Conductor;
use engine_runtime::ports::{EffectFailure, Environment, EnvironmentError, Origin, Stamped};

use crate::config::{BacktestConfig, EndOfData, FillModel, Latency};
use crate::sim_venue::{Reports, SimVenue};
use replay_history::market_source::{MarketItem, MarketSource};

mod close_wait;
mod delayed_conductor;
mod message_queue;
mod session_end;
mod taking_up;

use close_wait::CloseWait;
use delayed_conductor::DelayedConductor;
use message_queue::{Message, MessageQueue};

/// Where the run stands between its opening and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Data,
    /// The data has ended: deliver what is under way.
    Drained,
    /// Flatten if asked.
    Flatten,
    /// Give the orders of the flatten a last open.
    LastOpen,
    Closing,
    /// The operator ended it; it may be gone on with.
    Interrupted,
    Over,
}

/// The environment of a backtest.
#[derive(Debug)]
pub struct SimEnvironment<S> {
    source: S,
    /// The next market record, read ahead so that its time is known.
    ahead: Option<MarketItem>,
    /// The next input from outside that is no market record; there is never both.
    told: Option<(Timestamp, Box<Input>)>,
    venue: SimVenue,
    messages: MessageQueue,
    close_wait: CloseWait,
    now: Timestamp,
    model: FillModel,
    latency: Latency,
    end: EndOfData,
    stage: Stage,
    manifest: Option<Box<Manifest>>,
    /// The open whose resting orders have not been judged yet.
    open_due: Option<BarOpen>,
    /// The venue's time while a bar is walked; the engine is already at the bar's end, when it can know of it.
    path_at: Option<Timestamp>,
    last_bars: Vec<Option<Bar>>,
    reports: Reports,
    conductor: Option<DelayedConductor>,
    /// The input lent to the loop.
    lent: Stamped,
}

impl<S: MarketSource> SimEnvironment<S> {
    /// An environment that plays `source` under `config`, opened by `manifest`.
    #[must_use]
    pub fn new(source: S, config: &BacktestConfig, manifest: Manifest) -> Self {
        let ends_at_an_open = config.fill == FillModel::NextOpen && config.end != EndOfData::Keep;
        Self {
            source,
            ahead: None,
            told: None,
            venue: SimVenue::new(config.fill, config.costs, config.venue, &config.instruments)
                .with_impact(config.impact.clone()),
            messages: MessageQueue::default(),
            close_wait: CloseWait::default(),
            now: Timestamp::MIN,
            model: config.fill,
            latency: instant_unless_ticks(config),
            end: config.end,
            stage: Stage::Opening,
            manifest: Some(Box::new(manifest)),
            open_due: None,
            path_at: None,
            last_bars: vec![None; if ends_at_an_open { config.instruments.len() } else { 0 }],
            reports: Reports::new(),
            conductor: None,
            lent: Stamped { at: Timestamp::MIN, event: Event::Input(Input::Deadline), origin: Origin::Own },
        }
    }

    /// The same environment with someone to ask; answers arrive `delay` after the question.
    #[must_use]
    pub fn conducted_by(self, conductor: Box<dyn Conductor>, delay: Span) -> Self {
        Self { conductor: Some(DelayedConductor::new(conductor, delay)), ..self }
    }

    fn lend(&mut self, at: Timestamp, input: Input, origin: Origin) -> Next {
        self.now = self.now.max(at);
        self.lent = Stamped { at: self.now, event: Event::Input(input), origin };
        Next::Input
    }

    /// Puts what the venue just reported on its way to the engine; `known` is when its cause is seen there.
    fn send_reports(&mut self, known: Timestamp) {
        let mut reports = std::mem::take(&mut self.reports);
        for report in reports.drain(..) {
            let due = report.venue_at.plus(self.latency.response).max(known);
            self.messages.send(due, Message::Report(report));
        }
        self.reports = reports;
    }

    /// Whether neither a message nor an order is waiting for anything.
    fn is_quiet(&self) -> bool {
        self.messages.is_empty()
            && self.close_wait.is_empty()
            && !self.venue.has_work()
            && self.open_due.is_none()
    }

    fn open(&mut self) -> Result<Next, EnvironmentError> {
        let first = self.read_ahead(None)?.unwrap_or(Timestamp::from_nanos(0));
        self.stage = Stage::Data;
        let manifest = self.manifest.take().ok_or_else(|| EnvironmentError::SourceBroken {
            reason: "the session was opened twice".to_owned(),
        })?;
        if let Some(delayed) = &self.conductor {
            self.messages.send(first, Message::Tell(Box::new(delayed.setup())));
        }
        Ok(self.lend(first, Input::Session(SessionMark::Opened(manifest)), Origin::Own))
    }

    /// Handles the earliest message under way; a report becomes an input.
    fn deliver(&mut self, at: Timestamp, message: Message) -> Next {
        match message {
            Message::Report(report) => self.lend(at, Input::Execution(report), Origin::Own),
            Message::Tell(input) => self.lend(at, *input, Origin::Own),
            Message::Place(order) => {
                let venue_at = self.venue_time(at, Some(order.instrument));
                self.venue.arrive(venue_at, order, &mut self.reports);
                self.send_reports(at);
                Next::Again
            }
            Message::Amend(order, qty) => {
                let venue_at = self.venue_time(at, self.venue.instrument_of(order));
                self.venue.amend(venue_at, order, qty, &mut self.reports);
                self.send_reports(at);
                Next::Again
            }
            Message::Cancel(order) => {
                let venue_at = self.venue_time(at, self.venue.instrument_of(order));
                self.venue.cancel(venue_at, order, &mut self.reports);
                self.send_reports(at);
                Next::Again
            }
        }
    }

    /// Gives the venue the next market record, which becomes an input unless the venue has something to say
    /// first.
    fn play(&mut self, item: MarketItem) -> Next {
        match &item.update {
            MarketUpdate::Trade(trade) => {
                self.venue.expire(trade.instrument, trade.venue_at, &mut self.reports);
                self.venue.on_trade(trade, &mut self.reports);
            }
            MarketUpdate::Quote(quote) => {
                self.venue.expire(quote.instrument, quote.venue_at, &mut self.reports);
                self.venue.on_quote(quote, &mut self.reports);
            }
            MarketUpdate::Open(open) => {
                self.venue.expire(open.instrument, open.open_at, &mut self.reports);
                self.venue.on_open(open.instrument, open.open);
                self.open_due = Some(*open);
            }
            MarketUpdate::Bar(bar) => {
                if self.walk(bar) {
                    self.ahead = Some(item);
                    return Next::Again;
                }
                self.path_at = None;
                self.venue.on_bar(bar);
                remember(&mut self.last_bars, bar);
            }
            MarketUpdate::SignalBar(_) => {}
        }
        if !self.reports.is_empty() {
            self.send_reports(item.at.max(self.now));
        }
        self.lend(item.at, Input::Market(item.update), Origin::Record(item.tick))
    }

    /// One execution on the path through a bar; answers whether there was one.
    fn walk(&mut self, bar: &Bar) -> bool {
        if !self.venue.has_work() {
            return false;
        }
        // The path lies inside the bar; the engine learns of it when the bar ends, just before the bar itself.
        let at = Timestamp::from_nanos(bar.close_at.nanos() - 1);
        let begins = self.path_at.replace(at).is_none();
        let opened = match self.model {
            FillModel::NextOpen => false,
            FillModel::SameClose | FillModel::AtSignal | FillModel::Trades | FillModel::Quotes => {
                // Without an open of its own the bar begins here.
                if begins {
                    self.venue.on_open(bar.instrument, bar.open);
                }
                self.venue.expire(bar.instrument, bar.open_at, &mut self.reports);
                !self.reports.is_empty()
                    || self.venue.fill_at_open(at, bar.instrument, bar.open, &mut self.reports)
            }
        };
        let moved = opened || self.venue.fill_inside(at, bar, &mut self.reports);
        self.send_reports(bar.close_at.max(self.now));
        moved
    }

    /// Judges the orders that rested when a bar opened, one execution at a time.
    fn judge_open(&mut self) -> bool {
        let Some(open) = self.open_due else { return false };
        let (at, instrument) = (self.now, open.instrument);
        let moved = self.venue.fill_at_open(at, instrument, open.open, &mut self.reports);
        self.send_reports(at);
        if !moved {
            self.open_due = None;
        }
        moved
    }

    /// The earliest thing that is due, when it is not the next market record.
    fn due_first(&mut self, until: Option<Timestamp>, market: Option<Timestamp>) -> Due {
        let message = self.messages.next_at();
        let before = |at: Timestamp, other: Option<Timestamp>| other.is_none_or(|other| at <= other);
        if let Some(until) = until
            && market.is_some()
            && before(until, market)
            && before(until, message)
        {
            return Due::Deadline(until);
        }
        match self.messages.take(|at| before(at, market)) {
            Some((at, message)) => Due::Message(at, message),
            None => Due::Market,
        }
    }

    /// The venue and the price that `Place` and `Cancel` meet are those of `at` plus the way there.
    fn hand_over(&mut self, at: Timestamp, message: Message) {
        let arrival = at.plus(self.latency.entry);
        if arrival > at || !self.messages.is_empty() {
            self.messages.send(arrival, message);
            return;
        }
        self.arrive(at, message);
    }
}

/// What comes next.
#[derive(Debug)]
enum Due {
    Deadline(Timestamp),
    Message(Timestamp, Message),
    Market,
}

/// What comes next, once the messages are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// An input, ready to be lent.
    Input,
    /// Nothing for the engine; look again.
    Again,
    /// The session is over.
    End,
}

impl<S: MarketSource> SimEnvironment<S> {
    /// The fast path: nothing is under way and nothing works, so the next record is next whatever its time.
    /// Answers whether there was one.
    #[inline]
    fn quiet_record(&mut self) -> Result<bool, EnvironmentError> {
        if self.ahead.is_some() || self.told.is_some() || !self.source.read_into(&mut self.lent)? {
            return Ok(false);
        }
        self.now = self.now.max(self.lent.at);
        self.lent.at = self.now;
        if let Event::Input(Input::Market(update)) = &self.lent.event {
            match update {
                MarketUpdate::Trade(trade) => self.venue.on_quiet_trade(trade),
                MarketUpdate::Quote(quote) => self.venue.on_quote(quote, &mut self.reports),
                // No order rests that this open could fill.
                MarketUpdate::Open(open) => self.venue.on_open(open.instrument, open.open),
                MarketUpdate::Bar(bar) => {
                    self.venue.on_bar(bar);
                    remember(&mut self.last_bars, bar);
                }
                MarketUpdate::SignalBar(_) => {}
            }
        }
        Ok(true)
    }

    /// What comes next when something is under way or works, or the session begins or ends.
    #[inline(never)]
    fn next_in_order(&mut self, until: Option<Timestamp>) -> Result<Option<&Stamped>, EnvironmentError> {
        let mut next = if self.stage == Stage::Opening { self.open()? } else { Next::Again };
        while next == Next::Again {
            next = self.look(until)?;
        }
        Ok((next == Next::Input).then_some(&self.lent))
    }

    fn look(&mut self, until: Option<Timestamp>) -> Result<Next, EnvironmentError> {
        // What is under way when a session ends stays under way.
        match self.stage {
            Stage::Over => return Ok(Next::End),
            Stage::Interrupted => return self.go_on(),
            Stage::Opening
            | Stage::Data
            | Stage::Drained
            | Stage::Flatten
            | Stage::LastOpen
            | Stage::Closing => {}
        }
        if self.messages.is_empty() && self.open_due.is_some() {
            self.judge_open();
            return Ok(Next::Again);
        }
        let market = self.read_ahead(until)?;
        if !self.close_wait.is_empty()
            && let Some(message) = self.take_closed(market)
        {
            return Ok(self.deliver(self.now, message));
        }
        if !(self.messages.is_empty() && until.is_none()) {
            match self.due_first(until, market) {
                Due::Deadline(at) => return Ok(self.lend(at, Input::Deadline, Origin::Own)),
                Due::Message(at, message) => return Ok(self.arrive(at, message)),
                Due::Market => {}
            }
        }
        match (self.ahead.take(), self.told.take()) {
            (Some(item), _) => Ok(self.play(item)),
            (None, Some((at, input))) => Ok(self.tell(at, *input)),
            // A source that waits has nothing yet.
            (None, None) if self.stage == Stage::Data => Ok(Next::Again),
            (None, None) => Ok(self.finish()),
        }
    }
}

impl<S: MarketSource> Environment for SimEnvironment<S> {
    #[inline]
    fn next(&mut self, until: Option<Timestamp>) -> Result<Option<&Stamped>, EnvironmentError> {
        let quiet = self.stage == Stage::Data && until.is_none() && self.is_quiet();
        if quiet && self.quiet_record()? {
            return Ok(Some(&self.lent));
        }
        self.next_in_order(until)
    }

    fn perform(&mut self, at: Timestamp, effect: Effect) -> Result<(), EffectFailure> {
        match effect {
            Effect::Place(order) => self.hand_over(at, Message::Place(order)),
            Effect::Cancel(order) => self.hand_over(at, Message::Cancel(order)),
            Effect::Amend(order, qty) => self.hand_over(at, Message::Amend(order, qty)),
            Effect::Consult(question) => self.consult(at, &question),
        }
        Ok(())
    }

    fn snapshot(&self) -> Option<Knowledge> {
        self.knowledge()
    }
}

/// Keeps the last bar of each instrument, from which the end of data may need an open.
fn remember(last_bars: &mut [Option<Bar>], bar: &Bar) {
    if let Some(last) = last_bars.get_mut(bar.instrument.index()) {
        *last = Some(*bar);
    }
}

/// Bars and the at-signal model leave no room for latency: their moments are too coarse or already chosen.
fn instant_unless_ticks(config: &BacktestConfig) -> Latency {
    match config.fill {
        FillModel::NextOpen | FillModel::SameClose | FillModel::AtSignal => Latency::default(),
        FillModel::Trades | FillModel::Quotes => config.latency,
    }
}
