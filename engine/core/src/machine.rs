//! The one function that joins everything: an input in, its outputs out.

use crate::bars::BarRule;
use crate::digest::Digest;
use crate::event::{Event, Input, OperatorCommand, Output, SessionMark};
use crate::halt::HaltReason;
use crate::instrument::Instrument;
use crate::mark::MarkRule;
use crate::market::{Bar, MarketUpdate};
use crate::num::Money;
use crate::risk::{RiskGate, RiskLimits};
use crate::state::{Opening, State};
use crate::strategy::{Strategy, View};
use crate::time::Timestamp;

mod account;
mod before;
mod conduct;
mod exits;
#[cfg(test)]
mod fast_path_tests;
mod flattening;
mod halts;
mod intents;
#[cfg(test)]
mod overflow_tests;
#[cfg(test)]
mod past_tests;
mod real_exits;
mod snapshot;
mod watch;

use before::Before;
pub use snapshot::CoreSnapshot;
use watch::Watch;
pub use watch::{ConductorRule, WatchRule};

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
    /// Which prices positions are valued at.
    pub mark: MarkRule,
    /// When an intent becomes an order.
    pub timing: Timing,
    /// How many bar lengths an intent may wait for its open; an order that only reduces may wait for ever.
    pub wait_bars_max: u32,
    /// The limits of the gate.
    pub limits: RiskLimits,
    /// Which regimes are named and how the conductor is asked, when they are.
    pub watch: Option<WatchRule>,
}

/// One input and what we concluded from it; recorded as a whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When the engine learned the input.
    pub at: Timestamp,
    /// What was received from outside.
    pub input: Input,
    /// What we concluded. Empty, and without allocation, for a tick that causes nothing.
    pub outputs: Vec<Output>,
}

