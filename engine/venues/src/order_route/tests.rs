//! Orders over a real socket to a fake exchange, with everything that it can do wrong about them: in the end the books are the
//! exchange's to the last unit, in every asset, and no order stands there twice.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use engine_core::asset::Asset;
use engine_core::client_id::{ClientId, RunId};
use engine_core::epoch::Epoch;
use engine_core::event::{
    AccountBeginning, AccountEvent, Event, FailedAct, FailedEffect, Input, Manifest, Output, Submission,
};
use engine_core::instrument::InstrumentId;
use engine_core::intent::{Intent, OrderIntent, Rationale, Size};
use engine_core::machine::{Core, CoreConfig, Timing};
use engine_core::mark::MarkRule;
use engine_core::market::{Aggressor, MarketUpdate, Side, Trade};
use engine_core::num::{Amount, Money, Price};
use engine_core::order::{OrderKind, Status};
use engine_core::risk::{RiskGate, RiskLimits};
use engine_core::state::AccountStanding;
use engine_core::strategy::{Strategy, View};
use engine_core::time::Timestamp;
use engine_runtime::interruption::Interruption;
use engine_runtime::order_route::StandingOrder;
use fake_exchange::Awaited::{Any, Cancel, Place};
use fake_exchange::{Fault, FeeAsset, OrderFault};

use super::*;
use crate::market_venue::{MarketVenue, WantedRoute};
use crate::signing::venue_key::VenueKey;

mod account_access;
mod coinbase;
mod kraken;
mod test_venue;

use test_venue::{BINANCE, Ground, KRAKEN, TestVenue};

/// A policy that decides nothing: the test places orders itself.
struct Idle;

impl Strategy for Idle {
    fn observe(&mut self, _: Timestamp, _: &Event) {}

    fn propose(&self, _: &View<'_>) -> Vec<Intent> {
        Vec::new()
    }
}

const ONLY: InstrumentId = InstrumentId::new(0);

/// Nothing that is waited for takes as long.
const PATIENCE: Duration = Duration::from_secs(40);

/// One process of a run: core, route, and what comes back.
struct Process {
    core: Core,
    gate: RiskGate,
    route: Box<dyn OrderRoute>,
    inputs: Receiver<Input>,
    venue: Box<dyn MarketVenue>,
    /// The quantity that the tests call a lot.
    lot: i128,
    told: Vec<Input>,
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

impl Process {
    fn begin(ground: &Ground, epoch: u16, core: Option<Core>) -> Self {
        let (house, venue, ws_url) = (ground.house, ground.venue(), ground.ws_url());
        let instruments = venue.instruments(&[house.symbol.to_owned()]).unwrap();
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
        let limits = RiskLimits { orders_per_minute_max: 100_000, ..RiskLimits::default() };
        let mut core = core.unwrap_or_else(|| {
            let config = CoreConfig {
                instruments: instruments.clone(),
                capital: Money::from_units(1_000_000 * 10_i128.pow(18)),
                bars: None,
                mark: MarkRule::Newest,
                timing: Timing::Immediate,
                wait_bars_max: 1,
                limits: limits.clone(),
                watch: None,
            };
            Core::new(config, Box::new(Idle))
        });
        let epoch = Epoch::new(epoch);
        let state = core.state();
        let standing = |open: &engine_core::order::OpenOrder| {
            let placed = state.account()?.placed(open.order.id)?;
            let (epoch, name) = (placed.epoch, placed.name.clone());
            Some(StandingOrder { order: open.order.clone(), epoch, name, filled: open.filled })
        };
        let orders = state.open_orders().filter_map(standing).collect();
        let begun = AccountEvent::Begun(AccountBeginning { epoch, pairs: route.pairs() });
        core.step(venue.now(), Input::Account(Box::new(begun)));
        let (tell, inputs) = channel();
        let run = RunId::of(&manifest(), Timestamp::from_nanos(1));
        let inlet: Inlet = Box::new(move |input| tell.send(input).is_ok());
        route.begin(RouteBeginning { run, epoch, orders, since, paused_until: None }, inlet).unwrap();
        let lot = instruments[0].lot.units() * house.lots;
        Self { core, gate: RiskGate::new(limits), route, inputs, venue, lot, told: Vec::new() }
    }

    fn now(&self) -> Timestamp {
        self.venue.now().max(self.core.state().now())
    }

    /// Takes in what comes, and what the core asks for, until `is_met`.
    fn until(&mut self, what: &str, is_met: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_met(self) {
            assert!(
                begun.elapsed() < PATIENCE,
                "waited for {what}; told last {:?}",
                self.told.iter().rev().take(6)
            );
            self.take_in(Duration::from_millis(20));
        }
    }

    fn take_in(&mut self, patience: Duration) {
        if let Ok(input) = self.inputs.recv_timeout(patience) {
            self.told.push(input.clone());
            let at = self.now();
            let step = self.core.step(at, input);
            self.perform(&step.outputs);
        }
        let now = self.now();
        if self.core.deadline().is_some_and(|deadline| deadline <= now) {
            let step = self.core.step(now, Input::Deadline);
            self.perform(&step.outputs);
        }
    }

