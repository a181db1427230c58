//! Same inputs, same head, byte for byte: across runs, journals, page sizes, datasets and processes.

use std::process::Command;

use engine_runtime::ports::{Head, Journal};
use journal_store::memory_journal::{DigestJournal, MemoryJournal};
use journal_store::run::{Closing, RunJournal, RunOptions, RunReader};
use proptest::prelude::*;
use replay_simulation::series_feed::{OpenDatasets, open};

use super::{Case, Lived, MODELS, cases, law, market, samples};

fn head_in(case: &Case, mut journal: impl Journal) -> Head {
    case.play_into(case.core(), case.source(), &mut journal, &mut Lived::default());
    journal.head()
}

/// Page sizes from half a kilobyte to 64 KiB.
fn page_sizes() -> impl Strategy<Value = usize> {
    (9_u32..=16, -100_i32..=100)
        .prop_map(|(power, off)| (1_usize << power).saturating_add_signed(off as isize))
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn two_runs_and_every_kind_of_journal_have_one_head(case in cases(&MODELS)) {
        let first = head_in(&case, MemoryJournal::default());
        prop_assert_eq!(first, head_in(&case, MemoryJournal::default()));
        prop_assert_eq!(first, head_in(&case, DigestJournal::default()));
    }

    #[test]
    fn the_head_of_a_stored_run_does_not_depend_on_its_pages(
        case in cases(&MODELS), page_bytes in page_sizes(), page_log in any::<bool>(),
    ) {
        let played = case.play();
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        let options = RunOptions { page_bytes, page_log, ..RunOptions::default() };
        let mut journal = RunJournal::create(&run, options).unwrap();
        case.play_into(case.core(), case.source(), &mut journal, &mut Lived::default());
        prop_assert_eq!(journal.head(), played.head);
        journal.close(Closing::default()).unwrap();
        let reader = RunReader::open(&run).unwrap();
        prop_assert_eq!(reader.head(), played.head);
        let envelopes = reader.envelopes(engine_core::envelope::Seq::FIRST).unwrap();
        let read: Vec<_> = envelopes.map(Result::unwrap).collect();
        prop_assert_eq!(read, played.envelopes);
    }

    #[test]
    fn the_head_does_not_depend_on_the_pages_of_the_dataset(case in cases(&MODELS), page_bytes in page_sizes()) {
        let dir = tempfile::tempdir().unwrap();
        let mut config = case.config();
        config.feeds = market::store(&case.items(), dir.path(), page_bytes);
        let mut datasets = OpenDatasets::default();
        let data = open(&config, &mut datasets).unwrap();
        let stored = case.play_with(case.core(), data.source);
        let memory = case.play();
        prop_assert_eq!(stored.steps, memory.steps);
        prop_assert_eq!(stored.head, memory.head);
    }
}

/// Runs that are the same in every process.
fn heads_of_fixed_runs() -> String {
    let runs = samples(cases(&MODELS)).into_iter().map(|case| {
        let Head { count, digest } = head_in(&case, MemoryJournal::default());
        format!("head {count} {digest:02x?}\n")
    });
    runs.collect()
}

const PRINTING: &str = "laws::determinism::fixed_runs_give_their_heads_again";

/// Also run by itself, in other processes, by the test below.
#[test]
fn fixed_runs_give_their_heads_again() {
    let heads = heads_of_fixed_runs();
    println!("\n{heads}");
    assert_eq!(heads, heads_of_fixed_runs());
}

#[test]
fn other_processes_find_the_same_heads() {
    let ours = heads_of_fixed_runs();
    for stray in ["C", "another environment"] {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program);
        child.args([PRINTING, "--exact", "--nocapture"]).env("STRAY", stray);
        let printed = String::from_utf8(child.output().unwrap().stdout).unwrap();
        let theirs: String = printed
            .lines()
            .filter(|line| line.starts_with("head "))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(theirs, ours, "{printed}");
    }
}
