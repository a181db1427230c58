//! Runs with real orders, on an exchange that outlives them: whatever is lost and wherever they are killed, no order is sent
//! twice, none is forgotten, every fill is booked once, and the record plays again event by event.

use engine_application::wiring::paper::LiveSource;
use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Input, Output};
use engine_core::halt::HaltReason;
use engine_core::instrument::InstrumentId;
use engine_core::knowledge::Knowledge;
use engine_core::machine::{Core, CoreSnapshot};
use engine_core::num::Amount;
use engine_core::order::OrderId;
use engine_core::time::Timestamp;
use engine_runtime::commit_gate::CommitGate;
use engine_runtime::conductor::RuleConductor;
use engine_runtime::ports::{EnvironmentError, Head, Journal, JournalError};
use engine_runtime::runner::{Observer, RunError, SyncPolicy, run};
use journal_store::memory_journal::MemoryJournal;
use proptest::prelude::*;
use replay_replayer::CheckReport;
use replay_replayer::backtest_replay::Standing;
use replay_replayer::continuation::Continuation;
use replay_replayer::live_replay::{replay_live, replay_live_behind};
use replay_replayer::recorded_inputs::RecordedInputs;
use replay_simulation::live_environment::LiveEnvironment;

use super::living::{Kept, LIVE_MODELS, Recorded, all_sound, append_all, coming};
use super::script::Script;
use super::{Case, cases, law, samples};

mod exchange;

use exchange::{Kill, World};

/// How a process of a run with real orders went.
struct Ran {
    head: Head,
    envelopes: Vec<Envelope>,
    kept: Vec<Kept>,
    core: Core,
    killed: bool,
    /// The last event that was on disk for certain: an effect left behind it.
    synced: usize,
    /// Numbers of events behind which a kill can leave the record.
    whole: Vec<usize>,
}

#[derive(Default)]
struct Watching {
    kept: Vec<Kept>,
    whole: Vec<usize>,
    synced: usize,
    is_synced: bool,
}

impl Observer for Watching {
    fn observe(&mut self, _core: &Core, _at: Timestamp, _event: &Event, outputs: &[Output]) {
        let effects = outputs.iter().filter_map(engine_core::effect::Effect::of);
        self.is_synced = effects.into_iter().any(|effect| effect.leaves_the_process());
    }

    fn recorded(&mut self, _core: &Core, last: Seq) -> Result<(), JournalError> {
        let last = last.number() as usize;
        self.whole.push(last);
        if self.is_synced {
            self.synced = last;
        }
        Ok(())
    }

    fn wants_snapshot(&self, _core: &Core, _last: Seq, _is_segment_full: bool) -> bool {
        true
    }

    fn keep(&mut self, core: &Core, environment: Knowledge, last: Seq, _: bool) -> Result<(), JournalError> {
        self.kept.push(Kept { last, core: core.snapshot(), environment });
        self.synced = self.synced.max(last.number() as usize);
        Ok(())
    }
}

fn inputs(case: &Case, events: &[Envelope], kept: Option<&Kept>) -> RecordedInputs<Recorded> {
    let inputs = match kept {
        None => RecordedInputs::new(all_sound(events.to_vec())),
        Some(Kept { last, core: CoreSnapshot { state, .. }, .. }) => {
            let rest = all_sound(events[last.number() as usize..].to_vec());
            RecordedInputs::behind(rest, state.records_read(), state.now())
        }
    };
    let inputs = inputs.with_reports();
    if case.answers_take.is_some() { inputs.with_answers() } else { inputs }
}

