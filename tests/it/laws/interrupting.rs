//! An operator who ends a run after any input: the run says so, holds what came before, and plays again to the same end.

use engine_application::wiring::recorded_source::EmbeddedRecords;
use engine_core::event::{Event, Input, Output, SessionMark};
use engine_core::machine::Core;
use engine_core::time::Timestamp;
use engine_runtime::conductor::RuleConductor;
use engine_runtime::interruption::Interruption;
use engine_runtime::runner::{Observer, SyncPolicy, run};
use journal_store::memory_journal::MemoryJournal;
use proptest::prelude::*;
use replay_replayer::CheckReport;
use replay_replayer::backtest_replay::{recorded_operator, replay_backtest};
use replay_simulation::backtest::Participants;
use replay_simulation::config::{BacktestConfig, FillModel};
use replay_simulation::operator::{OperatedEnvironment, Operator};
use replay_simulation::sim_environment::SimEnvironment;

use super::script::Script;
use super::{Case, Lived, MODELS, cases, law};

/// Asks for the end of the run once it has had so many inputs.
struct Asking {
    lived: Lived,
    after: usize,
    interruption: Interruption,
}

impl Observer for Asking {
    fn observe(&mut self, core: &Core, at: Timestamp, event: &Event, outputs: &[Output]) {
        self.lived.observe(core, at, event, outputs);
        if self.lived.steps.len() >= self.after {
            self.interruption.flag().store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

fn config(case: &Case, self_contained: bool) -> BacktestConfig {
    let mut config = case.config();
    config.journal.self_contained = self_contained;
    config
}

/// Plays `case` and asks for its end after `after` inputs.
fn interrupted(case: &Case, after: usize, journal: &mut MemoryJournal) -> Lived {
    let interruption = Interruption::default();
    let operator = Operator::Listening(interruption.clone());
    let mut environment = SimEnvironment::new(case.source(), &case.config(), case.manifest());
    if let Some(delay) = case.answers_take {
        environment = environment.conducted_by(Box::new(RuleConductor::uniform(8)), delay);
    }
    let mut environment = OperatedEnvironment::new(environment, operator);
    let mut asking = Asking { lived: Lived::default(), after, interruption };
    run(&mut case.core(), &mut environment, journal, &mut asking, SyncPolicy::AtEnd).unwrap();
    asking.lived
}

fn played_again(case: &Case, journal: &MemoryJournal, self_contained: bool) -> CheckReport {
    let recorded = || journal.envelopes().into_iter().map(Ok);
    let participants = Participants {
        strategy: Box::new(Script::new(case.lines.clone(), 0, case.instruments)),
        conductor: case.answers_take.map(|delay| (Box::new(RuleConductor::uniform(8)) as _, delay)),
        operator: recorded_operator(recorded()).unwrap(),
    };
    let config = config(case, self_contained);
    let (manifest, nothing_kept) = (case.manifest(), std::iter::empty());
    let report = match self_contained {
        true => {
            let source = EmbeddedRecords::new(recorded());
            replay_backtest(&config, participants, source, manifest, recorded(), nothing_kept)
        }
        false => replay_backtest(&config, participants, case.source(), manifest, recorded(), nothing_kept),
    };
    report.unwrap()
}

const fn is_market(event: &Event) -> bool {
    matches!(event, Event::Input(Input::Market(_)))
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn a_run_ended_after_any_input_is_the_run_up_to_it_and_plays_again(
        case in cases(&MODELS), after in 1_usize..120, self_contained in any::<bool>(),
    ) {
        let whole = case.play();
        let ends = whole.steps.iter().position(|step| super::ends_session(&step.event)).unwrap();
        // Once the data has ended the run closes as planned.
        prop_assume!(after <= ends);
        let mut journal = match self_contained {
            true => MemoryJournal::self_contained(),
            false => MemoryJournal::default(),
        };
        let lived = interrupted(&case, after, &mut journal);
        let ended = (lived.steps.len() - 1).min(ends);
        // A bar is walked to its end, and so are those of its moment that orders wait for.
        let has_bars = matches!(case.fill, FillModel::NextOpen | FillModel::SameClose);
        let market = lived.steps[after..ended].iter().filter(|step| is_market(&step.event)).count();
        prop_assert!(market <= usize::from(case.instruments) * usize::from(has_bars), "{market} records since");
        prop_assert_eq!(&lived.steps[..ended], &whole.steps[..ended]);
        let last = &lived.steps[lived.steps.len() - 1];
        if last.event == Event::Input(Input::Session(SessionMark::Closed)) {
            prop_assert_eq!(&lived.steps, &whole.steps, "its data had ended");
            return Ok(());
        }
        prop_assert!(ended == after || has_bars, "{ended} inputs, asked after {after}");
        prop_assert_eq!(&last.event, &Event::Input(Input::Session(SessionMark::Interrupted)));
        prop_assert!(matches!(last.outputs.as_slice(), [Output::CheckpointTaken(_)]));

        let report = played_again(&case, &journal, self_contained);
        prop_assert_eq!(&report.difference, &None);
        prop_assert!(!report.complete);
        prop_assert_eq!(report.events, journal.envelopes().len() as u64);
    }
}
