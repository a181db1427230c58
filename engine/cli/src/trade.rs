//! `backtest`: settings and datasets in, a new run and its figures out.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine_core::event::Manifest;
use engine_core::num::Money;
use engine_runtime::ports::{Head, Journal};
use journal_store::run::{Closing, RunJournal, RunOptions, SideNote, write_side};
use replay_export::inference;
use replay_report::summary_table;
use replay_simulation::backtest::recorder::RunRecorder;
use replay_simulation::backtest::{Participants, execute, manifest, recorder};
use replay_simulation::config::BacktestConfig;
use replay_simulation::series_feed::{OpenDatasets, open};
use replay_statistics::{Recorded, Statistics};
use serde_json::{Value, json};

use crate::args::BacktestArgs;
use crate::config::{Available, ConfigError, ResolveError, RunSettings, policy_of, resolve, same_directory};
use crate::failure::{Failure, Verdict};
use crate::legacy::{self, Preset};
use crate::moment::moment_text;
use crate::paper;
use crate::progress::Line;
use crate::render::{halt_words, hex, inference_line, manifest_document, money};
use crate::seat::{conductor, pinned};
use crate::signing::Signing;
use crate::terminal::Terminal;

/// What to run and where to put it.
#[derive(Debug)]
pub struct Order<'a> {
    /// The settings.
    pub settings: &'a RunSettings,
    /// The datasets to read from.
    pub datasets: Vec<PathBuf>,
    /// The directory of the new run.
    pub run: &'a Path,
    /// Where the report goes, if anywhere.
    pub report: Option<&'a Path>,
    /// The key to sign with; the user's own when absent.
    pub key: Option<&'a Path>,
    /// The line that repeats this run, for the report.
    pub command: String,
    /// What a reader must know about the settings themselves, beside what they assume.
    pub caution: Option<&'static str>,
}

/// A finished run, in the words of both languages.
#[derive(Debug)]
pub struct Done {
    /// Everything about it, as JSON.
    pub document: Value,
    /// The same for people.
    pub text: String,
    /// Its fingerprint.
    pub head: Head,
}

/// Runs `engine backtest`.
///
/// # Errors
/// [`Failure`] when settings, data or journal cannot be used; what was recorded stays and says it is incomplete.
pub fn backtest(terminal: Terminal, args: &BacktestArgs) -> Result<Verdict, Failure> {
    let (settings, named) = match (&args.config, args.preset) {
        (Some(path), _) => (RunSettings::read_file(path)?, path.display().to_string()),
        (None, Some(preset)) => (preset.settings()?, format!("--preset {}", preset.name())),
        // The command line does not let this happen.
        (None, None) => return Err(Failure::Request("name a configuration or a --preset".to_owned())),
    };
    let mut command = format!("engine backtest {named} --run {}", args.run.display());
    for dataset in &args.dataset {
        command.push_str(&format!(" --dataset {}", dataset.display()));
    }
    note_doubled(terminal, &settings, &args.dataset);
    let order = Order {
        settings: &settings,
        datasets: args.dataset.clone(),
        run: &args.run,
        report: args.report.as_deref(),
        key: args.key.as_deref(),
        command,
        caution: args.preset.map(Preset::caution),
    };
    let done = match args.preset {
        Some(Preset::Seed3d) => legacy::carry_out(terminal, &order)?,
        None => carry_out(terminal, &order)
            .map_err(|failure| with_place(failure, args.config.as_deref().unwrap_or(Path::new(""))))?,
    };
    terminal.answer(&done.document, &done.text)?;
    Ok(Verdict::Fine)
}

/// Names the file and line of a setting that does not suit the data.
#[must_use]
pub fn with_place(failure: Failure, config: &Path) -> Failure {
    if let Failure::Resolve(ResolveError::Setting(error)) = failure {
        return Failure::Config(ConfigError::in_file(config, error));
    }
    failure
}

