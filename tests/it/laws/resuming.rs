//! A run cut short after any step goes on as if it had not been: journal, core, strategy and watch.

use std::path::Path;

use engine_core::envelope::Seq;
use engine_core::event::{Event, Input};
use engine_core::machine::Step;
use engine_runtime::ports::{Head, Journal, JournalError, Origin};
use journal_store::memory_journal::MemoryJournal;
use journal_store::run::{Closing, RunJournal, RunOptions, RunReader};
use replay_history::market_source::{MarketItem, MarketSource, MemorySource};
use replay_replayer::rebuild::rebuild;

use super::{Case, Lived, MODELS, cases, samples};

const OPTIONS: RunOptions = RunOptions { page_bytes: 1_024, page_log: false, self_contained: false };

/// One call to a journal.
#[derive(Clone)]
struct Call {
    origin: Origin,
    records_read: u64,
    step: Step,
}

/// Keeps every call.
#[derive(Default)]
struct Calls {
    calls: Vec<Call>,
    memory: MemoryJournal,
}

impl Journal for Calls {
    fn append(&mut self, origin: Origin, records_read: u64, step: &Step) -> Result<(), JournalError> {
        self.calls.push(Call { origin, records_read, step: step.clone() });
        self.memory.append(origin, records_read, step)
    }

    fn sync(&mut self) -> Result<Seq, JournalError> {
        self.memory.sync()
    }

    fn head(&self) -> Head {
        self.memory.head()
    }
}

/// Writes the first `kept` steps of a run and leaves it without closing it.
fn cut(dir: &Path, calls: &[Call]) {
    let mut journal = RunJournal::create(dir, OPTIONS).unwrap();
    for call in calls {
        journal.append(call.origin, call.records_read, &call.step).unwrap();
    }
    journal.sync().unwrap();
}

/// Takes the run in `dir` up and plays the rest of `calls`; every step must be decided as it was.
fn go_on(case: &Case, dir: &Path, rest: &[Call]) -> (Head, engine_core::digest::Digest) {
    let mut core = case.core();
    let mut source: MemorySource = case.source();
    let reader = RunReader::open(dir).unwrap();
    let recorded: Vec<_> = reader.envelopes(Seq::FIRST).unwrap().collect();
    drop(reader);
    rebuild(&mut core, &mut source, recorded.into_iter()).unwrap();
    let mut journal = RunJournal::resume(dir, OPTIONS).unwrap();
    for call in rest {
        let own_market = matches!(call.step.input, Input::Market(_)) && call.origin == Origin::Own;
        let mut outputs = Vec::new();
        while core.state().records_read() < call.records_read - u64::from(own_market) {
            let MarketItem { at, update, .. } = source.next().unwrap().unwrap();
            assert_eq!(outputs, [], "a step came early");
            let at = at.max(core.state().now());
            outputs = core.decide(at, &Event::Input(Input::Market(update)));
        }
        if call.origin == Origin::Own {
            assert_eq!(outputs, [], "a step came early");
            outputs = core.decide(call.step.at, &Event::Input(call.step.input.clone()));
        }
        let step = Step { outputs, ..call.step.clone() };
        journal.append(call.origin, core.state().records_read(), &step).unwrap();
    }
    let head = journal.head();
    journal.close(Closing::default()).unwrap();
    (head, core.digest())
}

#[test]
fn a_run_resumed_after_any_step_is_the_run_that_was_never_cut() {
    let short = |case: &Case| case.play().envelopes.len();
    let all = samples(cases(&MODELS));
    // One short run of every fill model that trades, regimes and questions among them.
    let chosen: Vec<Case> = MODELS
        .iter()
        .map(|model| {
            let fits = |case: &&Case| case.fill == *model && (15..60).contains(&short(case));
            all.iter().find(fits).cloned().unwrap()
        })
        .collect();
    assert!(chosen.iter().any(|case| case.answers_take.is_some()));
    for case in chosen {
        let mut whole = Calls::default();
        let core = case.play_into(case.core(), case.source(), &mut whole, &mut Lived::default());
        for kept in 0..=whole.calls.len() {
            let dir = tempfile::tempdir().unwrap();
            let run = dir.path().join("run");
            let (past, rest) = whole.calls.split_at(kept);
            cut(&run, past);
            assert_eq!(
                go_on(&case, &run, rest),
                (whole.head(), core.digest()),
                "{:?} cut at {kept}",
                case.fill
            );
        }
    }
}