    fn perform(&mut self, outputs: &[Output]) {
        for output in outputs {
            if let Output::CancelRequested(request) = output {
                self.hand_over_cancel(request.order);
            }
            assert!(!matches!(output, Output::TradingHalted(_)), "{output:?} behind {:?}", self.told.last());
        }
    }

    fn failed(&mut self, act: FailedAct, failure: EffectFailure) {
        let failed = FailedEffect { act, reason: failure.reason };
        self.core.step(self.now(), Input::EffectFailed(Box::new(failed)));
    }

    fn hand_over_cancel(&mut self, order: OrderId) {
        if let Err(failure) = self.route.cancel(order) {
            self.failed(FailedAct::Cancel(order), failure);
        }
    }

    /// Shows the core a price, so that the gate can judge.
    fn mark(&mut self, price: i64) {
        let at = self.now();
        let qty = Qty::from_units(1);
        let price = Price::from_units(price);
        let trade = Trade { instrument: ONLY, venue_at: at, price, qty, aggressor: Aggressor::Buyer };
        self.core.step(at, Input::Market(MarketUpdate::Trade(trade)));
    }

    /// Places an order if the gate lets it through.
    fn place(&mut self, side: Side, kind: OrderKind, lots: i128) -> Option<OrderId> {
        self.place_qty(side, kind, Qty::from_units(self.lot * lots))
    }

    fn place_qty(&mut self, side: Side, kind: OrderKind, qty: Qty) -> Option<OrderId> {
        let intent = OrderIntent { kind, ..OrderIntent::market(ONLY, side, Size::Units(qty), "test") };
        let (at, id) = (self.now(), self.core.state().next_order_id());
        let order = self.gate.review(at, self.core.state(), id, &intent).ok()?.into_order();
        let submission = Submission { order: order.clone(), because: Rationale::new("test") };
        self.core.apply(at, &Event::Output(Output::OrderSubmitted(Box::new(submission))));
        if let Err(failure) = self.route.place(&order) {
            self.failed(FailedAct::Place(id), failure);
        }
        Some(id)
    }

    fn cancel(&mut self, order: OrderId) {
        let is_open =
            self.core.state().open_order(order).is_some_and(|open| open.status != Status::CancelPending);
        if is_open {
            let request = engine_core::event::CancelRequest { order, because: Rationale::new("test") };
            self.core.apply(self.now(), &Event::Output(Output::CancelRequested(request)));
            self.hand_over_cancel(order);
        }
    }

    fn agrees(&self) -> bool {
        let state = self.core.state();
        let agrees = state.account().is_some_and(|books| books.standing() == AccountStanding::Agrees);
        agrees && state.unanswered().next().is_none()
    }

    fn stated(&self) -> usize {
        let is_statement = |input: &&Input| matches!(input, Input::Account(event) if matches!(**event, AccountEvent::Stated(_)));
        self.told.iter().filter(is_statement).count()
    }

    /// Waits until nothing works any more and the venue has stated the same as the books, and compares with its own record.
    fn settle(&mut self, running: &Ground) {
        let open: Vec<OrderId> = self.core.state().open_orders().map(|open| open.order.id).collect();
        open.into_iter().for_each(|order| self.cancel(order));
        self.until("every order to be over", |process| process.core.state().open_order_count() == 0);
        let stated = self.stated();
        self.until("another statement", |process| process.stated() > stated && process.agrees());
        let books = self.core.state().account().unwrap();
        for (asset, balance) in running.truth().balances().unwrap() {
            let held = (balance.free + balance.locked).units() * 10_i128.pow(10);
            assert_eq!(books.balance(&Asset::new(&asset)), Amount::from_units(held), "{asset}");
        }
        let run = RunId::of(&manifest(), Timestamp::from_nanos(1));
        let mut seen = BTreeSet::new();
        for order in running.truth().orders().unwrap().iter().filter(|order| !order.by_hand) {
            let id: ClientId = order.client_id.parse().unwrap();
            assert!(id.run() == run && seen.insert(id.order()), "{order:?} stands twice, or is nobody's");
        }
        assert_eq!(running.truth().requests_in_bans().unwrap(), 0);
    }
}

fn price_of(running: &Ground) -> i64 {
    let trades = running.truth().trades(running.house.market).unwrap();
    i64::try_from(trades.last().map_or(6_000_000, |trade| trade.price)).unwrap()
}

#[test]
fn orders_of_every_kind_come_back_as_what_the_exchange_made_of_them() {
    every_kind_of_order_comes_back(&BINANCE);
}

fn every_kind_of_order_comes_back(house: &'static TestVenue) {
    let running = house.begun(None);
    let mut process = Process::begin(&running, 1, None);
    process.until("the first statement", Process::agrees);
    let price = price_of(&running);
    process.mark(price);
    let bought = process.place(Side::Buy, OrderKind::Market, 300).unwrap();
    process.until("a market order to fill", |process| process.core.state().open_order(bought).is_none());
    assert!(process.core.state().ledger().position(ONLY).qty.is_positive());
    let far = Price::from_units(price / 2);
    let rests = process.place(Side::Buy, OrderKind::Limit(far), 100).unwrap();
    process.until("a limit order to rest", |process| {
        process.core.state().open_order(rests).is_some_and(|open| open.status == Status::Accepted)
    });
    process.cancel(rests);
    process.until("its end", |process| process.core.state().open_order(rests).is_none());
    let sold = process.place(Side::Sell, OrderKind::Market, 100).unwrap();
    process.until("a sale", |process| process.core.state().open_order(sold).is_none());
    process.settle(&running);
}

#[test]
fn fees_in_a_third_coin_are_booked_to_the_last_digit() {
    let prices = vec![("USDT".to_owned(), "600".to_owned())];
    let fee_asset = FeeAsset { asset: "BNB".into(), prices, discount_percent: 25 };
    let running = BINANCE.begun(Some(fee_asset));
    let mut process = Process::begin(&running, 1, None);
    process.until("the first statement", Process::agrees);
    process.mark(price_of(&running));
    for side in [Side::Buy, Side::Buy, Side::Sell] {
        let order = process.place(side, OrderKind::Market, 123).unwrap();
        process.until("a fill", |process| process.core.state().open_order(order).is_none());
    }
    process.settle(&running);
    let books = process.core.state().account().unwrap();
    let unvalued: Vec<&str> = books.unvalued_charges().map(|(asset, _)| asset.name()).collect();
    assert_eq!(unvalued, ["BNB"], "no market of the run says what it is worth");
}

/// What the run does with an order that something goes wrong with.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// It is a market order, and fills.
    Fills,
    /// It rests, and is cancelled at once.
    IsCancelled,
    /// It rests; the process is killed with whatever is under way, and another takes the run up.
    Dies,
}

