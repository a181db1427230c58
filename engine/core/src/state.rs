//! Everything folded from events so far, and the one function that folds.
//!
//! Plain data: dense vectors by [`InstrumentId`], ordered maps otherwise. Everyone else holds `&State`.

use std::collections::VecDeque;

use crate::bars::{BarBuilder, BarRule};
use crate::digest::{Digest, digest_hashed};
use crate::event::SessionMark;
use crate::feed::FeedCondition;
use crate::fill::TradeId;
use crate::halt::HaltReason;
use crate::instrument::{Instrument, InstrumentId};
use crate::intent::{Intent, OrderIntent};
use crate::ledger::Ledger;
use crate::mark::MarkRule;
use crate::num::{Money, Price, Ratio};
use crate::order::{OpenOrder, OrderId};
use crate::refusal::Refusal;
use crate::time::{Span, Timestamp};

mod account;
mod conduct;
mod effects;
mod flattening;

pub use account::{AccountBooks, AccountStanding, ExitDue, HeldExit, HeldStop, PlacedOrder};
pub use flattening::Flattening;

mod fills;
mod fold;
mod likeness;
mod listings;
mod open_orders;
mod trades;

use listings::Statuses;
use open_orders::OpenOrders;

/// What is known of one market.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
struct Market {
    mark: Option<Price>,
    money_factor: i128,
    /// Money gained when the mark rises by one unit: the position times the factor.
    value_per_unit: i128,
    feed: FeedCondition,
    bars: Option<BarBuilder>,
    /// Of the last bar of history.
    bar_length: Option<Span>,
}

/// An intent that waits for the next open of its instrument.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Waiting {
    pub(crate) intent: OrderIntent,
    /// When it was decided.
    pub(crate) since: Timestamp,
}

/// The equity extremes that matter to risk.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct EquityExtremes {
    /// Highest equity so far.
    pub peak: Money,
    /// Lowest equity since that peak.
    pub trough: Money,
    halt_level: Option<Money>,
}

/// What a run starts from.
#[derive(Debug, Clone)]
pub struct Opening {
    /// What can be traded, each checked.
    pub instruments: Vec<Instrument>,
    /// Cash at the start.
    pub capital: Money,
    /// How trades become bars, when they do.
    pub bars: Option<BarRule>,
    /// Fall from the peak at which trading halts.
    pub drawdown_max: Ratio,
    /// Which prices positions are valued at.
    pub mark: MarkRule,
}

/// Everything folded so far.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    now: Timestamp,
    #[serde(rename = "ticks")]
    records_read: u64,
    is_open: bool,
    instruments: Vec<Instrument>,
    markets: Vec<Market>,
    ledger: Ledger,
    equity: Money,
    extremes: EquityExtremes,
    drawdown_max: Ratio,
    makes_bars: bool,
    is_conducted: bool,
    orders: OpenOrders,
    /// The last trades of orders that are over.
    past_trades: VecDeque<(OrderId, TradeId)>,
    last_order: OrderId,
    order_times: VecDeque<Timestamp>,
    waiting: Vec<Waiting>,
    /// Markets whose position is to be closed and is not yet, in the order of their number.
    flattening: Vec<Flattening>,
    /// Cancels and amendments that could not be sent, and when they are asked for again.
    unsent: Vec<(OrderId, Timestamp)>,
    halt: Option<HaltReason>,
    impossible: Option<HaltReason>,
    last_refusal: Option<(Intent, Refusal)>,
    conduct: Vec<conduct::Conduct>,
    mark_rule: MarkRule,
    statuses: Statuses,
    /// Kept beside the rest, where there is one: see [`State::restore_account`].
    #[serde(skip)]
    account: account::AccountSlot,
}

impl State {
    /// The state before the first event.
    #[must_use]
    pub fn new(opening: Opening) -> Self {
        let Opening { instruments, capital, bars, drawdown_max, mark: mark_rule } = opening;
        let market = |rules: &Instrument| Market {
            mark: None,
            money_factor: rules.money_factor(),
            value_per_unit: 0,
            feed: FeedCondition::Connected,
            bars: bars.map(BarBuilder::new),
            bar_length: None,
        };
        Self {
            now: Timestamp::MIN,
            records_read: 0,
            is_open: false,
            markets: instruments.iter().map(market).collect(),
            ledger: Ledger::new(capital, instruments.len()),
            conduct: vec![conduct::Conduct::default(); instruments.len()],
            statuses: Statuses::new(instruments.len()),
            account: account::AccountSlot::default(),
            mark_rule,
            instruments,
            equity: capital,
            extremes: EquityExtremes { peak: capital, trough: capital, halt_level: None },
            drawdown_max,
            makes_bars: bars.is_some(),
            is_conducted: false,
            orders: OpenOrders::default(),
            past_trades: VecDeque::new(),
            last_order: OrderId::default(),
            order_times: VecDeque::new(),
            waiting: Vec::new(),
            flattening: Vec::new(),
            unsent: Vec::new(),
            halt: None,
            impossible: None,
            last_refusal: None,
        }
    }

