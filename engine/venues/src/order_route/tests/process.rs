//! One process of a run with real orders, as far as its route knows of it: a core, what it books, and what it places.

use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use engine_core::client_id::RunId;
use engine_core::epoch::Epoch;
use engine_core::event::{
    AccountBeginning, AccountEvent, CancelRequest, Event, FailedAct, FailedEffect, Input, Manifest, Output,
    Submission,
};
use engine_core::instrument::InstrumentId;
use engine_core::intent::{Intent, OrderIntent, Rationale, Size};
use engine_core::machine::{Core, CoreConfig, Timing};
use engine_core::mark::MarkRule;
use engine_core::market::{Aggressor, MarketUpdate, Side, Trade};
use engine_core::num::{Money, Price};
use engine_core::order::{OpenOrder, OrderKind, Status};
use engine_core::risk::{RiskGate, RiskLimits};
use engine_core::state::AccountStanding;
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;
use engine_runtime::interruption::Interruption;
use engine_runtime::order_route::StandingOrder;

use fake_exchange::{Entry, OrderRequest, Record, Truth};

use super::super::*;
use super::comparison::on_their_way;
use super::test_venue::Ground;
use crate::market_venue::{MarketVenue, WantedRoute};
use crate::signing::venue_key::VenueKey;

/// A policy that decides nothing: the test places orders itself.
struct Idle;

impl Strategy for Idle {
    fn observe(&mut self, _: Timestamp, _: &Event) {}

    fn propose(&self, _: &View<'_>) -> Vec<Intent> {
        Vec::new()
    }
}

/// The first market, and the only one of most tests.
pub(super) const FIRST: InstrumentId = InstrumentId::new(0);

/// Nothing that is waited for takes as long.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// One process of a run: core, route, and what comes back.
pub(super) struct Process {
    pub(super) core: Core,
    gate: RiskGate,
    route: Box<dyn OrderRoute>,
    inputs: Receiver<Input>,
    venue: Box<dyn MarketVenue>,
    /// The quantity that the tests call a lot.
    lot: i128,
    epoch: u16,
    /// What was told to this process and those before it.
    pub(super) told: Vec<Input>,
    /// The exchange's own record.
    truth: Truth,
}

/// What a process leaves behind.
pub(super) struct Left {
    core: Core,
    told: Vec<Input>,
    epoch: u16,
}

fn manifest() -> Manifest {
    Manifest {
        engine_version: "1".into(),
        mode: "live".into(),
        config_json: "{}".into(),
        strategy: "test".into(),
        instruments: Vec::new(),
        datasets: Vec::new(),
        seed: 0,
        capital: Money::ZERO,
        synthetic: false,
    }
}

pub(super) fn run_id() -> RunId {
    RunId::of(&manifest(), Timestamp::from_nanos(1))
}

fn limits() -> RiskLimits {
    RiskLimits { orders_per_minute_max: 100_000, open_orders_max: 1_000, ..RiskLimits::default() }
}

fn pause_told(input: &Input) -> Option<Timestamp> {
    match input {
        Input::Account(event) => match &**event {
            AccountEvent::Paused(pause) => Some(pause.until),
            _ => None,
        },
        _ => None,
    }
}

impl Left {
    /// Another process takes the run up.
    pub(super) fn come_back(self, ground: &Ground) -> Process {
        Process::begin_with(ground, self.epoch + 1, Some(self.core), self.told)
    }
}

impl Process {
    /// The first process of a run.
    pub(super) fn begin(ground: &Ground) -> Self {
        Self::begin_with(ground, 1, None, Vec::new())
    }

    /// This process is killed with whatever is under way, and another takes the run up.
    pub(super) fn begin_anew(self, ground: &Ground) -> Self {
        self.leave().come_back(ground)
    }

    /// This process is killed with whatever is under way.
    pub(super) fn leave(self) -> Left {
        let Self { core, route, told, epoch, inputs, .. } = self;
        drop((route, inputs));
        Left { core, told, epoch }
    }

