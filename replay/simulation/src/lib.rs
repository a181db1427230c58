//! Simulated time and a simulated venue: a dataset and a strategy become a recorded run.
//!
//! This crate promises that a backtest is the same loop as any other run, only with simulated time and a simulated
//! venue, and that no order fills at a price that was past when it was decided, unless a setting asks for it and every
//! report calls it optimistic.
//!
//! It deliberately has no opinion on what to trade, talks to no exchange and reads no configuration file. Funding,
//! borrowing and inverse contracts are not modelled; [`backtest::assumptions`] says what is assumed
//! instead.
//!
//! Reading order: [`config`] is everything a run depends on besides its data; [`impact`] is what the size of an order costs
//! it; [`series_feed`] merges stored series by time; [`sim_environment`] is simulated time, with the simulated venue behind
//! it; [`live_environment`] is real time with a real venue behind it, which lies elsewhere; [`operator`] may end a run early; [`backtest`] joins
//! everything for one run.

pub mod config;

pub mod impact;

pub mod backtest;

pub mod series_feed;

pub mod sim_environment;

pub mod live_environment;

pub mod operator;

mod sim_venue;
