//! Many backtests that are not kept: their runner, and the record of what was tried.

pub mod parallel;

pub mod trial_run;

pub mod trial_runner;

pub mod trials;
