//! `study ensemble`: what `rg-ens12` earned over three universes and three spans, after costs, with its uncertainty.
//!
//! Every figure is of the real engine: decided at the close, filled at the next open, 10 bps fee and 5 bps slippage.
//! History before a span is learned from and not traded. Beside it stand buying and holding, the original system, and
//! the same ensemble filled at the close that decided, which no market would have done.

use std::path::{Path, PathBuf};

use clap::Args;
use engine_core::time::{Span, Timestamp};
use replay_simulation::backtest::config::FillModel;
use replay_simulation::series_feed::OpenDatasets;
use replay_statistics::significance::assessment::{Assessment, Deflation, LEVEL};
use replay_statistics::significance::bootstrap::{Difference, Draws, Plan};
use replay_statistics::significance::deflated::Search;
use replay_statistics::significance::path::PathFigures;
use replay_statistics::walk_forward::fold::Window;
use replay_statistics::{deviation, sharpe_per_period};
use serde_json::{Value, json};
use strategies::catalogue;

use crate::config::{RunSettings, resolve};
use crate::failure::{Failure, Verdict};
use crate::moment::parse_moment;
use crate::parallel::in_parallel;
use crate::progress::Line;
use crate::significance::draws;
use crate::terminal::Terminal;
use crate::trade::{available, note_doubled};
use crate::workshop::{Job, Ran, Workshop, share_out};

mod table;

/// The shipped configuration, from which every run of the study is made.
const CONFIG: &str = include_str!("../../../../fixtures/config/rg-ens12-bes.toml");

const UNIVERSES: [&[&str]; 3] = [&["BTCUSDT"], &["BTCUSDT", "ETHUSDT"], &["BTCUSDT", "ETHUSDT", "SOLUSDT"]];
const SPANS: [(&str, &str); 3] =
    [("2018-01-01", "2025-01-01"), ("2020-01-01", "2025-01-01"), ("2022-01-01", "2025-01-01")];

/// Configurations that were looked at on these markets before this one became the default.
const TRIALS_COUNTED: u64 = 200;

/// `engine study ensemble`.
#[derive(Debug, Args)]
pub struct EnsembleArgs {
    /// A dataset with daily bars of BTCUSDT, ETHUSDT and SOLUSDT; may be given several times.
    #[arg(long, value_name = "DIR", required = true)]
    pub dataset: Vec<PathBuf>,
    /// Configurations tried before this one was picked.
    #[arg(long, value_name = "N", default_value_t = TRIALS_COUNTED, value_parser = clap::value_parser!(u64).range(1..))]
    pub trials: u64,
    /// Everything random comes from here.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Resampled paths.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = draws)]
    pub draws: usize,
    /// Write a self-contained HTML page.
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
}

/// One universe over one span.
#[derive(Debug, Clone)]
struct Case {
    symbols: &'static [&'static str],
    from: &'static str,
    window: Window,
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

/// Everything known of one case.
#[derive(Debug)]
struct Row {
    case: Case,
    ensemble: Assessment,
    /// Against as many trials as were counted, spread as the simple policies were here.
    deflation: Deflation,
    /// Against as many independent worthless ones.
    strict: Deflation,
    /// Share of resampled paths that grow by more than 20 % a year, at a ratio above 1, falling less than 20 %.
    all_three: f64,
    same_close: Option<PathFigures>,
    holding: Option<PathFigures>,
    less_holding: Option<Difference>,
    original: Option<PathFigures>,
    neighbours: usize,
    trades: usize,
}

