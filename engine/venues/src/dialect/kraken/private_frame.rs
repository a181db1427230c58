//! Frames of Kraken's private WebSocket: answers to calls, and what happens to the account.

use super::private_call::PrivateChannel;
use crate::account_message::AccountMessage;
use crate::dialect::frame_error::FrameError;
use crate::order_answer::OrderAnswer;

mod private_wire;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrivateFrame {
    /// The answer to a call.
    Reply {
        /// The number of the call, where the venue repeats it.
        id: Option<u64>,
        /// What it means and says.
        answer: OrderAnswer,
    },
    /// What happens to the account.
    Said {
        /// Which of the private channels tells it, if one does.
        channel: Option<PrivateChannel>,
        /// What, with the number of the message on its channel behind it.
        messages: Vec<AccountMessage>,
    },
}

impl PrivateFrame {
    /// The frame that `text` is.
    ///
    /// # Errors
    /// [`FrameError`] for what is not JSON, or lacks or spoils a field that its meaning hangs on. A call that waits for its
    /// answer then has none: what it asked for is unknown.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        private_wire::frame(text)
    }
}

#[cfg(test)]
mod tests;
