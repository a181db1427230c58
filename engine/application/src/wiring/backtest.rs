//! A backtest as request and result: settings and datasets in, a recorded run and its figures out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine_core::event::Manifest;
use engine_core::market::MarketUpdate;
use engine_core::num::Money;
use engine_core::time::Timestamp;
use engine_runtime::interruption::Interruption;
use engine_runtime::ports::{Head, Journal as _};
use engine_runtime::runner::RunError;
use journal_store::run::{Closing, RunJournal, RunOptions, SideNote, write_side};
use replay_history::market_source::MarketSource as _;
use replay_simulation::backtest::recorder::{Progress, RunCounts, RunRecorder};
use replay_simulation::backtest::{Participants, assumptions, execute, manifest, recorder, reopen};
use replay_simulation::config::BacktestConfig;
use replay_simulation::operator::Operator;
use replay_simulation::series_feed::{OpenDatasets, OpenedData, open};
use replay_statistics::{
    BuyAndHold, EquityRecorder, PriceCandles, PriceRecorder, Recorded, RegimeFigures, Statistics, TradeBook,
};

use super::clock::now_nanos;
use super::conductor::{conductor, pinned};
use super::datasets::available;
use super::error::ApplicationError;
use super::signing::Signing;
use crate::config::{ResolveError, RunSettings, policy_of, resolve};

/// What to run and where to put it.
#[derive(Debug, Clone, Copy)]
pub struct BacktestRequest<'a> {
    /// The settings.
    pub settings: &'a RunSettings,
    /// The datasets to read from.
    pub datasets: &'a [PathBuf],
    /// The directory of the new run.
    pub run: &'a Path,
    /// The key to sign with; the user's own when absent.
    pub key: Option<&'a Path>,
    /// Ends the run early once it is asked for.
    pub interruption: &'a Interruption,
}

/// A backtest of which everything is found and checked, and nothing is written.
#[derive(Debug)]
pub struct PreparedBacktest {
    run: PathBuf,
    config: BacktestConfig,
    cast: Participants,
    data: OpenedData,
    manifest: Manifest,
    signing: Signing,
    datasets: OpenDatasets,
}

/// A finished backtest.
#[derive(Debug)]
pub struct BacktestResult {
    /// What was run.
    pub config: BacktestConfig,
    /// What the run is made of.
    pub manifest: Manifest,
    /// What happened, counted.
    pub counts: RunCounts,
    /// Equity over time.
    pub equity: EquityRecorder,
    /// Fills and closed trades.
    pub trades: TradeBook,
    /// Buy-and-hold beside it.
    pub reference: BuyAndHold,
    /// Prices of each instrument, for charts.
    pub prices: Vec<PriceRecorder>,
    /// Every figure.
    pub statistics: Statistics,
    /// What was earned by regime; empty for a run without regimes.
    pub regimes: Vec<RegimeFigures>,
    /// The fingerprint.
    pub head: Head,
    /// What it was signed with.
    pub signing: Signing,
    /// Equity at the end, exactly.
    pub equity_at_end: Money,
    /// All fees, exactly.
    pub fees: Money,
    /// Wall time of the loop alone.
    pub elapsed: Duration,
    /// CPU time of the loop, over all threads of the process.
    pub cpu: Duration,
    /// What was lost of the data before it was stored.
    pub cautions: Vec<String>,
    /// When the operator ended the run, if that came before the end of its data.
    pub interrupted_at: Option<Timestamp>,
    /// What it was made from, open still.
    datasets: OpenDatasets,
}

impl PreparedBacktest {
    /// Finds and checks everything that `request` needs: settings, data, model and key.
    ///
    /// # Errors
    /// [`ApplicationError`] when settings, data, model or a named key cannot be used.
    pub fn new(request: &BacktestRequest<'_>) -> Result<Self, ApplicationError> {
        let mut datasets = OpenDatasets::default();
        let available = available(request.settings, request.datasets, &mut datasets)?;
        let settings = pinned(request.settings)?;
        let config = resolve(&settings, &available)?;
        let strategy =
            policy_of(&resolved_settings(&config)?, &config.instruments).map_err(ResolveError::from)?;
        let operator = Operator::Listening(request.interruption.clone());
        let cast = Participants { strategy, conductor: conductor(&settings)?, operator };
        let data = open(&config, &mut datasets)?;
        if settings.policy.compares_markets() {
            data.of_one_bar_length()?;
        }
        let manifest = manifest(&config, &data);
        // Found wanting now, it costs nothing; after the run it would cost the run.
        let signing = Signing::prepared(request.key)?;
        Ok(Self { run: request.run.to_path_buf(), config, cast, data, manifest, signing, datasets })
    }

