//! The system as a whole, one binary.
//!
//! - `architecture`: imports, banned names, sizes and documents.
//! - `catalogue`: every policy with its defaults trades on a synthetic market.
//! - `cheap_coins`: orders beyond 64 bits, to the last digit.
//! - `conduct`: regimes, questions and answers in whole runs.
//! - `crash`: children killed at random moments lose no acknowledged event.
//! - `damage`: flipped bits, cuts, zeroed and swapped pages are found, and a store comes back from its log.
//! - `durability`: one real sync before an acknowledgement.
//! - `ensemble`: the account follows the golden book of the default ensemble, day by day.
//! - `gate`: no limit is ever exceeded.
//! - `laws`: what holds for every market and every script.
//! - `legacy`: the original system against its golden files, in plain numbers and inside the engine.
//! - `lookahead`: knowing a bar's close earns nothing at the next open.
//! - `missing`: bars removed at random, and quiet minutes of trades.
//! - `oracle`: results of other engines, reproduced to the last digit.
//! - `own_strategies`: rules in the configuration and targets from a file, in whole runs.
//! - `regime_eval`: hindsight labels, scores, nulls and fits of regime detectors.
//! - `regimes`: the default detector against its reference, bar by bar.
//! - `salvage`: stores up to 100 MB, damaged at every depth: found, unchanged by looking, restored up to the damage.
//! - `settings`: configurations changed by chance are read or refused.
//! - `simulation`: made-up worlds, in which a run is broken in every way and taken up again.
//! - `steps`: the steps that the journal tests record.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up has failed")]

mod architecture;
mod catalogue;
mod cheap_coins;
mod conduct;
mod crash;
mod damage;
mod durability;
mod ensemble;
mod ensemble_rounds;
mod gate;
mod holding;
mod laws;
mod legacy;
mod lookahead;
mod missing;
mod oracle;
mod own_strategies;
mod regime_eval;
mod regimes;
mod salvage;
mod settings;
mod simulation;
mod steps;
