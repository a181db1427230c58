//! Every figure of a run in one value, in a fixed order.

use std::collections::BTreeMap;

use super::equity::EquityRecorder;
use super::reference::BuyAndHold;
use super::spans::SpanFigures;
use super::trade_book::TradeBook;
use super::trade_figures::{ExitReason, TradeFigures};
use super::warning::Warning;

/// What a run was recorded with; the statistics are folded from these.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// Equity over time.
    pub equity: &'a EquityRecorder,
    /// Fills and the trades they closed.
    pub trades: &'a TradeBook,
    /// Buy-and-hold of the same instruments.
    pub reference: &'a BuyAndHold,
}

/// Every figure of a run. Each has its formula, convention and source in `STATISTICS.md`; `null` means that
/// the figure is not defined for this run, never zero.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Statistics {
    /// What was measured.
    pub period: Period,
    /// What was earned.
    pub performance: Performance,
    /// What was risked for it, on daily returns.
    pub risk: Risk,
    /// Falls from the peak.
    pub drawdown: Drawdowns,
    /// How much was held.
    pub exposure: Exposure,
    /// What trading cost.
    pub costs: Costs,
    /// Closed trades.
    pub trades: TradeFigures,
    /// Closed trades by the reason they ended.
    pub exit_reasons: Vec<ExitReason>,
    /// The same, instrument by instrument.
    pub instruments: Vec<InstrumentFigures>,
    /// Every calendar year, UTC, with buying and holding beside it.
    pub years: Vec<SpanFigures>,
    /// What a reader should know before believing the rest.
    pub warnings: Vec<Warning>,
    /// Why a figure is null, by its group and key, as in `risk.sharpe`.
    pub undefined: BTreeMap<String, String>,
}

/// The measured period and its samples.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Period {
    /// When it begins, RFC 3339 UTC.
    pub start: Option<String>,
    /// When it ends, RFC 3339 UTC.
    pub end: Option<String>,
    /// Its length in days of 24 hours.
    pub days: f64,
    /// Samples of equity taken.
    pub samples: u64,
    /// Daily returns the risk figures rest on.
    pub daily_returns: u64,
}

/// What was earned, in the settlement currency or per cent.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Performance {
    /// Start capital.
    pub capital: f64,
    /// Equity at the end, open positions at their mark.
    pub final_equity: f64,
    /// Final equity less capital.
    pub profit: f64,
    /// Profit over capital, per cent.
    pub return_pct: Option<f64>,
    /// Yearly growth that compounds to the same, per cent; `None` also where it is too large for a number, which
    /// the warning `absurd_growth` then says.
    pub cagr_pct: Option<f64>,
    /// Return of buying every instrument in equal parts at one moment and holding, per cent.
    pub buy_and_hold_return_pct: Option<f64>,
}

/// Risk figures on daily returns of equity; the risk-free rate is 0.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Risk {
    /// Standard deviation of daily returns by the year, per cent.
    pub volatility_pct: Option<f64>,
    /// Sharpe ratio by the year of 365 days.
    pub sharpe: Option<f64>,
    /// Lower end of its 95 % interval.
    pub sharpe_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub sharpe_high: Option<f64>,
    /// The same ratio by a year of 252 days, to compare with tools for stock exchanges.
    pub sharpe_252: Option<f64>,
    /// Probability that the true Sharpe ratio is above zero, per cent.
    pub probabilistic_sharpe_pct: Option<f64>,
    /// Sortino ratio by the year of 365 days.
    pub sortino: Option<f64>,
    /// Lower end of its 95 % interval.
    pub sortino_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub sortino_high: Option<f64>,
    /// CAGR over maximum drawdown.
    pub calmar: Option<f64>,
    /// Lower end of its 95 % interval, on daily closes.
    pub calmar_low: Option<f64>,
    /// Upper end of its 95 % interval, on daily closes.
    pub calmar_high: Option<f64>,
    /// Gains over losses of daily returns.
    pub omega: Option<f64>,
    /// Skewness of daily returns.
    pub skewness: Option<f64>,
    /// Kurtosis of daily returns, 3 for a normal distribution.
    pub kurtosis: Option<f64>,
    /// Historical value at risk of a day at 95 %, per cent, a loss negative.
    pub var_95_pct: Option<f64>,
    /// Mean return of the days at or beyond it, per cent.
    pub cvar_95_pct: Option<f64>,
    /// Historical value at risk of a day at 99 %, per cent, a loss negative.
    pub var_99_pct: Option<f64>,
    /// Mean return of the days at or beyond it, per cent.
    pub cvar_99_pct: Option<f64>,
    /// Best day, per cent.
    pub best_day_pct: Option<f64>,
    /// Worst day, per cent.
    pub worst_day_pct: Option<f64>,
    /// Share of days with a gain, per cent.
    pub winning_days_pct: Option<f64>,
}

