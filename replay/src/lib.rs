//! History as an environment: files become datasets, datasets become runs, runs become figures.
//!
//! This crate promises that a backtest is the same loop as any other run, only with simulated time and a simulated
//! venue; that no order fills at a price that was past when it was decided, unless a setting asks for it and every
//! report calls it optimistic; that a recorded run decided again gives the same outputs; and that a failed import
//! changes nothing stored.
//!
//! It deliberately has no opinion on what to trade, keeps no bytes of its own (the journal does), talks to no
//! exchange and reads no configuration file. Figures are computed beside a run and never flow back into it. Funding,
//! borrowing, market impact and inverse contracts are not modelled; [`backtest::assumptions`] says what is assumed
//! instead.
//!
//! Reading order: [`import`] brings files in and [`quality`] says how good they are, [`synth`] makes a market where
//! there is none; [`market_source`] and [`series_feed`] give records in the order of a run; [`sim_environment`] is
//! simulated time, with the simulated venue behind it; [`backtest`] joins everything for one run; [`replayer`] is
//! the way back into it; [`statistics`] and [`report`] say what came out, [`significance`] how much of it is luck,
//! [`walk_forward`] what choosing was worth, [`regimes`] judges who names market regimes, and [`export`] hands it
//! all to others.

pub mod backtest;

pub mod market_source;

pub mod sim_environment;

mod sim_venue;

pub mod statistics;

pub mod regimes;

pub mod significance;

pub mod walk_forward;

pub mod report;

pub mod import;

pub mod quality;

pub mod replayer;

pub mod series_feed;

pub mod synth;

pub mod export;
