//! The channel `user` of Coinbase: how the orders of an account stand, in sums.
//!
//! It tells no trades. [`CumulativeOrder`](crate::cumulative_order::CumulativeOrder) makes fills of what it sums up; the exact
//! ones are asked for by REST. One connection for each user, which is dropped unless it subscribes within 5 s; `heartbeats`
//! keep it open.

use super::{request_wire, user_wire};
use crate::account_message::AccountMessage;
use crate::dialect::frame_error::FrameError;

/// Base URL of this channel in production.
pub const USER_URL: &str = "wss://advanced-trade-ws-user.coinbase.com";

/// The messages that subscribe; `token` is one that names no request.
#[must_use]
pub fn subscribe(token: &str) -> [String; 2] {
    ["user", "heartbeats"].map(|channel| request_wire::subscribe(channel, token))
}

/// What a frame says, with its number on the connection behind it.
///
/// # Errors
/// [`FrameError`] for what is not JSON, or lacks or spoils a field that its meaning hangs on.
pub fn messages(frame: &str) -> Result<Vec<AccountMessage>, FrameError> {
    user_wire::messages(frame)
}

#[cfg(test)]
mod tests;
