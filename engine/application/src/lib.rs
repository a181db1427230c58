//! Configuration and application: requests in, results out, no terminal and no command line.
//!
//! Reading order: [`own_strategies`] are those of the program at hand; [`config`] is one file read into checked settings,
//! [`examples`] are such files that come with the program, [`draft`] writes a new one; [`wiring`] makes runs of settings and
//! datasets, and
//! opens what was recorded, beginning with [`wiring::backtest`].

pub mod amount;

pub mod moment;

pub mod byte_size;

pub mod own_strategies;

pub mod config;

pub mod examples;

pub mod draft;

pub mod wiring;
