//! Streaming indicators: one definition for training, backtest and live.
//!
//! Every indicator takes one value or bar at a time, says `None` until it is warm, forgets everything on
//! `forget`, and never gives NaN or an infinity: what is no number of a market is passed over, as if it had not
//! come. A step is O(1) or O(log n), save for deviations, which are computed anew from their window so that they
//! have the same bits after any history. Transcendental functions come from `libm`, so the bits are the same
//! everywhere.

pub(crate) mod usable_price;

pub mod adx;

mod candle;

pub mod donchian;

pub mod efficiency_ratio;

pub mod ewmac;

pub mod exponential_mean;

pub mod exponential_variance;

pub mod missing_bars;

pub mod log_return;

pub mod moments;

pub mod order_statistics;

pub mod realised_volatility;

mod rolling_sum;

pub mod rsi;

pub mod sma;

pub mod true_range;

pub mod tsmom;

pub mod window;

pub use adx::{Adx, DirectionalMovement};
pub use candle::Candle;
pub use donchian::{Channel, Donchian, RollingMaximum};
pub use efficiency_ratio::EfficiencyRatio;
pub use ewmac::Ewmac;
pub use exponential_mean::{ExponentialMean, Weighting};
pub use exponential_variance::ExponentialVariance;
pub use log_return::LogReturn;
pub use moments::{Moments, RollingMoments};
pub use order_statistics::OrderStatistics;
pub use realised_volatility::RealisedVolatility;
pub use rsi::Rsi;
pub use sma::Sma;
pub use true_range::{Atr, TrueRange};
pub use tsmom::{Momentum, Tsmom};
pub use window::Window;

#[cfg(test)]
mod laws;