/// Runs `engine study ensemble`.
///
/// # Errors
/// [`Failure`] when a dataset cannot be used or lacks one of the symbols.
pub fn ensemble(terminal: Terminal, args: &EnsembleArgs) -> Result<Verdict, Failure> {
    args.html.as_deref().map_or(Ok(()), crate::paper::check)?;
    let base = RunSettings::read_toml("rg-ens12-bes.toml", CONFIG)?;
    let mut datasets = OpenDatasets::default();
    note_doubled(terminal, &base, &args.dataset);
    let available = available(&base, &args.dataset, &mut datasets)?;
    let ends = data_end(&base, &available, &mut datasets)?;
    let cases = cases(ends)?;
    let mut made: Vec<(usize, Role, RunSettings)> = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        made.extend(settings_of(&base, case)?.into_iter().map(|(role, settings)| (place, role, settings)));
    }
    let workshop = Workshop::new(&available, datasets);
    let line = Line::runs(terminal);
    let run = |(place, _, settings): &(usize, Role, RunSettings)| {
        let window = cases.get(*place).map_or(NOWHERE, |case| case.window);
        workshop.run(&Job { settings, window })
    };
    let ran = in_parallel(&made, run, |done| line.finished(done, made.len()))?;
    drop(line);
    let mut rows = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        let of_case = made.iter().zip(&ran).filter(|((of, _, _), _)| *of == place);
        let of_case: Vec<(Role, &Ran)> = of_case.map(|((_, role, _), ran)| (*role, ran)).collect();
        rows.push(judged(case, &of_case, args)?);
    }
    if let Some(path) = &args.html {
        let page = table::page(&rows, args, &command(args)).render();
        std::fs::write(path, page).map_err(|error| Failure::io("write", path, error))?;
    }
    terminal.answer(&document(&rows, args), &table::text(&rows, args))?;
    Ok(Verdict::Fine)
}

const NOWHERE: Window = Window { from: Timestamp::MIN, to: Timestamp::MIN };

fn command(args: &EnsembleArgs) -> String {
    let mut line = "engine study ensemble".to_owned();
    for dataset in &args.dataset {
        line.push_str(&format!(" --dataset {}", dataset.display()));
    }
    line.push_str(&format!(" --trials {} --seed {} --draws {}", args.trials, args.seed, args.draws));
    line
}

/// When the last bar of Bitcoin ends.
fn data_end(
    base: &RunSettings,
    available: &[crate::config::Available],
    datasets: &mut OpenDatasets,
) -> Result<Timestamp, Failure> {
    let config = resolve(base, available)?;
    let mut ends = Timestamp::MIN;
    for feed in &config.feeds {
        let series = datasets.reader(&feed.dataset)?.series(&feed.series)?;
        let entry = series.entry();
        if entry.info.interval != Some(Span::DAY) {
            let line =
                format!("study {}: daily bars are needed; import them with --interval 1d", feed.series);
            return Err(Failure::Request(line));
        }
        ends = ends.max(Timestamp::from_nanos(entry.last_at).plus(Span::DAY));
    }
    Ok(ends)
}

/// Every universe over every span, each up to where the data ends.
fn cases(ends: Timestamp) -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for symbols in UNIVERSES {
        for (from, to) in SPANS {
            let moment = |text: &str| parse_moment(text).unwrap_or(Timestamp::MIN);
            let window = Window { from: moment(from), to: moment(to).min(ends) };
            if window.from >= window.to {
                let line = format!("study the span from {from}: the data ends before it; bring newer bars");
                return Err(Failure::Request(line));
            }
            cases.push(Case { symbols, from, window });
        }
    }
    Ok(cases)
}

