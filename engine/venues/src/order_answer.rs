//! The answer to a request about orders: what it means, and what it says.

use crate::account_message::AccountMessage;
use crate::outcome::Outcome;

/// An answer, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderAnswer {
    /// What it means for the request.
    pub outcome: Outcome,
    /// What it says, in its order.
    pub messages: Vec<AccountMessage>,
}

impl OrderAnswer {
    /// An answer that says nothing beyond its meaning.
    #[must_use]
    pub const fn bare(outcome: Outcome) -> Self {
        Self { outcome, messages: Vec::new() }
    }
}
