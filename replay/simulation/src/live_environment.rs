//! A real venue as an environment: what comes from outside is lent as it comes, and orders go to whoever hands them over.
//!
//! Ties at one moment are those of the simulation: a deadline, then what came. What could not be handed over is the one
//! thing that goes before a deadline, because the loop tells it in the very step that asked. While the record of a run that is taken
//! up is played, nothing is handed over and everything is noted; behind it the account is taken up, once, and whoever hands
//! orders over is told which of them are not known to be over.

use core::fmt;
use std::collections::VecDeque;

use engine_core::client_id::RunId;
use engine_core::conductor::InferenceSetup;
use engine_core::effect::Effect;
use engine_core::event::{
    AccountBeginning, AccountEvent, Event, FailedAct, FailedEffect, Input, Manifest, SessionMark,
};
use engine_core::knowledge::Knowledge;
use engine_core::time::Timestamp;
use engine_runtime::order_route::OrderRoute;
use engine_runtime::ports::{EffectFailure, Environment, EnvironmentError, Inlet, Origin, Stamped};
use replay_history::market_source::{Arrival, MarketSource};

mod order_log;
mod taking_up;

use order_log::{Asked, OrderLog};

/// Where the run stands between its opening and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    /// The operator ended it; it may be gone on with.
    Interrupted,
    Over,
}

/// How far the way of orders is open.
enum Way {
    /// There is none: a record is played again.
    Closed,
    /// It opens once everything recorded has been told.
    Waiting(Box<dyn OrderRoute>, Inlet),
    /// The core is told that the account is taken up.
    Announced(Box<dyn OrderRoute>, Inlet),
    /// Orders are handed over.
    Open(Box<dyn OrderRoute>),
}

/// The environment of a run with real orders.
pub struct LiveEnvironment<S> {
    source: S,
    /// What was taken in and is still to be lent, in its order.
    coming: VecDeque<Arrival>,
    manifest: Option<Box<Manifest>>,
    /// How inference is set up, until that is told.
    setup: Option<Box<InferenceSetup>>,
    way: Way,
    orders: OrderLog,
    stage: Stage,
    now: Timestamp,
    /// The input lent to the loop.
    lent: Stamped,
}

impl<S> fmt::Debug for LiveEnvironment<S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LiveEnvironment").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl<S: MarketSource> LiveEnvironment<S> {
    /// An environment that tells what `source` gives, opened by `manifest`, and hands no order to anyone: for records.
    #[must_use]
    pub fn new(source: S, manifest: Manifest) -> Self {
        Self {
            source,
            coming: VecDeque::new(),
            manifest: Some(Box::new(manifest)),
            setup: None,
            way: Way::Closed,
            orders: OrderLog::default(),
            stage: Stage::Opening,
            now: Timestamp::MIN,
            lent: Stamped { at: Timestamp::MIN, event: Event::Input(Input::Deadline), origin: Origin::Own },
        }
    }

    /// The same with `route` to hand orders to; what becomes of them comes through `inlet` to the source.
    #[must_use]
    pub fn over(self, route: Box<dyn OrderRoute>, inlet: Inlet) -> Self {
        Self { way: Way::Waiting(route, inlet), ..self }
    }

    /// The same whose source is asked the core's questions and tells the answers, set up so.
    #[must_use]
    pub fn conducted_outside(self, setup: InferenceSetup) -> Self {
        Self { setup: Some(Box::new(setup)), ..self }
    }

    fn lend(&mut self, at: Timestamp, input: Input, origin: Origin) {
        self.now = self.now.max(at);
        self.lent = Stamped { at: self.now, event: Event::Input(input), origin };
    }

    fn open(&mut self) -> Result<(), EnvironmentError> {
        let manifest = self.manifest.take().ok_or_else(|| EnvironmentError::SourceBroken {
            reason: "the session was opened twice".to_owned(),
        })?;
        let arrival = self.source.wait(None)?;
        let first = moment_of(&arrival).unwrap_or(Timestamp::from_nanos(0));
        self.orders = OrderLog::of_run(RunId::of(&manifest, first));
        if let Some(setup) = self.setup.take() {
            self.coming.push_back(Arrival::Told(first, Box::new(Input::Inference(setup))));
        }
        if arrival != Arrival::End {
            self.coming.push_back(arrival);
        }
        self.stage = Stage::Open;
        self.lend(first, Input::Session(SessionMark::Opened(manifest)), Origin::Own);
        Ok(())
    }

    /// Lends what comes next, or the deadline before it; answers whether there was anything.
    fn look(&mut self, until: Option<Timestamp>) -> Result<bool, EnvironmentError> {
        self.open_way()?;
        let arrival = match self.coming.pop_front() {
            Some(arrival) => arrival,
            None => self.source.wait(until)?,
        };
        let is_behind = |until: &Timestamp| moment_of(&arrival).is_some_and(|at| *until <= at.max(self.now));
        if let Some(until) = until.filter(is_behind)
            && !is_unsent_at(&arrival, self.now)
        {
            if !matches!(arrival, Arrival::Nothing(_)) {
                self.coming.push_front(arrival);
            }
            self.lend(until, Input::Deadline, Origin::Own);
            return Ok(true);
        }
        match arrival {
            Arrival::Nothing(_) => return Ok(false),
            Arrival::Record(item) => {
                self.lend(item.at, Input::Market(item.update), Origin::Record(item.tick));
            }
            Arrival::Told(at, input) => self.tell(at, *input),
            Arrival::End => {
                self.stage = Stage::Over;
                self.lend(self.now, Input::Session(SessionMark::Closed), Origin::Own);
            }
        }
        Ok(true)
    }

    /// Hands on what was told; with the wish to end the session nothing comes after it.
    fn tell(&mut self, at: Timestamp, input: Input) {
        if matches!(input, Input::Session(SessionMark::Interrupted)) {
            self.stage = Stage::Interrupted;
        }
        self.orders.learn_of(&input);
        self.lend(at, input, Origin::Own);
    }

    /// Behind the end that an operator gave it, a session goes on where its source says so.
    fn go_on(&mut self) -> Result<bool, EnvironmentError> {
        match self.source.wait(None)? {
            Arrival::Told(at, input) if matches!(*input, Input::Session(SessionMark::Resumed)) => {
                self.stage = Stage::Open;
                self.lend(at, *input, Origin::Own);
                Ok(true)
            }
            Arrival::Record(_) | Arrival::Told(..) | Arrival::Nothing(_) | Arrival::End => {
                self.stage = Stage::Over;
                Ok(false)
            }
        }
    }

    /// Opens the way of orders as far as it can be opened now.
    fn open_way(&mut self) -> Result<(), EnvironmentError> {
        if !self.coming.is_empty() {
            return Ok(());
        }
        self.way = match core::mem::replace(&mut self.way, Way::Closed) {
            Way::Waiting(route, inlet) if self.source.is_of_now() => {
                let epoch = self.orders.epoch().next().ok_or_else(|| not_taken("no epoch is left"))?;
                let begun = AccountEvent::Begun(AccountBeginning { epoch, pairs: route.pairs() });
                self.coming.push_back(Arrival::Told(self.now, Box::new(Input::Account(Box::new(begun)))));
                Way::Announced(route, inlet)
            }
            Way::Announced(route, inlet) => Way::Open(self.begin(route, inlet)?),
            way @ (Way::Closed | Way::Waiting(..) | Way::Open(_)) => way,
        };
        Ok(())
    }

    /// Lets `route` begin, and asks anew what was asked of orders that are not known to be over: nobody knows what of it left.
    fn begin(
        &mut self,
        mut route: Box<dyn OrderRoute>,
        inlet: Inlet,
    ) -> Result<Box<dyn OrderRoute>, EnvironmentError> {
        let beginning = self.orders.beginning().ok_or_else(|| not_taken("the run has not begun"))?;
        route.begin(beginning, inlet)?;
        for (order, asked) in self.orders.asked() {
            let (act, answer) = match asked {
                Asked::Cancel => (FailedAct::Cancel(order), route.cancel(order)),
                Asked::Amend(qty) => (FailedAct::Amend(order), route.amend(order, qty)),
            };
            if let Err(EffectFailure { reason }) = answer {
                let failed = Input::EffectFailed(Box::new(FailedEffect { act, reason }));
                self.coming.push_back(Arrival::Told(self.now, Box::new(failed)));
            }
        }
        Ok(route)
    }
}

