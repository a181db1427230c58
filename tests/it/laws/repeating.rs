//! A trade that a venue reports twice is booked once: nothing changes and nobody is told.

use engine_core::event::{Event, Execution, Input};
use proptest::prelude::*;

use super::{MODELS, cases, law};

proptest! {
    #![proptest_config(law())]

    #[test]
    fn a_trade_told_again_at_any_later_moment_changes_nothing(
        case in cases(&MODELS), later in prop::collection::vec(0_usize..12, 1..20),
    ) {
        let played = case.play();
        let mut core = case.core();
        // Fills waiting to be told again, with the number of steps until then.
        let mut again: Vec<(usize, Event)> = Vec::new();
        let mut delays = later.iter().copied().cycle();
        for step in &played.steps {
            prop_assert_eq!(&core.decide(step.at, &step.event), &step.outputs);
            if let Event::Input(Input::Execution(report)) = &step.event
                && let Execution::Filled(_) = report.execution
            {
                again.push((delays.next().unwrap(), step.event.clone()));
            }
            let due: Vec<Event> = again.iter().filter(|(wait, _)| *wait == 0).map(|(_, event)| event.clone()).collect();
            again.retain_mut(|(wait, _)| {
                let stays = *wait > 0;
                *wait = wait.saturating_sub(1);
                stays
            });
            for event in due {
                let before = core.digest();
                prop_assert!(core.is_repeated(&event));
                prop_assert_eq!(core.decide(step.at, &event), Vec::new());
                prop_assert_eq!(core.digest(), before);
            }
        }
        prop_assert_eq!(core.digest(), played.core.digest());
    }
}
