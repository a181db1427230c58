//! What `rg-ens12` earned over three universes and three spans, after costs, with its uncertainty.
//!
//! Every figure is of the real engine: decided at the close, filled at the next open, 10 bps fee and 5 bps slippage.
//! History before a span is learned from and not traded. Beside it stand buying and holding, the original system, and
//! the same ensemble filled at the close that decided, which no market would have done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine_application::config::{Available, ConfigError, ResolveError, RunSettings, resolve};
use engine_application::wiring::datasets::available;
use engine_application::wiring::error::ApplicationError;
use engine_core::num::Ratio;
use engine_core::time::{Span, Timestamp};
use replay_simulation::config::FillModel;
use replay_simulation::series_feed::OpenDatasets;
use replay_statistics::significance::assessment::{Assessment, Deflation, LEVEL};
use replay_statistics::significance::bootstrap::{Difference, Draws, Plan};
use replay_statistics::significance::deflated::Search;
use replay_statistics::significance::path::PathFigures;
use replay_statistics::walk_forward::fold::Window;
use replay_statistics::{deviation, sharpe_per_period};
use serde_json::{Value, json};
use strategies::catalogue;

use crate::parallel::in_parallel;
use crate::trial_runner::{Job, Ran, TrialRunner, share_out};

mod spans;

pub use spans::Case;

/// The shipped configuration, from which every run of the study is made.
const CONFIG: &str = include_str!("../../../fixtures/config/rg-ens12-bes.toml");

/// Configurations that were looked at on these markets before this one became the default.
pub const TRIALS_COUNTED: u64 = 200;

/// How the study is judged.
#[derive(Debug, Clone)]
pub struct EnsemblePlan {
    /// The spans to judge: from, and up to where if not to the end of the data; three usual ones when empty.
    pub spans: Vec<(Timestamp, Option<Timestamp>)>,
    /// Where the usual spans end, if not at the end of the data.
    pub to: Option<Timestamp>,
    /// Configurations tried before this one was picked.
    pub trials: u64,
    /// Everything random comes from here.
    pub seed: u64,
    /// Resampled paths.
    pub draws: usize,
}

/// What a run of a case is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Ensemble,
    SameClose,
    Holding,
    /// The original on one instrument of the universe.
    Original,
    /// One of the simple trend policies whose spread stands for that of the search.
    Neighbour,
}

/// The study.
#[derive(Debug)]
pub struct EnsembleStudy {
    /// Every universe over every span.
    pub rows: Vec<EnsembleRow>,
    /// What of the data no span judges, a line each.
    pub left_out: Vec<String>,
}

/// Everything known of one case.
#[derive(Debug)]
pub struct EnsembleRow {
    /// What was run.
    pub case: Case,
    /// What the ensemble earned.
    pub ensemble: Assessment,
    /// Against as many trials as were counted, spread as the simple policies were here.
    pub deflation: Deflation,
    /// Against as many independent worthless ones.
    pub strict: Deflation,
    /// Share of resampled paths that grow by more than 20 % a year, at a ratio above 1, falling less than 20 %.
    pub all_three: f64,
    /// The same, filled at the close that decided.
    pub same_close: Option<PathFigures>,
    /// Buying and holding in equal parts.
    pub holding: Option<PathFigures>,
    /// The ensemble less holding.
    pub less_holding: Option<Difference>,
    /// The original system, an account for each market.
    pub original: Option<PathFigures>,
    /// How many simple trend policies were run beside it.
    pub neighbours: usize,
    /// Closed trades of the ensemble.
    pub trades: usize,
}

/// The shipped configuration.
///
/// # Errors
/// [`ConfigError`] when this version cannot read what it ships.
pub fn shipped_settings() -> Result<RunSettings, ConfigError> {
    RunSettings::read_toml("rg-ens12-bes.toml", CONFIG)
}

