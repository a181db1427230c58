//! What the published result is worth, recomputed from the same bars: who traded, how much the best trades
//! carry, what costs and honest fills leave, and what doing nothing would have earned.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use serde::Serialize;

use crate::ensemble::{CAPITAL, Decision, EnsembleRun, FREE, Fill, Terms, Trade, backtest, decisions};
use crate::indicators::{BARS_A_YEAR, sample_deviation};
use crate::specialist::{Genome, Specialists};

/// Days in a year of this market, which never closes.
const DAYS_A_YEAR: f64 = 365.0;

/// Days in a calendar year, for compound growth.
const CALENDAR_YEAR: f64 = 365.25;

/// How many of the best trades are added up.
const TOP_TRADES: usize = 5;

/// The terms the published run is tried on, with their names.
const VARIANTS: [(&str, Terms); 6] = [
    ("as published: same close, no costs", FREE),
    ("fee 0.1 %", Terms { fee: 0.001, ..FREE }),
    ("fee 0.1 % and 5 bps slippage", Terms { fee: 0.001, slippage: 0.0005, ..FREE }),
    ("fee 0.2 % and 10 bps slippage", Terms { fee: 0.002, slippage: 0.001, ..FREE }),
    ("next open, no costs", Terms { fill: Fill::NextOpen, ..FREE }),
    ("next open, fee 0.1 % and 5 bps slippage", Terms { fill: Fill::NextOpen, fee: 0.001, slippage: 0.0005 }),
];

/// Entry thresholds of the volatile specialist that are tried; the published one is nothing.
const ENTRY_THRESHOLDS: [f64; 8] = [0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.068];

/// The figures of one equity curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CurveFigures {
    /// Profit over start capital in per cent.
    pub total_return_pct: f64,
    /// Compound growth a year in per cent.
    pub cagr_pct: f64,
    /// Mean over deviation of daily returns times √252, as published; no interest.
    pub sharpe_252: f64,
    /// The same times √365, as this market trades.
    pub sharpe_365: f64,
    /// Largest fall from a peak in per cent, at most nothing.
    pub max_drawdown_pct: f64,
}

/// The published run on one set of terms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variant {
    /// What is different.
    pub terms: &'static str,
    /// Cash after the forced sale.
    pub final_capital: f64,
    /// Its curve.
    #[serde(flatten)]
    pub curve: CurveFigures,
    /// Positions opened and closed.
    pub round_trips: usize,
    /// Share of them that earned, in per cent.
    pub win_rate_pct: f64,
    /// Fees and slippage paid.
    pub total_cost: f64,
}

/// A passive holding over the same days, without costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Passive {
    /// What is held.
    pub holding: &'static str,
    /// Share of equity in the asset, restored every day.
    pub weight: f64,
    /// Its curve.
    #[serde(flatten)]
    pub curve: CurveFigures,
}

/// How often each regime was detected, whom it asked, and how many entries followed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegimeUse {
    /// The regime.
    pub regime: Regime,
    /// The regime whose specialist was asked.
    pub specialist: Regime,
    /// Decision days with this regime.
    pub days: usize,
    /// Days on which the specialist answered anything.
    pub days_answered: usize,
    /// Positions entered.
    pub entries: usize,
    /// The smallest signal that the specialist would have answered.
    pub entry_threshold: f64,
}

/// The return at another entry threshold of the volatile specialist.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThresholdReturn {
    /// The threshold.
    pub entry_threshold: f64,
    /// Profit over start capital in per cent.
    pub total_return_pct: f64,
    /// Positions opened and closed.
    pub round_trips: usize,
}

/// The published result and what stands behind it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audit {
    /// Days with a decision.
    pub decision_days: usize,
    /// The result on each set of terms; the first is as published.
    pub variants: Vec<Variant>,
    /// Buy and hold, and daily rebalanced shares of it with the exposure and the volatility of the ensemble.
    pub passive: Vec<Passive>,
    /// Who was asked and who traded, in the order of [`Regime::ALL`].
    pub regimes: Vec<RegimeUse>,
    /// The largest signal, without its sign, of all days.
    pub largest_prediction: f64,
    /// Share of all profit that the five best trades made.
    pub top5_trades_share_of_profit: f64,
    /// Share of all profit that the single best trade made.
    pub best_trade_share_of_profit: f64,
    /// Bars the longest position was held.
    pub longest_hold_bars: usize,
    /// Share of days with a position.
    pub time_in_market: f64,
    /// Mean share of equity in the asset.
    pub mean_exposure: f64,
    /// Largest share of equity in the asset; the size at entry is a tenth of cash at most.
    pub max_exposure: f64,
    /// The result at other entry thresholds of the volatile specialist, all else as published.
    pub thresholds: Vec<ThresholdReturn>,
    /// Whether the curve stays the same, bit for bit, when every gene but the volatile entry threshold and the
    /// volatile size is replaced.
    pub other_genes_are_idle: bool,
}

