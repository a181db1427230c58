//! The order gateway: what is asked of a venue about the orders of a run, and what its words mean as inputs of the core.
//!
//! ```text
//!  place, cancel ─►┌─────────┐─► requests ─► the session writes them, says when, and hands back answers
//!  connected, told │ gateway │
//!  answered, tick ►└─────────┘─► inputs ─► the loop: sent, named, charged, reports, unanswered, never placed, balances
//! ```
//!
//! It is pure: time is an argument, and nothing is sent from here. An order whose answer is missing is unanswered until the
//! venue has said what became of it, and is never sent again. A connection begins with questions: what became of every order
//! that is not known to be over, what was traded since, what the account holds; orders are taken once the first two are known.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine_core::asset::AssetPair;
use engine_core::client_id::{ClientId, RunId};
use engine_core::epoch::Epoch;
use engine_core::event::{
    AccountEvent, Execution, ExecutionReport, FailedAct, FailedEffect, ForeignOrder, Input, OperatorCommand,
};
use engine_core::fill::TradeId;
use engine_core::instrument::Instrument;
use engine_core::num::{Decimal, Qty};
use engine_core::order::{Order, OrderId};
use engine_core::time::{Span, Timestamp};
use engine_runtime::order_route::{RouteBeginning, StandingOrder};
use engine_runtime::ports::EffectFailure;

use crate::account_message::FillReport;
use crate::order_request::OrderRequest;

mod answers;
mod budget;
mod doubt;
mod foreign_orders;
mod orders;
mod reports;
mod requests;
mod standing;
mod statement;
#[cfg(test)]
mod tests;
mod trades;

use budget::RequestBudget;
use doubt::Doubt;
pub use doubt::WINDOW_MS;
use statement::Statement;

/// How long an answer may take; the venue's own limit is ten seconds.
const ANSWER_WITHIN: Span = Span::from_nanos(10_000_000_000);

/// How long a question that was not answered waits for its next attempt.
const ASK_AGAIN_AFTER: Span = Span::SECOND;

/// From when on trades are asked for, beside the last known moment: moments of two machines are compared.
const LOOK_BACK: Span = Span::from_nanos(-60_000_000_000);

/// Orders that are over which are kept, for reports that come late.
const OVER_MAX: usize = 512;

/// Names of orders, trades by others and late answers that are remembered, so that nothing grows with the age of a run.
const REMEMBERED_MAX: usize = 4_096;

/// A market of the run, as its venue has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayMarket {
    /// Its rules; prices and quantities are in its decimals.
    pub rules: Instrument,
    /// What it exchanges.
    pub pair: AssetPair,
}

/// An order of the run.
#[derive(Debug)]
struct GatewayOrder {
    order: Order,
    client_id: String,
    name: Option<String>,
    /// When the venue was first heard to have it.
    named_at: Option<Timestamp>,
    filled: Qty,
    /// How much has traded by the venue's word of the order, which may be ahead of its trades.
    told: Qty,
    /// The same, when its trades were asked for.
    asked: Qty,
    /// The trades told by this process.
    trades: BTreeSet<TradeId>,
    is_accepted: bool,
    is_over: bool,
    /// Whether its end was asked for, and nothing has come of it yet.
    is_to_end: bool,
    doubt: Option<Doubt>,
}

/// Whose order the venue's name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Ours(OrderId),
    Foreign,
}

/// What a request was made for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Purpose {
    Place(OrderId),
    Cancel(OrderId),
    /// Where an order of ours stands.
    Query(OrderId),
    /// Whose the order is that the venue calls so, in the market at this place.
    Lookup(usize, String),
    /// What an order of ours has traded.
    OrderFills(OrderId),
    /// What was traded in the market at this place since a moment.
    Fills(usize, Timestamp),
    OpenOrders(usize),
    Balances,
}

impl Purpose {
    /// Whether orders wait until it is answered, while a connection begins.
    const fn begins(&self) -> bool {
        match self {
            Self::Query(_)
            | Self::Lookup(..)
            | Self::OrderFills(_)
            | Self::Fills(..)
            | Self::OpenOrders(_) => true,
            Self::Place(_) | Self::Cancel(_) | Self::Balances => false,
        }
    }

    /// Whether it changes something at the venue.
    const fn is_act(&self) -> bool {
        match self {
            Self::Place(_) | Self::Cancel(_) => true,
            Self::Query(_)
            | Self::Lookup(..)
            | Self::OrderFills(_)
            | Self::Fills(..)
            | Self::OpenOrders(_)
            | Self::Balances => false,
        }
    }
}