/// The pure decider.
pub struct Core {
    state: State,
    gate: RiskGate,
    timing: Timing,
    wait_bars_max: u32,
    watch: Option<Watch>,
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
        let CoreConfig { instruments, capital, bars, mark, timing, wait_bars_max, limits, watch } = config;
        let watch = watch.map(|rule| Watch::new(rule, instruments.len()));
        let drawdown_max = limits.drawdown_max;
        let state = State::new(Opening { instruments, capital, bars, drawdown_max, mark });
        Self { state, gate: RiskGate::new(limits), timing, wait_bars_max, watch, strategy }
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
    #[inline]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.state.deadline()
    }

    /// Folds one recorded event into state and strategy. The only door, live and on replay.
    #[inline]
    pub fn apply(&mut self, at: Timestamp, event: &Event) {
        // A trade reported twice is recorded and shown to nobody.
        let is_news = !self.is_repeated(event);
        self.fold(at, event, is_news);
    }

    fn fold(&mut self, at: Timestamp, event: &Event, is_news: bool) {
        self.state.apply(at, event);
        if let Event::Input(Input::History(past)) = event {
            return self.learn_past(at, past.bar);
        }
        if let Some(watch) = &mut self.watch {
            watch.observe(event, self.state.instruments());
        }
        if is_news {
            self.strategy.observe(at, event);
        }
    }

    /// Shows a bar of the past to whoever learns from bars, as one that has closed; nothing is judged or proposed.
    fn learn_past(&mut self, at: Timestamp, bar: Bar) {
        if let Some(watch) = &mut self.watch {
            watch.learn(&bar, self.state.instruments());
        }
        self.strategy.observe(at, &Event::Output(Output::BarClosed(bar)));
    }

    /// Whether `event` reports a trade that has been booked: it is recorded, changes nothing and is shown to nobody.
    #[must_use]
    #[inline]
    pub fn is_repeated(&self, event: &Event) -> bool {
        matches!(event, Event::Input(Input::Execution(report)) if self.state.is_repeated(report))
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

    /// What follows from one input. The answer is empty, without allocation, for a tick that causes nothing.
    ///
    /// An output handed in as if it were an input is folded and answered with nothing.
    ///
    /// # Panics
    /// When `at` lies before the last input: the environment orders time.
    #[inline]
    pub fn decide(&mut self, at: Timestamp, event: &Event) -> Vec<Output> {
        match event {
            Event::Input(Input::Market(
                update @ (MarketUpdate::Trade(_)
                | MarketUpdate::Quote(_)
                | MarketUpdate::Bar(_)
                | MarketUpdate::SignalBar(_)),
            )) if self.watch.is_none() && !self.state.makes_bars() => self.decide_tick(at, event, update),
            Event::Input(input) => self.decide_input(at, event, input),
            Event::Output(_) => {
                self.apply(at, event);
                Vec::new()
            }
        }
    }

    /// All that [`Self::decide_input`] does about a tick where no bars are made and no regimes are named: most of
    /// history takes this way, a test holds the two to the same answers.
    #[inline]
    fn decide_tick(&mut self, at: Timestamp, event: &Event, update: &MarketUpdate) -> Vec<Output> {
        // Nobody watches, so this is all of `apply`.
        self.state.apply_market(at, update);
        self.strategy.observe(at, event);
        if self.state.must_halt()
            || !self.state.flattening().is_empty()
            || self.state.has_unsent(at)
            || self.state.has_held_exits()
        {
            return self.protect_and_propose(at);
        }
        let intents = self.strategy.propose(&View { at, state: &self.state });
        // Looked at in place: moving even an empty vector costs more than a tick that causes nothing should.
        if intents.is_empty() {
            return Vec::new();
        }
        let mut outputs = Vec::new();
        self.pursue(at, intents, &mut outputs);
        outputs
    }

    #[cold]
    fn protect_and_propose(&mut self, at: Timestamp) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.protect(at, &mut outputs);
        self.propose(at, &mut outputs);
        outputs
    }

    /// What comes before every proposal: what could not be sent, halts, closing what is to be flat, and exits at a real venue.
    fn protect(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        if self.state.has_unsent(at) {
            self.send_again(at, outputs);
        }
        if self.state.must_halt() {
            self.act_on_halts(at, outputs);
        }
        if !self.state.flattening().is_empty() {
            self.pursue_flat(at, outputs);
        }
        if self.state.has_held_exits() {
            self.pursue_exits(at, outputs);
        }
    }

    /// Reading this function is reading the architecture.
    #[inline(never)]
    fn decide_input(&mut self, at: Timestamp, event: &Event, input: &Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        let is_news = !self.is_repeated(event);
        let before = if is_news { self.about_to_change(input) } else { Before::Nothing };
        if let Some(watch) = &mut self.watch {
            watch.begin_step();
        }
        self.fold(at, event, is_news);
        let closed = self.close_bars(at, &mut outputs);
        self.answer_input(at, input, before, &mut outputs);
        self.tell_of_account(at, &mut outputs);
        let woken = match self.watch {
            Some(_) => self.follow_markets(at, input, closed, &mut outputs),
            None => wakes_strategy(input, closed),
        };
        // What is found wrong in data decides nothing, and so not when something else is decided either.
        if !matches!(input, Input::DataFault(_)) {
            self.protect(at, &mut outputs);
        }
        if woken {
            self.propose(at, &mut outputs);
        }
        outputs
    }

    /// Adds an output and folds it at once, so that later stages see its effect.
    fn conclude(&mut self, at: Timestamp, output: Output, outputs: &mut Vec<Output>) {
        let event = Event::Output(output);
        self.fold(at, &event, true);
        if let Event::Output(output) = event {
            outputs.push(output);
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
            (Input::Execution(report), Before::Order(before)) => {
                self.answer_execution(at, report, &before, outputs);
            }
            (Input::Market(_), Before::Waiting(waiting)) => {
                for waiting in waiting {
                    self.place_waiting(at, waiting, outputs);
                }
            }
            (Input::Session(SessionMark::Closed | SessionMark::Interrupted), _) => {
                let digest = self.state.digest();
                self.conclude(at, Output::CheckpointTaken(digest), outputs);
            }
            (Input::Operator(command), _) => self.answer_operator(at, *command, outputs),
            (
                Input::Market(_)
                | Input::Feed(_)
                | Input::Deadline
                | Input::Execution(_)
                | Input::Inference(_)
                | Input::EffectFailed(_)
                | Input::Clock(_)
                | Input::DataFault(_)
                | Input::Listing(_)
                | Input::Account(_)
                | Input::History(_)
                | Input::Conductor(_)
                | Input::Session(SessionMark::Opened(_) | SessionMark::Resumed),
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
            // The wish to be flat is folded with the command and pursued at the end of the step.
            OperatorCommand::Resume | OperatorCommand::Flatten => {}
        }
    }

    fn propose(&mut self, at: Timestamp, outputs: &mut Vec<Output>) {
        let intents = self.strategy.propose(&View { at, state: &self.state });
        self.pursue(at, intents, outputs);
    }
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
        Input::Market(
            MarketUpdate::Trade(_)
            | MarketUpdate::Quote(_)
            | MarketUpdate::Bar(_)
            | MarketUpdate::SignalBar(_),
        ) => true,
        Input::Deadline => closed == BarsClosed::Some,
        Input::Market(MarketUpdate::Open(_))
        | Input::Session(_)
        | Input::Feed(_)
        | Input::Execution(_)
        | Input::Operator(_)
        | Input::Inference(_)
        | Input::EffectFailed(_)
        | Input::Clock(_)
        | Input::DataFault(_)
        | Input::Listing(_)
        | Input::Account(_)
        | Input::History(_)
        | Input::Conductor(_) => false,
    }
}
