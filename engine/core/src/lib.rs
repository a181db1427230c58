//! The pure decider: inputs in, conclusions out.
//!
//! This crate promises that the same inputs give the same outputs, bit for bit, on every run. To keep that
//! promise it has no clock, randomness, IO, threads, logging or unordered collections; its dependency list
//! is the proof, and a test reads it. It never performs an effect: [`effect::Effect::of`] says what a
//! recorded output demands, and someone else does it.
//!
//! Reading order: [`time`], [`num`], [`instrument`] and [`market`] are the nouns; [`order`] and [`fill`] the life of
//! an order; [`intent`], [`refusal`] and [`halt`] what is wanted, refused and stopped; [`event`] and [`envelope`] the
//! sentences of the journal; [`ledger`] and [`state`] what they fold into; [`strategy`] and [`risk`] who proposes and
//! who disposes; [`machine`] the one function that joins them.

pub mod time;

pub mod num;

pub mod real;

pub mod instrument;

pub mod asset;

pub mod listing;

pub mod mark;

pub mod market;

pub mod bars;

pub mod indicator;

pub mod regime;

pub mod feature;

pub mod conductor;

pub mod digest;

pub mod knowledge;

pub mod fill;

pub mod feed;

pub mod order;

pub mod intent;

pub mod refusal;

pub mod halt;

pub mod event;

pub mod epoch;

pub mod client_id;

pub mod envelope;

pub mod effect;

pub mod ledger;

pub mod state;

pub mod strategy;

pub mod risk;

pub mod machine;

#[cfg(test)]
mod sample;
