//! Core, venue and what is on its way between them.

use super::venue::charge;
use super::*;
use crate::effect::Effect;
use crate::event::{FailedAct, FailedEffect, FeeCharge};
use crate::market::MarketUpdate;

/// Something on its way, or something that is to be found out.
#[derive(Debug, Clone)]
enum Underway {
    Place(Order),
    Cancel(OrderId),
    Report(OrderId, Execution),
    Unanswered(OrderId),
    NeverPlaced(OrderId),
}

pub(super) struct World {
    seed: u64,
    random: Random,
    faults: Faults,
    drawn: Faults,
    /// In milliseconds.
    now: i64,
    core: Core,
    record: Vec<(Timestamp, Event)>,
    venue: Venue,
    underway: BTreeMap<(i64, u64), Underway>,
    sent: u64,
    /// When the last report on an order arrives, so that the next does not come before it.
    last: BTreeMap<OrderId, i64>,
    epoch: u16,
    /// Since when what an entry holds has no exit at work, or when one was tried last.
    bare_since: BTreeMap<OrderId, i64>,
    pub(super) met: Met,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let drawn = Faults::drawn(&mut random);
        let fee = if random.chance(500) { 1_000 } else { 0 };
        let mut world = Self {
            seed,
            faults: drawn,
            drawn,
            now: 1_000,
            core: core(Box::new(Planned::new(seed))),
            record: Vec::new(),
            venue: Venue { price: 10_000, fee, ..Venue::default() },
            underway: BTreeMap::new(),
            sent: 0,
            last: BTreeMap::new(),
            epoch: 1,
            bare_since: BTreeMap::new(),
            met: Met::default(),
            random,
        };
        world.input(begun(1), true);
        world.input(stated(cash()), true);
        world
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_nanos(self.now * 1_000_000)
    }

    fn send(&mut self, after: i64, what: Underway) {
        self.sent += 1;
        self.underway.insert((self.now + after, self.sent), what);
    }

    fn delay(&mut self) -> i64 {
        let most = if self.random.chance(self.faults.late) { 3_000 } else { 60 };
        1 + i64::try_from(self.random.below(most)).unwrap()
    }

    /// A step: recorded, judged, and its effects done, where the process lives that long.
    fn input(&mut self, input: Input, lives: bool) {
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
        for effect in effects {
            self.perform(effect, lives);
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
        } else if let Output::CancelRequested(request) = output {
            self.met.replaced += u64::from(request.because.reason == "its entry filled further");
            self.met.asked_again += u64::from(request.because.reason.contains("is not known"));
        } else if let Output::TradingHalted(reason) = output {
            panic!("seed {}: {reason:?}", self.seed);
        }
        self.met.postponed += u64::from(matches!(output, Output::Postponed(_)));
    }

    /// Exits at work together sell no more than is held, and those of one entry no more than it holds; what came out of its
    /// order may have made that untrue, and then the end of what is too much has been asked for.
    fn judge_sales(&self) {
        let state = self.core.state();
        let held = state.ledger().position(ONLY).qty.units();
        let exits = || state.open_orders().filter(|open| open.order.parent.is_some());
        let goes_on = |open: &&OpenOrder| open.status != Status::CancelPending;
        let asked = |open: &&OpenOrder| open.order.kind != OrderKind::Market && goes_on(open);
        let together: i128 = exits().filter(asked).map(|open| open.remaining().units()).sum();
        assert!(together <= held, "seed {}: {together} of {held} at {}", self.seed, self.now);
        for exit in state.held_exits() {
            let of = |open: &&OpenOrder| open.order.parent == Some(exit.entry) && goes_on(open);
            let works: i128 = exits().filter(of).map(|open| open.remaining().units()).sum();
            assert!(works <= exit.covered.units(), "seed {}: {works} at work of {exit:?}", self.seed);
            assert!(exits().filter(of).count() <= 1, "seed {}: two exits of {exit:?}", self.seed);
        }
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
                    let reason = "test".to_owned();
                    self.input(
                        Input::EffectFailed(Box::new(FailedEffect { act: FailedAct::Place(id), reason })),
                        true,
                    );
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
                if self.random.chance(self.faults.unsent) {
                    let (act, reason) = (FailedAct::Cancel(order), "test".to_owned());
                    self.input(Input::EffectFailed(Box::new(FailedEffect { act, reason })), true);
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
            Underway::Unanswered(order) => {
                self.input(Input::Account(Box::new(AccountEvent::Unanswered(order))), true);
            }
            Underway::NeverPlaced(order) => {
                self.met.never_placed += 1;
                self.input(Input::Account(Box::new(AccountEvent::NeverPlaced(order))), true);
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
            self.input(Input::Account(Box::new(charged)), true);
        }
        let venue_at = self.at();
        self.input(Input::Execution(ExecutionReport { order, venue_at, execution }), true);
    }

    /// One step of ten milliseconds.
    fn pass(&mut self) {
        self.now += 10;
        while let Some(deadline) = self.core.deadline()
            && deadline <= self.at()
        {
            self.input(Input::Deadline, true);
        }
        while let Some(entry) = self.underway.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let what = entry.remove();
            self.deliver(what);
        }
        self.judge_bare();
    }

    /// Where nothing else holds the coins, no pause between two attempts is longer than sixteen seconds.
    fn judge_bare(&mut self) {
        let state = self.core.state();
        let bare = state.held_exits().iter().filter(|exit| {
            let wanted = state.exit_qty(exit);
            let is_free = wanted.is_positive() && wanted <= state.free_to_close(ONLY);
            is_free && state.orders_of(exit).next().is_none()
        });
        let since =
            bare.map(|exit| (exit.entry, self.bare_since.get(&exit.entry).copied().unwrap_or(self.now)));
        let since: BTreeMap<OrderId, i64> = since.collect();
        let longest = since.values().map(|since| self.now - since).max().unwrap_or_default();
        assert!(longest <= 16_010, "seed {} at {}: {since:?}", self.seed, self.now);
        self.bare_since = since;
    }

    pub(super) fn live_for(&mut self, millis: i64) {
        self.faults = self.drawn;
        let end = self.now + millis;
        while self.now < end {
            self.pass();
            if self.random.chance(100) {
                let step = i64::try_from(self.random.below(61)).unwrap() - 30;
                self.venue.price = (self.venue.price + step).max(5_000);
                let lives = !self.random.chance(self.faults.kill);
                let told = self.venue.trade(&mut self.random, false);
                told.into_iter().for_each(|(order, executions)| self.tell(order, executions));
                let trade = market(2, self.at(), self.venue.price);
                assert!(matches!(trade, MarketUpdate::Trade(_)));
                self.input(Input::Market(trade), lives);
                if !lives {
                    self.take_up();
                }
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
        let end = self.now + 60_000;
        while self.now < end {
            self.pass();
            let told = self.venue.trade(&mut self.random, true);
            told.into_iter().for_each(|(order, executions)| self.tell(order, executions));
        }
    }

    /// A process is made of the record, and asks again for what was asked of orders that are not over.
    fn take_up(&mut self) {
        self.met.kills += 1;
        self.refold();
        self.epoch += 1;
        self.input(begun(self.epoch), true);
        let balances = self.core.state().account().unwrap().balances();
        let balances = balances.map(|(asset, amount)| AssetAmount { asset: asset.clone(), amount }).collect();
        self.input(stated(balances), true);
        let open = self.core.state().open_orders();
        let asked: Vec<OrderId> =
            open.filter(|open| open.status == Status::CancelPending).map(|open| open.order.id).collect();
        for order in asked {
            self.send(30, Underway::Cancel(order));
        }
    }

    /// A core made of the record alone is this one, and takes its place.
    pub(super) fn refold(&mut self) {
        let mut again = core(Box::new(Planned::new(self.seed)));
        self.record.iter().for_each(|(at, event)| again.apply(*at, event));
        assert_eq!(again.state(), self.core.state(), "seed {}", self.seed);
        assert_eq!(again.digest(), self.core.digest());
        let books = again.state().account().unwrap();
        let bytes = bincode::serde::encode_to_vec(books, bincode::config::standard()).unwrap();
        let read = bincode::serde::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
        assert_eq!((books, bytes.len()), (&read.0, read.1), "they are kept whole in a snapshot");
        self.core = again;
    }

    /// Each entry that holds something has its exit at work, at both ends.
    pub(super) fn judge(&mut self) {
        let (seed, state) = (self.seed, self.core.state());
        let held = state.ledger().position(ONLY).qty.units();
        assert_eq!(held, self.venue.coins, "seed {seed}: books and venue");
        assert_eq!(state.unanswered().count(), 0, "seed {seed}");
        let mut covered = 0;
        for exit in state.held_exits() {
            covered += exit.covered.units();
            let wanted = state.exit_qty(exit);
            let works: Vec<&OpenOrder> = state.orders_of(exit).collect();
            assert_eq!(
                works.len(),
                usize::from(wanted.is_positive()),
                "seed {seed} at {}: {exit:?}",
                self.now
            );
            for open in works {
                self.met.quiet_exits += 1;
                assert_eq!((open.remaining(), exit.due), (wanted, None), "seed {seed}: {exit:?}");
                assert_eq!(Some(open.order.kind), exit.resting(), "seed {seed}: {exit:?}");
                let there = self.venue.orders.get(&open.order.id);
                let left = there.filter(|order| !order.over).map(VenueOrder::left);
                assert_eq!(left, Some(wanted.units()), "seed {seed}: {exit:?} at the venue");
            }
        }
        // What no exit covers are parts of a lot that entries left over.
        let dust = i128::from(self.core.state().order_count()) * 10;
        assert!(covered <= held && held - covered <= dust, "seed {seed}: {covered} of {held}");
    }
}
