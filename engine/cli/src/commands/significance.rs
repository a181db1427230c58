//! `significance`: how much of a recorded run is luck, and what it would have earned a bar later or at twice the
//! costs.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_core::envelope::Seq;
use engine_core::halt::HaltReason;
use engine_core::num::Ratio;
use engine_core::time::Timestamp;
use replay_history::market_source::{MarketItem, MarketSource};
use replay_replayer::trace::{Trace, trace};
use replay_simulation::backtest::Participants;
use replay_simulation::config::{BacktestConfig, Costs};
use replay_simulation::series_feed::OpenDatasets;
use replay_statistics::significance::assessment::{Assessment, Deflation, LEVEL};
use replay_statistics::significance::bootstrap::{Difference, Plan};
use replay_statistics::significance::deflated::Search;
use replay_statistics::significance::path::PathFigures;
use replay_statistics::significance::timing::{TimingNull, circular_shift, random_sign};
use strategies::delayed_bars::DelayedBars;

use super::arguments::draws;
use super::interruption::ends_keeping_nothing;
use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use crate::signals;
use engine_application::config::{ImpactSection, RunSettings, policy_of};
use engine_application::wiring::conductor::conductor;
use engine_application::wiring::error::ApplicationError;
use engine_application::wiring::recording::Recording;
use engine_research::trial_run::{TrialRun, play_trial};
use engine_research::trials::{search_beside, search_recorded_in};

mod words;

/// Fewer daily returns than this say nothing.
const DAYS_MIN: usize = 30;

/// `engine significance`.
#[derive(Debug, Args)]
pub struct SignificanceArgs {
    /// The run.
    pub run: PathBuf,
    /// Where its datasets lie now, when they were moved.
    #[arg(long, value_name = "DIR")]
    pub dataset: Vec<PathBuf>,
    /// Configurations tried before this one was picked, this one included; those recorded beside the run when absent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub trials: Option<u64>,
    /// Directory of the sweep or walk-forward that the run was chosen from, with the trials recorded there.
    #[arg(long, value_name = "DIR", conflicts_with = "trials")]
    pub search: Option<PathBuf>,
    /// Standard deviation of their yearly Sharpe ratios; that of worthless trials when neither given nor recorded.
    #[arg(long, value_name = "S", value_parser = spread)]
    pub trial_sd: Option<f64>,
    /// Everything random comes from here.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Resampled paths, shifts and tosses.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = draws)]
    pub draws: usize,
}

fn spread(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| (0.0..=100.0).contains(number));
    number.ok_or_else(|| "a number from 0 to 100, as in 0.5".to_owned())
}

/// Where the number of trials comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Counted {
    /// The command line said so.
    Given,
    /// Recorded in this file.
    Recorded(PathBuf),
    /// Nobody said: the run counts as the only one.
    Assumed,
}

/// Where the spread of their ratios comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    Given,
    Recorded,
    /// That of trials without merit over as many days: one over the root of their number.
    Worthless,
}

/// What the run would have come to under stress.
#[derive(Debug, Clone)]
struct Stress {
    name: &'static str,
    meaning: &'static str,
    outcome: Outcome,
}

/// What a run under stress came to, or why that is not known.
type Outcome = Result<Stressed, String>;

#[derive(Debug, Clone)]
struct Stressed {
    figures: PathFigures,
    /// Closed trades.
    trades: usize,
    halts: Vec<(Timestamp, HaltReason)>,
}

/// Everything there is to say.
#[derive(Debug)]
struct Answer<'a> {
    run: &'a std::path::Path,
    complete: bool,
    synthetic: bool,
    optimistic: bool,
    halts: Vec<(Timestamp, HaltReason)>,
    strategy: &'a str,
    assessment: Assessment,
    counted: Counted,
    spread: Spread,
    deflation: Deflation,
    holding: PathFigures,
    beside_holding: Option<Difference>,
    intervals: usize,
    intervals_per_year: f64,
    exposure_mean: f64,
    shift: Option<TimingNull>,
    sign: Option<TimingNull>,
    /// Whether playing the run again gave the recorded head; `None` when it could not be played.
    repeated: Option<bool>,
    stresses: Vec<Stress>,
}