/// Runs a backtest and leaves its run, and report, on disk.
///
/// # Errors
/// As [`backtest`].
pub fn carry_out(terminal: Terminal, order: &Order<'_>) -> Result<Done, Failure> {
    order.report.map_or(Ok(()), paper::check)?;
    let mut datasets = OpenDatasets::default();
    let available = available(order.settings, &order.datasets, &mut datasets)?;
    let settings = pinned(order.settings)?;
    let config = resolve(&settings, &available)?;
    let strategy = policy_of(&resolved(&config)?, &config.instruments).map_err(ResolveError::from)?;
    let cast = Participants { strategy, conductor: conductor(&settings)? };
    let data = open(&config, &mut datasets)?;
    if settings.policy.compares_markets() {
        data.of_one_bar_length()?;
    }
    let manifest = manifest(&config, &data);
    // Found wanting now, they cost nothing; after the run they would cost the run.
    let signing = Signing::prepared(terminal, order.key)?;
    let mut journal = RunJournal::create(order.run, options(&config))?;
    write_side(order.run, &side(&config))?;
    let mut progress = Line::records(terminal);
    let cautions = data.cautions.clone();
    let mut recorder = recorder(&config, &data, &mut progress);
    recorder.keep_snapshots(order.run, config.journal.snapshot_every);
    let outcome = execute(&config, cast, data, &mut journal, &mut recorder)?;
    let head = journal.head();
    let key = signing.key.as_ref();
    let closing = Closing { state: Some(outcome.core.state()), key, signed_at: now_nanos() };
    journal.close(closing)?;
    Failure::unless_all_fits(&recorder.counts)?;
    let figures = Figures {
        order,
        config: &config,
        manifest: &manifest,
        recorder: &recorder,
        statistics: Statistics::of(&Recorded {
            equity: &recorder.equity,
            trades: &recorder.trades,
            reference: &recorder.reference,
        }),
        head,
        signing: &signing,
        equity: outcome.core.state().equity(),
        fees: outcome.core.state().ledger().fees(),
        elapsed: outcome.elapsed,
        cpu: outcome.cpu,
        cautions,
    };
    if let Some(path) = order.report {
        paper::write(path, &figures)?;
    }
    Ok(Done { document: figures.document(), text: figures.text(), head })
}

/// The settings of a resolved configuration, as its manifest will give them back.
///
/// # Errors
/// [`Failure::Manifest`] when they cannot be read back.
pub fn resolved(config: &BacktestConfig) -> Result<RunSettings, Failure> {
    let unreadable = |reason: String| Failure::Manifest { run: "this run".to_owned(), reason };
    let table = serde_json::from_str(&config.config_json).map_err(|error| unreadable(error.to_string()))?;
    RunSettings::read(&table).map_err(|error| unreadable(error.to_string()))
}

/// The series at hand for `settings`: those of the `given` datasets and of the ones it names itself.
///
/// # Errors
/// [`Failure::Dataset`] when one cannot be opened.
pub fn available(
    settings: &RunSettings,
    given: &[PathBuf],
    datasets: &mut OpenDatasets,
) -> Result<Vec<Available>, Failure> {
    let mut available = Vec::new();
    for dataset in places(settings, given).0 {
        let reader = datasets.reader(&dataset)?;
        available.push(Available::of(&dataset, reader)?);
    }
    Ok(available)
}

/// Says which datasets were named twice in different words; each is read once.
pub fn note_doubled(terminal: Terminal, settings: &RunSettings, given: &[PathBuf]) {
    for (one, other) in places(settings, given).1 {
        let (one, other) = (one.display(), other.display());
        terminal.note(&format!("{one} and {other} are one dataset; it is read once"));
    }
}

/// The directories of datasets, each once, and those that name one again in other words.
fn places(settings: &RunSettings, given: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, PathBuf)>) {
    let named = settings.data.iter().filter_map(|data| data.dataset.clone());
    let (mut places, mut doubled): (Vec<PathBuf>, Vec<(PathBuf, PathBuf)>) = (Vec::new(), Vec::new());
    for place in given.iter().cloned().chain(named) {
        match places.iter().find(|known| same_directory(known, &place)) {
            None => places.push(place),
            Some(known) if *known != place => doubled.push((known.clone(), place)),
            Some(_) => {}
        }
    }
    (places, doubled)
}

const fn options(config: &BacktestConfig) -> RunOptions {
    RunOptions {
        page_bytes: config.journal.page_bytes,
        page_log: config.journal.page_log,
        self_contained: config.journal.self_contained,
    }
}

fn side(config: &BacktestConfig) -> SideNote {
    let place = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let paths = config.feeds.iter().map(|feed| place(&feed.dataset).display().to_string());
    SideNote { created_at: now_nanos(), dataset_paths: paths.collect(), ..SideNote::default() }
}

/// The moment by the clock of the machine, nanoseconds since the epoch.
pub(crate) fn now_nanos() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Everything there is to say about a finished run.
#[derive(Debug)]
pub struct Figures<'a> {
    /// What was asked for.
    pub order: &'a Order<'a>,
    /// What was run.
    pub config: &'a BacktestConfig,
    /// What the run is made of.
    pub manifest: &'a Manifest,
    /// What was seen on the way.
    pub recorder: &'a RunRecorder<'a>,
    /// Every figure.
    pub statistics: Statistics,
    /// The fingerprint.
    pub head: Head,
    signing: &'a Signing,
    equity: Money,
    fees: Money,
    elapsed: Duration,
    cpu: Duration,
    /// What was lost of the data before it was stored.
    cautions: Vec<String>,
}

/// The most memory this process has held, where the system says so.
fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