/// Falls from the peak; a depth is at most zero.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Drawdowns {
    /// Deepest fall over all samples of equity, per cent of its peak.
    pub max_drawdown_pct: f64,
    /// The peak it fell from, RFC 3339 UTC.
    pub max_drawdown_peak_at: Option<String>,
    /// Its lowest moment, RFC 3339 UTC.
    pub max_drawdown_trough_at: Option<String>,
    /// When the peak was reached again, RFC 3339 UTC; `null` if it never was.
    pub max_drawdown_recovered_at: Option<String>,
    /// Longest time below a peak over all samples, days.
    pub longest_drawdown_days: f64,
    /// Deepest fall over daily closes only, per cent of its peak.
    pub daily_max_drawdown_pct: f64,
    /// Mean depth of the falls of daily closes, per cent.
    pub daily_average_drawdown_pct: Option<f64>,
    /// Mean time from peak to recovery of the falls of daily closes, days.
    pub daily_average_drawdown_days: Option<f64>,
    /// Number of falls of daily closes.
    pub daily_drawdowns: u64,
}

/// How much was held.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Exposure {
    /// Share of the period with a position, per cent.
    pub time_in_market_pct: Option<f64>,
    /// Mean gross notional over equity, weighted by time, per cent.
    pub exposure_mean_pct: Option<f64>,
    /// Largest gross notional over equity, per cent.
    pub exposure_max_pct: f64,
}

/// What trading cost, in the settlement currency.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Costs {
    /// Fills.
    pub fills: u64,
    /// Share of fills that made liquidity, per cent.
    pub maker_fills_pct: Option<f64>,
    /// Fees, rebates deducted.
    pub fees: f64,
    /// Fees of fills that made liquidity; negative is a rebate.
    pub fees_maker: f64,
    /// Fees of fills that took liquidity.
    pub fees_taker: f64,
    /// What fills cost against the price decided at; negative is a gain.
    pub slippage_cost: f64,
    /// Fees and slippage over capital, per cent.
    pub cost_of_capital_pct: Option<f64>,
    /// Price × quantity over all fills.
    pub volume: f64,
    /// Volume over mean daily equity.
    pub turnover: Option<f64>,
    /// Turnover by the year of 365 days.
    pub turnover_per_year: Option<f64>,
}

/// What one instrument contributed.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct InstrumentFigures {
    /// Its venue and symbol, as in `binance:BTCUSDT`.
    pub instrument: String,
    /// Fills in it.
    pub fills: u64,
    /// Closed trades in it.
    pub trades: u64,
    /// Share of them with a profit above zero, per cent.
    pub win_rate_pct: Option<f64>,
    /// Profit of its closed trades net of fees.
    pub profit: f64,
    /// Fees of all its fills.
    pub fees: f64,
    /// Slippage cost of all its fills.
    pub slippage_cost: f64,
    /// Price × quantity over all its fills.
    pub volume: f64,
    /// Last mark over its first price (the first bar's open) minus one, without costs, per cent.
    pub price_change_pct: Option<f64>,
}