    fn begin_with(ground: &Ground, epoch: u16, core: Option<Core>, told: Vec<Input>) -> Self {
        let (house, venue, ws_url) = (ground.house, ground.venue(), ground.ws_url());
        let instruments = venue.instruments(&ground.symbols).unwrap();
        let key = VenueKey::from_text(house.venue, "test", house.secret).unwrap();
        let interruption = Interruption::default();
        let wanted = WantedRoute {
            is_new: core.is_none(),
            instruments: &instruments,
            key: &key,
            orders_url: Some(&ws_url),
            interruption: &interruption,
            notices: Arc::new(|_| {}),
        };
        let mut route = venue.order_route(&wanted).unwrap();
        let since = core.as_ref().map(|core| core.state().now());
        let mut core = core.unwrap_or_else(|| {
            let config = CoreConfig {
                instruments: instruments.clone(),
                capital: Money::from_units(1_000_000 * 10_i128.pow(18)),
                bars: None,
                mark: MarkRule::Newest,
                timing: Timing::Immediate,
                wait_bars_max: 1,
                limits: limits(),
                watch: None,
            };
            Core::new(config, Box::new(Idle))
        });
        let state = core.state();
        let standing = |open: &OpenOrder| {
            let placed = state.account()?.placed(open.order.id)?;
            let (epoch, name) = (placed.epoch, placed.name.clone());
            Some(StandingOrder { order: open.order.clone(), epoch, name, filled: open.filled })
        };
        let orders = state.open_orders().filter_map(standing).collect();
        let paused_until = told.iter().filter_map(pause_told).max();
        let begun = AccountBeginning { epoch: Epoch::new(epoch), pairs: route.pairs() };
        let at = venue.now().max(core.state().now());
        core.step(at, Input::Account(Box::new(AccountEvent::Begun(begun))));
        let (tell, inputs) = channel();
        let inlet: Inlet = Box::new(move |input| tell.send(input).is_ok());
        let beginning =
            RouteBeginning { run: run_id(), epoch: Epoch::new(epoch), orders, since, paused_until };
        route.begin(beginning, inlet).unwrap();
        let lot = instruments[0].lot.units() * house.lots;
        let (gate, truth) = (RiskGate::new(limits()), ground.truth());
        let mut process = Self { core, gate, route, inputs, venue, lot, epoch, told, truth };
        // Whether its end was asked for in time nobody knows.
        let ending = process.core.state().open_orders().filter(|open| open.status == Status::CancelPending);
        let ending: Vec<OrderId> = ending.map(|open| open.order.id).collect();
        ending.into_iter().for_each(|order| process.hand_over_cancel(order));
        process
    }

    fn now(&self) -> Timestamp {
        self.venue.now().max(self.core.state().now())
    }

    /// Takes in what comes, and what the core asks for, until `is_met`.
    pub(super) fn until(&mut self, what: &str, is_met: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_met(self) {
            assert!(begun.elapsed() < PATIENCE, "waited for {what}: {}", self.standing());
            self.take_in(Duration::from_millis(20));
        }
    }

