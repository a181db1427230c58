//! A backtest that is played and not kept: what came of it, and the head it would have had.

use engine_core::event::Manifest;
use engine_core::halt::HaltReason;
use engine_core::time::Timestamp;
use engine_runtime::ports::Head;
use journal_store::memory_journal::DigestJournal;
use replay_history::market_source::MarketSource;
use replay_simulation::backtest::recorder::{Progress, RunRecorder};
use replay_simulation::backtest::{Participants, play};
use replay_simulation::config::BacktestConfig;
use replay_statistics::EquityRecorder;

use engine_application::wiring::error::ApplicationError;

/// What came of a backtest.
#[derive(Debug, Clone)]
pub struct TrialRun {
    /// Equity over time.
    pub equity: EquityRecorder,
    /// Closed trades.
    pub trades: usize,
    /// Halts of trading, with their moments.
    pub halts: Vec<(Timestamp, HaltReason)>,
    /// The fingerprint of the run.
    pub head: Head,
}

/// Plays `source`, of about `records` market records, under `config` with `cast`.
///
/// # Errors
/// [`ApplicationError::Run`] when the data cannot be read on.
pub fn play_trial<S: MarketSource>(
    config: &BacktestConfig,
    cast: Participants,
    (source, manifest, records): (S, Manifest, u64),
    progress: &mut dyn Progress,
) -> Result<TrialRun, ApplicationError> {
    // Nobody looks at the buy-and-hold of a trial.
    let held = (config.costs.taker_share(), Timestamp::MIN);
    let mut recorder = RunRecorder::new(&config.instruments, config.capital, held, records, progress);
    let mut journal = DigestJournal::default();
    let outcome = play(config, cast, source, manifest, &mut journal, &mut recorder)?;
    ApplicationError::unless_all_fits(&recorder.counts)?;
    let trades = recorder.trades.closed().len();
    let halts = recorder.counts.halts;
    Ok(TrialRun { equity: recorder.equity, trades, halts, head: outcome.head })
}