/// A request that is not answered yet.
#[derive(Debug)]
struct Pending {
    purpose: Purpose,
    made_at: Timestamp,
    /// When its bytes were handed to the socket; nothing while they were not.
    sent_at: Option<Timestamp>,
    /// Whether it goes beside the connection.
    is_beside: bool,
}

impl Pending {
    /// When its answer is given up. A question beside the connection may wait for others, and is answered in any case, be it
    /// that there is no answer.
    fn overdue_at(&self) -> Option<Timestamp> {
        (self.purpose.is_act() || !self.is_beside).then(|| self.made_at.plus(ANSWER_WITHIN))
    }

    /// Whether it went out and may well be answered next.
    fn is_under_way(&self, now: Timestamp) -> bool {
        self.sent_at.is_some_and(|sent_at| now < sent_at.plus(ASK_AGAIN_AFTER))
    }
}

/// Where the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// There is none.
    Down,
    /// What happened meanwhile is being asked.
    Beginning,
    /// Orders are taken.
    Ready,
}

/// The order gateway of a run.
#[derive(Debug)]
pub struct OrderGateway {
    run: RunId,
    epoch: Epoch,
    markets: Vec<GatewayMarket>,
    orders: BTreeMap<OrderId, GatewayOrder>,
    names: BTreeMap<String, Owner>,
    /// Trades whose order is being looked up.
    strays: Vec<FillReport>,
    pending: BTreeMap<u64, Pending>,
    /// Orders whose answers nobody waits for any more; one that comes all the same is heard.
    overdue: BTreeMap<u64, OrderId>,
    /// Questions that are asked at their moment.
    later: Vec<(Timestamp, Purpose)>,
    numbers: u64,
    requests: VecDeque<(u64, OrderRequest)>,
    inputs: VecDeque<Input>,
    notices: VecDeque<String>,
    link: Link,
    paused_until: Option<Timestamp>,
    /// Whether nothing was answered since a connection began or a pause was asked for.
    is_first: bool,
    budget: RequestBudget,
    /// How far our clock is ahead of the venue's, as far as that is known.
    clock_ahead: Span,
    /// Whether the venue has said that it is too far away.
    is_clock_off: bool,
    statement: Statement,
    /// Up to when the trades of each market are known, stream or no stream; nothing before a run has begun.
    known_until: Vec<Option<Timestamp>>,
    /// Other processes of this engine that have traded on the account, of this run and of others.
    other_processes: BTreeSet<(RunId, Epoch)>,
    /// Trades by others that this process has told.
    foreign: BTreeSet<(usize, TradeId)>,
    /// The orders of others that were told last, by market.
    foreign_orders: BTreeMap<usize, Vec<ForeignOrder>>,
    /// How much orders of others have traded, by the venue's word of them.
    foreign_filled: BTreeMap<String, Decimal>,
}

impl OrderGateway {
    /// A gateway that has no connection yet.
    #[must_use]
    pub fn new(beginning: RouteBeginning, markets: Vec<GatewayMarket>) -> Self {
        let RouteBeginning { run, epoch, orders, since, paused_until } = beginning;
        let known_until = vec![since; markets.len()];
        let mut gateway = Self {
            run,
            epoch,
            markets,
            orders: BTreeMap::new(),
            names: BTreeMap::new(),
            strays: Vec::new(),
            pending: BTreeMap::new(),
            overdue: BTreeMap::new(),
            later: Vec::new(),
            numbers: 0,
            requests: VecDeque::new(),
            inputs: VecDeque::new(),
            notices: VecDeque::new(),
            link: Link::Down,
            paused_until,
            is_first: true,
            budget: RequestBudget::default(),
            clock_ahead: Span::ZERO,
            is_clock_off: false,
            statement: Statement::default(),
            known_until,
            other_processes: BTreeSet::new(),
            foreign: BTreeSet::new(),
            foreign_orders: BTreeMap::new(),
            foreign_filled: BTreeMap::new(),
        };
        orders.into_iter().for_each(|standing| gateway.take_up(standing));
        gateway
    }

