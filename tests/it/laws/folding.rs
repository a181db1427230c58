//! What was recorded is all there is: folding it gives the live state, and going on from it gives the same.

use std::collections::VecDeque;

use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::{Event, Input, Output};
use engine_core::machine::Core;
use engine_core::machine::CoreSnapshot;
use engine_core::state::State;
use engine_core::time::Timestamp;
use engine_runtime::ports::JournalError;
use engine_runtime::runner::Observer;
use journal_store::memory_journal::MemoryJournal;
use journal_store::snapshot::{self, Snapshot};
use proptest::prelude::*;
use replay_history::market_source::MarketItem;
use replay_replayer::fold::{Start, Until, fold, skip};

use super::{Case, MODELS, cases, law};

/// One input and what followed, as a record tells it.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    at: Timestamp,
    event: Event,
    outputs: Vec<Output>,
}

/// The whole run from its envelopes and the market records they refer to.
fn told(envelopes: &[Envelope], items: Vec<MarketItem>) -> Vec<Told> {
    let mut market = VecDeque::from(items);
    let (mut story, mut records_read): (Vec<Told>, u64) = (Vec::new(), 0);
    let mut now = Timestamp::MIN;
    for envelope in envelopes {
        let own_market = matches!(envelope.event, Event::Input(Input::Market(_)));
        while records_read < envelope.records_read - u64::from(own_market) {
            let item = market.pop_front().unwrap();
            (now, records_read) = (now.max(item.at), records_read + 1);
            story.push(Told {
                at: now,
                event: Event::Input(Input::Market(item.update)),
                outputs: Vec::new(),
            });
        }
        match &envelope.event {
            Event::Input(_) => {
                (now, records_read) = (envelope.at, envelope.records_read);
                story.push(Told { at: now, event: envelope.event.clone(), outputs: Vec::new() });
                assert_eq!(envelope.cause, Cause::Event(envelope.seq));
            }
            Event::Output(output) => story.last_mut().unwrap().outputs.push(output.clone()),
        }
    }
    assert!(market.is_empty(), "a closed session has seen all of its market");
    story
}

/// The live states right after each recorded step.
#[derive(Default)]
struct States {
    after: Vec<(Seq, State)>,
}

impl Observer for States {
    fn observe(&mut self, _core: &Core, _at: Timestamp, _event: &Event, _outputs: &[Output]) {}

    fn recorded(&mut self, core: &Core, last: Seq) -> Result<(), JournalError> {
        self.after.push((last, core.state().clone()));
        Ok(())
    }
}

fn lived(case: &Case) -> (Vec<Envelope>, Vec<(Seq, State)>) {
    let (mut journal, mut states) = (MemoryJournal::default(), States::default());
    case.play_into(case.core(), case.source(), &mut journal, &mut states);
    (journal.envelopes(), states.after)
}

fn after(envelopes: &[Envelope], seq: u64) -> impl Iterator<Item = Result<Envelope, JournalError>> + '_ {
    envelopes.iter().filter(move |envelope| envelope.seq.number() > seq).cloned().map(Ok)
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn the_record_and_its_datasets_tell_the_whole_run(case in cases(&MODELS)) {
        let played = case.play();
        let lived: Vec<Told> = played
            .steps
            .iter()
            .map(|step| Told { at: step.at, event: step.event.clone(), outputs: step.outputs.clone() })
            .collect();
        prop_assert_eq!(told(&played.envelopes, case.items()), lived);
    }

    #[test]
    fn folding_gives_the_live_state_after_every_event(case in cases(&MODELS)) {
        let (envelopes, states) = lived(&case);
        let mut source = case.source();
        let mut start = Start { state: case.opening(), seq: 0 };
        for (seq, live) in &states {
            let from = start.seq;
            start = fold(start, &mut source, after(&envelopes, from), Until::Seq(seq.number())).unwrap();
            prop_assert_eq!(start.seq, seq.number());
            prop_assert_eq!(start.state.digest(), live.digest());
            prop_assert_eq!(&start.state, live);
        }
        prop_assert_eq!(start.seq, envelopes.len() as u64);
    }

    #[test]
    fn folding_to_a_moment_takes_in_everything_known_then(
        case in cases(&MODELS), chosen in any::<prop::sample::Index>(),
    ) {
        let played = case.play();
        let moment = played.steps[chosen.index(played.steps.len())].at;
        let known = played.steps.iter().rev().find(|step| step.at <= moment).unwrap();
        let start = Start { state: case.opening(), seq: 0 };
        let folded = fold(start, &mut case.source(), after(&played.envelopes, 0), Until::Time(moment)).unwrap();
        prop_assert_eq!(folded.state.digest(), known.digest);
    }

    #[test]
    fn folding_from_any_snapshot_is_folding_from_the_start(
        case in cases(&MODELS), chosen in any::<prop::sample::Index>(),
    ) {
        let (envelopes, states) = lived(&case);
        let (last, end) = states.last().unwrap();
        for (seq, state) in &states {
            let mut source = case.source();
            skip(&mut source, state).unwrap();
            let start = Start { state: state.clone(), seq: seq.number() };
            let folded = fold(start, &mut source, after(&envelopes, seq.number()), Until::End).unwrap();
            prop_assert_eq!(folded.seq, last.number());
            prop_assert_eq!(&folded.state, end);
        }
        let (seq, state) = &states[chosen.index(states.len())];
        let dir = tempfile::tempdir().unwrap();
        let kept = Snapshot::new(*seq, CoreSnapshot::of_state(state.clone()));
        snapshot::put(dir.path(), &kept).unwrap();
        let read = snapshot::nearest(dir.path(), *last).unwrap();
        prop_assert_eq!(read, Some(kept));
    }

    #[test]
    fn a_restart_after_any_event_is_no_restart(case in cases(&MODELS)) {
        let played = case.play();
        let story = told(&played.envelopes, case.items());
        for cut in 0..=story.len() {
            let (past, future) = story.split_at(cut);
            let mut core = case.core();
            for step in past {
                core.apply(step.at, &step.event);
                step.outputs.iter().for_each(|output| core.apply(step.at, &Event::Output(output.clone())));
            }
            for step in future {
                prop_assert_eq!(&core.decide(step.at, &step.event), &step.outputs, "cut at {}", cut);
            }
            prop_assert_eq!(core.digest(), played.core.digest());
        }
    }
}
