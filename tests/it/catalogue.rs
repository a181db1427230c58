//! Every policy of the catalogue with nothing but its name trades on a synthetic market.

use std::path::Path;

use engine_core::time::Span;
use journal_store::memory_journal::DigestJournal;
use replay_history::synth::{SynthRequest, SynthSize, synthesise};
use strategies::catalogue::POLICIES;
use strategies::catalogue::parameters::example;
use system_tests::{Played, play_into};

fn market(dir: &Path, symbol: &str, seed: u64) {
    let request = SynthRequest {
        dataset: dir.to_path_buf(),
        venue: "synthetic".into(),
        symbol: symbol.into(),
        seed,
        size: SynthSize::Bars(1_500, Span::DAY),
    };
    synthesise(&request).unwrap();
}

/// The policy with its defaults, in a run with its defaults; only the drawdown limit stands far enough to let it trade.
fn played(name: &str, fill: &str, dir: &Path) -> Played {
    let mut toml = format!(
        "[run]\ncapital = \"100000\"\nfill = \"{fill}\"\n[risk]\ndrawdown_max = 1\n[strategy]\nname = \"{name}\"\n"
    );
    for (key, value) in example(name).iter().filter(|(key, _)| *key != "name") {
        toml.push_str(&format!("{key} = {value}\n"));
    }
    play_into(&toml, &[dir], &mut DigestJournal::default())
}

/// How many fills and refusals each policy had.
fn traded(name: &str, seeds: impl Iterator<Item = u64>, fill: &str) -> (u64, u64) {
    let each = seeds.map(|seed| {
        let dir = tempfile::tempdir().unwrap();
        market(dir.path(), "ONE", seed);
        let counts = played(name, fill, dir.path()).counts;
        let refused: u64 = counts.refusals.values().sum();
        assert!(
            refused == 0 || counts.fills > 0,
            "{name} on seed {seed}, {fill}: nothing passes: {counts:?}"
        );
        (counts.fills, refused)
    });
    each.fold((0, 0), |(fills, refused), (more, others)| (fills + more, refused + others))
}

/// Targets come from a file of the user; `own_strategies` follows one.
fn needs_no_file(name: &str) -> bool {
    name != "signals"
}

#[test]
fn every_policy_with_its_defaults_trades() {
    for (name, _) in POLICIES.iter().filter(|(name, _)| needs_no_file(name)) {
        for fill in ["next-open", "same-close"] {
            let (fills, refused) = traded(name, 1..=3, fill);
            assert!(fills > 0 && refused <= fills, "{name}, {fill}: {fills} fills, {refused} refusals");
        }
    }
}

#[test]
fn every_policy_with_its_defaults_trades_every_instrument() {
    for seed in 1..=3 {
        let dir = tempfile::tempdir().unwrap();
        market(dir.path(), "ONE", seed);
        market(dir.path(), "TWO", seed + 100);
        // The original traded one market with all its cash, and says so before a run over two.
        for (name, _) in POLICIES.iter().filter(|(name, _)| *name != "seed-3d" && needs_no_file(name)) {
            let played = played(name, "next-open", dir.path());
            let positions = played.core.state().ledger().positions();
            let fills: Vec<u64> = positions.iter().map(|position| position.fills).collect();
            assert!(
                fills.iter().all(|fills| *fills > 0),
                "{name} on seed {seed}: {fills:?} {:?}",
                played.counts
            );
        }
    }
}