/// One process of `case` on `world`, which goes on from what was `recorded`, or from where it was `kept`.
fn process(
    case: &Case,
    world: &World,
    recorded: Option<&[Envelope]>,
    kept: Option<&Kept>,
    kill: Kill,
) -> Ran {
    world.begin_process(kill);
    let mut source: LiveSource<Recorded> =
        LiveSource::new(world.feed(), usize::from(case.instruments), CommitGate::default());
    if case.answers_take.is_some() {
        source = source.conducted_by(Box::new(RuleConductor::uniform(8))).unwrap();
    }
    let setup = source.inference().cloned();
    let mut environment =
        LiveEnvironment::new(source, case.manifest()).over(world.route(), Box::new(|_| true));
    if let Some(setup) = setup {
        environment = environment.conducted_outside(setup);
    }
    let mut core = case.core();
    if let Some(Kept { core: snapshot, environment: knowledge, .. }) = kept {
        core.recall(snapshot.clone()).unwrap();
        environment.take_up(knowledge).unwrap();
    }
    let last = kept.map_or(Seq::default(), |kept| kept.last);
    let mut journal: Continuation<Recorded, MemoryJournal> = match recorded {
        None => Continuation::begun(MemoryJournal::self_contained()),
        Some(events) => {
            environment.source_mut().play_first(inputs(case, events, kept));
            let mut written = MemoryJournal::self_contained();
            append_all(&mut written, events);
            let behind = all_sound(events[last.number() as usize..].to_vec());
            Continuation::new(behind, Box::new(move |_| Ok(written))).behind(last)
        }
    };
    let mut watching = Watching::default();
    let ended = run(&mut core, &mut environment, &mut journal, &mut watching, SyncPolicy::BeforeEffects);
    let killed = match ended {
        Ok(()) => false,
        Err(RunError::Environment(EnvironmentError::SourceBroken { reason })) if reason == "killed" => true,
        Err(error) => panic!("{error}: {:?}", journal.difference()),
    };
    journal.catch_up().unwrap();
    let head = journal.head();
    let envelopes = journal.into_journal().unwrap().envelopes();
    let Watching { kept, whole, synced, .. } = watching;
    let synced = synced.max(recorded.map_or(0, <[Envelope]>::len));
    Ran { head, envelopes, kept, core, killed, synced, whole }
}

/// The record without its last `lost` events, as far as they can be lost: what an effect followed from was on disk.
fn left(ran: &Ran, lost: usize) -> &[Envelope] {
    let wanted = ran.envelopes.len().saturating_sub(lost).max(ran.synced).max(1);
    let place = ran.whole.partition_point(|whole| *whole < wanted);
    &ran.envelopes[..ran.whole.get(place).copied().unwrap_or(ran.envelopes.len())]
}

fn played_again(case: &Case, ran: &Ran) -> CheckReport {
    let mut config = case.config();
    config.journal.self_contained = true;
    let strategy = Box::new(Script::new(case.lines.clone(), 0, case.instruments));
    let states = ran.kept.iter().map(|kept| Ok((kept.last, kept.core.clone())));
    let states: Vec<_> = states.collect();
    let source = inputs(case, &ran.envelopes, None);
    let source = if case.answers_take.is_some() { source.with_setup() } else { source };
    let recorded = all_sound(ran.envelopes.clone());
    replay_live(&config, strategy, source, case.manifest(), recorded, states.into_iter()).unwrap()
}

fn played_again_behind(case: &Case, ran: &Ran, kept: &Kept) -> CheckReport {
    let mut config = case.config();
    config.journal.self_contained = true;
    let strategy = Box::new(Script::new(case.lines.clone(), 0, case.instruments));
    let Kept { last, core, environment } = kept.clone();
    let source = inputs(case, &ran.envelopes, Some(kept));
    let recorded = all_sound(ran.envelopes[last.number() as usize..].to_vec());
    let standing = Standing { last, core, environment, manifest: case.manifest() };
    replay_live_behind(standing, &config, strategy, source, recorded, std::iter::empty()).unwrap()
}

fn halts(ran: &Ran) -> impl Iterator<Item = HaltReason> + '_ {
    ran.envelopes.iter().filter_map(|envelope| match &envelope.event {
        Event::Output(Output::TradingHalted(reason)) => Some(*reason),
        Event::Input(_) | Event::Output(_) => None,
    })
}

/// Whether the run knows what the exchange knows, to the last unit.
fn agrees(ran: &Ran, world: &World) -> Result<(), TestCaseError> {
    let exchange = world.exchange();
    let state = ran.core.state();
    let impossible = halts(ran).find(|halt| !matches!(halt, HaltReason::Drawdown(_) | HaltReason::Operator));
    prop_assert_eq!(impossible, None);
    let differs = ran
        .envelopes
        .iter()
        .find(|envelope| matches!(envelope.event, Event::Output(Output::AccountDiffers(_))));
    prop_assert_eq!(differs, None);
    let working: Vec<OrderId> =
        exchange.orders.iter().filter(|(_, held)| held.works()).map(|(id, _)| *id).collect();
    let open: Vec<OrderId> = state.open_orders().map(|open| open.order.id).collect();
    prop_assert_eq!(open, working);
    for (id, held) in &exchange.orders {
        let known = state.recent_order(*id).map(|open| open.filled);
        prop_assert!(
            known.is_none_or(|filled| filled == held.filled),
            "{id:?}: {known:?}, {:?}",
            held.filled
        );
    }
    let books = state.account().unwrap();
    for (asset, amount) in &exchange.balances {
        prop_assert_eq!(books.balance(asset), *amount, "{}", asset);
    }
    for number in 0..state.instruments().len() {
        let base = engine_core::asset::Asset::new(&format!("B{number}"));
        let held = state.ledger().position(InstrumentId::new(number as u16)).qty;
        let decimals = state.instruments()[number].qty_decimals;
        prop_assert_eq!(Amount::of_qty(held, decimals), Some(books.balance(&base)));
    }
    Ok(())
}

