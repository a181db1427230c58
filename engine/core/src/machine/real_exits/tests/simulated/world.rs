//! Core, venue and what is on its way between them.

use super::venue::charge;
use super::*;
use crate::effect::Effect;
use crate::event::{FailedAct, FailedEffect, FeeCharge};
use crate::market::MarketUpdate;

/// Something on its way, or something that is to be found out.
#[derive(Debug, Clone)]
pub(super) enum Underway {
    Place(Order),
    Cancel(OrderId),
    Report(OrderId, Execution),
    Unanswered(OrderId),
    NeverPlaced(OrderId),
}

impl Underway {
    /// Whether it arrives whatever becomes of the engine.
    const fn is_to_the_venue(&self) -> bool {
        match self {
            Self::Place(_) | Self::Cancel(_) => true,
            Self::Report(..) | Self::Unanswered(_) | Self::NeverPlaced(_) => false,
        }
    }
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) plan: Plan,
    pub(super) random: Random,
    pub(super) faults: Faults,
    drawn: Faults,
    /// In milliseconds.
    pub(super) now: i64,
    pub(super) core: Core,
    pub(super) record: Vec<(Timestamp, Event)>,
    pub(super) venue: Venue,
    /// Steps of the engine so far, and what is to go wrong at which.
    pub(super) steps: u64,
    pub(super) planned: Option<(u64, Mishap)>,
    /// When a process that was killed is taken up.
    pub(super) back_at: Option<i64>,
    /// When a feed that was lost comes back, and whether its loss was told.
    pub(super) feed_back_at: Option<i64>,
    pub(super) feed_is_told: bool,
    underway: BTreeMap<(i64, u64), Underway>,
    sent: u64,
    /// Orders of which something was told.
    heard: BTreeSet<OrderId>,
    /// When the last report on an order arrives, so that the next does not come before it.
    last: BTreeMap<OrderId, i64>,
    pub(super) epoch: u16,
    /// Since when what an entry holds has no exit at work, or when one was tried last.
    pub(super) bare_since: BTreeMap<OrderId, i64>,
    /// Since when the venue has something to sell and no order that would.
    pub(super) unprotected_since: Option<i64>,
    pub(super) met: Met,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let drawn = Faults::drawn(&mut random);
        Self::with(seed, random, drawn, Plan::Drawn)
    }

    /// One in which nothing goes wrong but what is planned.
    pub(super) fn scripted(planned: Option<(u64, Mishap)>) -> Self {
        let world = Self::with(1, Random::seeded(1), Faults::default(), Plan::Scripted);
        Self { planned: planned.or(Some((0, Mishap::FeedLost { for_ms: 0 }))), ..world }
    }

    fn with(seed: u64, mut random: Random, drawn: Faults, plan: Plan) -> Self {
        let fee = if random.chance(500) { 1_000 } else { 0 };
        let mut world = Self {
            seed,
            plan,
            // Nothing goes wrong before the account is read.
            faults: Faults::default(),
            drawn,
            now: 1_000,
            core: core(plan.strategy(seed)),
            steps: 0,
            planned: None,
            back_at: None,
            feed_back_at: None,
            feed_is_told: false,
            unprotected_since: None,
            record: Vec::new(),
            venue: Venue { price: 10_000, fee, ..Venue::default() },
            underway: BTreeMap::new(),
            sent: 0,
            heard: BTreeSet::new(),
            last: BTreeMap::new(),
            epoch: 1,
            bare_since: BTreeMap::new(),
            met: Met::default(),
            random,
        };
        world.input(begun(1));
        world.input(stated(cash()));
        world
    }

    pub(super) fn at(&self) -> Timestamp {
        Timestamp::from_nanos(self.now * 1_000_000)
    }

    pub(super) fn send(&mut self, after: i64, what: Underway) {
        self.sent += 1;
        self.underway.insert((self.now + after, self.sent), what);
    }

    fn delay(&mut self) -> i64 {
        let most = if self.random.chance(self.faults.late) { 3_000 } else { 60 };
        1 + i64::try_from(self.random.below(most)).unwrap()
    }

    /// A step: recorded, judged, and its effects done, where the process lives that long.
    pub(super) fn input(&mut self, input: Input) {
        let mishap = self.mishap();
        let done = Self::effects_done(mishap);
        let at = self.at();
        let step = self.core.step(at, input);
        self.record.push((at, Event::Input(step.input)));
        let mut effects = Vec::new();
        for output in step.outputs {
            self.count(&output);
            effects.extend(Effect::of(&output));
            self.record.push((at, Event::Output(output)));
        }
        self.judge_sales();
        // A failure to send is told in the same step, and may be the last that this process hears.
        for (number, effect) in effects.into_iter().enumerate() {
            self.perform(effect, number < done && !self.is_away());
        }
        if let Some(mishap) = mishap {
            self.suffer(mishap);
        }
    }

    fn count(&mut self, output: &Output) {
        if let Output::OrderSubmitted(submission) = output {
            let exits = u64::from(submission.order.parent.is_some());
            let is_because = |words: &str| exits * u64::from(submission.because.reason == words);
            self.met.exits += exits;
            // One that is not sent is over in the same moment, and was an attempt all the same.
            submission.order.parent.map(|entry| self.bare_since.insert(entry, self.now));
            self.met.targets += is_because("its take-profit is touched");
            self.met.passed += is_because("its stop is touched");
            self.met.trailing += is_because("trailing stop");
        } else if let Output::CancelRequested(request) = output {
            self.met.replaced += u64::from(request.because.reason == "its entry filled further");
            self.met.moved += u64::from(request.because.reason == "its stop follows the price");
            self.met.asked_again += u64::from(request.because.reason.contains("is not known"));
        } else if let Output::TradingHalted(reason) = output {
            panic!("seed {}: {reason:?}", self.seed);
        }
        self.met.postponed += u64::from(matches!(output, Output::Postponed(_)));
    }

    fn perform(&mut self, effect: Effect, lives: bool) {
        match effect {
            Effect::Place(order) => {
                let (id, delay) = (order.id, self.delay());
                if !lives || self.random.chance(self.faults.lost) {
                    self.send(1_000, Underway::Unanswered(id));
                    self.send(6_000, Underway::NeverPlaced(id));
                } else if self.random.chance(self.faults.unsent) {
                    self.met.unsent += 1;
                    let (act, reason) = (FailedAct::Place(id), "test".to_owned());
                    self.input(Input::EffectFailed(Box::new(FailedEffect { act, reason })));
                } else {
                    if self.random.chance(self.faults.unanswered) {
                        // Nothing of it is heard for a while.
                        self.last.insert(id, self.now + 5_000);
                        self.send(1_000, Underway::Unanswered(id));
                    }
                    self.send(delay, Underway::Place(order));
                }
            }
            Effect::Cancel(order) => {
                if lives && self.random.chance(self.faults.unsent) {
                    let (act, reason) = (FailedAct::Cancel(order), "test".to_owned());
                    self.input(Input::EffectFailed(Box::new(FailedEffect { act, reason })));
                } else if lives && !self.random.chance(self.faults.cancel_lost) {
                    let delay = self.delay();
                    self.send(delay, Underway::Cancel(order));
                }
            }
            Effect::Amend(..) | Effect::Consult(_) => panic!("nobody asks for it here"),
        }
    }

    /// What the venue says of an order comes in its order, but where a fault says otherwise.
    fn tell(&mut self, order: OrderId, executions: Vec<Execution>) {
        for execution in executions {
            let wanted = self.now + self.delay();
            let last = self.last.get(&order).copied().unwrap_or_default();
            // An order's end is told behind its trades: its way back sees to that.
            let is_end = matches!(execution, Execution::Cancelled);
            let is_disordered = !is_end && self.random.chance(self.faults.disordered);
            let at = if is_disordered { wanted } else { wanted.max(last) };
            self.last.insert(order, at.max(last));
            self.met.stops += u64::from(execution == Execution::Triggered);
            self.send(at - self.now, Underway::Report(order, execution));
        }
    }

    fn deliver(&mut self, what: Underway) {
        match what {
            Underway::Place(order) => {
                let refused = self.random.chance(self.faults.refused);
                let told = match refused {
                    true => vec![Execution::Rejected(RejectReason::Other)],
                    false => self.venue.place(&order),
                };
                self.tell(order.id, told);
            }
            Underway::Cancel(order) => {
                let told = self.venue.end(order);
                let filled = self.venue.orders.get(&order).is_some_and(|known| known.filled > 0);
                self.met.crossed += u64::from(filled && !told.is_empty());
                self.tell(order, told);
            }
            Underway::Report(order, execution) => self.report(order, execution),
            // What was heard of was answered, however long its answer took.
            Underway::Unanswered(order) if self.heard.contains(&order) => {}
            Underway::Unanswered(order) => {
                self.input(Input::Account(Box::new(AccountEvent::Unanswered(order))));
            }
            Underway::NeverPlaced(order) => {
                self.met.never_placed += 1;
                self.input(Input::Account(Box::new(AccountEvent::NeverPlaced(order))));
            }
        }
    }

    fn report(&mut self, order: OrderId, execution: Execution) {
        if let Execution::Filled(fill) = execution
            && self.venue.orders.get(&order).is_some_and(|known| known.order.side == Side::Buy)
        {
            let units = charge(fill.qty.units(), self.venue.fee) * 10_i128.pow(15);
            let charge = AssetAmount { asset: Asset::new("X"), amount: Amount::from_units(units) };
            let charged = AccountEvent::Charged(FeeCharge { order, trade: fill.trade, charge });
            self.input(Input::Account(Box::new(charged)));
            if self.is_away() {
                // It is told again, and first of all, to whoever takes the run up.
                self.sent += 1;
                self.underway.insert((0, self.sent), Underway::Report(order, execution));
                return;
            }
        }
        self.heard.insert(order);
        let venue_at = self.at();
        self.input(Input::Execution(ExecutionReport { order, venue_at, execution }));
    }

    /// One step of ten milliseconds.
    pub(super) fn pass(&mut self) {
        self.now += 10;
        self.come_back();
        while let Some(deadline) = self.core.deadline()
            && deadline <= self.at()
            && !self.is_away()
        {
            self.input(Input::Deadline);
        }
        while let Some(what) = self.arrival() {
            self.deliver(what);
        }
        if !self.is_away() {
            self.judge_bare();
        }
    }

    /// What arrives now: at a process that was killed, nothing.
    fn arrival(&mut self) -> Option<Underway> {
        let due = self.underway.range(..=(self.now, u64::MAX));
        let mut heard = due.filter(|(_, what)| !self.is_away() || what.is_to_the_venue());
        let key = heard.next().map(|(key, _)| *key)?;
        self.underway.remove(&key)
    }

    /// The market moves to `price` and trades there; the engine hears of it where it runs and its feed does.
    pub(super) fn trade_at(&mut self, price: i64) {
        self.venue.price = price;
        let told = self.venue.trade(&mut self.random, false);
        told.into_iter().for_each(|(order, executions)| self.tell(order, executions));
        let trade = market(2, self.at(), price);
        assert!(matches!(trade, MarketUpdate::Trade(_)));
        if !self.is_away() && self.feed_back_at.is_none() {
            self.input(Input::Market(trade));
        }
    }

    pub(super) fn live_for(&mut self, millis: i64) {
        self.faults = self.drawn;
        let end = self.now + millis;
        while self.now < end {
            self.pass();
            if self.random.chance(100) {
                let step = i64::try_from(self.random.below(61)).unwrap() - 30;
                self.trade_at((self.venue.price + step).max(5_000));
            }
            if self.random.chance(self.faults.ended_unasked) && self.random.chance(50) {
                let exit =
                    self.venue.orders.values().find(|order| !order.over && order.order.parent.is_some());
                if let Some(id) = exit.map(|exit| exit.order.id) {
                    self.met.ended_unasked += 1;
                    let told = self.venue.end(id);
                    self.tell(id, told);
                }
            }
        }
    }

    /// Nothing goes wrong any more, the market stands, and what it can fill fills.
    pub(super) fn be_quiet(&mut self) {
        self.faults = Faults::default();
        self.back_at = self.back_at.and(Some(self.now));
        self.feed_back_at = self.feed_back_at.and(Some(self.now));
        let end = self.now + 60_000;
        while self.now < end {
            self.pass();
            let told = self.venue.trade(&mut self.random, true);
            told.into_iter().for_each(|(order, executions)| self.tell(order, executions));
        }
    }
}
