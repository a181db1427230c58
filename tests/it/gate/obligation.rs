//! To be flat is an obligation: from the moment it is wanted a market is flat, or a close works, at every event.
//!
//! Two worlds try it. In the first an unruly venue reports what it likes: it rejects, fills in parts, fills after a
//! cancel, lets orders expire, while feeds break and operators command. In the second the simulated venue plays every
//! fill model, with feeds and operators in between. The wish is followed from outside, by what demands it: an
//! operator's flatten or a drawdown halt that flattens, until nothing is held and nothing works.

use std::collections::BTreeMap;

use engine_core::effect::Effect;
use engine_core::event::{Event, Execution, FailedAct, Input, OperatorCommand, Output};
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::halt::HaltReason;
use engine_core::instrument::InstrumentId;
use engine_core::intent::Size;
use engine_core::machine::Core;
use engine_core::market::Side;
use engine_core::num::{Qty, Ratio};
use engine_core::order::{OpenOrder, OrderKind, Reach, Status};
use engine_core::risk::{HaltAction, RiskLimits};
use engine_core::state::State;
use engine_core::time::Timestamp;
use engine_runtime::ports::{EffectFailure, Environment, EnvironmentError, Origin, Stamped};
use engine_runtime::runner::{Observer, SyncPolicy, run};
use journal_store::memory_journal::DigestJournal;
use proptest::prelude::*;
use replay_simulation::config::FillModel;
use replay_simulation::sim_environment::SimEnvironment;

use crate::laws::market::{Move, SECOND};
use crate::laws::{Case, MODELS, cases, law, script};

mod unruly;

use unruly::{Act, Report, World, acts};

/// No pause between two attempts is longer.
const PAUSE_MAX: i64 = 64 * SECOND;

/// Follows the wish from outside and judges every step.
struct Watcher {
    halt_action: HaltAction,
    wanted: BTreeMap<InstrumentId, Option<Timestamp>>,
    /// How often each way of keeping the law was met.
    met: BTreeMap<&'static str, usize>,
}

fn covers(state: &State, open: &OpenOrder, side: Side) -> bool {
    let order = &open.order;
    order.reach == Reach::ReduceOnly
        && order.kind == OrderKind::Market
        && order.side == side
        && open.status != Status::CancelPending
        && state.open_order(order.id).is_some()
}

fn lots(state: &State, id: InstrumentId, qty: Qty) -> Qty {
    state.instrument(id).unwrap().lots_down(qty.magnitude())
}

impl Watcher {
    fn new(limits: &RiskLimits) -> Self {
        Self { halt_action: limits.halt_action, wanted: BTreeMap::new(), met: BTreeMap::new() }
    }

    /// `ended` is the close that the input of this step ended without filling it.
    fn judge(
        &mut self,
        core: &Core,
        at: Timestamp,
        event: &Event,
        outputs: &[Output],
        ended: Option<InstrumentId>,
    ) -> Result<(), String> {
        let state = core.state();
        let drawdown = |output: &Output| matches!(output, Output::TradingHalted(HaltReason::Drawdown(_)));
        let asked = *event == Event::Input(Input::Operator(OperatorCommand::Flatten))
            || (self.halt_action == HaltAction::Flatten && outputs.iter().any(drawdown));
        if asked {
            state.instrument_ids().for_each(|id| {
                self.wanted.entry(id).or_insert(None);
            });
        }
        if let Some(paused) = ended.and_then(|id| self.wanted.get_mut(&id)) {
            *paused = Some(at);
        }
        self.wanted.retain(|id, _| {
            !lots(state, *id, state.ledger().position(*id).qty).is_zero()
                || state.open_orders().any(|open| open.order.instrument == *id)
        });
        for (id, paused) in self.wanted.clone() {
            let kept = self.keeps(core, at, id, paused)?;
            *self.met.entry(kept).or_default() += 1;
            let attempts = outputs.iter().filter(|output| {
                let Output::OrderSubmitted(submission) = output else { return false };
                let why = submission.because.reason.as_ref();
                let is_close = why == "operator asked to flatten" || why == "drawdown limit reached";
                submission.order.instrument == id && is_close
            });
            if attempts.count() > 1 {
                return Err(format!("{id:?} was closed twice in one step"));
            }
        }
        Ok(())
    }

