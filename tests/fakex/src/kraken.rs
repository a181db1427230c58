//! Kraken as its documents describe it: WebSocket v2 and the public REST interface, and both for orders.

mod answer;
pub(crate) mod executions;
pub(crate) mod orders;
pub(crate) mod private;
pub(crate) mod rest;
pub(crate) mod session;
mod subscription;
