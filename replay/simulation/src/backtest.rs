//! One backtest: data, core, simulated venue and journal joined by the loop.

use std::time::{Duration, Instant};

use engine_core::event::Manifest;
use engine_core::machine::Core;
use engine_core::strategy::Strategy;
use engine_core::time::{Span, Timestamp};
use engine_runtime::conductor::Conductor;
use engine_runtime::ports::{Head, Journal};
use engine_runtime::runner::{RunError, SyncPolicy, run};

use crate::config::BacktestConfig;
use crate::operator::{OperatedEnvironment, Operator};
use crate::series_feed::{self, DataError, OpenDatasets, OpenedData};
use crate::sim_environment::SimEnvironment;
use replay_history::market_source::MarketSource;

pub mod assumptions;
pub mod counts;
pub mod recorder;

use recorder::RunRecorder;

/// The version of the engine that goes into every manifest.
pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The manifest of a backtest over `data`.
#[must_use]
pub fn manifest(config: &BacktestConfig, data: &OpenedData) -> Manifest {
    Manifest {
        engine_version: ENGINE_VERSION.to_owned(),
        mode: "backtest".to_owned(),
        config_json: config.config_json.clone(),
        strategy: config.strategy.clone(),
        instruments: config.instruments.clone(),
        datasets: data.datasets.clone(),
        seed: config.seed,
        capital: config.capital,
        synthetic: data.synthetic,
    }
}

/// Who answers the core's questions, with the time an answer travels.
pub type DelayedConductor = (Box<dyn Conductor>, Span);

/// Who takes part in a run besides the core and the venue.
pub struct Participants {
    /// The trading policy.
    pub strategy: Box<dyn Strategy>,
    /// Nobody where the core asks nothing.
    pub conductor: Option<DelayedConductor>,
    /// Who may end the run early.
    pub operator: Operator,
}

impl core::fmt::Debug for Participants {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        out.debug_struct("Participants").field("conducted", &self.conductor.is_some()).finish_non_exhaustive()
    }
}

impl From<Box<dyn Strategy>> for Participants {
    fn from(strategy: Box<dyn Strategy>) -> Self {
        Self { strategy, conductor: None, operator: Operator::default() }
    }
}

/// How a backtest ended.
#[derive(Debug)]
pub struct Outcome {
    /// The core after the last event.
    pub core: Core,
    /// The fingerprint of the run.
    pub head: Head,
    /// When the operator ended the run, if that came before the end of its data.
    pub interrupted_at: Option<Timestamp>,
    /// Wall time of the loop alone: data opened before, reports made after.
    pub elapsed: Duration,
    /// CPU time of the same, over all threads of the process; reading and checking ahead is in it.
    pub cpu: Duration,
}

/// Plays `data` through a core with the strategy of `participants` and records it in `journal`.
///
/// # Errors
/// [`RunError`] when data cannot be read on or the journal fails; the journal then says it is incomplete.
pub fn execute(
    config: &BacktestConfig,
    participants: impl Into<Participants>,
    data: OpenedData,
    journal: &mut impl Journal,
    recorder: &mut RunRecorder<'_>,
) -> Result<Outcome, RunError> {
    let manifest = manifest(config, &data);
    play(config, participants, data.source, manifest, journal, recorder)
}

/// Plays any market source; [`execute`] is this over datasets.
///
/// # Errors
/// As [`execute`].
pub fn play<S: MarketSource>(
    config: &BacktestConfig,
    participants: impl Into<Participants>,
    source: S,
    manifest: Manifest,
    journal: &mut impl Journal,
    recorder: &mut RunRecorder<'_>,
) -> Result<Outcome, RunError> {
    let Participants { strategy, conductor, operator } = participants.into();
    let mut environment = SimEnvironment::new(source, config, manifest);
    if let Some((conductor, delay)) = conductor {
        environment = environment.conducted_by(conductor, delay);
    }
    let mut environment = OperatedEnvironment::new(environment, operator);
    let mut core = Core::new(config.core(), strategy);
    let (begun, cpu_begun) = (Instant::now(), process_cpu());
    run(&mut core, &mut environment, journal, recorder, SyncPolicy::AtEnd)?;
    let (elapsed, cpu) = (begun.elapsed(), process_cpu().saturating_sub(cpu_begun));
    let interrupted_at = environment.interrupted_at();
    Ok(Outcome { core, head: journal.head(), interrupted_at, elapsed, cpu })
}

/// CPU time this process has used, over all its threads.
fn process_cpu() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(used.tv_sec), u32::try_from(used.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

/// A recorder that suits `config` and `data`.
#[must_use]
pub fn recorder<'a>(
    config: &BacktestConfig,
    data: &OpenedData,
    progress: &'a mut dyn recorder::Progress,
) -> RunRecorder<'a> {
    RunRecorder::new(
        &config.instruments,
        config.capital,
        (config.costs.taker_share(), data.source.begins_at()),
        data.records,
        progress,
    )
}

/// Opens the data a recorded run refers to: the records its manifest names, proven by count and digest.
///
/// A dataset that has grown since is as good as before; one whose first records differ is another dataset.
///
/// # Errors
/// [`DataError`] when it cannot be opened or is not what the manifest names.
pub fn reopen(
    config: &BacktestConfig,
    manifest: &Manifest,
    datasets: &mut OpenDatasets,
) -> Result<OpenedData, DataError> {
    series_feed::open_recorded(config, &manifest.datasets, datasets)
}
