//! The exchange from outside: a client of its own on real sockets of the loopback.
//!
//! - `binance`, `coinbase`, `kraken`: streams, answers and REST of each dialect against the truth.
//! - `books`: the books of a client beside the truth, after many orders and faults.
//! - `client`: a client that knows WebSocket and HTTP, and nothing of the exchange's code.
//! - `faults`: each fault verb does what it says.
//! - `history`: bars of the past, and the same market for the same seed.
//! - `hostile`: extreme numbers and messages that are none.
//! - `coinbase_orders`, `kraken_orders`: orders in the words of Coinbase and Kraken.
//! - `order_faults`: each fault verb of orders does what it says.
//! - `orders`, `trader`: orders and their events against the truth, by a client that signs.
//! - `server`: settings, the clock, the log and the control interface.
//! - `storm`: many faults at random change nothing of the market.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up has failed")]

mod binance;
mod books;
mod client;
mod coinbase;
mod coinbase_orders;
mod faults;
mod history;
mod hostile;
mod kraken;
mod kraken_orders;
mod order_faults;
mod orders;
mod server;
mod storm;
mod trader;
