//! How much of a result is luck: what a figure is worth once its noise, its shape and the search behind it
//! are counted.
//!
//! Reading order: [`deflated`] asks of one series of returns whether its Sharpe ratio survives its own length,
//! shape and the number of trials; [`bootstrap`] says how far a figure could have come out elsewhere, with the
//! length of its blocks from [`block_length`]; [`timing`] asks of positions whether *when* they were held
//! mattered, over the [`exposure`] of a run; [`overfitting`] and
//! [`reality_check`] judge a whole search; [`assessment`] puts together what a reader is told of one series.
//!
//! Everything random comes from a seed: the same seed gives the same digits on every platform. Formulas,
//! sources and how to read them: `STATISTICS.md`.

pub mod assessment;
pub mod block_length;
pub mod bootstrap;
pub mod deflated;
pub mod exposure;
mod normal;
pub mod overfitting;
pub mod path;
pub(crate) mod random;
pub mod reality_check;
pub mod timing;

pub use normal::normal_quantile;
