//! Simulated worlds: the program as it is, with its exchange, its network, its disk and its time made up from a seed.
//!
//! Each seed is a run on paper that is broken in many ways and taken up again: processes are killed, the power goes, the disk
//! is full or broken, connections break and lie, clocks jump. It is the code of the program: the loop, the core, the
//! journal, recovery, sessions, dialects and past bars, against the fake exchange over pipes in memory. A short number of
//! seeds is part of every test run. More of them:
//!
//! ```text
//! SIMULATED_SEEDS=10000 SIMULATED_SEED=7 cargo test --workspace --test it -- --nocapture simulation::
//! ```

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use lives::{Lived, Lives, ground};
use swarm::Swarm;

mod disk;
mod lives;
mod oracle;
mod power;
mod random;
mod sectors;
mod swarm;
mod world;

/// Seeds of every test run.
const SEEDS: u64 = 10;

/// So many meet everything that can happen.
const SEEDS_FOR_ALL: u64 = 500;

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

fn lived(lives: impl FnOnce() -> Lives) -> Result<Lived, String> {
    let lived = catch_unwind(AssertUnwindSafe(|| lives().live()));
    lived.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
    })
}

/// Lives the world of `seed` twice.
fn lived_twice(seed: u64, key: &Path) -> Result<Lived, String> {
    let once = lived(|| Lives::of(seed, key))?;
    let again = lived(|| Lives::of(seed, key))?;
    if once == again { Ok(once) } else { Err(format!("twice is not the same: {once:?} and {again:?}")) }
}

#[test]
fn whatever_happens_a_run_is_whole_and_comes_to_rest() {
    let (first, seeds) = (variable("SIMULATED_SEED", 1), variable("SIMULATED_SEEDS", SEEDS));
    let keys = ground();
    let key = keys.path().join("key");
    let (mut counts, mut events, begun) = (BTreeMap::<&str, u64>::new(), 0, Instant::now());
    let mut violations = 0;
    for seed in first..first + seeds {
        match lived_twice(seed, &key) {
            Ok(lived) => {
                events += lived.head.count;
                for (what, times) in lived.counts {
                    *counts.entry(what).or_default() += times;
                }
            }
            Err(violation) => {
                violations += 1;
                println!(
                    "seed {seed}: {violation}\nagain with: SIMULATED_TOLD=1 SIMULATED_SEED={seed} SIMULATED_SEEDS=1 \
                     cargo test --workspace --test it -- --nocapture simulation::whatever"
                );
            }
        }
    }
    println!(
        "{seeds} seeds from {first}, {events} events, {:.1} s: {counts:?}",
        begun.elapsed().as_secs_f64()
    );
    assert_eq!(violations, 0, "violations in {seeds} seeds; each is named above");
    let never: Vec<&str> = Swarm::kinds().filter(|kind| !counts.contains_key(kind)).collect();
    assert!(seeds < SEEDS_FOR_ALL || never.is_empty(), "never met: {never:?}");
}

#[test]
fn the_power_goes_at_every_call() {
    let (keys, begun) = (ground(), Instant::now());
    let key = keys.path().join("key");
    let step = if variable("SIMULATED_SEEDS", SEEDS) < SEEDS_FOR_ALL { 23 } else { 1 };
    let mut cuts = 0;
    for changes in (0..).step_by(step) {
        let lived = lived(|| Lives::cut_behind(changes, &key));
        let lived = lived.unwrap_or_else(|violation| panic!("behind {changes} changes: {violation}"));
        if !lived.counts.contains_key("power cut") {
            break;
        }
        cuts += 1;
    }
    println!("{cuts} cuts, each {step} calls, {:.1} s", begun.elapsed().as_secs_f64());
    assert!(cuts * step > 100, "{cuts} cuts");
}