    /// What the run will be signed with.
    #[must_use]
    pub const fn signing(&self) -> &Signing {
        &self.signing
    }

    /// Plays the backtest and leaves its run on disk, closed and signed: to the end of the data, or as far as its
    /// operator let it.
    ///
    /// # Errors
    /// [`ApplicationError::Interrupted`] when the operator asked before there was a run. Otherwise when data or journal
    /// cannot be used or an amount did not fit; what was recorded stays and says it is incomplete.
    pub fn play(self, progress: &mut dyn Progress) -> Result<BacktestResult, ApplicationError> {
        let Self { run, config, cast, data, manifest, signing, datasets } = self;
        if cast.operator.ends_after(0) {
            return Err(ApplicationError::Interrupted { kept: "nothing was begun".to_owned() });
        }
        let mut journal = RunJournal::create(&run, options(&config))?;
        write_side(&run, &side_note(&config))?;
        let cautions = data.cautions.clone();
        let mut recorder = recorder(&config, &data, progress);
        recorder.keep_snapshots(&run, config.journal.snapshot_every);
        let key = signing.key.as_ref();
        let outcome = execute(&config, cast, data, &mut journal, &mut recorder)?;
        let head = journal.head();
        let state = outcome.core.state();
        let kept = outcome.core.snapshot();
        journal.close(Closing { core: Some(&kept), key, signed_at: now_nanos() })?;
        let RunRecorder { counts, equity, trades, reference, prices, regimes, .. } = recorder;
        ApplicationError::unless_all_fits(&counts)?;
        let recorded = Recorded { equity: &equity, trades: &trades, reference: &reference };
        Ok(BacktestResult {
            statistics: Statistics::of(&recorded),
            regimes: regimes.figures(&manifest.instruments, &equity),
            equity_at_end: state.equity(),
            fees: state.ledger().fees(),
            elapsed: outcome.elapsed,
            cpu: outcome.cpu,
            interrupted_at: outcome.interrupted_at,
            config,
            manifest,
            counts,
            equity,
            trades,
            reference,
            prices,
            head,
            signing,
            cautions,
            datasets,
        })
    }
}

impl BacktestResult {
    /// What the figures assume, and what was lost or broken on the way.
    #[must_use]
    pub fn assumptions(&self) -> Vec<String> {
        let mut sentences = assumptions::sentences(&self.config);
        sentences.extend(self.cautions.iter().cloned());
        sentences.extend(assumptions::violations(&self.counts));
        sentences
    }

    /// The bars of each instrument as candles of its charts; none of a run that read no bars. The bars are read once more: what a
    /// run keeps of them, bar by bar, is the close.
    ///
    /// # Errors
    /// [`ApplicationError`] when the data cannot be read again.
    pub fn candles(&mut self) -> Result<Vec<PriceCandles>, ApplicationError> {
        let mut candles: Vec<PriceCandles> = self.prices.iter().map(PriceCandles::over).collect();
        let mut source = reopen(&self.config, &self.manifest, &mut self.datasets)?.source;
        while let Some(item) = source.next().map_err(RunError::from)? {
            if let MarketUpdate::Bar(bar) = &item.update
                && let Some(candles) = candles.get_mut(bar.instrument.index())
            {
                candles.add(bar);
            }
        }
        Ok(candles)
    }

    /// Records per second of the loop.
    #[must_use]
    pub fn ticks_per_s(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.counts.records_read as f64 / seconds } else { 0.0 }
    }

    /// CPU time of the loop for one record, over all threads.
    #[must_use]
    pub fn cpu_ns_per_tick(&self) -> Option<f64> {
        let records = self.counts.records_read;
        (records > 0).then(|| self.cpu.as_secs_f64() * 1e9 / records as f64)
    }
}

/// The settings of a resolved configuration, as its manifest will give them back.
///
/// # Errors
/// [`ApplicationError::Manifest`] when they cannot be read back.
pub fn resolved_settings(config: &BacktestConfig) -> Result<RunSettings, ApplicationError> {
    let unreadable = |reason: String| ApplicationError::Manifest { run: "this run".to_owned(), reason };
    let table = serde_json::from_str(&config.config_json).map_err(|error| unreadable(error.to_string()))?;
    RunSettings::read(&table).map_err(|error| unreadable(error.to_string()))
}

const fn options(config: &BacktestConfig) -> RunOptions {
    RunOptions {
        page_bytes: config.journal.page_bytes,
        page_log: config.journal.page_log,
        self_contained: config.journal.self_contained,
    }
}

fn side_note(config: &BacktestConfig) -> SideNote {
    let place = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let paths = config.feeds.iter().map(|feed| place(&feed.dataset).display().to_string());
    SideNote { created_at: now_nanos(), dataset_paths: paths.collect(), ..SideNote::default() }
}
