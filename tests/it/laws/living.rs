//! Runs on real time: they decide as a backtest over what they saw, and one that is killed after any input and taken up
//! goes on as if it had not been.

use engine_application::wiring::paper::LiveSource;
use engine_core::envelope::{Envelope, Seq};
use engine_core::event::{Event, Input, Output, SessionMark};
use engine_core::feed::{FeedCondition, FeedStatus};
use engine_core::knowledge::Knowledge;
use engine_core::machine::{Core, CoreSnapshot, Step};
use engine_core::time::{Span, Timestamp};
use engine_runtime::commit_gate::CommitGate;
use engine_runtime::conductor::RuleConductor;
use engine_runtime::ports::{EnvironmentError, Head, Journal, JournalError, Origin};
use engine_runtime::runner::{Observer, RunError, SyncPolicy, run};
use journal_store::memory_journal::MemoryJournal;
use proptest::prelude::*;
use replay_replayer::CheckReport;
use replay_replayer::backtest_replay::replay_backtest;
use replay_replayer::continuation::Continuation;
use replay_replayer::recorded_inputs::RecordedInputs;
use replay_simulation::backtest::Participants;
use replay_simulation::config::{EndOfData, FillModel};
use replay_simulation::operator::Operator;
use replay_simulation::sim_environment::SimEnvironment;

use super::script::Script;
use super::{Case, Lived, LivedStep, cases, law, samples};

/// The models of fills that have no price behind them when an order is made.
pub(super) const LIVE_MODELS: [FillModel; 3] = [FillModel::NextOpen, FillModel::Trades, FillModel::Quotes];

mod scripted_feed;

pub(super) use scripted_feed::{End, ScriptedFeed};

pub(super) type Recorded = std::vec::IntoIter<Result<Envelope, JournalError>>;

/// What a feed tells of `case`: that an instrument is connected, and then of its market.
pub(super) fn coming(case: &Case) -> Vec<(Timestamp, Input)> {
    let mut is_connected = vec![false; usize::from(case.instruments)];
    let mut coming = Vec::new();
    for item in case.items() {
        let instrument = item.update.instrument();
        if !std::mem::replace(&mut is_connected[instrument.index()], true) {
            let status = FeedStatus { instrument, condition: FeedCondition::Connected };
            coming.push((item.at, Input::Feed(status)));
        }
        coming.push((item.at, Input::Market(item.update)));
    }
    coming
}

/// As many of `coming` as a run that is killed sees of them, and at least one.
pub(super) fn cut(coming: &[(Timestamp, Input)], share: f64) -> usize {
    1 + (share * (coming.len() - 1) as f64) as usize
}

/// How a run on real time went.
pub(super) struct Ran {
    lived: Lived,
    pub(super) head: Head,
    pub(super) envelopes: Vec<Envelope>,
    killed: bool,
    /// Numbers of events behind which a kill can leave the record.
    whole: Vec<u64>,
    /// Everything the run was made of, wherever it can be kept.
    pub(super) kept: Vec<Kept>,
}

/// Everything a run is made of behind one of its events.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) last: Seq,
    pub(super) core: CoreSnapshot,
    pub(super) environment: Knowledge,
}

/// Sees where the record is whole, and keeps what the run is made of.
struct Watching {
    lived: Lived,
    gate: CommitGate,
    whole: Vec<u64>,
    kept: Vec<Kept>,
}

impl Observer for Watching {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        self.lived.observe(core, at, event, outputs);
    }

    fn recorded(&mut self, _core: &Core, last: Seq) -> Result<(), JournalError> {
        if !self.gate.is_held() {
            self.whole.push(last.number());
        }
        Ok(())
    }

    fn wants_snapshot(&self, _core: &Core, _last: Seq, _is_segment_full: bool) -> bool {
        !self.gate.is_held()
    }

    fn keep(&mut self, core: &Core, environment: Knowledge, last: Seq, _: bool) -> Result<(), JournalError> {
        self.kept.push(Kept { last, core: core.snapshot(), environment });
        Ok(())
    }
}

/// Runs `case` on `feed`, behind what was `recorded`; `lost` instruments are told that their feed was lost.
pub(super) fn live(case: &Case, recorded: Option<Vec<Envelope>>, feed: ScriptedFeed, lost: u16) -> Ran {
    live_from(case, recorded, None, feed, lost)
}

