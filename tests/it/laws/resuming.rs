//! A run cut short after any step goes on as if it had not been: journal, core, strategy and watch.

use std::path::Path;

use engine_core::envelope::Seq;
use engine_core::event::{Event, Input, Output};
use engine_core::knowledge::Forgotten;
use engine_core::machine::{Core, CoreSnapshot, Step};
use engine_core::time::Timestamp;
use engine_runtime::ports::{Head, Journal, JournalError, Origin};
use engine_runtime::runner::Observer;
use journal_store::memory_journal::MemoryJournal;
use journal_store::run::{Closing, RunJournal, RunOptions, RunReader};
use journal_store::snapshot::{self, Snapshot};
use replay_history::market_source::{MarketItem, MarketSource, MemorySource};
use replay_replayer::rebuild::{FoldedFrom, TakenUp, take_up};

use super::{Case, MODELS, cases, samples};

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
fn go_on(case: &Case, dir: &Path, rest: &[Call]) -> (Head, CoreSnapshot, FoldedFrom) {
    let mut core = case.core();
    let mut source: MemorySource = case.source();
    let reader = RunReader::open(dir).unwrap();
    let kept = reader.nearest_snapshot(Seq::new(reader.head().count)).unwrap();
    let kept = kept.map(|kept| (kept.seq, kept.into_core()));
    let taken_up = take_up(&mut core, &mut source, kept, |from| reader.envelopes(from)).unwrap();
    assert_eq!(taken_up.last, reader.head().count);
    drop(reader);
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
    (head, core.snapshot(), taken_up.from)
}

/// Keeps the core after every step that was recorded.
#[derive(Default)]
struct Kept {
    snapshots: Vec<Snapshot>,
}

impl Observer for Kept {
    fn observe(&mut self, _core: &Core, _at: Timestamp, _event: &Event, _outputs: &[Output]) {}

    fn recorded(&mut self, core: &Core, last: Seq) -> Result<(), JournalError> {
        self.snapshots.push(Snapshot::new(last, core.snapshot()));
        Ok(())
    }
}

/// One short run of every fill model that trades, regimes and questions among them.
fn chosen() -> Vec<Case> {
    let short = |case: &Case| case.play().envelopes.len();
    let all = samples(cases(&MODELS));
    let chosen: Vec<Case> = MODELS
        .iter()
        .map(|model| {
            let fits = |case: &&Case| case.fill == *model && (15..60).contains(&short(case));
            all.iter().find(fits).cloned().unwrap()
        })
        .collect();
    assert!(chosen.iter().any(|case| case.answers_take.is_some()));
    chosen
}

#[test]
fn a_run_resumed_after_any_step_is_the_run_that_was_never_cut() {
    for case in chosen() {
        let (mut whole, mut kept) = (Calls::default(), Kept::default());
        let core = case.play_into(case.core(), case.source(), &mut whole, &mut kept);
        assert_eq!(kept.snapshots.len(), whole.calls.len());
        for cut_at in 0..=whole.calls.len() {
            let (past, rest) = whole.calls.split_at(cut_at);
            // Without a snapshot, from the one of the last step, and from an earlier one.
            for snapshot in [None, cut_at.checked_sub(1), (cut_at > 3).then_some(cut_at / 2)] {
                let dir = tempfile::tempdir().unwrap();
                let run = dir.path().join("run");
                cut(&run, past);
                let snapshot = snapshot.map(|place| &kept.snapshots[place]);
                snapshot.iter().for_each(|kept| snapshot::put(&run, kept).unwrap());
                let from = snapshot.map_or(FoldedFrom::Beginning, |kept| FoldedFrom::Snapshot(kept.seq));
                let wanted = (whole.head(), core.snapshot(), from);
                assert_eq!(go_on(&case, &run, rest), wanted, "{:?} cut at {cut_at}", case.fill);
            }
        }
    }
}

#[test]
fn a_snapshot_that_cannot_be_taken_up_is_named_and_the_run_folded_from_its_beginning() {
    let case = chosen().swap_remove(0);
    let (mut whole, mut kept) = (Calls::default(), Kept::default());
    let core = case.play_into(case.core(), case.source(), &mut whole, &mut kept);
    let (past, rest) = whole.calls.split_at(whole.calls.len() / 2);
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    cut(&run, past);
    let known = kept.snapshots.swap_remove(past.len() - 1);
    let seq = known.seq;
    snapshot::put(&run, &Snapshot { strategy: None, ..known }).unwrap();
    let from = FoldedFrom::BeginningDespite { seq, because: Forgotten::NotKept };
    assert_eq!(go_on(&case, &run, rest), (whole.head(), core.snapshot(), from));
    let line = TakenUp { last: 9, from }.to_string();
    assert!(
        line.starts_with("taken up at event 9, folded from the first event despite the snapshot"),
        "{line}"
    );
    assert!(!line.contains('\n'), "{line}");
}