/// Runs `engine significance RUN`.
///
/// # Errors
/// [`Failure`] when run, datasets or trials cannot be read, or when the run is too short to judge.
pub fn significance(terminal: Terminal, args: &SignificanceArgs) -> Result<Verdict, Failure> {
    ends_keeping_nothing(terminal)?;
    let recording = Recording::open(&args.run)?;
    let mut datasets = OpenDatasets::default();
    let traced = traced(terminal, &recording, args, &mut datasets)?;
    let returns = traced.equity.daily_returns();
    let assessment = Assessment::of(&returns, args.draws, args.seed);
    let Some(assessment) = assessment.filter(|assessment| assessment.days >= DAYS_MIN) else {
        let (run, days) = (args.run.display(), returns.len());
        let line = format!("judge {run}: it has {days} daily returns, at least {DAYS_MIN} are needed");
        return Err(Failure::request(line));
    };
    let (search, counted, spread) = search(args, returns.len())?;
    let held = traced.holding.daily_returns();
    let plan = Plan::of(&returns, args.draws, args.seed);
    let (repeated, stresses) = stressed(terminal, &recording, args, &mut datasets)?;
    let years = assessment.days as f64 / 365.0;
    let answer = Answer {
        run: &args.run,
        complete: recording.reader.is_complete(),
        synthetic: recording.manifest.synthetic,
        optimistic: recording.settings().run.fill.is_some_and(|fill| fill.is_optimistic()),
        halts: traced.halts,
        strategy: &recording.manifest.strategy,
        assessment,
        counted,
        spread,
        deflation: Deflation::of(&returns, &search),
        holding: PathFigures::of(held.iter().copied()).unwrap_or(STILL),
        beside_holding: Difference::of(&returns, &held, &plan, LEVEL),
        intervals: traced.exposures.len(),
        intervals_per_year: traced.exposures.len() as f64 / years,
        exposure_mean: traced.exposures.gross_mean(),
        shift: circular_shift(&traced.exposures, args.draws, args.seed),
        sign: random_sign(&traced.exposures, args.draws, args.seed),
        repeated,
        stresses,
    };
    signals::is_done();
    terminal.answer(&answer.document(), &answer.text())?;
    note_run_state(terminal, &recording.reader);
    Ok(Verdict::Fine)
}

const STILL: PathFigures = PathFigures { sharpe: 0.0, cagr: 0.0, max_drawdown: 0.0 };

/// A source that says how far it has been read.
struct Watched<'a, S> {
    inner: S,
    line: &'a mut Line,
    done: u64,
    total: u64,
}

impl<S: MarketSource> MarketSource for Watched<'_, S> {
    fn next(&mut self) -> Result<Option<MarketItem>, engine_runtime::ports::EnvironmentError> {
        let item = self.inner.next()?;
        self.done += 1;
        if let Some(item) = item.as_ref().filter(|_| self.done.is_multiple_of(1 << 16)) {
            replay_simulation::backtest::recorder::Progress::advanced(
                self.line, self.done, self.total, item.at,
            );
        }
        Ok(item)
    }
}

fn records(recording: &Recording) -> u64 {
    let spans =
        recording.manifest.datasets.iter().map(|dataset| dataset.last + 1 - dataset.first.min(dataset.last));
    spans.sum()
}

fn traced(
    terminal: Terminal,
    recording: &Recording,
    args: &SignificanceArgs,
    datasets: &mut OpenDatasets,
) -> Result<Trace, Failure> {
    let mut line = Line::records(terminal);
    let inner = recording.source(&args.dataset, datasets)?;
    let bought_at = recording.all_have_prices_at(&inner)?;
    let mut source = Watched { inner, line: &mut line, done: 0, total: records(recording) };
    let fee = recording.settings().costs.taker_share();
    let envelopes = recording.reader.envelopes(Seq::FIRST)?;
    Ok(trace(recording.opening_state()?, (fee, bought_at), &mut source, envelopes)?)
}

/// The search recorded in `dir`, which was named for it.
fn search_in(dir: &Path) -> Result<(Search, PathBuf), Failure> {
    let line = || Failure::request(format!("read the trials in {}: none are recorded there", dir.display()));
    search_recorded_in(dir)?.ok_or_else(line)
}