    /// An order of an earlier process: what became of it is asked as soon as there is a connection.
    fn take_up(&mut self, standing: StandingOrder) {
        // What of it was told before is told again, and counted by the core: it knows each trade by its name.
        let StandingOrder { order, epoch, name, filled: _ } = standing;
        // Whoever took it up before heard of it before anything is asked here.
        let named_at = name.is_some().then_some(Timestamp::MIN);
        let id = order.id;
        let Some(client_id) = ClientId::new(self.run, epoch, id) else { return };
        if let Some(name) = &name {
            self.names.insert(name.clone(), Owner::Ours(id));
        }
        let is_accepted = name.is_some();
        let (trades, client_id) = (BTreeSet::new(), client_id.to_string());
        let order = GatewayOrder {
            order,
            client_id,
            name,
            named_at,
            filled: Qty::ZERO,
            told: Qty::ZERO,
            asked: Qty::ZERO,
            trades,
            is_accepted,
            is_over: false,
            is_to_end: false,
            doubt: None,
        };
        self.orders.insert(id, order);
    }

    /// Whether orders are taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.link == Link::Ready
    }

    /// The next input for the loop.
    pub fn take_input(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }

    /// The next line for the operator.
    pub fn take_notice(&mut self) -> Option<String> {
        self.notices.pop_front()
    }

    /// Request `number` goes beside the connection: its answer waits for nothing that is said there.
    pub fn goes_beside(&mut self, number: u64) {
        if let Some(pending) = self.pending.get_mut(&number) {
            pending.is_beside = true;
        }
    }

    /// When [`tick`](Self::tick) has something to do next.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        let answers = self.pending.values().filter_map(Pending::overdue_at);
        let later = self.later.iter().map(|(at, _)| *at);
        let doubts = self.orders.values().filter_map(|order| Some(order.doubt.as_ref()?.next_at()));
        let statement = self.statement.next_at(self.is_ready());
        answers.chain(later).chain(doubts).chain(statement).min()
    }

    /// Does what is due at `now`: gives up answers, asks again, asks what became of orders, and what the account holds.
    pub fn tick(&mut self, now: Timestamp) {
        self.give_up_answers(now);
        if self.link != Link::Down && !self.is_paused(now) {
            let due: Vec<Purpose>;
            (due, self.later) = split_due(core::mem::take(&mut self.later), now);
            due.into_iter().for_each(|purpose| self.ask(now, purpose));
            self.pursue_doubts(now);
            self.pursue_statement(now);
        }
        self.judge_beginning(now);
    }

    /// Until when the venue wants to be asked nothing, where it has asked for a pause.
    #[must_use]
    pub const fn pause_over_at(&self) -> Option<Timestamp> {
        self.paused_until
    }

    fn is_paused(&self, now: Timestamp) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    fn tell(&mut self, event: AccountEvent) {
        self.inputs.push_back(Input::Account(Box::new(event)));
    }

    fn tell_execution(&mut self, order: OrderId, venue_at: Timestamp, execution: Execution) {
        self.inputs.push_back(Input::Execution(ExecutionReport { order, venue_at, execution }));
    }

    fn tell_failure(&mut self, act: FailedAct, reason: &str) {
        let failed = FailedEffect { act, reason: reason.to_owned() };
        self.inputs.push_back(Input::EffectFailed(Box::new(failed)));
    }

    /// Something that nobody but a person can put right: trading stops, and the operator is told why.
    fn halt(&mut self, why: &str) {
        self.notices.push_back(format!("trading is halted: {why}"));
        self.inputs.push_back(Input::Operator(OperatorCommand::Halt));
    }

    /// What a request was for has not happened and will not.
    fn failed(&mut self, purpose: &Purpose, why: &str) {
        match purpose {
            Purpose::Place(order) => {
                self.forget(*order);
                self.tell_failure(FailedAct::Place(*order), why);
            }
            Purpose::Cancel(order) => self.tell_failure(FailedAct::Cancel(*order), why),
            Purpose::Query(_)
            | Purpose::Lookup(..)
            | Purpose::OrderFills(_)
            | Purpose::Fills(..)
            | Purpose::OpenOrders(_)
            | Purpose::Balances => self.notices.push_back(format!("a question is not asked: {why}")),
        }
    }

    fn forget(&mut self, order: OrderId) {
        self.orders.remove(&order);
    }

    fn market_of(&self, symbol: &str) -> Option<usize> {
        self.markets.iter().position(|market| market.rules.symbol == symbol)
    }
}

/// What is due at `now`, and what is not.
fn split_due(later: Vec<(Timestamp, Purpose)>, now: Timestamp) -> (Vec<Purpose>, Vec<(Timestamp, Purpose)>) {
    let (due, later): (Vec<_>, Vec<_>) = later.into_iter().partition(|(at, _)| *at <= now);
    (due.into_iter().map(|(_, purpose)| purpose).collect(), later)
}

/// Why an effect is not handed over.
fn refused(reason: impl Into<String>) -> EffectFailure {
    EffectFailure { reason: reason.into() }
}
