//! `significance`: how much of a recorded run is luck, and what it would have earned a bar later or at twice the
//! costs.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_core::envelope::Seq;
use engine_core::halt::HaltReason;
use engine_core::time::Timestamp;
use journal_store::chain::hex;
use replay_history::market_source::{MarketItem, MarketSource};
use replay_replayer::trace::{Trace, trace};
use replay_simulation::series_feed::OpenDatasets;
use replay_statistics::significance::assessment::{Assessment, Deflation, LEVEL};
use replay_statistics::significance::bootstrap::{Difference, Plan};
use replay_statistics::significance::deflated::Search;
use replay_statistics::significance::path::PathFigures;
use replay_statistics::significance::timing::{TimingNull, circular_shift, random_sign};

use super::arguments::draws;
use super::interruption::ends_keeping_nothing;
use super::notes::note_run_state;
use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use crate::signals;
use engine_application::wiring::recording::Recording;
use engine_research::stress::{Stress, stressed};
use engine_research::trials::{heads_in, search_beside, search_recorded_in};

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
    let begin = |name: &str| {
        if terminal.is_watched() {
            terminal.note(&format!("playing the run again: {name}"));
        }
        Line::records(terminal)
    };
    let (repeated, stresses) = stressed(&recording, &args.dataset, &mut datasets, begin)?;
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
    if let Some(dir) = &args.search
        && !heads_in(dir)?.contains(&hex(&recording.reader.head().digest))
    {
        let (run, dir) = (args.run.display(), dir.display());
        terminal.note(&format!(
            "note: {run} is none of the trials recorded in {dir}; they count only if it was chosen by what they showed"
        ));
    }
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

fn traced(
    terminal: Terminal,
    recording: &Recording,
    args: &SignificanceArgs,
    datasets: &mut OpenDatasets,
) -> Result<Trace, Failure> {
    let mut line = Line::records(terminal);
    let inner = recording.source(&args.dataset, datasets)?;
    let bought_at = recording.all_have_prices_at(&inner)?;
    let mut source = Watched { inner, line: &mut line, done: 0, total: recording.market_records() };
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