/// Audits the published run of `specialists` over `history`; `None` for too few bars or where nothing traded.
#[must_use]
pub fn audit(history: &[Candle], specialists: &Specialists) -> Option<Audit> {
    let decided = decisions(history, specialists);
    let published = backtest(history, &decided, FREE);
    if published.trades.is_empty() {
        return None;
    }
    let variant = |(name, terms): &(&'static str, Terms)| variant(name, &backtest(history, &decided, *terms));
    let exposures = exposures(history, &published);
    let profit = published.final_capital - CAPITAL;
    let prediction = |largest: f64, decision: &Decision| largest.max(decision.prediction.abs());
    Some(Audit {
        decision_days: published.days.len(),
        variants: VARIANTS.iter().map(variant).collect(),
        passive: passive(history, &published, mean(&exposures)),
        regimes: Regime::ALL.iter().map(|regime| regime_use(*regime, &published, specialists)).collect(),
        largest_prediction: decided.iter().flatten().fold(0.0, prediction),
        top5_trades_share_of_profit: best(&published.trades, TOP_TRADES) / profit,
        best_trade_share_of_profit: best(&published.trades, 1) / profit,
        longest_hold_bars: published.trades.iter().map(held_bars).max().unwrap_or(0),
        time_in_market: published.days.iter().filter(|day| day.qty > 0.0).count() as f64
            / published.days.len() as f64,
        mean_exposure: mean(&exposures),
        max_exposure: exposures.iter().copied().fold(0.0, f64::max),
        thresholds: ENTRY_THRESHOLDS.iter().map(|at| at_threshold(history, specialists, *at)).collect(),
        other_genes_are_idle: idle(history, specialists, &published),
    })
}

/// The start capital and the equity of every day: the first return is that of a day before the first decision.
#[must_use]
pub fn equity_curve(run: &EnsembleRun) -> Vec<f64> {
    std::iter::once(CAPITAL).chain(run.days.iter().map(|day| day.equity)).collect()
}

/// The figures of a whole run.
#[must_use]
pub fn figures(run: &EnsembleRun) -> CurveFigures {
    CurveFigures::of(&equity_curve(run), run.final_capital, run.days.len().saturating_sub(1))
}

impl CurveFigures {
    /// The figures of `curve`, one point a day, that ends as `final_capital` after `days`.
    #[must_use]
    pub fn of(curve: &[f64], final_capital: f64, days: usize) -> Self {
        let returns: Vec<f64> = curve.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect();
        let growth = final_capital / curve.first().copied().unwrap_or(f64::NAN);
        let years = days as f64 / CALENDAR_YEAR;
        let sharpe = |year: f64| {
            let deviation = sample_deviation(&returns).filter(|deviation| *deviation > 0.0);
            deviation.map_or(0.0, |deviation| mean(&returns) / deviation * year.sqrt())
        };
        Self {
            total_return_pct: (growth - 1.0) * 100.0,
            cagr_pct: (libm::pow(growth, 1.0 / years) - 1.0) * 100.0,
            sharpe_252: sharpe(BARS_A_YEAR),
            sharpe_365: sharpe(DAYS_A_YEAR),
            max_drawdown_pct: deepest_fall_pct(curve),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deepest_fall_pct(curve: &[f64]) -> f64 {
    let mut peak = f64::NEG_INFINITY;
    let fall = |deepest: f64, point: &f64| {
        peak = peak.max(*point);
        deepest.min((point - peak) / peak * 100.0)
    };
    curve.iter().fold(0.0, fall)
}

fn variant(terms: &'static str, run: &EnsembleRun) -> Variant {
    let won = run.trades.iter().filter(|trade| trade.profit > 0.0).count();
    Variant {
        terms,
        final_capital: run.final_capital,
        curve: figures(run),
        round_trips: run.trades.len(),
        win_rate_pct: won as f64 / run.trades.len() as f64 * 100.0,
        total_cost: run.total_cost,
    }
}

/// Share of equity in the asset at the close of every day.
fn exposures(history: &[Candle], run: &EnsembleRun) -> Vec<f64> {
    let exposure =
        |day: &crate::ensemble::Day| history.get(day.bar).map_or(0.0, |bar| day.qty * bar.close / day.equity);
    run.days.iter().map(exposure).collect()
}

fn passive(history: &[Candle], run: &EnsembleRun, mean_exposure: f64) -> Vec<Passive> {
    let closes: Vec<f64> =
        run.days.iter().filter_map(|day| history.get(day.bar)).map(|bar| bar.close).collect();
    let moves: Vec<f64> = closes.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect();
    let own = equity_curve(run);
    let own: Vec<f64> = own.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect();
    let same_volatility = match (sample_deviation(&own), sample_deviation(&moves)) {
        (Some(own), Some(market)) if market > 0.0 => own / market,
        (Some(_), Some(_)) | (None, _) | (_, None) => 0.0,
    };
    let holdings =
        [("buy and hold", 1.0), ("same mean exposure", mean_exposure), ("same volatility", same_volatility)];
    let hold = |(holding, weight): (&'static str, f64)| {
        let mut equity = CAPITAL;
        let grown = moves.iter().map(|step| {
            equity *= 1.0 + weight * step;
            equity
        });
        let curve: Vec<f64> = std::iter::once(CAPITAL).chain(grown).collect();
        Passive { holding, weight, curve: CurveFigures::of(&curve, equity, moves.len()) }
    };
    holdings.map(hold).into()
}

fn regime_use(regime: Regime, run: &EnsembleRun, specialists: &Specialists) -> RegimeUse {
    let (specialist, genome) = match regime {
        Regime::Ranging => (regime, specialists.ranging),
        Regime::Trending => (regime, specialists.trending),
        Regime::Volatile | Regime::Crisis => (Regime::Volatile, specialists.volatile),
    };
    let days = run.days.iter().filter(|day| day.decision.regime == regime);
    let answered = days.clone().filter(|day| day.decision.answer.is_some());
    RegimeUse {
        regime,
        specialist,
        days: days.count(),
        days_answered: answered.count(),
        entries: run.trades.iter().filter(|trade| trade.regime == regime).count(),
        entry_threshold: genome.entry_threshold,
    }
}

/// What the `count` best of `trades` earned together.
fn best(trades: &[Trade], count: usize) -> f64 {
    let mut profits: Vec<f64> = trades.iter().map(|trade| trade.profit).collect();
    profits.sort_by(|a, b| b.total_cmp(a));
    profits.iter().take(count).sum()
}

const fn held_bars(trade: &Trade) -> usize {
    trade.exit_bar - trade.entry_bar
}

fn at_threshold(history: &[Candle], specialists: &Specialists, entry_threshold: f64) -> ThresholdReturn {
    let volatile = Genome { entry_threshold, ..specialists.volatile };
    let run = backtest(history, &decisions(history, &Specialists { volatile, ..*specialists }), FREE);
    ThresholdReturn {
        entry_threshold,
        total_return_pct: (run.final_capital / CAPITAL - 1.0) * 100.0,
        round_trips: run.trades.len(),
    }
}

/// Replaces every gene that the ensemble never reads, and the trending and ranging specialists whole.
fn idle(history: &[Candle], specialists: &Specialists, published: &EnsembleRun) -> bool {
    let ones = Genome::from([1.0; 8]);
    let volatile = Genome {
        stop_loss: 0.001,
        take_profit: 0.001,
        exit_threshold: 1.0,
        max_hold_time: 0.0,
        ..specialists.volatile
    };
    let replaced = Specialists { volatile, trending: ones, ranging: ones };
    let run = backtest(history, &decisions(history, &replaced), FREE);
    let bits = |run: &EnsembleRun| run.days.iter().map(|day| day.equity.to_bits()).collect::<Vec<u64>>();
    bits(&run) == bits(published)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specialist::PUBLISHED;

    #[test]
    fn a_curve_is_measured_from_its_first_point() {
        let figures = CurveFigures::of(&[100.0, 110.0, 99.0, 121.0], 121.0, 3);
        assert!((figures.total_return_pct - 21.0).abs() < 1e-12);
        assert!((figures.max_drawdown_pct + 10.0).abs() < 1e-12);
        assert!((figures.sharpe_365 / figures.sharpe_252 - (365.0_f64 / 252.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_market_without_trades_has_no_audit() {
        assert_eq!(audit(&[], &PUBLISHED), None);
        assert_eq!(audit(&vec![Candle::at(10.0); 100], &PUBLISHED), None);
    }
}
