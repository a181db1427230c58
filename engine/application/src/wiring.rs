//! Runs made of settings and datasets, and what was recorded opened again; no terminal and no command line.

pub mod backtest;

pub mod clock;

pub mod closed_trades;

pub mod conductor;

pub mod datasets;

pub mod error;

pub mod frame_import;

pub mod frame_recording;

pub mod halt;

mod kept_rules;

pub mod live;

pub mod paper;

pub mod recorded_source;

pub mod recording;

pub mod replay;

pub mod run_figures;

pub mod run_tables;

pub mod signing;

pub mod state_at;

pub mod venue;