impl Figures<'_> {
    /// What the figures assume, and what to know about the settings.
    #[must_use]
    pub fn assumptions(&self) -> Vec<String> {
        let mut sentences = replay_simulation::backtest::assumptions::sentences(self.config);
        sentences.extend(self.cautions.iter().cloned());
        sentences.extend(replay_simulation::backtest::assumptions::violations(&self.recorder.counts));
        sentences.extend(self.order.caution.map(str::to_owned));
        sentences
    }

    /// Records per second of the loop.
    fn ticks_per_s(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.recorder.counts.ticks as f64 / seconds } else { 0.0 }
    }

    /// CPU time of the loop for one record, over all threads.
    fn cpu_ns_per_tick(&self) -> Option<f64> {
        let ticks = self.recorder.counts.ticks;
        (ticks > 0).then(|| self.cpu.as_secs_f64() * 1e9 / ticks as f64)
    }

    fn document(&self) -> Value {
        let Statistics { performance, risk, drawdown, trades, costs, .. } = &self.statistics;
        let counts = &self.recorder.counts;
        json!({
            "run": self.order.run.display().to_string(),
            "report": self.order.report.map(|path| path.display().to_string()),
            "strategy": self.config.strategy,
            "synthetic": self.manifest.synthetic,
            "fill": self.config.fill.name(),
            "optimistic": self.config.fill.is_optimistic(),
            "return_pct": performance.return_pct,
            "sharpe": risk.sharpe,
            "max_drawdown_pct": drawdown.max_drawdown_pct,
            "trades": trades.trades,
            "orders": counts.orders,
            "fills": counts.fills,
            "final_equity": performance.final_equity,
            "fees": costs.fees,
            "exact": { "final_equity": money(self.equity), "fees": money(self.fees) },
            "events": self.head.count,
            "ticks": counts.ticks,
            "elapsed_s": self.elapsed.as_secs_f64(),
            "ticks_per_s": self.ticks_per_s(),
            "cpu_ns_per_tick": self.cpu_ns_per_tick(),
            "peak_rss_mib": peak_rss_mib(),
            "head": hex(&self.head.digest),
            "signature": self.signing.document(),
            "counts": self.counts(),
            "assumptions": self.assumptions(),
            "statistics": self.statistics,
            "manifest": manifest_document(self.manifest),
        })
    }

    /// What happened, counted. Amounts have more digits than a JSON number holds, so they are words here.
    fn counts(&self) -> Value {
        let counts = &self.recorder.counts;
        let halts = counts
            .halts
            .iter()
            .map(|(at, reason)| json!({ "at": moment_text(*at), "reason": halt_words(reason) }));
        json!({
            "bars_built": counts.bars_built,
            "signals": counts.signals,
            "refusals": counts.refusals,
            "rejected": counts.rejected,
            "expired": counts.expired,
            "halts": halts.collect::<Vec<_>>(),
            "regime_changes": counts.regime_changes,
            "gaps": counts.gaps,
            "impossible_bars": counts.impossible_bars,
            "crossed_quotes": counts.crossed_quotes,
            "questions": counts.questions,
            "missed_answers": counts.missed_answers,
            "degraded": counts.degraded,
            "inference": counts.inference.as_ref().map(inference),
        })
    }

    /// What the conductor did, in a run that has one.
    fn conduct(&self) -> String {
        let counts = &self.recorder.counts;
        let Some(setup) = &counts.inference else { return String::new() };
        let mut text = format!("{}\n", inference_line(setup));
        text.push_str(&format!("{} questions, {} missed\n", counts.questions, counts.missed_answers));
        for (reason, count) in &counts.degraded {
            text.push_str(&format!("the rule answered {count} times: {reason}\n"));
        }
        text
    }

    fn text(&self) -> String {
        let counts = &self.recorder.counts;
        let mut text = String::new();
        if self.manifest.synthetic {
            text.push_str("SYNTHETIC DATA: no market ever traded at these prices\n");
        }
        if self.config.fill.is_optimistic() {
            text.push_str(&format!("OPTIMISTIC FILLS: {}\n", self.config.fill.name()));
        }
        for sentence in replay_simulation::backtest::assumptions::violations(&self.recorder.counts) {
            text.push_str(&format!("{sentence}\n"));
        }
        text.push_str(&summary_table(&self.statistics));
        let (orders, fills) = (counts.orders, counts.fills);
        text.push_str(&format!("\n{orders} orders, {fills} fills, {} records in ", counts.ticks));
        text.push_str(&format!("{:.2} s ({:.0} a second)\n", self.elapsed.as_secs_f64(), self.ticks_per_s()));
        for (reason, count) in &counts.refusals {
            text.push_str(&format!("refused {count} times: {reason}\n"));
        }
        text.push_str(&self.conduct());
        for (at, reason) in &counts.halts {
            let at = moment_text(*at);
            text.push_str(&format!("halted at {at}: {}\n", halt_words(reason)));
        }
        text.push_str(&format!("run    {}\n", self.order.run.display()));
        if let Some(report) = self.order.report {
            text.push_str(&format!("report {}\n", report.display()));
        }
        text.push_str(&format!("head   {} after {} events\n", hex(&self.head.digest), self.head.count));
        text.push_str(&self.signing.text());
        text
    }
}