fn world(case: &Case, dice: u64) -> World {
    World::new(case.config().instruments, coming(case), dice)
}

fn kills() -> impl Strategy<Value = Kill> {
    prop_oneof![
        2 => (0_usize..250).prop_map(Kill::AfterInputs),
        1 => (1_usize..30).prop_map(Kill::AtEffect),
    ]
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn a_run_with_real_orders_knows_what_its_venue_knows_and_plays_again(
        case in cases(&LIVE_MODELS), dice in any::<u64>(), place in any::<prop::sample::Index>(),
    ) {
        let world = world(&case, dice);
        let ran = process(&case, &world, None, None, Kill::Never);
        agrees(&ran, &world)?;
        let report = played_again(&case, &ran);
        prop_assert_eq!(&report.difference, &None);
        prop_assert_eq!(report.events, ran.head.count);
        if !ran.kept.is_empty() {
            let kept = place.get(&ran.kept);
            let report = played_again_behind(&case, &ran, kept);
            prop_assert_eq!(&report.difference, &None);
            prop_assert_eq!(report.events, ran.head.count - kept.last.number());
        }
    }

    #[test]
    fn killed_anywhere_and_taken_up_it_forgets_no_order_and_sends_none_twice(
        case in cases(&LIVE_MODELS), dice in any::<u64>(), kills in prop::collection::vec(kills(), 1..5), lost in 0_usize..40,
        place in any::<prop::sample::Index>(),
    ) {
        let world = world(&case, dice);
        let mut ran = process(&case, &world, None, None, kills[0]);
        let after = kills.iter().skip(1).copied().chain([Kill::Never]);
        for kill in after {
            let record = left(&ran, if ran.killed { lost } else { 0 }).to_vec();
            let usable: Vec<&Kept> =
                ran.kept.iter().filter(|kept| kept.last.number() as usize <= record.len()).collect();
            let apart = world.copy();
            let next = process(&case, &world, Some(&record), None, kill);
            prop_assert_eq!(&next.envelopes[..record.len()], &record[..]);
            if !usable.is_empty() {
                let from_it = process(&case, &apart, Some(&record), Some(*place.get(&usable[..])), kill);
                prop_assert_eq!(from_it.head, next.head);
                prop_assert_eq!(&from_it.envelopes, &next.envelopes);
            }
            ran = next;
        }
        agrees(&ran, &world)?;
        let report = played_again(&case, &ran);
        prop_assert_eq!(&report.difference, &None);
        prop_assert_eq!(report.events, ran.head.count);
    }
}

#[test]
fn orders_are_lost_filled_and_cancelled_and_snapshots_kept_meanwhile() {
    let (mut filled, mut never, mut failed, mut working, mut events, mut kept) = (0, 0, 0, 0, 0, 0);
    for (number, case) in samples(cases(&LIVE_MODELS)).into_iter().enumerate() {
        let world = world(&case, number as u64 * 7_919 + 1);
        let ran = process(&case, &world, None, None, Kill::Never);
        let exchange = world.exchange();
        filled += exchange.orders.values().filter(|held| !held.fills.is_empty()).count();
        for envelope in &ran.envelopes {
            match &envelope.event {
                Event::Input(Input::Account(event)) => {
                    never += usize::from(event.kind() == "order_never_placed")
                }
                Event::Input(Input::EffectFailed(_)) => failed += 1,
                Event::Input(_) | Event::Output(_) => {}
            }
        }
        (events, kept) = (events + ran.whole.len(), kept + ran.kept.len());
        working += ran.kept.iter().filter(|kept| kept.core.state.open_orders().count() > 0).count();
    }
    assert!(
        filled > 400 && never > 50 && failed > 50,
        "{filled} filled, {never} never placed, {failed} failed"
    );
    assert!(
        kept * 2 > events && working * 20 > kept,
        "{kept} kept at {events} events, {working} with orders"
    );
}
