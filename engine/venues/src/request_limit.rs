//! How much a venue lets a client ask in a time, and how much of that is used up, as it says itself.

use engine_core::time::Span;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// New orders.
    Orders,
    /// Requests of any kind, each by its weight.
    Weight,
}

/// A limit and what is used of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitUse {
    /// What is counted.
    pub limited: Limited,
    /// In how long a window; windows begin where the venue's clock is a multiple of it.
    pub window: Span,
    /// How much is allowed in one.
    pub limit: u64,
    /// How much is used in the one of now.
    pub used: u64,
}
