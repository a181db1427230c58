//! The answer to a request about orders: what it means, and what it says.

use core::fmt;

use crate::account_message::AccountMessage;
use crate::outcome::Outcome;

/// An answer, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderAnswer {
    /// What it means for the request.
    pub outcome: Outcome,
    /// What it says, in its order.
    pub messages: Vec<AccountMessage>,
    /// Where the next page begins, for a list that goes on there.
    pub next_page: Option<String>,
}

impl OrderAnswer {
    /// An answer that says nothing beyond its meaning.
    #[must_use]
    pub const fn bare(outcome: Outcome) -> Self {
        Self { outcome, messages: Vec::new(), next_page: None }
    }

    /// An answer that says `messages`.
    #[must_use]
    pub const fn saying(messages: Vec<AccountMessage>) -> Self {
        Self { outcome: Outcome::Answered, messages, next_page: None }
    }

    /// An answer that says what was read; where it cannot be read, what was done is unknown.
    #[must_use]
    pub fn read<E: fmt::Display>(messages: Result<Vec<AccountMessage>, E>) -> Self {
        match messages {
            Ok(messages) => Self::saying(messages),
            Err(error) => Self::bare(Outcome::unreadable(&error)),
        }
    }
}