/// The same, where the run stands as it was `kept` and only what was recorded behind that is played again.
fn live_from(
    case: &Case,
    recorded: Option<Vec<Envelope>>,
    kept: Option<Kept>,
    feed: ScriptedFeed,
    lost: u16,
) -> Ran {
    let gate = CommitGate::default();
    let source = LiveSource::new(Box::new(feed), usize::from(lost), gate.clone());
    let mut environment = SimEnvironment::new(source, &case.config(), case.manifest());
    if let Some(delay) = case.answers_take {
        environment = environment.conducted_by(Box::new(RuleConductor::uniform(8)), delay);
    }
    lived_in(environment, case, recorded, kept, gate)
}

/// The same in an `environment` that is new, whose source is held by `gate`.
pub(super) fn lived_in(
    mut environment: SimEnvironment<LiveSource<Recorded>>,
    case: &Case,
    recorded: Option<Vec<Envelope>>,
    kept: Option<Kept>,
    gate: CommitGate,
) -> Ran {
    let mut core = case.core();
    let last = kept.as_ref().map_or(Seq::default(), |kept| kept.last);
    let behind = |events: &Vec<Envelope>| all_sound(events[last.number() as usize..].to_vec());
    if let Some(events) = &recorded {
        let inputs = match kept {
            None => RecordedInputs::new(behind(events)),
            Some(Kept { core: snapshot, environment: knowledge, .. }) => {
                let (read, at) = (snapshot.state.records_read(), snapshot.state.now());
                core.recall(snapshot).unwrap();
                environment.take_up(&knowledge).unwrap();
                RecordedInputs::behind(behind(events), read, at)
            }
        };
        environment.source_mut().play_first(inputs);
    }
    let mut journal: Continuation<Recorded, MemoryJournal> = match recorded {
        None => Continuation::begun(MemoryJournal::self_contained()),
        Some(events) => {
            let mut written = MemoryJournal::self_contained();
            append_all(&mut written, &events);
            Continuation::new(behind(&events), Box::new(move |_| Ok(written))).behind(last)
        }
    };
    let mut watching = Watching { lived: Lived::default(), gate, whole: Vec::new(), kept: Vec::new() };
    let ended = run(&mut core, &mut environment, &mut journal, &mut watching, SyncPolicy::BeforeEffects);
    let killed = match ended {
        Ok(()) => false,
        Err(RunError::Environment(EnvironmentError::SourceBroken { reason })) if reason == "killed" => true,
        Err(error) => panic!("{error}: {:?}", journal.difference()),
    };
    journal.catch_up().unwrap();
    let head = journal.head();
    let envelopes = journal.into_journal().unwrap().envelopes();
    let Watching { lived, whole, kept, .. } = watching;
    Ran { lived, head, envelopes, killed, whole, kept }
}

/// Appends recorded events, step by step.
pub(super) fn append_all(journal: &mut MemoryJournal, events: &[Envelope]) {
    for step in events.chunk_by(|_, next| matches!(next.event, Event::Output(_))) {
        let Event::Input(input) = &step[0].event else { panic!("a step begins with its input") };
        let outputs = step[1..].iter().filter_map(|envelope| match &envelope.event {
            Event::Output(output) => Some(output.clone()),
            Event::Input(_) => None,
        });
        let (at, input, outputs) = (step[0].at, input.clone(), outputs.collect());
        journal.append(Origin::Own, step[0].records_read, &Step { at, input, outputs }).unwrap();
    }
}

pub(super) fn all_sound(events: Vec<Envelope>) -> Recorded {
    events.into_iter().map(Ok).collect::<Vec<_>>().into_iter()
}

/// Who takes part in a run of `case`.
pub(super) fn participants(case: &Case) -> Participants {
    Participants {
        strategy: Box::new(Script::new(case.lines.clone(), 0, case.instruments)),
        conductor: case.answers_take.map(|delay| (Box::new(RuleConductor::uniform(8)) as _, delay)),
        operator: Operator::default(),
    }
}

