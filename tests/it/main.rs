//! The house as a whole, one binary.
//!
//! - `architecture`: imports, banned names, sizes and documents.
//! - `crash`: children killed at random moments lose no acknowledged event.
//! - `damage`: flipped bits, cuts, zeroed and swapped pages are found, and a store comes back from its log.
//! - `durability`: one real sync before an acknowledgement.
//! - `ensemble`: the account follows the golden book of the default ensemble, day by day.
//! - `gate`: no limit is ever exceeded.
//! - `laws`: what holds for every market and every script.
//! - `lookahead`: knowing a bar's close earns nothing at the next open.
//! - `oracle`: results of other engines, reproduced to the last digit.
//! - `regimes`: the default detector against its reference, bar by bar.
//! - `steps`: the steps that the journal tests record.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up has failed")]

mod architecture;
mod crash;
mod damage;
mod durability;
mod ensemble;
mod gate;
mod laws;
mod lookahead;
mod oracle;
mod regimes;
mod steps;