/// Each order is placed once and the books agree, whatever `faults` do.
fn lives_through(house: &'static TestVenue, faults: &[(OrderFault, Then)]) {
    let running = house.begun(None);
    let mut process = Process::begin(&running, 1, None);
    process.until("the first statement", Process::agrees);
    let mut epoch = 1;
    for (fault, then) in faults {
        process.mark(price_of(&running));
        running.fault(Fault::Order(fault.clone())).unwrap();
        let kind = match then {
            Then::Fills => OrderKind::Market,
            Then::IsCancelled | Then::Dies => OrderKind::Limit(Price::from_units(price_of(&running) / 2)),
        };
        let order = process.place(Side::Buy, kind, 50).unwrap_or_else(|| panic!("{fault:?}"));
        match then {
            Then::Fills => {}
            Then::IsCancelled => process.cancel(order),
            Then::Dies => {
                epoch += 1;
                let Process { core, route, .. } = process;
                drop(route);
                process = Process::begin(&running, epoch, Some(core));
            }
        }
        process.until(&format!("what became of an order under {fault:?}"), |process| {
            let state = process.core.state();
            let is_known = state.open_order(order).is_none_or(|open| open.status == Status::Accepted);
            is_known && process.agrees()
        });
    }
    // A new connection states at once what the account holds.
    running.fault(Fault::from_json(r#"{"verb":"drop_conn","how":"fin"}"#).unwrap()).unwrap();
    process.settle(&running);
}

const ANSWERS: [(OrderFault, Then); 3] = [
    (OrderFault::AckLost { n: 1, on: Place }, Then::Fills),
    (OrderFault::AckDelay { ms: 1_500, n: 1, on: Any }, Then::Dies),
    (OrderFault::AckLost { n: 1, on: Cancel }, Then::IsCancelled),
];

const REQUESTS: [(OrderFault, Then); 3] = [
    (OrderFault::RequestLost { n: 1, on: Place }, Then::IsCancelled),
    (OrderFault::RequestDelay { ms: 800, n: 1, on: Place }, Then::IsCancelled),
    (OrderFault::RequestDelay { ms: 800, n: 1, on: Place }, Then::Dies),
];

const fn unknown(done: bool) -> OrderFault {
    OrderFault::OutcomeUnknown { done, code: -1_007, status: 503, n: 1, on: Place }
}

const OUTCOMES: [(OrderFault, Then); 4] = [
    (unknown(true), Then::Fills),
    (unknown(false), Then::IsCancelled),
    (OrderFault::FillBeforeAck { n: 1 }, Then::Fills),
    (OrderFault::Partial { n: 4 }, Then::Fills),
];

#[test]
fn an_answer_that_is_lost_or_late_leaves_one_order() {
    lives_through(&BINANCE, &ANSWERS);
}

#[test]
fn a_request_that_is_lost_or_late_leaves_one_order_or_none() {
    lives_through(&BINANCE, &REQUESTS);
}

#[test]
fn an_outcome_that_is_unknown_and_fills_in_parts_leave_one_order() {
    lives_through(&BINANCE, &OUTCOMES);
}
