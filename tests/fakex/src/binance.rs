//! Binance Spot as its documents describe it: streams, subscriptions and REST.

pub(crate) mod rest;
pub(crate) mod session;
