//! Kraken Spot, WebSocket version 2, as its documents and recorded frames describe it.

pub(crate) mod rest;
pub(crate) mod session;