    /// Takes in what comes for so long.
    pub(super) fn live(&mut self, span: Duration) {
        let begun = Instant::now();
        while let Some(left) = span.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
            self.take_in(left.min(Duration::from_millis(20)));
        }
    }

    pub(super) fn take_in(&mut self, patience: Duration) {
        if let Ok(input) = self.inputs.recv_timeout(patience) {
            self.told.push(input.clone());
            self.step(input);
        }
        let now = self.now();
        if self.core.deadline().is_some_and(|deadline| deadline <= now) {
            self.step(Input::Deadline);
        }
    }

    fn step(&mut self, input: Input) {
        let step = self.core.step(self.now(), input);
        self.perform(&step.outputs);
    }

    fn perform(&mut self, outputs: &[Output]) {
        for output in outputs {
            if let Output::CancelRequested(request) = output {
                self.hand_over_cancel(request.order);
            }
            let is_halt = matches!(output, Output::TradingHalted(_));
            assert!(!is_halt, "{output:?}: {}", self.standing());
        }
    }

    fn failed(&mut self, act: FailedAct, failure: EffectFailure) {
        let failed = FailedEffect { act, reason: failure.reason };
        self.step(Input::EffectFailed(Box::new(failed)));
    }

    fn hand_over_cancel(&mut self, order: OrderId) {
        if let Err(failure) = self.route.cancel(order) {
            self.failed(FailedAct::Cancel(order), failure);
        }
    }

    /// Shows the core a price, so that the gate can judge.
    pub(super) fn mark(&mut self, price: i64) {
        self.mark_in(FIRST, price);
    }

    /// The same in a market.
    pub(super) fn mark_in(&mut self, instrument: InstrumentId, price: i64) {
        let at = self.now();
        let qty = Qty::from_units(1);
        let price = Price::from_units(price);
        let trade = Trade { instrument, venue_at: at, price, qty, aggressor: Aggressor::Buyer };
        self.step(Input::Market(MarketUpdate::Trade(trade)));
    }

    /// Places an order if the gate lets it through.
    pub(super) fn place(&mut self, side: Side, kind: OrderKind, lots: i128) -> Option<OrderId> {
        self.place_in(FIRST, side, kind, lots)
    }

    /// The same in a market.
    pub(super) fn place_in(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        kind: OrderKind,
        lots: i128,
    ) -> Option<OrderId> {
        let size = Size::Units(Qty::from_units(self.lot * lots));
        self.propose(&OrderIntent { kind, ..OrderIntent::market(instrument, side, size, "test") })
    }

    pub(super) fn place_qty(&mut self, side: Side, kind: OrderKind, qty: Qty) -> Option<OrderId> {
        self.propose(&OrderIntent { kind, ..OrderIntent::market(FIRST, side, Size::Units(qty), "test") })
    }

    fn propose(&mut self, intent: &OrderIntent) -> Option<OrderId> {
        let (at, id) = (self.now(), self.core.state().next_order_id());
        let order = self.gate.review(at, self.core.state(), id, intent).ok()?.into_order();
        let submission = Submission { order: order.clone(), because: Rationale::new("test") };
        self.core.apply(at, &Event::Output(Output::OrderSubmitted(Box::new(submission))));
        if let Err(failure) = self.route.place(&order) {
            self.failed(FailedAct::Place(id), failure);
        }
        Some(id)
    }

    pub(super) fn cancel(&mut self, order: OrderId) {
        let is_open =
            self.core.state().open_order(order).is_some_and(|open| open.status != Status::CancelPending);
        if is_open {
            let request = CancelRequest { order, because: Rationale::new("test") };
            self.core.apply(self.now(), &Event::Output(Output::CancelRequested(request)));
            self.hand_over_cancel(order);
        }
    }

    /// What works, and the last that was told and asked, for whoever reads of a trial that failed.
    pub(super) fn standing(&self) -> String {
        let open = self.core.state().open_orders();
        let open: Vec<_> = open.map(|open| (open.order.id.number(), open.status)).collect();
        let told: Vec<_> = self.told.iter().rev().take(6).collect();
        let mut asked = Vec::new();
        let note = |record: Record| {
            if let Entry::OrderRequest(request) = record.entry {
                let OrderRequest { connection, method, status, banned, .. } = *request;
                let at = record.venue_ns / 1_000_000;
                asked.push(format!("{at} {connection:?} {method} {status} {banned}"));
            }
        };
        self.truth.for_each(note).unwrap();
        let asked = asked.split_off(asked.len().saturating_sub(15));
        format!("open {open:?}\nasked {asked:#?}\ntold {told:?}")
    }

    /// Whether the order is over, or works with nothing in doubt.
    pub(super) fn is_known(&self, order: OrderId) -> bool {
        self.core.state().open_order(order).is_none_or(|open| open.status == Status::Accepted)
    }

    pub(super) fn agrees(&self) -> bool {
        let state = self.core.state();
        let agrees = state.account().is_some_and(|books| books.standing() == AccountStanding::Agrees);
        agrees && state.unanswered().next().is_none()
    }

    fn stated(&self) -> usize {
        let is_statement = |input: &&Input| matches!(input, Input::Account(event) if matches!(**event, AccountEvent::Stated(_)));
        self.told.iter().filter(is_statement).count()
    }

    /// Waits until nothing works any more and the venue has stated the same as the books, and compares with its own record.
    pub(super) fn settle(&mut self, ground: &Ground) {
        self.end_all();
        let stated = self.stated();
        self.until("another statement", |process| process.stated() > stated && process.agrees());
        self.judge(ground);
        // Orders wait for no answer, so one may be on its way when a pause begins; what is asked later fails.
        on_their_way(ground);
    }

    /// The same by a process that begins when nothing works any more, to which the venue states at once what the account holds.
    pub(super) fn settle_anew(mut self, ground: &Ground) -> Self {
        self.end_all();
        let mut process = self.begin_anew(ground);
        process.until("a statement", Self::agrees);
        process.judge(ground);
        process
    }

    /// Ends what works.
    fn end_all(&mut self) {
        let open: Vec<OrderId> = self.core.state().open_orders().map(|open| open.order.id).collect();
        open.into_iter().for_each(|order| self.cancel(order));
        self.until("every order to be over", |process| process.core.state().open_order_count() == 0);
    }
}
