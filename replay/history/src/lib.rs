//! History brought in and judged: files become datasets, datasets become records in the order of a run.
//!
//! This crate promises that a failed import changes nothing stored, that the same file imported twice changes nothing,
//! and that every stored series can be asked what is missing, doubled or impossible in it. A made-up market is a
//! function of its request and says that it is made up.
//!
//! It deliberately keeps no bytes of its own (the journal does), talks to no exchange, and knows neither orders nor
//! fills.
//!
//! Reading order: [`import`] brings files in and [`quality`] says how good they are, [`synth`] makes a market where
//! there is none, and [`market_source`] is how anybody reads market records on their way into a run.

pub mod import;

pub mod quality;

pub mod synth;

pub mod market_source;
