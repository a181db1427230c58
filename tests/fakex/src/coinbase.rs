//! Coinbase Advanced Trade as its documents describe it: channels and REST, and both for orders.

mod holdings;
pub(crate) mod orders;
pub(crate) mod rest;
pub(crate) mod session;
mod token;
pub(crate) mod user;
pub(crate) mod written;