    fn keeps(
        &self,
        core: &Core,
        at: Timestamp,
        id: InstrumentId,
        paused: Option<Timestamp>,
    ) -> Result<&'static str, String> {
        let state = core.state();
        let mut here = state.open_orders().filter(|open| open.order.instrument == id);
        if let Some(entry) =
            here.find(|open| open.order.reach == Reach::Any && open.status != Status::CancelPending)
        {
            return Err(format!("an entry works on: {entry:?}"));
        }
        let held = state.ledger().position(id).qty;
        let left = lots(state, id, held);
        if left.is_zero() {
            return Ok("flat");
        }
        let side = if held.is_positive() { Side::Sell } else { Side::Buy };
        let closes = state.open_orders().filter(|open| open.order.instrument == id);
        let covered: i128 =
            closes.filter(|open| covers(state, open, side)).map(|open| open.remaining().units()).sum();
        if covered >= left.units() {
            return Ok("a close works");
        }
        let waits = state.waiting().any(|intent| {
            intent.instrument == id
                && intent.side == side
                && intent.reach == Reach::ReduceOnly
                && intent.size == Size::Position
        });
        if waits {
            return Ok("a close waits for the open");
        }
        let again = core.deadline().is_some_and(|deadline| deadline.nanos() <= at.nanos() + PAUSE_MAX);
        if paused.is_some_and(|ended| at.nanos() - ended.nanos() < PAUSE_MAX) && again {
            return Ok("the venue ended the last close a moment ago");
        }
        Err(format!("{held:?} is held, and nothing closes it: {state:#?}"))
    }
}

/// Whether the report of this input ends a working close before it filled.
fn ended_close(state: &State, event: &Event) -> Option<InstrumentId> {
    let (order, ends) = match event {
        Event::Input(Input::Execution(report)) => {
            let execution = report.execution;
            let ends =
                matches!(execution, Execution::Rejected(_) | Execution::Expired | Execution::Cancelled);
            (report.order, ends)
        }
        Event::Input(Input::EffectFailed(failed)) => match failed.act {
            FailedAct::Place(order) => (order, true),
            FailedAct::Cancel(_) | FailedAct::Amend(_) | FailedAct::Consult(_) => return None,
        },
        Event::Input(_) | Event::Output(_) => return None,
    };
    let open = state.open_order(order)?;
    let is_close = open.order.reach == Reach::ReduceOnly && open.order.kind == OrderKind::Market;
    (ends && is_close).then_some(open.order.instrument)
}

fn halting(case: Case) -> impl Strategy<Value = Case> {
    let drawdown =
        prop::sample::select(vec![2_000_000, 10_000_000, 1_000_000_000]).prop_map(Ratio::from_units);
    (drawdown, prop::bool::weighted(0.8), script::lines(2, 60, 0..40)).prop_map(
        move |(drawdown_max, flattens, lines)| {
            let halt_action = if flattens { HaltAction::Flatten } else { HaltAction::Hold };
            let limits = RiskLimits { drawdown_max, halt_action, ..crate::laws::loose() };
            let moves =
                case.moves.iter().map(|step| Move { instrument: step.instrument % 2, ..*step }).collect();
            Case { instruments: 2, moves, lines, limits, answers_take: None, bars: None, ..case.clone() }
        },
    )
}

fn unruly() -> impl Strategy<Value = (Case, Vec<Act>)> {
    let models = cases(&[FillModel::NextOpen, FillModel::Trades, FillModel::AtSignal]);
    (models.prop_flat_map(halting), acts())
}

/// The simulated venue with feeds and operators in between: each after so many inputs.
struct Meddled<S> {
    inner: SimEnvironment<S>,
    meddling: Vec<(usize, Input)>,
    given: usize,
    now: Timestamp,
    lent: Option<Stamped>,
    /// The effects, counted from 1, that cannot be handed over.
    failing: Vec<usize>,
    performed: usize,
}

impl<S: replay_history::market_source::MarketSource> Environment for Meddled<S> {
    fn next(&mut self, until: Option<Timestamp>) -> Result<Option<&Stamped>, EnvironmentError> {
        self.given += 1;
        if let Some(place) = self.meddling.iter().position(|(after, _)| *after < self.given)
            && self.given > 1
        {
            let (_, input) = self.meddling.remove(place);
            self.lent = Some(Stamped { at: self.now, event: Event::Input(input), origin: Origin::Own });
            return Ok(self.lent.as_ref());
        }
        let next = self.inner.next(until)?;
        if let Some(stamped) = next {
            self.now = stamped.at;
        }
        Ok(next)
    }

    fn perform(&mut self, at: Timestamp, effect: Effect) -> Result<(), EffectFailure> {
        self.performed += 1;
        if self.failing.contains(&self.performed) {
            return Err(EffectFailure { reason: "no way to the venue".to_owned() });
        }
        self.inner.perform(at, effect)
    }
}

/// Judges a simulated run; the state before each input is kept to see which close its report ends.
struct Judge {
    watcher: Watcher,
    before: State,
    found: Result<(), String>,
}

