//! The one function that joins everything: an input in, its outputs out.

use crate::bars::BarRule;
use crate::event::{
    CancelRequest, Digest, Event, Execution, ExecutionReport, Input, OperatorCommand, Output, Rationale,
    RefusedIntent, SessionMark, Submission,
};
use crate::instrument::{Instrument, InstrumentId};
use crate::market::{MarketUpdate, Side};
use crate::num::{Money, Qty};
use crate::order::{Bracket, OpenOrder, Order, OrderId, OrderKind, Posting, Reach, Status, TimeInForce};
use crate::risk::{Breach, HaltAction, HaltReason, Refusal, RiskGate, RiskLimits};
use crate::state::{Opening, State};
use crate::strategy::{CancelIntent, Intent, OrderIntent, Strategy, View};
use crate::time::Timestamp;

/// When an intent becomes an order.
#[derive(serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// In the step that proposed it.
    #[default]
    Immediate,
    /// At the next open of its instrument, for history that comes as bars.
    NextOpen,
}

/// Everything a core is made of besides its strategy.
#[derive(Debug, Clone)]
pub struct CoreConfig {
    /// What can be traded, each checked.
    pub instruments: Vec<Instrument>,
    /// Cash at the start.
    pub capital: Money,
    /// How trades become bars, when they do.
    pub bars: Option<BarRule>,
    /// When an intent becomes an order.
    pub timing: Timing,
    /// The limits of the gate.
    pub limits: RiskLimits,
}

/// One input and what we concluded from it; recorded as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When the house learned the input.
    pub at: Timestamp,
    /// What the outside told us.
    pub input: Input,
    /// What we concluded. Empty, and without allocation, for a tick that causes nothing.
    pub outputs: Vec<Output>,
}

/// The pure decider.
pub struct Core {
    state: State,
    gate: RiskGate,
    timing: Timing,
    strategy: Box<dyn Strategy>,
}

impl core::fmt::Debug for Core {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("Core").field("state", &self.state).field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl Core {
    /// A core before its first input.
    #[must_use]
    pub fn new(config: CoreConfig, strategy: Box<dyn Strategy>) -> Self {
        let CoreConfig { instruments, capital, bars, timing, limits } = config;
        let drawdown_max = limits.drawdown_max;
        let state = State::new(Opening { instruments, capital, bars, drawdown_max });
        Self { state, gate: RiskGate::new(limits), timing, strategy }
    }

    /// Everything folded so far.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The fingerprint of the folded state.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.state.digest()
    }

