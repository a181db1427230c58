//! Observers see what has been appended, and nothing before.

use std::cell::RefCell;
use std::rc::Rc;

use engine_core::envelope::Seq;
use engine_core::event::{Event, Output};
use engine_core::machine::{Core, Step};
use engine_core::time::Timestamp;
use engine_runtime::ports::{Head, Journal, JournalError, Origin};
use engine_runtime::runner::{Observer, SyncPolicy, run};
use proptest::prelude::*;
use replay_simulation::sim_environment::SimEnvironment;

use super::{MODELS, cases, law};

type Appended = Rc<RefCell<Vec<Step>>>;

/// Takes so many steps and then fails.
struct Short {
    appended: Appended,
    room: usize,
}

impl Journal for Short {
    fn append(&mut self, _origin: Origin, _ticks: u64, step: &Step) -> Result<(), JournalError> {
        if self.appended.borrow().len() >= self.room {
            return Err(JournalError::DiskFull);
        }
        self.appended.borrow_mut().push(step.clone());
        Ok(())
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        Ok(Seq::new(0))
    }

    fn head(&self) -> Head {
        Head::default()
    }
}

struct Seen {
    appended: Appended,
    steps: usize,
}

impl Observer for Seen {
    fn observe(&mut self, _core: &Core, _at: Timestamp, event: &Event, outputs: &[Output]) {
        if !outputs.is_empty() {
            self.steps += 1;
            let appended = self.appended.borrow();
            let last = appended.last().unwrap();
            assert_eq!((&Event::Input(last.input.clone()), last.outputs.as_slice()), (event, outputs));
        }
    }
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn an_observer_never_sees_what_the_journal_does_not_hold(case in cases(&MODELS), room in 0_usize..60) {
        let appended = Appended::default();
        let mut journal = Short { appended: Rc::clone(&appended), room };
        let mut seen = Seen { appended: Rc::clone(&appended), steps: 0 };
        let mut environment = SimEnvironment::new(case.source(), &case.config(), case.manifest());
        let ended = run(&mut case.core(), &mut environment, &mut journal, &mut seen, SyncPolicy::AtEnd);
        let with_outputs = appended.borrow().iter().filter(|step| !step.outputs.is_empty()).count();
        prop_assert_eq!(seen.steps, with_outputs);
        prop_assert!(ended.is_ok() || appended.borrow().len() == room);
    }
}