fn search(args: &SignificanceArgs, days: usize) -> Result<(Search, Counted, Spread), Failure> {
    let recorded = match (&args.search, args.trials) {
        (Some(dir), _) => Some(search_in(dir)?),
        (None, Some(_)) => None,
        (None, None) => search_beside(&args.run)?,
    };
    let worthless = 1.0 / (days as f64 - 1.0).sqrt();
    let given = args.trial_sd.map(|yearly| yearly / 365.0_f64.sqrt());
    let spread = match (given, &recorded) {
        (Some(sd), _) => (sd, Spread::Given),
        (None, Some((search, _))) => (search.sharpe_sd, Spread::Recorded),
        (None, None) => (worthless, Spread::Worthless),
    };
    let (trials, counted) = match (args.trials, recorded) {
        (Some(trials), _) => (trials, Counted::Given),
        (None, Some((search, path))) => (search.trials, Counted::Recorded(path)),
        (None, None) => (1, Counted::Assumed),
    };
    Ok((Search { trials, sharpe_sd: spread.0 }, counted, spread.1))
}

const STRESSES: [(&str, &str); 3] = [
    ("as_it_was", "played again as it was"),
    ("one_bar_late", "every bar is seen one bar late"),
    ("doubled_costs", "fees, slippage and spread are twice as high"),
];

/// Plays the run again: as it was, one bar late, and at twice the costs. A run whose conductor is not at hand cannot
/// be played, which is said and no failure.
fn stressed(
    terminal: Terminal,
    recording: &Recording,
    args: &SignificanceArgs,
    datasets: &mut OpenDatasets,
) -> Result<(Option<bool>, Vec<Stress>), Failure> {
    let stresses = |outcomes: [Outcome; 3]| {
        let named = STRESSES.iter().zip(outcomes);
        named.map(|((name, meaning), outcome)| Stress { name, meaning, outcome }).collect()
    };
    let settings = recording.settings();
    let cannot = match conductor(settings) {
        Err(error) => Some(Failure::from(error).line()),
        // Another would be judged over other days.
        Ok(_) if recording.reader.is_interrupted() => {
            Some("its operator ended it early, and played again it would go on".to_owned())
        }
        Ok(_) => None,
    };
    if let Some(reason) = cannot {
        let missing = || Err(reason.clone());
        return Ok((None, stresses([missing(), missing(), missing()])));
    }
    let mut play = |name: &str, settings: &RunSettings, late: bool| {
        if terminal.is_watched() {
            terminal.note(&format!("playing the run again: {name}"));
        }
        let (config, source) = recording.again(settings, &args.dataset, datasets)?;
        let strategy = policy_of(settings, &config.instruments)
            .map_err(|error| ApplicationError::manifest(&recording.dir, &error))?;
        let strategy = if late { Box::new(DelayedBars::new(strategy)) } else { strategy };
        let cast = Participants { conductor: conductor(settings)?, ..strategy.into() };
        let mut line = Line::records(terminal);
        let data = (source, recording.manifest.clone(), records(recording));
        play_trial(&config, cast, data, &mut line).map(|trial| (config, trial))
    };
    let (config, plain) = play("as it was", settings, false)?;
    let repeated = plain.head == recording.reader.head();
    let dear = RunSettings {
        costs: doubled(&settings.costs),
        impact: settings.impact.as_ref().map(ImpactSection::doubled),
        ..settings.clone()
    };
    let (_, dear) = play("at twice the costs", &dear, false)?;
    let late = match has_bars(&config) {
        true => play("one bar late", settings, true).map(|(_, late)| figures(&late))?,
        false => Err("the run has no bars to be late by".to_owned()),
    };
    Ok((Some(repeated), stresses([figures(&plain), late, figures(&dear)])))
}

fn figures(trial: &TrialRun) -> Outcome {
    let figures = PathFigures::of(trial.equity.daily_returns());
    let (trades, halts) = (trial.trades, trial.halts.clone());
    figures
        .map(|figures| Stressed { figures, trades, halts })
        .ok_or_else(|| "it ended within two days".to_owned())
}

fn has_bars(config: &BacktestConfig) -> bool {
    use replay_simulation::config::FillModel::{AtSignal, NextOpen, Quotes, SameClose, Trades};
    match config.fill {
        NextOpen | SameClose => true,
        AtSignal | Trades | Quotes => config.bars.is_some(),
    }
}

/// Every cost twice; a rebate becomes nothing, since twice a gain would be no stress.
fn doubled(costs: &Costs) -> Costs {
    // A configuration allows at most a half, far from the end of a ratio.
    let twice = |share: Ratio| Ratio::from_units(share.units().max(0).saturating_mul(2));
    Costs {
        maker_fee: twice(costs.maker_fee),
        taker_fee: twice(costs.taker_fee),
        slippage: twice(costs.slippage),
        spread: twice(costs.spread),
        impact_max: twice(costs.impact_max),
    }
}