impl Observer for Judge {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        let ended = ended_close(&self.before, event);
        if self.found.is_ok() {
            self.found = self.watcher.judge(core, at, event, outputs, ended);
        }
        self.before = core.state().clone();
    }
}

fn meddling() -> impl Strategy<Value = Vec<(usize, Input)>> {
    let feed = |condition| move |id| Input::Feed(FeedStatus { instrument: InstrumentId::new(id), condition });
    let input = prop_oneof![
        (0_u16..2).prop_map(feed(FeedCondition::Gap)),
        (0_u16..2).prop_map(feed(FeedCondition::Lost)),
        (0_u16..2).prop_map(feed(FeedCondition::Connected)),
        Just(Input::Operator(OperatorCommand::Flatten)),
        Just(Input::Operator(OperatorCommand::Flatten)),
        Just(Input::Operator(OperatorCommand::Halt)),
        Just(Input::Operator(OperatorCommand::Resume)),
    ];
    prop::collection::vec((1_usize..160, input), 0..10)
}

fn simulated(case: &Case, meddling: Vec<(usize, Input)>, failing: Vec<usize>) -> Judge {
    let inner = SimEnvironment::new(case.source(), &case.config(), case.manifest());
    let mut environment =
        Meddled { inner, meddling, given: 0, now: Timestamp::MIN, lent: None, failing, performed: 0 };
    let (watcher, before) = (Watcher::new(&case.limits), case.opening());
    let mut judge = Judge { watcher, before, found: Ok(()) };
    let mut journal = DigestJournal::default();
    run(&mut case.core(), &mut environment, &mut journal, &mut judge, SyncPolicy::AtEnd).unwrap();
    judge
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn wanted_flat_is_flat_or_a_close_works_whatever_a_venue_reports((case, acts) in unruly()) {
        let mut world = World::new(&case);
        for (place, act) in acts.iter().enumerate() {
            let kept = world.act(*act);
            prop_assert_eq!(kept, Ok(()), "after act {}: {:?}", place, act);
            world.now += 1_000;
        }
    }

    #[test]
    fn wanted_flat_is_flat_or_a_close_works_under_every_fill_model(
        case in cases(&MODELS).prop_flat_map(halting), meddling in meddling(),
        failing in prop::collection::vec(1_usize..30, 0..8),
    ) {
        prop_assert_eq!(simulated(&case, meddling, failing).found, Ok(()));
    }
}

/// A law that is never tested holds too: these worlds meet every way of keeping it.
#[test]
fn the_unruly_worlds_meet_every_way_of_keeping_the_obligation() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut met: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..256 {
        let (case, acts) = unruly().new_tree(&mut runner).unwrap().current();
        let mut world = World::new(&case);
        for act in acts {
            world.act(act).unwrap();
            world.now += 1_000;
        }
        world.watcher.met.into_iter().for_each(|(way, count)| *met.entry(way).or_default() += count);
    }
    println!("{met:?}");
    for way in
        ["flat", "a close works", "a close waits for the open", "the venue ended the last close a moment ago"]
    {
        assert!(met.get(way).is_some_and(|count| *count >= 20), "{way}: {met:?}");
    }
}

/// A close that fails is tried after 1, 2, 4 … seconds, and nothing but the attempts is recorded.
#[test]
fn a_venue_that_rejects_every_close_is_asked_at_a_pace() {
    let mut world = World::new(&still());
    world.act(Act::Move(0, 0)).unwrap();
    world.act(Act::Report(0, Report::Fill(1_000))).unwrap();
    world.act(Act::Feed(0, FeedCondition::Lost)).unwrap();
    world.act(Act::Operator(OperatorCommand::Flatten)).unwrap();
    let mut attempts = Vec::new();
    for _ in 0..9 {
        assert_eq!(world.core.state().open_order_count(), 1, "the close works though the feed is lost");
        attempts.push(world.now / SECOND);
        world.act(Act::Report(0, Report::Reject)).unwrap();
        let next = world.core.deadline().unwrap().nanos();
        world.act(Act::Wait(next - world.now)).unwrap();
    }
    let pauses: Vec<i64> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 64]);
}

fn still() -> Case {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let case = cases(&[FillModel::Trades]).new_tree(&mut runner).unwrap().current();
    let wish = script::Wish {
        instrument: 0,
        side: Side::Buy,
        size: Size::Units(Qty::from_units(1_000)),
        kind: script::Kind::Market,
        tif: engine_core::order::TimeInForce::Gtc,
        posting: engine_core::order::Posting::Any,
        reach: Reach::Any,
        bracket: None,
    };
    let lines = vec![script::Line { after: 1, act: script::Act::Place(wish) }];
    let limits = crate::laws::loose();
    Case { instruments: 2, lines, limits, answers_take: None, bars: None, ..case }
}