    /// The next moment the core wants to be woken, if any.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.state.deadline()
    }

    /// Folds one recorded event into state and strategy. The only door, live and on replay.
    pub fn apply(&mut self, at: Timestamp, event: &Event) {
        self.state.apply(at, event);
        self.strategy.observe(at, event);
    }

    /// One input in, its outputs out, as one step to record.
    ///
    /// # Panics
    /// When `at` lies before the last input: the environment orders time.
    pub fn step(&mut self, at: Timestamp, input: Input) -> Step {
        let event = Event::Input(input);
        let outputs = self.decide(at, &event);
        let Event::Input(input) = event else { unreachable!("the event was made from an input") };
        Step { at, input, outputs }
    }

    /// What follows from one input. Reading this function is reading the architecture.
    ///
    /// The answer is empty, without allocation, for a tick that causes nothing. An output handed in as if it
    /// were an input is folded and answered with nothing.
    ///
    /// # Panics
    /// When `at` lies before the last input: the environment orders time.
    pub fn decide(&mut self, at: Timestamp, event: &Event) -> Vec<Output> {
        let mut outputs = Vec::new();
        let Event::Input(input) = event else {
            self.apply(at, event);
            return outputs;
        };
        let before = match input {
            // Ticks answer no waiting decision and no order; they are most of history and take the short way.
            Input::Market(MarketUpdate::Trade(_) | MarketUpdate::Quote(_) | MarketUpdate::Bar(_)) => None,
            Input::Market(MarketUpdate::Open(_))
            | Input::Session(_)
            | Input::Feed(_)
            | Input::Execution(_)
            | Input::Operator(_)
            | Input::Deadline => Some(self.about_to_change(input)),
        };
        self.apply(at, event);
        let closed = self.close_bars(at, &mut outputs);
        if let Some(before) = before {
            self.answer_input(at, input, before, &mut outputs);
        }
        self.judge_halts(at, &mut outputs);
        if wakes_strategy(input, closed) {
            self.propose(at, &mut outputs);
        }
        outputs
    }

    /// Adds an output and folds it at once, so that later stages see its effect.
    fn conclude(&mut self, at: Timestamp, output: Output, outputs: &mut Vec<Output>) {
        let event = Event::Output(output);
        self.apply(at, &event);
        if let Event::Output(output) = event {
            outputs.push(output);
        }
    }

    /// What folding this input will take from the state and answering it needs.
    fn about_to_change(&self, input: &Input) -> Before {
        match input {
            Input::Market(MarketUpdate::Open(open)) if !self.state.waiting().is_empty() => {
                let due = self.state.waiting().iter().filter(|intent| intent.instrument == open.instrument);
                Before::Waiting(due.cloned().collect())
            }
            Input::Execution(report) => match self.state.open_order(report.order) {
                Some(open) => Before::Order(Box::new(open.clone())),
                None => Before::Nothing,
            },
            Input::Market(_) | Input::Session(_) | Input::Feed(_) | Input::Operator(_) | Input::Deadline => {
                Before::Nothing
            }
        }
    }

    fn close_bars(&mut self, at: Timestamp, outputs: &mut Vec<Output>) -> BarsClosed {
        if !self.state.makes_bars() {
            return BarsClosed::None;
        }
        let mut closed = BarsClosed::None;
        while let Some(bar) = self.state.completed_bar() {
            self.conclude(at, Output::BarClosed(bar), outputs);
            closed = BarsClosed::Some;
        }
        closed
    }

    fn answer_input(&mut self, at: Timestamp, input: &Input, before: Before, outputs: &mut Vec<Output>) {
        match (input, before) {
            (Input::Execution(report), Before::Order(open)) => {
                self.answer_execution(at, report, &open, outputs);
            }
            (Input::Market(_), Before::Waiting(waiting)) => {
                for intent in waiting {
                    self.place(at, intent, outputs);
                }
            }
            (Input::Session(SessionMark::Closed), _) => {
                let digest = self.state.digest();
                self.conclude(at, Output::CheckpointTaken(digest), outputs);
            }
            (Input::Operator(command), _) => self.answer_operator(at, *command, outputs),
            (
                Input::Market(_)
                | Input::Feed(_)
                | Input::Deadline
                | Input::Execution(_)
                | Input::Session(SessionMark::Opened(_)),
                _,
            ) => {}
        }
    }

    fn answer_operator(&mut self, at: Timestamp, command: OperatorCommand, outputs: &mut Vec<Output>) {
        match command {
            OperatorCommand::Halt => self.halt(at, HaltReason::Operator, outputs),
            OperatorCommand::Resume if self.state.is_halted() => {
                self.conclude(at, Output::TradingResumed, outputs);
            }
            OperatorCommand::Resume => {}
            OperatorCommand::Flatten => self.flatten(at, "operator asked to flatten", outputs),
        }
    }

    /// Places the exits of what was filled; cancels exits whose position is gone.
    fn answer_execution(
        &mut self,
        at: Timestamp,
        report: &ExecutionReport,
        open: &OpenOrder,
        outputs: &mut Vec<Output>,
    ) {
        let Execution::Filled(fill) = report.execution else { return };
        if self.state.impossible().is_some() {
            return;
        }
        let instrument = open.order.instrument;
        let was = self.state.ledger().position(instrument).qty.minus(open.order.side.signed(fill.qty));
        let now = self.state.ledger().position(instrument).qty;
        let turned = was.is_some_and(|was| was.units().signum() != now.units().signum() && !was.is_zero());
        if now.is_zero() || turned {
            self.cancel_exits(at, instrument, open.order.sibling, outputs);
        }
        if let Some(bracket) = open.order.bracket {
            self.place_exits(at, &open.order, fill.qty, bracket, outputs);
        }
    }

    /// Ends working exits of `instrument`; the venue itself ends the sibling of a leg that filled.
    fn cancel_exits(
        &mut self,
        at: Timestamp,
        instrument: InstrumentId,
        sibling: Option<OrderId>,
        outputs: &mut Vec<Output>,
    ) {
        let exits = self.state.open_orders().filter(|open| {
            open.order.instrument == instrument
                && open.order.parent.is_some()
                && open.status != Status::CancelPending
                && Some(open.order.id) != sibling
        });
        let ids: Vec<OrderId> = exits.map(|open| open.order.id).collect();
        for order in ids {
            let because = Rationale::new("its position is closed");
            self.conclude(at, Output::CancelRequested(CancelRequest { order, because }), outputs);
        }
    }

    #[cold]
    fn place_exits(
        &mut self,
        at: Timestamp,
        entry: &Order,
        qty: Qty,
        bracket: Bracket,
        outputs: &mut Vec<Output>,
    ) {
        let stop = bracket.stop_loss.map(|price| (price, OrderKind::StopMarket(price), "stop loss"));
        let take = bracket.take_profit.map(|price| (price, OrderKind::Limit(price), "take profit"));
        let paired = stop.is_some() && take.is_some();
        let first = self.state.next_order_id();
        let siblings = if paired { [Some(first.next()), Some(first)] } else { [None, None] };
        for ((price, kind, why), sibling) in stop.into_iter().chain(take).zip(siblings) {
            let order = Order {
                id: self.state.next_order_id(),
                side: entry.side.opposite(),
                qty,
                kind,
                tif: TimeInForce::Gtc,
                posting: Posting::Any,
                reach: Reach::ReduceOnly,
                bracket: None,
                parent: Some(entry.id),
                sibling,
                decided_price: price,
                ..entry.clone()
            };
            let because = Rationale::new(why);
            let submission = Box::new(Submission { order, because });
            self.conclude(at, Output::OrderSubmitted(submission), outputs);
        }
    }

    #[inline]
    fn judge_halts(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        if self.state.impossible().is_some() || self.state.breached_halt_level().is_some() {
            self.act_on_halts(at, outputs);
        }
    }

    #[cold]
    fn act_on_halts(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        if let Some(order) = self.state.impossible() {
            self.halt(at, HaltReason::ImpossibleReport(order), outputs);
        }
        if self.state.is_halted() {
            return;
        }
        if let Some(level) = self.state.breached_halt_level() {
            let breach = Breach { limit: level.units(), observed: self.state.equity().units() };
            self.halt(at, HaltReason::Drawdown(breach), outputs);
            if self.gate.limits().halt_action == HaltAction::Flatten {
                self.flatten(at, "drawdown limit reached", outputs);
            }
        }
    }

    /// Stops new risk: halts, and ends every working order that could enlarge a position.
    fn halt(&mut self, at: Timestamp, reason: HaltReason, outputs: &mut Vec<Output>) {
        self.conclude(at, Output::TradingHalted(reason), outputs);
        self.cancel_where(at, "trading is halted", |open| open.order.reach == Reach::Any, outputs);
    }

    /// Ends every working order and closes every position at the market.
    fn flatten(&mut self, at: Timestamp, why: &str, outputs: &mut Vec<Output>) {
        self.cancel_where(at, why, |_| true, outputs);
        for instrument in self.state.instrument_ids() {
            let held = self.state.ledger().position(instrument).qty;
            if !held.is_zero() {
                let side = if held.is_positive() { Side::Sell } else { Side::Buy };
                self.place_or_wait(at, OrderIntent::close(instrument, side, why), outputs);
            }
        }
    }

    fn cancel_where(
        &mut self,
        at: Timestamp,
        why: &str,
        chosen: impl Fn(&OpenOrder) -> bool,
        outputs: &mut Vec<Output>,
    ) {
        let working = self.state.open_orders().filter(|open| open.status != Status::CancelPending);
        let ids: Vec<OrderId> = working.filter(|open| chosen(open)).map(|open| open.order.id).collect();
        for order in ids {
            let request = CancelRequest { order, because: Rationale::new(why) };
            self.conclude(at, Output::CancelRequested(request), outputs);
        }
    }

    fn propose(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        let intents = self.strategy.propose(&View { at, state: &self.state });
        // Looked at in place: moving even an empty vector costs more than a tick that causes nothing should.
        if intents.is_empty() {
            return;
        }
        for intent in intents {
            match intent {
                Intent::Place(intent) => self.place_or_wait(at, *intent, outputs),
                Intent::Cancel(cancel) => self.cancel(at, cancel, outputs),
            }
        }
    }

    fn place_or_wait(&mut self, at: Timestamp, intent: OrderIntent, outputs: &mut Vec<Output>) {
        match self.timing {
            Timing::Immediate => self.place(at, intent, outputs),
            Timing::NextOpen => self.conclude(at, Output::Signalled(Box::new(intent)), outputs),
        }
    }

    fn place(&mut self, at: Timestamp, intent: OrderIntent, outputs: &mut Vec<Output>) {
        let id = self.state.next_order_id();
        match self.gate.review(at, &self.state, id, &intent) {
            Ok(approved) => {
                let because = intent.because;
                let submission = Box::new(Submission { order: approved.into_order(), because });
                self.conclude(at, Output::OrderSubmitted(submission), outputs);
            }
            Err(reason) => self.refuse(at, intent.into(), reason, outputs),
        }
    }

    fn cancel(&mut self, at: Timestamp, cancel: CancelIntent, outputs: &mut Vec<Output>) {
        match self.state.open_order(cancel.order).map(|open| open.status) {
            Some(Status::CancelPending) => {}
            Some(_) => {
                let request = CancelRequest { order: cancel.order, because: cancel.because };
                self.conclude(at, Output::CancelRequested(request), outputs);
            }
            None => self.refuse(at, Intent::Cancel(cancel), Refusal::UnknownOrder, outputs),
        }
    }

    /// Records a refusal, unless the same intent was last refused for the same kind of reason.
    fn refuse(&mut self, at: Timestamp, intent: Intent, reason: Refusal, outputs: &mut Vec<Output>) {
        let repeated = self.state.last_refusal().is_some_and(|(last, why)| {
            *last == intent && core::mem::discriminant(why) == core::mem::discriminant(&reason)
        });
        if !repeated {
            let refused = Box::new(RefusedIntent { intent, reason });
            self.conclude(at, Output::OrderRefused(refused), outputs);
        }
    }
}

/// What a step must remember from before its input is folded.
enum Before {
    Nothing,
    Waiting(Vec<OrderIntent>),
    Order(Box<OpenOrder>),
}

/// Whether a step closed a bar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BarsClosed {
    None,
    Some,
}

/// A strategy is asked after trades, quotes and bars; an open belongs to the decisions that waited for it.
fn wakes_strategy(input: &Input, closed: BarsClosed) -> bool {
    match input {
        Input::Market(MarketUpdate::Trade(_) | MarketUpdate::Quote(_) | MarketUpdate::Bar(_)) => true,
        Input::Deadline => closed == BarsClosed::Some,
        Input::Market(MarketUpdate::Open(_))
        | Input::Session(_)
        | Input::Feed(_)
        | Input::Execution(_)
        | Input::Operator(_) => false,
    }
}
