//! Many backtests that are not kept, judged together: trials, walk-forward, studies; and real trading held beside them.
//!
//! Reading order: [`trial_run`] is one backtest, [`trial_runner`] makes many over the same datasets, [`parallel`] on all
//! cores, and [`trials`] records each; [`sweep`], [`walk_forward`], [`ensemble_study`] and [`specialist_study`] ask the
//! questions, [`stress`] that of a recorded run; [`specialist_search`] is what the last one searches with and judges by.
//! [`parity`] sets a run on real time beside its backtest, and [`calibration`] fits the settings of backtests to such runs.

pub mod calibration;

pub mod ensemble_study;

mod market_tape;

pub mod parallel;

pub mod parity;

pub mod specialist_search;

pub mod specialist_study;

pub mod stress;

pub mod sweep;

pub mod trial_run;

pub mod trial_runner;

pub mod trials;

pub mod walk_forward;
