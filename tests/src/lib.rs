//! The harness of the system tests: shared data, imports into throw-away datasets, whole backtests.

use std::path::{Path, PathBuf};

use engine_application::config::{Available, RunSettings, policy_of, resolve};
use engine_core::machine::Core;
use engine_core::strategy::Strategy;
use engine_runtime::ports::{Head, Journal};
use journal_store::memory_journal::MemoryJournal;
use replay_history::import::{ImportOutcome, ImportRequest, import};
use replay_simulation::backtest::Participants;
use replay_simulation::backtest::recorder::{RunCounts, Silent};
use replay_simulation::config::BacktestConfig;
use replay_simulation::operator::Operator;
use replay_simulation::series_feed::{OpenDatasets, open};
use replay_statistics::{RoundTrip, Statistics};

/// The folder with real market data, golden results and benches, when it is there.
///
/// A test that needs it says so and passes over itself otherwise.
#[must_use]
pub fn shared(below: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(below);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: shared data not found: {below}");
    None
}

/// A file of the project.
#[must_use]
pub fn project_file(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(below)
}

/// A whole backtest, as its parts stand at the end.
#[derive(Debug)]
pub struct Played {
    /// The resolved configuration.
    pub config: BacktestConfig,
    /// The core after the last event.
    pub core: Core,
    /// The run's fingerprint.
    pub head: Head,
    /// What happened, counted.
    pub counts: RunCounts,
    /// Closed trades in the order of closing.
    pub trades: Vec<RoundTrip>,
    /// Largest fall of equity over all samples, as a share at most zero.
    pub max_drawdown: f64,
    /// Every figure.
    pub statistics: Statistics,
}

/// Imports one file into a new dataset at `dir`.
///
/// # Panics
/// When the import fails: tests hand in sound files.
#[must_use]
#[expect(clippy::expect_used, reason = "a test that cannot set up has failed")]
pub fn import_file(
    dir: &Path,
    symbol: &str,
    file: &Path,
    change: impl Fn(&mut ImportRequest),
) -> ImportOutcome {
    let mut request = ImportRequest::new(dir, "test", symbol, vec![file.to_path_buf()]);
    change(&mut request);
    import(&request, &mut ()).expect("import the file of a test")
}

/// Resolves a configuration against the datasets at `dirs`.
///
/// # Panics
/// When it cannot be resolved.
#[must_use]
#[expect(clippy::expect_used, reason = "a test that cannot set up has failed")]
pub fn resolved(
    toml: &str,
    dirs: &[&Path],
    datasets: &mut OpenDatasets,
) -> (BacktestConfig, Box<dyn Strategy>) {
    let settings = RunSettings::read_toml("test.toml", toml).expect("read the configuration of a test");
    let available = dirs.iter().map(|dir| {
        let reader = datasets.reader(dir).expect("open the dataset of a test");
        Available::of(dir, reader).expect("read the dataset of a test")
    });
    let available: Vec<Available> = available.collect();
    let config = resolve(&settings, &available).expect("resolve the configuration of a test");
    let resolved: serde_json::Value = serde_json::from_str(&config.config_json).expect("canonical settings");
    let resolved = RunSettings::read(resolved.as_object().expect("an object")).expect("resolved settings");
    let strategy = policy_of(&resolved, &config.instruments).expect("build the strategy of a test");
    (config, strategy)
}

/// Plays a whole backtest into `journal`.
///
/// # Panics
/// When it cannot be played.
#[must_use]
#[expect(clippy::expect_used, reason = "a test that cannot set up has failed")]
pub fn play_into(toml: &str, dirs: &[&Path], journal: &mut impl Journal) -> Played {
    let mut datasets = OpenDatasets::default();
    let (config, strategy) = resolved(toml, dirs, &mut datasets);
    let data = open(&config, &mut datasets).expect("open the data of a test");
    let mut silent = Silent;
    let mut recorder = replay_simulation::backtest::recorder(&config, &data, &mut silent);
    let settings = RunSettings::read_toml("test.toml", toml).expect("read the configuration of a test");
    let conductor =
        engine_application::wiring::conductor::conductor(&settings).expect("seat the conductor of a test");
    let cast = Participants { strategy, conductor, operator: Operator::default() };
    let outcome = replay_simulation::backtest::execute(&config, cast, data, journal, &mut recorder);
    let outcome = outcome.expect("play the run of a test");
    let recorded = replay_statistics::Recorded {
        equity: &recorder.equity,
        trades: &recorder.trades,
        reference: &recorder.reference,
    };
    Played {
        statistics: Statistics::of(&recorded),
        trades: recorder.trades.closed().to_vec(),
        max_drawdown: recorder.equity.falls().deepest.map_or(0.0, |fall| fall.depth()),
        counts: recorder.counts.clone(),
        core: outcome.core,
        head: outcome.head,
        config,
    }
}

/// Plays a whole backtest and keeps nothing but its end.
#[must_use]
pub fn play(toml: &str, dirs: &[&Path]) -> Played {
    play_into(toml, dirs, &mut MemoryJournal::default())
}