    /// The fingerprint of everything folded so far; equal states have equal digests.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_hashed(self)
    }

    /// The moment of the last event.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// Market inputs folded so far.
    #[must_use]
    pub const fn records_read(&self) -> u64 {
        self.records_read
    }

    /// Whether the session has been opened and not closed.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.is_open
    }

    /// The books.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Capital plus all profit, fees paid, open positions at their mark.
    #[must_use]
    pub const fn equity(&self) -> Money {
        self.equity
    }

    /// The equity peak and the lowest point since.
    #[must_use]
    pub const fn extremes(&self) -> &EquityExtremes {
        &self.extremes
    }

    /// The price positions in `instrument` are valued at: the last trade or mid quote by the rule of the run, bar open or close.
    #[must_use]
    pub fn mark(&self, instrument: InstrumentId) -> Option<Price> {
        self.markets.get(instrument.index()).and_then(|market| market.mark)
    }

    /// How the feed of `instrument` stands; lost, for one the run does not have.
    #[must_use]
    pub fn feed(&self, instrument: InstrumentId) -> FeedCondition {
        self.markets.get(instrument.index()).map_or(FeedCondition::Lost, |market| market.feed)
    }

    /// The rules of `instrument`.
    #[must_use]
    pub fn instrument(&self, instrument: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(instrument.index())
    }

    /// Everything that can be traded, in the order of [`InstrumentId`].
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// The number of every instrument.
    pub fn instrument_ids(&self) -> impl Iterator<Item = InstrumentId> + use<> {
        // A run has no more instruments than there are numbers for them.
        let count = u16::try_from(self.instruments.len()).unwrap_or(u16::MAX);
        (0..count).map(InstrumentId::new)
    }

    /// Working orders, oldest first.
    pub fn open_orders(&self) -> impl Iterator<Item = &OpenOrder> {
        self.orders.iter()
    }

    /// The working order `id`.
    #[must_use]
    pub fn open_order(&self, id: OrderId) -> Option<&OpenOrder> {
        self.orders.get(id)
    }

    /// Number of working orders.
    #[must_use]
    pub fn open_order_count(&self) -> usize {
        self.orders.len()
    }

    /// The number the next order gets.
    #[must_use]
    pub const fn next_order_id(&self) -> OrderId {
        self.last_order.next()
    }

    /// Number of orders submitted so far.
    #[must_use]
    pub const fn order_count(&self) -> u64 {
        self.last_order.number()
    }

    /// Orders submitted later than `span` before `at`.
    #[must_use]
    pub fn orders_within(&self, at: Timestamp, span: Span) -> u32 {
        let recent = self.order_times.iter().rev().take_while(|time| at.since(**time) < span).count();
        u32::try_from(recent).unwrap_or(u32::MAX)
    }

    /// Intents that wait for the next open of their instrument, and those that wait for exits to end, each in the order they
    /// were decided.
    pub fn waiting(&self) -> impl Iterator<Item = &OrderIntent> {
        self.waiting.iter().map(|waiting| &waiting.intent).chain(self.postponed())
    }

    /// The intents that an open of `instrument` makes orders of, with the moments they were decided at.
    pub(crate) fn due_at_open(&self, instrument: InstrumentId) -> Vec<Waiting> {
        self.waiting.iter().filter(|waiting| waiting.intent.instrument == instrument).cloned().collect()
    }

    /// How long the last bar of `instrument` was, once one has closed.
    pub(crate) fn bar_length(&self, instrument: InstrumentId) -> Option<Span> {
        self.markets.get(instrument.index())?.bar_length
    }

    /// Why trading is halted, if it is.
    #[must_use]
    pub const fn halt(&self) -> Option<HaltReason> {
        self.halt
    }

    /// Whether no new risk may be taken.
    #[must_use]
    pub const fn is_halted(&self) -> bool {
        self.halt.is_some()
    }

    /// Why trading has to halt, until the halt that answers it: a report that could not be, or an amount that does
    /// not fit.
    #[must_use]
    pub const fn impossible(&self) -> Option<HaltReason> {
        self.impossible
    }

    /// The last refusal on record.
    #[must_use]
    pub const fn last_refusal(&self) -> Option<&(Intent, Refusal)> {
        self.last_refusal.as_ref()
    }

    /// Whether trading has to stop now: a report that could not be, an amount that does not fit, or the drawdown
    /// limit reached.
    #[must_use]
    #[inline]
    pub fn must_halt(&self) -> bool {
        self.impossible.is_some() || self.breached_halt_level().is_some()
    }

    /// The equity level at or below which the drawdown limit halts, when equity stands there now.
    #[must_use]
    pub fn breached_halt_level(&self) -> Option<Money> {
        self.extremes.halt_level.filter(|level| self.equity <= *level)
    }

    /// The earliest moment a forming time bar must be completed, a question counts as missed, or a close or an exit that
    /// failed is tried again.
    #[must_use]
    #[inline]
    pub fn deadline(&self) -> Option<Timestamp> {
        let has_any = self.is_conducted
            || self.makes_bars
            || !self.flattening.is_empty()
            || !self.unsent.is_empty()
            || self.has_held_exits();
        if has_any { self.next_deadline() } else { None }
    }

    #[inline(never)]
    fn next_deadline(&self) -> Option<Timestamp> {
        let answer = if self.is_conducted { self.answer_deadline() } else { None };
        let retries = [self.retry_deadline(), self.resend_deadline(), self.exit_deadline()];
        let others = answer.into_iter().chain(retries.into_iter().flatten());
        if !self.makes_bars {
            return others.min();
        }
        let deadlines = self.markets.iter().filter_map(|market| market.bars.as_ref()?.deadline());
        deadlines.chain(others).min()
    }

    /// Whether trades are made into bars.
    #[must_use]
    pub const fn makes_bars(&self) -> bool {
        self.makes_bars
    }

    /// The first completed bar that has not been announced.
    #[must_use]
    pub fn completed_bar(&self) -> Option<crate::market::Bar> {
        self.markets.iter().find_map(|market| market.bars.as_ref()?.completed())
    }

    fn fold_session(&mut self, mark: &SessionMark) {
        self.is_open = match mark {
            SessionMark::Opened(_) | SessionMark::Resumed => true,
            SessionMark::Closed | SessionMark::Interrupted => false,
        };
    }
}
