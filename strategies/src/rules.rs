//! `rules`: conditions written in the configuration, read once into trees and judged at every sample.
//!
//! Reading order: [`functions`] lists every function with its arguments; [`token`] cuts
//! a text into words, [`tree`] is what it means, and [`parser`] leads from one to the other; [`indicator`] is a function at
//! work, [`program`] computes trees on samples, each part once; [`signal`] turns the four rules into calls; [`params`]
//! reads the settings. `RULES.md` is the reference for those who write rules.

pub mod functions;

mod token;

pub mod tree;

pub mod parser;

mod indicator;

pub mod program;

pub mod signal;

pub mod params;
