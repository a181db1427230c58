//! TBD

pub mod backtest;

pub mod market_source;

pub mod sim_environment;

mod sim_venue;

pub mod statistics;

pub mod report;

pub mod import;

pub mod quality;

pub mod replayer;

pub mod series_feed;

pub mod synth;

pub mod export;
