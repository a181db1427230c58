//! The original's score of a specialist: its own backtest over a training set, and eight figures of it.
//!
//! Fills at the close that decided, long and short, no costs. A genome that enters before there is a range has a
//! size of NaN, and from there on everything that depends on capital is NaN.

use crate::indicators::BARS_A_YEAR;
use crate::specialist::{Genome, Holding};
use crate::training::TrainingRow;

const CAPITAL: f64 = 10_000.0;

/// What a specialist's backtest came to. NaN where the original has NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The sum of weighted figures that evolution maximised.
    pub fitness: f64,
    /// Profit over start capital.
    pub total_return: f64,
    /// Mean over deviation of trade returns that ignore size and idle time, annualised by the mean hold.
    pub sharpe_ratio: f64,
    /// Share of trades that earned.
    pub win_rate: f64,
    /// Largest fall from a peak, as a fraction of the peak.
    pub max_drawdown: f64,
    /// Number of trades.
    pub trades: usize,
    /// Mean trade return, size ignored.
    pub avg_trade_return: f64,
    /// Profits over losses; the profits themselves where nothing was lost.
    pub profit_factor: f64,
}

/// A closed trade of the specialist.
#[derive(Debug, Clone, Copy)]
struct Closed {
    earned: f64,
    profit: f64,
    bars: u32,
}

/// Capital and trades as the backtest goes on.
#[derive(Debug)]
struct Account {
    equity: f64,
    marks: Vec<f64>,
    closed: Vec<Closed>,
}

impl Account {
    fn close(&mut self, holding: &Holding, close: f64) {
        let earned = holding.earned(close);
        let profit = self.equity * holding.size * earned;
        self.equity += profit;
        self.closed.push(Closed { earned, profit, bars: holding.bars });
    }
}

/// Scores `genome` on a training set.
#[must_use]
pub fn score(genome: &Genome, rows: &[TrainingRow]) -> Score {
    let mut account = Account { equity: CAPITAL, marks: vec![CAPITAL], closed: Vec::new() };
    let mut holding: Option<Holding> = None;
    for (last, row) in rows.iter().enumerate() {
        holding = match holding {
            Some(held) if genome.leaves(&held, row.signal, row.close) => {
                account.close(&held, row.close);
                None
            }
            Some(held) => Some(Holding { bars: held.bars + 1, ..held }),
            None => enter(genome, rows, last, row),
        };
        let open = holding.map_or(1.0, |held| 1.0 + held.size * held.earned(row.close));
        account.marks.push(account.equity * open);
    }
    if let (Some(held), Some(row)) = (holding, rows.last()) {
        account.close(&held, row.close);
    }
    figures(&account)
}

fn enter(genome: &Genome, rows: &[TrainingRow], last: usize, row: &TrainingRow) -> Option<Holding> {
    let first = last.saturating_sub(4);
    let recent = rows.get(first..=last).unwrap_or_default().iter().filter_map(|row| row.daily_return);
    let recent: Vec<f64> = recent.collect();
    let momentum = mean(&recent);
    let (side, size) = genome.entry(row.signal, row.close, row.atr.unwrap_or(f64::NAN), momentum)?;
    Some(Holding { side, entry: row.close, size, bars: 1 })
}

/// NaN for no values.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn figures(account: &Account) -> Score {
    let closed = &account.closed;
    let count = closed.len() as f64;
    let earned: Vec<f64> = closed.iter().map(|trade| trade.earned).collect();
    let total_return = (account.equity - CAPITAL) / CAPITAL;
    let max_drawdown = deepest_fall(&account.marks);
    if closed.is_empty() {
        return Score {
            fitness: 0.0,
            total_return,
            sharpe_ratio: 0.0,
            win_rate: 0.0,
            max_drawdown,
            trades: 0,
            avg_trade_return: 0.0,
            profit_factor: 0.0,
        };
    }
    let won: f64 = closed.iter().map(|trade| trade.profit).filter(|profit| *profit > 0.0).sum();
    let lost: f64 = closed.iter().map(|trade| -trade.profit).filter(|loss| *loss > 0.0).sum();
    let win_rate = closed.iter().filter(|trade| trade.profit > 0.0).count() as f64 / count;
    let profit_factor = if lost > 0.0 { won / lost } else { won };
    let hold = closed.iter().map(|trade| f64::from(trade.bars)).sum::<f64>() / count;
    let sharpe_ratio = sharpe(&earned, hold);
    let fitness = 10.0 * sharpe_ratio + 20.0 * total_return + 5.0 * win_rate - 15.0 * max_drawdown
        + 3.0 * profit_factor.min(3.0);
    Score {
        fitness,
        total_return,
        sharpe_ratio,
        win_rate,
        max_drawdown,
        trades: closed.len(),
        avg_trade_return: mean(&earned),
        profit_factor,
    }
}

/// Nothing for fewer than two trades or trades that all earn the same.
fn sharpe(earned: &[f64], hold: f64) -> f64 {
    let mean = mean(earned);
    let squares: f64 = earned.iter().map(|earned| (earned - mean) * (earned - mean)).sum();
    let deviation = (squares / earned.len() as f64).sqrt();
    if earned.len() < 2 || deviation <= 0.0 {
        return 0.0;
    }
    mean / deviation * (BARS_A_YEAR / hold.max(1.0)).sqrt()
}

/// The largest fall from a running peak, as a fraction of it; NaN as soon as a mark is.
fn deepest_fall(marks: &[f64]) -> f64 {
    let mut peak = f64::NEG_INFINITY;
    let mut deepest = 0.0_f64;
    for mark in marks {
        if mark.is_nan() {
            return f64::NAN;
        }
        peak = peak.max(*mark);
        deepest = deepest.max((peak - mark) / peak);
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(closes: &[f64], signal: f64) -> Vec<TrainingRow> {
        let row = |(bar, close): (usize, &f64)| TrainingRow {
            bar,
            close: *close,
            atr: Some(4.0),
            daily_return: Some(0.0),
            signal,
        };
        closes.iter().enumerate().map(row).collect()
    }

    #[test]
    fn a_position_is_closed_at_the_end_and_a_day_that_closes_never_enters() {
        let genome = Genome::from([0.5, 0.05, 1.0, 0.5, 0.1, 1.0, 1.0, 0.6]);
        let scored = score(&genome, &rows(&[100.0, 104.0, 106.0, 100.0, 101.0], 1.0));
        assert_eq!(scored.trades, 2, "in at 100, out at 106, in at 100, out at the end");
        assert!((scored.total_return - (1.006 * 1.001 - 1.0)).abs() < 1e-12);
        assert!((scored.win_rate - 1.0).abs() < 1e-12);
        assert!(scored.profit_factor > 10.0, "dollars, as nothing was lost");
    }

    #[test]
    fn without_a_trade_everything_is_nothing_and_without_a_range_it_is_not_a_number() {
        let genome = Genome::from([0.5, 0.05, 1.0, 0.5, 0.1, 1.0, 1.0, 0.6]);
        assert!(score(&genome, &rows(&[1.0, 2.0], 0.1)).fitness.abs() < 1e-15);
        assert!(score(&genome, &[]).fitness.abs() < 1e-15);
        let mut blind = rows(&[100.0, 101.0, 102.0], 1.0);
        blind[0].atr = None;
        let scored = score(&genome, &blind);
        assert!(scored.fitness.is_nan() && scored.max_drawdown.is_nan() && !scored.sharpe_ratio.is_nan());
    }
}
