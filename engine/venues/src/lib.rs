//! Exchanges: their messages, their sockets, and what they say as inputs of the core.
//!
//! This crate promises that what a venue says becomes inputs in the order it was read, that loss is an input and never
//! silence, and that no frame can stop it. It decides nothing, and nobody else knows a socket or the JSON of an exchange.

mod backoff;
pub mod clock;
pub mod ingress;
pub mod live_feed;
pub mod market_venue;
mod session;
