//! The program: configuration, wiring and commands. Everything it can do lies in other crates.

pub mod moment;

pub mod config;
