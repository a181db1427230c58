//! The ports through which the core meets the world, and the one loop that joins them.
//!
//! The loop is the same in backtest, paper and live. It promises that no effect leaves before its
//! event is durable. It knows no files or sockets: those live behind [`ports`]; only [`group_commit`] looks at a clock, to
//! bound how long an event waits for the disk, and [`latency`], to say how long things take.

pub mod interruption;

pub mod ports;

pub mod order_route;

pub mod conductor;

pub mod conductor_thread;

pub mod commit_gate;

pub mod group_commit;

pub mod latency;

pub mod measured_journal;

pub mod runner;