/// Runs every case over the datasets in `given`; `done` hears how many runs of how many are finished.
///
/// # Errors
/// [`ApplicationError`] when a dataset cannot be used or lacks one of the symbols.
pub fn study_ensemble(
    given: &[PathBuf],
    plan: &EnsemblePlan,
    done: impl Fn(usize, usize) + Sync,
) -> Result<EnsembleStudy, ApplicationError> {
    let base = shipped_settings()?;
    let mut datasets = OpenDatasets::default();
    let available = available(&base, given, &mut datasets)?;
    let ends = data_ends(&base, &available, &mut datasets)?;
    let (cases, left_out) = spans::cases(plan, &ends)?;
    let mut made: Vec<(usize, Role, RunSettings)> = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        made.extend(settings_of(&base, case)?.into_iter().map(|(role, settings)| (place, role, settings)));
    }
    let runner = TrialRunner::new(&available, datasets);
    let run = |(place, _, settings): &(usize, Role, RunSettings)| {
        let window = cases.get(*place).map_or(NOWHERE, |case| case.window);
        runner.run(&Job { settings, window })
    };
    let ran = in_parallel(&made, run, |count| done(count, made.len()))?;
    let judged = cases.iter().enumerate().map(|(place, case)| {
        let of_case = made.iter().zip(&ran).filter(|((of, _, _), _)| *of == place);
        let of_case: Vec<(Role, &Ran)> = of_case.map(|((_, role, _), ran)| (*role, ran)).collect();
        judged(case, &of_case, plan)
    });
    Ok(EnsembleStudy { rows: judged.collect::<Result<_, _>>()?, left_out })
}

const NOWHERE: Window = Window { from: Timestamp::MIN, to: Timestamp::MIN };

/// When the last bar of each market ends.
fn data_ends(
    base: &RunSettings,
    available: &[Available],
    datasets: &mut OpenDatasets,
) -> Result<BTreeMap<String, Timestamp>, ApplicationError> {
    let config = resolve(base, available)?;
    let mut ends = BTreeMap::new();
    for feed in &config.feeds {
        let series = datasets.reader(&feed.dataset)?.series(&feed.series)?;
        let entry = series.entry();
        if entry.info.interval != Some(Span::DAY) {
            let line =
                format!("study {}: daily bars are needed; import them with --interval 1d", feed.series);
            return Err(ApplicationError::Request(line));
        }
        ends.insert(entry.info.symbol.clone(), Timestamp::from_nanos(entry.last_at).plus(Span::DAY));
    }
    Ok(ends)
}

/// The runs of one case, each with its settings.
fn settings_of(base: &RunSettings, case: &Case) -> Result<Vec<(Role, RunSettings)>, ApplicationError> {
    let mut whole = base.clone();
    keep(&mut whole, case.symbols);
    let with = |settings: &RunSettings, strategy: &Value| -> Result<RunSettings, ApplicationError> {
        let mut settings = settings.clone();
        let nothing = serde_json::Map::new();
        settings.policy =
            catalogue::read(strategy.as_object().unwrap_or(&nothing)).map_err(ResolveError::from)?;
        settings.risk.drawdown_max = Ratio::ONE;
        Ok(settings)
    };
    let mut holding = with(&whole, &json!({ "name": "buy-and-hold" }))?;
    share_out(&mut holding, case.symbols.len());
    let mut same_close = whole.clone();
    same_close.run.fill = Some(FillModel::SameClose);
    let mut runs = vec![(Role::SameClose, same_close), (Role::Holding, holding)];
    for symbol in case.symbols {
        let mut alone = base.clone();
        keep(&mut alone, &[symbol]);
        runs.push((Role::Original, with(&alone, &json!({ "name": "seed-3d" }))?));
    }
    for strategy in neighbours(case.symbols.len()) {
        runs.push((Role::Neighbour, with(&whole, &strategy)?));
    }
    runs.insert(0, (Role::Ensemble, whole));
    Ok(runs)
}

fn keep(settings: &mut RunSettings, symbols: &[&str]) {
    settings.data.retain(|data| symbols.contains(&data.symbol.as_str()));
    settings.instruments.retain(|symbol, _| symbols.contains(&symbol.as_str()));
}

/// Twelve trend policies of the catalogue, at the speeds anyone would try first.
fn neighbours(instruments: usize) -> Vec<Value> {
    let share = format!("{}%", 100 / instruments.max(1));
    let policy = |name: &str, keys: [&str; 2], values: (u32, u32)| {
        let [first, second] = keys;
        json!({ "name": name, first: values.0, second: values.1, "size": { "equity_share": share.clone() } })
    };
    let channels =
        [(10, 5), (20, 10), (55, 20), (100, 50)].map(|pair| policy("donchian", ["entry", "exit"], pair));
    let crosses =
        [(5, 20), (10, 50), (20, 100), (50, 200)].map(|pair| policy("sma-cross", ["fast", "slow"], pair));
    let followers =
        [(4, 16), (8, 32), (16, 64), (32, 128)].map(|pair| policy("ema-cross", ["fast", "slow"], pair));
    channels.into_iter().chain(crosses).chain(followers).collect()
}

