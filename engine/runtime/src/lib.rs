//! The ports through which the core meets the world, and the one loop that joins them.
//!
//! The loop is the same in backtest, paper and live. It promises that no effect leaves before its
//! event is durable. It knows no files, sockets or clocks: those live behind [`ports`].

pub mod interruption;

pub mod ports;

pub mod conductor;

pub mod conductor_thread;

pub mod runner;
