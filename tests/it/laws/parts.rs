//! Parts of a run on real time: what lies between any two snapshots plays again on its own, and a changed decision is found.

use engine_core::envelope::Envelope;
use engine_core::event::Event;
use engine_core::time::Span;
use proptest::prelude::*;
use replay_replayer::CheckReport;
use replay_replayer::backtest_replay::{Standing, replay_behind};
use replay_replayer::recorded_inputs::RecordedInputs;

use super::living::{
    End, Kept, LIVE_MODELS, ScriptedFeed, all_sound, coming, live, participants, until_its_data_ends,
};
use super::{Case, cases, law};

/// Plays what was `recorded` behind `from` again, up to the snapshot `to`.
fn part_again(case: &Case, from: &Kept, to: &Kept, recorded: &[Envelope]) -> CheckReport {
    let mut config = case.config();
    config.journal.self_contained = true;
    let state = &from.core.state;
    let inputs = RecordedInputs::behind(all_sound(recorded.to_vec()), state.records_read(), state.now());
    let (last, core, environment) = (from.last, from.core.clone(), from.environment.clone());
    let standing = Standing { last, core, environment, manifest: case.manifest() };
    let kept = std::iter::once(Ok((to.last, to.core.clone())));
    let recorded = all_sound(recorded.to_vec());
    replay_behind(standing, &config, participants(case), inputs, recorded, kept).unwrap()
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn a_part_between_two_snapshots_plays_again_and_a_changed_decision_in_it_is_found(
        case in cases(&LIVE_MODELS).prop_map(until_its_data_ends),
        one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(),
        changed in any::<prop::sample::Index>(),
    ) {
        let feed = ScriptedFeed::new(coming(&case), End::Interrupted, Span::ZERO);
        let ran = live(&case, None, feed, case.instruments);
        if ran.kept.len() < 2 {
            return Ok(());
        }
        let (one, other) = (one.index(ran.kept.len()), other.index(ran.kept.len()));
        let (from, to) = (&ran.kept[one.min(other)], &ran.kept[one.max(other)]);
        let place = |kept: &Kept| usize::try_from(kept.last.number()).unwrap();
        let part = &ran.envelopes[place(from)..place(to)];
        if part.is_empty() {
            return Ok(());
        }
        let report = part_again(&case, from, to, part);
        prop_assert_eq!(&report.difference, &None);
        prop_assert_eq!(report.events, part.len() as u64);
        let outputs: Vec<usize> = part
            .iter()
            .enumerate()
            .filter(|(_, event)| matches!(event.event, Event::Output(_)))
            .map(|(place, _)| place)
            .collect();
        if !outputs.is_empty() {
            let place = *changed.get(&outputs);
            let mut edited = part.to_vec();
            edited[place].at = edited[place].at.plus(Span::from_nanos(1));
            let difference = part_again(&case, from, to, &edited).difference;
            prop_assert_eq!(difference.map(|found| found.seq), Some(part[place].seq.number()));
        }
    }
}