fn judged(case: &Case, ran: &[(Role, &Ran)], plan: &EnsemblePlan) -> Result<EnsembleRow, ApplicationError> {
    let days = case.window.to.since(case.window.from).nanos() / Span::DAY.nanos();
    let days = usize::try_from(days).unwrap_or_default();
    let of =
        |role: Role| ran.iter().filter(move |(of, _)| *of == role).map(|(_, ran)| padded(&ran.returns, days));
    let trades = ran.iter().find(|(role, _)| *role == Role::Ensemble).map_or(0, |(_, ran)| ran.trades);
    let short = || {
        ApplicationError::Request(format!("study the span from {}: too few days to judge", case.from_day()))
    };
    let returns = of(Role::Ensemble).next().ok_or_else(short)?;
    let assessment = Assessment::of(&returns, plan.draws, plan.seed).ok_or_else(short)?;
    let resampling = Plan::of(&returns, plan.draws, plan.seed);
    let resampled = Draws::of(&returns, &resampling).ok_or_else(short)?;
    let holding = of(Role::Holding).next().unwrap_or_default();
    let ratios: Vec<f64> =
        of(Role::Neighbour).map(|trial| sharpe_per_period(&trial).unwrap_or(0.0)).collect();
    let search = |sharpe_sd| Search { trials: plan.trials, sharpe_sd };
    let original: Vec<Vec<f64>> = of(Role::Original).collect();
    let figures = |returns: &[f64]| PathFigures::of(returns.iter().copied());
    Ok(EnsembleRow {
        case: case.clone(),
        deflation: Deflation::of(&returns, &search(deviation(&ratios).unwrap_or(0.0))),
        strict: Deflation::of(&returns, &search(1.0 / (days as f64 - 1.0).sqrt())),
        all_three: resampled.share(|path| path.cagr > 0.2 && path.sharpe > 1.0 && path.max_drawdown > -0.2),
        same_close: of(Role::SameClose).next().and_then(|returns| figures(&returns)),
        less_holding: Difference::of(&returns, &holding, &resampling, LEVEL),
        holding: figures(&holding),
        original: figures(&side_by_side(&original)),
        neighbours: ratios.len(),
        ensemble: assessment,
        trades,
    })
}

/// Days without data before an instrument begins return nothing.
fn padded(returns: &[f64], days: usize) -> Vec<f64> {
    let missing = days.saturating_sub(returns.len());
    std::iter::repeat_n(0.0, missing).chain(returns.iter().copied()).take(days).collect()
}

/// Accounts of equal size kept apart: the daily returns of their sum.
fn side_by_side(accounts: &[Vec<f64>]) -> Vec<f64> {
    let days = accounts.iter().map(Vec::len).max().unwrap_or_default();
    let mut worth = vec![1.0; accounts.len()];
    let mut before = accounts.len() as f64;
    let day = |day: usize| {
        for (worth, account) in worth.iter_mut().zip(accounts) {
            *worth *= 1.0 + account.get(day).copied().unwrap_or_default();
        }
        let now: f64 = worth.iter().sum();
        let change = if before > 0.0 { now / before - 1.0 } else { 0.0 };
        before = now;
        change
    };
    (0..days).map(day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_kept_apart_earn_their_sum() {
        let both = side_by_side(&[vec![0.1, 0.0], vec![0.0, -0.5]]);
        assert!((both[0] - 0.05).abs() < 1e-15);
        assert!((both[1] - (1.6 / 2.1 - 1.0)).abs() < 1e-15);
        assert_eq!(padded(&[0.1], 3), [0.0, 0.0, 0.1]);
    }

    #[test]
    fn every_case_has_its_runs() {
        let base = RunSettings::read_toml("rg-ens12-bes.toml", CONFIG).unwrap();
        let cases = spans::usual_cases();
        assert_eq!(cases.len(), 9);
        let runs = settings_of(&base, &cases[8]).unwrap();
        assert_eq!(runs.len(), 3 + 3 + 12);
        let costs = |settings: &RunSettings| (settings.costs.taker_fee, settings.costs.slippage);
        assert!(runs.iter().all(|(_, settings)| costs(settings) == costs(&base)), "all pay the same");
        let optimistic = runs.iter().filter(|(_, run)| run.run.fill.is_some_and(FillModel::is_optimistic));
        assert_eq!(optimistic.map(|(role, _)| *role).collect::<Vec<_>>(), [Role::SameClose]);
    }
}