pub(super) fn played_again(case: &Case, envelopes: &[Envelope]) -> CheckReport {
    let mut config = case.config();
    config.journal.self_contained = true;
    let recorded = || all_sound(envelopes.to_vec());
    let inputs = RecordedInputs::new(recorded());
    let cast = participants(case);
    replay_backtest(&config, cast, inputs, case.manifest(), recorded(), std::iter::empty()).unwrap()
}

/// What was received and decided, without what is said of feeds and of the session.
fn decided(steps: &[LivedStep]) -> Vec<(Timestamp, Event, Vec<Output>)> {
    let is_about_the_market =
        |step: &&LivedStep| !matches!(step.event, Event::Input(Input::Feed(_) | Input::Session(_)));
    let told = |step: &LivedStep| (step.at, step.event.clone(), step.outputs.clone());
    steps.iter().filter(is_about_the_market).map(told).collect()
}

pub(super) fn until_its_data_ends(case: Case) -> Case {
    Case { end: EndOfData::Keep, ..case }
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn a_run_on_real_time_decides_as_the_backtest_over_what_it_saw(
        case in cases(&LIVE_MODELS).prop_map(until_its_data_ends), late in 0_i64..5_000_000_000,
    ) {
        let items = case.items();
        // History says nothing of feeds: what it tells is whole from the first trade on.
        let coming = items.iter().map(|item| (item.at, Input::Market(item.update))).collect();
        let ran = live(&case, None, ScriptedFeed::new(coming, End::Interrupted, Span::from_nanos(late)), 0);
        let history = case.play();
        let (mut seen, mut expected) = (decided(&ran.lived.steps), decided(&history.steps));
        // History delivers what is still under way when its data ends; an operator does not wait for it.
        let last = items.last().map_or(Timestamp::MIN, |item| item.at);
        seen.retain(|(at, ..)| *at <= last);
        expected.retain(|(at, ..)| *at <= last);
        for (mine, theirs) in seen.iter().zip(&expected) {
            prop_assert_eq!(mine, theirs);
        }
        prop_assert!(seen.len() <= expected.len());
        let missing = &expected[seen.len()..];
        prop_assert!(missing.iter().all(|(_, event, _)| !matches!(event, Event::Input(Input::Market(_)))));
        let report = played_again(&case, &ran.envelopes);
        prop_assert_eq!(&report.difference, &None);
        prop_assert_eq!(report.events, ran.head.count);
    }

    #[test]
    fn a_run_that_is_killed_and_taken_up_is_the_run_that_was_not(
        case in cases(&LIVE_MODELS).prop_map(until_its_data_ends), share in 0.0_f64..1.0, lost in 0_usize..200,
    ) {
        let coming = coming(&case);
        let (seen, rest) = coming.split_at(cut(&coming, share));
        let feed = |coming: &[(Timestamp, Input)], end| ScriptedFeed::new(coming.to_vec(), end, Span::ZERO);
        let whole = live(&case, None, feed(&coming, End::Interrupted), case.instruments);
        let killed = live(&case, None, feed(seen, End::Killed), case.instruments);
        prop_assert!(killed.killed);
        prop_assert_eq!(&killed.envelopes[..], &whole.envelopes[..killed.envelopes.len()]);
        let rest = || feed(rest, End::Interrupted);
        // Where nothing is said of the pause, it has not been.
        let on = live(&case, Some(killed.envelopes.clone()), rest(), 0);
        prop_assert_eq!(on.head, whole.head);
        prop_assert_eq!(&on.envelopes, &whole.envelopes);
        // Where the feeds were lost, and the last events with the process, the run still plays again from its record.
        let kept = steps_kept(&killed, lost);
        let on = live(&case, Some(kept.clone()), rest(), case.instruments);
        prop_assert_eq!(&on.envelopes[..kept.len()], &kept[..]);
        let report = played_again(&case, &on.envelopes);
        prop_assert_eq!(&report.difference, &None);
        prop_assert_eq!(report.events, on.envelopes.len() as u64);
    }

    #[test]
    fn a_run_that_its_operator_ended_is_gone_on_with_and_plays_again(
        case in cases(&LIVE_MODELS).prop_map(until_its_data_ends), share in 0.0_f64..1.0,
    ) {
        let coming = coming(&case);
        let (seen, rest) = coming.split_at(cut(&coming, share));
        let feed = |coming: &[(Timestamp, Input)]| ScriptedFeed::new(coming.to_vec(), End::Interrupted, Span::ZERO);
        let ended = live(&case, None, feed(seen), case.instruments);
        let on = live(&case, Some(ended.envelopes.clone()), feed(rest), case.instruments);
        let (before, behind) = on.envelopes.split_at(ended.envelopes.len());
        prop_assert_eq!(before, &ended.envelopes[..]);
        prop_assert_eq!(&behind[0].event, &Event::Input(Input::Session(SessionMark::Resumed)));
        let told = |envelopes: &[Envelope]| {
            envelopes.iter().filter(|envelope| matches!(envelope.event, Event::Input(Input::Market(_)))).count()
        };
        prop_assert_eq!(told(&on.envelopes), case.items().len());
        let report = played_again(&case, &on.envelopes);
        prop_assert_eq!(&report.difference, &None);
        prop_assert_eq!(report.events, on.envelopes.len() as u64);
        if let Some(kept) = ended.kept.last() {
            let from_it = live_from(&case, Some(ended.envelopes.clone()), Some(kept.clone()), feed(rest), case.instruments);
            prop_assert_eq!(from_it.head, on.head);
        }
    }

    #[test]
    fn a_run_that_is_taken_up_from_a_snapshot_is_the_run_that_was_not_killed(
        case in cases(&LIVE_MODELS).prop_map(until_its_data_ends),
        share in 0.0_f64..1.0, place in any::<prop::sample::Index>(), lost in 0_usize..20,
    ) {
        let coming = coming(&case);
        let (seen, rest) = coming.split_at(cut(&coming, share));
        let feed = |coming: &[(Timestamp, Input)], end| ScriptedFeed::new(coming.to_vec(), end, Span::ZERO);
        let whole = live(&case, None, feed(&coming, End::Interrupted), case.instruments);
        let killed = live(&case, None, feed(seen, End::Killed), case.instruments);
        // A run that was killed before its first quiet moment has none.
        if killed.kept.is_empty() {
            return Ok(());
        }
        let kept = place.get(&killed.kept).clone();
        let rest = || feed(rest, End::Interrupted);
        let on = live_from(&case, Some(killed.envelopes.clone()), Some(kept.clone()), rest(), 0);
        prop_assert_eq!(on.head, whole.head);
        prop_assert_eq!(&on.envelopes, &whole.envelopes);
        // Where the last events went with the process, what is behind the snapshot still plays again.
        let recorded = steps_kept(&killed, lost);
        if (recorded.len() as u64) < kept.last.number() {
            return Ok(());
        }
        let from_it = live_from(&case, Some(recorded.clone()), Some(kept), rest(), case.instruments);
        let from_the_beginning = live(&case, Some(recorded), rest(), case.instruments);
        prop_assert_eq!(from_it.head, from_the_beginning.head);
        prop_assert_eq!(&from_it.envelopes, &from_the_beginning.envelopes);
    }
}

#[test]
fn snapshots_are_kept_while_orders_work_and_messages_are_under_way() {
    let (mut kept, mut events, mut working) = (0, 0, 0);
    for case in samples(cases(&LIVE_MODELS).prop_map(until_its_data_ends)) {
        let feed = ScriptedFeed::new(coming(&case), End::Interrupted, Span::ZERO);
        let ran = live(&case, None, feed, case.instruments);
        kept += ran.kept.len();
        events += ran.whole.len();
        working += ran.kept.iter().filter(|kept| kept.core.state.open_orders().count() > 0).count();
    }
    assert!(kept * 2 > events, "{kept} snapshots at {events} events");
    assert!(working * 20 > kept, "orders work at {working} of {kept} snapshots");
}

/// The record without at least its last `lost` events, as a kill can leave it; never without its opening.
pub(super) fn steps_kept(killed: &Ran, lost: usize) -> Vec<Envelope> {
    let left = killed.envelopes.len().saturating_sub(lost);
    let place = killed.whole.partition_point(|whole| *whole as usize <= left);
    let kept = killed.whole[place.saturating_sub(1)];
    killed.envelopes[..kept as usize].to_vec()
}
