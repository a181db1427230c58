//! Streaming indicators: one definition for training, backtest and live.
//!
//! Every indicator takes one value or bar at a time in O(1) or O(log n), says `None` until it is warm, and
//! never gives NaN. Transcendental functions come from `libm`, so the bits are the same everywhere.

mod candle;

pub mod order_statistics;

pub mod window;

pub use candle::Candle;