/// The account was not taken up.
fn not_taken(reason: &str) -> EnvironmentError {
    EnvironmentError::AccountNotTaken { reason: reason.to_owned() }
}

/// When the engine learns of `arrival`; nothing for the end.
fn moment_of(arrival: &Arrival) -> Option<Timestamp> {
    match arrival {
        Arrival::Record(item) => Some(item.at),
        Arrival::Told(at, _) | Arrival::Nothing(at) => Some(*at),
        Arrival::End => None,
    }
}

/// Whether `arrival` says that something which was asked at `now` could not be handed over.
fn is_unsent_at(arrival: &Arrival, now: Timestamp) -> bool {
    let Arrival::Told(at, input) = arrival else { return false };
    let Input::EffectFailed(failed) = &**input else { return false };
    match failed.act {
        FailedAct::Place(_) | FailedAct::Cancel(_) | FailedAct::Amend(_) => *at <= now,
        // Whoever thinks says so when it comes to it.
        FailedAct::Consult(_) => false,
    }
}

impl<S: MarketSource> Environment for LiveEnvironment<S> {
    fn next(&mut self, until: Option<Timestamp>) -> Result<Option<&Stamped>, EnvironmentError> {
        loop {
            let is_lent = match self.stage {
                Stage::Opening => {
                    self.open()?;
                    true
                }
                Stage::Open => self.look(until)?,
                Stage::Interrupted => self.go_on()?,
                Stage::Over => return Ok(None),
            };
            if is_lent {
                return Ok(Some(&self.lent));
            }
        }
    }

    fn perform(&mut self, at: Timestamp, effect: Effect) -> Result<(), EffectFailure> {
        let route = match &mut self.way {
            Way::Open(route) => Some(route),
            Way::Closed | Way::Waiting(..) | Way::Announced(..) => None,
        };
        match effect {
            Effect::Place(order) => {
                route.map_or(Ok(()), |route| route.place(&order))?;
                self.orders.placed(order);
            }
            Effect::Cancel(order) => {
                route.map_or(Ok(()), |route| route.cancel(order))?;
                self.orders.ask(order, Asked::Cancel);
            }
            Effect::Amend(order, qty) => {
                route.map_or(Ok(()), |route| route.amend(order, qty))?;
                self.orders.ask(order, Asked::Amend(qty));
            }
            Effect::Consult(question) => self.source.ask(at, &question),
        }
        Ok(())
    }

    fn snapshot(&self) -> Option<Knowledge> {
        self.knowledge()
    }
}

#[cfg(test)]
mod tests;