/// The runs of one case, each with its settings.
fn settings_of(base: &RunSettings, case: &Case) -> Result<Vec<(Role, RunSettings)>, Failure> {
    let mut whole = base.clone();
    keep(&mut whole, case.symbols);
    let with = |settings: &RunSettings, strategy: &Value| -> Result<RunSettings, Failure> {
        let mut settings = settings.clone();
        let nothing = serde_json::Map::new();
        settings.policy = catalogue::read(strategy.as_object().unwrap_or(&nothing))
            .map_err(crate::config::ResolveError::from)?;
        settings.risk.drawdown_max = engine_core::num::Ratio::ONE;
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

fn judged(case: &Case, ran: &[(Role, &Ran)], args: &EnsembleArgs) -> Result<Row, Failure> {
    let days = case.window.to.since(case.window.from).nanos() / Span::DAY.nanos();
    let days = usize::try_from(days).unwrap_or_default();
    let of =
        |role: Role| ran.iter().filter(move |(of, _)| *of == role).map(|(_, ran)| padded(&ran.returns, days));
    let trades = ran.iter().find(|(role, _)| *role == Role::Ensemble).map_or(0, |(_, ran)| ran.trades);
    let short = || Failure::Request(format!("study the span from {}: too few days to judge", case.from));
    let returns = of(Role::Ensemble).next().ok_or_else(short)?;
    let assessment = Assessment::of(&returns, args.draws, args.seed).ok_or_else(short)?;
    let plan = Plan::of(&returns, args.draws, args.seed);
    let resampled = Draws::of(&returns, &plan).ok_or_else(short)?;
    let holding = of(Role::Holding).next().unwrap_or_default();
    let ratios: Vec<f64> =
        of(Role::Neighbour).map(|trial| sharpe_per_period(&trial).unwrap_or(0.0)).collect();
    let search = |sharpe_sd| Search { trials: args.trials, sharpe_sd };
    let original: Vec<Vec<f64>> = of(Role::Original).collect();
    let figures = |returns: &[f64]| PathFigures::of(returns.iter().copied());
    Ok(Row {
        case: case.clone(),
        deflation: Deflation::of(&returns, &search(deviation(&ratios).unwrap_or(0.0))),
        strict: Deflation::of(&returns, &search(1.0 / (days as f64 - 1.0).sqrt())),
        all_three: resampled.share(|path| path.cagr > 0.2 && path.sharpe > 1.0 && path.max_drawdown > -0.2),
        same_close: of(Role::SameClose).next().and_then(|returns| figures(&returns)),
        less_holding: Difference::of(&returns, &holding, &plan, LEVEL),
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

fn document(rows: &[Row], args: &EnsembleArgs) -> Value {
    let rows = rows.iter().map(|row| {
        json!({
            "universe": row.case.symbols,
            "from": row.case.from,
            "to": table::last_day(row.case.window.to),
            "ensemble": row.ensemble,
            "trades": row.trades,
            "deflation": row.deflation,
            "deflation_against_worthless_trials": row.strict,
            "simple_trend_policies": row.neighbours,
            "share_meeting_all_three": row.all_three,
            "buy_and_hold": row.holding,
            "less_buy_and_hold": row.less_holding,
            "original": row.original,
            "same_close_optimistic": row.same_close,
        })
    });
    json!({
        "study": "ensemble",
        "strategy": "rg-ens12",
        "fill": "next-open",
        "fee_bps": 10,
        "slippage_bps": 5,
        "trials_counted": args.trials,
        "rows": rows.collect::<Vec<_>>(),
        "html": args.html.as_deref().map(Path::display).map(|path| path.to_string()),
        "doubts": table::DOUBTS,
    })
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
        let cases = cases(Timestamp::MAX).unwrap();
        assert_eq!(cases.len(), 9);
        let runs = settings_of(&base, &cases[8]).unwrap();
        assert_eq!(runs.len(), 3 + 3 + 12);
        let costs = |settings: &RunSettings| (settings.costs.taker_fee, settings.costs.slippage);
        assert!(runs.iter().all(|(_, settings)| costs(settings) == costs(&base)), "all pay the same");
        let optimistic = runs.iter().filter(|(_, run)| run.run.fill.is_some_and(FillModel::is_optimistic));
        assert_eq!(optimistic.map(|(role, _)| *role).collect::<Vec<_>>(), [Role::SameClose]);
        assert!(super::cases(parse_moment("2021-06-01").unwrap()).is_err());
    }
}
