//! Binance Spot as its documents describe it: streams, subscriptions, REST, and the interfaces for orders.

pub(crate) mod api;
pub(crate) mod report;
pub(crate) mod rest;
pub(crate) mod session;
mod words;
