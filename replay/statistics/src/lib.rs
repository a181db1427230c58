//! The figures of a run, and what must be recorded while it goes by to have them.
//!
//! A backtest feeds four recorders: [`EquityRecorder`] with equity, [`TradeBook`] with fills, [`BuyAndHold`]
//! and [`PriceRecorder`] with marks. Their memory does not grow with ticks: it is fixed, or grows with days
//! of history and closed trades. [`Statistics::of`] folds them into every figure at the end;
//! [`figures::FIGURES`] names each with its convention, and `STATISTICS.md` with its formula and source.
//!
//! This crate promises that every figure has one formula, which `STATISTICS.md` states with its source, and that a
//! figure that is not defined is none rather than a number. Equal input gives equal digits on every platform: what is
//! random comes from a seed. It deliberately reads no files and knows neither strategies nor venues; floating point
//! is used here and nowhere upstream, and nothing in this crate flows back into a run.
//!
//! Reading order: the figures of one run here; [`significance`] says how much of them is luck, and [`walk_forward`]
//! what choosing was worth; [`estimate`] is of what real trading showed, not of what a run earned.

mod amount;
mod calendar;
mod candle;
mod curve;
mod drawdown;
mod equity;
pub mod estimate;
pub mod figures;
mod fold;
mod intervals;
mod plausibility;
mod price;
mod reason;
mod reference;
mod regime_days;
mod rolling;
mod round_trip;
mod series;
pub mod significance;
pub mod spans;
mod summary;
mod trade_book;
mod trade_figures;
mod undefined;
pub mod walk_forward;
mod warning;

#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod trade_book_tests;

pub use amount::money_f64;
pub use calendar::{Month, moment_text, row_text};
pub use candle::{Candle, CandleColumns, PriceCandles};
pub use curve::{Curve, Point};
pub use drawdown::{DrawdownTracker, Fall, Falls};
pub use equity::{EquityRecorder, MonthlyReturn};
pub use price::PriceRecorder;
pub use reference::BuyAndHold;
pub use regime_days::{RegimeDays, RegimeFigures};
pub use rolling::Rolling;
pub use round_trip::{RoundTrip, TradeRow};
pub(crate) use series::DAYS_PER_YEAR;
pub use series::RETURNS_MIN;
pub use series::{
    SharpeEvidence, TailLoss, deviation, kurtosis, mean, normal_cdf, omega, quantile, sharpe_per_period,
    skewness, sortino_per_period,
};
pub use spans::{SpanFigures, SpanSide};
pub use summary::{
    Costs, Drawdowns, Exposure, InstrumentFigures, Performance, Period, Recorded, Risk, Statistics,
};
pub use trade_book::{FillFact, OpenLot, TradeBook, TradeBookError, Traffic};
pub use trade_figures::{ExitReason, TradeFigures};
pub use warning::Warning;
